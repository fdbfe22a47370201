//! Credentials: a JSON web token keeps what decides, any other one keeps how many parts it has.
//!
//! Envoy looks at a token's parts, algorithm, key, issuer, audience and times before it needs a key (`envoy::jwt`).

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use serde_json::{Map, Value, json};

use crate::envoy::redacted::MARK;

/// As Envoy reads it: without padding, and bits that are left over do not count.
const BASE64: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));
/// What is kept of a token's header.
const HEADER: &[&str] = &["alg", "kid", "typ"];
/// What is kept of its claims.
const CLAIMS: &[&str] = &["aud", "exp", "iat", "iss", "nbf"];
/// What is public of a key, RFC 7518.
const PUBLIC: &[&str] = &["alg", "crv", "e", "key_ops", "kid", "kty", "n", "use", "x", "y"];
/// What says that a token is no real one any more.
const REDACTED: &str = "redacted";

/// A credential without its secret.
pub(super) fn credential(text: &str) -> String {
    if text.trim().is_empty() {
        return text.to_owned();
    }
    // Envoy does not count what is empty between two dots.
    let parts: Vec<&str> = text.split('.').filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [header, claims, signature] => jwt(header, claims, signature).unwrap_or_else(|| [MARK; 3].join(".")),
        _ => MARK.to_owned(),
    }
}

/// The token of these three parts, without what decides nothing.
pub(super) fn jwt(header: &str, claims: &str, signature: &str) -> Option<String> {
    BASE64.decode(signature).ok()?;
    let part = |text: &str, kept: &[&str]| Some(encoded(&only(&decoded(text)?, kept)));
    Some(format!("{}.{}.{}", part(header, HEADER)?, part(claims, CLAIMS)?, BASE64.encode(REDACTED)))
}

/// A set of keys (RFC 7517) with what is public of each; text that is none is left out.
pub(super) fn keys(text: &str) -> String {
    let Ok(Value::Object(mut set)) = serde_json::from_str(text) else {
        return if text.is_empty() { String::new() } else { MARK.to_owned() };
    };
    let given = set.clone();
    set.retain(|name, _| name == "keys");
    for key in set.get_mut("keys").and_then(Value::as_array_mut).into_iter().flatten() {
        match key.as_object_mut() {
            Some(key) => key.retain(|name, _| PUBLIC.contains(&name.as_str())),
            None => *key = Value::Null,
        }
    }
    if set == given { text.to_owned() } else { Value::Object(set).to_string() }
}

/// Whether this is the first part of a token: an object in Base64.
pub(super) fn is_header(text: &str) -> bool {
    decoded(text).is_some()
}

fn decoded(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&BASE64.decode(part).ok()?).ok()
}

fn only(object: &Map<String, Value>, kept: &[&str]) -> Value {
    let fields = kept.iter().filter_map(|key| Some(((*key).to_owned(), object.get(*key)?.clone())));
    let mut kept: Map<String, Value> = fields.collect();
    kept.insert(REDACTED.to_owned(), json!(true));
    Value::Object(kept)
}

fn encoded(value: &Value) -> String {
    BASE64.encode(value.to_string())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn token(header: &Value, claims: &Value) -> String {
        format!("{}.{}.c2VjcmV0", encoded(header), encoded(claims))
    }

    #[test]
    fn a_token_keeps_what_decides() {
        let header = json!({"alg": "RS256", "kid": "k", "x5c": ["SEKRIT"]});
        let given = token(&header, &json!({"iss": "me", "aud": ["a"], "exp": 1, "email": "SEKRIT"}));
        let kept = credential(&given);
        let parts: Vec<&str> = kept.split('.').collect();
        let claims = json!({"iss": "me", "aud": ["a"], "exp": 1, "redacted": true});
        assert_eq!(Value::Object(decoded(parts[0]).unwrap()), json!({"alg": "RS256", "kid": "k", "redacted": true}));
        assert_eq!(Value::Object(decoded(parts[1]).unwrap()), claims);
        assert_eq!(credential(&kept), kept, "once is enough");
        assert!(given.split('.').all(|part| !kept.contains(part)));
    }

    #[test]
    fn of_keys_what_is_public_is_kept() {
        let public = r#"{"keys": [{"kty": "RSA", "kid": "k", "n": "xAE7", "e": "AQAB"}]}"#;
        assert_eq!(keys(public), public);
        let shared = r#"{"keys": [{"kty": "oct", "kid": "k", "k": "SEKRIT"}, "SEKRIT"], "x": "SEKRIT"}"#;
        assert_eq!(keys(shared), r#"{"keys":[{"kid":"k","kty":"oct"},null]}"#);
        assert_eq!(keys(&keys(shared)), keys(shared));
        assert_eq!((keys("SEKRIT").as_str(), keys("").as_str()), (MARK, ""));
    }

    #[test]
    fn what_is_no_token_keeps_its_number_of_parts() {
        assert_eq!(credential("opaque"), MARK);
        assert_eq!(credential("a..b"), MARK);
        assert_eq!(credential("a.b.c"), "(redacted).(redacted).(redacted)");
        assert_eq!(credential("(redacted).(redacted).(redacted)"), "(redacted).(redacted).(redacted)");
        assert_eq!(credential(""), "");
    }
}
