//! Rate limits: of this proxy alone, and of a service that it asks
//! (`source/extensions/filters/http/{local_ratelimit,ratelimit}`).

use crate::envoy::pb::envoy::extensions::filters::http::local_ratelimit::v3::LocalRateLimit;
use crate::snapshot::Node;
use crate::verdict::Power;
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

use super::ask::{Applied, Ask, Effect, own_type};
use super::service::{Service, Unavailable, grpc_cluster, is_set, status_at};

const LOCAL: &str = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";
const GLOBAL: &str = "envoy.extensions.filters.http.ratelimit.v3.RateLimit";

/// A limit of this proxy's own. How many tokens are left is not known; by default it is off, and not enforced.
pub(super) fn local(ask: &Ask, applied: &Applied) -> Result<Option<Effect>, String> {
    let limit: LocalRateLimit = applied.any.unpack()?;
    if let Some(what) = Walker::unmodeled(&applied.node, LOCAL, &[]) {
        return Err(what);
    }
    let Some(bucket) = &limit.token_bucket else { return Ok(None) };
    let enabled = ask.share(limit.filter_enabled.as_ref(), 0.0)?;
    let enforced = ask.share(limit.filter_enforced.as_ref(), 0.0)?;
    if enabled <= 0.0 || enforced <= 0.0 {
        return Ok(None);
    }
    let (tokens, name) = (bucket.max_tokens, &ask.filter.name);
    Err(format!("{name} answers 429 once its bucket of {tokens} tokens is empty; what is left is not known"))
}

/// A limit that a service keeps: it is asked only where something of the filter's own stage says what to count.
pub(super) fn global(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let node = ask.own_node().filter(|_| own_type(ask) == GLOBAL && applied.any.type_name == GLOBAL);
    let Some(node) = node else {
        return vec![Effect::Unknown(format!(
            "what HTTP filter {} counts on this route is not modeled",
            ask.filter.name
        ))];
    };
    let own = node.get("rate_limits").is_some();
    let counted = counted(ask, node.get("stage").and_then(|stage| stage.value().as_u64()).unwrap_or(0));
    if !own && (ask.chosen.route.is_none() || counted.is_empty()) {
        return Vec::new();
    }
    let cluster = node.get("rate_limit_service").and_then(|service| grpc_cluster(&service)).unwrap_or_default();
    let denies = is_set(&node, "failure_mode_deny");
    let unavailable = if denies {
        Unavailable::Ends(Stop::RateLimitUnavailable(status_at(&node, "status_on_error").unwrap_or(500)))
    } else {
        Unavailable::Passes
    };
    // What counts only some requests may count none.
    let is_asked = counted.iter().any(counts_all);
    let cluster = if denies && !is_asked { String::new() } else { cluster };
    Service { cluster, unavailable, powers: vec![Power::Refuse], by: "rate limit service", node }.effects(ask)
}

/// What the route and its virtual host count at this stage.
fn counted(ask: &Ask, stage: u64) -> Vec<Node> {
    let of_stage = |limit: &Node| limit.get("stage").and_then(|own| own.value().as_u64()).unwrap_or(0) == stage;
    let route = ask.chosen.route.as_ref().and_then(|hit| hit.node.get("route"));
    let limits = |at: Option<Node>| -> Vec<Node> { at.map(|at| at.list("rate_limits")).unwrap_or_default() };
    let mut all = limits(route.clone());
    let includes = route.as_ref().is_some_and(|route| is_set(route, "include_vh_rate_limits"));
    if all.is_empty() || includes {
        all.extend(limits(ask.chain.host.table().map(|table| table.node().clone())));
    }
    all.retain(of_stage);
    all
}

/// Whether a limit counts every request, whatever is in it.
fn counts_all(limit: &Node) -> bool {
    let plain = |action: &Node| {
        ["generic_key", "destination_cluster", "source_cluster"].iter().any(|kind| action.get(kind).is_some())
    };
    let actions = limit.list("actions");
    !actions.is_empty()
        && actions.iter().all(plain)
        && limit.get("disable_key").is_none()
        && limit.get("limit").is_none()
}
