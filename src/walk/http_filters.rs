//! The HTTP filters before the router: some answer by themselves, some are known never to, all others are unknown.
//!
//! Configuration comes from the most specific level that has an entry for the filter's name: weighted cluster, route,
//! virtual host, route configuration, then the connection manager (`source/common/router/per_filter_config.cc`).

use std::collections::BTreeMap;

use crate::envoy::any::JsonAny;
use crate::envoy::fraction;
use crate::envoy::harmless;
use crate::envoy::matcher::Match;
use crate::envoy::pb::envoy::config::route::v3::{
    FilterConfig, RouteConfiguration, WeightedCluster, route, route_action::ClusterSpecifier,
};
use crate::envoy::pb::envoy::extensions::filters::http::fault::v3::{HttpFault, fault_abort::ErrorType};
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, HttpFilter, http_filter::ConfigType,
};
use crate::snapshot::Node;
use crate::verdict::{Mark, Stage};

use super::action;
use super::http::{Host, Http, filter_row};
use super::path::{End, Path};
use super::route::{Chosen, Hit, header_matches};
use super::stop::{Abort, Stop};
use super::walker::Walker;

/// The filters, and the levels that configure them.
pub(super) struct Chain<'a> {
    pub(super) manager: &'a HttpConnectionManager,
    pub(super) node: &'a Node,
    pub(super) config: &'a RouteConfiguration,
    pub(super) config_node: &'a Node,
    pub(super) host: &'a Host,
}

/// What one filter does.
enum Effect {
    /// Passes every request on.
    Passes,
    /// Answers this share of them.
    Answers(f64, Abort, Node),
    /// Holds this share of them up.
    Delays(f64, Node),
    /// Could do anything.
    Unknown(String),
}

/// A filter's own configuration where it applies to this route.
struct Applied {
    any: JsonAny,
    node: Node,
}

/// Routes to weighted clusters of which some configure filters for themselves, one by one: each cluster is drawn before
/// the filters run.
pub(super) fn told_apart(walker: &Walker, chain: &Chain, chosen: Vec<Chosen>, http: &Http) -> Vec<Chosen> {
    let names: Vec<&str> = chain.manager.http_filters.iter().map(|f| f.name.as_str()).collect();
    let mut apart = Vec::new();
    for one in chosen {
        let weighted = one.route.as_ref().and_then(weighted_of);
        let differs = weighted.is_some_and(|w| {
            w.clusters.iter().any(|c| c.typed_per_filter_config.keys().any(|k| names.contains(&k.as_str())))
        });
        let choices = match weighted {
            Some(weighted) if differs => action::weighted_choices(walker, weighted, None, http).unwrap_or_default(),
            Some(_) | None => Vec::new(),
        };
        if choices.is_empty() {
            apart.push(one);
            continue;
        }
        for choice in choices {
            let share = one.share * choice.share;
            apart.push(Chosen { share, route: one.route.clone(), only: Some(choice.name) });
        }
    }
    apart
}

fn weighted_of(hit: &Hit) -> Option<&WeightedCluster> {
    match hit.route.action.as_ref()? {
        route::Action::Route(action) => match action.cluster_specifier.as_ref()? {
            ClusterSpecifier::WeightedClusters(weighted) => Some(weighted),
            ClusterSpecifier::Cluster(_) | ClusterSpecifier::ClusterHeader(_) => None,
        },
        route::Action::Redirect(_) | route::Action::DirectResponse(_) | route::Action::NonForwardingAction(_) => None,
    }
}

/// Walks the filters for one chosen route; `go_on` gets the share that they let through, which is returned.
pub(super) fn walk(
    walker: &Walker,
    path: &mut Path,
    chain: &Chain,
    chosen: &Chosen,
    http: &Http,
    go_on: impl FnOnce(&mut Path, f64),
) -> f64 {
    let mut left = chosen.share;
    path.delayed = false;
    path.by = chosen.only.as_ref().map(|name| format!("weighted cluster {name}")).unwrap_or_default();
    for (i, filter) in chain.manager.http_filters.iter().enumerate() {
        for effect in effects(walker, chain, chosen, http, filter, i) {
            match effect {
                Effect::Passes => {}
                Effect::Delays(share, node) => {
                    let note = format!("delays {} of requests", percent(share));
                    filter_row(path, Mark::Warned, &filter.name, &note, vec![node.evidence()]);
                    path.trail.fault = Some(node);
                    path.delayed |= share >= 1.0;
                }
                Effect::Answers(share, abort, node) => {
                    let mark = if share >= 1.0 { Mark::Stopped } else { Mark::Warned };
                    let note = format!("aborts {} of requests", percent(share));
                    filter_row(path, mark, &filter.name, &note, vec![node.evidence()]);
                    path.trail.fault = Some(node);
                    path.leg(left * share, "fault filter", Stage::HttpFilters, End::Stopped(Stop::FaultAbort(abort)));
                    left *= 1.0 - share;
                }
                Effect::Unknown(what) => {
                    walker.unchecked(what.clone());
                    filter_row(path, Mark::Unknown, &filter.name, &what, Vec::new());
                    path.leg(left, "", Stage::HttpFilters, End::Unknown);
                    return left;
                }
            }
            if left < 1e-9 {
                return left;
            }
        }
    }
    go_on(path, left);
    left
}

