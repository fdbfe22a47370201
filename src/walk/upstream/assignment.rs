//! What was assigned to a cluster besides the hosts' health: drops, factors, localities, and the endpoints' metadata.

use std::collections::BTreeMap;
use std::sync::Arc;

use pbjson_types::Struct;

use crate::envoy::health::Host;
use crate::envoy::pb::envoy::config::cluster::v3::Cluster;
use crate::envoy::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType};
use crate::envoy::pb::envoy::config::core::v3::{TransportSocket, transport_socket};
use crate::envoy::pb::envoy::config::endpoint::v3::{ClusterLoadAssignment, lb_endpoint};
use crate::envoy::pb::envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;
use crate::envoy::subset::{self, Criteria};
use crate::envoy::tls::Context;
use crate::envoy::{address, fraction};
use crate::snapshot::Node;
use crate::walk::way::met::{Socket, SocketKind};
use crate::walk::way::walker::{Got, Walker};

/// The parts of a `ClusterLoadAssignment` that decide.
#[derive(Default)]
pub(in crate::walk) struct Assignment {
    /// The share of requests that are dropped, 0 to 1.
    pub(in crate::walk) dropped: f64,
    /// Percent.
    pub(in crate::walk) overprovisioning_factor: Option<u32>,
    /// `None` by EDS: Envoy's dump leaves it out.
    pub(in crate::walk) weighted_priority_health: Option<bool>,
    /// Weights by priority and `region/zone/sub_zone`; 0 where none was given.
    pub(in crate::walk) locality_weights: BTreeMap<(u32, String), u32>,
    /// The endpoints, by address as it is written (a name, where it is to be resolved); `None` when the assignment was
    /// not read.
    endpoints: Option<BTreeMap<String, BTreeMap<u32, Listed>>>,
}

/// What an address is listed with in one priority.
enum Listed {
    /// The same, however often.
    Once(Assigned),
    /// Something else each time.
    Mixed,
}

/// An endpoint's metadata.
#[derive(PartialEq)]
struct Assigned {
    /// `envoy.transport_socket_match`
    socket: Struct,
    /// `envoy.lb`
    subset: Criteria,
}

const ASSIGNMENT: &str = "envoy.config.endpoint.v3.ClusterLoadAssignment";
const SOCKET_MATCH: &str = "envoy.transport_socket_match";
const SUBSET: &str = "envoy.lb";

/// Reads a cluster's assignment: from EDS, or the one in the cluster itself.
pub(in crate::walk) fn read(walker: &Walker, cluster: &Cluster, node: &Node) -> Result<Assignment, String> {
    let by_eds = matches!(&cluster.cluster_discovery_type,
        Some(ClusterDiscoveryType::Type(t)) if *t == DiscoveryType::Eds as i32);
    let at = if by_eds {
        match walker.ask(walker.snapshot.endpoints(walker.origin, name(cluster))) {
            Got::Found(entry) => entry.get("endpoint_config"),
            Got::Absent(_) => unnamed(walker, cluster).and_then(|entry| entry.get("endpoint_config")),
            // Drops and priorities live in it, and health does not tell them.
            Got::Gap(_) => return Ok(Assignment::default()),
        }
    } else {
        node.get("load_assignment")
    };
    let Some(at) = at else {
        return Ok(Assignment { endpoints: Some(BTreeMap::new()), ..Assignment::default() });
    };
    if let Some(what) = Walker::unmodeled(&at, ASSIGNMENT, &[]) {
        return Err(what);
    }
    let assignment =
        at.decode::<ClusterLoadAssignment>().map_err(|why| format!("the endpoints could not be read: {why}"))?;
    let weighted = assignment.policy.as_ref().is_some_and(|policy| policy.weighted_priority_health);
    Ok(Assignment { weighted_priority_health: (!by_eds || weighted).then_some(weighted), ..understand(&assignment) })
}

/// What a cluster's assignment goes by.
pub(in crate::walk) fn name(cluster: &Cluster) -> &str {
    let named = cluster.eds_cluster_config.as_ref().map_or("", |eds| eds.service_name.as_str());
    if named.is_empty() { &cluster.name } else { named }
}

/// That of a cluster which has no other name for it, where the dump left it out.
pub(in crate::walk) fn unnamed(walker: &Walker, cluster: &Cluster) -> Option<Node> {
    let named = cluster.eds_cluster_config.as_ref().map(|eds| eds.service_name.as_str());
    named.filter(|name| name.is_empty())?;
    walker.snapshot.unnamed_endpoints(walker.origin, &cluster.name)
}

