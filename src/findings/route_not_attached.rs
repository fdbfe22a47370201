//! A route of the Gateway API is not attached to the listener.
//!
//! The route has the host, and the Gateway's listener that gets the request does not have the route, so the gateway
//! replies 404 NR itself.
//!
//! How it comes about: A route names its Gateway in `spec.parentRefs`, and the listener has to take it: without
//! `allowedRoutes` a listener takes the routes of the Gateway's own namespace alone, `sectionName` and `port` have to
//! be those of a listener, and the listener's `hostname` has to admit one of the route's. A listener of HTTP takes no
//! `TLSRoute`, and one that passes TLS through no `HTTPRoute`.
//!
//! How to confirm it: The route's `status.parents[].conditions`: `Accepted` is `False`, with the reason.
//!
//! How to fix it: Correct `parentRefs` or the hostnames of the route, or `allowedRoutes` of the listener.

use serde_json::json;

use crate::diagnose::{Case, Found, Unbound, Unrouted, add_item, in_field, named, ref_of, replace, set};
use crate::mesh::istio::binding::takes;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef};

/// The label of a gateway's pods that names their Gateway; they are of its namespace.
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

pub(crate) const CODES: &[&str] = &["IST0171", "KIA1401", "KIA1402"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let unrouted = Unrouted::of(case)?;
    let kinds = [Kind::HttpRoute, Kind::GrpcRoute, Kind::TlsRoute, Kind::TcpRoute];
    // A listener that answers has routes of HTTP.
    let kinds = if unrouted.is_open { &kinds[..2] } else { &kinds[..] };
    let routes = kinds.iter().map(|kind| case.objects(*kind, None, &[]).map(|routes| (*kind, routes)));
    let routes: Vec<_> = routes.collect();
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
    let title = format!("no route of {} is attached to it", case.this_host(&unrouted.host));
    Some(unrouted.found(case, (title, &by), broken, refused.as_ref()))
}

