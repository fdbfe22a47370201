//! A connection that a filter chain takes: what the listener's stages hand on.

use std::sync::Arc;

use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::envoy::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
use crate::snapshot::Node;

use super::dial::Dial;
use super::stop::Stop;

/// A connection that a filter chain takes.
#[derive(Clone)]
pub(in crate::walk) struct Accepted {
    /// What ends the chain.
    pub(in crate::walk) terminal: Terminal,
    /// What the chain's filters get.
    pub(in crate::walk) dial: Dial,
    /// What the chain's filters see of the bytes.
    pub(in crate::walk) sight: Sight,
    /// A network filter closes the connection once its first byte comes.
    pub(in crate::walk) denial: Option<Denial>,
    /// A network filter chose this cluster in place of the TCP proxy's.
    pub(in crate::walk) cluster: Option<String>,
}

/// What ends a chain.
#[derive(Clone)]
pub(in crate::walk) enum Terminal {
    /// HTTP.
    Http(Arc<HttpConnectionManager>, Node),
    /// Bytes.
    Tcp(Box<TcpProxy>, Node),
}

/// What a chain's filters see of the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::walk) enum Sight {
    /// What the peer sends, after the TLS that the chain terminates.
    Clear,
    /// TLS that the chain passes on as it is.
    Ciphertext,
}

/// A connection that a filter closes.
#[derive(Clone, Debug)]
pub(in crate::walk) struct Denial {
    pub(in crate::walk) filter: String,
    pub(in crate::walk) policy: Option<String>,
    /// The policy, or the rules.
    pub(in crate::walk) node: Node,
}

impl Denial {
    /// How the connection ends.
    pub(in crate::walk) fn stop(&self) -> Stop {
        Stop::ConnectionDenied(self.policy.clone())
    }
}
