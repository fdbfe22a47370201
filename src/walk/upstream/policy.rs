//! How a cluster balances, as far as it decides who can get a request.

use crate::envoy::any::JsonAny;
use crate::envoy::fields;
use crate::envoy::harmless;
use crate::envoy::load::{self, Algorithm, Policy};
use crate::envoy::pb::envoy::config::cluster::v3::cluster::common_lb_config::LocalityConfigSpecifier;
use crate::envoy::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, CustomClusterType, LbPolicy};
use crate::envoy::pb::envoy::config::cluster::v3::{Cluster, LoadBalancingPolicy};

use crate::envoy::health::Host;
use crate::envoy::pb::envoy::extensions::load_balancing_policies::common::v3::LocalityLbConfig;
use crate::envoy::pb::envoy::extensions::load_balancing_policies::common::v3::locality_lb_config::LocalityConfigSpecifier as Locality;
use crate::envoy::pb::envoy::extensions::load_balancing_policies::least_request::v3::LeastRequest;
use crate::envoy::pb::envoy::extensions::load_balancing_policies::maglev::v3::Maglev;
use crate::envoy::pb::envoy::extensions::load_balancing_policies::override_host::v3::OverrideHost;
use crate::envoy::pb::envoy::extensions::load_balancing_policies::random::v3::Random;
use crate::envoy::pb::envoy::extensions::load_balancing_policies::ring_hash::v3::RingHash;
use crate::envoy::pb::envoy::extensions::load_balancing_policies::round_robin::v3::RoundRobin;
use crate::envoy::pb::envoy::extensions::load_balancing_policies::subset::v3::Subset;
use crate::envoy::pb::envoy::extensions::load_balancing_policies::wrr_locality::v3::WrrLocality;
use crate::envoy::subset::Subsets;

use crate::snapshot::Node;
use crate::walk::upstream::assignment::Assignment;
use crate::walk::upstream::forward_proxy;
use crate::walk::way::walker::Walker;

/// The type of clusters that stand for others.
pub(in crate::walk) const AGGREGATE: &str = "envoy.extensions.clusters.aggregate.v3.ClusterConfig";

const CLUSTER: &str = "envoy.config.cluster.v3.Cluster";

/// What of a cluster bears on the request and is not modeled.
pub(in crate::walk) fn deciding(walker: &Walker, cluster: &Cluster, node: &Node) -> Option<String> {
    let except = ["metadata", "load_assignment", "outlier_detection", "typed_extension_protocol_options", "filters"];
    Walker::unmodeled(node, CLUSTER, &except).or_else(|| unmodeled(walker, cluster))
}

/// What of a cluster bears on who gets a request and is not modeled.
fn unmodeled(walker: &Walker, cluster: &Cluster) -> Option<String> {
    if let Some(ClusterDiscoveryType::ClusterType(custom)) = &cluster.cluster_discovery_type {
        let type_name = custom.typed_config.as_ref().map_or("", |any| any.type_name.as_str());
        match type_name {
            "envoy.extensions.clusters.dns.v3.DnsCluster" | AGGREGATE | forward_proxy::TYPE => {}
            _ => return Some(format!("cluster type {} is not modeled", custom.name)),
        }
    }
    if let Some(filter) = cluster.filters.iter().find(|f| !is_harmless(walker, &f.name, f.typed_config.as_ref())) {
        return Some(format!("upstream network filter {} is not modeled", filter.name));
    }
    for (name, any) in &cluster.typed_extension_protocol_options {
        if name != "envoy.extensions.upstreams.http.v3.HttpProtocolOptions" && !is_harmless(walker, name, Some(any)) {
            return Some(format!("upstream protocol options {name} are not modeled"));
        }
        let value = serde_json::from_slice(&any.json).unwrap_or_default();
        let found = fields::deciding(&value, &any.type_name, &["http_filters"]);
        if let Some(field) = found.first() {
            return Some(format!("`{field}` of HttpProtocolOptions is not modeled"));
        }
        if let Some(odd) = value.get("http_filters").and_then(harmless::odd_upstream_filter) {
            return Some(format!("upstream HTTP filter {odd} is not modeled"));
        }
    }
    None
}

