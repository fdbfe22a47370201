//! What Envoy means: its messages, and total functions over them.
//!
//! Nothing here knows of snapshots, meshes or Kubernetes. Where a rule is Envoy's, its documentation names the
//! behavior, and a test holds it to a real Envoy.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod address;
pub mod any;
pub mod certificate;
pub mod circuit_breaker;
pub mod classes;
pub mod codec;
pub mod connect_udp;
pub mod domains;
pub mod draw;
pub mod fields;
pub mod filter_chain;
pub mod fraction;
pub mod harmless;
pub mod headers;
pub mod health;
pub mod jwt;
pub mod load;
pub mod local_reply;
pub mod matcher;
pub mod path;
pub mod rbac;
pub mod re2;
pub mod redacted;
pub mod redirect;
pub mod retry;
pub mod route_paths;
pub mod subset;
pub mod tls;
pub mod transport_socket;
pub mod uri_template;
pub mod version;
pub mod xds_matcher;

/// The messages of `proto/`, as prost and pbjson generate them.
#[expect(missing_docs, clippy::pedantic, clippy::all, clippy::unused_trait_names, reason = "generated code")]
pub mod pb {
    include!(concat!(env!("OUT_DIR"), "/messages.rs"));
}
