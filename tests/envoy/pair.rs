//! A request, and what shall be done with it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

/// How the client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    #[default]
    Http1,
    Http2,
    /// HTTP/2 with its content type.
    Grpc,
    /// Bytes that are no HTTP.
    Tcp,
    /// A TLS `ClientHello`, with nobody to answer it but what stands behind a TCP proxy.
    Tls,
}

/// One request of a client behind the accepting listener.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// The original destination.
    pub(crate) to: SocketAddr,
    #[serde(default)]
    pub(crate) protocol: Protocol,
    #[serde(default = "get")]
    pub(crate) method: String,
    #[serde(default = "root")]
    pub(crate) path: String,
    /// As curl sends it when it is left out.
    pub(crate) host: Option<String>,
    /// `name: value`.
    #[serde(default)]
    pub(crate) headers: Vec<String>,
    pub(crate) sni: Option<String>,
    /// The client's address, said: for who asks about its own address, which may be asked about others' requests.
    pub(crate) from_address: Option<IpAddr>,
}

/// A request and how it is examined.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) request: Request,
    /// How often it is sent; more than once where chance decides.
    pub(crate) repeat: usize,
    /// Sent that often before the question is asked, for what shows only in counters and ejections.
    pub(crate) ask_after: usize,
    /// Why no definite answer is demanded.
    pub(crate) may_be_unknown: Option<String>,
}

impl Request {
    /// The Host header.
    pub(crate) fn authority(&self) -> String {
        match (&self.host, self.to.port(), self.to.ip()) {
            (Some(host), ..) => host.clone(),
            (None, 80, IpAddr::V4(ip)) => ip.to_string(),
            (None, 80, IpAddr::V6(ip)) => format!("[{ip}]"),
            (None, ..) => self.to.to_string(),
        }
    }

    /// The headers as names and values.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .iter()
            .map(|line| line.split_once(':').map_or((line.as_str(), ""), |(name, value)| (name, value.trim())))
    }

    /// HTTP, so that a route may be looked for.
    pub(crate) fn is_http(&self) -> bool {
        matches!(self.protocol, Protocol::Http1 | Protocol::Http2 | Protocol::Grpc)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_http() {
            write!(f, "{} {} (Host: {}) to {}", self.method, self.path, self.authority(), self.to)?;
        } else {
            write!(f, "{:?} to {}", self.protocol, self.to)?;
        }
        for header in &self.headers {
            write!(f, " [{header}]")?;
        }
        if matches!(self.protocol, Protocol::Http2 | Protocol::Grpc) {
            write!(f, " {:?}", self.protocol)?;
        }
        if let Some(sni) = &self.sni {
            write!(f, " SNI {sni}")?;
        }
        Ok(())
    }
}

fn get() -> String {
    "GET".to_owned()
}

fn root() -> String {
    "/".to_owned()
}
