//! Lines of roles and text, and how text is laid into them: measured before it is painted.

use std::borrow::Cow;
use std::iter;

use textwrap::core::{Word, display_width};
use textwrap::wrap_algorithms::wrap_first_fit;

use super::theme::{Role, Theme};
use crate::text::shown;

/// One line of the screen.
#[derive(Clone, Default, Debug)]
pub(super) struct Line {
    spans: Vec<(Role, String)>,
}

impl Line {
    /// A line of one role.
    pub(super) fn of(role: Role, text: &str) -> Self {
        Self::default().with(role, text)
    }

    /// A line that begins with blanks.
    pub(super) fn indented(columns: usize) -> Self {
        Self::of(Role::Plain, &" ".repeat(columns))
    }

    /// The line with more text at its end, as it may be shown: a name in somebody's cluster must not steer somebody's
    /// terminal, and not fill it either.
    pub(super) fn with(self, role: Role, text: &str) -> Self {
        self.with_whole(role, &clean(text))
    }

    /// The same for text that is bounded otherwise.
    pub(super) fn with_whole(mut self, role: Role, text: &str) -> Self {
        self.spans.push((role, shown(text).into_owned()));
        self
    }

    /// The line, filled up with blanks to this column.
    pub(super) fn filled_to(self, column: usize) -> Self {
        let blanks = " ".repeat(column.saturating_sub(self.width()));
        self.with(Role::Plain, &blanks)
    }

    /// The line without blanks at its end.
    fn trimmed(mut self) -> Self {
        while let Some((role, text)) = self.spans.pop() {
            let text = text.trim_end();
            if !text.is_empty() {
                return self.with(role, text);
            }
        }
        self
    }

    /// How many columns it takes.
    pub(super) fn width(&self) -> usize {
        self.spans.iter().map(|(_, text)| display_width(text)).sum()
    }

    /// The line as it is printed, without a newline.
    pub(super) fn paint(&self, theme: &Theme) -> String {
        self.spans
            .iter()
            .map(|(role, text)| if text.is_empty() { String::new() } else { theme.paint(*role, text) })
            .collect()
    }
}

/// The lines with references flush right: on the first that has room for them, else on one of their own.
pub(super) fn with_references(mut lines: Vec<Line>, references: &str, width: usize) -> Vec<Line> {
    if references.is_empty() {
        return lines;
    }
    let column = width.saturating_sub(display_width(references));
    if let Some(line) = lines.iter_mut().find(|line| line.width() + 2 <= column) {
        *line = std::mem::take(line).filled_to(column).with(Role::Reference, references);
    } else {
        lines.push(Line::default().filled_to(column).with(Role::Reference, references));
    }
    lines
}

/// Text after a label, wrapped under itself. Where there is little room beside the label, or a name would have to
/// be divided, the text goes below it, at the column `narrow`.
pub(super) fn hanging(label: Line, role: Role, text: &str, narrow: usize, width: usize) -> Vec<Line> {
    const LITTLE: usize = 24;
    let text = &clean(text);
    let column = label.width();
    let room = width.saturating_sub(column);
    let fits = display_width(text) <= room;
    if narrow < column && !fits && (room < LITTLE || longest_word(text) > room) {
        let below = wrap(text, width.saturating_sub(narrow)).into_iter();
        return iter::once(label.trimmed()).chain(below.map(|l| Line::indented(narrow).with(role, &l))).collect();
    }
    let lines = wrap(text, room);
    if lines.is_empty() {
        return vec![label.trimmed()];
    }
    let (mut label, lines) = (Some(label), lines.into_iter());
    lines.map(|l| label.take().unwrap_or_else(|| Line::indented(column)).with(role, &l)).collect()
}

/// Text wrapped at a column, or further left where a name would have to be divided.
pub(super) fn indented(column: usize, role: Role, text: &str, width: usize) -> Vec<Line> {
    let text = &clean(text);
    let column = if column + longest_word(text) > width { NARROW } else { column };
    wrap(text, width.saturating_sub(column)).into_iter().map(|l| Line::indented(column).with(role, &l)).collect()
}

/// Where text goes that has no room in its own column.
pub(super) const NARROW: usize = 4;

