//! JSON web tokens: what a requirement makes of those that a request brings, as far as that can be told without keys.
//!
//! `source/extensions/filters/http/jwt_authn/{extractor,authenticator,verifier}.cc` and `jwt_verify_lib`. A token that is
//! missing, malformed, of another issuer, expired or for another audience fails before its signature is looked at.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::pb::envoy::extensions::filters::http::jwt_authn::v3::jwt_requirement::RequiresType;
use super::pb::envoy::extensions::filters::http::jwt_authn::v3::{JwtProvider, JwtRequirement};

/// What becomes of a request, in the words of Envoy's details.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Status {
    /// The requirement is fulfilled.
    Ok,
    /// There is no token.
    Missing,
    /// A token's issuer is none of those that may have sent it there.
    UnknownIssuer,
    /// A token is no good, and why.
    Bad(Flaw),
    /// It cannot be told, and why.
    Unknown(String),
}

/// Why a token is no good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flaw {
    /// It is no token at all.
    Format,
    /// Its first part is no Base64.
    HeaderBase64,
    /// Its first part holds no JSON object.
    HeaderJson,
    /// It does not say its algorithm.
    Algorithm,
    /// Its algorithm is none that Envoy knows.
    OtherAlgorithm,
    /// Its key's name is no text.
    KeyId,
    /// Its second part is no Base64.
    PayloadBase64,
    /// Its second part holds no JSON object.
    PayloadJson,
    /// Its issuer is no text.
    Issuer,
    /// Its third part is no Base64.
    SignatureBase64,
    /// It has expired.
    Expired,
    /// It is for somebody else.
    Audience,
}

impl Status {
    /// The HTTP status and Envoy's words for a failure; `None` where it is none.
    pub fn failure(&self) -> Option<(u16, &'static str)> {
        match self {
            Self::Ok | Self::Unknown(_) => None,
            Self::Missing => Some((401, "Jwt is missing")),
            Self::UnknownIssuer => Some((401, "Jwt issuer is not configured")),
            Self::Bad(Flaw::Audience) => Some((403, Flaw::Audience.words())),
            Self::Bad(flaw) => Some((401, flaw.words())),
        }
    }
}

impl Flaw {
    /// Envoy's words (`source/common/jwt/status.cc`).
    fn words(self) -> &'static str {
        match self {
            Self::Format => "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections",
            Self::HeaderBase64 => "Jwt header is an invalid Base64url encoded",
            Self::HeaderJson => "Jwt header is an invalid JSON",
            Self::Algorithm => "Jwt header [alg] field is required and must be a string",
            Self::OtherAlgorithm => "Jwt header [alg] is not supported",
            Self::KeyId => "Jwt header [kid] field is not a string",
            Self::PayloadBase64 => "Jwt payload is an invalid Base64url encoded",
            Self::PayloadJson => "Jwt payload is an invalid JSON",
            Self::Issuer => "Jwt payload [iss] field is not a string",
            Self::SignatureBase64 => "Jwt signature is an invalid Base64url encoded",
            Self::Expired => "Jwt is expired",
            Self::Audience => "Audiences in Jwt are not allowed",
        }
    }
}

/// The request as far as tokens can be in it.
pub struct Sent<'a> {
    /// All values of a header, in order.
    pub header: &'a dyn Fn(&str) -> Vec<String>,
    /// What follows the `?` of the path.
    pub query: &'a str,
    /// The time, in seconds since 1970.
    pub now: Option<i64>,
    /// A time that it is not before: something was written down then.
    pub not_before: Option<i64>,
}

type Providers = BTreeMap<String, JwtProvider>;

/// A token, and the issuers that may have sent it where it is; an empty name stands for any.
#[derive(Debug)]
struct Token {
    text: String,
    issuers: Vec<String>,
}

/// Whether a request brings a token of any provider, or may.
pub fn brings_token(providers: &Providers, sent: &Sent) -> bool {
    let all: Vec<&JwtProvider> = providers.values().collect();
    tokens(&all, sent).is_ok_and(|tokens| !tokens.is_empty())
}

