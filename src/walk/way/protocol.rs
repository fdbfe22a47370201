//! What a client speaks.

use crate::envoy::codec::Spoken;

/// What A speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// HTTP/1.0
    Http10,
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

/// Each protocol with its word in the JSON, and what people write for it besides.
const WORDS: [(Protocol, &[&str]); 6] = [
    (Protocol::Http10, &["http1.0", "http10", "http/1.0"]),
    (Protocol::Http1, &["http1", "http1.1", "http11", "http/1.1"]),
    (Protocol::Http2, &["http2", "h2", "h2c", "http/2"]),
    (Protocol::Grpc, &["grpc"]),
    (Protocol::Tcp, &["tcp"]),
    (Protocol::Tls, &["tls"]),
];

impl Protocol {
    /// As in the JSON.
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|(protocol, _)| *protocol == self).and_then(|(_, words)| words.first()).copied().unwrap_or("")
    }

    /// The protocol of this name; `auto` is none in particular.
    pub fn of(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        WORDS.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(protocol, _)| *protocol)
    }

    /// The version of HTTP that it is; `None` of what is none.
    pub fn http(self) -> Option<Spoken> {
        match self {
            Self::Http10 => Some(Spoken::Http10),
            Self::Http1 => Some(Spoken::Http11),
            Self::Http2 | Self::Grpc => Some(Spoken::Http2),
            Self::Tcp | Self::Tls => None,
        }
    }

    /// Whether it is HTTP/2.
    pub fn is_http2(self) -> bool {
        self.http() == Some(Spoken::Http2)
    }
}
