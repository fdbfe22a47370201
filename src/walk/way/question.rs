//! What is asked: the request that A would send to B:PORT, before anything was read.

use std::net::IpAddr;

use crate::envoy::headers;
use crate::snapshot::AskRecord;

use super::protocol::Protocol;
use super::question_error::QuestionError;
use super::target::{Port, Target};

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
    /// The method; where it was not given `GET`, and `POST` of gRPC.
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
    /// The address that A dials, where B's name leaves it open.
    pub address: Option<IpAddr>,
    /// The client's own address, where it is not that of A's pod.
    pub from_address: Option<IpAddr>,
    /// What stands before the proxy announces the client in this version of the PROXY protocol.
    pub proxy_protocol: Option<ProxyProtocol>,
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

/// The version of the PROXY protocol that a load balancer before the proxy speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProxyProtocol {
    /// Text.
    V1,
    /// Binary.
    V2,
}

impl ProxyProtocol {
    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }

    fn of(word: &str) -> Option<Self> {
        match word {
            "v1" | "1" => Some(Self::V1),
            "v2" | "2" => Some(Self::V2),
            _ => None,
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
        headers.extend(target.scheme.headers(&headers));
        // What a URL says counts, unless something else was said.
        let given = match target.path {
            Some(path) if ask.path.as_deref().is_none_or(|path| path == "/") => Some(path),
            _ => ask.path.clone(),
        };
        let is_open = given.is_none() && ask.method.is_none() && headers.is_empty();
        let protocol = protocol(ask)?.or_else(|| target.scheme.protocol());
        let usual = if protocol == Some(Protocol::Grpc) { "POST" } else { "GET" };
        let path = given.unwrap_or_else(|| "/".to_owned());
        let method = ask.method.clone().unwrap_or_else(|| usual.to_owned());
        if !path.starts_with('/') && path != "*" {
            return Err(QuestionError::BadPath(path));
        }
        if method.is_empty() || !method.chars().all(is_token) {
            return Err(QuestionError::BadMethod(method));
        }
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
            tls: ask.tls || target.scheme.is_tls(),
            sni: ask.sni.clone(),
            address: address(ask.address.as_deref())?,
            from_address: address(ask.from_address.as_deref())?,
            proxy_protocol: proxy_protocol(ask)?,
            beyond: Beyond::default(),
            asks: if is_open { Asks::Open } else { Asks::One },
        })
    }

    /// Whether a browser only asks whether it may send another request.
    pub(in crate::walk) fn is_preflight(&self) -> bool {
        let has = |name: &str| self.header(name).is_some();
        self.method == "OPTIONS" && has("origin") && has("access-control-request-method")
    }

    /// The first value of a header that the request comes with.
    pub(in crate::walk) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// What A's client offers in a TLS handshake: browsers and curl offer both versions of HTTP.
    pub fn alpn(&self) -> Vec<String> {
        let offered: &[&str] = match self.protocol {
            None if self.upgrades() => &["http/1.1"],
            None | Some(Protocol::Tls) => &["h2", "http/1.1"],
            Some(Protocol::Http2 | Protocol::Grpc) => &["h2"],
            Some(Protocol::Http1) => &["http/1.1"],
            Some(Protocol::Http10 | Protocol::Tcp) => &[],
        };
        offered.iter().map(|word| (*word).to_owned()).collect()
    }

    /// Whether it asks for another protocol on the connection of HTTP/1.
    pub fn upgrades(&self) -> bool {
        headers::upgrade(&self.headers).is_some()
    }

    /// The TLS server name that A's client sends; an address is none.
    pub fn server_name(&self) -> String {
        match &self.sni {
            Some(name) => name.to_ascii_lowercase(),
            None if self.ip().is_some() => String::new(),
            None => self.host.trim_end_matches('.').to_ascii_lowercase(),
        }
    }

    /// B as an address, where it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

fn protocol(ask: &AskRecord) -> Result<Option<Protocol>, QuestionError> {
    match ask.protocol.as_deref() {
        None | Some("auto" | "") => Ok(None),
        Some(word) => Protocol::of(word).map(Some).ok_or_else(|| QuestionError::BadProtocol(word.to_owned())),
    }
}

fn address(text: Option<&str>) -> Result<Option<IpAddr>, QuestionError> {
    text.map(|text| text.parse().map_err(|_| QuestionError::BadAddress(text.to_owned()))).transpose()
}

fn proxy_protocol(ask: &AskRecord) -> Result<Option<ProxyProtocol>, QuestionError> {
    let of = |word: &String| ProxyProtocol::of(word).ok_or_else(|| QuestionError::BadProxyProtocol(word.clone()));
    ask.proxy_protocol.as_ref().map(of).transpose()
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
    fn names_are_told_apart_without_case_and_sent_as_they_were_typed() {
        let question = parse("Product-Service.Shop:8082").unwrap();
        let found = (question.host.as_str(), question.target.as_str());
        assert_eq!(found, ("product-service.shop", "Product-Service.Shop:8082"));
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
    fn a_scheme_says_what_the_client_speaks() {
        for (to, port, protocol, tls) in [
            ("ws://a/x", 80, None, false),
            ("wss://a/x", 443, None, true),
            ("grpc://a:50051/p.S/M", 50051, Some(Protocol::Grpc), false),
            ("grpcs://a", 443, Some(Protocol::Grpc), true),
            ("tcp://a:5432", 5432, Some(Protocol::Tcp), false),
            ("tls://a", 443, Some(Protocol::Tls), false),
        ] {
            let question = parse(to).unwrap();
            let found = (question.port, question.protocol, question.tls);
            assert_eq!(found, (Port::Number(port), protocol, tls), "{to}");
        }
        let question = parse("ws://a/x").unwrap();
        assert!(question.headers.contains(&("upgrade".to_owned(), "websocket".to_owned())));
        assert_eq!(parse("grpc://a/p.S/M").unwrap().method, "POST");
        assert_eq!(parse("http://a/x").unwrap().method, "GET");
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
        assert_eq!(parse("a:"), Err(QuestionError::NoPort("a".to_owned())));
        assert_eq!(parse("::1"), Err(QuestionError::NoPort("::1".to_owned())));
        assert_eq!(parse("10.0.0.300:80"), Err(QuestionError::BadAddress("10.0.0.300".to_owned())));
        for port in ["0", "65536", "-1", "99999999999", "-"] {
            assert_eq!(parse(&format!("a:{port}")), Err(QuestionError::BadPort(port.to_owned())));
        }
        for target in ["", ":80", "ftp://a:1", "a b:80", "a/b:80", "a:1:2", "*.a:80", "o|80||a"] {
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
