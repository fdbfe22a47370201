//! A request, or a connection, on its way to a cluster, and to a host.

use std::sync::Arc;

use crate::envoy::circuit_breaker::Threshold;
use crate::envoy::codec::Spoken;
use crate::envoy::pb::envoy::config::core::v3::RoutingPriority;
use crate::envoy::retry::Retries;
use crate::envoy::subset::Criteria;
use crate::snapshot::Node;

use super::dial::Dial;
use super::met::ClusterTrail;
use super::stop::{Form, Stop};

/// What is to be forwarded, and the clusters that it can go to.
#[derive(Clone)]
pub(in crate::walk) struct Forwarded {
    /// Their shares sum to 1.
    pub(in crate::walk) choices: Vec<Choice>,
    pub(in crate::walk) wire: Wire,
    pub(in crate::walk) over: Over,
}

/// A cluster that a route or a TCP proxy names.
#[derive(Clone)]
pub(in crate::walk) struct Choice {
    pub(in crate::walk) name: String,
    /// The share of the requests that come here, 0 to 1.
    pub(in crate::walk) share: f64,
    /// Where it is named.
    pub(in crate::walk) at: Option<Node>,
    /// What the hosts must have under `envoy.lb`, where the cluster has subsets.
    pub(in crate::walk) criteria: Criteria,
    /// Why that is not sure: filters may ask for more.
    pub(in crate::walk) unsure: Option<String>,
    /// Headers that the route adds before a host is chosen, names in lower case.
    pub(in crate::walk) sets: Vec<(String, String)>,
    /// The host that is resolved where the cluster takes each request's own; `None` where that is not known.
    pub(in crate::walk) host: Option<String>,
}

impl Choice {
    /// That all requests come to the cluster of this name, which is named at `at`.
    pub(in crate::walk) fn of(name: String, at: Option<Node>) -> Self {
        Self { name, share: 1.0, at, criteria: Criteria::new(), unsure: None, sets: Vec::new(), host: None }
    }
}

/// What filters leave behind for the router.
#[derive(Clone, Debug)]
pub(in crate::walk) struct Left {
    pub(in crate::walk) headers: Headers,
    /// What they ask of hosts by metadata that they write (`envoy.lb`); it goes before what the route asks for.
    pub(in crate::walk) criteria: Criteria,
    /// Why that is not sure.
    pub(in crate::walk) unsure: Option<String>,
}

/// How it is forwarded, which says what a failure means to the client.
#[derive(Clone, Copy, Debug)]
pub(in crate::walk) enum Wire {
    /// As a request. Where the cluster is missing, the answer has this status.
    Http { not_found: u16, priority: RoutingPriority, retries: Retries },
    /// As a connection.
    Tcp,
}

/// In which form it comes to a host.
#[derive(Clone)]
pub(in crate::walk) enum Over {
    /// As a request that a connection manager took.
    Http(Arc<Taken>),
    /// As the bytes that A sent.
    Bytes,
    /// The same, with no proxy of A's between.
    Bare,
}

/// A request as a connection manager sends it on: what it makes of the Host, the path and the headers holds from there.
#[derive(Debug)]
pub(in crate::walk) struct Taken {
    pub(in crate::walk) authority: String,
    pub(in crate::walk) path: String,
    /// The protocol that it asks to go over to.
    pub(in crate::walk) upgrade: Option<String>,
    /// What becomes of headers with underscores in their names.
    pub(in crate::walk) underscores: Underscores,
    /// What filters may have done to headers.
    pub(in crate::walk) headers: Headers,
    /// The route, the virtual host without its routes, and the route configuration.
    pub(in crate::walk) levels: Vec<Node>,
    /// The route's action, where it forwards.
    pub(in crate::walk) action: Option<Node>,
    /// What the route matched the path with.
    pub(in crate::walk) matched: Option<Node>,
    /// What a filter of the mesh's offers B instead of the cluster's own list, by the upstream protocol.
    pub(in crate::walk) alpn_override: Vec<(Spoken, Vec<String>)>,
}

/// Whether headers with underscores in their names are sent on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::walk) enum Underscores {
    /// As others.
    Kept,
    /// They are left out.
    Dropped,
}

/// What filters may have done to headers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::walk) enum Headers {
    /// Nothing.
    Kept,
    /// Some may be others.
    MayBeChanged,
}

/// What is handed to a host.
#[derive(Clone)]
pub(in crate::walk) struct Handed {
    pub(in crate::walk) dial: Dial,
    pub(in crate::walk) over: Over,
    /// The cluster whose hosts can get it; `None` where no proxy chose one.
    pub(in crate::walk) cluster: Option<Arc<ClusterTrail>>,
}

impl Over {
    /// The request, where it is one.
    pub(in crate::walk) fn http(&self) -> Option<&Taken> {
        match self {
            Self::Http(taken) => Some(taken),
            Self::Bytes | Self::Bare => None,
        }
    }
}

impl Wire {
    pub(in crate::walk) fn no_host(self) -> Stop {
        Stop::NoHealthyUpstream(self.form())
    }

    pub(in crate::walk) fn no_connection(self) -> Stop {
        Stop::ConnectFailure(self.form())
    }

    /// What a request gets for which a threshold leaves no room.
    pub(in crate::walk) fn overflow(self, threshold: Threshold) -> Stop {
        match self {
            Self::Tcp if threshold == Threshold::PendingRequests => Stop::NoWaiting,
            Self::Http { .. } | Self::Tcp => Stop::Overflow(self.form()),
        }
    }

    pub(in crate::walk) fn no_cluster(self) -> Stop {
        match self {
            Self::Http { not_found, .. } => Stop::NoCluster(Some(not_found)),
            Self::Tcp => Stop::NoCluster(None),
        }
    }

    /// What of it the client's answer depends on.
    fn form(self) -> Form {
        match self {
            Self::Http { .. } => Form::Http,
            Self::Tcp => Form::Tcp,
        }
    }
}