/// What keeps a route from the Gateway that it names.
fn broken(case: &Case, unrouted: &Unrouted, by: &ObjectRef, parent: &Parent) -> Option<Unbound> {
    let (namespace, name) = (parent.namespace(), parent.at.text("name")?);
    if let Some(gateway) = case.object(Kind::KubeGateway, &namespace, &name) {
        return detached(case, unrouted, by, parent, &gateway);
    }
    let absence = case.no_object(Kind::KubeGateway, &namespace, &name)?;
    Some(elsewhere(case, by, parent).unwrap_or_else(|| missing(by, parent, absence)))
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
    let own = gateway_name(&unrouted.pod);
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

/// The Gateway that Istio made a pod for.
fn gateway_name(pod: &Node) -> Option<String> {
    // The label's name has dots, which are no path.
    let label = pod.at("metadata.labels")?.get(GATEWAY_NAME)?;
    label.value().as_str().map(str::to_owned)
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

/// The Gateway is in another namespace than the one that the route looks in.
fn elsewhere(case: &Case, by: &ObjectRef, parent: &Parent) -> Option<Unbound> {
    let name = parent.at.text("name")?;
    let all = case.objects(Kind::KubeGateway, None, &[])?;
    let there = all.iter().find(|gateway| gateway.text("metadata.name").as_ref() == Some(&name))?;
    let namespace = there.text("metadata.namespace")?;
    let object = in_field(by, format!("{}.namespace", parent.at.place()));
    let text = format!("{}, {}: \"{namespace}\"", named(&object), object.field);
    let says = if parent.at.get("namespace").is_some() { "names" } else { "has no namespace, and so names" };
    Some(Unbound {
        why: format!(
            "its {} {says} Gateway {}/{name}, which does not exist; there is one of that name in {namespace}",
            parent.at.place(),
            parent.namespace()
        ),
        fix: vec![set(&object, Some(&parent.at), "namespace", Some(json!(namespace)), text)],
        object,
        codes: &["KIA1401"],
        evidence: parent.at.evidence(),
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
fn detached(case: &Case, unrouted: &Unrouted, by: &ObjectRef, parent: &Parent, gateway: &Node) -> Option<Unbound> {
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
        return Some(no_such_listener(by, parent, gateway));
    }
    let at_port: Vec<&Node> =
        meant.iter().copied().filter(|listener| port(listener) == Some(u64::from(unrouted.port))).collect();
    if at_port.is_empty() {
        // A TCPRoute has no host that would say that it is meant.
        return (by.kind != Kind::TcpRoute.name()).then(|| on_another_port(unrouted, object, gateway, &meant));
    }
    let mut first = None;
    for listener in at_port {
        let broken = of_another_kind(by, &object, listener)
            .or_else(|| not_taken(unrouted, parent, &object, listener))
            .or_else(|| not_served(case, unrouted, gateway, listener))?;
        first = first.or(Some(broken));
    }
    first
}

/// The listener is of a protocol that takes routes of other kinds.
fn of_another_kind(by: &ObjectRef, gateway: &ObjectRef, listener: &Node) -> Option<Unbound> {
    let at = listener.get("protocol")?;
    let taken: &[Kind] = match at.value().as_str()? {
        "HTTP" | "HTTPS" => &[Kind::HttpRoute, Kind::GrpcRoute],
        "TLS" => &[Kind::TlsRoute, Kind::TcpRoute],
        "TCP" => &[Kind::TcpRoute],
        _ => return None,
    };
    let names: Vec<&str> = taken.iter().map(|kind| kind.name()).collect();
    if names.contains(&by.kind.as_str()) {
        return None;
    }
    let object = in_field(gateway, at.place());
    let text = format!(
        "{}, {}: a protocol that takes this {}; or make a {} of {}",
        named(&object),
        object.field,
        by.kind,
        names[0],
        named(by)
    );
    Some(Unbound {
        why: format!(
            "the listener of {} that it names is of the protocol {}, which takes no {}",
            named(&object),
            at.value().as_str().unwrap_or_default(),
            by.kind
        ),
        fix: vec![replace(&object, Some(&at), None, text)],
        object,
        codes: &["IST0171"],
        evidence: at.evidence(),
    })
}

/// Why the gateway's pods do not have a listener that takes the route: the Gateway is for others, or for nobody.
fn not_served(case: &Case, unrouted: &Unrouted, gateway: &Node, listener: &Node) -> Option<Unbound> {
    let object = ref_of(Kind::KubeGateway, gateway, "spec.gatewayClassName");
    if let Some(unbound) = of_no_class(case, gateway, &object) {
        return Some(unbound);
    }
    let conditions = |of: Option<Node>| of.map(|of| of.list("conditions")).unwrap_or_default();
    let name = listener.text("name");
    let listeners = gateway.list("status.listeners");
    let of_listener = conditions(listeners.into_iter().find(|status| status.text("name") == name));
    if let Some(condition) = refusing(&of_listener) {
        let at = match condition.text("reason").as_deref() {
            Some("UnsupportedProtocol") => listener.get("protocol"),
            Some("InvalidCertificateRef") => certificate_of(listener, &condition),
            Some(_) | None => None,
        };
        let at = at.unwrap_or_else(|| listener.clone());
        return Some(not_accepted(&in_field(&object, at.place()), &at, &condition));
    }
    if let Some(condition) = refusing(&conditions(gateway.at("status"))) {
        let is_of_address = condition.text("reason").is_some_and(|reason| reason.starts_with("Address"));
        let field = if is_of_address { "spec.addresses" } else { "spec.gatewayClassName" };
        let at = gateway.at(field).unwrap_or_else(|| gateway.clone());
        return Some(not_accepted(&in_field(&object, field), &at, &condition));
    }
    (!unrouted.is_open && !is_own(unrouted, gateway)).then(|| of_own_pods(unrouted, gateway))
}

/// The Gateway is of a class that there is not: no controller looks at it.
fn of_no_class(case: &Case, gateway: &Node, object: &ObjectRef) -> Option<Unbound> {
    let at = gateway.at("spec.gatewayClassName")?;
    let name = at.value().as_str()?.to_owned();
    let classes = case.objects(Kind::GatewayClass, None, &[])?;
    let names: Vec<String> = classes.iter().filter_map(|class| class.text("metadata.name")).collect();
    if names.is_empty() || names.contains(&name) {
        return None;
    }
    let text = format!("{}, {}: a class that there is: {}", named(object), object.field, names.join(", "));
    Some(Unbound {
        why: format!(
            "{} is of the GatewayClass {name}, which does not exist, so no controller serves it",
            named(object)
        ),
        fix: vec![replace(object, Some(&at), None, text)],
        object: object.clone(),
        codes: &[],
        evidence: at.evidence(),
    })
}

/// The condition by which a controller says that it does not take something: the one that says most of why.
fn refusing(conditions: &[Node]) -> Option<Node> {
    let says = |condition: &&Node| {
        // That it has no address yet keeps nobody from it.
        let counts = condition.text("reason").as_deref() != Some("AddressNotAssigned");
        counts && condition.text("status").is_some_and(|status| status != "True")
    };
    let said: Vec<&Node> = conditions.iter().filter(says).collect();
    let of_type = |name: &str| said.iter().find(|condition| condition.text("type").as_deref() == Some(name));
    ["ResolvedRefs", "Accepted", "Programmed"]
        .iter()
        .find_map(|name| of_type(name))
        .map(|condition| (*condition).clone())
}

/// The reference of a listener to the Secret that a condition speaks of.
fn certificate_of(listener: &Node, condition: &Node) -> Option<Node> {
    let says = condition.text("message").unwrap_or_default();
    let references = listener.list("tls.certificateRefs");
    let is_named = |at: &&Node| at.text("name").is_some_and(|name| says.contains(&name));
    references.iter().find(is_named).or(references.first()).cloned()
}

/// The controller says that it does not take the Gateway, or a listener of it.
fn not_accepted(object: &ObjectRef, at: &Node, condition: &Node) -> Unbound {
    let says = ["reason", "message"].iter().filter_map(|part| condition.text(part)).collect::<Vec<_>>().join(": ");
    let text = format!("{}, {}: one that the controller takes ({says})", named(object), object.field);
    Unbound {
        why: format!(
            "{} is not taken by its controller: condition {} is {} ({says})",
            named(object),
            condition.text("type").unwrap_or_default(),
            condition.text("status").unwrap_or_default()
        ),
        fix: vec![replace(object, Some(at), None, text)],
        object: object.clone(),
        codes: &[],
        evidence: condition.evidence(),
    }
}

/// Whether the Gateway is for the pod: Istio made the pod for it, or an address of it is a Service of the pod.
/// <https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/#manual-deployment>
fn is_own(unrouted: &Unrouted, gateway: &Node) -> bool {
    // Which Service has the name was not looked at: one address is enough to be it.
    gateway_name(&unrouted.pod) == gateway.text("metadata.name") || !gateway.list("spec.addresses").is_empty()
}

/// Without an address Istio gives a Gateway pods of its own.
fn of_own_pods(unrouted: &Unrouted, gateway: &Node) -> Unbound {
    let object = ref_of(Kind::KubeGateway, gateway, "spec.addresses");
    let name = gateway.text("metadata.name").unwrap_or_default();
    let text = format!(
        "{}, spec.addresses: the Service of the gateway's pods, as type Hostname; or ask for the pods that Istio made for it ({GATEWAY_NAME}={name})",
        named(&object)
    );
    Unbound {
        why: format!(
            "{} has no spec.addresses, so Istio serves it by pods of its own and not by {}",
            named(&object),
            unrouted.pod_name()
        ),
        fix: vec![set(&object, Some(gateway), "spec.addresses", None, text)],
        evidence: gateway.lacks("spec.addresses"),
        object,
        codes: &[],
    }
}

fn port(of: &Node) -> Option<u64> {
    of.get("port").and_then(|port| port.value().as_u64())
}

/// No listener has the name or the port that the route asks for.
fn no_such_listener(by: &ObjectRef, parent: &Parent, gateway: &Node) -> Unbound {
    let listeners = gateway.list("spec.listeners");
    let at = parent.at.get("sectionName").or_else(|| parent.at.get("port")).unwrap_or_else(|| parent.at.clone());
    let object = in_field(by, at.place());
    let names: Vec<String> = listeners.iter().filter_map(|listener| listener.text("name")).collect();
    let only = if let [one] = &names[..] { Some(json!(one)) } else { None };
    let want = only.filter(|_| object.field.ends_with("sectionName"));
    let text = format!("{}, {}: a listener that is there: {}", named(&object), object.field, names.join(", "));
    Unbound {
        why: format!("its {} is {}, while the Gateway's listeners are {}", object.field, at.shown(), names.join(", ")),
        fix: [replace(&object, Some(&at), want, text)].into_iter().chain(renamed(gateway, &listeners, &at)).collect(),
        object,
        codes: &["KIA1402"],
        evidence: at.evidence(),
    }
}

/// The Gateway's only listener should have the name that the route asks for.
fn renamed(gateway: &Node, listeners: &[Node], wanted: &Node) -> Option<Fix> {
    let [one] = listeners else { return None };
    let at = one.get("name").filter(|_| wanted.place().ends_with("sectionName"))?;
    let object = ref_of(Kind::KubeGateway, gateway, &at.place());
    let text = format!("{}, {}: {}", named(&object), object.field, wanted.shown());
    Some(replace(&object, Some(&at), Some(wanted.value().clone()), text))
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
            fix: vec![replace(&object, Some(&hostname), Some(json!(unrouted.host)), text)],
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_names_the_gateway_that_it_was_made_for() {
        let pod = |labels: serde_json::Value| Node::of_object(json!({"metadata": {"labels": labels}}));
        assert_eq!(gateway_name(&pod(json!({GATEWAY_NAME: "public"}))), Some("public".to_owned()));
        assert_eq!(gateway_name(&pod(json!({"istio": "gate"}))), None);
    }
}