fn effects(walker: &Walker, chain: &Chain, chosen: &Chosen, http: &Http, filter: &HttpFilter, i: usize) -> Vec<Effect> {
    let unknown = |what: String| vec![Effect::Unknown(what)];
    let applied = match applied(chain, chosen, filter, i) {
        Ok(Some(applied)) => applied,
        Ok(None) => return Vec::new(),
        Err(what) => return unknown(what),
    };
    let type_name = match &filter.config_type {
        Some(ConfigType::TypedConfig(any)) => extension_type(any),
        None => {
            return unknown(format!("HTTP filter {} comes by ECDS, which is not modeled", filter.name));
        }
    };
    let preflight = http.method == "OPTIONS" && http.headers.iter().any(|(k, _)| k == "origin");
    match type_name.as_str() {
        "envoy.extensions.filters.http.fault.v3.HTTPFault" => fault(walker, chosen, http, &applied),
        "envoy.extensions.filters.http.cors.v3.Cors" if preflight => {
            unknown("a CORS preflight is not modeled".to_owned())
        }
        name if harmless::http_filter(name).is_some() => vec![Effect::Passes],
        name => unknown(format!("HTTP filter {} ({name}) is not modeled", filter.name)),
    }
}

/// The configuration that applies; `None` when the filter is off for this route.
fn applied(chain: &Chain, chosen: &Chosen, filter: &HttpFilter, i: usize) -> Result<Option<Applied>, String> {
    let own = match &filter.config_type {
        Some(ConfigType::TypedConfig(any)) => any.clone(),
        None => JsonAny::default(),
    };
    let own_node =
        || chain.node.get("http_filters").and_then(|f| f.index(i)).map(|f| f.get("typed_config").unwrap_or(f));
    let Some((any, node)) = most_specific(chain, chosen, &filter.name) else {
        let node = own_node().ok_or("a filter is not where it was decoded")?;
        return Ok((!filter.disabled).then_some(Applied { any: own, node }));
    };
    if any.type_name == "envoy.config.route.v3.FilterConfig" {
        let wrapper: FilterConfig = any.unpack()?;
        if wrapper.disabled {
            return Ok(None);
        }
        return Ok(match (wrapper.config, node.get("config")) {
            (Some(any), Some(node)) => Some(Applied { any, node }),
            _ => own_node().map(|node| Applied { any: own, node }),
        });
    }
    Ok(Some(Applied { any, node }))
}

/// The entry of the most specific level that has one.
fn most_specific(chain: &Chain, chosen: &Chosen, name: &str) -> Option<(JsonAny, Node)> {
    let entry = |map: &BTreeMap<String, JsonAny>, node: &Node| -> Option<(JsonAny, Node)> {
        Some((map.get(name)?.clone(), node.get("typed_per_filter_config")?.get(name)?))
    };
    if let (Some(hit), Host::Found(host, host_node)) = (&chosen.route, chain.host) {
        if let (Some(only), Some(weighted)) = (&chosen.only, weighted_of(hit)) {
            let at = hit.node.at("route.weighted_clusters.clusters");
            let i = weighted.clusters.iter().position(|c| c.name == *only);
            let own = i.and_then(|i| entry(&weighted.clusters.get(i)?.typed_per_filter_config, &at?.index(i)?));
            if own.is_some() {
                return own;
            }
        }
        let found = entry(&hit.route.typed_per_filter_config, &hit.node)
            .or_else(|| entry(&host.typed_per_filter_config, host_node))
            .or_else(|| entry(&chain.config.typed_per_filter_config, chain.config_node));
        return found;
    }
    None
}

