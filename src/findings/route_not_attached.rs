//! An `HTTPRoute` is not attached to the listener.
//!
//! The route has the host, and the Gateway's listener that gets the request does not have the route, so the gateway
//! answers 404 NR by itself.
//!
//! How it comes about: A route names its Gateway in `spec.parentRefs`, and the listener has to take it: without
//! `allowedRoutes` a listener takes the routes of the Gateway's own namespace alone, `sectionName` and `port` have to
//! be those of a listener, and the listener's `hostname` has to admit one of the route's.
//!
//! How to confirm it: The route's `status.parents[].conditions`: `Accepted` is `False`, with the reason.
//!
//! How to fix it: Correct `parentRefs` or the hostnames of the route, or `allowedRoutes` of the listener.

use serde_json::json;

use crate::diagnose::{Case, Found, Unbound, Unrouted, add_item, in_field, named, ref_of, replace, set};
use crate::mesh::istio::binding::takes;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::ObjectRef;

/// The label of a gateway's pods that names their Gateway; they are of its namespace.
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

pub(crate) const CODES: &[&str] = &["IST0171", "KIA1401", "KIA1402"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let unrouted = Unrouted::of(case)?;
    let kinds = [Kind::HttpRoute, Kind::GrpcRoute];
    let routes = kinds.map(|kind| case.objects(kind, None, &[]).map(|routes| (kind, routes)));
    let all = routes.iter().flatten().flat_map(|(kind, routes)| routes.iter().map(|route| (*kind, route)));
    let with_host = all.filter(|(_, route)| has_host(&unrouted, route));
    let parents = with_host.flat_map(|(kind, route)| {
        parents(&unrouted, route).map(move |parent| (ref_of(kind, route, "spec.parentRefs"), route, parent))
    });
    // Where one is attached, the others are no cause.
    let kept: Option<Vec<_>> = parents
        .map(|(by, route, parent)| Some((broken(case, &unrouted, &by, &parent)?, by, refused(route, &parent))))
        .collect();
    let (broken, by, refused) = kept?.into_iter().next()?;
    let title = format!("no route with the host {} is attached to the gateway", unrouted.host);
    Some(unrouted.found(case, (title, &by), broken, refused.as_ref()))
}

/// What keeps a route from the Gateway that it names.
fn broken(case: &Case, unrouted: &Unrouted, by: &ObjectRef, parent: &Parent) -> Option<Unbound> {
    let (namespace, name) = (parent.namespace(), parent.at.text("name")?);
    match case.object(Kind::KubeGateway, &namespace, &name) {
        Some(gateway) => detached(unrouted, by, parent, &gateway),
        None => Some(missing(by, parent, case.no_object(Kind::KubeGateway, &namespace, &name)?)),
    }
}

/// An entry of a route's `parentRefs`.
struct Parent {
    at: Node,
    route_namespace: String,
}

impl Parent {
    fn namespace(&self) -> String {
        self.at.text("namespace").unwrap_or_else(|| self.route_namespace.clone())
    }
}

fn has_host(unrouted: &Unrouted, route: &Node) -> bool {
    let hosts = route.list("spec.hostnames");
    hosts.is_empty() || unrouted.taken_by(&hosts).is_some()
}

/// The Gateways that a route names, of which the pod may be.
fn parents(unrouted: &Unrouted, route: &Node) -> impl Iterator<Item = Parent> {
    let route_namespace = route.text("metadata.namespace").unwrap_or_default();
    let label = unrouted.pod.at("metadata.labels").and_then(|labels| labels.get(GATEWAY_NAME));
    let own = label.and_then(|name| name.value().as_str().map(str::to_owned));
    let namespace = unrouted.pod.text("metadata.namespace");
    let is_one = move |parent: &Parent| {
        parent.at.text("kind").is_none_or(|kind| kind == "Gateway")
            && own
                .as_ref()
                .is_none_or(|own| parent.at.text("name").as_ref() == Some(own) && Some(parent.namespace()) == namespace)
    };
    let parent = move |at: Node| Parent { at, route_namespace: route_namespace.clone() };
    route.list("spec.parentRefs").into_iter().map(parent).filter(is_one)
}

/// What the Gateway's controller says against the route.
fn refused(route: &Node, parent: &Parent) -> Option<Node> {
    let is_same = |status: &Node| {
        status.at("parentRef").and_then(|of| of.text("name")) == parent.at.text("name")
            && status.at("parentRef").and_then(|of| of.text("sectionName")) == parent.at.text("sectionName")
    };
    let conditions =
        route.list("status.parents").into_iter().filter(is_same).flat_map(|status| status.list("conditions"));
    conditions.into_iter().find(|condition| {
        condition.text("type").as_deref() == Some("Accepted") && condition.text("status").as_deref() == Some("False")
    })
}

/// The Gateway is not there.
fn missing(by: &ObjectRef, parent: &Parent, absence: Evidence) -> Unbound {
    let object = in_field(by, format!("{}.name", parent.at.place()));
    let name = parent.at.get("name");
    let text = format!("{}, {}: a Gateway that is there", named(&object), object.field);
    Unbound {
        why: format!(
            "its {} names Gateway {}/{}, which does not exist",
            object.field,
            parent.namespace(),
            parent.at.text("name").unwrap_or_default()
        ),
        fix: vec![replace(&object, name.as_ref(), None, text)],
        object,
        codes: &["KIA1401"],
        evidence: absence,
    }
}

