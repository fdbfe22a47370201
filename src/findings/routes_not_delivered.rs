//! The listener's routes were never delivered.
//!
//! The connection manager has no routes at all, so that every request is answered 404 NR.
//!
//! How it comes about: The listener names a route configuration (RDS, or a scope of SRDS) that the control plane has
//! not sent, or that the proxy refused.
//!
//! How to confirm it: `istioctl proxy-status` shows what was refused; `istioctl proxy-config routes POD` lacks the
//! name that the listener has under `rds`.
//!
//! How to fix it: Correct what the proxy refuses, mostly an `EnvoyFilter` or two virtual hosts with one domain; or
//! bring istiod back.

use crate::diagnose::{Case, Found, advice, proxy_status};
use crate::verdict::Op;
use crate::walk::Stop;

pub(crate) const YIELDS_TO: &[&str] = &["control-plane-lost", "proxy-out-of-sync"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if case.own_stop() != Some(&Stop::NoRouteConfig) {
        return None;
    }
    let step = case.last_step()?;
    let pod = case.source_pod().filter(|_| case.destination().is_none());
    Some(Found {
        next: pod.as_ref().map(proxy_status).unwrap_or_default(),
        ..Found::of_end(
            &step,
            "its route configuration was never delivered".to_owned(),
            format!(
                "The listener asks for the route configuration {}, and the proxy does not have it. {}.",
                step.subject,
                case.answers()
            ),
            vec![
                advice(
                    Op::Replace,
                    "see whether the proxy is connected to its control plane, and whether it refused an update",
                ),
                advice(Op::Add, format!("let the control plane have {}", step.subject)),
            ],
        )
    })
}
