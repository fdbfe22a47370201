//! What is asked: the request that A would send to B:PORT, before anything was read.

use std::fmt;
use std::net::IpAddr;

use crate::redact;
use crate::snapshot::AskRecord;

/// The request in question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// What A was called; empty when the proxy that was read is A.
    pub from: String,
    /// B and PORT as they were typed.
    pub target: String,
    /// B's name or address, without the port.
    pub host: String,
    /// The port.
    pub port: Port,
    /// The method; `GET` where it was not given.
    pub method: String,
    /// The path with its query; `/` where it was not given.
    pub path: String,
    /// Name and value of each header that was given, but for Host.
    pub headers: Vec<(String, String)>,
    /// The Host header, where it is not B's name as typed.
    pub authority: Option<String>,
    /// What A speaks; `None` leaves it to the port.
    pub protocol: Option<Protocol>,
    /// A speaks TLS itself.
    pub tls: bool,
    /// The TLS server name, where it is not the host's.
    pub sni: Option<String>,
    /// Whether the walk goes on through B's own proxy.
    pub beyond: Beyond,
    /// Whether it is this one request that is asked about.
    pub asks: Asks,
}

/// About which requests to B:PORT a question is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Asks {
    /// One.
    #[default]
    One,
    /// All: path, method and headers were left open.
    Open,
    /// Those that A's proxy treats as it treats this one.
    Class,
    /// Those that both proxies treat as they treat this one.
    Kind,
}

/// Where the walk ends.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Beyond {
    /// At B's application: B's proxy is walked too.
    #[default]
    Application,
    /// At B's proxy.
    Proxy,
}

/// A port, by number or by its name in the Service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Port {
    /// 1 to 65535.
    Number(u16),
    /// A name, as in `spec.ports[].name`.
    Name(String),
}

/// What A speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// HTTP/1.1
    Http1,
    /// HTTP/2 with prior knowledge
    Http2,
    /// gRPC: HTTP/2 with `content-type: application/grpc`
    Grpc,
    /// Bytes that are no HTTP; the client speaks first
    Tcp,
    /// TLS with bytes inside that the proxy does not see
    Tls,
}

impl Protocol {
    /// As in the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Http2 => "http2",
            Self::Grpc => "grpc",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// The protocol of this name; `auto` is none in particular.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Http1, Self::Http2, Self::Grpc, Self::Tcp, Self::Tls].into_iter().find(|p| p.word() == word)
    }

    /// Whether the proxy sees HTTP when it sees this.
    pub fn is_http(self) -> bool {
        matches!(self, Self::Http1 | Self::Http2 | Self::Grpc)
    }
}

/// Why a question cannot be understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum QuestionError {
    /// B has no port; B without it.
    NoPort(String),
    /// The port is no number from 1 to 65535 and no port name.
    BadPort(String),
    /// B is empty, or holds what no name can.
    BadTarget(String),
    /// A header without a colon, or with a name that HTTP does not allow.
    BadHeader(String),
    /// The path does not begin with `/`.
    BadPath(String),
    /// The method holds what HTTP does not allow.
    BadMethod(String),
    /// No such protocol.
    BadProtocol(String),
}

impl fmt::Display for QuestionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPort(host) => write!(f, "`{host}` has no port"),
            Self::BadPort(port) => write!(f, "`{port}` is not a port: a number from 1 to 65535, or a port's name"),
            Self::BadTarget(target) => write!(f, "`{}` is not a destination", redact::url(target)),
            Self::BadHeader(header) => write!(f, "`{}` is not a header: `Name: value`", redact::header_line(header)),
            Self::BadPath(path) => write!(f, "`{}` is not a path: it begins with `/`", redact::path(path)),
            Self::BadMethod(method) => write!(f, "`{method}` is not a method"),
            Self::BadProtocol(word) => {
                write!(f, "`{word}` is not a protocol: auto, http1, http2, grpc, tcp or tls")
            }
        }
    }
}

impl Question {
    /// Understands a question as it was typed.
    pub fn parse(ask: &AskRecord) -> Result<Self, QuestionError> {
        let target = Target::parse(&ask.to)?;
        let mut authority = ask.host.clone();
        let mut headers = Vec::new();
        for header in &ask.headers {
            let (name, value) = parse_header(header)?;
            if name.eq_ignore_ascii_case("host") {
                authority = authority.or(Some(value));
            } else {
                headers.push((name, value));
            }
        }
        // What a URL says counts, unless something else was said.
        let given = match target.path {
            Some(path) if ask.path.as_deref().is_none_or(|path| path == "/") => Some(path),
            _ => ask.path.clone(),
        };
        let is_open = given.is_none() && ask.method.is_none() && headers.is_empty();
        let path = given.unwrap_or_else(|| "/".to_owned());
        let method = ask.method.clone().unwrap_or_else(|| "GET".to_owned());
        if !path.starts_with('/') && path != "*" {
            return Err(QuestionError::BadPath(path));
        }
        if method.is_empty() || !method.chars().all(is_token) {
            return Err(QuestionError::BadMethod(method));
        }
        let protocol = match ask.protocol.as_deref() {
            None | Some("auto" | "") => None,
            Some(word) => Some(Protocol::of(word).ok_or_else(|| QuestionError::BadProtocol(word.to_owned()))?),
        };
        Ok(Self {
            from: ask.from.clone().unwrap_or_default(),
            target: target.shown,
            host: target.host,
            port: target.port,
            method,
            path,
            headers,
            authority,
            protocol,
            tls: ask.tls || target.tls,
            sni: ask.sni.clone(),
            beyond: Beyond::default(),
            asks: if is_open { Asks::Open } else { Asks::One },
        })
    }

