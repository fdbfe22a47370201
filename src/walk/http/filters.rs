//! The HTTP filters before the router: some answer by themselves, some are known never to, all others are unknown.
//!
//! Configuration comes from the most specific level that has an entry for the filter's name: weighted cluster, route,
//! virtual host, route configuration, then the connection manager (`source/common/router/per_filter_config.cc`).

mod ask;
mod buffer;
mod cache;
mod cdn_loop;
mod configured;
mod cors;
mod credentials;
mod csrf;
mod custom_response;
mod ext_authz;
mod fault;
mod headers;
mod health_check;
mod jwt;
mod metadata;
mod oauth2;
mod on_demand;
mod rate_limit;
mod rbac;
mod router;
mod script;
mod service;
mod session;

use crate::envoy::any::JsonAny;
use crate::envoy::harmless;
use crate::envoy::pb::envoy::config::route::v3::{FilterConfig, WeightedCluster};
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;
use crate::snapshot::Node;
use crate::verdict::{Mark, Power, Stage, percent};
use crate::walk::http::chosen::{Chosen, Drawn};
use crate::walk::http::request::Http;
use crate::walk::http::weights;
use crate::walk::way::apart::{Asking, Known, List};
use crate::walk::way::course::Told;
use crate::walk::way::forwarded::{Headers, Left};
use crate::walk::way::guard::{Condition, Guard};
use crate::walk::way::log::{Fact, Row};
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

pub(in crate::walk) use ask::{Chain, Reach, Reached};
pub(in crate::walk) use configured::{Configured, configured};

use ask::{Answer, Applied, Ask, Before, Effect, entries};

/// A route to weighted clusters that the filters tell apart, one by one: each cluster is drawn before the filters run.
pub(in crate::walk) fn told_apart(walker: &Walker, chain: &Chain, chosen: Chosen, http: &Http) -> Told<Chosen> {
    let hit = chosen.route.clone();
    let weighted = hit.as_deref().and_then(|hit| hit.weighted()).filter(|w| tells_apart(chain, &chosen, w));
    let choices =
        weighted.and_then(|weighted| weights::weighted_choices(walker, weighted, None, (http, &chosen.draw)).ok());
    let Some(choices) = choices else { return Told::goes(chosen) };
    let part = |(entry, choice): (usize, crate::walk::way::forwarded::Choice)| {
        let guard = Guard::drawn(&format!("weighted cluster {}", choice.name), choice.share);
        let only = Some(Drawn { entry, cluster: choice.name });
        (guard, Told::goes(Chosen { only, ..chosen.clone() }))
    };
    Told::parts(choices.into_iter().map(part).collect())
}

/// Whether some filter asks which of the route's clusters was drawn, or is configured by it.
fn tells_apart(chain: &Chain, chosen: &Chosen, weighted: &WeightedCluster) -> bool {
    let is_of_cluster = |any: &JsonAny| String::from_utf8_lossy(&any.json).contains("\"upstream_cluster\"");
    chain.manager.http_filters.iter().enumerate().any(|(place, filter)| {
        chain.own(place).is_ok_and(|(any, _)| is_of_cluster(any))
            || weighted.clusters.iter().any(|c| c.typed_per_filter_config.contains_key(&filter.name))
            || entries(chain, chosen, &filter.name).iter().any(|(any, _)| is_of_cluster(any))
    })
}

/// What the filters do with requests of one chosen route.
pub(in crate::walk) fn pass(walker: &Walker, chain: &Chain, chosen: &Chosen, http: &Http) -> Told<Left> {
    let before = Before { headers_changed: http.open.leave_credentials_open(), ..Before::default() };
    let filters = chain.manager.http_filters.iter().enumerate();
    let told = filters.fold(Told::goes(before), |told, (place, filter)| {
        let powers = powers_of(chain.configured.get(place));
        told.then(&|before: Before| {
            let effects = effects(&Ask { walker, chain, chosen, http, before: &before, filter, place });
            effects.into_iter().fold(Told::goes(before), |told, effect| {
                told.then(&|before| take_effect((walker, place), (filter, powers), &effect, before))
            })
        })
    });
    told.then(&|before: Before| {
        let headers = if before.passed_a_change { Headers::MayBeChanged } else { Headers::Kept };
        let Before { criteria, unsure, .. } = before;
        Told::goes(Left { headers, criteria, unsure }).met(Fact::Filtered)
    })
}

/// The metadata by which subsets of hosts are chosen.
const LB: &str = "envoy.lb";

