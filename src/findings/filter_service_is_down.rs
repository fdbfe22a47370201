//! The service that a filter asks is down.
//!
//! A filter asks a service about each request, the service cannot be asked, and the filter lets nothing pass then. It
//! replies itself: 403 UAEX, or 500 RLSE.
//!
//! How it comes about: The filters `ext_authz` and `ratelimit` ask a cluster of their own. That cluster has no host
//! that is healthy, or is not there, and `failure_mode_allow` is not set (of `ratelimit`: `failure_mode_deny` is).
//!
//! How to confirm it: `istioctl proxy-config endpoints POD --cluster NAME`, with the name of the cluster that the
//! filter has.
//!
//! How to fix it: Bring the service back: its pods, its Service, its port. Or let requests pass without its word
//! (Istio: `failOpen` of the extension provider).

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
