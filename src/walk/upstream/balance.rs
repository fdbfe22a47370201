//! Host selection: who of a cluster's hosts would get the request.

use std::sync::Arc;

use crate::envoy::circuit_breaker::Overflow;
use crate::envoy::health::{Class, Host};
use crate::envoy::load::{self, Policy, Spread};
use crate::envoy::pb::envoy::config::cluster::v3::Cluster;
use crate::envoy::subset::{Chosen, Criteria, Members};
use crate::snapshot::Node;
use crate::verdict::{Power, Stage};
use crate::walk::upstream::assignment::{self, Assignment};
use crate::walk::upstream::breaker::Breaker;
use crate::walk::upstream::evaluated::{Evaluated, withheld};
use crate::walk::upstream::hosts::{self, Placed, Unread, hosts_of};
use crate::walk::upstream::mending::Mending;
use crate::walk::upstream::policy::{self, Balancer};
use crate::walk::upstream::untold::{UNTOLD_WEIGHTS, either, told_beside};
use crate::walk::way::forwarded::{Choice, Wire};
use crate::walk::way::guard::Condition;
use crate::walk::way::met::ClusterTrail;
use crate::walk::way::walker::Walker;

/// What becomes of requests of a cluster that balances over the hosts it has.
pub(in crate::walk) fn evaluate(
    walker: &Walker,
    mut trail: ClusterTrail,
    (cluster, node): (&Cluster, &Node),
    wire: Wire,
    choice: &Choice,
) -> Evaluated {
    let name = trail.name.clone();
    let mut conditions: Vec<Condition> = Vec::new();
    let mut open = |why: &str| conditions.push(withheld(&name, why));
    let mut assignment = assignment::read(walker, cluster, node).unwrap_or_else(|why| {
        open(&why);
        Assignment::default()
    });
    let (placed, is_counted) = match hosts_of(walker, &name) {
        Ok((status, placed)) => {
            trail.status = Some(status);
            (placed, true)
        }
        Err(Unread::Gap(gap)) => {
            let Some((at, placed, why)) = assigned(walker, cluster).filter(|_| gap.was_tried()) else {
                trail.own_socket = assignment::socket(cluster.transport_socket.as_ref()).map(Arc::new);
                return Evaluated::unread(trail, &gap, "its hosts were not read").under(conditions);
            };
            trail.status = Some(at);
            why.into_iter().for_each(&mut open);
            (placed, false)
        }
        Err(Unread::Odd(why)) => return Evaluated::unknown(trail, &why).under(conditions),
    };
    let hosts: Vec<Host> = placed.iter().map(|(host, _)| host.clone()).collect();
    // Without hosts none can be chosen, by whatever policy.
    if hosts.is_empty() {
        conditions.clear();
    }
    let balancer = policy::of(walker, cluster, &assignment);
    let has_subsets = balancer.as_ref().is_ok_and(|balancer| balancer.subsets.is_some());
    conditions.extend(choice.unsure.as_ref().filter(|_| has_subsets).map(|why| withheld(&name, why)));
    let chosen = balancer.and_then(|balancer| {
        spread(&hosts, &balancer, &assignment, &choice.criteria).map_err(|why| format!("{why} of cluster {name}"))
    });
    let (Chosen { spread, mut subset }, open) = chosen.unwrap_or_else(|why| {
        if !hosts.is_empty() {
            conditions.push(withheld(&name, &why));
        }
        (Chosen { spread: Spread::over_any(hosts.len()), subset: String::new() }, None)
    });
    trail.unsettled = open.map(|why| told_beside(walker, format!("{why} of cluster {name}")));
    let mut mending = Mending::of(walker, &name, wire);
    let spread = mending.hosts(spread, &hosts, &mut subset);
    mending.drops(&mut assignment);
    trail.hosts = hosts::trails(placed, &spread.eligible, (cluster, &assignment));
    trail.endpoints = hosts::endpoints(&trail.hosts);
    let breaker = Breaker::of(cluster, wire, is_counted.then_some(&hosts[..]));
    let had = (&spread, &subset[..]);
    with_breaker(trail, &breaker, had, (&assignment, wire), mending).under(conditions)
}