/// What is left behind once an effect was had, where the request goes on.
fn take_effect(
    (walker, place): (&Walker, usize),
    (filter, powers): (&HttpFilter, &[Power]),
    effect: &Effect,
    mut before: Before,
) -> Told<Before> {
    match effect {
        Effect::Delays(share, node) => {
            let note = format!("delays {} % of requests", percent(*share));
            let row = Row::new(Stage::HttpFilters, Mark::Warned, &filter.name, &note).citing([node.evidence()]);
            let told = Told::goes(before).row(row).met(Fact::Fault(node.clone()));
            if *share >= 1.0 { told.met(Fact::Delayed) } else { told }
        }
        Effect::Caches => Told::goes(before).met(Fact::Cached),
        Effect::Answers(answer) => {
            let at = format!("{place} {}", filter.name);
            if walker.is_repaired(&answer.stop, &at) {
                return passed(filter, powers, (answer, &at), before);
            }
            answered(&filter.name, (answer, &at), before)
        }
        Effect::SetsMetadata(name) => {
            before.metadata.insert(name.clone());
            if name == "*" || name == LB {
                before.unsure = Some(format!("what HTTP filter {} asks of hosts (metadata {LB})", filter.name));
            }
            Told::goes(before)
        }
        Effect::Writes(name, values) => {
            before.metadata.insert(name.clone());
            if name == LB {
                before.criteria.extend(values.clone());
            }
            Told::goes(before)
        }
        Effect::Shadows(prefix, policy) => {
            before.shadows.insert(prefix.clone(), policy.clone());
            Told::goes(before)
        }
        Effect::ChangesHeaders => {
            (before.headers_changed, before.passed_a_change) = (true, true);
            Told::goes(before)
        }
        Effect::Open(powers, why) => open(filter, powers, why, before),
        Effect::Unknown(why) => open(filter, powers, why, before),
    }
}

fn open(filter: &HttpFilter, powers: &[Power], why: &str, before: Before) -> Told<Before> {
    let condition = Condition::of(Stage::HttpFilters, &filter.name, powers, why);
    let condition = condition.provided_that(&format!("HTTP filter {} lets it pass", filter.name));
    Told::goes(before).under([condition])
}

/// What a filter of this kind can do. One that only denies never serves a request that fails behind it.
fn powers_of(configured: Option<&Configured>) -> &'static [Power] {
    let type_name = match configured {
        Some(Ok((any, _))) => extension_type(any),
        Some(Err(_)) | None => String::new(),
    };
    match type_name.strip_prefix("envoy.extensions.filters.http.").unwrap_or(&type_name) {
        "rbac.v3.RBAC"
        | "jwt_authn.v3.JwtAuthentication"
        | "local_ratelimit.v3.LocalRateLimit"
        | "ratelimit.v3.RateLimit"
        | "csrf.v3.CsrfPolicy"
        | "admission_control.v3.AdmissionControl"
        | "cdn_loop.v3.CdnLoopConfig"
        | "stateful_session.v3.StatefulSession" => &[Power::Refuse],
        "fault.v3.HTTPFault" | "cors.v3.Cors" | "health_check.v3.HealthCheck" => &[Power::Refuse, Power::Answer],
        "set_filter_state.v3.Config" | "grpc_web.v3.GrpcWeb" | "grpc_http1_bridge.v3.Config" => &[Power::Rewrite],
        "ext_authz.v3.ExtAuthz" => &[Power::Refuse, Power::Rewrite],
        _ => &[Power::Answer],
    }
}

/// What the filters ask of requests of a chosen route, as lists of conditions.
pub(in crate::walk) fn lists(walker: &Walker, chain: &Chain, chosen: &Chosen, http: &Http, known: &Known) -> Vec<List> {
    let before = Before::default();
    let mut lists: Vec<List> = Vec::new();
    for (place, filter) in chain.manager.http_filters.iter().enumerate() {
        let ask = Ask { walker, chain, chosen, http, before: &before, filter, place };
        match asked_by(&ask, known) {
            Ok(asked) => {
                for list in asked.iter().flat_map(|asking| known.lists(asking)) {
                    if !lists.contains(&list) {
                        lists.push(list);
                    }
                }
            }
            Err(why) => walker.remark(format!("which requests HTTP filter {} tells apart: {why}", filter.name)),
        }
    }
    lists
}

