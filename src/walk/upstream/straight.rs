//! Requests that go to one address, past health and balancing: a cluster that resolves, or is told, where each goes.

use std::sync::Arc;

use crate::envoy::health::Host;
use crate::snapshot::Lookup;
use crate::verdict::{Endpoint, Mark, Stage};
use crate::walk::upstream::evaluated::{Evaluated, Fate, row};
use crate::walk::upstream::hosts::{self, failed, never_connected};
use crate::walk::way::forwarded::Wire;
use crate::walk::way::log::Row;
use crate::walk::way::met::{ClusterTrail, HostTrail, Socket};
use crate::walk::way::walker::Walker;

/// Where requests go.
pub(in crate::walk) enum Place {
    /// To this address.
    Address(String),
    /// To one that is not known, in words.
    Words(String),
}

/// Takes those of the hosts in `/clusters` under `name` that are meant, which are spoken to by the cluster's own socket;
/// whether that list was read.
pub(in crate::walk) fn take(
    walker: &Walker,
    trail: &mut ClusterTrail,
    name: &str,
    socket: Option<Arc<Socket>>,
    is_meant: &dyn Fn(&Host) -> bool,
) -> bool {
    trail.own_socket = socket;
    let status = match walker.snapshot.hosts(walker.origin, name) {
        Lookup::Found(status) => status,
        Lookup::Absent(_) => return false,
        Lookup::Unread(_) => {
            hosts::uncounted(walker, name);
            return false;
        }
    };
    let hosts = status.list("host_statuses").into_iter();
    let hosts = hosts.filter_map(|at| Some((Host::of(&at.decode().ok()?), at))).filter(|(host, _)| is_meant(host));
    let socket = &trail.own_socket;
    trail.hosts =
        hosts.map(|(host, at)| HostTrail { host, at: Some(at), eligible: true, socket: socket.clone() }).collect();
    trail.status = Some(status);
    true
}

/// What becomes of them; `note` says what the cluster does.
pub(in crate::walk) fn sent(mut trail: ClusterTrail, place: Place, wire: Wire, note: &str) -> Evaluated {
    let dead = never_connected(&trail);
    let fate = if dead { Fate::Stopped(wire.no_connection()) } else { Fate::HandedOver };
    let evidence = trail.hosts.iter().filter_map(|host| host.at.as_ref()?.get("stats")).map(|n| n.evidence());
    let (Place::Address(shown) | Place::Words(shown)) = &place;
    let (mark, words) = match failed(&trail) {
        _ if dead => (Mark::Stopped, format!("{shown}, and no connection to it succeeded")),
        Some(failed) => (Mark::Warned, format!("{shown}; {failed}")),
        None => (Mark::Passed, shown.clone()),
    };
    let hosts = Row::new(Stage::Endpoints, mark, &words, "").citing(evidence);
    let tls = trail.own_socket.as_ref().map(|socket| socket.kind.word());
    trail.endpoints = match place {
        Place::Address(address) => vec![Endpoint { address, priority: 0, eligible: true, health: Vec::new(), tls }],
        // Where the address is not known, there is no host to name.
        Place::Words(_) => Vec::new(),
    };
    let cluster = row(&trail, Mark::Passed, note);
    Evaluated::of(trail, vec![(1.0, "", fate)], cluster, Some(hosts))
}
