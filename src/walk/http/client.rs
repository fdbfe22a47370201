//! Whose request it is: the client's address, as the connection manager takes it, and whether that is one of its own.

use std::net::IpAddr;

use crate::envoy::address::holds;
use crate::envoy::matcher::Match;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::walk::http::detection::{self, Detected};
use crate::walk::http::forwarded_for;
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
    if !manager.original_ip_detection_extensions.is_empty() {
        return match detection::detect(manager, headers) {
            Detected::At(ip) => Ok(Some(ip)),
            Detected::Nowhere | Detected::Refused(_) => Ok(direct),
            Detected::Open(why) => Err(format!("which address is the client's: {why}")),
        };
    }
    let hops = usize::try_from(manager.xff_num_trusted_hops).unwrap_or(usize::MAX);
    let from_the_end = match (is_edge(manager), hops) {
        (true, 0) => return Ok(direct),
        (true, hops) => hops - 1,
        (false, hops) => hops,
    };
    Ok(forwarded_for::address(headers, from_the_end)?.or(direct))
}

/// Whether a request is internal: it comes from an address that is, and nobody forwarded it but, where that is believed,
/// one. Without a configuration no address is internal since 1.33.
pub(in crate::walk) fn internal(
    manager: &HttpConnectionManager,
    client: Option<IpAddr>,
    headers: &[(String, String)],
) -> Match {
    let Some(config) = &manager.internal_address_config else { return Match::No };
    if !manager.original_ip_detection_extensions.is_empty() {
        return Match::Unknown("whether the address that an extension finds is trusted".to_owned());
    }
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
