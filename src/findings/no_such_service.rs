//! There is no Service or host of that name.
//!
//! The name that was asked for is not a Service, so that it does not even resolve; or a route sends the request to a host
//! that the mesh does not know, so that there is no cluster for it: 503 NC, or 500 NC for routes of the Gateway API.
//!
//! How it comes about: A misspelled name, another namespace, a Service that was deleted. A short name in a
//! `VirtualService` is looked up in the `VirtualService`'s own namespace, and a name with a dot is taken as it is:
//! `reviews.shop` is not a short form there.
//!
//! How to confirm it: `kubectl get services -A` and `kubectl get serviceentries -A`, and look for the name.
//!
//! How to fix it: Name the Service with its namespace (`reviews.shop.svc.cluster.local`), or create it. A host outside
//! needs a `ServiceEntry`.

use serde_json::Value;

use crate::diagnose::{
    Case, Found, Proved, advice, certain, create, destination_field, destination_of, is_of_gateway_api, list, named,
    object_ref, route_object, set, show,
};
use crate::mesh::istio::ClusterName;
use crate::mesh::kubernetes::service_of_host;
use crate::snapshot::{Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op, Stage};
use crate::walk::Stop;

pub(crate) const CODES: &[&str] = &["IST0101", "KIA1101", "KIA1402"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if case.stop() == Some(&Stop::NoSuchService) { Some(asked_for(case)) } else { routed_to(case) }
}

fn asked_for(case: &Case) -> Found {
    let target = &case.request().target;
    let host = target.rsplit_once(':').map_or(target.as_str(), |(host, _)| host).trim_end_matches('.');
    let (namespace, name) = service_of_host(host)
        .or_else(|| host.split_once('.').map(|(n, ns)| (ns.to_owned(), n.to_owned())))
        .unwrap_or_else(|| (case.namespace(), host.to_owned()));
    let object = object_ref(Kind::Service, &namespace, &name, "");
    let near = &case.trail().near;
    let mut fix: Vec<Fix> = near.iter().map(|name| advice(Op::Replace, format!("ask for {name}"))).collect();
    if fix.is_empty() {
        let text = format!("create {}, or correct the name", named(&object));
        fix.push(create(Kind::Service, &namespace, &name, None, text));
    }
    Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Request,
        title: format!("there is no Service \"{name}\" in namespace {namespace}"),
        why: format!("{} does not exist, so the name resolves to nothing and no request is sent.", named(&object)),
        next: list(&namespace, "services"),
        objects: vec![object],
        fix,
        codes: &[],
        evidence: case.trail().absence.clone(),
    }
}

fn routed_to(case: &Case) -> Option<Found> {
    let name = case.cluster_name().filter(|_| case.lacks_cluster())?;
    if !case.clusters_of(&name.host)?.is_empty() {
        return None;
    }
    let absence = case.cluster()?.absence.first()?.clone();
    let proof = name
        .service()
        .map(|(namespace, service)| (case.no_object(Kind::Service, &namespace, &service), namespace, service));
    let no_service = match &proof {
        Some((Some(evidence), _, _)) => Some(evidence.clone()),
        // The Service is there: then it is not its name that is wrong.
        Some((None, namespace, service)) if case.object(Kind::Service, namespace, service).is_some() => return None,
        Some((None, _, _)) | None => None,
    };
    let (route, route_at) = route_object(case)?;
    let mut evidence = vec![absence, route_at];
    evidence.extend(no_service.clone());
    let codes: &[_] = match route.kind.as_str() {
        "VirtualService" => &["IST0101", "KIA1101"],
        "HTTPRoute" | "GRPCRoute" | "TCPRoute" | "TLSRoute" => &["KIA1402"],
        _ => &[],
    };
    let what = if no_service.is_some() { "there is no such Service" } else { "the proxy knows no such host" };
    let replies = case.answers();
    Some(Found {
        certainty: certain(if no_service.is_some() { Proved::Yes } else { Proved::No }),
        stage: Stage::Cluster,
        title: format!("no such host \"{}\"", name.host),
        why: format!(
            "{} sends the request to {}, and {what}, so there is no cluster for it. {replies}.",
            named(&route),
            name.host
        ),
        fix: vec![other_host(case, &route, &name), missing(&name)],
        next: show(&route),
        objects: vec![route],
        codes,
        evidence,
    })
}

/// A route's object should lead to another host.
fn other_host(case: &Case, route: &ObjectRef, name: &ClusterName) -> Fix {
    let destination = destination_of(case, route, name);
    let part = if is_of_gateway_api(route) { "name" } else { "host" };
    let object = destination_field(route, destination.as_ref(), part);
    // Another port, or a subset, would be one of the other host's.
    let is_whole = |destination: &Node| ["port", "subset"].iter().all(|part| destination.get(part).is_none());
    let is_named_alone = is_of_gateway_api(route) || destination.as_ref().is_some_and(is_whole);
    let asked = asked_host(case, route).filter(|_| is_named_alone);
    let such_as = asked.as_ref().map(|host| format!(", such as {host}")).unwrap_or_default();
    let text = format!("{}: name a host that exists as the destination{such_as}", named(route));
    set(&object, destination.as_ref(), part, asked.map(Value::from), text)
}

/// The Service that was asked for, as a destination of the route's object.
fn asked_host(case: &Case, route: &ObjectRef) -> Option<String> {
    let service = case.asked_service()?;
    let (namespace, name) = (service.text("metadata.namespace")?, service.text("metadata.name")?);
    if is_of_gateway_api(route) {
        return (namespace == route.namespace).then_some(name);
    }
    Some(format!("{name}.{namespace}.svc.cluster.local"))
}

/// What a route leads to should be there.
fn missing(name: &ClusterName) -> Fix {
    let text = format!("create what {} stands for", name.host);
    match name.service() {
        Some((namespace, service)) => create(Kind::Service, &namespace, &service, None, text),
        None => advice(Op::Add, text),
    }
}
