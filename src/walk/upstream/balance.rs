//! Host selection: who of a cluster's hosts would get the request.

use crate::envoy::health::{Class, Host};
use crate::envoy::load::{self, Policy, Spread};
use crate::envoy::pb::envoy::config::cluster::v3::Cluster;
use crate::envoy::subset::{Chosen, Criteria, Members};
use crate::snapshot::{Evidence, Node};
use crate::verdict::{Endpoint, Mark, Stage, percent};

use crate::walk::upstream::assignment::{self, Assignment};
use crate::walk::upstream::cluster::{Evaluated, Proto, Row, ended, gap, unknown};
use crate::walk::upstream::policy::{self, Balancer, Breaker};
use crate::walk::way::path::{ClusterTrail, End};
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::{Got, Walker};

/// A cluster that balances over the hosts it has.
pub(in crate::walk) fn walk(
    walker: &Walker,
    mut trail: ClusterTrail,
    cluster: &Cluster,
    node: &Node,
    proto: Proto,
    criteria: &Criteria,
) -> Evaluated {
    let assignment = match assignment::read(walker, cluster, node) {
        Ok(assignment) => assignment,
        Err(what) => return gap(walker, trail, &what),
    };
    match hosts_of(walker, &trail.name) {
        Ok((status, hosts)) => (trail.status, trail.hosts) = (Some(status), hosts),
        Err(Unread::Gap) => return unknown(trail, "its hosts were not read"),
        Err(Unread::Odd(what)) => return gap(walker, trail, &what),
    }
    let hosts: Vec<Host> = trail.hosts.iter().map(|(host, _)| host.clone()).collect();
    let balancer = match policy::of(walker, cluster, &assignment) {
        Ok(balancer) => balancer,
        Err(what) => return gap(walker, trail, &what),
    };
    let Chosen { spread, subset } = match spread(&hosts, &balancer, &assignment, criteria) {
        Ok(chosen) => chosen,
        Err(what) => {
            let what = format!("{what} of cluster {}", trail.name);
            return gap(walker, trail, &what);
        }
    };
    trail.sockets = hosts.iter().map(|host| assignment::socket_of(cluster, &assignment, host)).collect();
    match policy::breaker(cluster, proto, &hosts) {
        Breaker::Stops(what) if spread.without_host <= 0.0 && !hosts.is_empty() => {
            trail.eligible.clone_from(&spread.eligible);
            let endpoints = endpoints(&hosts, &spread.eligible, cluster, &assignment);
            let evidence = node.get("circuit_breakers").map(|n| n.evidence()).into_iter().collect();
            let note = format!("its circuit breaker lets nothing through: {what} is 0");
            return Evaluated { endpoints, ..ended(trail, proto.overflow(what), Stage::Cluster, &note, evidence) };
        }
        Breaker::Lets | Breaker::Stops(_) => {}
        Breaker::Unknown(what) => return gap(walker, trail, &what),
    }
    trail.eligible.clone_from(&spread.eligible);
    let endpoints = endpoints(&hosts, &spread.eligible, cluster, &assignment);
    finish(trail, endpoints, (&spread, &subset), &assignment, proto)
}

/// Why a cluster's hosts are not known.
pub(in crate::walk) enum Unread {
    /// They were not read.
    Gap,
    /// What was read is not what was expected.
    Odd(String),
}

/// A host, and its place in `/clusters`.
pub(in crate::walk) type Placed = (Host, Option<Node>);

/// `LocalityLbEndpoints.priority` is validated to be no more (`endpoint_components.proto`).
const HIGHEST_PRIORITY: u32 = 128;

/// A cluster's element in `/clusters`, and its hosts.
pub(in crate::walk) fn hosts_of(walker: &Walker, name: &str) -> Result<(Node, Vec<Placed>), Unread> {
    let status = match walker.ask(walker.snapshot.hosts(walker.origin, name)) {
        Got::Found(status) => status,
        Got::Absent(_) => return Err(Unread::Odd(format!("cluster {name} is active and not in /clusters"))),
        Got::Gap => return Err(Unread::Gap),
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
            Ok(host) => hosts.push((host, Some(at))),
            Err(why) => return Err(Unread::Odd(format!("a host of {name} could not be read: {why}"))),
        }
    }
    Ok((status, hosts))
}

/// What Envoy does not tell of an assignment, and these hosts make a difference of.
pub(in crate::walk) const UNTOLD_WEIGHTS: &str =
    "whether priorities count weights (`weighted_priority_health`, which the dump leaves out) in the assignment";

/// Spreads the requests: over all hosts, or over those of the subset that the route asks for.
fn spread(
    hosts: &[Host],
    balancer: &Balancer,
    assignment: &Assignment,
    criteria: &Criteria,
) -> Result<Chosen, &'static str> {
    if let Some(what) = balancer.lost_weights(assignment, hosts) {
        return Err(what);
    }
    let chosen = spread_by(hosts, balancer, &balancer.policy, assignment, criteria)?;
    if assignment.weighted_priority_health.is_none() {
        let weighted = Policy { weighted_priority_health: true, ..balancer.policy.clone() };
        if spread_by(hosts, balancer, &weighted, assignment, criteria)?.spread != chosen.spread {
            return Err(UNTOLD_WEIGHTS);
        }
    }
    Ok(chosen)
}

