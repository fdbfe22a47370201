//! A filter answers by itself, as it is meant to.
//!
//! The request is answered by the proxy, and B never sees it. Nothing is broken.
//!
//! How it comes about: The filter `cors` answers a browser's preflight (OPTIONS with `origin` and
//! `access-control-request-method`) of an origin that its policy allows, and the filter `health_check` answers the
//! path of its own.
//!
//! How to confirm it: The details are `cors_response` or `health_check_ok`.
//!
//! How to fix it: Nothing, unless B is meant to answer: then remove the CORS policy of the route, or give the health
//! check another path.

use crate::diagnose::{Case, Found, advice};
use crate::verdict::Op;
use crate::walk::Stop;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let stop = case.own_stop()?;
    let what = if *stop == Stop::CorsPreflight {
        "a preflight of an origin that its policy allows"
    } else if *stop == Stop::HealthCheck {
        "health checks"
    } else {
        return None;
    };
    let step = case.last_step()?;
    Some(Found::of_end(
        &step,
        stop.words(),
        format!("The filter {} answers {what} by itself: nothing is broken.", step.subject),
        vec![advice(Op::Replace, "ask with the method and the headers of the request that is meant")],
    ))
}
