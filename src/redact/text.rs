//! Secrets in text: told by a header's or parameter's name, or by the shape of what stands there.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{names, token};
use crate::envoy::redacted::MARK;

/// The schemes of RFC 7235 and their like: a word that stands before a credential, and says nothing of it.
const SCHEMES: &[&str] = &[
    "apikey",
    "aws4-hmac-sha256",
    "basic",
    "bearer",
    "digest",
    "dpop",
    "hawk",
    "hoba",
    "mutual",
    "negotiate",
    "ntlm",
    "privatetoken",
    "scram-sha-256",
    "token",
];

/// What follows a scheme's name in prose.
const PROSE: &[&str] = &["auth", "authentication", "authorization", "credentials", "scheme", "token", "tokens"];

/// What a JSON web token looks like.
static TOKEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"\be[wy][A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"));

/// What a credential of a known maker looks like: private keys; AWS, Google, GitHub, GitLab, Slack, Stripe, Vault.
static MADE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(concat!(
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)",
        r"|\b(?:AKIA|ASIA|AIDA|AROA|AGPA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{12,}",
        r"|\bAIza[0-9A-Za-z_-]{30,}|\bya29\.[0-9A-Za-z_.-]{10,}|\bGOOG[0-9A-Z]{16,}",
        r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_-]{16,}",
        r"|\bxox[abeprs]-[A-Za-z0-9-]{10,}|\b[rs]k_live_[A-Za-z0-9]{10,}|\bhv[sb]\.[A-Za-z0-9_-]{16,}",
    ))
});

/// The user's part of a URL.
static USER: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r#"\b([A-Za-z][A-Za-z0-9+.-]*://)[^/\s@"'<>]+@"#));

/// A scheme and what stands behind it.
static SCHEME: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?i)\b(bearer|basic|negotiate|aws4-hmac-sha256)([ \t]+)([A-Za-z0-9._~+/=-]+)"));

/// A header's name and its value.
static HEADER: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r#"(?i)\b(authorization|cookie)(["'\]]*\s*[=:]\s*["']?)([^\r\n"']+)"#));

/// A word for secrets, and what stands behind it.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(concat!(
        r"(?i)((?:password|passwd|passphrase|pwd|secret|token|credentials?|(?:api|access|private|secret)[_-]?key)",
        r#"["'\]]*\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s"'&,;)}\]]+)"#,
    ))
});

/// A secret that is longer keeps its length, nearly: a proxy may refuse it for that.
const LONG: usize = 1000;

/// The value of a header, as it is kept.
pub(crate) fn header(name: &str, text: &str) -> String {
    let kept = without_secret(name, text);
    let missing = text.len().saturating_sub(kept.len()) / MARK.len();
    if text.len() > LONG && kept.ends_with(MARK) { kept + &MARK.repeat(missing) } else { kept }
}

fn without_secret(name: &str, text: &str) -> String {
    if !names::is_secret(name) || text.is_empty() {
        return value(text).into_owned();
    }
    if ["cookie", "set-cookie"].contains(&name.trim().to_ascii_lowercase().as_str()) {
        return cookies(text);
    }
    // A token is what follows this word, wherever it stands.
    if let Some((before, rest)) = text.split_once("Bearer ") {
        let start = rest.find(|c: char| c.is_ascii_alphanumeric() || "-_.(".contains(c)).unwrap_or(rest.len());
        let before = if before.is_empty() { "" } else { MARK };
        return format!("{before}Bearer {}{}", &rest[..start], token::credential(&rest[start..]));
    }
    let is_scheme = |word: &str| SCHEMES.contains(&word.to_ascii_lowercase().as_str());
    match text.split_once(' ') {
        Some((scheme, rest)) if is_scheme(scheme) => format!("{scheme} {}", token::credential(rest)),
        None if is_scheme(text) => text.to_owned(),
        Some(_) | None => token::credential(text),
    }
}

/// A header as it was typed, `Name: value`.
pub(crate) fn header_line(line: &str) -> String {
    let Some((name, rest)) = line.split_once(':') else { return value(line).into_owned() };
    let blanks = rest.len() - rest.trim_start().len();
    format!("{name}:{}{}", &rest[..blanks], header(name, rest.trim()))
}

