//! What Envoy thinks of a host: its flags, and the class that load balancing sees.
//!
//! `source/common/upstream/upstream_impl.{h,cc}`.

use super::address;
use super::pb::envoy::admin::v3::{HostHealthStatus, HostStatus};
use super::pb::envoy::config::core::v3::HealthStatus;
use super::pb::envoy::config::endpoint::v3::{LbEndpoint, LocalityLbEndpoints, lb_endpoint};

/// A host of a cluster as `/clusters` shows it.
#[derive(Clone, PartialEq, Debug)]
pub struct Host {
    /// As Envoy prints it.
    pub address: String,
    /// The name that was resolved to it, or the one that the assignment gives it.
    pub hostname: String,
    /// From 0, used first.
    pub priority: u32,
    /// The load balancing weight, at least 1.
    pub weight: u32,
    /// `region/zone/sub_zone`.
    pub locality: String,
    /// The flags of `/clusters`, without the healthy ones.
    pub flags: Vec<String>,
    /// What load balancing makes of the flags.
    pub class: Class,
    /// Left out of the count of its priority (draining, or never checked yet); used in a panic all the same.
    pub excluded: bool,
    /// What happened to connections and requests.
    pub counters: Counters,
}

/// What load balancing makes of a host's flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// No flag speaks against it.
    Healthy,
    /// Used when the healthy hosts are too few.
    Degraded,
    /// Used only in a panic.
    Unhealthy,
}

/// A host's counters, since it was added.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counters {
    /// Connections that are open now.
    pub cx_active: u64,
    /// Connections that were tried.
    pub cx_total: u64,
    /// Connections that failed: refused, timed out, or TLS did not come about.
    pub cx_connect_fail: u64,
    /// Requests that were sent.
    pub rq_total: u64,
    /// Requests that were answered without an error.
    pub rq_success: u64,
    /// Requests that were not.
    pub rq_error: u64,
    /// Requests whose answer did not come in time.
    pub rq_timeout: u64,
    /// Requests that are on their way now.
    pub rq_active: u64,
    /// Requests that wait for a connection now.
    pub rq_pending_active: u64,
}

impl Host {
    /// Reads one host.
    pub fn of(status: &HostStatus) -> Self {
        let health = status.health_status.unwrap_or_default();
        let locality = status.locality.clone().unwrap_or_default();
        let stat = |name: &str| status.stats.iter().find(|s| s.name == name).map_or(0, |s| s.value);
        Self {
            address: status.address.as_ref().map(address::show).unwrap_or_default(),
            hostname: status.hostname.clone(),
            priority: status.priority,
            weight: status.weight.max(1),
            locality: format!("{}/{}/{}", locality.region, locality.zone, locality.sub_zone),
            flags: flags(&health),
            class: class(&health),
            excluded: health.pending_active_hc
                || health.excluded_via_immediate_hc_fail
                || health.eds_health_status() == HealthStatus::Draining,
            counters: Counters {
                cx_active: stat("cx_active"),
                cx_total: stat("cx_total"),
                cx_connect_fail: stat("cx_connect_fail"),
                rq_total: stat("rq_total"),
                rq_success: stat("rq_success"),
                rq_error: stat("rq_error"),
                rq_timeout: stat("rq_timeout"),
                rq_active: stat("rq_active"),
                rq_pending_active: stat("rq_pending_active"),
            },
        }
    }

    /// Reads one host from the assignments of the dump. Envoy writes down there what load balancing makes of a host
    /// (`ConfigDumpHandler::addLbEndpoint`, `source/server/admin/config_dump_handler.cc`), and nothing of what happened
    /// to its connections.
    pub fn dumped(group: &LocalityLbEndpoints, endpoint: &LbEndpoint) -> Self {
        let at = endpoint.host_identifier.as_ref().map(|lb_endpoint::HostIdentifier::Endpoint(at)| at);
        let eds_health_status = endpoint.health_status;
        Self::of(&HostStatus {
            address: at.and_then(|at| at.address.clone()),
            hostname: at.map(|at| at.hostname.clone()).unwrap_or_default(),
            priority: group.priority,
            weight: endpoint.load_balancing_weight.as_ref().map_or(1, |weight| weight.value),
            locality: group.locality.clone(),
            health_status: Some(HostHealthStatus { eds_health_status, ..HostHealthStatus::default() }),
            stats: Vec::new(),
        })
    }
}

impl Counters {
    /// Whether nothing but failed connections ever happened: every try failed, and there was one.
    pub fn never_connected(&self) -> bool {
        self.cx_total > 0 && self.cx_connect_fail == self.cx_total && self.rq_success == 0
    }

    /// Whether the counters speak against it: nothing ever came about, or nothing ever went well.
    pub fn fails(&self) -> bool {
        self.never_connected() || self.always_failed()
    }

    /// Whether every request that was sent and ended failed, though connections came about: there was one, and none was
    /// answered well.
    pub fn always_failed(&self) -> bool {
        self.rq_total > 0
            && self.rq_success == 0
            && (self.rq_error == self.rq_total || self.rq_timeout == self.rq_total)
            && !self.never_connected()
    }
}

fn class(health: &HostHealthStatus) -> Class {
    use HealthStatus::{Degraded, Draining, Timeout, Unhealthy};
    let eds = health.eds_health_status();
    if health.failed_active_health_check || health.failed_outlier_check || matches!(eds, Unhealthy | Draining | Timeout)
    {
        return Class::Unhealthy;
    }
    if health.failed_active_degraded_check || health.failed_degraded_outlier_detection || eds == Degraded {
        return Class::Degraded;
    }
    Class::Healthy
}

fn flags(health: &HostHealthStatus) -> Vec<String> {
    let named = [
        (health.failed_active_health_check, "failed_active_health_check"),
        (health.failed_outlier_check, "failed_outlier_check"),
        (health.failed_active_degraded_check, "failed_active_degraded_check"),
        (health.pending_dynamic_removal, "pending_dynamic_removal"),
        (health.pending_active_hc, "pending_active_hc"),
        (health.excluded_via_immediate_hc_fail, "excluded_via_immediate_hc_fail"),
        (health.active_hc_timeout, "active_hc_timeout"),
        (health.failed_degraded_outlier_detection, "failed_degraded_outlier_detection"),
    ];
    let mut flags: Vec<String> = named.iter().filter(|(set, _)| *set).map(|(_, name)| (*name).to_owned()).collect();
    let eds = health.eds_health_status();
    if !matches!(eds, HealthStatus::Healthy | HealthStatus::Unknown) {
        flags.push(format!("eds_health_status {}", eds.as_str_name()));
    }
    flags
}