/// Text in lines of at most this width. Only a word that is wider than a whole line is divided, after a `|`, `.` or the
/// like where there is one. Line breaks in it are no lines: whoever gave a name could begin one with it.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let text = clean(text);
    let words: Vec<Word<'_>> = text.split_inclusive(' ').flat_map(|word| words(word, width)).collect();
    let lines = wrap_first_fit(&words, &[columns(width)]);
    lines.into_iter().map(|words| join(words).trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// A word in pieces of at most this width.
pub(super) fn pieces(word: &str, width: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = word;
    while let Some(place) = cut(rest, width) {
        let (piece, more) = rest.split_at(place);
        pieces.push(piece);
        rest = more;
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// The width of the widest word.
pub(super) fn longest_word(text: &str) -> usize {
    text.split_whitespace().map(display_width).max().unwrap_or(0)
}

/// How wide a word may be: wider than any name that Kubernetes or Envoy gives.
pub(super) const WORD: usize = 400;

/// Text as it may be shown, its words no wider than [`WORD`].
pub(super) fn clean(text: &str) -> String {
    let text = shown(text);
    if text.len() <= WORD {
        return text.into_owned();
    }
    let bounded = |word: &str| {
        let name = word.trim_end_matches(' ');
        bounded(name, WORD).into_owned() + &word[name.len()..]
    };
    text.split_inclusive(' ').map(bounded).collect()
}

/// Text with its middle left out, if it is wider than this, and with how much that is.
pub(super) fn bounded(text: &str, width: usize) -> Cow<'_, str> {
    if text.len() <= width || display_width(text) <= width {
        return Cow::Borrowed(text);
    }
    let half = width / 2;
    let head = text.char_indices().scan(0, |taken, (start, c)| within(taken, c, half).then_some(start + c.len_utf8()));
    let head = head.last().unwrap_or(0);
    let tail = text[head..].char_indices().rev();
    let tail = tail.scan(0, |taken, (start, c)| within(taken, c, half).then_some(head + start));
    let tail = tail.last().unwrap_or(text.len());
    let left_out = text[head..tail].chars().count();
    Cow::Owned(format!("{}[{left_out} characters left out]{}", &text[..head], &text[tail..]))
}

/// Whether one more character has room.
fn within(taken: &mut usize, c: char, width: usize) -> bool {
    *taken += display_width(c.encode_utf8(&mut [0; 4]));
    *taken <= width
}

fn words(word: &str, room: usize) -> Vec<Word<'_>> {
    pieces(word.trim_end(), room).into_iter().map(Word::from).chain(blank_after(word)).collect()
}

/// The blanks at the end of a word, as a word of no width: so that a divided word keeps them at its end only.
fn blank_after(word: &str) -> Option<Word<'_>> {
    let blanks = &word[word.trim_end().len()..];
    (!blanks.is_empty()).then_some(Word { word: "", whitespace: blanks, penalty: "", width: 0 })
}

fn join(words: &[Word<'_>]) -> String {
    words.iter().flat_map(|word| [word.word, word.whitespace]).collect()
}

fn columns(width: usize) -> f64 {
    f64::from(u32::try_from(width).unwrap_or(u32::MAX))
}

/// Where to divide a word, if it is too wide: after a delimiter in the second half of what fits, else before a hyphen
/// there, else where it is full. Reads no further than what fits.
fn cut(word: &str, width: usize) -> Option<usize> {
    let (mut full, mut delimiter, mut hyphen) = (0, None, None);
    let mut taken = 0;
    for (start, c) in word.char_indices() {
        if !within(&mut taken, c, width) {
            let first = word.chars().next().map_or(0, char::len_utf8);
            return Some(delimiter.or(hyphen).unwrap_or(full).max(first)).filter(|place| *place < word.len());
        }
        full = start + c.len_utf8();
        if taken * 2 > width && "|./,&?:".contains(c) {
            delimiter = Some(full);
        } else if taken * 2 > width && c == '-' {
            hyphen = Some(start);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_wider_than_the_line_is_divided() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("a well-known name", 10), ["a", "well-known", "name"]);
        assert_eq!(wrap("see outbound|80||a.b.c now", 12), ["see", "outbound|80|", "|a.b.c now"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
    }

    #[test]
    fn no_text_begins_a_line_of_its_own() {
        assert_eq!(wrap("a\nfix\r\n\u{2028}b", 80), ["a\\u000afix\\u000d\\u000a\\u2028b"]);
        assert!(wrap("", 10).is_empty());
    }

    #[test]
    fn the_middle_of_a_word_that_no_screen_can_show_is_left_out() {
        let word = "x".repeat(1000);
        let (half, short) = ("x".repeat(200), "x".repeat(400));
        assert_eq!(clean(&format!("a {word} b")), format!("a {half}[600 characters left out]{half} b"));
        assert_eq!(clean(&clean(&word)), clean(&word));
        assert_eq!(clean(&format!("{short} {short}")), format!("{short} {short}"));
        assert_eq!(bounded("日本語日本語", 8), "日本[2 characters left out]本語");
    }

    #[test]
    fn a_long_word_is_divided_in_one_pass() {
        let word = "a.".repeat(500_000);
        assert_eq!(pieces(&word, 72).concat(), word);
        assert!(pieces(&word, 72).iter().all(|piece| piece.len() <= 72));
    }

    #[test]
    fn width_is_in_columns() {
        assert_eq!(wrap("日本語 日本語", 8), ["日本語", "日本語"]);
        assert_eq!(pieces("日本語", 4), ["日本", "語"]);
        assert_eq!(pieces("語", 1), ["語"]);
    }

    #[test]
    fn a_name_does_not_steer_the_terminal() {
        assert_eq!(Line::of(Role::Plain, "a\u{1b}[2Jb").paint(&Theme::default()), "a\\u001b[2Jb");
    }
}