fn fault(walker: &Walker, chosen: &Chosen, http: &Http, applied: &Applied) -> Vec<Effect> {
    let fault: HttpFault = match applied.any.unpack() {
        Ok(fault) => fault,
        Err(why) => {
            return vec![Effect::Unknown(format!("the fault filter's configuration could not be read: {why}"))];
        }
    };
    if let Some(what) = Walker::unmodeled(&applied.node, "envoy.extensions.filters.http.fault.v3.HTTPFault", &[]) {
        return vec![Effect::Unknown(what)];
    }
    let header = |name: &str| http.headers.iter().any(|(k, _)| k == name);
    let of_cluster =
        fault.upstream_cluster.is_empty() || single_cluster(chosen) == Some(fault.upstream_cluster.as_str());
    let of_node = fault.downstream_nodes.is_empty() || header("x-envoy-downstream-service-node");
    let active = fault.max_active_faults.as_ref().is_none_or(|m| m.value > 0);
    let of_headers = fault.headers.iter().fold(Match::Yes, |all, h| all.and(header_matches(h, http, walker.version)));
    match of_headers {
        Match::Unknown(why) => {
            return vec![Effect::Unknown(format!("whether the fault filter takes the request: {why}"))];
        }
        Match::No | Match::Share(_) => return Vec::new(),
        Match::Yes => {}
    }
    if !(of_cluster && of_node && active) {
        return Vec::new();
    }
    if header("x-envoy-fault-abort-request") || header("x-envoy-fault-abort-grpc-request") {
        return vec![Effect::Unknown("faults that headers ask for are not modeled".to_owned())];
    }
    [delay(walker, &fault, applied), abort(walker, &fault, applied)].into_iter().flatten().collect()
}

fn delay(walker: &Walker, fault: &HttpFault, applied: &Applied) -> Option<Effect> {
    let delay = fault.delay.as_ref()?;
    let node = applied.node.get("delay").unwrap_or_else(|| applied.node.clone());
    if delay.header_delay.is_some() {
        return None;
    }
    let key = named_or(&fault.delay_percent_runtime, "fault.http.delay.fixed_delay_percent");
    match walker.runtime_percent(key).unwrap_or_else(|| Ok(fraction::share(delay.percentage.as_ref()))) {
        Ok(share) if share > 0.0 => Some(Effect::Delays(share, node)),
        Ok(_) => None,
        Err(why) => Some(Effect::Unknown(why)),
    }
}

fn abort(walker: &Walker, fault: &HttpFault, applied: &Applied) -> Option<Effect> {
    let abort = fault.abort.as_ref()?;
    let key = named_or(&fault.abort_percent_runtime, "fault.http.abort.abort_percent");
    let share = match walker.runtime_percent(key).unwrap_or_else(|| Ok(fraction::share(abort.percentage.as_ref()))) {
        Ok(share) => share,
        Err(why) => return Some(Effect::Unknown(why)),
    };
    let with = match abort.error_type.as_ref()? {
        ErrorType::HttpStatus(status) => Abort::Http(u16::try_from(*status).ok()?),
        ErrorType::GrpcStatus(status) => Abort::Grpc(u8::try_from(*status).ok()?),
        ErrorType::HeaderAbort(_) => return None,
    };
    for (key, default) in [
        (&fault.abort_http_status_runtime, "fault.http.abort.http_status"),
        (&fault.abort_grpc_status_runtime, "fault.http.abort.grpc_status"),
    ] {
        let key = named_or(key, default);
        if walker.runtime_value(key).is_some() {
            return Some(Effect::Unknown(format!("the runtime key {key} overrides the fault's status")));
        }
    }
    let node = applied.node.get("abort").unwrap_or_else(|| applied.node.clone());
    (share > 0.0).then_some(Effect::Answers(share, with, node))
}

fn named_or<'a>(key: &'a str, default: &'a str) -> &'a str {
    if key.is_empty() { default } else { key }
}

/// The one cluster that a route names outright.
fn single_cluster(chosen: &Chosen) -> Option<&str> {
    match chosen.route.as_ref()?.route.action.as_ref()? {
        route::Action::Route(action) => match action.cluster_specifier.as_ref()? {
            ClusterSpecifier::Cluster(name) => Some(name),
            ClusterSpecifier::ClusterHeader(_) | ClusterSpecifier::WeightedClusters(_) => None,
        },
        route::Action::Redirect(_) | route::Action::DirectResponse(_) | route::Action::NonForwardingAction(_) => None,
    }
}

/// An extension's type; of a `TypedStruct`, the type that it stands for; of a Wasm filter that is compiled into
/// Istio's proxy (statistics, metadata exchange), that filter's.
fn extension_type(any: &JsonAny) -> String {
    if !any.type_name.ends_with(".TypedStruct") {
        return any.type_name.clone();
    }
    let value: serde_json::Value = serde_json::from_slice(&any.json).unwrap_or_default();
    let url = value.get("type_url").and_then(serde_json::Value::as_str).unwrap_or_default();
    let inner = url.rsplit('/').next().unwrap_or_default().to_owned();
    let text = String::from_utf8_lossy(&any.json);
    let built_in = text.contains("\"envoy.wasm.runtime.null\"")
        && (text.contains("stats_")
            || text.contains("envoy.wasm.stats")
            || text.contains("envoy.wasm.metadata_exchange"));
    if inner == "envoy.extensions.filters.http.wasm.v3.Wasm" && built_in {
        "stats.PluginConfig".to_owned()
    } else {
        inner
    }
}

/// `50 %`, `0.1 %`.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if (percent - percent.round()).abs() < 1e-6 { format!("{percent:.0} %") } else { format!("{percent:.2} %") }
}
