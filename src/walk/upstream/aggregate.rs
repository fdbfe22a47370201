//! Clusters that stand for others: the priorities of their members, one after the other.
//!
//! `source/extensions/clusters/aggregate/cluster.cc`. A member that is not there is skipped.

use crate::envoy::health::Host;
use crate::envoy::load::{self, Policy, Spread};
use crate::envoy::pb::envoy::config::cluster::v3::Cluster;
use crate::envoy::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, CustomClusterType, DiscoveryType};
use crate::envoy::pb::envoy::extensions::clusters::aggregate::v3::ClusterConfig;
use crate::walk::upstream::assignment::{self, Assignment};
use crate::walk::upstream::breaker::Breaker;
use crate::walk::upstream::evaluated::{Evaluated, withheld};
use crate::walk::upstream::hosts::{self, Placed, Unread};
use crate::walk::upstream::policy;
use crate::walk::upstream::untold::{UNTOLD_WEIGHTS, either, told_beside};
use crate::walk::way::forwarded::Wire;
use crate::walk::way::met::ClusterTrail;
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
pub(in crate::walk) fn evaluate(
    walker: &Walker,
    trail: ClusterTrail,
    (cluster, custom): (&Cluster, &CustomClusterType),
    wire: Wire,
) -> Evaluated {
    let config = custom.typed_config.as_ref().map(crate::envoy::any::JsonAny::unpack::<ClusterConfig>);
    let Some(Ok(config)) = config else {
        return Evaluated::unknown(trail, "an aggregate cluster could not be read");
    };
    // All are wanted in one round.
    for name in &config.clusters {
        walker.glance(walker.snapshot.cluster(walker.origin, name));
        walker.glance(walker.snapshot.hosts(walker.origin, name));
    }
    let mut members = Vec::new();
    for name in &config.clusters {
        match member(walker, name, wire) {
            Ok(Some(member)) => members.push(member),
            Ok(None) => {}
            Err(Unread::Gap(gap)) => return Evaluated::unread(trail, &gap, "one of its clusters was not read"),
            Err(Unread::Odd(why)) => return Evaluated::unknown(trail, &why),
        }
    }
    let own = match policy::of(walker, cluster, &Assignment::default()) {
        Ok(own) => own.policy,
        Err(why) => return Evaluated::unknown(trail, &why),
    };
    if !matches!(Breaker::of(cluster, wire, Some(&[])), Breaker::Lets) {
        return Evaluated::unknown(trail, "circuit breakers of an aggregate cluster are not modeled");
    }
    let note = format!("those of {} in this order", config.clusters.join(", "));
    united(walker, trail, members, (own.panic_threshold, &note), wire)
}

/// The members' hosts as those of one cluster.
fn united(
    walker: &Walker,
    mut trail: ClusterTrail,
    members: Vec<Member>,
    (threshold, note): (f64, &str),
    wire: Wire,
) -> Evaluated {
    let all: Vec<&Host> = members.iter().flat_map(|member| &member.hosts).collect();
    let alternatives = alternatives(&members, threshold);
    let why = || format!("{UNTOLD_WEIGHTS} of a member");
    let (spread, condition) = match alternatives.as_deref().map(|alternatives| either(&all, alternatives)) {
        Some(Some(spread)) => (spread, None),
        Some(None) | None => (Spread::over_any(all.len()), Some(withheld(&trail.name, &why()))),
    };
    if alternatives.is_some_and(|all| all.len() > 1) && condition.is_none() {
        trail.unsettled = Some(told_beside(walker, why()));
    }
    let mut first_priority = 0;
    let mut eligible = &spread.eligible[..];
    for member in members {
        let (own, others) = eligible.split_at(member.placed.len().min(eligible.len()));
        eligible = others;
        let own = hosts::trails(member.placed, own, (&member.cluster, &member.assignment));
        let mut endpoints = hosts::endpoints(&own);
        for endpoint in &mut endpoints {
            endpoint.priority += first_priority;
        }
        first_priority = endpoints.iter().map(|endpoint| endpoint.priority + 1).max().unwrap_or(first_priority);
        trail.endpoints.extend(endpoints);
        trail.hosts.extend(own);
    }
    hosts::finish(trail, (&spread, note), &Assignment::default(), wire).under(condition.into_iter().collect())
}

/// The most members of which each may count weights or hosts, the dump does not tell which.
const MOST_UNTOLD: usize = 8;

/// Where requests go, over the hosts of all members, in each way in which the members whose policy the dump leaves out may
/// count; each once. `None` where these are too many.
fn alternatives(members: &[Member], threshold: f64) -> Option<Vec<Spread>> {
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
        over_all(&load::spread_over(&parts, threshold))
    };
    let mut found: Vec<Spread> = Vec::new();
    for spread in (count <= MOST_UNTOLD).then_some(0..1 << count)?.map(as_if) {
        if !found.contains(&spread) {
            found.push(spread);
        }
    }
    Some(found)
}

/// The members' spreads as one.
fn over_all(spreads: &[Spread]) -> Spread {
    let eligible: Vec<bool> = spreads.iter().flat_map(|spread| spread.eligible.iter().copied()).collect();
    let without = load::sum(spreads.iter().map(|spread| spread.without_host));
    let without_host = if eligible.is_empty() { 1.0 } else { without.min(1.0) };
    Spread { eligible, without_host, panic: spreads.iter().any(|spread| spread.panic) }
}

/// A member of an aggregate; `None` where it is not there.
fn member(walker: &Walker, name: &str, wire: Wire) -> Result<Option<Member>, Unread> {
    let odd = |what: String| Unread::Odd(format!("{what} (cluster {name} of an aggregate)"));
    let entry = match walker.ask(walker.snapshot.cluster(walker.origin, name)) {
        Got::Found(entry) => entry,
        Got::Absent(_) => return Ok(None),
        Got::Gap(gap) => return Err(Unread::Gap(gap)),
    };
    let node = entry.get("cluster").ok_or_else(|| odd("a cluster is not where it should be".to_owned()))?;
    let cluster: Cluster = node.decode().map_err(odd)?;
    if let Some(what) = policy::deciding(walker, &cluster, &node) {
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
    let (_, placed) = hosts::hosts_of(walker, name)?;
    let balancer = policy::of(walker, &cluster, &assignment).map_err(odd)?;
    if balancer.subsets.is_some() {
        return Err(odd("subsets in an aggregate are not modeled".to_owned()));
    }
    let hosts: Vec<Host> = placed.iter().map(|(host, _)| host.clone()).collect();
    if let Some(what) = balancer.lost_weights(&assignment, &hosts) {
        return Err(odd(what.to_owned()));
    }
    if !matches!(Breaker::of(&cluster, wire, Some(&hosts)), Breaker::Lets) {
        return Err(odd("circuit breakers in an aggregate are not modeled".to_owned()));
    }
    Ok(Some(Member { cluster, assignment, policy: balancer.policy, hosts, placed }))
}
