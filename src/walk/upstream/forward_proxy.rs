//! A cluster that resolves each request's own host (`envoy.clusters.dynamic_forward_proxy`).
//!
//! What was resolved, `/clusters` lists under the host's name; no other host of it can get the request. What was not, is
//! resolved when the request comes; where that fails, the filter answers 503 DF. With `sub_clusters_config` each host has a
//! cluster of its own, which is made when its first request comes
//! (`source/extensions/clusters/dynamic_forward_proxy/cluster.cc`).

use std::net::IpAddr;
use std::sync::Arc;

use crate::envoy::health::Host;
use crate::envoy::pb::envoy::config::cluster::v3::Cluster;
use crate::envoy::pb::envoy::config::cluster::v3::cluster::CustomClusterType;
use crate::snapshot::Node;
use crate::verdict::{Power, Stage};
use crate::walk::upstream::assignment;
use crate::walk::upstream::evaluated::Evaluated;
use crate::walk::upstream::straight::{self, Place};
use crate::walk::way::forwarded::Wire;
use crate::walk::way::guard::Condition;
use crate::walk::way::met::ClusterTrail;
use crate::walk::way::walker::Walker;

/// The type of its configuration.
pub(in crate::walk) const TYPE: &str = "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig";

/// Whether a cluster is one.
pub(in crate::walk) fn is_one(custom: &CustomClusterType) -> bool {
    custom.typed_config.as_ref().is_some_and(|any| any.type_name == TYPE)
}

/// What becomes of requests to this host; `None` where it is not known.
pub(in crate::walk) fn evaluate(
    walker: &Walker,
    mut trail: ClusterTrail,
    (cluster, node): (&Cluster, &Node),
    wire: Wire,
    host: Option<&str>,
) -> Evaluated {
    let Some(host) = host else {
        return Evaluated::unknown(
            trail,
            "which host it resolves for the request (dynamic forward proxy) is not known",
        );
    };
    let socket = assignment::socket(cluster.transport_socket.as_ref()).map(Arc::new);
    let is_tls = socket.as_ref().is_some_and(|socket| socket.is_tls());
    let (name, port) = split(host, if is_tls { 443 } else { 80 });
    let full = format!("{name}:{port}");
    let of_its_own = node.at("cluster_type.typed_config.sub_clusters_config").is_some();
    let list = if of_its_own { format!("DFPCluster:{full}") } else { trail.name.clone() };
    let is_meant = |known: &Host| of_its_own || known.hostname == full || known.hostname == host;
    straight::take(walker, &mut trail, &list, socket, &is_meant);
    let ip: Option<IpAddr> = name.trim_matches(['[', ']']).parse().ok();
    let resolved = trail.hosts.first().map(|known| known.host.address.clone()).or(ip.map(|_| full.clone()));
    let note = format!("resolves {name} by itself (dynamic forward proxy)");
    let Some(address) = resolved else {
        let why = format!("whether the proxy resolves {name} (503 DF if not): DNS was not asked");
        let condition = Condition::of(Stage::Endpoints, &trail.name, &[Power::Refuse], &why);
        let condition = condition.provided_that(&format!("the proxy resolves {name}"));
        let place = Place::Words(format!("the address that {name} resolves to, port {port}"));
        return straight::sent(trail, place, wire, &note).under(vec![condition]);
    };
    straight::sent(trail, Place::Address(address), wire, &note)
}

/// A host and its port, or the usual one.
fn split(host: &str, usual: u16) -> (&str, u16) {
    let parted = host.rsplit_once(':').filter(|(name, _)| !name.contains(':') || name.ends_with(']'));
    parted.and_then(|(name, port)| Some((name, port.parse().ok()?))).unwrap_or((host, usual))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_host_has_the_usual_port_unless_it_names_one() {
        assert_eq!(split("a.example:8001", 80), ("a.example", 8001));
        assert_eq!(split("a.example", 443), ("a.example", 443));
        assert_eq!(split("[::1]:81", 80), ("[::1]", 81));
        assert_eq!(split("[::1]", 80), ("[::1]", 80));
    }
}
