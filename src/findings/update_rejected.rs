//! The proxy rejected the last version of a listener.
//!
//! Envoy takes a listener whole or not at all. One that it cannot take is answered with a NACK, and the version before
//! stays in use: what changed since has no effect on this proxy.
//!
//! How it comes about: A patch with a field that does not exist, a script that does not load, a certificate that
//! cannot be read.
//!
//! How to confirm it: The dump keeps the reason (`error_state`), and `istioctl proxy-status` says it too.
//!
//! How to fix it: Correct what the reason names, most often an `EnvoyFilter`; the control plane then sends the
//! listener again.

use crate::diagnose::{Case, Found, Proved, Rejected};
use crate::snapshot::Origin;
use crate::verdict::Side;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let at_b = case.destination().map(|there| (Side::Destination, there.origin, case.trail()));
    let mut places = [(Side::Source, Origin::Source(0), case.in_source())].into_iter().chain(at_b);
    let rejected = places.find_map(|(side, origin, trail)| {
        let name = trail.listener.as_ref()?.text("name")?;
        let details = case.listener_entry(origin, &name)?.at("error_state.details")?;
        Some(Rejected { side, name, details })
    })?;
    Some(rejected.found(case, Proved::No, "It goes on with the version before, so what changed since has no effect."))
}
