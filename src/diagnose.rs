//! Why it came about, in the user's vocabulary: an open set, one file each.
//!
//! A finding is a file in `findings/`: its name is the id, its first `//!` line the title, the rest of the `//!` block
//! the explanation, and `examine` the work. build.rs turns the folder into the roster, so there is no list to keep.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod case;
mod command;
mod fix;
mod hidden;
mod rules;
mod summary;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::mesh::proxies::proxies;
use crate::snapshot::{Need, Origin, Snapshot};
use crate::verdict::{Certainty, Cluster, Finding, Mark, Outcome, Response, Side, Stage, Step, Verdict};
use crate::walk::{End, Leg, Walk};

pub(crate) use case::{
    Case, ROOT_NAMESPACE, all_ejected, all_endpoints, health_of, label_text, named, object_ref, quoted_list, ref_of,
};
pub(crate) use command::{
    Columns, describe, list, list_pods, list_slices, logs, proxy_secret, proxy_status, service_logs, show,
};
pub(crate) use fix::{
    add_item, advice, create, create_entry, egress_host, in_field, remove, replace, set, target_port,
};
pub(crate) use rules::{
    destination_field, destination_of, destinations, is_host, only, policy_part, rules, rules_field,
};

/// How often a configuration that moves is read before there is no verdict.
pub const TRIES: usize = 3;

include!(concat!(env!("OUT_DIR"), "/roster.rs"));

/// One finding of the roster.
#[derive(Debug)]
pub struct Rule {
    /// The file's name, with dashes.
    pub id: &'static str,
    /// What it says, in one line.
    pub title: &'static str,
    /// What it means, how it comes about and how to fix it.
    pub explain: &'static str,
    examine: fn(&Case) -> Option<Finding>,
}

/// Every finding that there is, by id.
pub fn roster() -> &'static [Rule] {
    ROSTER
}

/// Explains a walk. Besides the verdict: what the findings would like to know next.
pub fn diagnose(snapshot: &Snapshot, walk: Walk) -> (Verdict, BTreeSet<Need>) {
    let needs = RefCell::new(BTreeSet::new());
    let mut findings: Vec<Finding> = Vec::new();
    // What explains the answer that is named, by id and title: ways may fail of different causes.
    let (mut main, mut known) = (BTreeSet::new(), BTreeSet::new());
    let answer = walk.response();
    for leg in examined(&walk, answer.as_ref()) {
        let case = Case::new(snapshot, &walk, leg, &needs);
        for finding in ROSTER.iter().filter_map(|rule| (rule.examine)(&case)) {
            let title = (finding.id, finding.title.clone());
            if ends_so(&walk, leg, answer.as_ref()) {
                main.insert(title.clone());
            }
            if known.insert(title) {
                findings.push(finding);
            }
        }
    }
    let is_main = |f: &Finding| main.contains(&(f.id, f.title.clone()));
    findings.sort_by_key(|f| (f.certainty, !is_main(f), f.stage, f.id));
    let cause = findings.iter().find(|f| is_main(f)).cloned();
    let mut needs = needs.into_inner();
    needs.extend(walk.needs.iter().cloned());
    let mut verdict = verdict(snapshot, walk, findings, cause.as_ref());
    hidden::hide(&mut verdict);
    (verdict, needs)
}

/// How many ways are explained: more causes than anybody reads. Each may look at every object that was read.
const MOST: usize = 100;

/// The ways that are examined, each by itself: those that end differently. Where they are too many, those go first that
/// end as the answer says, then others that end.
fn examined<'a>(walk: &'a Walk, answer: Option<&Response>) -> Vec<&'a Leg> {
    let mut legs = distinct_legs(walk);
    if legs.len() > MOST {
        legs.sort_by_key(|leg| (!ends_so(walk, leg, answer), leg.end.stop().is_none()));
        legs.truncate(MOST);
    }
    legs
}

/// Whether a way ends as the answer says, in what a client sees.
fn ends_so(walk: &Walk, leg: &Leg, answer: Option<&Response>) -> bool {
    leg.end.stop().is_some() && leg.response(walk.kind).as_ref() == answer
}