fn asked_by(ask: &Ask, known: &Known) -> Result<Vec<Asking>, String> {
    let Some(applied) = applied(ask.chain, ask.chosen, ask.filter, ask.place)? else { return Ok(Vec::new()) };
    let (any, _) = ask.own()?;
    let type_name = extension_type(any);
    match type_name.strip_prefix("envoy.extensions.filters.http.").unwrap_or(&type_name) {
        "fault.v3.HTTPFault" => fault::lists(&applied),
        "rbac.v3.RBAC" => rbac::lists(ask, &applied),
        "jwt_authn.v3.JwtAuthentication" => jwt::lists(ask, known.frame),
        "cors.v3.Cors" => cors::lists(ask),
        "csrf.v3.CsrfPolicy" => csrf::lists(ask, &applied),
        "cache.v3.CacheConfig" | "cache_v2.v3.CacheV2Config" => Ok(cache::lists(&applied)),
        "health_check.v3.HealthCheck" => health_check::lists(&applied),
        _ => Ok(Vec::new()),
    }
}

/// What the filter answers is taken as repaired. What it leaves behind then may be anything that it writes, and a service
/// that can be asked may refuse.
fn passed(filter: &HttpFilter, powers: &[Power], (answer, at): (&Answer, &str), mut before: Before) -> Told<Before> {
    let asks = matches!(answer.stop, Stop::AuthorizationUnavailable(_) | Stop::RateLimitUnavailable(_));
    if matches!(answer.stop, Stop::JwtDenied(..) | Stop::JwtMisnamed(_)) {
        before.metadata.insert(jwt::METADATA.to_owned());
    }
    let told = if asks {
        open(filter, powers, &format!("what the service behind HTTP filter {} answers", filter.name), before)
    } else {
        Told::goes(before)
    };
    told.repaired(&answer.stop, at, row(&filter.name, answer))
}

fn row(name: &str, answer: &Answer) -> Row {
    let mark = if answer.share >= 1.0 { Mark::Stopped } else { Mark::Warned };
    Row::new(Stage::HttpFilters, mark, name, &answer.note).citing(answer.node.iter().map(Node::evidence))
}

/// A filter answers a part of the requests, and the rest goes on.
fn answered(name: &str, (answer, at): (&Answer, &str), before: Before) -> Told<Before> {
    let row = row(name, answer);
    let of_fault = matches!(answer.stop, Stop::FaultAbort(_));
    let fact = answer.node.clone().map(|node| if of_fault { Fact::Fault(node) } else { Fact::Denial(node) });
    let ends = Told::ends_at(answer.stop.clone(), at);
    let told = if answer.share >= 1.0 {
        ends
    } else {
        let rest = (Guard::drawn(&format!("past the {}", answer.by), 1.0 - answer.share), Told::goes(before));
        Told::parts(vec![(Guard::drawn(answer.by, answer.share), ends), rest])
    };
    fact.into_iter().fold(told.row(row), Told::met)
}

fn effects(ask: &Ask) -> Vec<Effect> {
    let filter = ask.filter;
    let unknown = |what: String| vec![Effect::Unknown(what)];
    let one = |effect: Result<Option<Effect>, String>| effect.map_or_else(unknown, |one| one.into_iter().collect());
    let applied = match applied(ask.chain, ask.chosen, filter, ask.place) {
        Ok(Some(applied)) => applied,
        Ok(None) => return Vec::new(),
        Err(what) => return unknown(what),
    };
    let type_name = match ask.own() {
        Ok((any, _)) => extension_type(any),
        Err(why) => return unknown(why),
    };
    if is_switched_off(&applied) {
        return Vec::new();
    }
    let name = type_name.strip_prefix("envoy.extensions.filters.http.").unwrap_or(&type_name);
    match name {
        "fault.v3.HTTPFault" => fault::effects(ask, &applied),
        "rbac.v3.RBAC" => rbac::effects(ask, &applied),
        "jwt_authn.v3.JwtAuthentication" => jwt::effects(ask, &applied),
        "local_ratelimit.v3.LocalRateLimit" => one(rate_limit::local(ask, &applied)),
        "ratelimit.v3.RateLimit" => rate_limit::global(ask, &applied),
        "cors.v3.Cors" => one(cors::effect(ask)),
        "csrf.v3.CsrfPolicy" => one(csrf::effect(ask, &applied)),
        "health_check.v3.HealthCheck" => health_check::effects(ask, &applied),
        "header_mutation.v3.HeaderMutation" => headers::mutation(ask, &applied),
        "header_to_metadata.v3.Config" => metadata::of_headers(ask, &applied),
        "set_metadata.v3.Config" => metadata::set(&applied),
        "set_filter_state.v3.Config" => headers::filter_state(ask, &applied),
        "ext_authz.v3.ExtAuthz" => ext_authz::effects(ask),
        "basic_auth.v3.BasicAuth" => credentials::basic(ask, &applied),
        "api_key_auth.v3.ApiKeyAuth" => credentials::api_key(ask, &applied),
        "buffer.v3.Buffer" => buffer::effects(ask, &applied),
        "cache.v3.CacheConfig" | "cache_v2.v3.CacheV2Config" => cache::effects(ask, &applied),
        "cdn_loop.v3.CdnLoopConfig" => cdn_loop::effects(ask, &applied),
        "custom_response.v3.CustomResponse" => custom_response::effects(ask, &applied),
        "router.v3.Router" => router::effects(ask, &applied),
        "oauth2.v3.OAuth2" => oauth2::effects(ask, &applied),
        "on_demand.v3.OnDemand" => on_demand::effects(ask, &applied),
        "ip_tagging.v3.IPTagging" => headers::tags(ask, &applied),
        "stateful_session.v3.StatefulSession" => session::effects(ask, &applied),
        "lua.v3.Lua" => script::lua(ask, &applied),
        "ext_proc.v3.ExternalProcessor" => script::external_processor(ask, &applied),
        "wasm.v3.Wasm" => script::program(ask, "Wasm module"),
        "dynamic_modules.v3.DynamicModuleFilter" => script::program(ask, "library"),
        "golang.v3alpha.Config" => script::golang(ask, &applied),
        "grpc_web.v3.GrpcWeb" if ask.first("content-type").starts_with("application/grpc-web") => {
            unknown(format!("what HTTP filter {} makes of gRPC-Web is not modeled", filter.name))
        }
        "grpc_http1_bridge.v3.Config" if is_bridged(ask) => {
            unknown(format!("what HTTP filter {} makes of gRPC is not modeled", filter.name))
        }
        _ if harmless::http_filter(&type_name).is_some() => Vec::new(),
        _ => unknown(format!("HTTP filter {} ({type_name}) is not modeled", filter.name)),
    }
}

