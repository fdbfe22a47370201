//! B as it was typed: a name and a port, or a URL.

use std::net::IpAddr;

use super::protocol::Protocol;
use super::question_error::QuestionError;

/// A port, by number or by its name in the Service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Port {
    /// 1 to 65535.
    Number(u16),
    /// A name, as in `spec.ports[].name`.
    Name(String),
}

/// The scheme of a URL, which says what its client speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scheme {
    /// It is no URL.
    None,
    Http,
    Https,
    /// A WebSocket.
    Ws,
    /// The same over TLS.
    Wss,
    Grpc,
    /// The same over TLS.
    Grpcs,
    Tcp,
    /// TLS whose inside is nobody's business.
    Tls,
}

/// What a client sends to open a WebSocket (RFC 6455, 4.1; the key is the RFC's own example).
const WEBSOCKET: [(&str, &str); 4] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

impl Scheme {
    fn of(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "http" => Self::Http,
            "https" => Self::Https,
            "ws" => Self::Ws,
            "wss" => Self::Wss,
            "grpc" => Self::Grpc,
            "grpcs" => Self::Grpcs,
            "tcp" => Self::Tcp,
            "tls" => Self::Tls,
            _ => return None,
        })
    }

    /// The port that it means where none is given.
    fn port(self) -> Option<u16> {
        match self {
            Self::None => None,
            Self::Http | Self::Ws | Self::Grpc | Self::Tcp => Some(80),
            Self::Https | Self::Wss | Self::Grpcs | Self::Tls => Some(443),
        }
    }

    /// Whether A speaks TLS, and something in it.
    pub(super) fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::Wss | Self::Grpcs)
    }

    /// What A speaks, where it says so.
    pub(super) fn protocol(self) -> Option<Protocol> {
        match self {
            Self::None | Self::Http | Self::Https | Self::Ws | Self::Wss => None,
            Self::Grpc | Self::Grpcs => Some(Protocol::Grpc),
            Self::Tcp => Some(Protocol::Tcp),
            Self::Tls => Some(Protocol::Tls),
        }
    }

    /// The headers that such a client sends besides those that were given.
    pub(super) fn headers(self, given: &[(String, String)]) -> Vec<(String, String)> {
        let is_given = |name: &str| given.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        match self {
            Self::Ws | Self::Wss => {
                let own = WEBSOCKET.iter().filter(|(name, _)| !is_given(name));
                own.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
            }
            Self::None | Self::Http | Self::Https | Self::Grpc | Self::Grpcs | Self::Tcp | Self::Tls => Vec::new(),
        }
    }
}

/// B and PORT, taken apart.
pub(super) struct Target {
    /// As it is shown.
    pub(super) shown: String,
    pub(super) host: String,
    pub(super) port: Port,
    /// The path of a URL.
    pub(super) path: Option<String>,
    pub(super) scheme: Scheme,
}

impl Target {
    pub(super) fn parse(text: &str) -> Result<Self, QuestionError> {
        let bad = || QuestionError::BadTarget(text.to_owned());
        let (scheme, rest) = match text.split_once("://") {
            Some((word, rest)) => (Scheme::of(word).ok_or_else(bad)?, rest),
            None => (Scheme::None, text),
        };
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) if scheme != Scheme::None => (&rest[..at], Some(rest[at..].split('#').next().unwrap_or_default())),
            _ => (rest, None),
        };
        if authority.contains('@') {
            return Err(bad());
        }
        let authority = authority.strip_prefix("svc/").or(authority.strip_prefix("service/")).unwrap_or(authority);
        let (host, port) = split_port(authority);
        let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if !host.chars().all(is_of_a_name) {
            return Err(bad());
        }
        let port = match (port.filter(|port| !port.is_empty()), scheme.port()) {
            (Some(port), _) => Port::parse(port)?,
            (None, Some(port)) => Port::Number(port),
            (None, None) if host.is_empty() => return Err(bad()),
            (None, None) if host.contains(':') && host.trim_matches(['[', ']']).parse::<IpAddr>().is_err() => {
                return Err(bad());
            }
            (None, None) => return Err(QuestionError::NoPort(host.to_owned())),
        };
        // Names are told apart without case; a Host header is sent as it was typed.
        let name = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if ends_in_a_number(&name) && name.parse::<IpAddr>().is_err() {
            return Err(QuestionError::BadAddress(name));
        }
        if name.is_empty() || name.contains(['[', ']']) {
            return Err(bad());
        }
        let shown = match &port {
            Port::Number(number) => format!("{host}:{number}"),
            Port::Name(name) => format!("{host}:{name}"),
        };
        let path = path.map(|p| if p.starts_with('?') { format!("/{p}") } else { p.to_owned() });
        Ok(Self { shown, host: name, port, path, scheme })
    }
}

/// Whether it can only be an IPv4 address: no domain ends in a number (WHATWG URL, "ends in a number").
fn ends_in_a_number(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit_once('.').map_or("", |(_, last)| last);
    !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit())
}

/// `host:port`, `[v6]:port`, or a host alone; a bare IPv6 address has no port.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    if let Some(end) = authority.find(']') {
        return (&authority[..=end], authority[end + 1..].strip_prefix(':'));
    }
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        _ => (authority, None),
    }
}

impl Port {
    fn parse(text: &str) -> Result<Self, QuestionError> {
        let bad = || QuestionError::BadPort(text.to_owned());
        if text.bytes().all(|b| b.is_ascii_digit()) {
            let number = text.parse::<u16>().map_err(|_| bad())?;
            return if number == 0 { Err(bad()) } else { Ok(Self::Number(number)) };
        }
        let is_name = text.len() <= 63 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let has_letter = text.chars().any(|c| c.is_ascii_alphabetic()) && !text.starts_with('-');
        if is_name && has_letter { Ok(Self::Name(text.to_owned())) } else { Err(bad()) }
    }
}
