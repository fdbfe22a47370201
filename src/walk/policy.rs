//! How a cluster balances, as far as it decides who can get a request.

use crate::envoy::any::JsonAny;
use crate::envoy::fields;
use crate::envoy::harmless;
use crate::envoy::load::Policy;
use crate::envoy::pb::envoy::config::cluster::v3::Cluster;
use crate::envoy::pb::envoy::config::cluster::v3::cluster::common_lb_config::LocalityConfigSpecifier;
use crate::envoy::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, LbPolicy};

use crate::envoy::health::Host;
use crate::envoy::pb::envoy::config::core::v3::RoutingPriority;

use super::assignment::Assignment;
use super::cluster::Proto;
use super::walker::Walker;

/// What of a cluster bears on who gets a request and is not modeled.
pub(super) fn unmodeled(cluster: &Cluster) -> Option<String> {
    if let Some(ClusterDiscoveryType::ClusterType(custom)) = &cluster.cluster_discovery_type {
        let type_name = custom.typed_config.as_ref().map_or("", |any| any.type_name.as_str());
        if type_name != "envoy.extensions.clusters.dns.v3.DnsCluster" {
            return Some(format!("cluster type {} is not modeled", custom.name));
        }
    }
    if cluster.lb_subset_config.as_ref().is_some_and(|s| !s.subset_selectors.is_empty()) {
        return Some("`lb_subset_config` of Cluster is not modeled".to_owned());
    }
    if let Some(filter) = cluster.filters.iter().find(|f| !is_harmless(&f.name, f.typed_config.as_ref())) {
        return Some(format!("upstream network filter {} is not modeled", filter.name));
    }
    for (name, any) in &cluster.typed_extension_protocol_options {
        if name != "envoy.extensions.upstreams.http.v3.HttpProtocolOptions" && !is_harmless(name, Some(any)) {
            return Some(format!("upstream protocol options {name} are not modeled"));
        }
        let value = serde_json::from_slice(&any.json).unwrap_or_default();
        let found = fields::deciding(&value, &any.type_name, &["http_filters"]);
        if let Some(field) = found.first() {
            return Some(format!("`{field}` of HttpProtocolOptions is not modeled"));
        }
        let filters = value.get("http_filters").and_then(serde_json::Value::as_array);
        for filter in filters.into_iter().flatten() {
            let type_name =
                filter.pointer("/typed_config/@type").and_then(serde_json::Value::as_str).unwrap_or_default();
            let type_name = type_name.rsplit('/').next().unwrap_or_default();
            if harmless::http_filter(type_name).is_none() && !type_name.ends_with(".UpstreamCodec") {
                return Some(format!("upstream HTTP filter {type_name} is not modeled"));
            }
        }
    }
    None
}

/// What a circuit breaker that is set to 0 does.
pub(super) enum Breaker {
    /// None is, or it does not matter here.
    Lets,
    /// Nothing gets through: the threshold's name.
    Stops(&'static str),
    /// It depends on what else is under way.
    Unknown(String),
}

/// Looks at the thresholds of the request's priority. `max_connections` is soft for HTTP: a pool without a connection
/// always gets one; and what is waiting needs no place where a connection is free.
pub(super) fn breaker(cluster: &Cluster, proto: Proto, hosts: &[Host]) -> Breaker {
    let wanted = match proto {
        Proto::Http { priority, .. } => priority,
        Proto::Tcp => RoutingPriority::Default,
    };
    let all = cluster.circuit_breakers.iter().flat_map(|c| &c.thresholds);
    let Some(thresholds) = all.into_iter().find(|t| t.priority() == wanted) else { return Breaker::Lets };
    let is_zero = |n: &Option<pbjson_types::UInt32Value>| n.as_ref().is_some_and(|n| n.value == 0);
    match proto {
        Proto::Tcp if is_zero(&thresholds.max_connections) => Breaker::Stops("max_connections"),
        Proto::Tcp if is_zero(&thresholds.max_pending_requests) => {
            Breaker::Unknown("`max_pending_requests: 0` for TCP is not modeled".to_owned())
        }
        Proto::Tcp => Breaker::Lets,
        Proto::Http { .. } if is_zero(&thresholds.max_requests) => Breaker::Stops("max_requests"),
        Proto::Http { .. } if !is_zero(&thresholds.max_pending_requests) => Breaker::Lets,
        Proto::Http { .. } if hosts.iter().any(|host| host.counters.cx_active > 0) => {
            Breaker::Unknown("whether a free connection saves the request from `max_pending_requests: 0`".to_owned())
        }
        Proto::Http { .. } => Breaker::Stops("max_pending_requests"),
    }
}

fn is_harmless(name: &str, any: Option<&JsonAny>) -> bool {
    // Istio's peer metadata exchange: it adds a header to what is sent.
    name == "istio.metadata_exchange"
        || name.starts_with("envoy.filters.network.upstream.metadata_exchange")
        || any.is_some_and(|any| harmless::network_filter(&any.type_name).is_some())
}

/// The policy; an error names what is not modeled.
pub(super) fn of(walker: &Walker, cluster: &Cluster, assignment: &Assignment) -> Result<Policy, String> {
    let common = cluster.common_lb_config.unwrap_or_default();
    let mut never_degraded = matches!(cluster.lb_policy(), LbPolicy::RingHash | LbPolicy::Maglev);
    if let Some(policy) = cluster.load_balancing_policy.as_ref().and_then(|p| p.policies.first()) {
        let any = policy.typed_extension_config.as_ref().and_then(|c| c.typed_config.as_ref());
        let type_name = any.map_or("", |any| any.type_name.rsplit('.').next().unwrap_or_default());
        never_degraded = match type_name {
            "RoundRobin" | "LeastRequest" | "Random" => false,
            "RingHash" | "Maglev" => true,
            _ => return Err(format!("load balancing policy {type_name} is not modeled")),
        };
        let value: serde_json::Value =
            any.map(|a| serde_json::from_slice(&a.json).unwrap_or_default()).unwrap_or_default();
        if value.get("locality_lb_config").is_some() {
            return Err(format!("`locality_lb_config` of {type_name} is not modeled"));
        }
    }
    let runtime = walker.runtime_percent("upstream.healthy_panic_threshold").transpose()?;
    let weighted =
        matches!(common.locality_config_specifier, Some(LocalityConfigSpecifier::LocalityWeightedLbConfig(_)));
    let given = assignment.locality_weights.iter().any(|(_, weight)| *weight > 0);
    Ok(Policy {
        overprovisioning_factor: assignment.overprovisioning_factor.unwrap_or(140),
        panic_threshold: runtime
            .map_or_else(|| common.healthy_panic_threshold.as_ref().map_or(50.0, |p| p.value), |share| share * 100.0),
        weighted_priority_health: assignment.weighted_priority_health,
        fail_in_panic: match &common.locality_config_specifier {
            Some(LocalityConfigSpecifier::ZoneAwareLbConfig(zone)) => zone.fail_traffic_on_panic,
            Some(LocalityConfigSpecifier::LocalityWeightedLbConfig(_)) | None => false,
        },
        never_degraded,
        locality_weights: (weighted && given).then(|| assignment.locality_weights.clone()),
    })
}
