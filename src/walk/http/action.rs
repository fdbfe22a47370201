//! What the route does: names a cluster, several, or answers by itself.

use crate::envoy::pb::envoy::config::route::v3::redirect_action::RedirectResponseCode;
use crate::envoy::pb::envoy::config::route::v3::route_action::{ClusterNotFoundResponseCode, ClusterSpecifier};
use crate::envoy::pb::envoy::config::route::v3::weighted_cluster::{ClusterWeight, RandomValueSpecifier};
use crate::envoy::pb::envoy::config::route::v3::{RedirectAction, RouteAction, WeightedCluster, route};
use crate::snapshot::{Evidence, HostTable, Node};
use crate::verdict::{ClusterChoice, Mark, Stage};

use crate::envoy::draw::Draw;
use crate::envoy::pb::envoy::config::core::v3::{Metadata, RoutingPriority};
use crate::envoy::re2::Charset;
use crate::envoy::redacted;
use crate::envoy::redirect::{self, Asked};
use crate::envoy::subset::{self, Criteria};
use crate::envoy::version::Version;

use crate::walk::dial::resolve::Dial;
use crate::walk::http::manager::{Host, Http, unknown};
use crate::walk::http::route::{Chosen, Drawn, Hit, describe};
use crate::walk::upstream::cluster::{self, Choice, Proto};
use crate::walk::way::path::{End, Leg, Path};
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

const ROUTE: &str = "envoy.config.route.v3.Route";

/// Takes `share` of the requests through the router.
pub(in crate::walk) fn walk(
    walker: &Walker,
    path: &mut Path,
    host: &Host,
    chosen: &Chosen,
    http: &Http,
    dial: &Dial,
    share: f64,
) {
    let Some(hit) = chosen.route.as_deref() else {
        let name = path.decision.route_config.clone().unwrap_or_default();
        return missing(path, host, &name, http, share);
    };
    let unmodeled = || Walker::unmodeled(&hit.node, ROUTE, &["match", "metadata", "typed_per_filter_config"]);
    if let Some(what) = hit.unmodeled.get_or_init(unmodeled).clone() {
        walker.unchecked(what.clone());
        path.step(Stage::Route, Mark::Unknown, &subject(path, hit), &what, Vec::new());
        return path.leg(share, "", Stage::Route, End::Unknown);
    }
    match &hit.route.action {
        Some(route::Action::Route(action)) => forward(walker, path, (chosen, hit), action, http, dial, share),
        Some(route::Action::Redirect(redirect)) => {
            let status = match redirect.response_code() {
                RedirectResponseCode::MovedPermanently => 301,
                RedirectResponseCode::Found => 302,
                RedirectResponseCode::SeeOther => 303,
                RedirectResponseCode::TemporaryRedirect => 307,
                RedirectResponseCode::PermanentRedirect => 308,
            };
            let to = location(walker, redirect, hit, http);
            let note = format!("answers with a redirect, {status}{to}");
            answers(path, hit, ("redirect", &note), Stop::Redirect(status), share);
        }
        Some(route::Action::DirectResponse(direct)) => {
            let status = u16::try_from(direct.status).unwrap_or(0);
            answers(path, hit, ("direct_response", "answers by itself"), Stop::DirectResponse(status), share);
        }
        Some(route::Action::NonForwardingAction(_)) => {
            let choices = [Choice {
                name: String::new(),
                share: 1.0,
                at: hit.node.get("non_forwarding_action"),
                criteria: Criteria::new(),
            }];
            cluster::walk(
                walker,
                path,
                &choices,
                Proto::Http { not_found: 503, priority: RoutingPriority::Default },
                dial,
                share,
            );
        }
        None => unknown(walker, path, Stage::Route, &subject(path, hit), "the route's action is not modeled"),
    }
}

