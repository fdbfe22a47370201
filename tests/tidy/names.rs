//! What a file names: every path in it, with `crate`, `self` and `super` resolved.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{File, Kind, Token, closing, reads};

/// A path that a file names, from the crate's root or from another crate's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Named {
    /// `crate`, or the name of another crate.
    pub(crate) root: String,
    /// What follows; the last is `*` for a glob.
    pub(crate) rest: Vec<String>,
    pub(crate) line: usize,
}

impl Named {
    /// The layer or item below the crate's root, where it is this crate.
    pub(crate) fn own(&self) -> Option<&str> {
        (self.root == "crate").then(|| self.rest.first().map_or("", String::as_str))
    }

    pub(crate) fn text(&self) -> String {
        let parts: Vec<&str> = std::iter::once(&self.root).chain(&self.rest).map(String::as_str).collect();
        parts.join("::")
    }
}

/// The paths that the code of a file names. `crates` are those that there are besides this one.
pub(crate) fn named(file: &File, crates: &BTreeSet<String>) -> Vec<Named> {
    let Written { uses, paths, declared } = written(file);
    let imported = uses.iter().filter_map(|path| path.local.clone());
    let local: BTreeSet<String> = imported.chain(declared).collect();
    let paths = paths.into_iter().filter(|path| !local.contains(&path.words[0]));
    let module = module_of(&file.path);
    uses.into_iter().chain(paths).filter_map(|path| resolve(&path, &module, crates)).collect()
}

/// A place of this crate that a file names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// From the crate's root; the last is `*` for a glob.
    pub(crate) words: Vec<String>,
    /// The name under which a `pub use` shows the place to other files; empty for a glob.
    pub(crate) shown_as: Option<String>,
    pub(crate) line: usize,
}

/// The places of this crate that the code of a file names, also through a module that the file declares, and through a
/// name that the file imports.
pub(crate) fn places(file: &File) -> Vec<Place> {
    let Written { uses, paths, declared } = written(file);
    let module = module_of(&file.path);
    let own = |words: &[String]| match words.first() {
        Some(first) if declared.contains(first) => Some([&module, words].concat()),
        _ => {
            let path = Path { words: words.to_vec(), local: None, is_shown: false, line: 0 };
            resolve(&path, &module, &BTreeSet::new()).map(|named| named.rest)
        }
    };
    let imported: BTreeMap<&str, Vec<String>> =
        uses.iter().filter_map(|path| Some((path.local.as_deref()?, own(&path.words)?))).collect();
    let place = |path: &Path| {
        let through = path.words.first().and_then(|first| imported.get(first.as_str()));
        let words = match through {
            Some(place) if path.words.len() > 1 => Some([place, &path.words[1..]].concat()),
            _ => own(&path.words),
        };
        let shown_as = path.is_shown.then(|| path.local.clone().filter(|name| name != "*").unwrap_or_default());
        Some(Place { words: words?, shown_as, line: path.line })
    };
    let of_uses = uses.iter().filter_map(place);
    of_uses.chain(paths.iter().filter_map(place)).collect()
}

/// What a file writes that can be a path.
struct Written {
    /// The leaves of `use` declarations.
    uses: Vec<Path>,
    /// Paths outside of `use`.
    paths: Vec<Path>,
    /// The modules that the file declares.
    declared: BTreeSet<String>,
}

fn written(file: &File) -> Written {
    let (uses, rest) = split_uses(&without_visibility(&file.code()));
    let leaves = |(is_shown, tree): &(bool, Vec<Token>)| {
        let is_shown = *is_shown;
        flatten(tree, &[]).into_iter().map(move |path| Path { is_shown, ..path })
    };
    let declared = rest.windows(2).filter(|pair| pair[0].is("mod")).map(|pair| pair[1].text.clone());
    Written { uses: uses.iter().flat_map(leaves).collect(), paths: written_out(&rest), declared: declared.collect() }
}

/// The tokens without the `(crate)` of `pub(crate)`: who may see a thing is no use of the place that is named there.
fn without_visibility(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        kept.push(token.clone());
        let who = ["crate", "super", "self", "in"].iter().any(|word| reads(tokens, at + 1, &["(", word]));
        at = if token.is("pub") && who { closing(tokens, at + 1) + 1 } else { at + 1 };
    }
    kept
}

/// A path as it is written.
#[derive(Clone, Debug)]
struct Path {
    words: Vec<String>,
    /// The name that a `use` makes of it.
    local: Option<String>,
    /// Whether that name is for other files too.
    is_shown: bool,
    line: usize,
}

/// The trees of the `use` declarations, each with whether it is a `pub use`, and the tokens that are left.
fn split_uses(tokens: &[Token]) -> (Vec<(bool, Vec<Token>)>, Vec<Token>) {
    let (mut uses, mut rest) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if token.is("use") {
            let end = (at..tokens.len()).find(|i| tokens[*i].is(";")).unwrap_or(tokens.len());
            let is_shown = at > 0 && tokens[at - 1].is("pub");
            uses.push((is_shown, tokens[at + 1..end].to_vec()));
            at = end + 1;
        } else {
            rest.push(token.clone());
            at += 1;
        }
    }
    (uses, rest)
}

