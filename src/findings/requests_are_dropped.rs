//! The proxy is told to drop these requests.
//!
//! The proxy is told to drop requests to this cluster, a share of them or all, and replies 503 itself.
//!
//! How it comes about: The control plane sends a share that is to be dropped with the endpoints (`drop_overloads`), or
//! an operator put the cluster into maintenance by the runtime key `upstream.maintenance_mode.CLUSTER`.
//!
//! How to confirm it: The details: `drop_overload`, `unconditional_drop_overload` or `maintenance_mode`. `/runtime` of
//! the admin endpoint shows the key.
//!
//! How to fix it: Take the runtime key back, or relieve the service so that its control plane ends the drop.

use crate::diagnose::{Case, Found, advice};
use crate::verdict::Op;
use crate::walk::Stop;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let stop = case.own_stop()?;
    let (title, by, undo) = if *stop == Stop::MaintenanceMode {
        (
            "the cluster is in maintenance",
            "The runtime key upstream.maintenance_mode is set",
            "take the runtime key upstream.maintenance_mode of the cluster away",
        )
    } else if matches!(stop, Stop::DropOverload | Stop::PartialDropOverload) {
        (
            "its endpoints say that requests are to be dropped",
            "The endpoints came with drop_overloads",
            "let the control plane send the endpoints without drop_overloads",
        )
    } else {
        return None;
    };
    let step = case.last_step()?;
    let replies = case.answers();
    Some(Found::of_end(
        &step,
        title.to_owned(),
        format!("{by} for {}, so {replies}.", step.subject),
        vec![advice(Op::Remove, undo)],
    ))
}
