//! The CORS policy does not list the origin.
//!
//! A browser's preflight (`OPTIONS` with `Origin` and `Access-Control-Request-Method`) from an origin of the policy is
//! answered by the proxy itself. From any other origin the proxy passes it on, and as browsers send no credentials
//! with it, whoever wants a token turns it away.
//!
//! How it comes about: An origin is a scheme, a host and a port: it has no path, so an entry that ends in a slash
//! never matches, nor does one without the scheme or with another port.
//!
//! How to confirm it: Compare the request's `Origin` with `corsPolicy.allowOrigins`, letter by letter.
//!
//! How to fix it: Correct the entry in `corsPolicy.allowOrigins`.

use serde_json::json;

use crate::diagnose::{Case, Found, Proved, advice, certain, named, replace, show};
use crate::envoy::matcher::{self, Match};
use crate::envoy::pb::envoy::r#type::matcher::v3::StringMatcher;
use crate::snapshot::Node;
use crate::verdict::{Fix, ObjectRef, Op, Stage};
use crate::walk::Stop;

/// The route's CORS policy.
const POLICY: [&str; 2] = ["typed_per_filter_config", "envoy.filters.http.cors"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if !matches!(case.own_stop()?, Stop::RbacDenied(_) | Stop::JwtDenied(..)) {
        return None;
    }
    let request = case.request();
    let header = |wanted: &str| {
        request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    };
    let origin = header("origin").filter(|_| request.method.as_deref() == Some("OPTIONS"))?;
    header("access-control-request-method")?;
    let route = case.in_source().route.as_ref()?;
    let policy = POLICY.iter().try_fold(route.clone(), |node, key| node.get(key))?;
    let listed = policy.list("allow_origin_string_match");
    if listed.is_empty() || listed.iter().any(|entry| may_allow(entry, origin)) {
        return None;
    }
    let nearest = listed.iter().find(|entry| is_near(entry, origin)).or_else(|| listed.first())?;
    let denied = case.last_step()?;
    let (by, fix) = to_mend(case, route, nearest, origin);
    let mut evidence = vec![nearest.evidence()];
    evidence.extend(fix.1.iter().map(Node::evidence));
    evidence.extend(denied.evidence);
    let says = by.as_ref().map_or_else(|| "The route".to_owned(), named);
    Some(Found {
        certainty: certain(if by.is_some() { Proved::Yes } else { Proved::No }),
        stage: Stage::HttpFilters,
        title: format!("its CORS policy does not list {origin}"),
        why: format!(
            "{says} lists the origin {}{}, and this preflight comes from {origin}. A's proxy therefore does not answer it but passes it on, and a browser sends no credentials with it: B turns it away.",
            text(nearest).unwrap_or_default(),
            if slashed(nearest) { " (an origin never ends in a slash)" } else { "" },
        ),
        next: by.as_ref().map(show).unwrap_or_default(),
        objects: by.into_iter().collect(),
        fix: vec![fix.0],
        codes: &[],
        evidence,
    })
}

/// The entry of the `VirtualService` that Envoy's came of, and what it should say.
fn to_mend(case: &Case, route: &Node, entry: &Node, origin: &str) -> (Option<ObjectRef>, (Fix, Option<Node>)) {
    let owner = case.object_of_route(route).map(|(owner, _)| owner);
    let read = owner.as_ref().and_then(|owner| case.read(owner));
    let rules = read.iter().flat_map(|read| read.list("spec.http"));
    let is_it = |own: &Node| text(own).is_some() && text(own) == text(entry);
    let own = rules.into_iter().flat_map(|rule| rule.list("corsPolicy.allowOrigins")).find(is_it);
    let at = own.and_then(|own| own.members().into_iter().next()).map(|(_, value)| value);
    let Some(owner) = owner else {
        return (None, (advice(Op::Replace, format!("the CORS policy of the route: the origin {origin}")), None));
    };
    let field = at.as_ref().map_or_else(|| "spec.http[].corsPolicy.allowOrigins".to_owned(), Node::place);
    let by = ObjectRef { field, ..owner };
    let words = format!("{}, {}: the origin \"{origin}\"", named(&by), by.field);
    let want = at.as_ref().filter(|at| at.place().rsplit('.').next() == Some("exact")).map(|_| json!(origin));
    let fix = replace(&by, at.as_ref(), want, words);
    (Some(by), (fix, at))
}

fn may_allow(entry: &Node, origin: &str) -> bool {
    entry.decode::<StringMatcher>().map_or(true, |entry| !matches!(matcher::string(&entry, origin), Match::No))
}

/// What an entry compares with, in Envoy's words and in Istio's.
fn text(entry: &Node) -> Option<String> {
    let regex = entry.text("safe_regex.regex").or_else(|| entry.text("regex"));
    entry.text("exact").or_else(|| entry.text("prefix")).or(regex)
}

fn slashed(entry: &Node) -> bool {
    entry.text("exact").is_some_and(|exact| exact.ends_with('/'))
}

/// Whether an entry means the origin's host.
fn is_near(entry: &Node, origin: &str) -> bool {
    let host = origin.split("://").last().unwrap_or(origin).split(':').next().unwrap_or_default();
    text(entry).is_some_and(|text| !host.is_empty() && text.contains(host))
}
