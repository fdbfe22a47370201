//! The host is known, and no route of it takes the request.
//!
//! A `VirtualService` with matches and no rule without one leaves the rest of the requests without a route, and Envoy
//! answers 404 NR by itself. On a gateway the same happens when no virtual host takes the Host. Add a rule without a
//! match at the end, or correct the match that is meant.

use crate::diagnose::{Case, Proved, certain, named, show};
use crate::snapshot::{Evidence, Node};
use crate::verdict::{Finding, ObjectRef, Stage};
use crate::walk::{Missed, Stop};

pub(crate) fn examine(case: &Case) -> Option<Finding> {
    let stop = case.stop()?;
    if *stop == Stop::NoRoute {
        return no_route(case);
    }
    if *stop == Stop::NoVirtualHost { no_virtual_host(case) } else { None }
}

fn no_route(case: &Case) -> Option<Finding> {
    let request = &case.walk.request;
    let nearest = case.trail().missed.as_ref()?;
    let owner = Case::object_of_route(&nearest.route);
    let field = |object: ObjectRef| ObjectRef { field: "spec.http".to_owned(), ..object };
    let objects: Vec<ObjectRef> = owner.iter().map(|(object, _)| field(object.clone())).collect();
    let by = owner.as_ref().map_or("The route configuration".to_owned(), |(object, _)| named(object));
    let count = nearest.count;
    let wanted = nearest.at.as_ref().map(Node::shown).unwrap_or_default();
    let mut evidence: Vec<Evidence> = nearest.at.iter().map(Node::evidence).collect();
    evidence.extend(owner.iter().map(|(_, evidence)| evidence.clone()));
    Some(Finding {
        id: "no-route-matched",
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage: Stage::Route,
        title: format!("no route matches {} {}", request.method, request.path),
        why: format!(
            "{by} has {count} {} for this host and none takes the request. The nearest wants {}, and the request's {} does not fit. Envoy answers 404 by itself.",
            if count == 1 { "route" } else { "routes" },
            if wanted.is_empty() { "something else".to_owned() } else { format!("{} {wanted}", label(nearest)) },
            nearest.why,
        ),
        fix: vec![
            format!("{by}: add a last rule without a match, for the requests that no other takes"),
            format!("or let a match take {}", nearest.why),
        ],
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        codes: &[],
        evidence,
    })
}

/// The last name in the address of the condition that failed: `prefix`, `headers`.
fn label(missed: &Missed) -> String {
    let path = missed.at.as_ref().map(|at| at.evidence().path().to_owned()).unwrap_or_default();
    path.rsplit('.').next().unwrap_or_default().split('[').next().unwrap_or_default().to_owned()
}

fn no_virtual_host(case: &Case) -> Option<Finding> {
    let config = case.trail().route_config.as_ref()?;
    let hosts = || (0..config.len()).filter_map(|i| config.host(i).ok());
    let mut owners: Vec<(ObjectRef, Evidence)> = Vec::new();
    for owner in hosts().filter_map(|h| h.route_node(0)).filter_map(|r| Case::object_of_route(&r)) {
        if !owners.iter().any(|(object, _)| *object == owner.0) {
            owners.push(owner);
        }
        if owners.len() == 3 {
            break;
        }
    }
    let host = &case.walk.request.host;
    let names = &case.trail().near;
    let known =
        if names.is_empty() { "none".to_owned() } else { names.iter().take(5).cloned().collect::<Vec<_>>().join(", ") };
    let objects: Vec<ObjectRef> =
        owners.iter().map(|(o, _)| ObjectRef { field: "spec.hosts".to_owned(), ..o.clone() }).collect();
    let mut fix: Vec<String> =
        objects.iter().take(1).map(|o| format!("{}, spec.hosts: add {host}", named(o))).collect();
    fix.push(format!("{}ask for a host that is there", if fix.is_empty() { "" } else { "or " }));
    let mut evidence: Vec<Evidence> =
        hosts().filter_map(|h| h.node().get("domains")).take(2).map(|n| n.evidence()).collect();
    evidence.extend(owners.into_iter().map(|(_, evidence)| evidence));
    Some(Finding {
        id: "no-route-matched",
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage: Stage::Route,
        title: format!("no virtual host takes the host {host}"),
        why: format!(
            "The route configuration has the virtual hosts {known}, and none takes {host}. Envoy answers 404 by itself."
        ),
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        fix,
        codes: &[],
        evidence,
    })
}
