//! The request's headers as they are matched: some are gone by then, and some that came in several lines are one.
//!
//! `source/common/http/header_map_impl.cc`, `source/common/http/conn_manager_utility.cc`.

/// Kept in one place each, where further lines are appended with a comma. Observed on 1.40.
const INLINE: &[&str] = &[
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "access-control-request-private-network",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-type",
    "expect",
    "grpc-accept-encoding",
    "grpc-timeout",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "origin",
    "pragma",
    "referer",
    "te",
    "user-agent",
    "via",
    "x-client-trace-id",
    "x-envoy-attempt-count",
    "x-envoy-decorator-operation",
    "x-envoy-downstream-service-cluster",
    "x-envoy-downstream-service-node",
    "x-envoy-external-address",
    "x-envoy-is-timeout-retry",
    "x-envoy-original-path",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-request-id",
];

/// Of one connection only, or believed of internal requests only; a request without an address in `x-forwarded-for` is
/// none. The certificate is that of a connection with TLS.
const GONE: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-connection",
    "upgrade",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-force-trace",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-internal",
    "x-envoy-ip-tags",
    "x-envoy-max-retries",
    "x-envoy-original-url",
    "x-envoy-retriable-header-names",
    "x-envoy-retriable-status-codes",
    "x-envoy-retry-grpc-on",
    "x-envoy-retry-on",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-stream-duration-ms",
    "x-forwarded-client-cert",
];

/// Believed only where somebody before is trusted.
const GONE_AT_THE_EDGE: &[&str] = &[
    "x-envoy-decorator-operation",
    "x-envoy-downstream-service-cluster",
    "x-envoy-downstream-service-node",
    "x-envoy-original-path",
];

/// The headers that are believed of some only, and taken off all others.
pub fn of_the_trusted() -> impl Iterator<Item = &'static str> {
    let internal = GONE.iter().filter(|name| name.starts_with("x-envoy-"));
    internal.chain(GONE_AT_THE_EDGE).copied().chain(["x-request-id"])
}

/// The protocol that a request of HTTP/1 asks to go over to: `Connection` has the word, and `Upgrade` names it
/// (`Utility::isUpgrade`), several lines of either as one; h2c is taken off as if it had not been asked for.
pub fn upgrade(headers: &[(String, String)]) -> Option<String> {
    let connection = joined(headers, "connection")?;
    let asks = connection.split(',').any(|word| word.trim().eq_ignore_ascii_case("upgrade"));
    joined(headers, "upgrade").filter(|wanted| asks && !wanted.eq_ignore_ascii_case("h2c"))
}

/// The lines of a header, as one that Envoy keeps in line.
pub fn joined(headers: &[(String, String)], name: &str) -> Option<String> {
    let lines = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
    let lines: Vec<&str> = lines.collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// Names in lower case; `http2` tells how cookies come together, `edge` whether the manager goes by the address of the
/// connection (`use_remote_address`), however many proxies before it are trusted (`ConnectionManagerUtility`).
pub fn matched(headers: &[(String, String)], http2: bool, edge: bool) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let is_gone = |list: &[&str]| list.contains(&name.as_str());
        if is_gone(GONE) || (edge && is_gone(GONE_AT_THE_EDGE)) {
            continue;
        }
        let between = match name.as_str() {
            "cookie" if http2 => Some("; "),
            inline if INLINE.contains(&inline) => Some(","),
            _ => None,
        };
        let before = between.and_then(|between| Some((all.iter_mut().find(|(other, _)| *other == name)?, between)));
        match before {
            // Nothing comes between, where one of both is empty; a cookie's empty line still gets its separator.
            Some(((_, before), _)) if before.is_empty() => before.clone_from(value),
            Some((_, ",")) if value.is_empty() => {}
            Some(((_, before), between)) => *before = format!("{before}{between}{value}"),
            None => all.push((name, value.clone())),
        }
    }
    // HTTP/2 makes one of all cookies, and none of empty ones.
    all.retain(|(name, value)| !(http2 && name == "cookie" && value.is_empty()));
    all.retain(|(name, value)| name != "referer" || is_referer(value));
    // Of what a client would take, trailers alone is left.
    let takes_trailers = |value: &str| value.split(',').any(|word| word.trim() == "trailers");
    all.retain(|(name, value)| name != "te" || value.is_empty() || takes_trailers(value));
    if let Some((_, te)) = all.iter_mut().find(|(name, value)| name == "te" && !value.is_empty()) {
        "trailers".clone_into(te);
    }
    all
}

/// Whether a header can have this name: a token of RFC 9110, 5.6.2.
pub fn is_name(name: &str) -> bool {
    let is_of_a_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_of_a_token)
}

/// Another `referer` is taken off (`Utility::isValidRefererValue`): an absolute URL has no user and no fragment, a
/// relative one no colon in its first segment.
fn is_referer(value: &str) -> bool {
    if let Some((_, rest)) = value.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) {
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        return is_host_and_port(authority) && path.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    }
    let first = value.split('/').next().unwrap_or_default();
    !first.contains(':') && value.bytes().all(is_of_a_path)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

fn is_host_and_port(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    let inside = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let is_host = match inside {
        Some(address) => {
            !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.')
        }
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b)),
    };
    is_host && port.is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

fn is_of_a_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@/?".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_together() {
        let given = |name: &str| {
            [(name.to_owned(), "v".to_owned()), ("x".to_owned(), "1".to_owned()), (name.to_owned(), "w".to_owned())]
        };
        let values = |name: &str, http2: bool| -> Vec<String> {
            matched(&given(name), http2, false).into_iter().filter(|(n, _)| n != "x").map(|(_, v)| v).collect()
        };
        assert_eq!(values("User-Agent", false), ["v,w"]);
        assert_eq!(values("cookie", false), ["v", "w"]);
        assert_eq!(values("cookie", true), ["v; w"]);
        assert_eq!(values("x-a", true), ["v", "w"]);
        let empty = [("cookie".to_owned(), String::new())];
        assert!(matched(&empty, true, false).is_empty());
        assert_eq!(matched(&empty, false, false).len(), 1);
        assert!(values("x-envoy-retry-on", false).is_empty());
    }
}
