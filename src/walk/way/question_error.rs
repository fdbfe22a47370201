//! Why a question cannot be understood.

use std::fmt;

use crate::redact;

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
    /// No address.
    BadAddress(String),
    /// No version of the PROXY protocol.
    BadProxyProtocol(String),
}

impl fmt::Display for QuestionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPort(host) => write!(f, "`{host}` has no port"),
            Self::BadPort(port) => {
                write!(f, "`{}` is not a port: a number from 1 to 65535, or a port's name", begun(port, &['/', '?']))
            }
            Self::BadTarget(target) => write!(f, "`{}` is not a destination", redact::url(target)),
            Self::BadHeader(header) => {
                write!(f, "`{}` is not a header: `Name: value`", redact::header_line(&begun(header, &['='])))
            }
            Self::BadPath(path) => write!(f, "`{}` is not a path: it begins with `/`", redact::path(path)),
            Self::BadMethod(method) => write!(f, "`{method}` is not a method"),
            Self::BadProtocol(word) => {
                write!(f, "`{word}` is not a protocol: auto, http1.0, http1, http2, grpc, tcp or tls")
            }
            Self::BadAddress(text) => write!(f, "`{text}` is not an IP address"),
            Self::BadProxyProtocol(word) => write!(f, "`{word}` is not a version of the PROXY protocol: v1 or v2"),
        }
    }
}

/// A text up to one of these, so that nothing of a secret behind it is shown.
fn begun(text: &str, ends: &[char]) -> String {
    text.find(ends).map_or_else(|| text.to_owned(), |at| format!("{}…", &text[..=at]))
}