/// Whether it is the type of clusters that stand for others.
pub(in crate::walk) fn is_aggregate(custom: &CustomClusterType) -> bool {
    custom.typed_config.as_ref().is_some_and(|any| any.type_name == AGGREGATE)
}

fn is_harmless(walker: &Walker, name: &str, any: Option<&JsonAny>) -> bool {
    walker.mesh.passes_upstream(name) || any.is_some_and(|any| harmless::network_filter(&any.type_name).is_some())
}

/// How a cluster balances.
pub(in crate::walk) struct Balancer {
    /// Among the hosts, or among those of a subset.
    pub(in crate::walk) policy: Policy,
    /// Where it has subsets.
    pub(in crate::walk) subsets: Option<Subsets>,
    /// It gives hosts weights of its own: then `/clusters` and the dump no longer have those of the assignment, by which
    /// the priorities got their shares (`client_side_weighted_round_robin`, once a second).
    sets_weights: bool,
}

impl Balancer {
    /// Why it cannot be told which share each priority gets.
    pub(in crate::walk) fn lost_weights(&self, assignment: &Assignment, hosts: &[Host]) -> Option<&'static str> {
        let counts = assignment.weighted_priority_health != Some(false);
        (self.sets_weights && counts && load::priorities_are_mixed(hosts)).then_some(
            "whether priorities count weights (`weighted_priority_health`), and which their hosts had before \
             client_side_weighted_round_robin gave them others, in the assignment",
        )
    }
}

/// What a load balancing policy says by itself.
#[derive(Default)]
struct Own {
    algorithm: Algorithm,
    fail_in_panic: bool,
    by_locality: bool,
    subsets: Option<Subsets>,
    sets_weights: bool,
}

/// The policy; an error names what is not modeled.
pub(in crate::walk) fn of(walker: &Walker, cluster: &Cluster, assignment: &Assignment) -> Result<Balancer, String> {
    let own = match &cluster.load_balancing_policy {
        Some(policy) => extension(walker, policy)?,
        None => legacy(cluster),
    };
    let common = cluster.common_lb_config.unwrap_or_default();
    let runtime = walker.runtime_percent("upstream.healthy_panic_threshold").transpose()?;
    // Envoy's own arithmetic: 29 becomes 28.
    let configured = common.healthy_panic_threshold.as_ref().map_or(50.0, |p| 100.0 * (p.value / 100.0));
    let policy = policy(assignment, &own, runtime.map_or(configured, |share| share * 100.0));
    Ok(Balancer { policy, subsets: own.subsets, sets_weights: own.sets_weights })
}

fn policy(assignment: &Assignment, own: &Own, panic_threshold: f64) -> Policy {
    Policy {
        overprovisioning_factor: assignment.overprovisioning_factor.unwrap_or(140),
        panic_threshold: panic_threshold.trunc(),
        weighted_priority_health: assignment.weighted_priority_health == Some(true),
        fail_in_panic: own.fail_in_panic,
        algorithm: own.algorithm,
        locality_weights: own.by_locality.then(|| assignment.locality_weights.clone()),
    }
}