/// What the circuit breaker makes of requests, and then the hosts.
fn with_breaker(
    trail: ClusterTrail,
    breaker: &Breaker,
    (spread, subset): (&Spread, &str),
    (assignment, wire): (&Assignment, Wire),
    mut mending: Mending,
) -> Evaluated {
    let has_hosts = !trail.hosts.is_empty();
    let name = trail.name.clone();
    let mut conditions = Vec::new();
    let stop = match breaker {
        Breaker::Stops(overflow) => {
            Some(wire.overflow(overflow.threshold)).filter(|_| spread.without_host <= 0.0 && has_hosts)
        }
        Breaker::Poolless => Some(wire.no_host()).filter(|_| has_hosts),
        Breaker::Lets => None,
        Breaker::Unknown(why) => {
            conditions.push(Condition::of(Stage::Cluster, &name, &[Power::Refuse], why));
            None
        }
    };
    let ends = stop.is_some_and(|stop| !mending.takes(stop));
    let evaluated = match breaker {
        Breaker::Stops(overflow) if ends => overflowed(trail, *overflow, wire),
        Breaker::Poolless if ends => poolless(trail, wire),
        Breaker::Lets | Breaker::Poolless | Breaker::Stops(_) | Breaker::Unknown(_) => {
            hosts::finish(trail, (spread, subset), assignment, wire)
        }
    };
    mending.end(evaluated.under(conditions))
}

/// The hosts as the dump has them, where `/clusters` was not read, and what is open then.
fn assigned(walker: &Walker, cluster: &Cluster) -> Option<(Node, Vec<Placed>, Option<&'static str>)> {
    let (at, placed) = hosts::hosts_of_dump(walker, cluster)?;
    hosts::uncounted(walker, &cluster.name);
    let has_unhealthy = placed.iter().any(|(host, _)| host.class == Class::Unhealthy);
    Some((at, placed, has_unhealthy.then_some("which of its unhealthy hosts count (`/clusters` was not read)")))
}

/// The end of a request that finds no room in the cluster.
fn overflowed(mut trail: ClusterTrail, overflow: Overflow, wire: Wire) -> Evaluated {
    let Overflow { threshold, limit, in_use } = overflow;
    let name = threshold.name();
    trail.overflow = Some(overflow);
    let evidence = trail.overflow_evidence();
    let note = match limit {
        0 => format!("its circuit breaker lets nothing through: {name} is 0"),
        _ => format!("its circuit breaker is full at this moment: {in_use} in use, {name} is {limit}"),
    };
    Evaluated::ended(trail, wire.overflow(threshold), &note, evidence)
}

/// The end of a request to a cluster that may connect to nobody.
fn poolless(trail: ClusterTrail, wire: Wire) -> Evaluated {
    let thresholds = trail.cluster.as_ref().and_then(|config| config.get("circuit_breakers"));
    let evidence = thresholds.into_iter().map(|node| node.evidence()).collect();
    Evaluated::ended(
        trail,
        wire.no_host(),
        "its circuit breaker lets nothing through: max_connection_pools is 0",
        evidence,
    )
}

/// Spreads the requests: over all hosts, or over those of the subset that the route asks for. Beside it stands what is
/// open, where that decides which of these hosts get a request and not how it ends.
fn spread(
    hosts: &[Host],
    balancer: &Balancer,
    assignment: &Assignment,
    criteria: &Criteria,
) -> Result<(Chosen, Option<&'static str>), &'static str> {
    if let Some(what) = balancer.lost_weights(assignment, hosts) {
        return Err(what);
    }
    let chosen = spread_by(hosts, balancer, &balancer.policy, assignment, criteria)?;
    if assignment.weighted_priority_health.is_some() {
        return Ok((chosen, None));
    }
    let weighted = Policy { weighted_priority_health: true, ..balancer.policy.clone() };
    let weighted = spread_by(hosts, balancer, &weighted, assignment, criteria)?.spread;
    if weighted == chosen.spread {
        return Ok((chosen, None));
    }
    let hosts: Vec<&Host> = hosts.iter().collect();
    let spread = either(&hosts, &[chosen.spread, weighted]).ok_or(UNTOLD_WEIGHTS)?;
    Ok((Chosen { spread, subset: chosen.subset }, Some(UNTOLD_WEIGHTS)))
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
