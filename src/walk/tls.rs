//! Whether TLS comes about between two proxies, and under which names.

pub(super) mod handshake;
pub(super) mod peer;
