//! What stands in the braces of details.

use super::topic::Part;

/// How the words of the TLS library begin, where no braces are around them.
const TLS: &str = "TLS_error:";

/// A word and what stands in its braces: `a{b}`, `a[b]`, `a(b)`. The closing one may have been lost.
pub(super) fn taken_apart(word: &str) -> (&str, Option<&str>) {
    if let Some((name, inner)) = word.split_at_checked(TLS.len()).filter(|(name, _)| name.eq_ignore_ascii_case(TLS)) {
        return (name.trim_end_matches(':'), Some(inner));
    }
    let Some(at) = word.find(['{', '[', '(']) else { return (word, None) };
    let (name, rest) = word.split_at(at);
    let closing = match rest.as_bytes().first() {
        Some(b'{') => '}',
        Some(b'[') => ']',
        _ => ')',
    };
    let inner = &rest[1..];
    (name, Some(inner.strip_suffix(closing).unwrap_or(inner)))
}

/// The pieces of what stands in braces, each with the part that it is, where that is known.
pub(super) fn parts(inner: &str, known: &'static [Part]) -> Vec<(String, Option<&'static Part>)> {
    let pieces = inner.split('|').flat_map(older).filter(|piece| !piece.is_empty());
    pieces.map(|piece| (piece.to_owned(), part(piece, known))).collect()
}

/// Older releases write a comma between the reason and what the transport says.
fn older(piece: &str) -> Vec<&str> {
    match piece.split_once(',') {
        Some((reason, rest)) if reason.ends_with("_failure") => vec![reason, rest],
        Some(_) | None => vec![piece],
    }
}

/// The first part that a piece is, or has in it. A part that is one plain word is the whole piece.
fn part(piece: &str, known: &'static [Part]) -> Option<&'static Part> {
    let piece = piece.to_lowercase().replace(' ', "_");
    let is_plain = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    let whole = known.iter().find(|part| part.word.eq_ignore_ascii_case(&piece));
    whole.or_else(|| known.iter().find(|part| !is_plain(part.word) && piece.contains(&part.word.to_lowercase())))
}
