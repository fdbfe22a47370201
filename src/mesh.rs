//! What a mesh's control plane means by the names and the metadata that it gives Envoy.
//!
//! Nothing here decides what a proxy does: names and metadata only say whose they are.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod injected;
pub mod istio;
pub mod proxies;
pub mod whose;
