//! The host is known; no route takes the request.
//!
//! A virtual host has the Host, and none of its routes takes the request; or, on a gateway, no virtual host takes the
//! Host. Envoy replies 404 NR itself.
//!
//! How it comes about: A `VirtualService` or `HTTPRoute` has matches and no rule for the rest: another path, method,
//! header or case of letters, a prefix that ends in a slash. Of a gateway: the Host is not among the Gateway's hosts,
//! or the `VirtualService` is not bound to it.
//!
//! How to confirm it: `istioctl proxy-config routes POD --name PORT -o json`: find the host among `domains`, and read
//! the matches from top to bottom.
//!
//! How to fix it: Correct the match that is meant, or add a rule without a match at the end. Of a gateway: add the
//! host to the Gateway and bind the `VirtualService` to it.

use serde_json::json;

use crate::diagnose::{
    Case, Found, Proved, Unrouted, add_item, advice, certain, in_field, is_of_gateway_api, named, only, replace,
    rule_for_all, rules_field, show,
};
use crate::envoy::domains::without_port;
use crate::snapshot::{Evidence, Node};
use crate::verdict::{Fix, ObjectRef, Op, Stage};
use crate::walk::{Missed, Stop};

pub(crate) const YIELDS_TO: &[&str] = &[
    "delegate-not-found",
    "delegate-outside-its-root",
    "gateway-ports-share-a-target",
    "host-not-routed",
    "route-not-attached",
    "virtual-service-ignored",
    "virtual-service-not-bound",
];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let stop = case.stop()?;
    if *stop == Stop::NoRoute {
        return no_route(case);
    }
    if *stop == Stop::NoVirtualHost { no_virtual_host(case) } else { None }
}

fn no_route(case: &Case) -> Option<Found> {
    let request = case.request();
    let Some(nearest) = case.trail().missed.as_ref() else { return without_routes(case) };
    let owner = case.object_of_route(&nearest.route);
    let read = owner.as_ref().and_then(|(object, _)| case.read(object));
    let said = read.as_ref().and_then(|read| said(read, nearest));
    let field = |object: &ObjectRef| said.as_ref().map_or_else(|| rules_field(object).to_owned(), Node::place);
    let objects: Vec<ObjectRef> = owner.iter().map(|(object, _)| in_field(object, field(object))).collect();
    let by = owner.as_ref().map_or("The route configuration".to_owned(), |(object, _)| named(object));
    let has = match nearest.count {
        1 => "1 route for this host, which does not take the request. It".to_owned(),
        count => format!("{count} routes for this host, and none takes the request. The nearest"),
    };
    let mut evidence: Vec<Evidence> = nearest.at.iter().map(Node::evidence).collect();
    evidence.extend(owner.iter().map(|(_, evidence)| evidence.clone()));
    Some(Found {
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage: Stage::Route,
        title: format!("no route matches {}", request.line()),
        why: format!(
            "{by} has {has} wants {}, and the request's {} does not fit.{} {}.",
            wanted(nearest),
            nearest.why,
            hint(nearest),
            case.answers(),
        ),
        fix: match_more(case, owner.as_ref().map(|(object, _)| object), read.as_ref(), said.as_ref(), nearest),
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        codes: &[],
        evidence,
    })
}

/// The virtual host has no route at all, or a matcher that leads to none.
fn without_routes(case: &Case) -> Option<Found> {
    let step = case.last_step()?;
    Some(Found::of_end(
        &step,
        format!("no route matches {}", case.request().line()),
        format!("Virtual host {}: {}. {}.", step.subject, step.note, case.answers()),
        vec![advice(Op::Add, format!("give {} a route for this request", step.subject))],
    ))
}

/// `said` is where the owner says what the nearest route wants.
fn match_more(
    case: &Case,
    owner: Option<&ObjectRef>,
    read: Option<&Node>,
    said: Option<&Node>,
    nearest: &Missed,
) -> Vec<Fix> {
    let by = owner.map_or("The route configuration".to_owned(), named);
    let last = format!("{by}: add a last rule without a match, for the requests that no other takes");
    let never = never_sent(nearest).is_some();
    let other = match said {
        Some(said) if never => format!("{by}, {}: uri, method, scheme or authority of the match instead", said.place()),
        Some(said) => format!("{by}, {}: what takes {}", said.place(), nearest.why),
        None => format!("{by}: let a match take {}", nearest.why),
    };
    let mut fixes = match owner {
        Some(owner) => {
            let rules = in_field(owner, rules_field(owner));
            let rule = rule_for_all(case, owner);
            vec![add_item(&rules, read, &rules.field, rule, last), replace(&rules, said, None, other)]
        }
        None => vec![advice(Op::Add, last), advice(Op::Replace, other)],
    };
    // A match that no request can meet is the mistake itself.
    if never {
        fixes.reverse();
    }
    fixes
}

