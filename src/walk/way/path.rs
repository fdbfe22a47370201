//! One way through a proxy as it is walked: rows, decision, and how it ended.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::envoy::health::Host;
use crate::envoy::tls::Context;
use crate::snapshot::{Evidence, Node, RouteTable};
use crate::verdict::{Answerer, Decision, Mark, Response, Side, Stage, Step};

use crate::walk::beyond::destination::DestinationWalk;
use crate::walk::listen::network_filters::Denial;
use crate::walk::way::stop::{RequestKind, Stop};

/// What was met on the way, for those who explain it.
#[derive(Clone, Default, Debug)]
pub struct Trail {
    /// B's Service, where B is one.
    pub service: Option<Node>,
    /// The listener.
    pub listener: Option<Node>,
    /// The filter chain.
    pub filter_chain: Option<Node>,
    /// The route configuration.
    pub route_config: Option<Arc<RouteTable>>,
    /// The virtual host without its routes.
    pub virtual_host: Option<Node>,
    /// The route that was taken, or that most requests take.
    pub route: Option<Node>,
    /// Where no route took the request: the one that came nearest.
    pub missed: Option<Missed>,
    /// The fault filter's configuration that applies.
    pub fault: Option<Node>,
    /// What a filter's own answer rests on: a policy, rules, a requirement.
    pub denial: Option<Node>,
    /// The clusters that requests can go to.
    pub clusters: Vec<ClusterTrail>,
    /// The names of the virtual hosts or services near the one that was asked for.
    pub near: Vec<String>,
    /// What Istio's ALPN filter offers B instead of the cluster's own list, by the upstream protocol.
    pub alpn_override: Vec<(String, Vec<String>)>,
    /// A filter may have changed headers on the way.
    pub headers_changed: bool,
    /// Where it was proved that the thing which ended the walk is not there.
    pub absence: Vec<Evidence>,
}

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
    /// The share of requests that choose it, 0 to 1.
    pub share: f64,
    /// The cluster's configuration; `None` when it is not there.
    pub cluster: Option<Node>,
    /// Its element in `/clusters`.
    pub status: Option<Node>,
    /// Its hosts, each with its place in `/clusters`.
    pub hosts: Vec<(Host, Option<Node>)>,
    /// Which of them a request can be sent to.
    pub eligible: Vec<bool>,
    /// How each is spoken to, in the order of the hosts; `None` where that is not known.
    pub sockets: Vec<Option<Socket>>,
    /// Why requests end here, where they do.
    pub stop: Option<Stop>,
    /// Proof of what is not there.
    pub absence: Vec<Evidence>,
}

/// How a proxy speaks to a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Socket {
    /// `plaintext`, `simple` or `mutual`.
    pub kind: &'static str,
    /// The TLS server name.
    pub server_name: String,
    /// The protocols that are offered.
    pub alpn: Vec<String>,
    /// What is shown in the handshake, and asked of the other side; nothing in plaintext.
    pub tls: Context,
}

/// One way that a request can go.
#[derive(Clone, PartialEq, Debug)]
pub struct Leg {
    /// The share of requests, 0 to 1.
    pub share: f64,
    /// What sends them there; empty where all go the same way.
    pub by: String,
    /// How it ends.
    pub end: End,
    /// The cluster that it chose, by its place in [`Trail::clusters`].
    pub cluster: Option<usize>,
    /// Where it ended.
    pub stage: Stage,
    /// The fault filter held it up before.
    pub delayed: bool,
    /// B's proxy that it came to, by its place in [`Walk::destinations`](crate::walk::Walk::destinations).
    pub destination: Option<usize>,
}

impl Socket {
    /// Without TLS.
    pub(in crate::walk) fn plaintext() -> Self {
        Self { kind: "plaintext", server_name: String::new(), alpn: Vec::new(), tls: Context::default() }
    }

    /// Whether it is TLS, of either kind.
    pub(in crate::walk) fn is_tls(&self) -> bool {
        self.kind != "plaintext"
    }
}

impl ClusterTrail {
    /// The empty list of hosts, or its absence, in `/clusters`; `None` where that was not read.
    pub fn no_hosts(&self) -> Option<Evidence> {
        let status = self.status.as_ref()?;
        Some(status.get("host_statuses").map_or_else(|| status.lacks("host_statuses"), |list| list.evidence()))
    }
}