/// Why no listener of the Gateway takes the route; `None` where one does.
fn detached(unrouted: &Unrouted, by: &ObjectRef, parent: &Parent, gateway: &Node) -> Option<Unbound> {
    let object = ref_of(Kind::KubeGateway, gateway, "spec.listeners");
    let all = gateway.list("spec.listeners");
    let section = parent.at.text("sectionName");
    let wanted = port(&parent.at);
    let is_meant = |listener: &Node| {
        section.as_ref().is_none_or(|name| listener.text("name").as_ref() == Some(name))
            && wanted.is_none_or(|wanted| port(listener) == Some(wanted))
    };
    let meant: Vec<&Node> = all.iter().filter(|listener| is_meant(listener)).collect();
    if meant.is_empty() {
        return Some(no_such_listener(by, parent, &all));
    }
    let at_port: Vec<&Node> =
        meant.iter().copied().filter(|listener| port(listener) == Some(u64::from(unrouted.port))).collect();
    if at_port.is_empty() {
        return Some(on_another_port(unrouted, object, gateway, &meant));
    }
    let mut first = None;
    for listener in at_port {
        let broken = not_taken(unrouted, parent, &object, listener)?;
        first = first.or(Some(broken));
    }
    first
}

fn port(of: &Node) -> Option<u64> {
    of.get("port").and_then(|port| port.value().as_u64())
}

/// No listener has the name or the port that the route asks for.
fn no_such_listener(by: &ObjectRef, parent: &Parent, listeners: &[Node]) -> Unbound {
    let at = parent.at.get("sectionName").or_else(|| parent.at.get("port")).unwrap_or_else(|| parent.at.clone());
    let object = in_field(by, at.place());
    let names: Vec<String> = listeners.iter().filter_map(|listener| listener.text("name")).collect();
    let only = if let [one] = &names[..] { Some(json!(one)) } else { None };
    let want = only.filter(|_| object.field.ends_with("sectionName"));
    let text = format!("{}, {}: a listener that is there: {}", named(&object), object.field, names.join(", "));
    Unbound {
        why: format!("its {} is {}, while the Gateway's listeners are {}", object.field, at.shown(), names.join(", ")),
        fix: vec![replace(&object, Some(&at), want, text)],
        object,
        codes: &["KIA1402"],
        evidence: at.evidence(),
    }
}

/// The listeners that the route is for have other ports than the one that was asked for.
fn on_another_port(unrouted: &Unrouted, object: ObjectRef, gateway: &Node, meant: &[&Node]) -> Unbound {
    let ports: Vec<String> = meant.iter().filter_map(|listener| port(listener)).map(|port| port.to_string()).collect();
    let at = meant.iter().find_map(|listener| listener.get("port"));
    let text =
        format!("{}, spec.listeners: one for port {}, or ask for {}", named(&object), unrouted.port, ports.join(", "));
    Unbound {
        why: format!("it is for listeners on port {}, not {}", ports.join(", "), unrouted.port),
        fix: vec![add_item(&object, Some(gateway), "spec.listeners", None, text)],
        evidence: at.map_or_else(|| gateway.lacks("spec.listeners"), |at| at.evidence()),
        object,
        codes: &[],
    }
}

/// Why a listener does not take the route; `None` where it should.
fn not_taken(unrouted: &Unrouted, parent: &Parent, object: &ObjectRef, listener: &Node) -> Option<Unbound> {
    let name = listener.text("name").unwrap_or_default();
    let of_gateway = format!("listener {name} of {}", named(object));
    if let Some(hostname) = listener.get("hostname").filter(|hostname| {
        hostname.value().as_str().is_some_and(|pattern| !pattern.is_empty() && !takes(pattern, &unrouted.host))
    }) {
        let object = in_field(object, hostname.place());
        let text = format!("{}, {}: one that takes {}", named(&object), object.field, unrouted.host);
        return Some(Unbound {
            why: format!("{of_gateway} is for the host {} only", hostname.shown()),
            fix: vec![replace(&object, Some(&hostname), None, text)],
            evidence: hostname.evidence(),
            object,
            codes: &[],
        });
    }
    let from = listener.at("allowedRoutes.namespaces.from");
    let allowed = from.as_ref().and_then(|from| from.value().as_str()).unwrap_or("Same");
    if allowed != "Same" || parent.route_namespace == object.namespace {
        return None;
    }
    let object = in_field(object, format!("{}.allowedRoutes.namespaces.from", listener.place()));
    let says = if from.is_some() {
        "takes only routes of the Gateway's own namespace"
    } else {
        "has no allowedRoutes, so it takes only routes of the Gateway's own namespace"
    };
    let text = format!(
        "{}, {}: \"All\", or \"Selector\" with a selector that {} carries",
        named(&object),
        object.field,
        parent.route_namespace
    );
    Some(Unbound {
        why: format!("{of_gateway} {says}, {}", object.namespace),
        fix: vec![set(&object, Some(listener), "allowedRoutes.namespaces.from", Some(json!("All")), text)],
        evidence: from.map_or_else(|| listener.lacks("allowedRoutes.namespaces.from"), |from| from.evidence()),
        object,
        codes: &["IST0171"],
    })
}
