//! A gateway as A: its clients dial its Service, which leads to a port of its pod.

use crate::mesh::kubernetes::has_labels;
use crate::snapshot::{Kind, Node};
use crate::walk::dial::dialed::{Resolved, found};
use crate::walk::way::walker::Walker;

/// The port that a gateway's clients dial, through the gateway's Service to the listener's.
pub(in crate::walk) fn of_gateway(walker: &Walker, port: u16) -> Resolved {
    let port = gateway_target(walker, port);
    found(walker, &[None], port, None, Vec::new())
}

fn gateway_target(walker: &Walker, port: u16) -> u16 {
    let Some(pod) = walker.source_pod() else { return port };
    let namespace = pod.text("metadata.namespace").unwrap_or_default();
    let services = walker.glance(walker.snapshot.objects(Kind::Service, Some(&namespace), &[])).unwrap_or_default();
    let labels = pod.labels("metadata.labels");
    let selects = |service: &Node| {
        let selector = service.at("spec.selector").filter(|selector| !selector.members().is_empty());
        selector.is_some() && has_labels(&labels, selector.as_ref())
    };
    let mut ports = services.iter().filter(|s| selects(s)).flat_map(|s| s.list("spec.ports"));
    let entry = ports.find(|p| p.get("port").and_then(|n| n.value().as_u64()) == Some(u64::from(port)));
    let Some(target) = entry.and_then(|p| p.get("targetPort")) else {
        return port;
    };
    match (target.value().as_u64(), target.value().as_str()) {
        (Some(number), _) => u16::try_from(number).unwrap_or(port),
        (None, Some(name)) => container_port(&pod, name).unwrap_or(port),
        (None, None) => port,
    }
}

fn container_port(pod: &Node, name: &str) -> Option<u16> {
    let containers = pod.list("spec.containers");
    let ports = containers.iter().flat_map(|c| c.list("ports"));
    let mut named = ports.filter(|p| p.text("name").as_deref() == Some(name));
    named.find_map(|p| u16::try_from(p.get("containerPort")?.value().as_u64()?).ok())
}