impl Leg {
    /// What is sent, where the request is not handed over.
    pub fn response(&self, kind: RequestKind) -> Option<Response> {
        let stop = self.end.stop()?;
        let mut response = stop.response(kind);
        if self.delayed {
            response.flags.insert(0, "DI");
        }
        let of_a = matches!(stop, Stop::UpstreamClosed | Stop::UpstreamCutOff | Stop::TcpUpstreamCutOff);
        if self.destination.is_some() && !of_a {
            response.from = Answerer::DestinationProxy;
        }
        Some(response)
    }
}

/// How one way ends.
#[derive(Clone, PartialEq, Debug)]
pub enum End {
    /// The request is handed to a host.
    HandedOver,
    /// It is not, and why.
    Stopped(Stop),
    /// It cannot be told.
    Unknown,
}

impl End {
    /// Why the request is not handed over, where it surely is not.
    pub fn stop(&self) -> Option<&Stop> {
        match self {
            Self::Stopped(stop) => Some(stop),
            Self::HandedOver | Self::Unknown => None,
        }
    }
}

/// A request as a connection manager sends it on: what it makes of the Host, the path and the headers holds from there.
#[derive(Clone, Debug)]
pub(in crate::walk) struct Seen {
    pub(in crate::walk) authority: String,
    pub(in crate::walk) path: String,
    /// Headers with underscores in their names are left out.
    pub(in crate::walk) drops_underscores: bool,
}

/// One way through the proxy, as it grows.
#[derive(Clone, Default, Debug)]
pub(in crate::walk) struct Path {
    pub(in crate::walk) steps: Vec<Step>,
    pub(in crate::walk) decision: Decision,
    pub(in crate::walk) trail: Trail,
    pub(in crate::walk) legs: Vec<Leg>,
    /// The fault filter holds up every request from here on.
    pub(in crate::walk) delayed: bool,
    /// A network filter closes the connection once it is there.
    pub(in crate::walk) denied: Option<Denial>,
    /// B's proxies that were walked.
    pub(in crate::walk) destinations: Vec<DestinationWalk>,
    /// The request leaves A without a proxy.
    pub(in crate::walk) bare: bool,
    /// A network filter chose this cluster in place of the TCP proxy's.
    pub(in crate::walk) cluster: Option<String>,
    /// The request once A's connection manager has taken it.
    pub(in crate::walk) seen: Option<Seen>,
    /// Why certificates were not read, where they were not.
    pub(in crate::walk) certificates_unread: Option<String>,
    /// What sent these requests here, where they were told apart before.
    pub(in crate::walk) by: String,
    /// The subjects of the rows of routes.
    pub(in crate::walk) routes: BTreeSet<String>,
    /// The names of the clusters on the way that are there.
    pub(in crate::walk) there: BTreeSet<String>,
}

impl Path {
    /// Adds a row.
    pub(in crate::walk) fn step(
        &mut self,
        stage: Stage,
        mark: Mark,
        subject: &str,
        note: &str,
        evidence: Vec<Evidence>,
    ) {
        let (subject, note) = (subject.to_owned(), note.to_owned());
        if stage == Stage::Route {
            self.routes.insert(subject.clone());
        }
        self.steps.push(Step { side: Side::Source, stage, mark, subject, note, evidence });
    }

    /// Says more of the last row of a stage.
    pub(in crate::walk) fn amend(&mut self, stage: Stage, mark: Mark, note: &str, evidence: Vec<Evidence>) {
        let Some(row) = self.steps.iter_mut().rev().find(|step| step.stage == stage) else {
            return self.step(stage, mark, "", note, evidence);
        };
        row.mark = mark;
        if !row.note.contains(note) {
            row.note = if row.note.is_empty() { note.to_owned() } else { format!("{}; {note}", row.note) };
        }
        row.evidence.extend(evidence);
    }

    /// Every request ends here.
    pub(in crate::walk) fn stop(
        &mut self,
        stage: Stage,
        subject: &str,
        note: &str,
        stop: Stop,
        evidence: Vec<Evidence>,
    ) {
        self.step(stage, Mark::Stopped, subject, note, evidence);
        self.leg(1.0, "", stage, End::Stopped(stop));
    }

    /// Nothing can be said from here on.
    pub(in crate::walk) fn unknown(&mut self, stage: Stage, subject: &str, note: &str) {
        self.step(stage, Mark::Unknown, subject, note, Vec::new());
        self.leg(1.0, "", stage, End::Unknown);
    }

    pub(in crate::walk) fn leg(&mut self, share: f64, by: &str, stage: Stage, end: End) {
        self.legs.push(Leg {
            share,
            by: by.to_owned(),
            end,
            cluster: None,
            stage,
            delayed: self.delayed,
            destination: None,
        });
    }
}
