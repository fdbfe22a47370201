//! The value that was meant, where one is near.

/// The nearest of the values to what was typed, in which a third of the letters may be wrong, and not more than two.
pub(crate) fn near<'a, T: AsRef<str>>(typed: &str, values: &'a [T]) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase();
    let apart = |value: &&str| strsim::damerau_levenshtein(&typed, &value.to_ascii_lowercase());
    let length = typed.chars().count();
    let most = if length < 3 { 0 } else { (length / 3).min(2) };
    values.iter().map(AsRef::as_ref).min_by_key(apart).filter(|value| apart(value) <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_or_two_may_be_wrong() {
        let values = &["json", "yaml", "jsonpath=EXPR"];
        assert_eq!(
            (near("jsn", values), near("JSON", values), near("ymal", values)),
            (Some("json"), Some("json"), Some("yaml"))
        );
        assert_eq!((near("name", values), near("x", values), near("", values)), (None, None, None));
    }
}
