//! What was assigned to a cluster besides the hosts' health: drops, factors, localities, and the endpoints' metadata.

use std::collections::BTreeMap;

use pbjson_types::Struct;

use crate::envoy::pb::envoy::config::cluster::v3::Cluster;
use crate::envoy::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType};
use crate::envoy::pb::envoy::config::core::v3::{TransportSocket, transport_socket};
use crate::envoy::pb::envoy::config::endpoint::v3::{ClusterLoadAssignment, lb_endpoint};
use crate::envoy::pb::envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;
use crate::envoy::{address, fraction};
use crate::snapshot::Node;

use super::path::Socket;
use super::walker::{Got, Walker};

/// The parts of a `ClusterLoadAssignment` that decide.
#[derive(Default)]
pub(super) struct Assignment {
    /// The share of requests that are dropped, 0 to 1.
    pub(super) dropped: f64,
    /// Percent.
    pub(super) overprovisioning_factor: Option<u32>,
    pub(super) weighted_priority_health: bool,
    /// Weights by priority and `region/zone/sub_zone`; 0 where none was given.
    pub(super) locality_weights: Vec<((u32, String), u32)>,
    /// Each endpoint's `envoy.transport_socket_match`, by address; `None` when the assignment was not read.
    sockets: Option<BTreeMap<String, Struct>>,
}

const ASSIGNMENT: &str = "envoy.config.endpoint.v3.ClusterLoadAssignment";
const SOCKET_MATCH: &str = "envoy.transport_socket_match";

/// Reads a cluster's assignment: from EDS, or the one in the cluster itself.
pub(super) fn read(walker: &Walker, cluster: &Cluster, node: &Node) -> Result<Assignment, String> {
    let by_eds = matches!(&cluster.cluster_discovery_type,
        Some(ClusterDiscoveryType::Type(t)) if *t == DiscoveryType::Eds as i32);
    let at = if by_eds {
        let named = cluster.eds_cluster_config.as_ref().map_or("", |eds| eds.service_name.as_str());
        let name = if named.is_empty() { cluster.name.as_str() } else { named };
        match walker.ask(walker.snapshot.endpoints(walker.origin, name)) {
            Got::Found(entry) => entry.get("endpoint_config"),
            Got::Absent(_) => None,
            // Drops and priorities live in it, and health does not tell them.
            Got::Gap => return Ok(Assignment::default()),
        }
    } else {
        node.get("load_assignment")
    };
    let Some(at) = at else {
        return Ok(Assignment { sockets: Some(BTreeMap::new()), ..Assignment::default() });
    };
    if let Some(what) = Walker::unmodeled(&at, ASSIGNMENT, &[]) {
        return Err(what);
    }
    let assignment =
        at.decode::<ClusterLoadAssignment>().map_err(|why| format!("the endpoints could not be read: {why}"))?;
    Ok(understand(&assignment))
}

fn understand(assignment: &ClusterLoadAssignment) -> Assignment {
    let policy = assignment.policy.clone().unwrap_or_default();
    let kept: f64 = policy.drop_overloads.iter().map(|d| 1.0 - fraction::share(d.drop_percentage.as_ref())).product();
    let mut locality_weights = Vec::new();
    let mut sockets = BTreeMap::new();
    for group in &assignment.endpoints {
        let locality = group.locality.clone().unwrap_or_default();
        let name = format!("{}/{}/{}", locality.region, locality.zone, locality.sub_zone);
        let weight = group.load_balancing_weight.as_ref().map_or(0, |w| w.value);
        locality_weights.push(((group.priority, name), weight));
        for endpoint in &group.lb_endpoints {
            let Some(lb_endpoint::HostIdentifier::Endpoint(at)) = &endpoint.host_identifier else {
                continue;
            };
            let metadata = endpoint.metadata.as_ref().and_then(|m| m.filter_metadata.get(SOCKET_MATCH));
            let shown = at.address.as_ref().map(address::show).unwrap_or_default();
            sockets.insert(shown, metadata.cloned().unwrap_or_default());
        }
    }
    Assignment {
        dropped: 1.0 - kept,
        overprovisioning_factor: policy.overprovisioning_factor.as_ref().map(|f| f.value),
        weighted_priority_health: policy.weighted_priority_health,
        locality_weights,
        sockets: Some(sockets),
    }
}

/// How the proxy would speak to a host: the first transport socket match that its metadata meets, else the
/// cluster's own socket (`source/common/upstream/transport_socket_match_impl.cc`).
pub(super) fn socket_of(cluster: &Cluster, assignment: &Assignment, address: &str) -> Option<Socket> {
    if cluster.transport_socket_matches.is_empty() {
        return socket(cluster.transport_socket.as_ref());
    }
    let metadata = assignment.sockets.as_ref()?.get(address).cloned().unwrap_or_default();
    let meets = |wanted: &Struct| wanted.fields.iter().all(|(key, value)| metadata.fields.get(key) == Some(value));
    let matching = cluster.transport_socket_matches.iter().find(|m| m.r#match.as_ref().is_none_or(meets));
    socket(matching.map_or(cluster.transport_socket.as_ref(), |m| m.transport_socket.as_ref()))
}

/// A transport socket; `None` for one of another kind.
pub(super) fn socket(socket: Option<&TransportSocket>) -> Option<Socket> {
    let plaintext = Socket { kind: "plaintext", server_name: String::new(), alpn: Vec::new() };
    let Some(socket) = socket else { return Some(plaintext) };
    let Some(transport_socket::ConfigType::TypedConfig(any)) = &socket.config_type else {
        return (socket.name == "envoy.transport_sockets.raw_buffer").then_some(plaintext);
    };
    match any.type_name.rsplit('.').next().unwrap_or_default() {
        "RawBuffer" => Some(plaintext),
        "UpstreamTlsContext" => {
            let tls: UpstreamTlsContext = any.unpack().ok()?;
            let common = tls.common_tls_context.unwrap_or_default();
            let certified =
                !common.tls_certificates.is_empty() || !common.tls_certificate_sds_secret_configs.is_empty();
            let kind = if certified { "mutual" } else { "simple" };
            Some(Socket { kind, server_name: tls.sni, alpn: common.alpn_protocols })
        }
        _ => None,
    }
}
