//! Whose request it is: the client's address, as the connection manager takes it, and whether that is one of its own.

use std::net::IpAddr;

use crate::envoy::address::holds;
use crate::envoy::matcher::Match;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::walk::way::dial::Dial;
use crate::walk::way::walker::Walker;

/// Whether the manager takes the connection's own address for the client's.
pub(in crate::walk) fn is_edge(manager: &HttpConnectionManager) -> bool {
    manager.use_remote_address.as_ref().is_some_and(|b| b.value)
}

/// The client's address (`ConnectionManagerUtility::mutateRequestHeaders`): that of the connection, or of
/// `x-forwarded-for` the one that the farthest trusted proxy wrote down.
pub(in crate::walk) fn address(
    walker: &Walker,
    manager: &HttpConnectionManager,
    dial: &Dial,
    headers: &[(String, String)],
) -> Result<Option<IpAddr>, String> {
    let direct = walker.remote(dial);
    let hops = usize::try_from(manager.xff_num_trusted_hops).unwrap_or(usize::MAX);
    let from_the_end = match (is_edge(manager), hops) {
        (true, 0) => return Ok(direct),
        (true, hops) => hops - 1,
        (false, hops) => hops,
    };
    let given = headers.iter().find(|(name, _)| name == "x-forwarded-for");
    let Some((_, forwarded)) = given else { return Ok(direct) };
    let Some(text) = forwarded.split(',').map(str::trim).rev().nth(from_the_end) else { return Ok(direct) };
    if let Ok(ip) = text.parse() {
        return Ok(Some(ip));
    }
    // With a port, newer releases take it.
    if text.contains(':') {
        return Err(format!("whether `{text}` in x-forwarded-for is taken for an address"));
    }
    Ok(direct)
}

/// Whether a request is internal: it comes from an address that is, and nobody forwarded it but, where that is believed,
/// one. Without a configuration no address is internal since 1.33.
pub(in crate::walk) fn internal(
    manager: &HttpConnectionManager,
    client: Option<IpAddr>,
    headers: &[(String, String)],
) -> Match {
    let Some(config) = &manager.internal_address_config else { return Match::No };
    let given = headers.iter().find(|(name, _)| name == "x-forwarded-for").map(|(_, value)| value.as_str());
    let is_single = given.is_some_and(|value| !value.contains(','));
    if is_edge(manager) == given.is_some() || (!is_edge(manager) && !is_single) {
        return Match::No;
    }
    match client {
        Some(client) => config.cidr_ranges.iter().any(|range| holds(range, client)).into(),
        None => Match::Unknown("the client's address is not known".to_owned()),
    }
}
