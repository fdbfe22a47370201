//! A file begins with what it is for, and neither it nor a function in it is too long to read.

use std::collections::BTreeSet;

use crate::source::{File, Token, closing, reads};

/// The most lines of code in a file below `src/`; comments, blank lines and tests do not count.
const FILE: usize = 600;
/// Tables are as long as what they list.
const TABLES: &[&str] = &["src/envoy/harmless.rs"];
/// The most lines of a function, all counted.
const FUNCTION: usize = 60;
/// Functions that are older than this measure.
pub(crate) const LONG: &[(&str, &str)] =
    &[("tests/envoy/generate/rbac.rs", "`unit`"), ("tests/envoy/generate/trees.rs", "`hosts`")];
/// Parameters that are older than the rule that none is a `bool`, or that somebody else's trait has.
pub(crate) const BOOLS: &[(&str, &str)] = &[
    ("src/cli/tell.rs", "`is_terminal` of `is_colored`"),
    ("src/envoy/certificate.rs", "`allow_expired` of `dates`"),
    ("src/envoy/headers.rs", "`http2` of `matched`"),
    ("src/envoy/headers.rs", "`edge` of `matched`"),
    ("src/envoy/load.rs", "`panic` of `pool`"),
    ("src/envoy/matcher.rs", "`matches` of `from`"),
    ("src/envoy/redirect.rs", "`new_port` of `host`"),
    ("src/snapshot/decode.rs", "`value` of `visit_bool`"),
    ("src/walk/follow.rs", "`over_http` of `translate`"),
    ("src/walk/http/filters/fault.rs", "`given` of `is_open`"),
    ("src/walk/tls/handshake.rs", "`late` of `refused`"),
    ("src/walk/upstream/hosts.rs", "`dead` of `hosts_row`"),
    ("src/walk/upstream/hosts.rs", "`all_fine` of `evidence_of`"),
    ("src/walk/upstream/policy.rs", "`by_locality` of `ring`"),
    ("src/walk/way/open_headers.rs", "`at_edge` of `of_client`"),
    ("src/walk/way/open_headers.rs", "`given` of `why`"),
];

/// Files that do not say what they are for.
pub(crate) fn headless(file: &File) -> Vec<String> {
    let has_head = file.text.starts_with("//! ") || file.text.starts_with("//!\n");
    let wrong = file.is_rust() && !has_head;
    wrong.then(|| format!("{}:1: a file begins with `//!` and what it is for", file.path)).into_iter().collect()
}

/// Files that are too long.
pub(crate) fn long_file(file: &File) -> Vec<String> {
    if !file.path.starts_with("src/") || TABLES.contains(&file.path.as_str()) {
        return Vec::new();
    }
    let lines: BTreeSet<usize> = file.code().iter().map(|token| token.line).collect();
    let count = lines.len();
    let wrong = count > FILE;
    wrong.then(|| format!("{}: {count} lines of code, {FILE} at most", file.path)).into_iter().collect()
}

/// Functions that are too long.
pub(crate) fn long_functions(file: &File) -> Vec<String> {
    let tokens = file.tokens();
    let mut found = Vec::new();
    for at in (0..tokens.len()).filter(|at| tokens[*at].is("fn") && tokens.get(at + 1).is_some_and(Token::is_word)) {
        let Some(body) = body_of(&tokens, at) else { continue };
        let count = tokens[closing(&tokens, body)].line + 1 - tokens[at].line;
        if count > FUNCTION {
            let name = &tokens[at + 1].text;
            found.push(format!("{}: `{name}` has {count} lines, {FUNCTION} at most", file.at(&tokens[at])));
        }
    }
    found
}

/// Parameters that are a `bool`, of functions that are not tests: at the call `true` says nothing.
pub(crate) fn bool_parameters(file: &File) -> Vec<String> {
    if !file.path.starts_with("src/") {
        return Vec::new();
    }
    let tokens = file.code();
    let mut found = Vec::new();
    for at in (0..tokens.len()).filter(|at| tokens[*at].is("fn") && tokens.get(at + 1).is_some_and(Token::is_word)) {
        let Some(open) = parameters_of(&tokens, at) else { continue };
        let is_bool = |i: &usize| {
            let ends = [",", ")"].iter().any(|end| reads(&tokens, i + 2, &[end]));
            tokens[*i].is(":") && reads(&tokens, i + 1, &["bool"]) && ends
        };
        for i in (open..closing(&tokens, open)).filter(is_bool) {
            let (name, parameter) = (&tokens[at + 1].text, &tokens[i - 1].text);
            found.push(format!("{}: `{parameter}` of `{name}` is a bool; give it a type", file.at(&tokens[i])));
        }
    }
    found
}

