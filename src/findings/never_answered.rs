//! No filter of the proxy would ever answer.
//!
//! The router is the last of the HTTP filters, and the only one that sends requests on. Without it nobody ever
//! answers: the request hangs until the client gives up (DC).
//!
//! How it comes about: A configuration that was written by hand, or an `EnvoyFilter` that removes or replaces the
//! router.
//!
//! How to confirm it: `istioctl proxy-config listeners POD -o json`: the connection manager's `http_filters` do not
//! end with `envoy.filters.http.router`.
//!
//! How to fix it: Put the router back at the end; where an `EnvoyFilter` took it away, correct the filter's match.

use crate::diagnose::{Case, Found, advice};
use crate::verdict::Op;
use crate::walk::{Stop, Unfit};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if case.own_stop() != Some(&Stop::Unfit(Unfit::NeverAnswered)) {
        return None;
    }
    let step = case.last_step()?;
    Some(Found::of_end(
        &step,
        "no filter answers: the request hangs".to_owned(),
        "The connection manager has no HTTP filters, so not even a router that would send the request on.".to_owned(),
        vec![advice(Op::Add, "http_filters: envoy.filters.http.router, as the last one")],
    ))
}
