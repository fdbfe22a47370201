//! Things that are met on the way and have more to tell than a name: clusters and their hosts, sockets, pods.

use std::sync::Arc;

use crate::envoy::circuit_breaker::Overflow;
use crate::envoy::health::Host;
use crate::envoy::retry::Retries;
use crate::envoy::tls::Context;
use crate::snapshot::{Evidence, Node, Origin};
use crate::verdict::Endpoint;

/// A route that did not match: of all, the first of which most predicates held.
#[derive(Clone, Debug)]
pub struct Missed {
    /// The route.
    pub route: Node,
    /// The predicate that failed first, in words.
    pub why: String,
    /// How many routes did not match.
    pub count: usize,
    /// The failed predicate's place.
    pub at: Option<Node>,
}

/// A cluster on the way.
#[derive(Clone, Debug)]
pub struct ClusterTrail {
    /// Its name, or the name that was asked for.
    pub name: String,
    /// The cluster's configuration; `None` when it is not there.
    pub cluster: Option<Node>,
    /// Its element in `/clusters`; its assignment in the dump where that was not read.
    pub status: Option<Node>,
    /// Its hosts, in the order of `/clusters`.
    pub hosts: Vec<HostTrail>,
    /// The same, as the answer shows them.
    pub endpoints: Vec<Endpoint>,
    /// How its hosts are spoken to where none of them is listed: the cluster's own socket.
    pub own_socket: Option<Arc<Socket>>,
    /// Proof of what is not there.
    pub absence: Vec<Evidence>,
    /// The threshold of its circuit breaker that leaves no room.
    pub overflow: Option<Overflow>,
    /// When a request to it is tried again.
    pub retries: Retries,
    /// What decides which of its hosts get requests, and not how requests end here: it bears on what follows only where
    /// the hosts differ.
    pub unsettled: Option<String>,
}

/// Of how many hosts the counts are cited.
const COUNTS: usize = 3;

/// A host of a cluster.
#[derive(Clone, Debug)]
pub struct HostTrail {
    /// Its address, health and counters.
    pub host: Host,
    /// Its place in `/clusters`.
    pub at: Option<Node>,
    /// Whether a request can be sent to it.
    pub eligible: bool,
    /// How it is spoken to; `None` where that is not known.
    pub socket: Option<Arc<Socket>>,
}

/// How a proxy speaks to a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Socket {
    /// Plaintext, or which kind of TLS.
    pub kind: SocketKind,
    /// The TLS server name.
    pub server_name: String,
    /// The protocols that are offered.
    pub alpn: Vec<String>,
    /// What is shown in the handshake, and asked of the other side; nothing in plaintext.
    pub tls: Context,
}

/// Plaintext, or which kind of TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SocketKind {
    /// No TLS.
    Plaintext,
    /// TLS without a certificate of the client's.
    Simple,
    /// TLS with a certificate of the client's.
    Mutual,
}

/// One of B's pods, whose proxy takes the request.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub name: String,
    /// The pod itself.
    pub pod: Node,
    /// As whom its proxy was read.
    pub origin: Origin,
    /// The port of it that is dialed.
    pub port: u16,
    /// How A's side speaks to it.
    pub socket: SocketKind,
}

impl ClusterTrail {
    /// A cluster of which only the name is known.
    pub(in crate::walk) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            cluster: None,
            status: None,
            hosts: Vec::new(),
            endpoints: Vec::new(),
            own_socket: None,
            absence: Vec::new(),
            overflow: None,
            retries: Retries::default(),
            unsettled: None,
        }
    }

    /// How it speaks HTTP, where it says so.
    pub(in crate::walk) fn http_options(&self) -> Option<Node> {
        let options = self.cluster.as_ref()?.get("typed_extension_protocol_options")?;
        options.get("envoy.extensions.upstreams.http.v3.HttpProtocolOptions")
    }

    /// The empty list of hosts, or its absence; `None` where that was not read.
    pub fn no_hosts(&self) -> Option<Evidence> {
        let status = self.status.as_ref()?;
        let list = if status.get("cluster_name").is_some() { "endpoints" } else { "host_statuses" };
        Some(status.get(list).map_or_else(|| status.lacks(list), |list| list.evidence()))
    }

    /// Those of them that a request can be sent to, and of which every request that was counted failed.
    pub fn always_failing(&self) -> impl Iterator<Item = &HostTrail> {
        self.eligible().filter(|trail| trail.host.counters.always_failed())
    }

    /// Whether one of them ever answered a request well.
    pub fn ever_succeeded(&self) -> bool {
        self.eligible().any(|trail| trail.host.counters.rq_success > 0)
    }

    /// How many requests to them were counted, and failed, all of them; 0 where none always fails.
    pub fn failed_so_far(&self) -> u64 {
        self.always_failing().map(|trail| trail.host.counters.rq_total).sum()
    }

    /// What of it says that the circuit breaker has no room: its thresholds, and the counts of hosts that use it up.
    pub fn overflow_evidence(&self) -> Vec<Evidence> {
        let Some(Overflow { threshold, .. }) = self.overflow else { return Vec::new() };
        let thresholds = self.cluster.as_ref().and_then(|config| config.get("circuit_breakers"));
        let used = self.hosts.iter().filter(|trail| threshold.count(&trail.host.counters) > 0).take(COUNTS);
        let counts = used.filter_map(|trail| trail.at.as_ref()?.get("stats"));
        thresholds.into_iter().chain(counts).map(|node| node.evidence()).collect()
    }

    /// The hosts that a request can be sent to.
    pub fn eligible(&self) -> impl Iterator<Item = &HostTrail> {
        self.hosts.iter().filter(|host| host.eligible)
    }
}

impl Socket {
    /// Without TLS.
    pub(in crate::walk) fn plaintext() -> Self {
        Self { kind: SocketKind::Plaintext, server_name: String::new(), alpn: Vec::new(), tls: Context::default() }
    }

    /// Whether it is TLS, of either kind.
    pub fn is_tls(&self) -> bool {
        self.kind != SocketKind::Plaintext
    }
}

impl SocketKind {
    /// As in the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Simple => "simple",
            Self::Mutual => "mutual",
        }
    }
}

impl Visit {
    /// `namespace/name`.
    pub fn pod_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}