/// What a requirement makes of the request.
pub fn verify(requirement: &JwtRequirement, providers: &Providers, sent: &Sent) -> Status {
    of(requirement, providers, sent)
}

fn of(requirement: &JwtRequirement, providers: &Providers, sent: &Sent) -> Status {
    let provider = |name: &str, audiences: &[String]| match providers.get(name) {
        Some(provider) => by_provider(provider, audiences, sent),
        None => Status::Unknown(format!("token provider {name} is not there")),
    };
    match &requirement.requires_type {
        Some(RequiresType::ProviderName(name)) => provider(name, &[]),
        Some(RequiresType::ProviderAndAudiences(both)) => provider(&both.provider_name, &both.audiences),
        Some(RequiresType::RequiresAny(list)) => any_of(&list.requirements, providers, sent),
        Some(RequiresType::RequiresAll(list)) => {
            let mut all = list.requirements.iter().map(|r| of(r, providers, sent));
            all.find(|status| *status != Status::Ok).unwrap_or(Status::Ok)
        }
        Some(RequiresType::AllowMissing(_)) => allow_missing(providers, sent),
        Some(RequiresType::AllowMissingOrFailed(_)) | None => Status::Ok,
    }
}

/// One that is fulfilled will do. Else the last failure that says more than that there was no token, or none of a known
/// issuer, is what is answered. That tokens may be missing is asked of the others' failures, not of the request
/// (`AnyVerifierImpl::onComplete`).
fn any_of(requirements: &[JwtRequirement], providers: &Providers, sent: &Sent) -> Status {
    let has =
        |lenient: fn(&RequiresType) -> bool| requirements.iter().filter_map(|r| r.requires_type.as_ref()).any(lenient);
    let may_fail = has(|r| matches!(r, RequiresType::AllowMissingOrFailed(_)));
    let may_be_missing = has(|r| matches!(r, RequiresType::AllowMissing(_)));
    let is_strict = |r: &&JwtRequirement| {
        !matches!(r.requires_type, Some(RequiresType::AllowMissingOrFailed(_) | RequiresType::AllowMissing(_)))
    };
    if may_fail {
        return Status::Ok;
    }
    if may_be_missing && !requirements.iter().any(|r| is_strict(&r)) {
        return allow_missing(providers, sent);
    }
    let mut last = Status::Missing;
    let mut open = None;
    for requirement in requirements.iter().filter(is_strict) {
        let status = of(requirement, providers, sent);
        match status {
            Status::Ok => return Status::Ok,
            Status::Unknown(_) => open = open.or(Some(status)),
            Status::Bad(_) => last = status,
            Status::Missing | Status::UnknownIssuer if last == Status::Missing => last = status,
            Status::Missing | Status::UnknownIssuer => {}
        }
    }
    match open {
        Some(open) => open,
        None if may_be_missing && last == Status::Missing => Status::Ok,
        None => last,
    }
}

/// All tokens must be good; the last that was found is looked at first.
fn by_provider(provider: &JwtProvider, audiences: &[String], sent: &Sent) -> Status {
    let tokens = match tokens(&[provider], sent) {
        Ok(tokens) => tokens,
        Err(why) => return Status::Unknown(why),
    };
    let allowed = if audiences.is_empty() { &provider.audiences } else { audiences };
    let Some(last) = tokens.last() else { return Status::Missing };
    // A good one needs keys to tell, so what comes after it is open.
    test(last, Checked::By(provider, allowed), sent)
}

/// Tokens of any provider; none at all is fine.
fn allow_missing(providers: &Providers, sent: &Sent) -> Status {
    let those: Vec<&JwtProvider> = providers.values().collect();
    let tokens = match tokens(&those, sent) {
        Ok(tokens) => tokens,
        Err(why) => return Status::Unknown(why),
    };
    // Failures pass as long as another token is left.
    match tokens.first() {
        None => Status::Ok,
        Some(first) => test(first, Checked::ByIssuer(providers), sent),
    }
}

