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
use crate::mesh::istio::binding::object_of;
use crate::snapshot::{Kind, Node};
use crate::verdict::{Fix, Op, Stage};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let unrouted = Unrouted::of(case).filter(|unrouted| unrouted.is_open)?;
    let services = case.objects(Kind::VirtualService, None, &[])?;
    let services = services.into_iter().map(|at| Router { kind: Kind::VirtualService, at });
    let routes = [Kind::HttpRoute, Kind::GrpcRoute].map(|kind| {
        let all = case.objects(kind, None, &[]).unwrap_or_default();
        all.into_iter().map(|at| Router { kind, at }).filter(Router::is_for_gateways).collect::<Vec<_>>()
    });
    let routers: Vec<Router> = services.chain(routes.into_iter().flatten()).collect();
    if routers.iter().any(|router| router.takes(&unrouted)) {
        return None;
    }
    let gateways = case.objects(Kind::Gateway, None, &[]).unwrap_or_default();
    let own: Vec<_> = gateways.iter().filter(|gateway| unrouted.is_for_the_pod(gateway)).map(full_name).collect();
    let bound: Vec<&Router> = routers.iter().filter(|router| router.is_bound(&own)).take(3).collect();
    let objects: Vec<_> = bound.iter().map(|router| ref_of(router.kind, &router.at, router.field())).collect();
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Route,
        title: format!("no VirtualService or HTTPRoute has {}", case.this_host(&unrouted.host)),
        why: format!(
            "{}; no VirtualService and no route of the cluster has {}. {}.",
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

/// An object that routes hosts.
struct Router {
    kind: Kind,
    at: Node,
}

impl Router {
    /// Where it lists its hosts.
    fn field(&self) -> &'static str {
        if self.kind == Kind::VirtualService { "spec.hosts" } else { "spec.hostnames" }
    }

    /// Whether a route is for gateways, and not for a Service of the mesh.
    fn is_for_gateways(&self) -> bool {
        let parents = self.at.list("spec.parentRefs");
        parents.iter().any(|parent| parent.text("kind").is_none_or(|kind| kind == "Gateway"))
    }

    /// A route without hosts is for every host.
    fn takes(&self, unrouted: &Unrouted) -> bool {
        let hosts = self.at.list(self.field());
        unrouted.taken_by(&hosts).is_some() || hosts.is_empty() && self.kind != Kind::VirtualService
    }

    /// Whether it may be meant: it is bound to a Gateway of the pod, or is a route for some Gateway.
    fn is_bound(&self, own: &[(String, String)]) -> bool {
        let namespace = self.at.text("metadata.namespace").unwrap_or_default();
        let named = self.at.list("spec.gateways");
        let mut names = named.iter().filter_map(|name| Some(object_of(name.value().as_str()?, &namespace)));
        self.kind != Kind::VirtualService || names.any(|name| own.contains(&name))
    }
}

/// An object's namespace and name.
fn full_name(object: &Node) -> (String, String) {
    let text = |path: &str| object.text(path).unwrap_or_default();
    (text("metadata.namespace"), text("metadata.name"))
}

/// The hosts that the gateway has by them.
fn known(bound: &[&Router]) -> String {
    let hosts = bound.iter().flat_map(|router| router.at.list(router.field()));
    let hosts: Vec<String> = hosts.filter_map(|host| host.value().as_str().map(str::to_owned)).take(5).collect();
    match &hosts[..] {
        [] => "Gateways have no hosts".to_owned(),
        hosts => format!("Gateways have the hosts {}", hosts.join(", ")),
    }
}

fn fixes(bound: &[&Router], host: &str) -> Vec<Fix> {
    let add = |router: &&Router| {
        let object = ref_of(router.kind, &router.at, router.field());
        let text = format!("{}, {}: add {host}, if it is meant to route it", named(&object), object.field);
        add_item(&object, Some(&router.at), router.field(), Some(host.into()), text)
    };
    let create = advice(Op::Add, format!("a VirtualService or an HTTPRoute with the host {host}"));
    bound.iter().map(add).chain([create]).collect()
}
