//! What a single field of a line says.

/// What a field says; `-` and nothing are nothing.
pub(super) fn said(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && text != "-").then(|| text.to_owned())
}

/// Response flags, which are a set: `URX,UF` is `UF,URX`.
pub(super) fn flags(text: &str) -> Vec<String> {
    let mut flags: Vec<String> = text.split([',', '|']).filter_map(said).collect();
    flags.sort();
    flags.dedup();
    flags
}
