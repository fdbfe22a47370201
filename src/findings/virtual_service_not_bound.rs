//! A `VirtualService` is not bound to the gateway.
//!
//! The `VirtualService` has the host, and the gateway that gets the request does not have its routes: it answers 404
//! NR by itself; where no Gateway has the port, it does not even listen.
//!
//! How it comes about: A `VirtualService` is for sidecars alone unless `spec.gateways` names a Gateway. The Gateway
//! has to be there (a name without a namespace means the `VirtualService`'s own), its `selector` has to select the
//! gateway's pods, and one of its servers has to have the port and admit the host. And `exportTo`, where it is set, has
//! to include the namespace of the gateway's pods.
//!
//! How to confirm it: Compare `spec.gateways` and `spec.hosts` with the Gateway's `selector` and `servers`.
//!
//! How to fix it: Name the Gateway in `spec.gateways`, or correct its selector, port or hosts.

use serde_json::json;

use crate::diagnose::{
    Case, Found, Unbound, Unrouted, add_item, add_to, has_port, in_field, label_text, named, ref_of, replace, set,
};
use crate::mesh::istio::binding::{MESH, ServerHost, object_of};
use crate::mesh::visibility::is_exported;
use crate::snapshot::{Kind, Node};
use crate::verdict::ObjectRef;

pub(crate) const CODES: &[&str] = &["IST0101", "IST0132", "KIA0302", "KIA1102"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let unrouted = Unrouted::of(case)?;
    let services = case.objects(Kind::VirtualService, None, &[])?;
    let with_host = services.iter().filter(|service| unrouted.taken_by(&service.list("spec.hosts")).is_some());
    let gateways = case.objects(Kind::Gateway, None, &[])?;
    // Where one is bound, the others are no cause.
    let kept: Option<Vec<_>> =
        with_host.map(|service| Some((broken(&unrouted, service, &gateways)?, service))).collect();
    let (broken, service) = kept?.into_iter().next()?;
    let by = ref_of(Kind::VirtualService, service, "spec.gateways");
    let title = format!("no VirtualService of {} is bound to it", case.this_host(&unrouted.host));
    Some(unrouted.found(case, (title, &by), broken, service.at("spec.hosts").as_ref()))
}

/// Why none of the gateways that it names takes the request; `None` where one of them should.
fn broken(unrouted: &Unrouted, service: &Node, gateways: &[Node]) -> Option<Unbound> {
    let namespace = service.text("metadata.namespace")?;
    let names: Vec<Node> =
        service.list("spec.gateways").into_iter().filter(|name| name.value().as_str() != Some(MESH)).collect();
    if names.is_empty() {
        return Some(names_none(unrouted, service, gateways));
    }
    let mut first = None;
    for name in names {
        let broken = gateway_of(unrouted, service, (&namespace, &name), gateways)?;
        first = first.or(Some(broken));
    }
    first
}

/// It is for sidecars alone.
fn names_none(unrouted: &Unrouted, service: &Node, gateways: &[Node]) -> Unbound {
    let by = ref_of(Kind::VirtualService, service, "spec.gateways");
    let meant = meant(unrouted, gateways);
    let name = meant.as_ref().map_or_else(|| "the Gateway".to_owned(), |name| format!("\"{name}\""));
    let text = format!("{}, spec.gateways: add {name} (and \"{MESH}\", where sidecars use it too)", named(&by));
    Unbound {
        fix: vec![add_item(&by, Some(service), "spec.gateways", meant.map(|name| json!(name)), text)],
        evidence: service.at("spec.gateways").map_or_else(|| service.lacks("spec.gateways"), |at| at.evidence()),
        why: "its spec.gateways names no Gateway, so it is for sidecars only".to_owned(),
        object: by,
        codes: &["IST0132"],
    }
}

/// The Gateway that takes such a request: for the pod, with the port and the host.
fn meant(unrouted: &Unrouted, gateways: &[Node]) -> Option<String> {
    let takes = |gateway: &&Node| {
        let mut servers = gateway.list("spec.servers").into_iter();
        unrouted.is_for_the_pod(gateway)
            && servers.any(|server| has_port(&server, unrouted.port) && admits(&server, gateway, unrouted, None))
    };
    let gateway = gateways.iter().find(takes)?;
    Some(format!("{}/{}", gateway.text("metadata.namespace")?, gateway.text("metadata.name")?))
}

/// Whether a server takes the host, of a `VirtualService` of a namespace or of any.
fn admits(server: &Node, gateway: &Node, unrouted: &Unrouted, namespace: Option<&str>) -> bool {
    let own = gateway.text("metadata.namespace").unwrap_or_default();
    let hosts = server.list("hosts");
    let mut entries = hosts.iter().filter_map(|host| Some(ServerHost::of(host.value().as_str()?, &own)));
    entries.any(|entry| entry.admits(&unrouted.host, namespace.unwrap_or(&entry.namespace)))
}