/// The clusters of requests that end at a filter: Envoy has chosen the route and its cluster before, and logs them.
pub(in crate::walk) fn named_clusters(
    walker: &Walker,
    leg: &Leg,
    chosen: &Chosen,
    http: &Http,
    share: f64,
) -> Vec<ClusterChoice> {
    let Some(route::Action::Route(action)) = chosen.route.as_ref().and_then(|hit| hit.route.action.as_ref()) else {
        return Vec::new();
    };
    let names: Vec<(String, f64)> = match &action.cluster_specifier {
        Some(ClusterSpecifier::Cluster(name)) => vec![(name.clone(), 1.0)],
        Some(ClusterSpecifier::WeightedClusters(weighted)) => {
            let choices = drawn(walker, weighted, None, (http, chosen)).unwrap_or_default();
            choices.into_iter().map(|c| (c.name, c.share)).collect()
        }
        Some(ClusterSpecifier::ClusterHeader(header)) => {
            http.values(header).first().map(|name| ((*name).to_owned(), 1.0)).into_iter().collect()
        }
        None => Vec::new(),
    };
    let outcome = cluster::outcome(&leg.end, http.kind);
    let response = leg.response(http.kind);
    let choice = |(name, part): (String, f64)| {
        let (share, response) = (share * part, response.clone());
        ClusterChoice { name, share, outcome, response, endpoints: Vec::new() }
    };
    // A header that is not there names none.
    names.into_iter().filter(|(name, _)| !name.is_empty()).map(choice).collect()
}

fn missing(path: &mut Path, host: &Host, config: &str, http: &Http, share: f64) {
    let (subject, note, stop, evidence) = match host {
        Host::Found(host, table) => {
            let note = match table.len() {
                _ if host.matcher.is_some() => {
                    format!("its matcher leads to no route that takes {} {}", http.method, http.path)
                }
                count => format!("none of its {count} routes matches {} {}", http.method, http.path),
            };
            (host.name.clone(), note, Stop::NoRoute, vec![routes(table)])
        }
        Host::Missing(stop) => {
            let note = format!("none of its virtual hosts takes the host {}", http.authority);
            let at = path.trail.route_config.as_ref().map(|table| table.node());
            let evidence =
                at.map(|c| c.get("name").map_or_else(|| c.lacks_element("virtual_hosts", "domains"), |n| n.evidence()));
            (format!("route configuration {config}"), note, stop.clone(), evidence.into_iter().collect())
        }
        Host::Secure(table) => {
            let note = format!("the virtual host takes HTTPS only: 301 to https://{}{}", http.authority, http.path);
            let evidence = table.node().get("require_tls").map(|n| n.evidence()).into_iter().collect();
            (path.decision.virtual_host.clone().unwrap_or_default(), note, Stop::RequireTls, evidence)
        }
        Host::Undelivered(evidence) => {
            let note = "the listener asks for it, and it was never delivered".to_owned();
            (config.to_owned(), note, Stop::NoRouteConfig, evidence.clone())
        }
    };
    let mark = if share >= 1.0 { Mark::Stopped } else { Mark::Warned };
    path.step(Stage::Route, mark, &subject, &note, evidence);
    let by = if stop == Stop::RequireTls { "virtual host" } else { "no route" };
    path.leg(share, by, Stage::Route, End::Stopped(stop));
}

/// The routes of a virtual host where they are few; else its name says more.
fn routes(table: &HostTable) -> Evidence {
    let name = table.node().get("name");
    if let (Some(name), true) = (&name, table.len() > 100) {
        return name.evidence();
    }
    let whole = table.whole();
    let routes = whole.get("routes").unwrap_or(whole).evidence();
    match name {
        Some(name) if routes.value().is_some_and(|v| v.len() > 300) => name.evidence(),
        Some(_) | None => routes,
    }
}

