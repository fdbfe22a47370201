//! Two ports of the gateway's Service lead to one port of its pods.
//!
//! Istio binds a Gateway's server to the port of the pods that the Service's port leads to. Two servers on one such port
//! with different hosts do not both get there: one of them has no routes, and requests for its hosts are answered 404 NR.
//!
//! How it comes about: `targetPort` of one port of the Service was copied from another, or was changed.
//!
//! How to confirm it: `kubectl get service GATEWAY -o yaml` shows the same `targetPort` twice.
//!
//! How to fix it: Give each port of the Service a `targetPort` of its own.

use crate::diagnose::{Case, Found, Proved, Unrouted, certain, named, ref_of, replace, show};
use crate::mesh::kubernetes::selects;
use crate::snapshot::{Kind, Node};
use crate::verdict::Stage;

pub(crate) const YIELDS_TO: &[&str] = &["host-not-routed", "route-not-attached", "virtual-service-not-bound"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let unrouted = Unrouted::of(case).filter(|unrouted| unrouted.is_open)?;
    let namespace = unrouted.pod.text("metadata.namespace")?;
    let labels = unrouted.pod.labels("metadata.labels");
    let services = case.objects(Kind::Service, Some(&namespace), &[])?;
    let mut selecting = services.iter().filter(|service| selects(service, &labels));
    let (service, own, other) = selecting.find_map(|service| {
        let ports = service.list("spec.ports");
        let own = ports.iter().find(|port| number(port) == Some(u64::from(unrouted.port)))?;
        let other = ports.iter().find(|port| number(port) != number(own) && target(port) == target(own))?;
        Some((service, own.clone(), other.clone()))
    })?;
    let at = other.get("targetPort").or_else(|| own.get("targetPort"))?;
    let object = ref_of(Kind::Service, service, &at.place());
    let shown = |port: &Node| number(port).unwrap_or_default();
    let text = format!("{}, {}: a port of the pods that no other port leads to", named(&object), object.field);
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Route,
        title: format!("ports {} and {} share a port of the gateway", shown(&other), shown(&own)),
        why: format!(
            "{} sends ports {} and {} on to port {} of the gateway's pods, and the Gateways of both do not share it: the proxy has no route for {}. {}.",
            named(&object),
            shown(&other),
            shown(&own),
            at.shown(),
            unrouted.host,
            case.answers()
        ),
        next: show(&object),
        objects: vec![object.clone()],
        fix: vec![replace(&object, Some(&at), None, text)],
        codes: &[],
        evidence: [at.evidence()].into_iter().chain(own.get("targetPort").map(|at| at.evidence())).collect(),
    })
}

fn number(port: &Node) -> Option<u64> {
    port.get("port")?.value().as_u64()
}

/// Where a port leads: to `targetPort`, else to a port of its own number.
fn target(port: &Node) -> Option<String> {
    port.get("targetPort").or_else(|| port.get("port")).map(|at| at.shown())
}
