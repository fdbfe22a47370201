//! The thresholds of a cluster's circuit breaker, and what counts against them.

use crate::envoy::health::Counters;

/// A threshold, as far as it keeps a request from being sent. `max_retries` only keeps it from being sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Threshold {
    /// `max_connections`: hard for TCP, soft for HTTP, whose pool gets a first connection always.
    Connections,
    /// `max_pending_requests`: requests, or TCP connections, that wait for a connection.
    PendingRequests,
    /// `max_requests`: requests that are on a connection.
    Requests,
}

/// A threshold that is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Overflow {
    /// Which one.
    pub threshold: Threshold,
    /// What it allows; 0 lets nothing through.
    pub limit: u32,
    /// What the gauges of the cluster's hosts counted when they were read.
    pub in_use: u64,
}

impl Threshold {
    /// Its name in `circuit_breakers.thresholds`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connections => "max_connections",
            Self::PendingRequests => "max_pending_requests",
            Self::Requests => "max_requests",
        }
    }

    /// What a host has in use of it.
    pub fn count(self, counters: &Counters) -> u64 {
        match self {
            Self::Connections => counters.cx_active,
            Self::PendingRequests => counters.rq_pending_active,
            Self::Requests => counters.rq_active,
        }
    }
}