/// The paths of a `use` tree.
fn flatten(tree: &[Token], before: &[String]) -> Vec<Path> {
    let Some(first) = tree.first() else { return Vec::new() };
    if first.is("{") {
        return branches(&tree[1..closing(tree, 0)]).iter().flat_map(|branch| flatten(branch, before)).collect();
    }
    if first.is("::") {
        return flatten(&tree[1..], before);
    }
    let word = first.text.clone();
    let mut words = before.to_vec();
    if word != "self" || before.is_empty() {
        words.push(word);
    }
    if reads(tree, 1, &["::"]) {
        return flatten(&tree[2..], &words);
    }
    let renamed = reads(tree, 1, &["as"]).then(|| tree[2].text.clone());
    // `use http;` names the crate; every other leaf is a name of this file.
    let local = (words.len() > 1).then(|| renamed.or_else(|| words.last().cloned())).flatten();
    vec![Path { words, local, is_shown: false, line: first.line }]
}

/// The comma-separated parts of a group.
fn branches(tokens: &[Token]) -> Vec<Vec<Token>> {
    let mut parts = vec![Vec::new()];
    let mut depth = 0_usize;
    for token in tokens {
        depth = match token.text.as_str() {
            "{" => depth + 1,
            "}" => depth - 1,
            _ => depth,
        };
        match parts.last_mut() {
            Some(part) if depth > 0 || !token.is(",") => part.push(token.clone()),
            _ => parts.push(Vec::new()),
        }
    }
    parts
}

/// The paths of two words and more outside of `use`.
fn written_out(tokens: &[Token]) -> Vec<Path> {
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let mut end = at;
        while tokens[end].is_word()
            && reads(tokens, end + 1, &["::"])
            && tokens.get(end + 2).is_some_and(Token::is_word)
        {
            end += 2;
        }
        if end > at {
            let words = tokens[at..=end].iter().filter(|t| t.kind == Kind::Word).map(|t| t.text.clone());
            let line = tokens[at].line;
            paths.push(Path { words: words.collect(), local: None, is_shown: false, line });
        }
        at = end + 1;
    }
    paths
}

/// The module that a file is: `src/walk/http.rs` is `walk::http`. Findings are modules of diagnose (see build.rs).
fn module_of(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let parts = inner.split('/').map(|part| if part == "findings" { "diagnose" } else { part });
    parts.filter(|part| !["lib", "main"].contains(part)).map(str::to_owned).collect()
}

fn resolve(path: &Path, module: &[String], crates: &BTreeSet<String>) -> Option<Named> {
    let first = path.words.first()?.as_str();
    let ups = path.words.iter().take_while(|word| *word == "super").count();
    let rest = match first {
        "crate" | "mesh_why" => path.words[1..].to_vec(),
        "self" => [module, &path.words[1..]].concat(),
        "super" => [&module[..module.len().saturating_sub(ups)], &path.words[ups..]].concat(),
        name if crates.contains(name) => {
            return Some(Named { root: name.to_owned(), rest: path.words[1..].to_vec(), line: path.line });
        }
        _ => return None,
    };
    Some(Named { root: "crate".to_owned(), rest, line: path.line })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &str, text: &str) -> Vec<String> {
        let crates = ["std", "http", "tokio"].map(str::to_owned).into();
        named(&File::new(path, text), &crates).iter().map(Named::text).collect()
    }

    #[test]
    fn uses_are_taken_apart() {
        let text =
            "use crate::{envoy::{self, pb as p}, snapshot::*};\nuse super::super::verdict::Mark as M;\nuse http;";
        let expected = ["crate::envoy", "crate::envoy::pb", "crate::snapshot::*", "crate::verdict::Mark", "http"];
        assert_eq!(texts("src/walk/http.rs", text), expected);
    }

    #[test]
    fn paths_count_inside_macros_too() {
        let text = "fn f() { format!(\"{}\", crate::walk::walk()); tokio::time::sleep(std::iter::empty()) }";
        assert_eq!(texts("src/render.rs", text), ["crate::walk::walk", "tokio::time::sleep", "std::iter::empty"]);
    }

    #[test]
    fn a_place_is_named_through_what_is_declared_or_imported() {
        let text = "pub use way::{branch::Branch, stop::*};\npub(in crate::walk) mod way;\nuse self::way::course as c;\nfn f() { c::go(); way::log::new(); Vec::new() }";
        let places = places(&File::new("src/walk.rs", text));
        let shown: Vec<(String, Option<&str>)> =
            places.iter().map(|place| (place.words.join("::"), place.shown_as.as_deref())).collect();
        let expected = [
            ("walk::way::branch::Branch", Some("Branch")),
            ("walk::way::stop::*", Some("")),
            ("walk::way::course", None),
            ("walk::way::course::go", None),
            ("walk::way::log::new", None),
        ];
        assert_eq!(shown, expected.map(|(words, name)| (words.to_owned(), name)));
    }

    #[test]
    fn a_module_hides_a_crate_of_its_name() {
        assert_eq!(texts("src/walk.rs", "mod http;\nfn f() { http::walk() }"), Vec::<String>::new());
        let text = "use super::http;\nfn f() { http::walk() }";
        assert_eq!(texts("src/walk/tcp.rs", text), ["crate::walk::http"]);
        assert_eq!(texts("src/walk/tcp.rs", "fn f() { http::walk() }"), ["http::walk"]);
    }
}
