//! Whose proxy wrote a line: a line does not name its pod, yet the names in it are those of one side.

use crate::snapshot::LogRecord;
use crate::verdict::Side;

/// Istio's names of what a sidecar has for requests that come in.
const INBOUND: &[&str] = &["inbound|", "inbound_", "InboundPassthroughCluster", "virtualInbound"];
/// The same for requests that go out.
const OUTBOUND: &[&str] =
    &["outbound|", "outbound_", "PassthroughCluster", "BlackHoleCluster", "allow_any", "block_all"];

/// Whose proxy wrote the line; `None` where nothing in it tells.
pub fn writer(record: &LogRecord) -> Option<Side> {
    let names = [&record.upstream_cluster, &record.route];
    let begins = |with: &[&str]| {
        names.iter().any(|name| name.as_deref().is_some_and(|name| with.iter().any(|start| name.starts_with(start))))
    };
    // A's proxy asks B's for this server name; B's may end the connection before there is a cluster.
    let is_asked_by_a_proxy =
        record.upstream_cluster.is_none() && record.server_name.as_deref().is_some_and(is_of_a_proxy);
    if begins(INBOUND) || is_asked_by_a_proxy {
        Some(Side::Destination)
    } else if begins(OUTBOUND) {
        Some(Side::Source)
    } else {
        None
    }
}

/// Whether a server name is one that a proxy asks another for: `outbound_.8082_.v1_.host`.
pub(super) fn is_of_a_proxy(server_name: &str) -> bool {
    server_name.starts_with("outbound_.")
}