/// `lb_policy` and what belongs to it.
fn legacy(cluster: &Cluster) -> Own {
    let locality = cluster.common_lb_config.unwrap_or_default().locality_config_specifier;
    let algorithm = match cluster.lb_policy() {
        LbPolicy::RingHash | LbPolicy::Maglev => Algorithm::Ring,
        LbPolicy::Random => Algorithm::Random,
        LbPolicy::RoundRobin
        | LbPolicy::LeastRequest
        | LbPolicy::ClusterProvided
        | LbPolicy::LoadBalancingPolicyConfig => Algorithm::Fair,
    };
    Own {
        algorithm,
        fail_in_panic: match &locality {
            // Rings know nothing of zones.
            Some(LocalityConfigSpecifier::ZoneAwareLbConfig(zone)) => {
                zone.fail_traffic_on_panic && algorithm != Algorithm::Ring
            }
            Some(LocalityConfigSpecifier::LocalityWeightedLbConfig(_)) | None => false,
        },
        by_locality: matches!(locality, Some(LocalityConfigSpecifier::LocalityWeightedLbConfig(_))),
        subsets: cluster.lb_subset_config.as_ref().and_then(Subsets::of),
        sets_weights: false,
    }
}

/// The first of the policies (`source/extensions/load_balancing_policies/`); Envoy skips those that it was not built
/// with, and what is skipped is not known here.
fn extension(walker: &Walker, policy: &LoadBalancingPolicy) -> Result<Own, String> {
    let config = policy.policies.first().and_then(|p| p.typed_extension_config.as_ref());
    let Some((name, any)) = config.and_then(|c| Some((c.name.as_str(), c.typed_config.as_ref()?))) else {
        return Err("a load balancing policy without a configuration is not modeled".to_owned());
    };
    let package = any.type_name.strip_prefix("envoy.extensions.load_balancing_policies.").unwrap_or_default();
    let by = |locality: Option<LocalityLbConfig>| match locality.and_then(|l| l.locality_config_specifier) {
        Some(Locality::ZoneAwareLbConfig(zone)) => Own { fail_in_panic: zone.fail_traffic_on_panic, ..Own::default() },
        Some(Locality::LocalityWeightedLbConfig(_)) => Own { by_locality: true, ..Own::default() },
        None => Own::default(),
    };
    Ok(match package {
        "round_robin.v3.RoundRobin" => by(any.unpack::<RoundRobin>()?.locality_lb_config),
        "least_request.v3.LeastRequest" => by(any.unpack::<LeastRequest>()?.locality_lb_config),
        "random.v3.Random" => Own { algorithm: Algorithm::Random, ..by(any.unpack::<Random>()?.locality_lb_config) },
        "ring_hash.v3.RingHash" => ring(any.unpack::<RingHash>()?.locality_weighted_lb_config.is_some()),
        "maglev.v3.Maglev" => ring(any.unpack::<Maglev>()?.locality_weighted_lb_config.is_some()),
        "client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin" => {
            Own { sets_weights: true, ..Own::default() }
        }
        "wrr_locality.v3.WrrLocality" => {
            let inner = any.unpack::<WrrLocality>()?.endpoint_picking_policy.unwrap_or_default();
            Own { by_locality: true, ..extension(walker, &inner)? }
        }
        "subset.v3.Subset" => {
            let config: Subset = any.unpack()?;
            let inner = extension(walker, &config.subset_lb_policy.clone().unwrap_or_default())?;
            if inner.subsets.is_some() {
                return Err("subsets of subsets are not modeled".to_owned());
            }
            Own { subsets: Some(Subsets::of_policy(&config)), ..inner }
        }
        "override_host.v3.OverrideHost" => overridden(walker, &any.unpack()?)?,
        _ => return Err(format!("load balancing policy {name} ({}) is not modeled", any.type_name)),
    })
}

fn ring(by_locality: bool) -> Own {
    Own { algorithm: Algorithm::Ring, by_locality, ..Own::default() }
}

/// A header of the request can name the host outright; else another policy balances.
fn overridden(walker: &Walker, config: &OverrideHost) -> Result<Own, String> {
    for source in &config.override_host_sources {
        if walker.question.header(&source.header).is_some() {
            return Err(format!("a host that the header {} names is not modeled", source.header));
        }
    }
    extension(walker, &config.fallback_policy.clone().unwrap_or_default())
}
