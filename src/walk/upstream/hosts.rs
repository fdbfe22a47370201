//! A cluster's hosts as `/clusters` shows them, and what is said of them.

use crate::envoy::health::{Class, Host};
use crate::envoy::load::Spread;
use crate::envoy::pb::envoy::config::cluster::v3::Cluster;
use crate::envoy::pb::envoy::config::endpoint::v3::LocalityLbEndpoints;
use crate::snapshot::{Evidence, Node};
use crate::verdict::{Endpoint, Mark, Stage, able, percent};
use crate::walk::upstream::assignment::{self, Assignment};
use crate::walk::upstream::evaluated::{Evaluated, Fate, row};
use crate::walk::way::forwarded::Wire;
use crate::walk::way::log::Row;
use crate::walk::way::met::{ClusterTrail, HostTrail};
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::{Gap, Got, Walker};

/// Why a cluster's hosts are not known.
pub(in crate::walk) enum Unread {
    /// They were not read.
    Gap(Gap),
    /// What was read is not what was expected.
    Odd(String),
}

/// A host, and its place in `/clusters`.
pub(in crate::walk) type Placed = (Host, Node);

/// `LocalityLbEndpoints.priority` is validated to be no more (`endpoint_components.proto`).
const HIGHEST_PRIORITY: u32 = 128;

/// A cluster's element in `/clusters`, and its hosts.
pub(in crate::walk) fn hosts_of(walker: &Walker, name: &str) -> Result<(Node, Vec<Placed>), Unread> {
    let status = match walker.ask(walker.snapshot.hosts(walker.origin, name)) {
        Got::Found(status) => status,
        Got::Absent(_) => return Err(Unread::Odd(format!("cluster {name} is active and not in /clusters"))),
        Got::Gap(gap) => return Err(Unread::Gap(gap)),
    };
    let list = status.list("host_statuses");
    let mut hosts = Vec::new();
    for at in list {
        let decoded = at.decode().map(|status| Host::of(&status));
        match decoded {
            Ok(host) if host.priority > HIGHEST_PRIORITY => {
                let what = format!("a host of {name} has priority {}, which no proxy takes", host.priority);
                return Err(Unread::Odd(what));
            }
            Ok(host) => hosts.push((host, at)),
            Err(why) => return Err(Unread::Odd(format!("a host of {name} could not be read: {why}"))),
        }
    }
    Ok((status, hosts))
}

/// The same from the dump, where `/clusters` cannot be had: Envoy's assignments hold what became of each host's health.
pub(in crate::walk) fn hosts_of_dump(walker: &Walker, cluster: &Cluster) -> Option<(Node, Vec<Placed>)> {
    let entry = walker.glance(walker.snapshot.endpoints(walker.origin, assignment::name(cluster)));
    let entry = entry.or_else(|| assignment::unnamed(walker, cluster))?;
    let assigned = entry.get("endpoint_config")?;
    let mut hosts = Vec::new();
    for group in assigned.list("endpoints") {
        let groups: LocalityLbEndpoints = group.decode().ok()?;
        let places = group.list("lb_endpoints");
        let placed = groups.lb_endpoints.iter().zip(places).map(|(own, at)| (Host::dumped(&groups, own), at));
        hosts.extend(placed);
    }
    Some((assigned, hosts))
}

/// What happened to the connections of a cluster's hosts is not known.
pub(in crate::walk) fn uncounted(walker: &Walker, name: &str) {
    walker.unchecked(format!("what became of connections to the hosts of {name}: /clusters was not read"));
}

/// Hosts, each with whether a request can be sent to it, and how it is spoken to.
pub(in crate::walk) fn trails(
    placed: Vec<Placed>,
    eligible: &[bool],
    (cluster, assignment): (&Cluster, &Assignment),
) -> Vec<HostTrail> {
    let sockets = assignment::Sockets::of(cluster, assignment);
    let trail = |((host, at), eligible): (Placed, &bool)| {
        let socket = sockets.of_host(&host);
        HostTrail { host, at: Some(at), eligible: *eligible, socket }
    };
    placed.into_iter().zip(eligible).map(trail).collect()
}

/// Hosts, as the answer shows them.
pub(in crate::walk) fn endpoints(hosts: &[HostTrail]) -> Vec<Endpoint> {
    let endpoint = |trail: &HostTrail| Endpoint {
        address: trail.host.address.clone(),
        priority: trail.host.priority,
        eligible: trail.eligible,
        health: trail.host.flags.clone(),
        tls: trail.socket.as_ref().map(|socket| socket.kind.word()),
    };
    hosts.iter().map(endpoint).collect()
}

