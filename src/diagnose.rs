//! Why it came about, in the user's vocabulary: an open set, one file each.
//!
//! A finding is a file in `findings/`: its name is the id, its first `//!` line the title, the rest of the `//!` block
//! the explanation, and `examine` the work. build.rs turns the folder into the roster, so there is no list to keep.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod case;
mod command;
mod summary;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{Need, Snapshot};
use crate::verdict::{Certainty, Finding, Outcome, Response, Verdict};
use crate::walk::{End, Leg, Walk};

pub(crate) use case::{
    Case, ROOT_NAMESPACE, all_ejected, all_endpoints, health_of, label_text, named, object_ref, quoted_list, ref_of,
};
pub(crate) use command::{
    Columns, describe, list, list_pods, list_slices, logs, proxy_secret, proxy_status, service_logs, show,
};

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
    (verdict(snapshot, walk, findings, cause.as_ref()), needs)
}

/// How many ways are explained: more causes than anybody reads. Each may look at every object that was read.
const MOST: usize = 100;

/// The ways that are examined, each by itself: those that end differently. Where they are too many, those go first that
/// end as the answer says.
fn examined<'a>(walk: &'a Walk, answer: Option<&Response>) -> Vec<&'a Leg> {
    let legs = distinct_legs(walk);
    if legs.len() <= MOST {
        return legs;
    }
    let (mut so, others): (Vec<&Leg>, Vec<&Leg>) = legs.into_iter().partition(|leg| ends_so(walk, leg, answer));
    so.extend(others);
    so.truncate(MOST);
    so
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
    let ways = distinct_legs(&walk).len();
    if ways > MOST {
        unchecked.push(format!("what causes the other {} of the {ways} ways that requests go", ways - MOST));
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
