//! What A dials, and what it says.

use std::net::IpAddr;

use crate::envoy::headers;

use super::question::Protocol;
use super::stop::RequestKind;

/// What A dials, and what it says.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::walk) struct Dial {
    /// The address; `None` stands for one that no listener names.
    pub(in crate::walk) ip: Option<IpAddr>,
    pub(in crate::walk) port: u16,
    /// The Host header.
    pub(in crate::walk) host: String,
    pub(in crate::walk) protocol: Protocol,
}

impl Dial {
    /// Whether local replies to a request with these headers are wrapped for gRPC.
    pub(in crate::walk) fn request_kind(&self, headers: &[(String, String)]) -> RequestKind {
        let all = headers::matched(headers, self.protocol != Protocol::Http1, false);
        match all.iter().find(|(name, _)| name == "content-type") {
            Some((_, value)) => RequestKind::of_content_type(value),
            None if self.protocol == Protocol::Grpc => RequestKind::Grpc,
            None => RequestKind::Plain,
        }
    }

    /// `address IP`, as a branch names it.
    pub(in crate::walk) fn address(&self) -> Option<String> {
        self.ip.map(|ip| ip.to_string())
    }
}
