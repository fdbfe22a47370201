//! A filter answers this kind of request by itself, as it is meant to.
//!
//! The filter `cors` answers a browser's preflight (OPTIONS with `origin` and `access-control-request-method`) of an origin
//! that its policy allows, and the filter `health_check` answers the path of its own. B never sees such requests.

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
