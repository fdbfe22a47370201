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
/// one scalar at most, at its end, and no key of ours has quotes.
fn escaped(line: &str) -> String {
    let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
    if line.chars().all(is_seen) {
        return line.to_owned() + end;
    }
    let (head, scalar) = line.split_at(line.find(['\'', '"']).unwrap_or(line.len()));
    let inner = scalar.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let double = inner.map(|inner| inner.replace("''", "'").replace('\\', r"\\").replace('"', r#"\""#));
    let scalar = double.map_or_else(|| scalar.to_owned(), |inner| format!("\"{inner}\""));
    let mut escaped = head.to_owned();
    for c in scalar.chars() {
        // Writing to a string does not fail.
        let _ = match u32::from(c) {
            _ if is_seen(c) => escaped.write_char(c),
            code @ ..=0xffff => write!(escaped, "\\u{code:04x}"),
            code => write!(escaped, "\\U{code:08x}"),
        };
    }
    escaped + end
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
    fn values_are_what_they_are() {
        let value = serde_json::json!({"a": [1, 0.5, null, true, [], {}], "b": {"c": "1"}});
        let text = yaml(&value).unwrap_or_default();
        assert_eq!(text, "a:\n- 1\n- 0.5\n- null\n- true\n- []\n- {}\nb:\n  c: '1'\n");
    }
}
