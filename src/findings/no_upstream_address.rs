//! The cluster has no address to send to.
//!
//! A cluster of type `ORIGINAL_DST` sends each request where its client dialed, or to the address in a header or in
//! metadata. There is none, and Envoy answers 503 UH.
//!
//! How it comes about: The proxy itself was dialed, so that no connection was redirected whose address could be
//! restored; or the listener restores none (no `use_original_dst`, no `original_dst` filter). No header names one
//! either, or its value is not an address.
//!
//! How to confirm it: The cluster's `type` and `original_dst_lb_config` in `istioctl proxy-config clusters POD -o
//! json`, and the listener filters.
//!
//! How to fix it: Dial the destination, and let the connection be redirected to the proxy; or send the header
//! (`x-envoy-original-dst-host` by default) with IP:PORT.

use crate::diagnose::{Case, EVERY, Found, advice};
use crate::verdict::Op;

pub(crate) const YIELDS_TO: &[&str] = EVERY;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let cluster = case.cluster().filter(|_| case.lacks_host())?;
    let step = case.last_step()?;
    let note = if step.note.is_empty() { "no host can be chosen".to_owned() } else { step.note.clone() };
    let replies = case.answers();
    Some(Found::of_end(
        &step,
        "the cluster has no host for the request".to_owned(),
        format!("Cluster {}: {note}. {replies}.", cluster.name),
        vec![advice(
            Op::Replace,
            "dial the destination itself, not the proxy; or send the header that the cluster looks for, with IP:PORT",
        )],
    ))
}
