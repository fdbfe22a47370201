//! No object routes the host at the gateway.
//!
//! A gateway has the hosts of the virtual services and routes that are bound to it, and no other. It answers 404 NR to a
//! request with a Host that none of them has.
//!
//! How it comes about: The `VirtualService` or the `HTTPRoute` is missing, or it was written with another host. A name with
//! a star (`*.shop.example`) takes one or more labels in its place, and not the rest of the name alone.
//!
//! How to confirm it: `kubectl get virtualservices,httproutes,grpcroutes -A` lists the hosts that there are.
//!
//! How to fix it: Add the host to the object that is meant to route it, or ask for a host that is routed.

use crate::diagnose::{Case, Found, Proved, Unrouted, add_item, advice, certain, list_all, named, ref_of, show};
use crate::snapshot::{Kind, Node};
use crate::verdict::{Fix, Op, Stage};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let unrouted = Unrouted::of(case).filter(|unrouted| unrouted.is_open)?;
    let services = case.objects(Kind::VirtualService, None, &[])?;
    let routes = [Kind::HttpRoute, Kind::GrpcRoute].map(|kind| case.objects(kind, None, &[]).unwrap_or_default());
    let is_open = |route: &&Node| route.list("spec.hostnames").is_empty();
    let routes: Vec<Node> = routes.into_iter().flatten().collect();
    let mut lists = services.iter().map(|service| service.list("spec.hosts"));
    let mut names = routes.iter().map(|route| route.list("spec.hostnames"));
    if lists.any(|hosts| unrouted.taken_by(&hosts).is_some())
        || names.any(|hosts| unrouted.taken_by(&hosts).is_some())
        || routes.iter().any(|route| is_open(&route))
    {
        return None;
    }
    let bound = bound(case, &unrouted);
    let objects: Vec<_> = bound.iter().map(|service| ref_of(Kind::VirtualService, service, "spec.hosts")).collect();
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Route,
        title: format!("no VirtualService or HTTPRoute has the host {}", unrouted.host),
        why: format!(
            "{}, and no VirtualService or route of the cluster has {}. {}.",
            known(&bound),
            unrouted.host,
            case.answers()
        ),
        next: objects.first().map_or_else(|| list_all("virtualservices,httproutes,grpcroutes"), show),
        objects,
        fix: fixes(&bound, &unrouted.host),
        codes: &[],
        evidence: unrouted.evidence,
    })
}

/// The virtual services that name a Gateway of the pod: one of them may be meant.
fn bound(case: &Case, unrouted: &Unrouted) -> Vec<Node> {
    let gateways = case.objects(Kind::Gateway, None, &[]).unwrap_or_default();
    let own = gateways.iter().filter(|gateway| unrouted.is_for_the_pod(gateway));
    let names: Vec<String> = own
        .filter_map(|gateway| {
            Some(format!("{}/{}", gateway.text("metadata.namespace")?, gateway.text("metadata.name")?))
        })
        .collect();
    let services = case.objects(Kind::VirtualService, None, &[]).unwrap_or_default();
    let is_bound = |service: &Node| {
        let namespace = service.text("metadata.namespace").unwrap_or_default();
        let named = service.list("spec.gateways");
        named.iter().filter_map(|name| name.value().as_str()).any(|name| {
            let full = if name.contains('/') { name.to_owned() } else { format!("{namespace}/{name}") };
            names.contains(&full)
        })
    };
    services.into_iter().filter(is_bound).take(3).collect()
}

/// The hosts that the gateway has by them.
fn known(bound: &[Node]) -> String {
    let hosts = bound.iter().flat_map(|service| service.list("spec.hosts"));
    let hosts: Vec<String> = hosts.filter_map(|host| host.value().as_str().map(str::to_owned)).take(5).collect();
    match &hosts[..] {
        [] => "The gateway has no host".to_owned(),
        hosts => format!("The gateway has {}", hosts.join(", ")),
    }
}

fn fixes(bound: &[Node], host: &str) -> Vec<Fix> {
    let add = |service: &Node| {
        let object = ref_of(Kind::VirtualService, service, "spec.hosts");
        let text = format!("{}, spec.hosts: add {host}, if it is meant to route it", named(&object));
        add_item(&object, Some(service), "spec.hosts", Some(host.into()), text)
    };
    let create = advice(Op::Add, format!("a VirtualService or an HTTPRoute with the host {host}"));
    bound.iter().map(add).chain([create]).collect()
}
