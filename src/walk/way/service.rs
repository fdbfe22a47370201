//! What objects say of endpoints, wherever it is asked.

use crate::snapshot::Node;

/// Whether an endpoint of an `EndpointSlice` is ready; one that does not say so is.
pub(crate) fn is_ready(endpoint: &Node) -> bool {
    endpoint.at("conditions.ready").is_none_or(|r| r.value().as_bool() != Some(false))
}