/// `disabled` in a route's own configuration, as the messages of many filters have it (`ExtAuthzPerRoute`,
/// `LuaPerRoute`, `ExtProcPerRoute`, `BufferPerRoute`).
fn is_switched_off(applied: &Applied) -> bool {
    let name = applied.any.type_name.rsplit('.').next().unwrap_or_default();
    name.ends_with("PerRoute") && applied.node.get("disabled").is_some_and(|d| d.value().as_bool() == Some(true))
}

/// gRPC over HTTP/1, and what may be made gRPC of.
fn is_bridged(ask: &Ask) -> bool {
    let content_type = ask.first("content-type");
    let is_grpc = content_type.starts_with("application/grpc") && !ask.chain.dial.protocol.is_http2();
    is_grpc || content_type.starts_with("application/x-protobuf")
}

/// The configuration that applies; `None` when the filter is off for this route.
fn applied(chain: &Chain, chosen: &Chosen, filter: &HttpFilter, i: usize) -> Result<Option<Applied>, String> {
    let weighted = chosen.route.as_deref().and_then(|hit| hit.weighted()).filter(|_| chosen.only.is_none());
    if weighted.is_some_and(|w| w.clusters.iter().any(|c| c.typed_per_filter_config.contains_key(&filter.name))) {
        return Err(format!(
            "which weighted cluster is drawn is not known, and HTTP filter {} is configured by it",
            filter.name
        ));
    }
    let own = || chain.own(i).map(|(any, node)| Applied { any: any.clone(), node: node.clone() });
    let Some((any, node)) = entries(chain, chosen, &filter.name).into_iter().next() else {
        return if filter.disabled { Ok(None) } else { own().map(Some) };
    };
    if any.type_name == "envoy.config.route.v3.FilterConfig" {
        let wrapper: FilterConfig = any.unpack()?;
        if wrapper.disabled {
            return Ok(None);
        }
        return Ok(match (wrapper.config, node.get("config")) {
            (Some(any), Some(node)) if !any.type_name.is_empty() => Some(Applied { any, node }),
            _ => own().ok(),
        });
    }
    Ok(Some(Applied { any, node }))
}

/// An extension's type; of a `TypedStruct`, the type that it stands for; of a Wasm filter that is compiled into
/// Istio's proxy (statistics, metadata exchange), that filter's.
fn extension_type(any: &JsonAny) -> String {
    let inner = if any.type_name.ends_with(".TypedStruct") {
        let value: serde_json::Value = serde_json::from_slice(&any.json).unwrap_or_default();
        let url = value.get("type_url").and_then(serde_json::Value::as_str).unwrap_or_default();
        url.rsplit('/').next().unwrap_or_default().to_owned()
    } else {
        any.type_name.clone()
    };
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
