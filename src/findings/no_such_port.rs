//! The Service is there, and has no such port.
//!
//! A client that dials a port which the Service does not declare reaches nothing: the connection is refused or times
//! out. A route whose destination names such a port leads to a cluster that does not exist: 503 NC.
//!
//! How it comes about: The port was renamed or renumbered, or the pod's port is taken for the Service's. The mesh
//! counts the Service's port.
//!
//! How to confirm it: `kubectl get service NAME -o jsonpath='{.spec.ports}'`.
//!
//! How to fix it: Dial or name one of the ports that there are, or add the port to the Service.

use serde_json::{Value, json};

use crate::diagnose::{
    Case, Found, Proved, add_item, advice, certain, destination_field, destination_of, is_of_gateway_api, named,
    ref_of, route_object, set, show,
};
use crate::mesh::istio::ClusterName;
use crate::snapshot::{Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op, Stage};
use crate::walk::{Stop, ports_of};

pub(crate) const CODES: &[&str] = &["IST0101"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if case.stop() == Some(&Stop::NoSuchPort) { asked_for(case) } else { routed_to(case) }
}

fn asked_for(case: &Case) -> Option<Found> {
    let service = case.asked_service()?;
    let object = ref_of(Kind::Service, service, "spec.ports");
    let asked = case.request().target.rsplit_once(':').map_or("", |(_, port)| port);
    let ports = ports_of(service);
    let evidence = service.at("spec.ports").map_or_else(|| service.lacks("spec.ports"), |p| p.evidence());
    let port = asked.parse::<u16>().map_or_else(|_| json!({ "name": asked }), |number| json!({ "port": number }));
    let text = format!("{}, spec.ports: add {asked}", named(&object));
    let add = add_item(&object, Some(service), "spec.ports", Some(port), text);
    let instead = advice(Op::Replace, format!("ask for port {}", ports.join(" or ")));
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Request,
        title: format!("the Service has no port {asked}"),
        why: format!("{} has {}, and nothing listens on {asked} of its address.", named(&object), count(&ports)),
        fix: if ports.is_empty() { vec![add] } else { vec![instead, add] },
        next: show(&object),
        objects: vec![object],
        codes: &[],
        evidence: vec![evidence],
    })
}

fn routed_to(case: &Case) -> Option<Found> {
    let name = case.cluster_name().filter(|_| case.lacks_cluster())?;
    let clusters = case.clusters_of(&name.host)?;
    let port = |node: &Node| node.text("cluster.name").and_then(|n| ClusterName::parse(&n)).map(|n| n.port);
    if clusters.is_empty() || clusters.iter().any(|c| port(c) == Some(name.port)) {
        return None;
    }
    let service = case.service();
    let has_port = |service: &Node| {
        let ports = service.list("spec.ports");
        ports.iter().any(|p| p.get("port").and_then(|n| n.value().as_u64()) == Some(u64::from(name.port)))
    };
    if service.as_ref().is_some_and(has_port) {
        return None;
    }
    let (route, route_at) = route_object(case)?;
    let mut ports: Vec<String> = clusters.iter().filter_map(port).map(|p| p.to_string()).collect();
    ports.sort();
    ports.dedup();
    let mut evidence = vec![case.cluster()?.absence.first()?.clone(), route_at];
    evidence.extend(service.as_ref().and_then(|s| s.at("spec.ports")).map(|n| n.evidence()));
    let objects = [Some(route.clone()), service.as_ref().map(|s| ref_of(Kind::Service, s, "spec.ports"))];
    let replies = case.answers();
    Some(Found {
        // A Sidecar may hide ports; only the Service itself proves that there is none.
        certainty: certain(if service.is_some() { Proved::Yes } else { Proved::No }),
        stage: Stage::Cluster,
        title: format!("{} has no port {}", name.host, name.port),
        why: format!(
            "{} sends the request to port {} of {}, which has {}, so there is no cluster for it. {replies}.",
            named(&route),
            name.port,
            name.host,
            count(&ports)
        ),
        fix: vec![other_port(case, &route, &name, &ports)],
        next: show(&route),
        objects: objects.into_iter().flatten().collect(),
        codes: if route.kind == "VirtualService" { CODES } else { &[] },
        evidence,
    })
}

/// A route's object should lead to another port of the Service.
fn other_port(case: &Case, route: &ObjectRef, name: &ClusterName, ports: &[String]) -> Fix {
    let destination = destination_of(case, route, name);
    let part = if is_of_gateway_api(route) { "port" } else { "port.number" };
    let want: Option<Value> = if let [one] = ports { one.parse::<u16>().ok().map(Value::from) } else { None };
    let object = destination_field(route, destination.as_ref(), part);
    let place = if object.field.is_empty() { format!("the destination's {part}") } else { object.field.clone() };
    let text = format!("{}, {place}: {}", named(route), ports.join(" or "));
    set(&object, destination.as_ref(), part, want, text)
}

fn count(ports: &[String]) -> String {
    match ports {
        [] => "no ports".to_owned(),
        [one] => format!("only port {one}"),
        many => format!("the ports {}", many.join(", ")),
    }
}
