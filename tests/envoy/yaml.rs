//! A case as the text of a case file.

use serde_json::Value;
use std::fmt::Write as _;

/// One key a line, one item a line, everything below in flow style.
pub(crate) fn case_file(case: &Value) -> String {
    let mut text = String::new();
    for (key, value) in case.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) if !items.is_empty() => {
                writeln!(text, "{key}:").expect("text");
                for item in items {
                    writeln!(text, "  - {}", flow(item)).expect("text");
                }
            }
            Value::Object(fields) if !fields.is_empty() => {
                writeln!(text, "{key}:").expect("text");
                for (name, value) in fields {
                    writeln!(text, "  {}: {}", scalar(name), flow(value)).expect("text");
                }
            }
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                writeln!(text, "{key}: {}", flow(value)).expect("text");
            }
        }
    }
    text
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::String(text) => scalar(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Plain where nothing else could be meant.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || "/$_".contains(c))
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "/$_.-".contains(c))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { serde_json::to_string(text).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_the_same() {
        let case = serde_json::json!({
            "listeners": [{"name": "web", "http": {"routes": [{"match": {"prefix": "/a:b"}, "n": 1, "s": "1", "e": ""}]}}],
            "clusters": {"on": ["$a"], "u1.c": {"eds": true}},
            "static": true,
        });
        let options = serde_saphyr::options! { strict_booleans: true };
        let read: Value = serde_saphyr::from_str_with_options(&case_file(&case), options).expect("YAML");
        assert_eq!(read, case);
    }
}
