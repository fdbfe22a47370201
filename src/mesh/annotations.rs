//! The annotations with which a pod keeps connections from its proxy. Each is a list, separated by commas.
//!
//! The order is that of Istio, `tools/istio-iptables/pkg/capture/run.go`.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::snapshot::Node;

/// What a mesh calls them; `None` where it has no such thing.
#[derive(Clone, Copy, Debug)]
pub struct Annotations {
    /// Connections of the pod's to these ports.
    pub(super) exclude_outbound_ports: Option<&'static str>,
    /// Connections of the pod's to these addresses.
    pub(super) exclude_outbound_ranges: Option<&'static str>,
    /// Connections to these ports get to the proxy whatever the addresses that alone do.
    pub(super) include_outbound_ports: Option<&'static str>,
    /// Connections of the pod's to any but these addresses.
    pub(super) include_outbound_ranges: Option<&'static str>,
    /// Connections to these ports of the pod.
    pub(super) exclude_inbound_ports: Option<&'static str>,
}

/// An annotation that keeps a connection from the proxy.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Where it stands.
    pub at: Node,
    /// What it lists.
    pub items: Vec<String>,
}

impl Annotations {
    /// What keeps a connection of the pod's own from its proxy.
    pub fn outbound(&self, pod: &Node, ip: Option<IpAddr>, port: u16) -> Option<Kept> {
        let list = |name| list(pod, name);
        let ranges = |items: &[String]| {
            let Some(ip) = ip else { return false };
            items.iter().any(|r| r == "*" || r.parse::<IpNet>().is_ok_and(|net| net.contains(&ip)))
        };
        let excluded = list(self.exclude_outbound_ports).filter(|kept| kept.has_port(port));
        let excluded = excluded.or_else(|| list(self.exclude_outbound_ranges).filter(|kept| ranges(&kept.items)));
        excluded.or_else(|| {
            let included = list(self.include_outbound_ports).is_some_and(|kept| kept.has_port(port));
            list(self.include_outbound_ranges)
                .filter(|kept| ip.is_some() && !kept.items.is_empty() && !ranges(&kept.items) && !included)
        })
    }

    /// Whether a connection to this port of the pod is kept from its proxy.
    pub fn keeps_inbound(&self, pod: &Node, port: u16) -> bool {
        list(pod, self.exclude_inbound_ports).is_some_and(|kept| kept.has_port(port))
    }
}

impl Kept {
    fn has_port(&self, port: u16) -> bool {
        self.items.iter().any(|item| item.parse() == Ok(port))
    }
}

fn list(pod: &Node, name: Option<&str>) -> Option<Kept> {
    let at = pod.at("metadata.annotations")?.get(name?)?;
    let items = at.value().as_str()?.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect();
    Some(Kept { at, items })
}