fn understand(assignment: &ClusterLoadAssignment) -> Assignment {
    let policy = assignment.policy.clone().unwrap_or_default();
    let kept: f64 = policy.drop_overloads.iter().map(|d| 1.0 - fraction::share(d.drop_percentage.as_ref())).product();
    let mut locality_weights = BTreeMap::new();
    let mut endpoints: BTreeMap<String, BTreeMap<u32, Listed>> = BTreeMap::new();
    for group in &assignment.endpoints {
        let locality = group.locality.clone().unwrap_or_default();
        let name = format!("{}/{}/{}", locality.region, locality.zone, locality.sub_zone);
        let weight = group.load_balancing_weight.as_ref().map_or(0, |w| w.value);
        locality_weights.insert((group.priority, name), weight);
        for endpoint in &group.lb_endpoints {
            let Some(lb_endpoint::HostIdentifier::Endpoint(at)) = &endpoint.host_identifier else {
                continue;
            };
            let metadata = |key: &str| endpoint.metadata.as_ref().and_then(|m| m.filter_metadata.get(key));
            let shown = at.address.as_ref().map(address::show).unwrap_or_default();
            let assigned = || Assigned {
                socket: metadata(SOCKET_MATCH).cloned().unwrap_or_default(),
                subset: subset::criteria(metadata(SUBSET)),
            };
            // A host that has a name of its own is known by it too, for its address may be one that was resolved.
            let port = shown.rsplit_once(':').map_or("", |(_, port)| port);
            let named = (!at.hostname.is_empty()).then(|| format!("{}:{port}", at.hostname));
            for key in [Some(shown.clone()), named].into_iter().flatten() {
                let own = assigned();
                let listed = endpoints.entry(key).or_default().entry(group.priority);
                let merge = |known: &mut Listed| {
                    if !matches!(known, Listed::Once(first) if *first == own) {
                        *known = Listed::Mixed;
                    }
                };
                listed.and_modify(merge).or_insert(Listed::Once(own));
            }
        }
    }
    Assignment {
        dropped: 1.0 - kept,
        overprovisioning_factor: policy.overprovisioning_factor.as_ref().map(|f| f.value),
        weighted_priority_health: None,
        locality_weights,
        endpoints: Some(endpoints),
    }
}

/// The assignment was not read, or has the host more than once, with different metadata.
struct Untold;

impl Assignment {
    /// What was assigned to a host: by its address, else by the name that was resolved; `None` where it is not in the
    /// assignment.
    fn of(&self, host: &Host) -> Result<Option<&Assigned>, Untold> {
        let all = self.endpoints.as_ref().ok_or(Untold)?;
        let port = host.address.rsplit_once(':').map_or("", |(_, port)| port);
        let found = all.get(&host.address).or_else(|| all.get(&format!("{}:{port}", host.hostname)));
        match found.and_then(|listed| listed.get(&host.priority)) {
            Some(Listed::Once(assigned)) => Ok(Some(assigned)),
            Some(Listed::Mixed) => Err(Untold),
            None => Ok(None),
        }
    }

    /// The host's `envoy.lb`.
    pub(in crate::walk) fn subset_metadata(&self, host: &Host) -> Option<Criteria> {
        Some(self.of(host).ok()?.map(|a| a.subset.clone()).unwrap_or_default())
    }
}

/// How the proxy would speak to a cluster's hosts: the first transport socket match that a host's metadata meets, else
/// the cluster's own socket (`source/common/upstream/transport_socket_match_impl.cc`).
pub(in crate::walk) struct Sockets<'a> {
    assignment: &'a Assignment,
    matches: Vec<(Option<&'a Struct>, Option<Arc<Socket>>)>,
    own: Option<Arc<Socket>>,
}

impl<'a> Sockets<'a> {
    /// Those of a cluster.
    pub(in crate::walk) fn of(cluster: &'a Cluster, assignment: &'a Assignment) -> Self {
        let matches = cluster.transport_socket_matches.iter();
        let matches = matches.map(|m| (m.r#match.as_ref(), socket(m.transport_socket.as_ref()).map(Arc::new)));
        let own = socket(cluster.transport_socket.as_ref()).map(Arc::new);
        Self { assignment, matches: matches.collect(), own }
    }

    /// That of a host; `None` where it is not known.
    pub(in crate::walk) fn of_host(&self, host: &Host) -> Option<Arc<Socket>> {
        if self.matches.is_empty() {
            return self.own.clone();
        }
        let none = Struct::default();
        let metadata = self.assignment.of(host).ok()?.map_or(&none, |a| &a.socket);
        let meets = |wanted: &Struct| wanted.fields.iter().all(|(key, value)| metadata.fields.get(key) == Some(value));
        let matching = self.matches.iter().find(|(wanted, _)| wanted.is_none_or(meets));
        matching.map_or_else(|| self.own.clone(), |(_, socket)| socket.clone())
    }
}

/// A transport socket; `None` for one of another kind.
pub(in crate::walk) fn socket(socket: Option<&TransportSocket>) -> Option<Socket> {
    let Some(socket) = socket else { return Some(Socket::plaintext()) };
    let Some(transport_socket::ConfigType::TypedConfig(any)) = &socket.config_type else {
        return (socket.name == "envoy.transport_sockets.raw_buffer").then(Socket::plaintext);
    };
    match any.type_name.rsplit('.').next().unwrap_or_default() {
        "RawBuffer" => Some(Socket::plaintext()),
        "UpstreamTlsContext" => {
            let tls: UpstreamTlsContext = any.unpack().ok()?;
            let alpn = tls.common_tls_context.map(|common| common.alpn_protocols).unwrap_or_default();
            let context =
                Context::upstream(any).unwrap_or_else(|why| Context { untold: Some(why), ..Context::default() });
            let kind = if context.shows.is_empty() { SocketKind::Simple } else { SocketKind::Mutual };
            Some(Socket { kind, server_name: tls.sni, alpn, tls: context })
        }
        _ => None,
    }
}
