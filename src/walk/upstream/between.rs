//! What stands between a cluster and its hosts, and is not walked: a transport socket of another kind, an internal listener
//! of the same proxy.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::envoy::pb::envoy::config::cluster::v3::Cluster;
use crate::envoy::pb::envoy::config::core::v3::{TransportSocket, transport_socket};
use crate::snapshot::Node;
use crate::verdict::{Power, Stage};
use crate::walk::way::guard::Condition;
use crate::walk::way::met::ClusterTrail;
use crate::walk::way::walker::{Got, Walker};

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

/// Where a host is a listener of the proxy itself.
const INTERNAL: &str = "envoy://";

/// What could keep a request from the hosts that it would be sent to.
pub(in crate::walk) fn conditions(walker: &Walker, cluster: &Cluster, trail: &ClusterTrail) -> Vec<Condition> {
    let matches = cluster.transport_socket_matches.iter().filter_map(|m| m.transport_socket.as_ref());
    let odd = cluster.transport_socket.iter().chain(matches).find_map(odd_socket);
    let odd = odd.map(|name| {
        let why = format!("whether a connection by transport socket {name} comes about: it is not modeled");
        Condition::of(Stage::Endpoints, &trail.name, &[Power::Refuse], &why)
    });
    let addresses = trail.eligible().map(|host| host.host.address.as_str());
    let listeners: BTreeSet<&str> =
        addresses.filter_map(|address| address.strip_prefix(INTERNAL)?.split('/').next()).collect();
    let within = listeners.into_iter().filter_map(|listener| internal(walker, &trail.name, listener));
    odd.into_iter().chain(within).collect()
}

/// What wraps another socket.
#[derive(Deserialize)]
struct Wrapper {
    #[serde(default, alias = "transportSocket")]
    transport_socket: Option<TransportSocket>,
}

/// The name of a socket of another kind, or of one that is inside of it.
fn odd_socket(socket: &TransportSocket) -> Option<String> {
    let Some(transport_socket::ConfigType::TypedConfig(any)) = &socket.config_type else { return None };
    if !KNOWN.contains(&any.type_name.as_str()) {
        return Some(socket.name.clone());
    }
    let wrapper: Wrapper = serde_json::from_slice(&any.json).ok()?;
    wrapper.transport_socket.as_ref().and_then(odd_socket)
}

/// A host that is a listener of the proxy itself: without an internal one of that name no connection comes about
/// (`source/extensions/io_socket/user_space`, `InternalClientConnectionFactory`).
fn internal(walker: &Walker, cluster: &str, name: &str) -> Option<Condition> {
    let is_internal = |entry: &Node| {
        ["active_state.listener.internal_listener", "listener.internal_listener"]
            .iter()
            .any(|at| entry.at(at).is_some())
    };
    match walker.ask(walker.snapshot.listener(walker.origin, name)) {
        Got::Found(entry) if is_internal(&entry) => {
            walker.unchecked(format!("what the proxy's internal listener {name} does with the request"));
            None
        }
        Got::Found(_) | Got::Absent(_) => {
            let why = format!("the proxy has no internal listener {name}, which the cluster's hosts stand for");
            Some(Condition::of(Stage::Endpoints, cluster, &[Power::Refuse], &why))
        }
        Got::Gap(_) => None,
    }
}
