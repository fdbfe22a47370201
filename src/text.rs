//! Text of others, as it may be shown: no character of it steers a terminal, hides, or begins a line.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::borrow::Cow;
use std::fmt::Write as _;

/// Letters that are drawn as nothing, or as a blank: the fillers of Hangul and Braille.
const FILLERS: &[char] = &['\u{115f}', '\u{1160}', '\u{2800}', '\u{3164}', '\u{ffa0}'];

/// The text on one line, in which every character can be seen. What cannot (control and format characters, line
/// breaks, blanks but the space, marks that are drawn over others) is written as `\u001b`, or `\u{e0001}` beyond four
/// digits. Quotes and backslashes stay.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_seen) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        // Writing to a string does not fail.
        let _ = match u32::from(c) {
            _ if is_seen(c) => shown.write_char(c),
            code @ ..=0xffff => write!(shown, "\\u{code:04x}"),
            code => write!(shown, "\\u{{{code:x}}}"),
        };
    }
    Cow::Owned(shown)
}

/// Whether a character is drawn, and drawn by itself.
pub(crate) fn is_seen(c: char) -> bool {
    matches!(c, ' '..='~') || !FILLERS.contains(&c) && c.escape_debug().eq([c])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_seen_stays() {
        for text in ["", "a-b.c:80", r#"it's "so" \n"#, "Zürich 東京 Москва", "✗ → ·"] {
            assert!(matches!(shown(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        assert_eq!(shown("a\u{1b}[31mb"), r"a\u001b[31mb");
        assert_eq!(shown("a\r\n\tb"), r"a\u000d\u000a\u0009b");
        assert_eq!(shown("\u{7f}\u{9b}"), r"\u007f\u009b");
        assert_eq!(shown("\u{2028}\u{2029}"), r"\u2028\u2029");
    }

    #[test]
    fn what_hides_or_turns_text_around_is_written_out() {
        assert_eq!(shown("a\u{202e}b\u{2066}"), r"a\u202eb\u2066");
        assert_eq!(shown("a\u{200b}\u{200d}\u{feff}\u{ad}b"), r"a\u200b\u200d\ufeff\u00adb");
        assert_eq!(shown("\u{e0041}"), r"\u{e0041}");
        assert_eq!(shown("a\u{a0}\u{3000}b\u{301}\u{3164}"), r"a\u00a0\u3000b\u0301\u3164");
    }

    #[test]
    fn what_is_shown_is_shown_again_as_it_is() {
        let all = (0..=0x2_0000).filter_map(char::from_u32).collect::<String>();
        let once = shown(&all).into_owned();
        assert!(matches!(shown(&once), Cow::Borrowed(_)));
        assert!(!once.chars().any(char::is_control));
    }
}
