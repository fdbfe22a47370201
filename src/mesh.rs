//! What a mesh's control plane means by the names and the metadata that it gives Envoy.
//!
//! A mesh is a value ([`conventions::Mesh`]), which a file makes for each, and [`meshes`] chooses by the proxy that was
//! read. Nothing here decides what a proxy does: names and metadata only say whose they are.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod annotations;
pub mod conventions;
pub mod injected;
pub mod istio;
pub mod kubernetes;
pub mod likely;
pub mod meshes;
pub mod network_policy;
pub mod node_id;
pub mod osm;
pub mod plain;
pub mod proxies;
pub mod service_port;
pub mod signs;
pub mod visibility;
pub mod whose;
