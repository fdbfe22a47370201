//! What the route does: names a cluster, several, or answers by itself.

use crate::envoy::pb::envoy::config::route::v3::redirect_action::RedirectResponseCode;
use crate::envoy::pb::envoy::config::route::v3::route_action::{ClusterNotFoundResponseCode, ClusterSpecifier};
use crate::envoy::pb::envoy::config::route::v3::weighted_cluster::RandomValueSpecifier;
use crate::envoy::pb::envoy::config::route::v3::{RouteAction, WeightedCluster, route};
use crate::snapshot::Node;
use crate::verdict::{Mark, Stage};

use super::cluster::{self, Choice, Proto};
use super::http::{Host, Http, unknown};
use super::path::{End, Path};
use super::request::Dial;
use super::route::{Chosen, Hit, describe};
use super::stop::Stop;
use super::walker::Walker;

const ROUTE: &str = "envoy.config.route.v3.Route";

/// Takes `share` of the requests through the router.
pub(super) fn walk(
    walker: &Walker,
    path: &mut Path,
    host: &Host,
    chosen: &Chosen,
    http: &Http,
    dial: &Dial,
    share: f64,
) {
    let Some(hit) = &chosen.route else {
        let name = path.decision.route_config.clone().unwrap_or_default();
        return missing(path, host, &name, http, share);
    };
    if let Some(what) = walker.unmodelled(&hit.node, ROUTE, &["match", "metadata", "typed_per_filter_config"]) {
        walker.unchecked(what.clone());
        path.step(Stage::Route, Mark::Unknown, &subject(path, hit), &what, Vec::new());
        return path.leg(share, "", Stage::Route, End::Unknown);
    }
    match &hit.route.action {
        Some(route::Action::Route(action)) => forward(walker, path, hit, action, http, dial, share),
        Some(route::Action::Redirect(redirect)) => {
            let status = match redirect.response_code() {
                RedirectResponseCode::MovedPermanently => 301,
                RedirectResponseCode::Found => 302,
                RedirectResponseCode::SeeOther => 303,
                RedirectResponseCode::TemporaryRedirect => 307,
                RedirectResponseCode::PermanentRedirect => 308,
            };
            answers(path, hit, "redirect", Stop::Redirect(status), share);
        }
        Some(route::Action::DirectResponse(direct)) => {
            let status = u16::try_from(direct.status).unwrap_or(0);
            answers(path, hit, "direct_response", Stop::DirectResponse(status), share);
        }
        Some(route::Action::NonForwardingAction(_)) => {
            let choices = [Choice {
                name: String::new(),
                share: 1.0,
                at: hit.node.get("non_forwarding_action"),
            }];
            cluster::walk(walker, path, &choices, Proto::Http { not_found: 503 }, dial, share);
        }
        None => unknown(
            walker,
            path,
            Stage::Route,
            &subject(path, hit),
            "the route's action is not modelled",
        ),
    }
}

fn missing(path: &mut Path, host: &Host, config: &str, http: &Http, share: f64) {
    let (subject, note, stop, evidence) = match host {
        Host::Found(host, node) => {
            let evidence = node.get("routes").unwrap_or_else(|| node.clone()).evidence();
            let note = format!(
                "none of its {} routes matches {} {}",
                host.routes.len(),
                http.method,
                http.path
            );
            (host.name.clone(), note, Stop::NoRoute, Some(short(node, evidence)))
        }
        Host::Missing(stop) => {
            let evidence = path
                .trail
                .route_config
                .as_ref()
                .map(|c| c.lacks_element("virtual_hosts", "domains"));
            let note = format!("none of its virtual hosts takes the host {}", http.authority);
            let evidence = path
                .trail
                .route_config
                .as_ref()
                .and_then(|c| c.get("name"))
                .map(|n| n.evidence())
                .or(evidence);
            (format!("route configuration {config}"), note, stop.clone(), evidence)
        }
    };
    let mark = if share >= 1.0 { Mark::Stopped } else { Mark::Warned };
    path.step(Stage::Route, mark, &subject, &note, evidence.into_iter().collect());
    path.leg(share, "no route", Stage::Route, End::Stopped(stop));
}

/// A virtual host's name says more than all of its routes.
fn short(node: &Node, routes: crate::snapshot::Evidence) -> crate::snapshot::Evidence {
    if routes.value().is_some_and(|v| v.len() > 300) {
        return node.get("name").map_or(routes, |n| n.evidence());
    }
    routes
}

fn answers(path: &mut Path, hit: &Hit, field: &str, stop: Stop, share: f64) {
    let mark = if share >= 1.0 { Mark::Stopped } else { Mark::Warned };
    let evidence = hit.node.get(field).map(|n| n.evidence()).into_iter().collect();
    let note = match &stop {
        Stop::Redirect(status) => format!("answers with a redirect, {status}"),
        Stop::DirectResponse(status) => format!("answers {status} by itself"),
        _ => String::new(),
    };
    let subject = subject(path, hit);
    path.step(Stage::Route, mark, &subject, &note, evidence);
    path.leg(
        share,
        &describe(&hit.route, hit.index),
        Stage::Route,
        End::Stopped(stop),
    );
}

