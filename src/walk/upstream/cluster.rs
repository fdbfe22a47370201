//! Cluster look-up: whether the cluster that was chosen is there, and what of it decides.
//!
//! `source/common/router/router.cc`, `source/common/tcp_proxy/tcp_proxy.cc`; a cluster that is still warming is not
//! there for a request.

use crate::envoy::matcher::Reading;
use crate::envoy::pb::envoy::config::cluster::v3::Cluster;
use crate::envoy::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType};
use crate::envoy::pb::envoy::config::core::v3::RoutingPriority;
use crate::envoy::pb::envoy::config::route::v3::RetryPolicy;
use crate::envoy::retry::Retries;
use crate::snapshot::{Lookup, Node};
use crate::verdict::{Mark, Power, Stage};
use crate::walk::upstream::evaluated::{Evaluated, Fate, row, withheld};
use crate::walk::upstream::{aggregate, balance, between, breaker, forward_proxy, original_dst, policy};
use crate::walk::way::dial::Dial;
use crate::walk::way::forwarded::{Choice, Wire};
use crate::walk::way::guard::Condition;
use crate::walk::way::met::ClusterTrail;
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::{Got, Walker};

/// What is said of a cluster that runtime keeps requests from.
const MAINTENANCE: &str = "runtime has put it into maintenance";

/// What becomes of the requests that choose a cluster.
pub(in crate::walk) fn evaluate(walker: &Walker, choice: &Choice, wire: Wire, dial: &Dial) -> Evaluated {
    let mut trail = ClusterTrail::named(&choice.name);
    // Both are wanted in one round: a cluster without its hosts decides little.
    if !choice.name.is_empty() {
        walker.glance(walker.snapshot.hosts(walker.origin, &choice.name));
    }
    if choice.name.is_empty() {
        let at = choice.at.iter().map(Node::evidence).collect();
        return Evaluated::missing(trail, wire, "the name that was to be looked up is empty", at);
    }
    let entry = match walker.ask(walker.snapshot.cluster(walker.origin, &choice.name)) {
        Got::Found(entry) => entry,
        Got::Absent(evidence) => {
            trail.absence.push(evidence.clone());
            if let Lookup::Found(warming) = walker.snapshot.warming_cluster(walker.origin, &choice.name) {
                let at = warming.at("cluster.name").unwrap_or(warming).evidence();
                return Evaluated::missing(trail, wire, "it is still warming: to a request it is not there", vec![at]);
            }
            let missing = Evaluated::missing(trail, wire, "there is no such cluster", vec![evidence]);
            return of_whole_host(walker, (choice, wire), dial, &missing).unwrap_or(missing);
        }
        Got::Gap(gap) => return Evaluated::unread(trail, &gap, "the cluster was not read"),
    };
    let Some(node) = entry.get("cluster") else {
        return Evaluated::unknown(trail, "the cluster is not where it should be");
    };
    trail.cluster = Some(node.clone());
    match node.decode() {
        Ok(cluster) => there(walker, trail, (&cluster, &node), (choice, wire), dial),
        Err(why) => Evaluated::unknown(trail, &format!("cluster {} could not be read: {why}", choice.name)),
    }
}

/// The same where the missing cluster is taken as repaired: a subset that there would be has some of the hosts of the
/// cluster that has all of them.
fn of_whole_host(
    walker: &Walker,
    (choice, wire): (&Choice, Wire),
    dial: &Dial,
    missing: &Evaluated,
) -> Option<Evaluated> {
    let stop = wire.no_cluster();
    let whole = walker.mesh.whole_host(&choice.name).filter(|_| walker.is_repaired(&stop, &choice.name))?;
    let whole = evaluate(walker, &Choice { name: whole, ..choice.clone() }, wire, dial);
    whole.trail.cluster.as_ref()?;
    let why = format!(
        "which endpoints cluster {} would have is not known: those of the whole Service are looked at",
        choice.name
    );
    let condition =
        withheld(&choice.name, &why).provided_that("the missing cluster gets some of the Service's endpoints");
    let repaired = vec![(stop, choice.name.clone(), missing.cluster.clone())];
    Some(whole.under(vec![condition]).mended(repaired))
}

