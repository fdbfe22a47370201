//! `-o yaml`: every string in quotes, on one line, with nothing in it that cannot be seen.

use std::fmt::Write as _;

use serde::Serialize;
use serde_saphyr::ser_options;

use crate::text::is_seen;

/// A document as YAML, or why not.
pub(super) fn yaml(document: &impl Serialize) -> Result<String, String> {
    let options = ser_options! { quote_all: true, prefer_block_scalars: false };
    let mut text = String::new();
    serde_saphyr::to_fmt_writer_with_options(&mut text, document, options).map_err(|e| e.to_string())?;
    Ok(text.split_inclusive('\n').map(escaped).collect())
}

/// The writer escapes what YAML forbids; some of what YAML allows cannot be seen either, or steers a terminal. A line has
/// one key at most, and one scalar at most, at its end.
fn escaped(line: &str) -> String {
    let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
    let (head, content) = line.split_at(content_at(line));
    let (key, rest) = content.split_at(key_length(content));
    let colon = match rest {
        _ if key.is_empty() => "",
        rest if rest.starts_with(": ") => ": ",
        _ => ":",
    };
    let value = &rest[colon.len()..];
    [head, &escaped_key(key), colon, &escaped_scalar(value), end].concat()
}

/// Where the key or the scalar of a line begins: after the blanks, and what says that it is an item, a key or a value.
fn content_at(line: &str) -> usize {
    let mut rest = line;
    loop {
        let after = [" ", "- ", "? ", ": "].iter().find_map(|mark| rest.strip_prefix(mark));
        let Some(after) = after else { return line.len() - rest.len() };
        rest = after;
    }
}

/// The length of the key that a line's content begins with; 0 where it is a scalar. A key without quotes has no colon.
fn key_length(content: &str) -> usize {
    if content.starts_with('\'') {
        return 0;
    }
    let is_colon = |at: usize| content[at..] == *":" || content[at..].starts_with(": ");
    if !content.starts_with('"') {
        return content.find(':').filter(|at| is_colon(*at)).unwrap_or(0);
    }
    let mut is_escaped = true;
    let closes = |(_, c): &(usize, char)| {
        let closes = *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        closes
    };
    let end = content.char_indices().find(closes).map_or(content.len(), |(at, _)| at + 1);
    if is_colon(end) { end } else { 0 }
}

fn escaped_key(key: &str) -> String {
    let is_quoted = key.starts_with('"');
    if is_quoted || key.chars().all(is_seen) { seen(key) } else { seen(&in_double_quotes(key)) }
}

fn escaped_scalar(scalar: &str) -> String {
    if scalar.chars().all(is_seen) {
        return scalar.to_owned();
    }
    let inner = scalar.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    inner.map_or_else(|| seen(scalar), |inner| seen(&in_double_quotes(&inner.replace("''", "'"))))
}

fn in_double_quotes(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', r#"\""#))
}

/// Text in double quotes with what cannot be seen as escapes.
fn seen(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        // Writing to a string does not fail.
        let _ = match u32::from(c) {
            _ if is_seen(c) => escaped.write_char(c),
            code @ ..=0xffff => write!(escaped, "\\u{code:04x}"),
            code => write!(escaped, "\\U{code:08x}"),
        };
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Strings that a parser could take for something else.
    const ODD: &[&str] = &[
        "",
        " a ",
        "\n",
        "a\nb\n",
        "\t",
        "yes",
        "no",
        "on",
        "null",
        "~",
        "1e3",
        "0x1f",
        "0o7",
        "012",
        "1_0",
        ".inf",
        "-",
        "- a",
        "? a",
        "a: b",
        "a #b",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "@",
        "`",
        "%",
        "---",
        "...",
        "{a}",
        "[a]",
        "12:30:45",
        "2001-01-01",
        "<<",
        "=",
        "'",
        "\"",
        "\\",
        "it's \"so\" \\",
        "\u{7f}\u{85}\u{9b}\u{a0}\u{ad}",
        "\u{2028}\u{feff}",
        "\u{202e}'\"\\",
        "\u{202e}\"\\",
        "\u{fffe}\u{ffff}\u{e0001}\u{1fffe}",
        "é東京",
    ];

    #[test]
    fn every_string_is_read_back_and_can_be_seen() {
        let all: String = (0..0x3_0000_u32).filter_map(char::from_u32).collect();
        let long = "x ".repeat(5000);
        let strings: Vec<&str> = ODD.iter().copied().chain([all.as_str(), long.as_str()]).collect();
        let text = yaml(&strings).unwrap_or_default();
        assert_eq!(serde_saphyr::from_str::<Vec<String>>(&text).unwrap_or_default(), strings);
        assert!(text.lines().all(|line| line.chars().all(is_seen)));
        assert_eq!(text.lines().count(), strings.len());
    }

    #[test]
    fn every_key_is_read_back_and_can_be_seen() {
        let long = "x ".repeat(5000);
        let keys = ODD.iter().copied().chain([long.as_str(), "a\": 'b", "'a': \"b", "? a: b", "\u{202e}: \\\"", "a:"]);
        let inner = |key: &str| serde_json::json!({key: [key, {key: key}], "z": {key: {}}});
        let values: Vec<_> = keys.clone().map(inner).collect();
        let text = yaml(&values).unwrap_or_default();
        assert_eq!(serde_saphyr::from_str::<Vec<serde_json::Value>>(&text).unwrap_or_default(), values, "{text}");
        assert!(text.lines().all(|line| line.chars().all(is_seen)));
        for word in ["on", "No", "y", "1_0", "12:30:45", "~", "=", "<<"] {
            let text = yaml(&serde_json::json!({word: 1})).unwrap_or_default();
            assert_eq!(text, format!("\"{word}\": 1\n"));
        }
    }

    #[test]
    fn values_are_what_they_are() {
        let value = serde_json::json!({"a": [1, 0.5, null, true, [], {}], "b": {"c": "1"}});
        let text = yaml(&value).unwrap_or_default();
        assert_eq!(text, "a:\n- 1\n- 0.5\n- null\n- true\n- []\n- {}\nb:\n  c: '1'\n");
    }
}
