//! A pattern as an expression over bytes, for whoever asks what texts it has in common with others.

use super::{Charset, Translator, Untranslatable, names_characters};

/// The pattern in the syntax of the `regex` crate, to be read without Unicode and as a full match; an error where
/// releases of Envoy take it for different languages.
pub fn over_bytes(pattern: &str, charset: Charset) -> Result<String, Untranslatable> {
    if charset != Charset::Latin1 && (!pattern.is_ascii() || names_characters(pattern)) {
        return Err(format!("the regex `{pattern}` names characters that are not ASCII"));
    }
    let chars: Vec<char> = pattern.bytes().map(char::from).collect();
    Translator { chars: &chars, latin1: true }.translate()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_differently_has_no_one_language() {
        assert_eq!(over_bytes(r"/\d+", Charset::Either), Ok("/[0-9]+".to_owned()));
        assert!(over_bytes("é", Charset::Either).is_err());
        assert_eq!(over_bytes("é", Charset::Latin1).as_deref(), Ok(r"\xC3\xA9"));
        assert!(over_bytes(r"\pL", Charset::Utf8).is_err());
    }
}