/// The tokens of a request, in the order of their places: headers, parameters, cookies, each by name.
fn tokens(providers: &[&JwtProvider], sent: &Sent) -> Result<Vec<Token>, String> {
    let mut headers: BTreeMap<String, (String, String, Vec<String>)> = BTreeMap::new();
    let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for provider in providers {
        let mut header = |name: &str, prefix: &str| {
            let name = name.to_ascii_lowercase();
            let place = headers.entry(format!("{name}{prefix}")).or_insert((name, prefix.to_owned(), Vec::new()));
            place.2.push(provider.issuer.clone());
        };
        provider.from_headers.iter().for_each(|h| header(&h.name, &h.value_prefix));
        let is_default =
            provider.from_headers.is_empty() && provider.from_params.is_empty() && provider.from_cookies.is_empty();
        if is_default {
            header("authorization", "Bearer ");
        }
        let own = provider.from_params.iter().map(String::as_str).chain(is_default.then_some("access_token"));
        own.for_each(|name| parameters.entry(name.to_owned()).or_default().push(provider.issuer.clone()));
        let cookies = (sent.header)("cookie");
        if let Some(name) = provider.from_cookies.iter().find(|n| cookies.iter().any(|c| c.contains(*n))) {
            return Err(format!("a token in the cookie {name} is not modeled"));
        }
    }
    let mut found = Vec::new();
    for (name, prefix, issuers) in headers.into_values() {
        let values = (sent.header)(&name);
        let texts = values.iter().filter_map(|value| after(value, &prefix));
        found.extend(texts.map(|text| Token { text: text.to_owned(), issuers: issuers.clone() }));
    }
    for (name, issuers) in parameters {
        let value = sent.query.split('&').find_map(|part| part.split_once('=').filter(|(k, _)| *k == name));
        match value {
            Some((_, text)) if text.contains(['%', '+']) => return Err(format!("the parameter {name} is encoded")),
            Some((_, text)) => found.push(Token { text: text.to_owned(), issuers }),
            None if sent.query.split('&').any(|part| part == name) => {
                found.push(Token { text: String::new(), issuers });
            }
            None => {}
        }
    }
    Ok(found)
}

/// What follows the prefix, wherever that is, from the first character on that a token can have.
fn after<'a>(value: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() {
        return Some(value);
    }
    let rest = value.get(value.find(prefix)? + prefix.len()..)?;
    let start = rest.find(|c: char| c.is_ascii_alphanumeric() || "-_.".contains(c));
    Some(start.and_then(|at| rest.get(at..)).unwrap_or(value))
}

/// Who checks a token.
#[derive(Clone, Copy)]
enum Checked<'a> {
    /// This provider, for these audiences.
    By(&'a JwtProvider, &'a [String]),
    /// The provider of the token's issuer, else one that names none.
    ByIssuer(&'a Providers),
}

impl<'a> Checked<'a> {
    /// The provider, or of several with the same issuer any: Envoy keeps them in no order (`JwksCacheImpl`).
    fn any(self, issuer: &str) -> Vec<(&'a JwtProvider, &'a [String])> {
        match self {
            Self::By(provider, audiences) => vec![(provider, audiences)],
            Self::ByIssuer(providers) => {
                let of = |name: &str| {
                    let own = providers.values().filter(|p| p.issuer == name);
                    own.map(|p| (p, p.audiences.as_slice())).collect::<Vec<_>>()
                };
                let own = of(issuer);
                if own.is_empty() { of("") } else { own }
            }
        }
    }
}

