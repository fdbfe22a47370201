//! The route answers by itself, so B never sees the request.
//!
//! A redirect, a direct response or an injected fault is configured for this request. The proxy answers as it was told
//! to; whether that is meant is for its owner to say.

use crate::diagnose::{Case, Found, Proved, advice, certain, in_field, named, only, remove, rules_field, show};
use crate::snapshot::Evidence;
use crate::verdict::{Fix, ObjectRef, Op, Stage};
use crate::walk::{Abort, Stop};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let trail = case.trail();
    let Answer { title, what, field, stage } = answer(case, case.stop()?)?;
    let owner = case.route_object();
    let is_virtual_service = owner.as_ref().is_some_and(|(o, _)| o.kind == "VirtualService");
    let objects: Vec<ObjectRef> = owner
        .iter()
        .map(|(o, _)| {
            if is_virtual_service {
                ObjectRef { field: format!("spec.http[].{field}"), ..o.clone() }
            } else {
                o.clone()
            }
        })
        .collect();
    let by = objects.first().map_or("The proxy's configuration".to_owned(), named);
    let mut evidence: Vec<Evidence> = Vec::new();
    evidence.extend(trail.fault.iter().filter(|_| stage == Stage::HttpFilters).map(crate::snapshot::Node::evidence));
    let own = |name: &str| trail.route.as_ref().and_then(|r| r.get(name)).map(|n| n.evidence());
    evidence.extend(own("redirect").or_else(|| own("direct_response")));
    evidence.extend(owner.iter().map(|(_, evidence)| evidence.clone()));
    Some(Found {
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage,
        title,
        why: format!(
            "{by} {what}. The proxy answers as it was told to, and {} never sees the request.",
            case.request().target
        ),
        fix: vec![match objects.first() {
            Some(object) => take_away(case, object, field),
            None => advice(Op::Remove, "find what configures the route, if it is not meant"),
        }],
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        codes: &[],
        evidence,
    })
}

/// What a route's object says of the answer should not be there. `field` is where a rule of a `VirtualService` says it.
fn take_away(case: &Case, object: &ObjectRef, field: &str) -> Fix {
    let at = if object.field.is_empty() { "the rule" } else { &object.field };
    let text = format!("{}, {at}: take it away, if it is not meant", named(object));
    match object.kind.as_str() {
        "VirtualService" => {
            let rules = case.read(object).map(|service| service.list("spec.http")).unwrap_or_default();
            let found = only(rules.iter().filter_map(|rule| rule.at(field)).collect());
            remove(&in_field(object, rules_field(object)), found.as_ref(), text)
        }
        "HTTPRoute" | "GRPCRoute" => {
            let rules = case.read(object).map(|route| route.list("spec.rules")).unwrap_or_default();
            remove(object, rules.iter().find(|rule| rule.place() == object.field), text)
        }
        _ => advice(Op::Remove, text),
    }
}

/// How the route answers.
struct Answer {
    title: String,
    what: &'static str,
    field: &'static str,
    stage: Stage,
}

fn answer(case: &Case, stop: &Stop) -> Option<Answer> {
    let route = |title: String, what, field| Some(Answer { title, what, field, stage: Stage::Route });
    if let Stop::Redirect(_) = stop {
        return route("the route redirects".to_owned(), "redirects the request", "redirect");
    }
    if *stop == Stop::RequireTls {
        return route("the virtual host redirects to HTTPS".to_owned(), "takes HTTPS only", "tls.httpsRedirect");
    }
    if let Stop::DirectResponse(_) = stop {
        let title = "the route answers by itself".to_owned();
        return if is_catch_all(case) { None } else { route(title, "answers the request", "directResponse") };
    }
    let Stop::FaultAbort(abort) = stop else { return None };
    let title = match abort {
        Abort::Http(_) => "an injected fault answers".to_owned(),
        Abort::Grpc(status) => format!("an injected fault answers gRPC status {status}"),
    };
    Some(Answer { title, what: "injects a fault into the request", field: "fault.abort", stage: Stage::HttpFilters })
}

/// Istio's own catch-all for unknown hosts is no rule of anybody's.
fn is_catch_all(case: &Case) -> bool {
    let name = case.trail().virtual_host.as_ref().and_then(|h| h.text("name"));
    name.as_deref() == Some("block_all")
}
