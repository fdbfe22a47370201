//! What `x-forwarded-for` says of the client.

use std::net::IpAddr;

/// The address that `x-forwarded-for` has so far from its end; `None` where it has none there.
pub(in crate::walk) fn address(headers: &[(String, String)], from_the_end: usize) -> Result<Option<IpAddr>, String> {
    let given = headers.iter().find(|(name, _)| name == "x-forwarded-for");
    let text = given.and_then(|(_, forwarded)| forwarded.split(',').map(str::trim).rev().nth(from_the_end));
    let Some(text) = text else { return Ok(None) };
    if let Ok(ip) = text.parse() {
        return Ok(Some(ip));
    }
    // With a port, newer releases take it.
    if text.contains(':') {
        return Err(format!("whether `{text}` in x-forwarded-for is taken for an address"));
    }
    Ok(None)
}