    /// B as an address, where it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

/// B and PORT, taken apart.
struct Target {
    shown: String,
    host: String,
    port: Port,
    path: Option<String>,
    tls: bool,
}

impl Target {
    fn parse(text: &str) -> Result<Self, QuestionError> {
        let bad = || QuestionError::BadTarget(text.to_owned());
        let (scheme, rest) = match text.split_once("://") {
            Some(("http", rest)) => (Some("http"), rest),
            Some(("https", rest)) => (Some("https"), rest),
            Some(_) => return Err(bad()),
            None => (None, text),
        };
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) if scheme.is_some() => (&rest[..at], Some(rest[at..].split('#').next().unwrap_or_default())),
            _ => (rest, None),
        };
        if authority.contains('@') {
            return Err(bad());
        }
        let authority = authority.strip_prefix("svc/").or(authority.strip_prefix("service/")).unwrap_or(authority);
        let (host, port) = split_port(authority);
        let port = match (port, scheme) {
            (Some(port), _) => Port::parse(port)?,
            (None, Some("https")) => Port::Number(443),
            (None, Some(_)) => Port::Number(80),
            (None, None) if host.is_empty() => return Err(bad()),
            (None, None) => return Err(QuestionError::NoPort(host.to_owned())),
        };
        let name = host.trim_start_matches('[').trim_end_matches(']');
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-._:*".contains(c)) {
            return Err(bad());
        }
        let shown = match &port {
            Port::Number(number) => format!("{host}:{number}"),
            Port::Name(name) => format!("{host}:{name}"),
        };
        let path = path.map(|p| if p.starts_with('?') { format!("/{p}") } else { p.to_owned() });
        Ok(Self { shown, host: name.to_owned(), port, path, tls: scheme == Some("https") })
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

fn parse_header(text: &str) -> Result<(String, String), QuestionError> {
    let bad = || QuestionError::BadHeader(text.to_owned());
    let (name, value) = text.split_once(':').ok_or_else(bad)?;
    let name = name.trim();
    let value = value.trim();
    if name.is_empty() || !name.chars().all(is_token) || value.contains(['\r', '\n', '\0']) {
        return Err(bad());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// RFC 9110, token characters.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn ask(to: &str) -> AskRecord {
        AskRecord { to: to.to_owned(), ..AskRecord::default() }
    }

    fn parse(to: &str) -> Result<Question, QuestionError> {
        Question::parse(&ask(to))
    }

    #[test]
    fn a_destination_is_a_name_and_a_port() {
        let question = parse("product-service.shop:8082").unwrap();
        assert_eq!((question.host.as_str(), question.port), ("product-service.shop", Port::Number(8082)));
        assert_eq!(parse("svc/a:http-web").unwrap().port, Port::Name("http-web".to_owned()));
        assert_eq!(parse("[::1]:80").unwrap().ip().unwrap().to_string(), "::1");
        assert_eq!(parse("10.0.0.1:80").unwrap().ip().unwrap().to_string(), "10.0.0.1");
    }

    #[test]
    fn a_url_fills_in_the_request() {
        let question = parse("http://a.b/x?y=1#z").unwrap();
        assert_eq!((question.port, question.path.as_str()), (Port::Number(80), "/x?y=1"));
        let question = parse("https://a.b?q").unwrap();
        assert_eq!((question.port, question.path.as_str(), question.tls), (Port::Number(443), "/?q", true));
        assert_eq!(question.target, "a.b:443");
    }

    #[test]
    fn a_question_is_open_until_something_of_the_request_is_given() {
        let asks = |ask: AskRecord| Question::parse(&ask).unwrap().asks;
        let given = |text: &str| Some(text.to_owned());
        for open in ["a:80", "http://a", "https://a:1"] {
            assert_eq!(asks(ask(open)), Asks::Open, "{open}");
        }
        assert_eq!(asks(AskRecord { headers: vec!["Host: b".to_owned()], ..ask("a:80") }), Asks::Open);
        assert_eq!(asks(ask("http://a/")), Asks::One);
        assert_eq!(asks(AskRecord { path: given("/"), ..ask("a:80") }), Asks::One);
        assert_eq!(asks(AskRecord { method: given("GET"), ..ask("a:80") }), Asks::One);
        assert_eq!(asks(AskRecord { headers: vec!["x: y".to_owned()], ..ask("a:80") }), Asks::One);
    }

    #[test]
    fn what_is_no_destination_is_said_to_be_none() {
        assert_eq!(parse("a"), Err(QuestionError::NoPort("a".to_owned())));
        assert_eq!(parse("::1"), Err(QuestionError::NoPort("::1".to_owned())));
        for port in ["0", "65536", "-1", "99999999999", "-", ""] {
            assert_eq!(parse(&format!("a:{port}")), Err(QuestionError::BadPort(port.to_owned())));
        }
        for target in ["", ":80", "ftp://a:1", "a b:80", "a/b:80"] {
            assert!(matches!(parse(target), Err(QuestionError::BadTarget(_))), "{target}");
        }
    }

    #[test]
    fn the_host_header_is_no_ordinary_header() {
        let headers = vec!["Host: x".to_owned(), "a:  b ".to_owned()];
        let question = Question::parse(&AskRecord { headers, ..ask("a:80") }).unwrap();
        assert_eq!(question.authority.as_deref(), Some("x"));
        assert_eq!(question.headers, [("a".to_owned(), "b".to_owned())]);
        for header in ["x", ": y", "a b: c", "a: b\r\nc: d"] {
            let headers = vec![header.to_owned()];
            assert!(Question::parse(&AskRecord { headers, ..ask("a:80") }).is_err(), "{header}");
        }
    }
}
