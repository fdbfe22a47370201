//! A cluster's circuit breaker: whether one more request finds room.
//!
//! A cluster that may have no connection pool has no host for a request of HTTP (`max_connection_pools`, in
//! `source/common/upstream/cluster_manager_impl.cc`); where it may have one, an idle pool makes room for another.
//!
//! The thresholds are those of the request's priority, 1024 where they say nothing. What is in use is counted by the
//! hosts of `/clusters`, for both priorities together and for all workers. `max_connections` is soft for HTTP: a pool
//! without a connection always gets one. What goes on a free connection does not wait, so that `max_pending_requests`
//! counts only where none is free (`source/common/conn_pool/conn_pool_base.cc`; TCP asks for a connection first, in
//! `source/common/tcp_proxy/tcp_proxy.cc`).

use pbjson_types::UInt32Value;

use crate::envoy::circuit_breaker::{Overflow, Threshold};
use crate::envoy::health::{Counters, Host};
use crate::envoy::pb::envoy::config::cluster::v3::Cluster;
use crate::envoy::pb::envoy::config::cluster::v3::circuit_breakers::Thresholds;
use crate::envoy::pb::envoy::config::core::v3::RoutingPriority;
use crate::walk::way::forwarded::Wire;

/// What a threshold is where nobody sets it.
const UNSET: u32 = 1024;

/// What a circuit breaker does with one more request.
pub(in crate::walk) enum Breaker {
    /// There is room, or it does not matter here.
    Lets,
    /// There is none.
    Stops(Overflow),
    /// There is no pool of connections at all.
    Poolless,
    /// It depends on what else is under way.
    Unknown(String),
}

impl Breaker {
    /// That of a cluster, for a request that goes on this wire; `counted` are its hosts where their gauges were read.
    pub(in crate::walk) fn of(cluster: &Cluster, wire: Wire, counted: Option<&[Host]>) -> Self {
        let hosts = counted.unwrap_or_default();
        let priority = match wire {
            Wire::Http { priority, .. } => priority,
            Wire::Tcp => RoutingPriority::Default,
        };
        let own = thresholds(cluster, priority).copied().unwrap_or_default();
        if matches!(wire, Wire::Http { .. }) && own.max_connection_pools.as_ref().is_some_and(|most| most.value == 0) {
            return Self::Poolless;
        }
        let full = |threshold: Threshold, limit: Option<&UInt32Value>| {
            let limit = limit.map_or(UNSET, |n| n.value);
            let in_use = hosts.iter().map(|host| threshold.count(&host.counters)).sum();
            (in_use >= u64::from(limit)).then_some(Overflow { threshold, limit, in_use })
        };
        let waiting = full(Threshold::PendingRequests, own.max_pending_requests.as_ref());
        let (overflow, has_free) = match wire {
            Wire::Tcp => (full(Threshold::Connections, own.max_connections.as_ref()).or(waiting), false),
            Wire::Http { .. } => match full(Threshold::Requests, own.max_requests.as_ref()) {
                Some(requests) => (Some(requests), false),
                None => (waiting, counted.is_none_or(|all| all.iter().any(|host| may_be_free(&host.counters)))),
            },
        };
        match overflow {
            None => Self::Lets,
            Some(overflow) if has_free => Self::Unknown(format!(
                "whether a free connection saves the request from `{}: {}`",
                overflow.threshold.name(),
                overflow.limit
            )),
            // Whose requests are counted is not said.
            Some(overflow) if priority == RoutingPriority::High && overflow.limit > 0 => Self::Unknown(format!(
                "how many of the {} in use have priority HIGH, of which `{}` allows {}",
                overflow.in_use,
                overflow.threshold.name(),
                overflow.limit
            )),
            Some(overflow) => Self::Stops(overflow),
        }
    }
}

/// The thresholds of a priority, where the cluster sets any.
pub(in crate::walk) fn thresholds(cluster: &Cluster, priority: RoutingPriority) -> Option<&Thresholds> {
    cluster.circuit_breakers.as_ref()?.thresholds.iter().find(|own| own.priority() == priority)
}

/// Whether a connection to a host may take a request: there is one, and nobody waits for it.
fn may_be_free(counters: &Counters) -> bool {
    counters.cx_active > 0 && counters.rq_pending_active == 0
}
