//! The connection manager has no filter that would answer.
//!
//! The router is the last of the HTTP filters, and the only one that sends requests on. Without it nobody ever answers: the
//! request hangs until the client gives up.

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
        "no filter of the proxy answers: the request hangs".to_owned(),
        "The connection manager has no HTTP filters, so not even a router that would send the request on.".to_owned(),
        vec![advice(Op::Add, "http_filters: envoy.filters.http.router, as the last one")],
    ))
}