/// ` to LOCATION`; nothing where it rests on what is not modeled.
fn location(walker: &Walker, redirect: &RedirectAction, hit: &Hit, http: &Http) -> String {
    let by_formatter = hit.node.at("redirect.path_rewrite").is_some();
    let matched = hit.route.r#match.as_ref().and_then(|m| m.path_specifier.as_ref());
    let charset = Charset::of(walker.version);
    let checks_prefix = walker.version >= Version::new(1, 40, 0);
    let asked = Asked { scheme: &http.scheme, authority: &http.authority, path: &http.path, charset, checks_prefix };
    let to = redirect::location(redirect, matched, asked).filter(|_| !by_formatter);
    to.map(|to| format!(" to {to}")).unwrap_or_default()
}

fn answers(path: &mut Path, hit: &Hit, (field, note): (&str, &str), stop: Stop, share: f64) {
    let mark = if share >= 1.0 { Mark::Stopped } else { Mark::Warned };
    let evidence = hit.node.get(field).map(|n| n.evidence()).into_iter().collect();
    let subject = subject(path, hit);
    path.step(Stage::Route, mark, &subject, note, evidence);
    path.leg(share, &describe(&hit.route, hit.index), Stage::Route, End::Stopped(stop));
}

fn subject(path: &Path, hit: &Hit) -> String {
    let host = path.decision.virtual_host.clone().unwrap_or_default();
    format!("{host}, {}", describe(&hit.route, hit.index))
}

fn forward(
    walker: &Walker,
    path: &mut Path,
    (chosen, hit): (&Chosen, &Hit),
    action: &RouteAction,
    http: &Http,
    dial: &Dial,
    share: f64,
) {
    let not_found = match action.cluster_not_found_response_code() {
        ClusterNotFoundResponseCode::ServiceUnavailable => 503,
        ClusterNotFoundResponseCode::NotFound => 404,
        ClusterNotFoundResponseCode::InternalServerError => 500,
    };
    let at = hit.node.get("route");
    let subject = subject(path, hit);
    let criteria = criteria(action.metadata_match.as_ref());
    let (choices, cited) = match &action.cluster_specifier {
        Some(ClusterSpecifier::Cluster(name)) => {
            let at = at.as_ref().and_then(|a| a.get("cluster"));
            (vec![Choice { name: name.clone(), share: 1.0, at: at.clone(), criteria }], at)
        }
        Some(ClusterSpecifier::ClusterHeader(header)) => {
            let value = http.values(header).first().copied().unwrap_or_default().to_owned();
            if redacted::is_in(&value) {
                return unknown(walker, path, Stage::Route, &subject, &format!("the header {header} was left out"));
            }
            let at = at.as_ref().and_then(|a| a.get("cluster_header"));
            (vec![Choice { name: value, share: 1.0, at: at.clone(), criteria }], at)
        }
        Some(ClusterSpecifier::WeightedClusters(weighted)) => {
            let at = at.as_ref().and_then(|a| a.get("weighted_clusters"));
            match drawn(walker, weighted, at.as_ref(), (http, chosen)) {
                Ok(choices) => {
                    let merged = |c: Choice| Choice { criteria: merged(&criteria, c.criteria), ..c };
                    (choices.into_iter().map(merged).collect(), at)
                }
                Err(what) => return unknown(walker, path, Stage::Route, &subject, &what),
            }
        }
        None => {
            return unknown(walker, path, Stage::Route, &subject, "the route's cluster specifier is not modeled");
        }
    };
    // Clusters that were told apart share the row; what it cites holds them all.
    if !path.routes.contains(&subject) {
        path.step(Stage::Route, Mark::Passed, &subject, "", cited.iter().map(Node::evidence).collect());
    }
    cluster::walk(walker, path, &choices, Proto::Http { not_found, priority: action.priority() }, dial, share);
}

/// The `envoy.lb` part of a `metadata_match`.
pub(in crate::walk) fn criteria(metadata: Option<&Metadata>) -> Criteria {
    subset::criteria(metadata.and_then(|m| m.filter_metadata.get("envoy.lb")))
}

/// What a weighted cluster asks for goes before what its route asks for.
pub(in crate::walk) fn merged(of_route: &Criteria, own: Criteria) -> Criteria {
    let mut all = of_route.clone();
    all.extend(own);
    all
}