/// One token, up to where keys are needed.
fn test(token: &Token, checked: Checked, sent: &Sent) -> Status {
    // What is empty between two dots does not count.
    let parts: Vec<&str> = token.text.split('.').filter(|part| !part.is_empty()).collect();
    let [header, payload, signature] = parts[..] else { return Status::Bad(Flaw::Format) };
    let claims = match parse(header, payload, signature) {
        Ok(claims) => claims,
        Err(status) => return status,
    };
    let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    if !token.issuers.iter().any(|known| known.is_empty() || known == issuer) {
        return Status::UnknownIssuer;
    }
    let any = checked.any(issuer).into_iter().map(|(provider, audiences)| claimed(&claims, provider, audiences, sent));
    let any: Vec<Status> = any.collect();
    match &any[..] {
        [] => Status::UnknownIssuer,
        [first, others @ ..] if others.iter().all(|other| other == first) => first.clone(),
        _ => Status::Unknown(format!("which of the token providers of the issuer {issuer:?} is asked")),
    }
}

/// What a token claims, where its parts can be read: `Jwt::parseFromString`, in its order.
fn parse(header: &str, payload: &str, signature: &str) -> Result<Map<String, Value>, Status> {
    let header = object(header, (Flaw::HeaderBase64, Flaw::HeaderJson))?;
    match header.get("alg").and_then(Value::as_str) {
        None => return Err(Status::Bad(Flaw::Algorithm)),
        Some(algorithm) if !ALGORITHMS.contains(&algorithm) => return Err(Status::Bad(Flaw::OtherAlgorithm)),
        Some(_) => {}
    }
    if header.get("kid").is_some_and(|kid| !kid.is_string()) {
        return Err(Status::Bad(Flaw::KeyId));
    }
    let claims = object(payload, (Flaw::PayloadBase64, Flaw::PayloadJson))?;
    if claims.get("iss").is_some_and(|issuer| !issuer.is_string()) {
        return Err(Status::Bad(Flaw::Issuer));
    }
    if claims.iter().any(|(name, value)| is_odd(name, value)) {
        return Err(unverified());
    }
    base64url(signature).map_err(|odd| odd.status(Flaw::SignatureBase64))?;
    Ok(claims)
}

/// Whether a claim of a type that Envoy looks at may be of another.
fn is_odd(name: &str, value: &Value) -> bool {
    match name {
        "sub" | "jti" => !value.is_string(),
        "iat" | "nbf" | "exp" => value.as_i64().is_none_or(|time| time < 0),
        "aud" => !value.is_string() && !value.as_array().is_some_and(|all| all.iter().all(Value::is_string)),
        _ => false,
    }
}

/// A part of a token.
fn object(part: &str, (no_base64, no_json): (Flaw, Flaw)) -> Result<Map<String, Value>, Status> {
    let bytes = base64url(part).map_err(|odd| odd.status(no_base64))?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(members)) => Ok(members),
        // What begins like an object may be one to the reader of protobuf, which takes more than JSON.
        Err(_) if bytes.trim_ascii_start().first() == Some(&b'{') => Err(unverified()),
        Ok(_) | Err(_) => Err(Status::Bad(no_json)),
    }
}

/// What a token claims, against what a provider takes.
fn claimed(claims: &Map<String, Value>, provider: &JwtProvider, audiences: &[String], sent: &Sent) -> Status {
    let skew = if provider.clock_skew_seconds == 0 { 60 } else { i64::from(provider.clock_skew_seconds) };
    let now = sent.now.or(sent.not_before);
    let expired = claims.get("exp").and_then(Value::as_i64).zip(now).is_some_and(|(exp, now)| exp + skew < now);
    if expired && claims.get("nbf").is_none_or(|nbf| nbf.as_i64().zip(now).is_some_and(|(nbf, now)| nbf < now)) {
        return Status::Bad(Flaw::Expired);
    }
    let for_whom: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let plain = |audience: &str| {
        let bare = audience.trim_start_matches("https://").trim_start_matches("http://");
        bare.trim_end_matches('/').to_owned()
    };
    let timely = claims.get("exp").is_none() && claims.get("nbf").is_none();
    if timely && !audiences.is_empty() && !for_whom.iter().any(|a| audiences.iter().any(|b| plain(a) == plain(b))) {
        return Status::Bad(Flaw::Audience);
    }
    unverified()
}

