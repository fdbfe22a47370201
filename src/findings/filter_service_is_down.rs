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

use crate::diagnose::{Added, Case, Found, advice};
use crate::verdict::Op;
use crate::walk::Stop;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let stop = case.own_stop()?;
    let (what, field, lenient) = if let Stop::AuthorizationUnavailable(_) = stop {
        ("authorization", "failure_mode_allow", true)
    } else if let Stop::RateLimitUnavailable(_) = stop {
        ("rate limit", "failure_mode_deny", false)
    } else {
        return None;
    };
    let step = case.last_step()?;
    let said = if step.note.is_empty() { String::new() } else { format!(" ({})", step.note) };
    let back = advice(Op::Replace, format!("bring the {what} service back: its pods, its Service, its port"));
    let words = "if requests may pass without its word";
    let found = Found::of_end(
        &step,
        format!("the {what} service cannot be asked"),
        format!(
            "The filter {} asks its {what} service about each request, and cannot reach it{said}. It lets nothing pass then.",
            step.subject
        ),
        Vec::new(),
    );
    Some(match Added::of(case, step.side, &step.subject) {
        Some(added) => {
            let fix = vec![back, added.set(field, lenient.into(), words), added.take_away()];
            added.name(found, fix)
        }
        None => Found { fix: vec![back, advice(Op::Replace, format!("{field}: {lenient}, {words}"))], ..found },
    })
}
