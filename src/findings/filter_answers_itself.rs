//! A filter replies itself, as it is meant to.
//!
//! The request is answered by the proxy, and B never sees it. Nothing is broken.
//!
//! How it comes about: The filter `cors` answers a browser's preflight (OPTIONS with `origin` and
//! `access-control-request-method`) of an origin that its policy allows, and the filter `health_check` answers the
//! path of its own. The latter says 503 where a cluster that it asks for has too few healthy hosts
//! (`cluster_min_healthy_percentages`). The filter `cache` says 404 to a GET or HEAD whose route forwards to no cluster.
//!
//! How to confirm it: The details are `cors_response`, `health_check_ok`, `health_check_failed` or `cache_no_route`, with
//! or without an ending.
//!
//! How to fix it: Nothing, unless B is meant to answer: then remove the CORS policy of the route, or give the health
//! check another path. Where it says 503, mend the cluster that it asks for.

use crate::diagnose::{Case, Found, advice};
use crate::verdict::Op;
use crate::walk::{Stop, Unfit};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let stop = case.own_stop()?;
    let what = if *stop == Stop::CorsPreflight {
        "a preflight of an origin that its policy allows"
    } else if matches!(stop, Stop::HealthCheck(_) | Stop::Unfit(Unfit::HealthCheckFails(_))) {
        "health checks"
    } else if *stop == Stop::Unfit(Unfit::CacheWithoutRoute) {
        "what it could keep"
    } else {
        return None;
    };
    let step = case.last_step()?;
    let (says, fix) = if *stop == Stop::Unfit(Unfit::CacheWithoutRoute) {
        let off = "switch the cache off for this route (typed_per_filter_config: a FilterConfig with disabled: true)";
        (": 404, for its route forwards to no cluster.", off)
    } else if matches!(stop, Stop::Unfit(_)) {
        let mend = "mend the cluster that the health check asks for (`cluster_min_healthy_percentages`)";
        (", and says that this proxy is not well.", mend)
    } else {
        (": nothing is broken.", "ask with the method and the headers of the request that is meant")
    };
    Some(Found::of_end(
        &step,
        stop.words(),
        format!("The filter {} replies itself to {what}{says}", step.subject),
        vec![advice(Op::Replace, fix)],
    ))
}