/// The same of a cluster that is there.
fn there(
    walker: &Walker,
    mut trail: ClusterTrail,
    (cluster, node): (&Cluster, &Node),
    (choice, wire): (&Choice, Wire),
    dial: &Dial,
) -> Evaluated {
    let name = &choice.name;
    trail.retries = retries(walker, cluster, &trail, wire);
    let mut conditions: Vec<Condition> =
        policy::deciding(walker, cluster, node).map(|why| withheld(name, &why)).into_iter().collect();
    let mut mended = Vec::new();
    match maintenance(walker, name, wire) {
        Ok(Maintenance::None) => {}
        Ok(Maintenance::All) if walker.is_repaired(&Stop::MaintenanceMode, name) => {
            mended.push((Stop::MaintenanceMode, name.clone(), row(&trail, Mark::Stopped, MAINTENANCE)));
        }
        Ok(Maintenance::All) => {
            return Evaluated::ended(trail, Stop::MaintenanceMode, MAINTENANCE, Vec::new());
        }
        Err(why) => conditions.push(Condition::of(Stage::Cluster, name, &[Power::Refuse], &why)),
    }
    let evaluated = match &cluster.cluster_discovery_type {
        Some(ClusterDiscoveryType::Type(t)) if *t == DiscoveryType::OriginalDst as i32 => {
            original_dst::evaluate(walker, trail, cluster, (choice, wire), dial)
        }
        Some(ClusterDiscoveryType::ClusterType(custom)) if policy::is_aggregate(custom) => {
            aggregate::evaluate(walker, trail, (cluster, custom), wire)
        }
        Some(ClusterDiscoveryType::ClusterType(custom)) if forward_proxy::is_one(custom) => {
            forward_proxy::evaluate(walker, trail, (cluster, node), wire, choice.host.as_deref())
        }
        _ => balance::evaluate(walker, trail, (cluster, node), wire, choice),
    };
    conditions.extend(between::conditions(walker, cluster, &evaluated.trail));
    evaluated.under(conditions).mended(mended)
}

/// When a request is tried again: the cluster's own policy goes before the route's.
fn retries(walker: &Walker, cluster: &Cluster, trail: &ClusterTrail, wire: Wire) -> Retries {
    let Wire::Http { priority, retries, .. } = wire else { return Retries::default() };
    let own = trail.http_options().and_then(|options| options.get("retry_policy")?.decode::<RetryPolicy>().ok());
    let values = |name: &str| walker.question.header(name).into_iter().collect();
    let retries = own.map_or(retries, |own| Retries::of(&own, values, Reading::of(walker.version)));
    breaker::thresholds(cluster, priority).map_or(retries, |thresholds| retries.under(thresholds))
}

/// Why no request ever gets to a host of a cluster that a filter names; `None` where one may.
pub(in crate::walk) fn reach(walker: &Walker, name: &str, dial: &Dial) -> Option<Stop> {
    let choice = Choice::of(name.to_owned(), None);
    let wire = Wire::Http { not_found: 503, priority: RoutingPriority::Default, retries: Retries::default() };
    let evaluated = evaluate(walker, &choice, wire, dial);
    match &evaluated.ends[..] {
        [(_, _, Fate::Stopped(stop))] if evaluated.conditions.is_empty() => Some(stop.clone()),
        _ => None,
    }
}

/// Whether runtime keeps HTTP requests from a cluster.
enum Maintenance {
    None,
    All,
}

/// `upstream.maintenance_mode.NAME`, in percent.
fn maintenance(walker: &Walker, name: &str, wire: Wire) -> Result<Maintenance, String> {
    if let Wire::Tcp = wire {
        return Ok(Maintenance::None);
    }
    let key = format!("upstream.maintenance_mode.{name}");
    match walker.runtime_percent(&key) {
        None => Ok(Maintenance::None),
        Some(Ok(share)) if share <= 0.0 => Ok(Maintenance::None),
        Some(Ok(share)) if share >= 1.0 => Ok(Maintenance::All),
        Some(_) => Err(format!("the runtime key {key} keeps a part of the requests away")),
    }
}
