//! The original destination itself: no health, no balancing.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::envoy::pb::envoy::config::cluster::v3::Cluster;
use crate::envoy::pb::envoy::config::cluster::v3::cluster::{LbConfig, OriginalDstLbConfig};
use crate::snapshot::Need;
use crate::walk::upstream::assignment;
use crate::walk::upstream::evaluated::Evaluated;
use crate::walk::upstream::straight::{self, Place};
use crate::walk::way::dial::{Dial, Restored};
use crate::walk::way::forwarded::{Choice, Wire};
use crate::walk::way::met::ClusterTrail;
use crate::walk::way::walker::Walker;

/// The header that names a host, where the cluster says no other.
const HEADER: &str = "x-envoy-original-dst-host";

/// What becomes of requests that go on to the address that was dialed.
pub(in crate::walk) fn evaluate(
    walker: &Walker,
    mut trail: ClusterTrail,
    cluster: &Cluster,
    (choice, wire): (&Choice, Wire),
    dial: &Dial,
) -> Evaluated {
    let config = match &cluster.lb_config {
        Some(LbConfig::OriginalDstLbConfig(config)) => config.clone(),
        None => OriginalDstLbConfig::default(),
    };
    let named = match named(walker, &config, (choice, wire), dial) {
        Ok(named) => named,
        Err(why) => return Evaluated::unknown(trail, &why),
    };
    if named.is_none() && dial.restored != Restored::Yes {
        if dial.restored == Restored::Own {
            walker.unchecked(format!(
                "whether connections are redirected where the proxy runs: then {} has the proxy dial itself, until its \
                 circuit breaker ends that (UO)",
                trail.name
            ));
        }
        trail.own_socket = assignment::socket(cluster.transport_socket.as_ref()).map(Arc::new);
        let note = "it sends requests on to the address that was dialed first, and the proxy was dialed itself";
        return Evaluated::ended(trail, wire.no_host(), note, Vec::new());
    }
    let port = named.map_or(dial.port, |named| named.port());
    let port = config.upstream_port_override.as_ref().and_then(|p| u16::try_from(p.value).ok()).unwrap_or(port);
    let place = if let Some(ip) = named.map(|named| named.ip()).or(dial.ip) {
        Place::Address(SocketAddr::new(ip, port).to_string())
    } else {
        walker.remark(format!("whether {} resolves, and to what: DNS was not asked", walker.question.host));
        Place::Words(format!("the address that {} resolves to, port {port}", walker.question.host))
    };
    let (Place::Address(shown) | Place::Words(shown)) = &place;
    let socket = assignment::socket(cluster.transport_socket.as_ref()).map(Arc::new);
    let list = trail.name.clone();
    let was_read = straight::take(walker, &mut trail, &list, socket, &|host| host.address == *shown);
    if !was_read && walker.is_refused(&Need::Hosts(walker.origin, trail.name.clone())) {
        walker.unchecked(format!("whether connections to {shown} succeeded before"));
    }
    let note = match named {
        Some(_) => "sends the request on to the address that its header names",
        None => "sends the connection on to the address that was dialed, as it is",
    };
    straight::sent(trail, place, wire, note)
}

/// The address that a header of the request names, where the cluster goes by one (`use_http_header`); what is no address
/// names none.
fn named(
    walker: &Walker,
    config: &OriginalDstLbConfig,
    (choice, wire): (&Choice, Wire),
    dial: &Dial,
) -> Result<Option<SocketAddr>, String> {
    if !config.use_http_header || matches!(wire, Wire::Tcp) {
        return Ok(None);
    }
    let name = Some(config.http_header_name.as_str()).filter(|name| !name.is_empty()).unwrap_or(HEADER);
    let is_it = |(other, _): &&(String, String)| other.eq_ignore_ascii_case(name);
    let given = walker.question.header(name);
    let host = [":authority", "host"].contains(&name).then_some(dial.host.as_str());
    let set = choice.sets.iter().find(is_it).map(|(_, value)| value.as_str());
    match given.or(host).or(set) {
        Some(value) if value.contains('%') => Err(format!("which host the header {name} names, that the route sets")),
        value => Ok(value.and_then(|value| value.parse().ok())),
    }
}
