//! String matchers with a text that they take, and texts that they just miss.

use serde_json::{Value, json};

use super::rng::Rng;

const VALUES: &[&str] = &["v", "w", "V", "v,w", "1", "7", "-3", "7.5", "abc", "a.b", "v1", "a=b", "true", "x-y_z"];

/// A value that headers, queries and cookies may have.
pub(super) fn value(rng: &mut Rng) -> String {
    rng.word(VALUES)
}

/// A `StringMatcher`, and a text that it takes.
pub(super) fn string_match(rng: &mut Rng, of: &str) -> (Value, String) {
    let of = of.to_owned();
    let cut = cut(rng, &of);
    let (mut matcher, taken) = match rng.below(6) {
        2 if cut > 0 => (json!({"prefix": of[..cut]}), of),
        3 if cut < of.len() => (json!({"suffix": of[cut..]}), of),
        4 if cut > 0 => (json!({"contains": of[..cut]}), of),
        5 => {
            let (regex, taken) = regex(rng, &of);
            (json!({"safe_regex": {"regex": regex}}), taken)
        }
        _ => (json!({"exact": of}), of),
    };
    if rng.chance(20) && matcher.get("safe_regex").is_none() {
        matcher["ignore_case"] = json!(true);
    }
    (matcher, taken)
}

fn cut(rng: &mut Rng, of: &str) -> usize {
    if of.is_empty() { 0 } else { rng.between(0, of.len()) }
}

/// A regular expression around a text, and a text that it takes.
pub(super) fn regex(rng: &mut Rng, of: &str) -> (String, String) {
    let plain = regex::escape(of);
    let one = |pattern: String| (pattern, of.to_owned());
    match rng.below(22) {
        0 => one(plain),
        1 => one(format!("{plain}.*")),
        2 => one(format!(".*{plain}")),
        3 => one(format!("(?i){plain}")),
        4 => one(format!("{plain}|other")),
        5 => (format!("other|{plain}|{plain}x"), format!("{of}x")),
        6 => one(format!("\\Q{of}\\E")),
        7 => one(format!("^{plain}$")),
        8 => (format!("{plain}[0-9]+"), format!("{of}12")),
        9 => (format!("{plain}\\d{{2,3}}"), format!("{of}123")),
        10 => (format!("{plain}(/[^/]+)?"), format!("{of}/x")),
        11 => (format!("{plain}/\\w+"), format!("{of}/a_1")),
        12 => (format!("{plain}[[:alpha:]]*"), format!("{of}xyz")),
        13 => (format!("{plain}{{id}}"), format!("{of}{{id}}")),
        14 => (format!("{plain}[\\w.-]+"), format!("{of}a.b-c")),
        15 => (format!("({plain})+"), format!("{of}{of}")),
        16 => one(format!("(?:{plain})?")),
        17 => (format!("{plain}[^a]"), format!("{of}b")),
        18 => (format!("{plain}x*?"), format!("{of}xx")),
        19 => (format!("(?P<name>{plain})\\.\\S"), format!("{of}.b")),
        20 => (".".repeat(of.len().min(6)), of.chars().take(6).collect()),
        _ => one(".+".to_owned()),
    }
}

/// The text, or one that is close to it.
pub(super) fn near(rng: &mut Rng, text: &str) -> String {
    match rng.below(12) {
        0 => flip_case(rng, text),
        1 => format!("{text}x"),
        2 => format!("x{text}"),
        3 => text.chars().skip(1).collect(),
        4 => text.chars().take(text.chars().count().saturating_sub(1)).collect(),
        5 => format!("{text},w"),
        6 => String::new(),
        7 => value(rng),
        _ => text.to_owned(),
    }
}

/// With one letter in the other case.
pub(super) fn flip_case(rng: &mut Rng, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let at = rng.below(text.chars().count());
    let flip = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    text.chars().enumerate().map(|(i, c)| if i == at { flip(c) } else { c }).collect()
}

/// The path (without a query), or one that is close to it.
pub(super) fn near_path(rng: &mut Rng, path: &str) -> String {
    let near = match rng.below(20) {
        0 => format!("{path}/"),
        1 => path.trim_end_matches('/').to_owned(),
        2 => flip_case(rng, path),
        3 => format!("{path}x"),
        4 => format!("{path}/x"),
        5 => path.rsplit_once('/').map_or_else(String::new, |(parent, _)| parent.to_owned()),
        6 => path.replacen('/', "//", 2),
        7 => format!("{path}/../x"),
        8 => format!("{path};p=1"),
        9 => path.replacen('/', "/%2e/", 1),
        10 if path.len() > 1 => path[..path.len() - 1].to_owned(),
        11 => format!("/x{path}"),
        12 => path.replacen('a', "%61", 1),
        _ => path.to_owned(),
    };
    if near.starts_with('/') && near.is_ascii() { near } else { format!("/{}", near.trim_start_matches('/')) }
}
