//! A proxy of no mesh that is known here: an Envoy by itself, or one of which too little was read to tell.
//!
//! What says whose it is may be read only later, or never. So it is read by Istio's conventions, the most widespread:
//! the forms of its names and annotations are nobody else's, and meshes after it took over its ports. Who such a proxy
//! is, its node id does not say.

use super::conventions::{Mesh, Names, Sidecar};
use super::istio;

/// The containers and images of meshes that have no file of their own yet are here, too.
pub(super) const MESH: Mesh = Mesh {
    name: "plain",
    is_of: |_| true,
    release: None,
    sidecar: Sidecar {
        containers: &["consul-dataplane", "envoy-sidecar", "kuma-sidecar", "envoy"],
        images: &["consul-dataplane", "kuma-dp", "envoy"],
    },
    names: Names { node: |_| None, ..istio::MESH.names },
    ..istio::MESH
};