fn subject(path: &Path, hit: &Hit) -> String {
    let host = path.decision.virtual_host.clone().unwrap_or_default();
    format!("{host}, {}", describe(&hit.route, hit.index))
}

fn forward(walker: &Walker, path: &mut Path, hit: &Hit, action: &RouteAction, http: &Http, dial: &Dial, share: f64) {
    let not_found = match action.cluster_not_found_response_code() {
        ClusterNotFoundResponseCode::ServiceUnavailable => 503,
        ClusterNotFoundResponseCode::NotFound => 404,
        ClusterNotFoundResponseCode::InternalServerError => 500,
    };
    let at = hit.node.get("route");
    let subject = subject(path, hit);
    let (choices, evidence) = match &action.cluster_specifier {
        Some(ClusterSpecifier::Cluster(name)) => {
            let at = at.as_ref().and_then(|a| a.get("cluster"));
            let evidence = at.iter().map(Node::evidence).collect();
            (
                vec![Choice {
                    name: name.clone(),
                    share: 1.0,
                    at,
                }],
                evidence,
            )
        }
        Some(ClusterSpecifier::ClusterHeader(header)) => {
            let name = header.to_ascii_lowercase();
            let value = http
                .headers
                .iter()
                .find(|(k, _)| *k == name)
                .map(|(_, v)| v.clone())
                .unwrap_or_default();
            let at = at.as_ref().and_then(|a| a.get("cluster_header"));
            let evidence = at.iter().map(Node::evidence).collect();
            (
                vec![Choice {
                    name: value,
                    share: 1.0,
                    at,
                }],
                evidence,
            )
        }
        Some(ClusterSpecifier::WeightedClusters(weighted)) => {
            let at = at.as_ref().and_then(|a| a.get("weighted_clusters"));
            match weighted_choices(walker, weighted, at.as_ref(), http) {
                Ok(choices) => (choices, at.iter().map(Node::evidence).collect()),
                Err(what) => return unknown(walker, path, Stage::Route, &subject, &what),
            }
        }
        None => {
            return unknown(
                walker,
                path,
                Stage::Route,
                &subject,
                "the route's cluster specifier is not modelled",
            );
        }
    };
    path.step(Stage::Route, Mark::Passed, &subject, "", evidence);
    cluster::walk(walker, path, &choices, Proto::Http { not_found }, dial, share);
}

/// The clusters of a weighted route; those of weight 0 are never chosen.
fn weighted_choices(
    walker: &Walker,
    weighted: &WeightedCluster,
    at: Option<&Node>,
    http: &Http,
) -> Result<Vec<Choice>, String> {
    let mut weights = Vec::new();
    for (i, entry) in weighted.clusters.iter().enumerate() {
        let key = format!("{}.{}", weighted.runtime_key_prefix, entry.name);
        if !weighted.runtime_key_prefix.is_empty() && walker.runtime_value(&key).is_some() {
            return Err(format!("the runtime key {key} overrides a weight"));
        }
        let header = http
            .headers
            .iter()
            .find(|(k, _)| *k == entry.cluster_header.to_ascii_lowercase());
        let name = if entry.cluster_header.is_empty() {
            entry.name.clone()
        } else {
            header.map(|(_, v)| v.clone()).unwrap_or_default()
        };
        weights.push((i, name, u64::from(entry.weight.as_ref().map_or(0, |w| w.value))));
    }
    let total: u64 = weights.iter().map(|(_, _, weight)| weight).sum();
    let choice = |i: usize, name: String, share: f64| Choice {
        name,
        share,
        at: at.and_then(|a| a.get("clusters")?.index(i)?.get("name")),
    };
    if let Some(RandomValueSpecifier::HeaderName(header)) = &weighted.random_value_specifier {
        let values: Vec<&String> = http
            .headers
            .iter()
            .filter(|(k, _)| *k == header.to_ascii_lowercase())
            .map(|(_, v)| v)
            .collect();
        if let ([value], true) = (&values[..], total > 0)
            && let Ok(random) = value.parse::<u64>()
        {
            let mut left = random % total;
            for (i, name, weight) in weights {
                if left < weight {
                    return Ok(vec![choice(i, name, 1.0)]);
                }
                left -= weight;
            }
            return Err("a weight that is not there".to_owned());
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = |weight: u64| weight as f64 / total as f64;
    Ok(weights
        .into_iter()
        .filter(|(_, _, w)| *w > 0)
        .map(|(i, name, w)| choice(i, name, share(w)))
        .collect())
}
