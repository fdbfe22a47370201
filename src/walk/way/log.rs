//! What was met on the way, in the order in which it was met: rows for people, and facts for those who explain.

use std::sync::Arc;

use crate::envoy::local_reply::Replies;
use crate::snapshot::{Evidence, Node, RouteTable};
use crate::verdict::{Mark, Side, Stage};

use super::apart::Apart;
use super::met::{ClusterTrail, Missed, Visit};
use super::stop::Stop;

/// Entries in order. They are shared: ways that part have a beginning in common.
pub(in crate::walk) type Log = Vec<Arc<Entry>>;

/// Something that one of the proxies met.
#[derive(Clone, Debug)]
pub(in crate::walk) struct Entry {
    pub(in crate::walk) side: Side,
    pub(in crate::walk) fact: Fact,
}

/// A row of the walk.
#[derive(Clone, Debug)]
pub(in crate::walk) struct Row {
    pub(in crate::walk) stage: Stage,
    pub(in crate::walk) mark: Mark,
    pub(in crate::walk) subject: String,
    pub(in crate::walk) note: String,
    pub(in crate::walk) evidence: Vec<Evidence>,
}

/// What was met.
#[derive(Clone, Debug)]
pub(in crate::walk) enum Fact {
    /// A row.
    Row(Row),
    /// More of the last row of a stage: its mark and its note.
    More(Row),
    /// B's Service.
    Service(Node),
    /// Names near the one that was asked for.
    Near(Vec<String>),
    /// Proof that the thing which ends the way is not there.
    Absence(Vec<Evidence>),
    /// The request leaves A as it is, past any proxy.
    Leaves,
    /// The listener, by its name.
    Listener(String, Node),
    /// The filter chain, by its name.
    FilterChain(String, Node),
    /// The route configuration's name.
    RouteConfigName(String),
    /// The route configuration.
    RouteConfig(Arc<RouteTable>),
    /// What tells requests apart, where the question is about more than one.
    Apart(Arc<Apart>),
    /// The virtual host, by its name, without its routes.
    VirtualHost(String, Node),
    /// The route that was chosen.
    Route(Arc<ChosenRoute>),
    /// No route took the request: the one that came nearest.
    Missed(Box<Missed>),
    /// The configuration of a fault that applies.
    Fault(Node),
    /// The fault filter holds every request up.
    Delayed,
    /// A cache asks the route's cluster, and the router is not met.
    Cached,
    /// What a filter's own answer rests on.
    Denial(Node),
    /// What becomes of the statuses of the proxy's own replies.
    Replies(Arc<Replies>),
    /// The request got through the HTTP filters.
    Filtered,
    /// The cluster, and its hosts.
    Cluster(Arc<ClusterTrail>),
    /// The proxy hands the request to a host.
    HandedOver,
    /// Something is open, and whatever it is the request goes the same way.
    Unsettled {
        /// Why it is open.
        why: String,
        /// Where the alternatives have different names.
        differing: Vec<Stage>,
    },
    /// B's pod whose proxy takes the request.
    Pod(Arc<Visit>),
    /// What ends the way here, at which place: a walk could take it as repaired.
    Repairable(Stop, String),
    /// The same, where the walk takes it as repaired, and the way goes on.
    Repaired(Stop, String),
    /// How B's proxy ends it, in that proxy's own words; A's proxy makes something else of it.
    Ended(Stop),
}

/// The route that was chosen, and the clusters that it names: Envoy logs both even where a filter answers.
#[derive(Debug)]
pub(in crate::walk) struct ChosenRoute {
    pub(in crate::walk) name: String,
    pub(in crate::walk) index: Option<usize>,
    pub(in crate::walk) node: Node,
    /// Each with the share of the route's requests that it gets.
    pub(in crate::walk) clusters: Vec<(String, f64)>,
}

impl Entry {
    /// An entry of the proxy that is walked. The driver says which one that is.
    pub(in crate::walk) fn source(fact: Fact) -> Arc<Self> {
        Arc::new(Self { side: Side::Source, fact })
    }

    /// The same, of another side.
    pub(in crate::walk) fn on(&self, side: Side) -> Arc<Self> {
        Arc::new(Self { side, fact: self.fact.clone() })
    }
}

impl Row {
    /// A row of a stage.
    pub(in crate::walk) fn new(stage: Stage, mark: Mark, subject: &str, note: &str) -> Self {
        let (subject, note) = (subject.to_owned(), note.to_owned());
        Self { stage, mark, subject, note, evidence: Vec::new() }
    }

    /// Of something that the request passes.
    pub(in crate::walk) fn passed(stage: Stage, subject: &str, note: &str) -> Self {
        Self::new(stage, Mark::Passed, subject, note)
    }

    /// Of what ends the request.
    pub(in crate::walk) fn stopped(stage: Stage, subject: &str, note: &str) -> Self {
        Self::new(stage, Mark::Stopped, subject, note)
    }

    /// Of something that is not known.
    pub(in crate::walk) fn unknown(stage: Stage, subject: &str, note: &str) -> Self {
        Self::new(stage, Mark::Unknown, subject, note)
    }

    /// The same, with what it rests on.
    pub(in crate::walk) fn citing(self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        Self { evidence: evidence.into_iter().collect(), ..self }
    }
}

impl Fact {
    /// The name of what was met at a stage.
    pub(in crate::walk) fn name_at(&self, stage: Stage) -> Option<String> {
        let of = |own: Stage, name: &String| (own == stage).then(|| name.clone());
        if let Self::Listener(name, _) = self {
            of(Stage::Listener, name)
        } else if let Self::FilterChain(name, _) = self {
            of(Stage::FilterChain, name)
        } else if let Self::RouteConfigName(name) = self {
            of(Stage::Route, name)
        } else {
            None
        }
    }

    /// What of it tells ways apart that end alike: each address can have a listener of its own, with routes of its own.
    pub(in crate::walk) fn mark(&self) -> Option<String> {
        if let Self::VirtualHost(name, _) = self {
            Some(name.clone())
        } else if let Self::Route(route) = self {
            Some(format!("{} {:?}", route.name, route.index))
        } else if let Self::Cluster(cluster) = self {
            Some(cluster.name.clone())
        } else {
            None
        }
    }
}