fn unverified() -> Status {
    Status::Unknown("whether the token's signature and times are good".to_owned())
}

const ALGORITHMS: &[&str] = &[
    "ES256", "ES384", "ES512", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA",
];

/// Why a text is no Base64.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum NoBase64 {
    /// No reader takes it.
    Surely,
    /// It has padding or blanks, which some readers take.
    Perhaps,
}

impl NoBase64 {
    fn status(self, flaw: Flaw) -> Status {
        match self {
            Self::Surely => Status::Bad(flaw),
            Self::Perhaps => unverified(),
        }
    }
}

/// Base64 for URLs, without padding.
fn base64url(text: &str) -> Result<Vec<u8>, NoBase64> {
    let mut out = Vec::with_capacity(text.len());
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            b'=' | b' ' | b'\t' => return Err(NoBase64::Perhaps),
            _ => return Err(NoBase64::Surely),
        };
        bits = (bits << 6 | u32::from(value)) & 0x00FF_FFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.extend(u8::try_from(bits >> held & 0xFF));
        }
    }
    if text.len() % 4 == 1 { Err(NoBase64::Surely) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::json;

    use super::*;

    const HEADER: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ";

    fn status(requirement: Value, authorization: Option<&str>) -> Status {
        let requirement: JwtRequirement = serde_json::from_value(requirement).unwrap();
        let provider = json!({"issuer": "me", "audiences": ["https://a/"]});
        let provider: JwtProvider = serde_json::from_value(provider).unwrap();
        let providers = [("p".to_owned(), provider)].into();
        let header = |name: &str| -> Vec<String> {
            authorization.filter(|_| name == "authorization").map(str::to_owned).into_iter().collect()
        };
        verify(&requirement, &providers, &Sent { header: &header, query: "", now: Some(1_000_000), not_before: None })
    }

    fn token(claims: &Value) -> String {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = String::new();
        for chunk in claims.to_string().as_bytes().chunks(3) {
            let word = chunk.iter().fold(0, |n, b| n << 8 | usize::from(*b)) << (8 * (3 - chunk.len()));
            (0..=chunk.len()).for_each(|i| text.push(char::from(DIGITS[word >> (18 - 6 * i) & 63])));
        }
        format!("Bearer {HEADER}.{text}.c2ln")
    }

    #[test]
    fn what_needs_no_keys_is_decided() {
        let p = || json!({"provider_name": "p"});
        assert_eq!(status(p(), None), Status::Missing);
        assert_eq!(status(p(), Some("Basic x")), Status::Missing);
        assert_eq!(status(p(), Some("Bearer not-a-token")), Status::Bad(Flaw::Format));
        assert_eq!(status(p(), Some("Bearer a..b")), Status::Bad(Flaw::Format));
        assert_eq!(status(p(), Some(&token(&json!({"iss": "you"})))), Status::UnknownIssuer);
        assert_eq!(status(p(), Some(&token(&json!({"iss": "me", "exp": 1})))), Status::Bad(Flaw::Expired));
        assert_eq!(status(p(), Some(&token(&json!({"iss": "me", "aud": "b"})))), Status::Bad(Flaw::Audience));
        assert!(matches!(status(p(), Some(&token(&json!({"iss": "me", "aud": "a"})))), Status::Unknown(_)));
    }

    #[test]
    fn requirements_are_combined() {
        let any = || json!({"requires_any": {"requirements": [{"provider_name": "p"}, {"allow_missing": {}}]}});
        assert_eq!(status(any(), None), Status::Ok);
        assert_eq!(status(any(), Some("Bearer x")), Status::Bad(Flaw::Format));
        let lax = json!({"requires_all": {"requirements": [{"allow_missing_or_failed": {}}, {"provider_name": "p"}]}});
        assert_eq!(status(lax, None), Status::Missing);
        assert_eq!(status(json!({"allow_missing_or_failed": {}}), Some("Bearer x")), Status::Ok);
    }
}
