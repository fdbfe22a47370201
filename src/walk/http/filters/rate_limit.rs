//! Rate limits: of this proxy alone, and of a service that it asks
//! (`source/extensions/filters/http/{local_ratelimit,ratelimit}`).

use crate::envoy::pb::envoy::extensions::filters::http::local_ratelimit::v3::LocalRateLimit;
use crate::verdict::Power;
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

use super::service::{Service, Unavailable, grpc_cluster, is_set, status_at};
use super::{Applied, Ask, Effect, own_type};

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

/// A limit that a service keeps: it is asked only where something says what to count.
pub(super) fn global(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let counts = |field: &str| {
        let route = ask.chosen.route.as_ref().and_then(|hit| hit.node.get("route")?.get(field));
        let host = ask.chain.host.table().and_then(|table| table.node().get(field));
        route.or(host).is_some()
    };
    let own = applied.any.type_name == GLOBAL && applied.node.get("rate_limits").is_none();
    if own && own_type(ask) == GLOBAL && (ask.chosen.route.is_none() || !counts("rate_limits")) {
        return Vec::new();
    }
    let Some(node) = ask.own_node() else {
        return vec![Effect::Unknown(format!("the configuration of HTTP filter {} is not there", ask.filter.name))];
    };
    let cluster = node.get("rate_limit_service").and_then(|service| grpc_cluster(&service)).unwrap_or_default();
    let unavailable = if is_set(&node, "failure_mode_deny") {
        Unavailable::Ends(Stop::RateLimitUnavailable(status_at(&node, "status_on_error").unwrap_or(500)))
    } else {
        Unavailable::Passes
    };
    // Whether it is asked at all depends on its descriptors: what is certain is only that a failure to ask passes.
    let powers = vec![Power::Refuse];
    match unavailable {
        Unavailable::Passes => {
            Service { cluster, unavailable: Unavailable::Passes, powers, by: "rate limit service", node }.effects(ask)
        }
        ends @ Unavailable::Ends(_) => {
            let cluster = if node.get("rate_limits").is_some() { String::new() } else { cluster };
            Service { cluster, unavailable: ends, powers, by: "rate limit service", node }.effects(ask)
        }
    }
}
