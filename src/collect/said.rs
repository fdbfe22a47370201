//! What is said on standard error, made fit for it: no secret, no character that steers the terminal or begins a line,
//! and no name so long that it hides the rest.

use std::borrow::Cow;

use crate::redact;
use crate::text::shown;

/// The most characters of a quoted name, of any other word, and of all.
const QUOTED: usize = 200;
const WORD: usize = 500;
const ALL: usize = 4000;

/// The most characters that are looked at.
const LOOKED_AT: usize = 1 << 16;

/// Text as it may be said. Every error, cause, hint and line of `-v` passes here before it is printed.
pub(crate) fn said(text: &str) -> String {
    // Of megabytes nothing but the two ends is looked at.
    let text = middle_cut(text, LOOKED_AT);
    let open = without_credentials(&text);
    let open = redact::value(&open);
    let quoted =
        shown(&open).split('`').map(|piece| middle_cut(piece, piece_limit(piece))).collect::<Vec<_>>().join("`");
    let words = quoted.split(' ').map(|word| middle_cut(word, WORD)).collect::<Vec<_>>().join(" ");
    middle_cut(&words, ALL).into_owned()
}

/// A URL as it is shown: without user, password, query and fragment. Where it cannot be told where a password ends,
/// nothing is shown of it.
pub(super) fn url_shown(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let separator = if scheme.is_empty() { "" } else { "://" };
    let (plain, more) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let host = if more.contains('@') { "…" } else { plain.rsplit('@').next().unwrap_or_default() };
    format!("{scheme}{separator}{host}")
}

/// The text with its URLs as they are shown. A URL goes on to the next blank or quote.
fn without_credentials(text: &str) -> Cow<'_, str> {
    let ends = |c: char| c.is_whitespace() || c == '`' || c == '"';
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let pieces = text.split_inclusive(ends).map(|piece| {
        let url = piece.trim_end_matches(|c| ends(c) || matches!(c, '?' | '.' | ','));
        if url.contains("://") { url_shown(url) + &piece[url.len()..] } else { piece.to_owned() }
    });
    Cow::Owned(pieces.collect())
}

/// What is quoted with blanks in it is a command, or text between two quotes.
fn piece_limit(piece: &str) -> usize {
    if piece.contains(' ') { ALL } else { QUOTED }
}

/// Text of at most this many characters: what is cut is in the middle.
fn middle_cut(text: &str, most: usize) -> Cow<'_, str> {
    let half = most / 2 - 1;
    if text.len() <= most || text.chars().nth(most).is_none() {
        return Cow::Borrowed(text);
    }
    let end = text.char_indices().nth(half).map_or(0, |(i, _)| i);
    let begin = text.char_indices().rev().nth(half - 1).map_or(text.len(), |(i, _)| i);
    Cow::Owned([&text[..end], "…", &text[begin..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_urls_are_left_out() {
        for url in [
            "http://u:SEKRIT@h:1/x",
            "http://h:1/x?token=SEKRIT",
            "http://SEKRIT@h:1/x#SEKRIT",
            "http://u:SE/SEKRIT@h:1/x",
        ] {
            assert_eq!(url_shown(url), "http://h:1/x");
        }
        assert_eq!(url_shown("u:SEKRIT@h:1"), "h:1");
        for url in ["http://u:SEKRIT?SEKRIT@h", "http://h/?SEKRIT@SEKRIT", "http://u:x@SEKRIT?y@h"] {
            assert_eq!(url_shown(url), "http://…");
        }
        assert_eq!(
            said("from http://u:SEKRIT@h/?x to `https://v:SEKRIT@i`, and a@b"),
            "from http://h/ to `https://i`, and a@b"
        );
        assert_eq!(said("is it at http://h:1? or at https://i."), "is it at http://h:1? or at https://i.");
    }

    #[test]
    fn a_name_neither_steers_nor_begins_a_line() {
        assert_eq!(said("no `a\n\u{1b}[2Jerror: b`"), r"no `a\u000a\u001b[2Jerror: b`");
    }

    #[test]
    fn long_names_are_cut_in_the_middle() {
        let long = "x".repeat(9000);
        let text = said(&format!("error `a{long}z` {long} end"));
        assert!(text.starts_with("error `axxx") && text.contains("xxxz` xxx") && text.ends_with("xxx end"), "{text}");
        assert!(text.chars().count() < QUOTED + WORD + 20);
        assert!(said(&"x y ".repeat(9000)).chars().count() <= ALL);
        assert_eq!(middle_cut("äöüßéèàùçñ", 8), "äöü…ùçñ");
        assert_eq!(middle_cut("äöüßéèàù", 8), "äöüßéèàù");
        let command = format!("`kubectl get {}`", "a".repeat(300));
        assert_eq!(said(&command), command);
    }
}