/// The parenthesis that opens a function's parameters, behind its generic ones.
fn parameters_of(tokens: &[Token], at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    (at..tokens.len()).find(|i| {
        if tokens[*i].is("<") {
            depth += 1;
        } else if tokens[*i].is(">") && !tokens[i - 1].is("-") {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && tokens[*i].is("(")
    })
}

/// The brace that opens a function's body, where it has one.
fn body_of(tokens: &[Token], at: usize) -> Option<usize> {
    let mut at = at;
    while !tokens.get(at)?.is("{") {
        if tokens[at].is(";") {
            return None;
        }
        at = if tokens[at].is("(") || tokens[at].is("[") { closing(tokens, at) + 1 } else { at + 1 };
    }
    Some(at)
}

/// Lints that are silenced for good, or without a reason. `#[expect(…, reason = "…")]` says when it is no longer needed.
///
/// It cannot be said of a module that several tests share and of which each uses a part.
pub(crate) fn silenced(file: &File) -> Vec<String> {
    let tokens = file.tokens();
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let inner = at + 1 + usize::from(reads(&tokens, at + 1, &["!"]));
        if !tokens[at].is("#") || !reads(&tokens, inner, &["["]) {
            continue;
        }
        let attribute = &tokens[inner..=closing(&tokens, inner)];
        let has = |word: &str| attribute.iter().enumerate().any(|(i, t)| t.is(word) && reads(attribute, i + 1, &["("]));
        let reasoned = attribute.iter().any(|t| t.is("reason"));
        let shared = file.path.starts_with("tests/") && attribute.iter().any(|t| t.is("dead_code"));
        if has("allow") && !(shared && reasoned) {
            found.push(format!("{}: `#[expect(…, reason = \"…\")]`, never `#[allow]`", file.at(&tokens[at])));
        } else if has("expect") && !reasoned {
            found.push(format!("{}: an `#[expect]` says its reason", file.at(&tokens[at])));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(text: &str) -> File {
        File::new("src/a.rs", text)
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        assert_eq!(headless(&rust("use std::fmt;")).len(), 1);
        assert_eq!(headless(&rust("// no\n//! Head.")).len(), 1);
        assert_eq!(headless(&rust("//! Head.")).len(), 0);
        assert_eq!(headless(&File::new("README.md", "# A")).len(), 0);
    }

    #[test]
    fn code_has_a_measure() {
        let code = |n: usize| "const A: u8 = 0;\n".repeat(n);
        assert_eq!(long_file(&rust(&code(FILE + 1))).len(), 1);
        let padded = format!("{}// a\n\n/// b\n#[cfg(test)]\nmod tests {{\n{}}}", code(FILE), code(9));
        assert_eq!(long_file(&rust(&padded)).len(), 0);
        for path in TABLES.iter().chain(&["tests/a.rs"]) {
            assert_eq!(long_file(&File::new(path, &code(FILE + 1))).len(), 0);
        }
    }

    #[test]
    fn functions_have_a_measure() {
        let function = |n: usize| format!("fn f<T>(a: [u8; 2]) -> T where T: A {{\n{}}}", "g();\n".repeat(n));
        assert_eq!(long_functions(&rust(&function(FUNCTION - 1))).len(), 1);
        assert_eq!(long_functions(&rust(&function(FUNCTION - 2))).len(), 0);
        assert_eq!(long_functions(&rust("trait T { fn f(&self); }\ntype F = fn(u8) -> u8;")).len(), 0);
    }

    #[test]
    fn a_parameter_is_no_bool() {
        assert_eq!(bool_parameters(&rust("fn f(a: u8, is_b: bool) {}")).len(), 1);
        assert_eq!(
            bool_parameters(&rust(
                "trait T { fn f<F: Fn(bool)>(&self, mut b: bool, c: bool,); fn g<F: Fn() -> u8>(b: bool); }"
            ))
            .len(),
            3
        );
        assert_eq!(bool_parameters(&rust("fn f(a: Option<bool>) -> bool { let b: bool = true; b }")).len(), 0);
        assert_eq!(bool_parameters(&rust("#[cfg(test)]\nfn f(a: bool) {}\nstruct S { a: bool, }")).len(), 0);
        assert_eq!(bool_parameters(&File::new("tests/a.rs", "fn f(a: bool) {}")).len(), 0);
    }

    #[test]
    fn lints_are_not_silenced() {
        assert_eq!(silenced(&rust("#[allow(dead_code)]\nfn f() {}")).len(), 1);
        let shared = "#![allow(dead_code, reason = \"each test uses a part\")]";
        assert_eq!(silenced(&rust(shared)).len(), 1);
        assert_eq!(silenced(&File::new("tests/common/mod.rs", shared)).len(), 0);
        assert_eq!(silenced(&File::new("tests/common/mod.rs", "#![allow(dead_code)]")).len(), 1);
        assert_eq!(silenced(&rust("#![cfg_attr(x, allow(dead_code))]")).len(), 1);
        assert_eq!(silenced(&rust("#[expect(dead_code)]\nfn f() {}")).len(), 1);
        assert_eq!(silenced(&rust("#[expect(dead_code, reason = \"r\")]\nfn f() { allow(1) }")).len(), 0);
    }
}
