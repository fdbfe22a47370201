//! Transport sockets: what connections to a cluster's hosts go through.

use serde::Deserialize;

use super::pb::envoy::config::core::v3::{TransportSocket, transport_socket};

/// Sockets whose connections come about as those of plain TCP or TLS do, or that only look on.
const KNOWN: &[&str] = &[
    "envoy.extensions.transport_sockets.http_11_proxy.v3.Http11ProxyUpstreamTransport",
    "envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport",
    "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
    "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
    "envoy.extensions.transport_sockets.tap.v3.Tap",
    "envoy.extensions.transport_sockets.tcp_stats.v3.Config",
    "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
];

/// What wraps another socket.
#[derive(Deserialize)]
struct Wrapper {
    #[serde(default, alias = "transportSocket")]
    transport_socket: Option<TransportSocket>,
}

/// The name of a socket of another kind, or of one that is inside of it; `None` where all are known.
pub fn unknown(socket: &TransportSocket) -> Option<String> {
    let Some(transport_socket::ConfigType::TypedConfig(any)) = &socket.config_type else { return None };
    if !KNOWN.contains(&any.type_name.as_str()) {
        return Some(socket.name.clone());
    }
    let wrapper: Wrapper = serde_json::from_slice(&any.json).ok()?;
    wrapper.transport_socket.as_ref().and_then(unknown)
}
