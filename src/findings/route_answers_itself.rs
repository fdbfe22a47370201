//! The route answers; B never sees the request.
//!
//! A route gives a fixed answer to this request, and B never sees it. Whether that is meant is for its owner to say.
//!
//! How it comes about: `directResponse` of a `VirtualService`; a rule of an `HTTPRoute` without `backendRefs`, or whose
//! backends all have weight 0, which answers 500.
//!
//! How to confirm it: The details are `direct_response`, without a flag. `istioctl proxy-config routes POD -o json`
//! shows the route, and its metadata the object.
//!
//! How to fix it: Change or remove the rule, or put a narrower rule before it. Give a rule of an `HTTPRoute` a backend
//! with a weight above 0.

use serde_json::json;

use crate::diagnose::{
    Case, Found, OwnAnswer, Proved, certain, in_field, is_of_gateway_api, named, replace, rule_for_all, set, show,
};
use crate::snapshot::Node;
use crate::verdict::Stage;
use crate::walk::Stop;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let Stop::DirectResponse(_) = case.stop()? else { return None };
    if is_catch_all(case) {
        return None;
    }
    if let Some(found) = without_backend(case) {
        return Some(found);
    }
    let (title, what) = ("the route replies itself".to_owned(), "answers the request");
    let at = case.trail().route.as_ref().and_then(|route| route.get("direct_response"));
    Some(OwnAnswer { title, what, field: "directResponse", stage: Stage::Route, at }.found(case))
}

/// Of the Gateway API, a rule that leads nowhere: it has no backends, or none of a weight above 0.
/// <https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule>, `backendRefs`.
fn without_backend(case: &Case) -> Option<Found> {
    let (route, _) = case.route_object().filter(|(route, _)| is_of_gateway_api(route))?;
    let read = case.read(&route)?;
    let rule = read.list("spec.rules").into_iter().find(|rule| rule.place() == route.field)?;
    let answers =
        rule.list("filters").iter().any(|filter| filter.text("type").is_some_and(|of| of == "RequestRedirect"));
    let backends = rule.list("backendRefs");
    let weights: Vec<Node> = backends.iter().filter_map(|to| to.get("weight")).collect();
    let is_zero = |weight: &Node| weight.value().as_u64() == Some(0);
    if answers || weights.len() != backends.len() || !weights.iter().all(is_zero) {
        return None;
    }
    let (object, says, fix, at) = if let Some(weight) = weights.first() {
        let object = in_field(&route, weight.place());
        let text = format!("{}, {}: 1, or another weight above 0", named(&object), object.field);
        let fix = replace(&object, Some(weight), Some(json!(1)), text);
        (object, "the weight of each of its backends is 0", fix, weight.clone())
    } else {
        let to = rule_for_all(case, &route).and_then(|to| to.get("backendRefs").cloned());
        let text = format!("{}, {}.backendRefs: where its requests are meant to go", named(&route), route.field);
        let fix = set(&route, Some(&rule), "backendRefs", to, text);
        (route, "it has no backendRefs", fix, rule)
    };
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Route,
        title: "the rule sends requests to no backend".to_owned(),
        why: format!(
            "{} has the rule that takes this request, and {says}. {}; {} never sees it.",
            named(&object),
            case.answers(),
            case.request().target
        ),
        next: show(&object),
        objects: vec![object],
        fix: vec![fix],
        codes: &[],
        evidence: vec![at.evidence()],
    })
}

/// Istio's own catch-all for unknown hosts is no rule of anybody's.
fn is_catch_all(case: &Case) -> bool {
    let name = case.trail().virtual_host.as_ref().and_then(|h| h.text("name"));
    name.as_deref() == Some("block_all")
}
