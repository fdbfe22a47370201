//! The proxy never took the listener that is for this connection.
//!
//! Envoy takes a listener whole or not at all. Where it cannot take the first version of one (a patch with a field that
//! does not exist, a script that does not load), it has none, and Istio's listener for what no other takes gets the
//! connections: they pass in plaintext, past every rule of the mesh, or are turned away. The dump keeps the reason
//! (`error_state`), and `istioctl proxy-status` says it too. Correct what the reason names, most often an `EnvoyFilter`.

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