/// A path with its query.
pub(crate) fn path(text: &str) -> String {
    let Some((path, query)) = text.split_once('?') else { return value(text).into_owned() };
    let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, text)) => format!("{name}={}", header(name, text)),
        None => value(parameter).into_owned(),
    });
    let parameter = |(given, kept): (&str, String)| {
        // Whether a token in a query is encoded decides too.
        let is_encoded = given.contains(['%', '+']) && kept.ends_with(MARK);
        if is_encoded { kept + "%" } else { kept }
    };
    let kept: Vec<String> = query.split('&').zip(parameters).map(parameter).collect();
    format!("{}?{}", value(path), kept.join("&"))
}

/// The secrets of a path's query, each with what is kept of it; the path whole where a secret is elsewhere in it.
pub(crate) fn of_path(text: &str) -> Vec<(String, String)> {
    let query = text.split_once('?').map_or("", |(_, query)| query);
    let parameters =
        query.split('&').map(|parameter| (parameter.to_owned(), path(&format!("?{parameter}"))[1..].to_owned()));
    let mut secrets: Vec<(String, String)> = parameters.filter(|(given, kept)| given != kept).collect();
    let (given, kept) = (text.split('?').next().unwrap_or_default(), path(text));
    let kept = kept.split('?').next().unwrap_or_default();
    if given != kept {
        secrets.push((given.to_owned(), kept.to_owned()));
    }
    secrets
}

/// A URL: its user is left out, and so are its query's secrets.
pub(crate) fn url(text: &str) -> String {
    let without_user = match text.rsplit_once('@') {
        Some((before, rest)) => {
            let scheme = before.split_once("://").map_or(String::new(), |(scheme, _)| format!("{scheme}://"));
            format!("{scheme}{MARK}@{rest}")
        }
        None => text.to_owned(),
    };
    path(&without_user)
}

/// Any text: what has a secret's shape is left out.
pub(crate) fn value(text: &str) -> Cow<'_, str> {
    let text = shapes(text);
    let text = replaced(text, &HEADER, |found| {
        let (name, between, text) = (&found[1], &found[2], &found[3]);
        format!("{name}{between}{}", header(name, text))
    });
    let text = replaced(text, &SCHEME, |found| {
        let word = found[3].to_ascii_lowercase();
        let kept = if PROSE.contains(&word.as_str()) { found[3].to_owned() } else { token::credential(&found[3]) };
        format!("{}{}{kept}", &found[1], &found[2])
    });
    replaced(text, &NAMED, |found| {
        let (before, text) = (&found[1], &found[2]);
        let quote = text.chars().next().filter(|c| ['"', '\''].contains(c)).map(String::from).unwrap_or_default();
        // What was left out before, and a token without its secret, stay as they are.
        let inner = text.trim_matches(['"', '\'']);
        let is_clean = inner.is_empty() || inner.starts_with(MARK.trim_end_matches(')')) || is_token(inner);
        if is_clean { found[0].to_owned() } else { format!("{before}{quote}{MARK}{quote}") }
    })
}

/// Text that others go by, such as names and domains: only what can be nothing but a secret is left out.
pub(super) fn shapes(text: &str) -> Cow<'_, str> {
    let text = replaced(Cow::Borrowed(text), &TOKEN, |found| {
        if is_token(&found[0]) { token::credential(&found[0]) } else { found[0].to_owned() }
    });
    let text = replaced(text, &MADE, |_| MARK.to_owned());
    replaced(text, &USER, |found| format!("{}{MARK}@", &found[1]))
}

fn is_token(text: &str) -> bool {
    text.split('.').next().is_some_and(token::is_header)
}

/// Names and no values: `a=(redacted); b=(redacted)`.
fn cookies(text: &str) -> String {
    let cookie = |cookie: &str| match cookie.split_once('=') {
        Some((name, value)) => format!("{name}={}", token::credential(value)),
        None if cookie.trim().is_empty() => cookie.to_owned(),
        None => MARK.to_owned(),
    };
    text.split(';').map(cookie).collect::<Vec<_>>().join(";")
}

fn replaced<'a>(
    text: Cow<'a, str>,
    pattern: &LazyLock<Option<Regex>>,
    to: impl Fn(&Captures<'_>) -> String,
) -> Cow<'a, str> {
    let Some(pattern) = pattern.as_ref() else { return text };
    match pattern.replace_all(&text, |found: &Captures<'_>| to(found)) {
        Cow::Borrowed(_) => text,
        Cow::Owned(new) => Cow::Owned(new),
    }
}