/// The clusters of a weighted route that requests are drawn for. Where the filters already told them apart, only one is
/// left.
fn drawn(
    walker: &Walker,
    weighted: &WeightedCluster,
    at: Option<&Node>,
    (http, chosen): (&Http, &Chosen),
) -> Result<Vec<Choice>, String> {
    if let Some(Drawn { entry, cluster }) = &chosen.only {
        return Ok(vec![entry_choice(weighted, at, *entry, (cluster.clone(), 1.0))]);
    }
    let all = weighted_choices(walker, weighted, at, (http, &chosen.draw))?;
    Ok(all.into_iter().map(|(_, choice)| choice).collect())
}

/// One entry of a weighted route, with the cluster that it names and its share.
fn entry_choice(weighted: &WeightedCluster, at: Option<&Node>, entry: usize, (name, share): (String, f64)) -> Choice {
    Choice {
        name,
        share,
        at: at.and_then(|a| a.get("clusters")?.index(entry)?.get("name")),
        criteria: criteria(weighted.clusters.get(entry).and_then(|c| c.metadata_match.as_ref())),
    }
}

/// The clusters of a weighted route, each with its place among the entries, of those that are ever chosen.
pub(in crate::walk) fn weighted_choices(
    walker: &Walker,
    weighted: &WeightedCluster,
    at: Option<&Node>,
    (http, draw): (&Http, &Draw),
) -> Result<Vec<(usize, Choice)>, String> {
    let mut weights = Vec::new();
    for (i, entry) in weighted.clusters.iter().enumerate() {
        let name = if entry.cluster_header.is_empty() {
            entry.name.clone()
        } else {
            http.values(&entry.cluster_header).first().copied().unwrap_or_default().to_owned()
        };
        let own = u64::from(entry.weight.as_ref().map_or(0, |w| w.value));
        weights.push((i, name, runtime_weight(walker, weighted, entry)?.unwrap_or(own)));
    }
    let total: u64 = weights.iter().map(|(_, _, weight)| weight).sum();
    let choice = |i: usize, name: String, share: f64| entry_choice(weighted, at, i, (name, share));
    if let Some(RandomValueSpecifier::HeaderName(header)) = &weighted.random_value_specifier {
        let values = http.values(header);
        if let ([value], true) = (&values[..], total > 0)
            && let Ok(random) = value.parse::<u64>()
        {
            let mut left = random % total;
            for (i, name, weight) in weights {
                if left < weight {
                    return Ok(vec![(i, choice(i, name, 1.0))]);
                }
                left -= weight;
            }
            return Err("a weight that is not there".to_owned());
        }
    }
    if let Some(RandomValueSpecifier::UseHashPolicy(hashed)) = &weighted.random_value_specifier
        && hashed.value
    {
        return Err("which cluster the request's hash draws (`use_hash_policy`) is not modeled".to_owned());
    }
    if total == 0 {
        return Err("the weights of the clusters sum to 0".to_owned());
    }
    let all = draw.share()?;
    let mut choices = Vec::new();
    let mut begin = 0;
    for (i, name, weight) in weights {
        let share = draw.within(total, begin..begin + weight).share()? / all;
        begin += weight;
        if share > 0.0 {
            choices.push((i, choice(i, name, share)));
        }
    }
    Ok(choices)
}

/// The weight with which runtime overrides the configured one: `PREFIX.NAME`.
fn runtime_weight(walker: &Walker, weighted: &WeightedCluster, entry: &ClusterWeight) -> Result<Option<u64>, String> {
    if weighted.runtime_key_prefix.is_empty() {
        return Ok(None);
    }
    let key = format!("{}.{}", weighted.runtime_key_prefix, entry.name);
    let value = walker.runtime_value(&key).map(|value| value.parse::<u64>().map_err(|_| value));
    value.transpose().map_err(|value| format!("the runtime key {key} is {value}, which is not modeled"))
}
