//! What stands between a cluster and its hosts, and is not walked: a transport socket of another kind, an internal listener
//! of the same proxy.

use std::collections::BTreeSet;

use crate::envoy::pb::envoy::config::cluster::v3::Cluster;
use crate::envoy::transport_socket;
use crate::snapshot::Node;
use crate::verdict::{Power, Stage};
use crate::walk::way::guard::Condition;
use crate::walk::way::met::ClusterTrail;
use crate::walk::way::walker::{Got, Walker};

/// Where a host is a listener of the proxy itself.
const INTERNAL: &str = "envoy://";

/// What could keep a request from the hosts that it would be sent to.
pub(in crate::walk) fn conditions(walker: &Walker, cluster: &Cluster, trail: &ClusterTrail) -> Vec<Condition> {
    let matches = cluster.transport_socket_matches.iter().filter_map(|m| m.transport_socket.as_ref());
    let odd = cluster.transport_socket.iter().chain(matches).find_map(transport_socket::unknown);
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