/// What is wrong with one of the gateways that it names.
fn gateway_of(
    unrouted: &Unrouted,
    service: &Node,
    (namespace, name): (&str, &Node),
    gateways: &[Node],
) -> Option<Unbound> {
    let (of, called) = object_of(name.value().as_str()?, namespace);
    let is_it = |gateway: &&Node| {
        gateway.text("metadata.namespace").as_ref() == Some(&of)
            && gateway.text("metadata.name").as_ref() == Some(&called)
    };
    let Some(gateway) = gateways.iter().find(is_it) else {
        let by = ref_of(Kind::VirtualService, service, &name.place());
        let want = meant(unrouted, gateways);
        let words = want.as_ref().map_or_else(|| "a Gateway that is there".to_owned(), |want| format!("\"{want}\""));
        let text = format!("{}, {}: {words}", named(&by), by.field);
        return Some(Unbound {
            fix: vec![replace(&by, Some(name), want.map(|want| json!(want)), text)],
            why: format!("its {} names Gateway {of}/{called}, which does not exist", by.field),
            object: by,
            codes: &["IST0101", "KIA1102"],
            evidence: name.evidence(),
        });
    };
    let object = ref_of(Kind::Gateway, gateway, "spec.selector");
    if !unrouted.is_for_the_pod(gateway) {
        return Some(of_other_pods(unrouted, gateway, object));
    }
    let servers = gateway.list("spec.servers");
    let Some(server) = servers.iter().find(|server| has_port(server, unrouted.port)) else {
        return without_port(unrouted, gateway, &object);
    };
    let at_port = || servers.iter().filter(|server| has_port(server, unrouted.port));
    if at_port().any(|server| admits(server, gateway, unrouted, Some(namespace))) {
        return not_exported(unrouted, service);
    }
    let hosts = server.get("hosts")?;
    let object = in_field(&object, hosts.place());
    let text = format!("{}, {}: add \"{}\"", named(&object), object.field, unrouted.host);
    Some(Unbound {
        fix: vec![add_to(&object, &hosts, json!(unrouted.host), text)],
        why: if at_port().any(|server| admits(server, gateway, unrouted, None)) {
            format!(
                "{} admits that host of VirtualServices of other namespaces only: {}",
                named(&object),
                hosts.shown()
            )
        } else {
            format!("{} does not admit it on port {}: its hosts are {}", named(&object), unrouted.port, hosts.shown())
        },
        object,
        codes: &["IST0132"],
        evidence: hosts.evidence(),
    })
}

/// The namespace of the gateway's pods does not see it.
fn not_exported(unrouted: &Unrouted, service: &Node) -> Option<Unbound> {
    let own = unrouted.pod.text("metadata.namespace")?;
    let at = service.at("spec.exportTo").filter(|_| !is_exported(service, &own))?;
    let object = ref_of(Kind::VirtualService, service, "spec.exportTo");
    let text = format!("{}, spec.exportTo: add \"{own}\", where the gateway's pods are", named(&object));
    Some(Unbound {
        fix: vec![add_item(&object, Some(service), "spec.exportTo", Some(json!(own)), text)],
        why: format!("its exportTo is {}, which leaves out namespace {own} of the gateway's pods", at.shown()),
        evidence: at.evidence(),
        object,
        codes: &[],
    })
}

/// The Gateway selects other pods than the one that gets the request.
fn of_other_pods(unrouted: &Unrouted, gateway: &Node, object: ObjectRef) -> Unbound {
    let wanted = gateway.labels("spec.selector");
    let own = unrouted.pod.labels("metadata.labels");
    let keys = wanted.iter().map(|(key, _)| key);
    let has: Vec<(String, String)> = keys.filter_map(|key| own.iter().find(|(own, _)| own == key).cloned()).collect();
    let want = (!has.is_empty() && has.len() == wanted.len())
        .then(|| json!(has.iter().cloned().collect::<std::collections::BTreeMap<_, _>>()));
    let says = if has.is_empty() {
        "the gateway's pods carry other labels".to_owned()
    } else {
        format!("the gateway's pods carry {}", label_text(&has))
    };
    let words = if has.is_empty() { "labels that the gateway's pods carry".to_owned() } else { label_text(&has) };
    let text = format!("{}, spec.selector: {words}", named(&object));
    Unbound {
        fix: vec![set(&object, Some(gateway), "spec.selector", want, text)],
        why: format!(
            "{} is for pods with {}, while {says} ({})",
            named(&object),
            label_text(&wanted),
            unrouted.pod_name()
        ),
        evidence: gateway.at("spec.selector").map_or_else(|| gateway.lacks("spec.selector"), |at| at.evidence()),
        object,
        codes: &["IST0101", "KIA0302"],
    }
}

/// No server of the Gateway has the port.
fn without_port(unrouted: &Unrouted, gateway: &Node, object: &ObjectRef) -> Option<Unbound> {
    let number = gateway.at("spec.servers")?.items().find_map(|server| server.at("port.number"))?;
    let object = in_field(object, number.place());
    let text = format!("{}, spec.servers: a server for port {}", named(&object), unrouted.port);
    let port = json!({"number": unrouted.port, "name": format!("http-{}", unrouted.port), "protocol": "HTTP"});
    let server = json!({"port": port, "hosts": [unrouted.host]});
    Some(Unbound {
        fix: vec![add_item(&object, Some(gateway), "spec.servers", Some(server), text)],
        why: format!("{} has no server for port {}", named(&object), unrouted.port),
        evidence: number.evidence(),
        object,
        codes: &[],
    })
}
