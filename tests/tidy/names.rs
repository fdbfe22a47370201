//! What a file names: every path in it, with `crate`, `self` and `super` resolved.

use std::collections::BTreeSet;

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
    let tokens = file.code();
    let (uses, rest) = split_uses(&tokens);
    let mut paths: Vec<Path> = uses.iter().flat_map(|tree| flatten(tree, &[])).collect();
    let imported: BTreeSet<String> = paths.iter().filter_map(|path| path.local.clone()).collect();
    let declared = rest.windows(2).filter(|pair| pair[0].is("mod")).map(|pair| pair[1].text.clone());
    let local: BTreeSet<String> = imported.into_iter().chain(declared).collect();
    paths.extend(written_out(&rest).into_iter().filter(|path| !local.contains(&path.words[0])));
    let module = module_of(&file.path);
    paths.iter().filter_map(|path| resolve(path, &module, crates)).collect()
}

/// A path as it is written.
#[derive(Clone, Debug)]
struct Path {
    words: Vec<String>,
    /// The name that a `use` makes of it.
    local: Option<String>,
    line: usize,
}

/// The trees of the `use` declarations, and the tokens that are left.
fn split_uses(tokens: &[Token]) -> (Vec<Vec<Token>>, Vec<Token>) {
    let (mut uses, mut rest) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if token.is("use") {
            let end = (at..tokens.len()).find(|i| tokens[*i].is(";")).unwrap_or(tokens.len());
            uses.push(tokens[at + 1..end].to_vec());
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
    vec![Path { words, local, line: first.line }]
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
            let words = tokens[at..=end].iter().filter(|t| t.kind == Kind::Word);
            paths.push(Path { words: words.map(|t| t.text.clone()).collect(), local: None, line: tokens[at].line });
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
    fn a_module_hides_a_crate_of_its_name() {
        assert_eq!(texts("src/walk.rs", "mod http;\nfn f() { http::walk() }"), Vec::<String>::new());
        let text = "use super::http;\nfn f() { http::walk() }";
        assert_eq!(texts("src/walk/tcp.rs", text), ["crate::walk::http"]);
        assert_eq!(texts("src/walk/tcp.rs", "fn f() { http::walk() }"), ["http::walk"]);
    }
}
