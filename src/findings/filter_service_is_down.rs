//! A filter has to ask a service, which cannot be asked.
//!
//! The filters `ext_authz` and `ratelimit` ask a cluster of their own about each request. Where that cluster has no host that
//! is healthy, or is not there, and the filter does not let requests pass then (`failure_mode_allow`), it answers by itself:
//! 403 UAEX, or 500 RLSE.

use crate::diagnose::{Case, Found, advice};
use crate::verdict::Op;
use crate::walk::Stop;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let stop = case.own_stop()?;
    let what = if let Stop::AuthorizationUnavailable(_) = stop {
        "authorization"
    } else if let Stop::RateLimitUnavailable(_) = stop {
        "rate limit"
    } else {
        return None;
    };
    let step = case.last_step()?;
    let said = if step.note.is_empty() { String::new() } else { format!(" ({})", step.note) };
    Some(Found::of_end(
        &step,
        format!("the {what} service cannot be asked"),
        format!(
            "The filter {} asks its {what} service about each request, and cannot reach it{said}. It lets nothing pass then.",
            step.subject
        ),
        vec![
            advice(Op::Replace, format!("bring the {what} service back: its pods, its Service, its port")),
            advice(Op::Replace, "failure_mode_allow: true, if requests may pass without its word"),
        ],
    ))
}