/// A test takes each of them.
fn regex(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_secret_keeps_its_length() {
        let secret = "a".repeat(70_000);
        let kept = header("x-token", &secret);
        assert!(!kept.contains('a') || kept.replace(MARK, "").is_empty());
        assert!(secret.len() - kept.len() < MARK.len());
        assert_eq!(header("x-token", &kept), kept);
        assert_eq!(header("x-token", "short"), MARK);
    }

    #[test]
    fn every_pattern_is_one() {
        for pattern in [&TOKEN, &MADE, &USER, &SCHEME, &HEADER, &NAMED] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn headers_keep_their_schemes_and_cookies_their_names() {
        for (name, given, kept) in [
            ("Authorization", "Bearer SEKRIT", "Bearer (redacted)"),
            ("authorization", "Basic SEKRIT", "Basic (redacted)"),
            ("authorization", "Bearer ", "Bearer "),
            ("authorization", "SEKRIT", "(redacted)"),
            ("authorization", "x Bearer a.b.c", "(redacted)Bearer (redacted).(redacted).(redacted)"),
            ("authorization", "", ""),
            ("cookie", "a=SEKRIT; b=SEKRIT", "a=(redacted); b=(redacted)"),
            ("Cookie", "SEKRIT", "(redacted)"),
            ("x-api-key", "SEKRIT", "(redacted)"),
            ("x-user", "jane", "jane"),
            ("x-user", "token=SEKRIT", "token=(redacted)"),
            ("x-fault", "50", "50"),
        ] {
            assert_eq!(header(name, given), kept, "{name}: {given}");
            assert_eq!(header(name, kept), kept, "{name}: {kept}");
        }
        assert_eq!(header_line("X-Api-Key:  SEKRIT "), "X-Api-Key:  (redacted)");
        assert_eq!(header_line("password=SEKRIT"), "password=(redacted)");
    }

    #[test]
    fn shapes_are_known_wherever_they_stand() {
        for (given, kept) in [
            ("password=SEKRIT", "password=(redacted)"),
            ("--api-key: SEKRIT, x", "--api-key: (redacted), x"),
            (r#"{"token": "SEKRIT two", "a": 1}"#, r#"{"token": "(redacted)", "a": 1}"#),
            ("apikey='SEKRIT'", "apikey='(redacted)'"),
            ("aws_secret_access_key=SEKRIT", "aws_secret_access_key=(redacted)"),
            ("curl -H 'authorization: Bearer SEKRIT' x", "curl -H 'authorization: Bearer (redacted)' x"),
            ("Basic U0VLUklU", "Basic (redacted)"),
            ("needs Basic authentication", "needs Basic authentication"),
            ("http://u:SEKRIT@host/x", "http://(redacted)@host/x"),
            ("x AKIAIOSFODNN7EXAMPLE y", "x (redacted) y"),
            ("-----BEGIN RSA PRIVATE KEY-----\nSEKRIT\n-----END RSA PRIVATE KEY-----", "(redacted)"),
            ("token_bucket: 5", "token_bucket: 5"),
            ("eyecare-service.shop.svc", "eyecare-service.shop.svc"),
            ("secretName: a", "secretName: a"),
        ] {
            assert_eq!(value(given), kept);
            assert_eq!(value(kept), kept);
        }
    }

    #[test]
    fn paths_keep_the_names_of_their_parameters() {
        for (given, kept) in [
            ("/a?access_token=SEKRIT&b=1", "/a?access_token=(redacted)&b=1"),
            ("/a?token=S%20T", "/a?token=(redacted)%"),
            ("/a?sig=SEKRIT", "/a?sig=(redacted)"),
            ("/login;password=SEKRIT/x", "/login;password=(redacted)"),
            ("/a/token/b", "/a/token/b"),
        ] {
            assert_eq!(path(given), kept);
            assert_eq!(path(kept), kept);
        }
        assert_eq!(url("http://u:SEKRIT@h:1/x?token=SEKRIT"), "http://(redacted)@h:1/x?token=(redacted)");
        assert_eq!(url("u:SEKRIT@h:1"), "(redacted)@h:1");
    }
}
