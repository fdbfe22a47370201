//! Whether the application of a pod accepts connections on loopback, where somebody wanted to know (`--probe`).

use std::net::{IpAddr, SocketAddr};

use crate::mesh::meshes::node_id;
use crate::snapshot::{Lookup, Node};
use crate::verdict::{Mark, Stage};
use crate::walk::way::log::Row;
use crate::walk::way::met::{ClusterTrail, Visit};
use crate::walk::way::walker::Walker;

/// What is said of a pod's application: where its proxy hands the request on to it, and where the request ended as no
/// connection to it came about. `None` where it was not connected to, or the proxy's cluster is not the pod itself.
pub(in crate::walk) fn said(walker: &Walker, visit: &Visit, cluster: &ClusterTrail) -> Option<Row> {
    let port = visit.application(cluster).filter(|_| !is_gateway(walker, visit))?;
    match walker.snapshot.probe(&visit.namespace, &visit.name, port) {
        Lookup::Found(probe) => {
            let connected = probe.get("connected")?;
            let (mark, note) = match connected.value().as_bool() {
                Some(true) => (Mark::Passed, format!("the application accepts connections on loopback, port {port}")),
                _ => (Mark::Warned, format!("nothing accepts connections on loopback, port {port}")),
            };
            Some(Row::new(Stage::Endpoints, mark, "", &note).citing([connected.evidence()]))
        }
        Lookup::Absent(_) => None,
        Lookup::Unread(need) => {
            if let Some(why) = walker.snapshot.why_refused(&need) {
                let (namespace, name) = (&visit.namespace, &visit.name);
                walker.unchecked(format!("whether the application of pod {namespace}/{name} listens: {why}"));
            }
            walker.want(need);
            None
        }
    }
}

/// Behind a gateway's proxy there is no application.
fn is_gateway(walker: &Walker, visit: &Visit) -> bool {
    let info = walker.glance(walker.snapshot.server_info(visit.origin));
    let id = info.as_ref().and_then(|info| info.text("node.id"));
    id.and_then(|id| node_id(&id)).is_some_and(|node| node.is_gateway)
}

impl Visit {
    /// The port of the pod's own that its proxy hands requests on to; `None` where it sends them elsewhere.
    pub(crate) fn application(&self, cluster: &ClusterTrail) -> Option<u16> {
        let addresses = cluster.hosts.iter().filter_map(|trail| trail.host.address.parse::<SocketAddr>().ok());
        let addresses: Vec<SocketAddr> = addresses.collect();
        let is_own = |ip: IpAddr| ip.is_loopback() || has_address(&self.pod, ip);
        match addresses.first() {
            Some(first) => {
                addresses.iter().all(|at| is_own(at.ip()) && at.port() == first.port()).then(|| first.port())
            }
            None => cluster.hosts.is_empty().then_some(self.port),
        }
    }
}

fn has_address(pod: &Node, ip: IpAddr) -> bool {
    let is_it = |text: String| text.parse() == Ok(ip);
    pod.text("status.podIP").is_some_and(is_it)
        || pod.list("status.podIPs").iter().filter_map(|one| one.text("ip")).any(is_it)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::envoy::health::Host;
    use crate::envoy::pb::envoy::admin::v3::HostStatus;
    use crate::snapshot::Origin;
    use crate::walk::way::met::{HostTrail, SocketKind};

    #[test]
    fn the_application_is_in_the_pod_and_nowhere_else() {
        let pod = Node::of_object(
            json!({"status": {"podIP": "10.0.0.9", "podIPs": [{"ip": "10.0.0.9"}, {"ip": "fd00::9"}]}}),
        );
        let visit = Visit {
            namespace: "shop".to_owned(),
            name: "b-1".to_owned(),
            pod,
            origin: Origin::Destination(0),
            port: 8080,
            socket: SocketKind::Plaintext,
        };
        let port = |addresses: &[&str]| {
            let host = |address: &&str| HostTrail {
                host: Host { address: (*address).to_owned(), ..Host::of(&HostStatus::default()) },
                at: None,
                eligible: true,
                socket: None,
            };
            let hosts = addresses.iter().map(host).collect();
            visit.application(&ClusterTrail { hosts, ..ClusterTrail::named("inbound|8080||") })
        };
        assert_eq!(port(&[]), Some(8080));
        assert_eq!(
            (port(&["10.0.0.9:9000"]), port(&["[fd00::9]:9000"]), port(&["127.0.0.1:9001"])),
            (Some(9000), Some(9000), Some(9001))
        );
        // What a gateway sends on goes to other pods, or to a host outside.
        assert_eq!(
            (port(&["10.0.0.7:8080"]), port(&["93.184.215.14:443"]), port(&["b.example:80"])),
            (None, None, None)
        );
        assert_eq!(port(&["10.0.0.9:9000", "10.0.0.7:9000"]), None);
    }
}
