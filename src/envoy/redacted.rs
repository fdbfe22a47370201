//! Texts of which a secret was left out: what a matcher can still tell of them.
//!
//! A saved snapshot holds no secret, neither in the request that was asked about nor in the matchers that look for one.
//! [`MARK`] stands in its place. Where the rest of the text decides, that is the answer; else it stays open.

/// What stands where a secret was. Every character of it may stand in a path, in a query, in a header and in a token.
pub const MARK: &str = "(redacted)";

/// The byte that rules a secret out where it is not.
const MARK_BEGINS: u8 = b'(';

/// Whether a secret was left out of a text.
pub fn is_in(text: &str) -> bool {
    text.as_bytes().contains(&MARK_BEGINS) && text.contains(MARK)
}

/// Whether the value is the pattern; here and below `None` where that depends on what was left out.
pub fn exact(pattern: &str, value: &str) -> Option<bool> {
    if differ_before_a_secret(pattern, value) {
        return Some(false);
    }
    if !is_in(pattern) && !is_in(value) {
        return Some(pattern == value);
    }
    let agree = agree(head(pattern), head(value), begins) && agree(tail(pattern), tail(value), ends);
    if agree { None } else { Some(false) }
}

/// Whether the value begins with the pattern.
pub fn prefix(pattern: &str, value: &str) -> Option<bool> {
    if differ_before_a_secret(pattern, value) {
        return Some(false);
    }
    at_an_end(pattern, value, head, begins)
}

/// Whether the value ends with the pattern.
pub fn suffix(pattern: &str, value: &str) -> Option<bool> {
    at_an_end(pattern, value, tail, ends)
}

/// Whether the pattern is somewhere in the value.
pub fn contains(pattern: &str, value: &str) -> Option<bool> {
    if !is_in(pattern) && value.split(MARK).any(|part| part.contains(pattern)) {
        return Some(true);
    }
    if is_in(pattern) || is_in(value) { None } else { Some(false) }
}

/// What is said where a secret that was left out decides.
pub const OPEN: &str = "it depends on a secret that was left out of the snapshot";

/// Whether the first byte in which two texts differ comes before any secret: of the routes of a host most are told by it.
fn differ_before_a_secret(one: &str, other: &str) -> bool {
    let mut pairs = one.bytes().zip(other.bytes());
    let end = pairs.find(|(a, b)| a != b || *a == MARK_BEGINS);
    end.is_some_and(|(a, b)| a != MARK_BEGINS && b != MARK_BEGINS)
}

type End = fn(&str) -> &str;

/// `end` is the part of a text at that end of it, up to the secret; `has` tells whether a text has another there.
fn at_an_end(pattern: &str, value: &str, end: End, has: fn(&str, &str) -> bool) -> Option<bool> {
    let known = end(value);
    if !is_in(pattern) && (has(known, pattern) || !is_in(value)) {
        return Some(has(known, pattern));
    }
    if agree(end(pattern), known, has) { None } else { Some(false) }
}

/// Whether two texts can be the same as far as both are known.
fn agree(one: &str, other: &str, has: fn(&str, &str) -> bool) -> bool {
    has(one, other) || has(other, one)
}

fn begins(text: &str, with: &str) -> bool {
    text.starts_with(with)
}

fn ends(text: &str, with: &str) -> bool {
    text.ends_with(with)
}

fn head(text: &str) -> &str {
    if is_in(text) { text.split(MARK).next().unwrap_or_default() } else { text }
}

fn tail(text: &str) -> &str {
    if is_in(text) { text.rsplit(MARK).next().unwrap_or_default() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Test = fn(&str, &str) -> Option<bool>;

    #[test]
    fn what_is_known_decides_where_it_can() {
        let mut wrong = Vec::new();
        let rows: [(Test, &str, &str, char); 20] = [
            (exact, "a", "a", 'y'),
            (exact, "Bearer x", "Bearer (redacted)", '?'),
            (exact, "Basic x", "Bearer (redacted)", 'n'),
            (exact, "Bearer (redacted)", "Bearer (redacted)", '?'),
            (exact, "a=(redacted); b=1", "a=2; b=2", 'n'),
            (prefix, "Bearer ", "Bearer (redacted)", 'y'),
            (prefix, "Bearer x", "Bearer (redacted)", '?'),
            (prefix, "Basic", "Bearer (redacted)", 'n'),
            (prefix, "Bearer (redacted)", "Bearer x", '?'),
            (prefix, "Bearer (redacted)", "Basic x", 'n'),
            (prefix, "b", "ab", 'n'),
            (prefix, "/(a", "/(b", 'n'),
            (prefix, "/a(redacted)", "/b(redacted)", 'n'),
            (suffix, "; b=1", "a=(redacted); b=1", 'y'),
            (suffix, "c", "a=(redacted); b=1", 'n'),
            (suffix, "x; b=1", "a=(redacted); b=1", '?'),
            (contains, "b=1", "a=(redacted); b=1", 'y'),
            (contains, "c", "a=(redacted); b=1", '?'),
            (contains, "c", "ab", 'n'),
            (contains, "(redacted)", "ab", '?'),
        ];
        for (test, pattern, value, expected) in rows {
            let got = match test(pattern, value) {
                Some(true) => 'y',
                Some(false) => 'n',
                None => '?',
            };
            if got != expected {
                wrong.push((pattern, value, got));
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
