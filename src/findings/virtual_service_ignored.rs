//! Another `VirtualService` of the host is ignored.
//!
//! Two `VirtualService` objects for the sidecars have the same host. A sidecar has the routes of one of them, the older; of
//! the other it has none, and what only that one would take is answered 404 NR.
//!
//! How it comes about: Two teams, or two charts, each write a `VirtualService` for one Service. Those that are bound to a
//! gateway become one list there; those for the sidecars (no `spec.gateways`, or `mesh` in it) do not.
//!
//! How to confirm it: `kubectl get virtualservices -A` shows the hosts and the ages; `istioctl proxy-config routes POD
//! --name PORT -o json` names one of them in `metadata`. `istioctl analyze` reports it as IST0109.
//!
//! How to fix it: Write the rules of both into one, or let a root `VirtualService` without a destination delegate to both.

use crate::diagnose::{Case, Found, add_item, in_field, named, path_of, ref_of, show, virtual_services_of};
use crate::mesh::istio::binding::MESH;
use crate::mesh::istio::delegates::takes_path;
use crate::mesh::istio::port_of_route_config;
use crate::mesh::visibility::is_exported;
use crate::snapshot::{Kind, Node};
use crate::verdict::{Certainty, ObjectRef, Stage};
use crate::walk::Stop;

pub(crate) const CODES: &[&str] = &["IST0109", "KIA1106"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    // A gateway has the routes of both.
    let config = case.trail().route_config.as_ref()?.node().text("name")?;
    if *case.own_stop()? != Stop::NoRoute || port_of_route_config(&config).is_some() {
        return None;
    }
    let missed = case.trail().missed.as_ref()?;
    let (owner, evidence) = case.object_of_route(&missed.route).filter(|(owner, _)| owner.kind == "VirtualService")?;
    let used = case.read(&owner)?;
    let (ignored, rule) = virtual_services_of(case)
        .into_iter()
        .filter(|other| !is_same(other, &owner) && is_for_sidecars(other) && is_exported(other, &case.namespace()))
        .find_map(|other| taken_by(case, &other).map(|rule| (other, rule)))?;
    let by = in_field(&owner, "spec.http");
    let other = ref_of(Kind::VirtualService, &ignored, "spec.hosts");
    let text = format!("{}, spec.http: add {} of {}, and delete that one", named(&by), rule.place(), named(&other));
    // A short name means a Service of the object's own namespace.
    let item = (owner.namespace == other.namespace).then(|| rule.kept());
    Some(Found {
        certainty: if is_sure(&rule) { Certainty::Certain } else { Certainty::Likely },
        stage: Stage::Route,
        title: format!("{} is ignored", named(&other)),
        why: format!(
            "{} has a rule for {} ({}), but a sidecar has the routes of one VirtualService of a host, and here that is {}, the older. {}.",
            named(&other),
            case.request().line(),
            rule.place(),
            named(&owner),
            case.answers()
        ),
        fix: vec![add_item(&by, Some(&used), "spec.http", item, text)],
        next: show(&by),
        objects: vec![by, other],
        codes: CODES,
        evidence: [Some(evidence), ignored.at("spec.hosts").map(|at| at.evidence()), Some(rule.evidence())]
            .into_iter()
            .flatten()
            .collect(),
    })
}

fn is_same(object: &Node, of: &ObjectRef) -> bool {
    let text = |path: &str| object.text(path).unwrap_or_default();
    (text("metadata.namespace"), text("metadata.name")) == (of.namespace.clone(), of.name.clone())
}

/// Whether a `VirtualService` is for sidecars: it names no gateway, or `mesh`.
fn is_for_sidecars(service: &Node) -> bool {
    let gateways = service.list("spec.gateways");
    gateways.is_empty() || gateways.iter().any(|name| name.value().as_str() == Some(MESH))
}

/// The rule that would take the request, as far as path and method tell.
fn taken_by(case: &Case, service: &Node) -> Option<Node> {
    let request = case.request();
    let path = path_of(case);
    let takes = |one: &Node| {
        let method = one.at("method.exact").and_then(|node| node.value().as_str().map(str::to_owned));
        path.is_none_or(|path| takes_path(one, path))
            && request.method.as_ref().is_none_or(|asked| method.is_none_or(|method| method == *asked))
    };
    let is_for_it = |rule: &Node| {
        let matches = rule.list("match");
        matches.is_empty() || matches.iter().any(takes)
    };
    service.list("spec.http").into_iter().find(is_for_it)
}

/// Whether nothing but path and method decides, so that the rule surely takes the request.
fn is_sure(rule: &Node) -> bool {
    let decides = |name: &str| !["uri", "method"].contains(&name);
    let is_regex = |value: &Node| value.get("exact").is_none() && value.get("prefix").is_none();
    let open = |one: &Node| one.members().iter().any(|(name, value)| decides(name) || is_regex(value));
    !rule.list("match").iter().any(open)
}
