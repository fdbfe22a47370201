//! What becomes of the requests that choose one cluster.

use std::sync::Arc;

use crate::snapshot::Evidence;
use crate::verdict::{Mark, Stage};
use crate::walk::way::course::Told;
use crate::walk::way::dial::Dial;
use crate::walk::way::forwarded::{Handed, Over, Wire};
use crate::walk::way::guard::{Condition, Guard};
use crate::walk::way::log::{Fact, Row};
use crate::walk::way::met::ClusterTrail;
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Gap;

/// What becomes of the requests that choose one cluster.
#[derive(Clone)]
pub(in crate::walk) struct Evaluated {
    pub(in crate::walk) trail: ClusterTrail,
    /// Shares of this cluster's requests, what is drawn for them, and how they end.
    pub(in crate::walk) ends: Vec<(f64, &'static str, Fate)>,
    pub(in crate::walk) cluster: Row,
    pub(in crate::walk) hosts: Option<Row>,
    /// What all of it rests on.
    pub(in crate::walk) conditions: Vec<Condition>,
    /// What is taken as repaired.
    repaired: Vec<Mended>,
}

/// A stop of a cluster that is taken as repaired: the stop, the cluster's name, and the row that would say that it ends.
pub(in crate::walk) type Mended = (Stop, String, Row);

/// How requests end at a cluster.
#[derive(Clone)]
pub(in crate::walk) enum Fate {
    /// They are handed to a host.
    HandedOver,
    /// They are not, and why.
    Stopped(Stop),
    /// It waits for something to be read.
    Open(Condition),
}

impl Evaluated {
    /// Shares of the cluster's requests, and the rows.
    pub(in crate::walk) fn of(
        trail: ClusterTrail,
        ends: Vec<(f64, &'static str, Fate)>,
        cluster: Row,
        hosts: Option<Row>,
    ) -> Self {
        Self { trail, ends, cluster, hosts, conditions: Vec::new(), repaired: Vec::new() }
    }

    /// Every request ends at the cluster.
    pub(in crate::walk) fn ended(trail: ClusterTrail, stop: Stop, note: &str, evidence: Vec<Evidence>) -> Self {
        let cluster = row(&trail, Mark::Stopped, note).citing(evidence);
        Self::of(trail, vec![(1.0, "", Fate::Stopped(stop))], cluster, None)
    }

    /// The cluster is not there.
    pub(in crate::walk) fn missing(trail: ClusterTrail, wire: Wire, note: &str, evidence: Vec<Evidence>) -> Self {
        Self::ended(trail, wire.no_cluster(), note, evidence)
    }

    /// It waits for something to be read.
    fn waiting(trail: ClusterTrail, condition: Condition) -> Self {
        let cluster = row(&trail, Mark::Unknown, &condition.why);
        Self::of(trail, vec![(1.0, "", Fate::Open(condition))], cluster, None)
    }

    /// Something was not read: it waits, or where that was tried in vain a host takes the request, or none does.
    pub(in crate::walk) fn unread(trail: ClusterTrail, gap: &Gap, otherwise: &str) -> Self {
        let condition = withheld(&trail.name, &gap.words(otherwise)).settled_by(gap.need.clone());
        if gap.was_tried() { Self::handed_over(trail, condition) } else { Self::waiting(trail, condition) }
    }

    /// Who of its hosts gets a request cannot be told.
    pub(in crate::walk) fn unknown(trail: ClusterTrail, why: &str) -> Self {
        let condition = withheld(&trail.name, why);
        Self::handed_over(trail, condition)
    }

    /// A host takes every request, provided that there is one.
    fn handed_over(trail: ClusterTrail, condition: Condition) -> Self {
        let cluster = row(&trail, Mark::Passed, "");
        Self::of(trail, vec![(1.0, "", Fate::HandedOver)], cluster, None).under(vec![condition])
    }

    /// The same, resting on this too.
    pub(in crate::walk) fn under(mut self, conditions: Vec<Condition>) -> Self {
        self.conditions.splice(0..0, conditions);
        self
    }

    /// The same, where these stops are taken as repaired.
    pub(in crate::walk) fn mended(mut self, repaired: Vec<Mended>) -> Self {
        self.repaired.splice(0..0, repaired);
        self
    }

    /// As a stage tells it.
    pub(in crate::walk) fn told(self, dial: &Dial, over: &Over) -> Told<Handed> {
        let Self { trail, ends, cluster, hosts, conditions, repaired } = self;
        let trail = Arc::new(trail);
        let fact = Fact::Cluster(Arc::clone(&trail));
        let handed = || Handed { dial: dial.clone(), over: over.clone(), cluster: Some(Arc::clone(&trail)) };
        let part = |(share, by, fate): (f64, &'static str, Fate)| {
            let told = match fate {
                Fate::HandedOver => Told::goes(handed()),
                Fate::Stopped(stop) => ended_at(&trail, stop, handed()),
                Fate::Open(condition) => Told::open(condition),
            };
            (Guard::drawn(by, share), told)
        };
        let told = Told::parts(ends.into_iter().map(part).collect());
        let told = hosts.into_iter().fold(told, Told::row);
        let told = told.under(conditions).row(cluster).met(fact);
        repaired.into_iter().rev().fold(told, |told, (stop, at, row)| told.repaired(&stop, &at, row))
    }
}

/// A share of the cluster's requests ends. Without a host there is none that would get them once that were repaired.
fn ended_at(trail: &ClusterTrail, stop: Stop, handed: Handed) -> Told<Handed> {
    let is_repairable = !(matches!(stop, Stop::NoHealthyUpstream(_)) && trail.hosts.is_empty());
    let fact = is_repairable.then(|| Fact::Repairable(stop.clone(), trail.name.clone()));
    fact.into_iter().fold(Told::ends_before(stop, handed), Told::met)
}

/// A row of the cluster.
pub(in crate::walk) fn row(trail: &ClusterTrail, mark: Mark, note: &str) -> Row {
    let name = if trail.name.is_empty() { "no cluster" } else { &trail.name };
    Row::new(Stage::Cluster, mark, name, note)
}

/// What of a cluster's hosts is not known.
pub(in crate::walk) fn withheld(name: &str, why: &str) -> Condition {
    Condition::withheld(Stage::Endpoints, name, why).provided_that(&format!("cluster {name} has a host that takes it"))
}