/// Puts together what the hosts, the drops and the counters make of the requests.
pub(in crate::walk) fn finish(
    trail: ClusterTrail,
    (spread, subset): (&Spread, &str),
    assignment: &Assignment,
    wire: Wire,
) -> Evaluated {
    let mut ends = Vec::new();
    // Only the HTTP router drops for overload.
    let dropped = if let Wire::Tcp = wire { 0.0 } else { assignment.dropped };
    if dropped > 0.0 {
        ends.push((dropped, "drop by the endpoint policy", Fate::Stopped(drop_of(dropped))));
    }
    let kept = 1.0 - dropped;
    let without = kept * spread.without_host;
    let with = kept - without;
    let dead = never_connected(&trail);
    if without > 0.0 {
        ends.push((without, "priority or locality without a host", Fate::Stopped(wire.no_host())));
    }
    if with > 0.0 {
        let fate = if dead { Fate::Stopped(wire.no_connection()) } else { Fate::HandedOver };
        ends.push((with, "choice of a host", fate));
    }
    let (mark, note) = match dropped {
        0.0 => (Mark::Passed, String::new()),
        share => {
            let mark = if share >= 1.0 { Mark::Stopped } else { Mark::Warned };
            (mark, format!("its endpoint policy drops {} % of requests", percent(share)))
        }
    };
    let cluster = row(&trail, mark, &note);
    let hosts = (dropped < 1.0).then(|| hosts_row(&trail, (spread, subset), dead));
    Evaluated::of(trail, ends, cluster, hosts)
}

/// How requests end of which the assignment drops this share.
pub(in crate::walk) fn drop_of(share: f64) -> Stop {
    if share >= 1.0 { Stop::DropOverload } else { Stop::PartialDropOverload }
}

/// Whether every host that a request can be sent to has refused every connection so far.
pub(in crate::walk) fn never_connected(trail: &ClusterTrail) -> bool {
    let mut eligible = trail.eligible().peekable();
    eligible.peek().is_some() && eligible.all(|trail| trail.host.counters.never_connected())
}

fn hosts_row(trail: &ClusterTrail, (spread, subset): (&Spread, &str), dead: bool) -> Row {
    let total = trail.hosts.len();
    let usable = spread.eligible.iter().filter(|e| **e).count();
    let evidence = evidence_of(trail, usable == total && !dead && failed(trail).is_none());
    let able = able(usable, total);
    let bad = trail.eligible().filter(|trail| trail.host.counters.never_connected()).count();
    let (mark, note) = match () {
        () if total == 0 => (Mark::Stopped, "the cluster has no endpoints".to_owned()),
        () if spread.without_host >= 1.0 => (Mark::Stopped, able),
        () if dead => (Mark::Stopped, format!("{able}, and no connection succeeded")),
        () if spread.panic => (
            Mark::Warned,
            format!("{usable} of {total} are tried: too few are healthy, so Envoy ignores health (panic)"),
        ),
        () if bad > 0 => (Mark::Warned, format!("{able}; no connection to {bad} of them succeeded")),
        () if failed(trail).is_some() => (Mark::Warned, able),
        () if usable < total || spread.without_host > 0.0 => (Mark::Warned, able),
        () => (Mark::Passed, able),
    };
    let note = failed(trail).filter(|_| !dead).map_or(note.clone(), |failed| format!("{note}; {failed}"));
    let note = if subset.is_empty() || total == 0 { note } else { format!("{note}: {subset}") };
    Row::new(Stage::Endpoints, mark, &note, "").citing(evidence)
}

/// `8 of 8 counted requests failed`, of the hosts that never answered one well.
pub(in crate::walk) fn failed(trail: &ClusterTrail) -> Option<String> {
    let failing = trail.failed_so_far();
    let of = match trail.always_failing().next() {
        Some(one) if trail.ever_succeeded() => format!(" by {}", one.host.address),
        Some(_) | None => String::new(),
    };
    (failing > 0).then(|| format!("{failing} of {failing} counted requests{of} failed"))
}

/// The hosts' health, or the empty list.
fn evidence_of(trail: &ClusterTrail, all_fine: bool) -> Vec<Evidence> {
    if trail.hosts.is_empty() {
        return trail.no_hosts().into_iter().collect();
    }
    let interesting = trail.hosts.iter().filter(|HostTrail { host, eligible, .. }| {
        all_fine || !eligible || host.class != Class::Healthy || host.counters.fails()
    });
    let at = |HostTrail { host, at, .. }: &HostTrail| {
        let field = if host.counters.fails() && host.class == Class::Healthy { "stats" } else { "health_status" };
        at.as_ref().and_then(|n| n.get(field)).map(|n| n.evidence())
    };
    interesting.take(3).filter_map(at).collect()
}
