//! The unknown rule: which fields of a raw message nobody here interprets.
//!
//! A field is *modeled* when `proto/` has it, *harmless* when [`harmless`] gives the reason,
//! and *deciding* otherwise. The walk asks for the deciding ones of every message it rests on, and names them.

use serde_json::Value;

use super::harmless;

/// What a field holds, as far as looking for unknown fields needs it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A number, a string, or a list of them.
    Scalar,
    /// An enumeration, or a list of it.
    Enum,
    /// A message of this name, or a list of them. `google.protobuf.Any` is looked into by its `@type`.
    Message(&'static str),
    /// A map with values of this message type.
    Map(&'static str),
}

include!(concat!(env!("OUT_DIR"), "/fields.rs"));

/// The deciding fields below `value`, a message of type `message`, as dotted paths (`match.path_match_policy`).
///
/// `except` names fields of `value` itself that the caller looks at one by one (the routes of a virtual host,
/// of which only those that the request meets matter).
pub fn deciding(value: &Value, message: &str, except: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    collect(value, message, except, "", &mut found);
    found
}

/// Whether `message` is one that `proto/` describes.
pub fn is_modeled(message: &str) -> bool {
    fields_of(message).is_some()
}

/// The fields of a message; `None` where `proto/` does not describe it.
pub fn fields_of(message: &str) -> Option<&'static [(&'static str, Kind)]> {
    MESSAGES.binary_search_by(|(name, _)| (*name).cmp(message)).ok().map(|i| MESSAGES[i].1)
}

fn collect(value: &Value, message: &str, except: &[&str], at: &str, found: &mut Vec<String>) {
    let (Value::Object(object), Some(fields)) = (value, fields_of(message)) else {
        return;
    };
    for (key, inner) in object {
        let name = snake(key);
        if key == "@type" || except.contains(&name.as_str()) || is_default(inner) {
            continue;
        }
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        match fields.iter().find(|(field, _)| *field == name) {
            Some((_, kind)) => descend(inner, *kind, &path, found),
            None if harmless::field(message, &name).is_some() => {}
            None => found.push(path),
        }
    }
}

fn descend(value: &Value, kind: Kind, at: &str, found: &mut Vec<String>) {
    match (kind, value) {
        (Kind::Message(_), Value::Array(items)) => {
            for item in items {
                descend(item, kind, at, found);
            }
        }
        (Kind::Message("google.protobuf.Any"), any) => {
            let url = any.get("@type").and_then(Value::as_str).unwrap_or_default();
            collect(any, url.rsplit('/').next().unwrap_or_default(), &[], at, found);
        }
        (Kind::Message(message), inner) => collect(inner, message, &[], at, found),
        (Kind::Map(message), Value::Object(entries)) => {
            for inner in entries.values() {
                descend(inner, Kind::Message(message), at, found);
            }
        }
        (Kind::Scalar | Kind::Enum | Kind::Map(_), _) => {}
    }
}

/// A value that proto3 treats as unset: it cannot change anything.
fn is_default(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(s) => s.is_empty(),
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::Array(items) => items.is_empty(),
        Value::Bool(true) | Value::Object(_) => false,
    }
}

/// Fields that have a word which begins with a digit: camel case does not show where it begins (`proxy100Continue`).
const DIGITS: &[(&str, &str)] = &[
    ("accept_http10", "accept_http_10"),
    ("consecutive5xx", "consecutive_5xx"),
    ("enforcing_consecutive5xx", "enforcing_consecutive_5xx"),
    ("ignore_http11_upgrade", "ignore_http_11_upgrade"),
    ("proxy100_continue", "proxy_100_continue"),
];

/// `routeConfig` and `route_config` are the same field to protobuf's JSON form.
pub(crate) fn snake(key: &str) -> String {
    let mut name = String::with_capacity(key.len() + 4);
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    if !name.bytes().any(|b| b.is_ascii_digit()) {
        return name;
    }
    let digits = DIGITS.iter().find(|(without, _)| *without == name);
    digits.map_or(name, |(_, whole)| (*whole).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field as protobuf names it in JSON.
    fn camel(name: &str) -> String {
        let mut words = name.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |before, word| {
            let (initial, rest) = word.split_at(word.len().min(1));
            before + &initial.to_ascii_uppercase() + rest
        })
    }

    #[test]
    fn every_field_is_known_by_its_name_in_json_too() {
        let modeled = MESSAGES.iter().flat_map(|(_, fields)| fields.iter().map(|(name, _)| *name));
        let rows = harmless::FIELDS.iter().flat_map(|(_, rows)| rows.iter());
        let harmless = rows.flat_map(|(names, _)| names.iter().copied());
        for name in modeled.chain(harmless) {
            assert_eq!(snake(&camel(name)), name);
        }
    }
}
