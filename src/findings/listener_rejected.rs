//! The proxy never took the connection's listener.
//!
//! Envoy takes a listener whole or not at all. It has none of this name, so that Istio's listener for what no other
//! takes gets the connections: they pass in plaintext, past every rule of the mesh, or are turned away.
//!
//! How it comes about: The first version of the listener could not be taken: a patch with a field that does not exist,
//! a script that does not load.
//!
//! How to confirm it: The dump keeps the reason (`error_state`), and `istioctl proxy-status` says it too.
//!
//! How to fix it: Correct what the reason names, most often an `EnvoyFilter`.

use crate::diagnose::{Case, Found, Proved, Rejected};
use crate::mesh::istio::CATCH_ALL_CLUSTERS;
use crate::snapshot::Origin;
use crate::verdict::Side;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let source = case.in_source();
    let cluster = source.cluster.as_ref()?;
    if !CATCH_ALL_CLUSTERS.contains(&cluster.name.as_str()) {
        return None;
    }
    let other = source.listener.as_ref()?.text("name")?;
    let request = case.request();
    let address = request.address.as_ref().map(|address| format!("{address}_{}", request.port));
    let mut names = address.into_iter().chain([format!("0.0.0.0_{}", request.port)]);
    let rejected = names.find_map(|name| {
        let entry = case.listener_entry(Origin::Source(0), &name)?;
        let details = entry.at("error_state.details").filter(|_| entry.at("active_state").is_none())?;
        Some(Rejected { side: Side::Source, name, details })
    })?;
    let instead = format!("It has none before, so listener {other} gets the connection, past the rules of the mesh.");
    Some(rejected.found(case, Proved::Yes, &instead))
}
