//! What A dials, and what it says.

use std::net::IpAddr;

use crate::envoy::headers;

use super::protocol::Protocol;
use super::stop::RequestKind;

/// What A dials, and what it says.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::walk) struct Dial {
    /// The address; `None` stands for one that no listener names.
    pub(in crate::walk) ip: Option<IpAddr>,
    pub(in crate::walk) port: u16,
    /// The Host header.
    pub(in crate::walk) host: String,
    /// What is spoken, inside of TLS where there is one.
    pub(in crate::walk) protocol: Protocol,
    pub(in crate::walk) layer: Layer,
    pub(in crate::walk) restored: Restored,
    /// Where a PROXY header says that the client is; `None` where there is no such header.
    pub(in crate::walk) announced: Option<IpAddr>,
}

/// What the client wraps its bytes in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::walk) enum Layer {
    /// Nothing.
    Clear,
    /// TLS that goes by as it is.
    Sealed,
    /// TLS that the proxy's filter chain ended, to this server name; empty where the client sent none.
    Opened(String, Shown),
}

/// What a client showed in its handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::walk) enum Shown {
    /// Nothing.
    Nothing,
    /// A certificate, of which it is not known whose it is.
    Certificate,
}

impl Layer {
    /// What a TCP proxy passes on.
    pub(in crate::walk) fn passed_on(&self) -> Self {
        match self {
            Self::Sealed => Self::Sealed,
            Self::Clear | Self::Opened(..) => Self::Clear,
        }
    }
}

/// Whether the proxy knows the address that was dialed first, which is what `ORIGINAL_DST` clusters go by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::walk) enum Restored {
    /// It was redirected, and the listener asks for the address or was handed it.
    Yes,
    /// The listener asks for it, and was dialed itself: the kernel says nothing, or the listener's own address where it
    /// redirects other connections (`source/extensions/filters/listener/original_dst/original_dst.cc`).
    Own,
    /// Nobody asks for it.
    No,
}

impl Dial {
    /// Whether local replies to a request with these headers are wrapped for gRPC.
    pub(in crate::walk) fn request_kind(&self, headers: &[(String, String)]) -> RequestKind {
        let all = headers::matched(headers, self.protocol.is_http2(), false);
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
