//! What a route, a weighted cluster or a TCP proxy asks of hosts (`metadata_match`), where a cluster has subsets.

use crate::envoy::pb::envoy::config::core::v3::Metadata;
use crate::envoy::subset::{self, Criteria};

/// The `envoy.lb` part of a `metadata_match`.
pub(in crate::walk) fn criteria(metadata: Option<&Metadata>) -> Criteria {
    subset::criteria(metadata.and_then(|m| m.filter_metadata.get("envoy.lb")))
}

/// What a weighted cluster asks for goes before what its route asks for.
pub(in crate::walk) fn merged(of_route: &Criteria, own: Criteria) -> Criteria {
    let mut all = of_route.clone();
    all.extend(own);
    all
}
