//! The listener asks for a route configuration that never came.
//!
//! The connection manager names it (RDS, or a scope of SRDS), the control plane has not sent it, or the proxy refused it. So
//! there is no route, and every request is answered 404 NR.

use crate::diagnose::{Case, Found, advice, proxy_status};
use crate::verdict::Op;
use crate::walk::Stop;

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