/// Where a `VirtualService` says what the nearest route wants, where it is one place.
fn said(service: &Node, missed: &Missed) -> Option<Node> {
    let at = missed.at.as_ref()?;
    let matches = service.list("spec.http").into_iter().flat_map(|rule| rule.list("match"));
    let of_uri = |part: &str, wanted: Option<String>| {
        let found = matches.clone().filter_map(|one| one.at("uri")?.get(part));
        only(found.filter(|found| found.value().as_str() == wanted.as_deref()).collect())
    };
    match label(missed).as_str() {
        "prefix" => of_uri("prefix", at.value().as_str().map(str::to_owned)),
        "path" => of_uri("exact", at.value().as_str().map(str::to_owned)),
        "safe_regex" => of_uri("regex", at.text("regex")),
        "headers" => {
            let name = at.text("name")?;
            only(matches.filter_map(|one| one.get("headers")?.get(&name)).collect())
        }
        _ => None,
    }
}

/// What is easily taken otherwise: how far a regex goes, and which pseudo-headers there are.
///
/// `source/common/router/config_impl.cc` (`RegexRouteEntryImpl`); RFC 9113, 8.3.1.
fn hint(missed: &Missed) -> String {
    match never_sent(missed) {
        Some(name) => {
            format!(" No request has a header {name}: HTTP's own are :method, :path, :authority and :scheme.")
        }
        None if label(missed) == "safe_regex" => {
            " A regex has to fit the path from its beginning to its end.".to_owned()
        }
        None => String::new(),
    }
}

/// What the nearest route wants, in words: `prefix "/api"`, `header x-user exact "bob"`.
fn wanted(missed: &Missed) -> String {
    let Some(at) = &missed.at else { return "something else".to_owned() };
    let label = label(missed);
    match (label.as_str(), at.text("name"), at.get("string_match")) {
        ("safe_regex", ..) => at.get("regex").map_or_else(|| at.shown(), |regex| format!("regex {}", regex.shown())),
        ("headers", Some(name), Some(of)) if at.get("invert_match").is_none() => {
            let fits = of.value().as_object().and_then(|of| of.iter().next());
            let fits = fits.map(|(how, what)| match what.get("regex") {
                Some(regex) => format!("regex {regex}"),
                None => format!("{how} {what}"),
            });
            format!("header {name} {}", fits.unwrap_or_default())
        }
        (label, ..) => format!("{label} {}", at.shown()),
    }
}

/// The header that the nearest route wants, where no request has one of that name.
fn never_sent(missed: &Missed) -> Option<String> {
    const PSEUDO: [&str; 5] = [":method", ":path", ":authority", ":scheme", ":protocol"];
    let name = missed.at.as_ref().filter(|_| label(missed) == "headers")?.text("name")?;
    (name.starts_with(':') && !PSEUDO.contains(&name.as_str())).then_some(name)
}

/// The last name in the address of the condition that failed: `prefix`, `headers`.
fn label(missed: &Missed) -> String {
    let path = missed.at.as_ref().map(|at| at.evidence().path().to_owned()).unwrap_or_default();
    path.rsplit('.').next().unwrap_or_default().split('[').next().unwrap_or_default().to_owned()
}

fn no_virtual_host(case: &Case) -> Option<Found> {
    let config = case.trail().route_config.as_ref()?;
    let hosts = || (0..config.len()).filter_map(|i| config.host(i).ok());
    let mut owners: Vec<(ObjectRef, Evidence)> = Vec::new();
    for owner in hosts().filter_map(|h| h.route_node(0)).filter_map(|r| case.object_of_route(&r)) {
        if !owners.iter().any(|(object, _)| *object == owner.0) {
            owners.push(owner);
        }
        if owners.len() == 3 {
            break;
        }
    }
    let host = &case.request().host;
    let names = &case.trail().near;
    let known =
        if names.is_empty() { "none".to_owned() } else { names.iter().take(5).cloned().collect::<Vec<_>>().join(", ") };
    let objects: Vec<ObjectRef> = owners.iter().map(|(object, _)| in_field(object, hosts_field(object))).collect();
    let mut fix: Vec<Fix> = objects.iter().take(1).map(|owner| take_host(case, owner, host)).collect();
    fix.push(advice(Op::Replace, "ask for a host that is there"));
    let mut evidence: Vec<Evidence> =
        hosts().filter_map(|h| h.node().get("domains")).take(2).map(|n| n.evidence()).collect();
    evidence.extend(owners.into_iter().map(|(_, evidence)| evidence));
    // At a gateway of Istio's an object that has the host may be kept from it by something else.
    let is_proved = !objects.is_empty() && Unrouted::of(case).is_none();
    Some(Found {
        certainty: certain(if is_proved { Proved::Yes } else { Proved::No }),
        stage: Stage::Route,
        title: format!("no virtual host takes the host {host}"),
        why: format!(
            "The route configuration has the virtual hosts {known}, and none takes {host}. {}.",
            case.answers()
        ),
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        fix,
        codes: &[],
        evidence,
    })
}

/// The field that holds the hosts of a route's object.
fn hosts_field(route: &ObjectRef) -> &'static str {
    if is_of_gateway_api(route) { "spec.hostnames" } else { "spec.hosts" }
}

fn take_host(case: &Case, owner: &ObjectRef, host: &str) -> Fix {
    let name = without_port(host);
    let text = format!("{}, {}: add {name}", named(owner), owner.field);
    add_item(owner, case.read(owner).as_ref(), &owner.field, Some(json!(name)), text)
}