fn spread_by(
    hosts: &[Host],
    balancer: &Balancer,
    policy: &Policy,
    assignment: &Assignment,
    criteria: &Criteria,
) -> Result<Chosen, &'static str> {
    let Some(subsets) = &balancer.subsets else {
        return Ok(Chosen { spread: load::spread(hosts, policy), subset: String::new() });
    };
    let metadata = hosts.iter().map(|host| assignment.subset_metadata(host));
    let metadata: Vec<Criteria> =
        metadata.collect::<Option<_>>().ok_or("the endpoints' metadata, which makes the subsets")?;
    Ok(subsets.spread(criteria, Members { hosts, metadata: &metadata, policy }))
}

/// Puts together what the hosts, the drops and the counters make of the requests.
pub(in crate::walk) fn finish(
    mut trail: ClusterTrail,
    endpoints: Vec<Endpoint>,
    (spread, subset): (&Spread, &str),
    assignment: &Assignment,
    proto: Proto,
) -> Evaluated {
    let mut ends = Vec::new();
    // Only the HTTP router drops for overload.
    let dropped = if let Proto::Tcp = proto { 0.0 } else { assignment.dropped };
    if dropped > 0.0 {
        let stop = if dropped >= 1.0 { Stop::DropOverload } else { Stop::PartialDropOverload };
        ends.push((dropped, End::Stopped(stop), Stage::Cluster));
    }
    let kept = 1.0 - dropped;
    let without = kept * spread.without_host;
    let with = kept - without;
    let dead = never_connected(&trail);
    if without > 0.0 {
        ends.push((without, End::Stopped(proto.no_host()), Stage::Endpoints));
    }
    if with > 0.0 {
        let end = if dead { End::Stopped(proto.no_connection()) } else { End::HandedOver };
        ends.push((with, end, Stage::Endpoints));
    }
    trail.stop = ends.iter().find_map(|(_, end, _)| end.stop().cloned());
    let cluster = Row {
        mark: if dropped >= 1.0 {
            Mark::Stopped
        } else if dropped > 0.0 {
            Mark::Warned
        } else {
            Mark::Passed
        },
        note: if dropped > 0.0 {
            format!("its endpoint policy drops {} % of requests", percent(dropped))
        } else {
            String::new()
        },
        evidence: Vec::new(),
    };
    let hosts = (dropped < 1.0).then(|| hosts_row(&trail, (spread, subset), dead));
    Evaluated { trail, endpoints, ends, cluster, hosts }
}

/// Whether every host that a request can be sent to has refused every connection so far.
pub(in crate::walk) fn never_connected(trail: &ClusterTrail) -> bool {
    let mut eligible =
        trail.hosts.iter().zip(&trail.eligible).filter(|(_, e)| **e).map(|((host, _), _)| host).peekable();
    eligible.peek().is_some() && eligible.all(|host| host.counters.never_connected())
}

fn hosts_row(trail: &ClusterTrail, (spread, subset): (&Spread, &str), dead: bool) -> Row {
    let total = trail.hosts.len();
    let usable = spread.eligible.iter().filter(|e| **e).count();
    let evidence = evidence_of(trail, usable == total && !dead);
    let bad = trail.hosts.iter().zip(&trail.eligible).filter(|((h, _), e)| **e && h.counters.never_connected()).count();
    let (mark, note) = match () {
        () if total == 0 => (Mark::Stopped, "the cluster has no endpoints".to_owned()),
        () if spread.without_host >= 1.0 => (Mark::Stopped, format!("0 of {total} can take the request")),
        () if dead => (
            Mark::Stopped,
            format!("{usable} of {total} can take the request, and no connection to them ever came about"),
        ),
        () if spread.panic => (
            Mark::Warned,
            format!("{usable} of {total} are tried: too few are healthy, so Envoy ignores health (panic)"),
        ),
        () if bad > 0 => {
            (Mark::Warned, format!("{usable} of {total} can take the request; to {bad} no connection ever came about"))
        }
        () if usable < total || spread.without_host > 0.0 => {
            (Mark::Warned, format!("{usable} of {total} can take the request"))
        }
        () => (Mark::Passed, format!("{usable} of {total} can take the request")),
    };
    let note = if subset.is_empty() || total == 0 { note } else { format!("{note}: {subset}") };
    Row { mark, note, evidence }
}

/// The hosts' health, or the empty list.
fn evidence_of(trail: &ClusterTrail, all_fine: bool) -> Vec<Evidence> {
    if trail.hosts.is_empty() {
        return trail.no_hosts().into_iter().collect();
    }
    let interesting = trail.hosts.iter().zip(&trail.eligible).filter(|((host, _), eligible)| {
        all_fine || !**eligible || host.class != Class::Healthy || host.counters.never_connected()
    });
    let at = |((host, node), _): (&(Host, Option<Node>), &bool)| {
        let field =
            if host.counters.never_connected() && host.class == Class::Healthy { "stats" } else { "health_status" };
        node.as_ref().and_then(|n| n.get(field)).map(|n| n.evidence())
    };
    interesting.take(3).filter_map(at).collect()
}

pub(in crate::walk) fn endpoints(
    hosts: &[Host],
    eligible: &[bool],
    cluster: &Cluster,
    assignment: &Assignment,
) -> Vec<Endpoint> {
    let endpoint = |(host, eligible): (&Host, &bool)| Endpoint {
        address: host.address.clone(),
        priority: host.priority,
        eligible: *eligible,
        health: host.flags.clone(),
        tls: assignment::socket_of(cluster, assignment, host).map(|socket| socket.kind),
    };
    hosts.iter().zip(eligible).map(endpoint).collect()
}