/// The ways that end differently.
fn distinct_legs(walk: &Walk) -> Vec<&Leg> {
    let mut legs: Vec<&Leg> = Vec::new();
    // Of one cluster and one pod few are different.
    let mut ends: BTreeMap<(Option<usize>, Option<usize>), Vec<&End>> = BTreeMap::new();
    for leg in walk.legs.iter().filter(|leg| leg.end != End::Unknown) {
        let known = ends.entry((leg.cluster, leg.destination)).or_default();
        if !known.contains(&&leg.end) {
            known.push(&leg.end);
            legs.push(leg);
        }
    }
    legs
}

fn verdict(snapshot: &Snapshot, walk: Walk, findings: Vec<Finding>, cause: Option<&Finding>) -> Verdict {
    let outcome = walk.outcome();
    let mut unchecked = walk.unchecked.clone();
    let ended = distinct_legs(&walk).into_iter().filter(|leg| leg.end.stop().is_some()).count();
    if ended > MOST {
        unchecked.push(format!("what causes {} of the {ended} ways that do not get to B", ended - MOST));
    }
    if matches!(outcome, Outcome::Reaches | Outcome::Partial) {
        unchecked.push(if walk.leaves_open() {
            format!("the proxy at {} and the application behind it were not read", walk.request.target)
        } else {
            "what the application itself answers".to_owned()
        });
    }
    let response = if outcome == Outcome::Reaches { None } else { walk.response() };
    Verdict {
        outcome,
        summary: summary::line(&walk, outcome, response.as_ref(), cause, &unchecked),
        response,
        branches: walk.branches(),
        request: walk.request,
        decision: walk.decision,
        steps: walk.steps,
        findings,
        unchecked,
        time: snapshot.time.clone(),
        cluster: cluster(snapshot),
        proxies: proxies(snapshot),
    }
}

fn cluster(snapshot: &Snapshot) -> Cluster {
    let read = snapshot.cluster.without_secrets();
    Cluster { context: read.context, namespace: read.namespace }
}

/// The verdict where the configuration was another at each read: what was found is true of none of its versions.
pub fn unsettled(found: Verdict, moved: &[Need]) -> Verdict {
    let what = moved.iter().map(|need| {
        let part = if let Need::LastUpdated(part) = need { part } else { need };
        format!("{part} of {}", whose(need))
    });
    let what = what.collect::<Vec<_>>().join(", ");
    let note = format!("the configuration was another at each of {TRIES} reads ({what} changed); ask again");
    let (a, b) = (&found.request.source_name, &found.request.target);
    let mut steps: Vec<Step> = found.steps.into_iter().filter(|step| step.stage == Stage::Request).collect();
    steps.push(Step {
        side: Side::Source,
        stage: Stage::Listener,
        mark: Mark::Unknown,
        subject: String::new(),
        note: note.clone(),
        evidence: Vec::new(),
    });
    Verdict {
        outcome: Outcome::Unknown,
        summary: format!("cannot tell whether {a} reaches {b}: {note}"),
        response: None,
        request: found.request,
        decision: None,
        branches: Vec::new(),
        steps,
        findings: Vec::new(),
        unchecked: vec![note],
        time: found.time,
        cluster: found.cluster,
        proxies: found.proxies,
    }
}

fn whose(need: &Need) -> &'static str {
    match need.origin() {
        Origin::Source(_) => "A's proxy",
        Origin::Destination(_) => "B's proxy",
        Origin::Kubernetes | Origin::ControlPlane => "the cluster",
    }
}

/// Whether a finding is beyond doubt.
pub(crate) fn certain(proved: Proved) -> Certainty {
    match proved {
        Proved::Yes => Certainty::Certain,
        Proved::No => Certainty::Likely,
    }
}

/// Whether the evidence alone proves a cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Proved {
    /// Nothing else could look the same.
    Yes,
    /// Something else could.
    No,
}
