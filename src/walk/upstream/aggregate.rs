//! Clusters that stand for others: the priorities of their members, one after the other.
//!
//! `source/extensions/clusters/aggregate/cluster.cc`. A member that is not there is skipped.

use crate::envoy::health::Host;
use crate::envoy::load::{self, Policy, Spread};
use crate::envoy::pb::envoy::config::cluster::v3::Cluster;
use crate::envoy::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, CustomClusterType, DiscoveryType};
use crate::envoy::pb::envoy::extensions::clusters::aggregate::v3::ClusterConfig;

use crate::walk::upstream::assignment::{self, Assignment};
use crate::walk::upstream::balance::{self, Placed, Unread};
use crate::walk::upstream::cluster::{self, Evaluated, Proto, gap, unknown};
use crate::walk::upstream::policy::{self, Breaker};
use crate::walk::way::path::ClusterTrail;
use crate::walk::way::walker::{Got, Walker};

/// A member that is there.
struct Member {
    cluster: Cluster,
    assignment: Assignment,
    policy: Policy,
    hosts: Vec<Host>,
    placed: Vec<Placed>,
}

/// What becomes of the requests that choose an aggregate.
pub(in crate::walk) fn walk(
    walker: &Walker,
    mut trail: ClusterTrail,
    cluster: &Cluster,
    custom: &CustomClusterType,
    proto: Proto,
) -> Evaluated {
    let config = custom.typed_config.as_ref().map(crate::envoy::any::JsonAny::unpack::<ClusterConfig>);
    let Some(Ok(config)) = config else {
        return gap(walker, trail, "an aggregate cluster could not be read");
    };
    // All are wanted in one round.
    for name in &config.clusters {
        walker.glance(walker.snapshot.cluster(walker.origin, name));
        walker.glance(walker.snapshot.hosts(walker.origin, name));
    }
    let mut members = Vec::new();
    for name in &config.clusters {
        match member(walker, name, proto) {
            Ok(Some(member)) => members.push(member),
            Ok(None) => {}
            Err(Unread::Gap) => return unknown(trail, "one of its clusters was not read"),
            Err(Unread::Odd(what)) => return gap(walker, trail, &what),
        }
    }
    let own = match policy::of(walker, cluster, &Assignment::default()) {
        Ok(own) => own.policy,
        Err(what) => return gap(walker, trail, &what),
    };
    if !matches!(policy::breaker(cluster, proto, &[]), Breaker::Lets) {
        return gap(walker, trail, "circuit breakers of an aggregate cluster are not modeled");
    }
    let parts: Vec<(&[Host], &Policy)> = members.iter().map(|m| (m.hosts.as_slice(), &m.policy)).collect();
    let spreads = load::spread_over(&parts, own.panic_threshold);
    if let Some(what) = untold(&members, own.panic_threshold, &spreads) {
        return gap(walker, trail, &what);
    }
    let mut endpoints = Vec::new();
    let mut before = 0;
    for (member, spread) in members.iter_mut().zip(&spreads) {
        let first = before;
        let mut own = balance::endpoints(&member.hosts, &spread.eligible, &member.cluster, &member.assignment);
        for endpoint in &mut own {
            endpoint.priority += first;
        }
        before = own.iter().map(|endpoint| endpoint.priority + 1).max().unwrap_or(before);
        endpoints.extend(own);
        let socket = |host: &Host| assignment::socket_of(&member.cluster, &member.assignment, host);
        trail.sockets.extend(member.hosts.iter().map(socket));
        trail.hosts.append(&mut member.placed);
        trail.eligible.extend(&spread.eligible);
    }
    let without = load::sum(spreads.iter().map(|s| s.without_host));
    let spread = Spread {
        eligible: trail.eligible.clone(),
        without_host: if trail.hosts.is_empty() { 1.0 } else { without.min(1.0) },
        panic: spreads.iter().any(|s| s.panic),
    };
    let note = format!("those of {} in this order", config.clusters.join(", "));
    balance::finish(trail, endpoints, (&spread, &note), &Assignment::default(), proto)
}

/// The most members of which each may count weights or hosts, the dump does not tell which.
const MOST_UNTOLD: usize = 8;

/// Why it cannot be told where requests go: whichever of the members whose policy the dump leaves out count weights,
/// they must go there.
fn untold(members: &[Member], threshold: f64, spreads: &[Spread]) -> Option<String> {
    let open = |m: &&Member| m.assignment.weighted_priority_health.is_none();
    let count = members.iter().filter(open).count();
    let as_if = |choice: u32| {
        let mut rest = choice;
        let policy = |m: &Member| {
            let weighted_priority_health = m.assignment.weighted_priority_health.unwrap_or_else(|| {
                let weighs = rest & 1 == 1;
                rest >>= 1;
                weighs
            });
            Policy { weighted_priority_health, ..m.policy.clone() }
        };
        let policies: Vec<Policy> = members.iter().map(policy).collect();
        let parts: Vec<(&[Host], &Policy)> = members.iter().map(|m| m.hosts.as_slice()).zip(&policies).collect();
        load::spread_over(&parts, threshold) != spreads
    };
    let differs = count > MOST_UNTOLD || (0..1 << count).any(as_if);
    differs.then(|| format!("{} of a member", balance::UNTOLD_WEIGHTS))
}

/// A member of an aggregate; `None` where it is not there.
fn member(walker: &Walker, name: &str, proto: Proto) -> Result<Option<Member>, Unread> {
    let odd = |what: String| Unread::Odd(format!("{what} (cluster {name} of an aggregate)"));
    let entry = match walker.ask(walker.snapshot.cluster(walker.origin, name)) {
        Got::Found(entry) => entry,
        Got::Absent(_) => return Ok(None),
        Got::Gap => return Err(Unread::Gap),
    };
    let node = entry.get("cluster").ok_or_else(|| odd("a cluster is not where it should be".to_owned()))?;
    let cluster: Cluster = node.decode().map_err(odd)?;
    if let Some(what) = cluster::deciding(&cluster, &node) {
        return Err(odd(what));
    }
    match &cluster.cluster_discovery_type {
        Some(ClusterDiscoveryType::Type(t)) if *t == DiscoveryType::OriginalDst as i32 => {
            return Err(odd("the original destination in an aggregate is not modeled".to_owned()));
        }
        Some(ClusterDiscoveryType::ClusterType(custom)) if policy::is_aggregate(custom) => {
            return Err(odd("an aggregate of aggregates is not modeled".to_owned()));
        }
        Some(ClusterDiscoveryType::Type(_) | ClusterDiscoveryType::ClusterType(_)) | None => {}
    }
    let assignment = assignment::read(walker, &cluster, &node).map_err(odd)?;
    let (_, placed) = balance::hosts_of(walker, name)?;
    let balancer = policy::of(walker, &cluster, &assignment).map_err(odd)?;
    if balancer.subsets.is_some() {
        return Err(odd("subsets in an aggregate are not modeled".to_owned()));
    }
    let hosts: Vec<Host> = placed.iter().map(|(host, _)| host.clone()).collect();
    if let Some(what) = balancer.lost_weights(&assignment, &hosts) {
        return Err(odd(what.to_owned()));
    }
    if !matches!(policy::breaker(&cluster, proto, &hosts), Breaker::Lets) {
        return Err(odd("circuit breakers in an aggregate are not modeled".to_owned()));
    }
    Ok(Some(Member { cluster, assignment, policy: balancer.policy, hosts, placed }))
}
