//! The ways that requests go, as the verdict lists them: those that end alike are one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::verdict::{self, Finding, Guard, Outcome, Response, Side};
use crate::walk::{self, Walk};

use super::settle::settle;

/// The most ways that are listed.
const MOST: usize = 64;

/// The conditions of a walk, and each with its number.
pub(super) struct Conditions<'a> {
    all: Vec<&'a Arc<walk::Condition>>,
}

impl<'a> Conditions<'a> {
    /// Those of all ways, in the order of the ways.
    pub(super) fn of(walk: &'a Walk) -> Self {
        let mut all: Vec<&Arc<walk::Condition>> = Vec::new();
        for condition in walk.branches.iter().flat_map(walk::Branch::conditions) {
            if !all.contains(&condition) {
                all.push(condition);
            }
        }
        Self { all }
    }

    /// Whether one of them says so.
    pub(super) fn say(&self, line: &str) -> bool {
        self.all.iter().any(|condition| condition.why == line)
    }

    /// The number of one, from 1.
    fn number(&self, condition: &walk::Condition) -> usize {
        self.all.iter().position(|known| ***known == *condition).map_or(0, |place| place + 1)
    }

    /// As the verdict has them.
    pub(super) fn shown(&self, walk: &Walk) -> Vec<verdict::Condition> {
        let shown = |condition: &&Arc<walk::Condition>| verdict::Condition {
            id: self.number(condition),
            side: condition.side,
            stage: condition.stage,
            subject: condition.subject.clone(),
            powers: condition.powers.clone(),
            why: condition.why.clone(),
            proviso: condition.proviso.clone(),
            settle: settle(walk, condition),
            evidence: condition.evidence.clone(),
        };
        self.all.iter().map(shown).collect()
    }
}

/// What tells ways apart in a list.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    fixed: Vec<String>,
    outcome: Outcome,
    response: Option<Response>,
    pod: Option<String>,
}

/// The ways of a walk, worst first; how many are left out; and of each the findings that explain it.
pub(super) fn listed(
    walk: &Walk,
    conditions: &Conditions,
    explained: &dyn Fn(&walk::Branch) -> Vec<&'static str>,
) -> (Vec<verdict::Branch>, usize) {
    let mut groups: Vec<Vec<&walk::Branch>> = Vec::new();
    let mut places: BTreeMap<Key, usize> = BTreeMap::new();
    for branch in &walk.branches {
        let place = *places.entry(key(branch, conditions)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(branch),
            None => groups.push(vec![branch]),
        }
    }
    let weight = |group: &Vec<&walk::Branch>| {
        let severity = group.iter().map(|branch| branch.severity()).max().unwrap_or_default();
        (severity, group.iter().map(|branch| branch.share()).sum::<f64>())
    };
    groups.sort_by(|a, b| {
        let ((a, a_share), (b, b_share)) = (weight(a), weight(b));
        b.cmp(&a).then(b_share.total_cmp(&a_share))
    });
    let left_out = groups.len().saturating_sub(MOST);
    groups.truncate(MOST);
    let branch = |group: &Vec<&walk::Branch>| one(walk, group, conditions, explained);
    (groups.iter().filter_map(branch).collect(), left_out)
}

fn key(branch: &walk::Branch, conditions: &Conditions) -> Key {
    let fixed = branch.guards().filter_map(|guard| match guard {
        walk::Guard::Drawn { .. } | walk::Guard::Pod { .. } => None,
        walk::Guard::Address { .. } | walk::Guard::Provided { .. } => Some(shown(guard, conditions).words()),
    });
    Key {
        fixed: fixed.collect(),
        outcome: branch.outcome(),
        response: branch.response(),
        pod: branch.visit().filter(|_| branch.end.stop().is_some()).map(|visit| visit.pod_name()),
    }
}

fn one(
    walk: &Walk,
    group: &[&walk::Branch],
    conditions: &Conditions,
    explained: &dyn Fn(&walk::Branch) -> Vec<&'static str>,
) -> Option<verdict::Branch> {
    let first = group.iter().copied().reduce(|a, b| if b.share() > a.share() { b } else { a })?;
    let share = group.iter().map(|branch| branch.share()).sum();
    let mut findings: Vec<&'static str> = group.iter().flat_map(|branch| explained(branch)).collect();
    findings.sort_unstable();
    findings.dedup();
    Some(verdict::Branch {
        guards: guards(group, conditions),
        share,
        outcome: first.outcome(),
        response: first.response(),
        decision: walk.decision_of(group),
        steps: first.steps(),
        findings,
    })
}

/// The guards that all of them have, and what is drawn for each, as one draw.
fn guards(group: &[&walk::Branch], conditions: &Conditions) -> Vec<Guard> {
    const FEW: usize = 3;
    let Some(first) = group.first() else { return Vec::new() };
    let mut fixed: Vec<Guard> = Vec::new();
    for guard in first.guards() {
        match guard {
            walk::Guard::Drawn { .. } => {}
            walk::Guard::Pod { .. } if first.end.stop().is_none() => {}
            walk::Guard::Pod { .. } | walk::Guard::Address { .. } | walk::Guard::Provided { .. } => {
                fixed.push(shown(guard, conditions));
            }
        }
    }
    let drawn = |branch: &&walk::Branch| {
        let drawn = branch.guards().filter(|guard| matches!(guard, walk::Guard::Drawn { .. }));
        drawn.map(|guard| shown(guard, conditions).words()).filter(|by| !by.is_empty()).collect::<Vec<_>>().join(", ")
    };
    let mut known = BTreeSet::new();
    let all: Vec<String> = group.iter().map(drawn).filter(|by| !by.is_empty() && known.insert(by.clone())).collect();
    if !all.is_empty() {
        let more = all.len().saturating_sub(FEW);
        let mut by = all.iter().take(FEW).cloned().collect::<Vec<_>>().join(" or ");
        if more > 0 {
            by = format!("{by} or {more} more");
        }
        let share = group.iter().map(|branch| branch.drawn_share()).sum();
        fixed.insert(0, Guard::Drawn { by, share });
    }
    fixed
}

fn shown(guard: &walk::Guard, conditions: &Conditions) -> Guard {
    match guard {
        walk::Guard::Drawn { by, share, .. } => Guard::Drawn { by: by.clone(), share: *share },
        walk::Guard::Address { address, .. } => {
            Guard::Address(address.clone().unwrap_or_else(|| "that no listener names".to_owned()))
        }
        walk::Guard::Pod { pod, .. } => Guard::Pod(Side::Destination, pod.clone()),
        walk::Guard::Provided { condition, alternative } => Guard::Provided {
            condition: conditions.number(condition),
            alternative: alternative.as_ref().map(|alternative| alternative.words.clone()),
        },
    }
}

/// The findings, with what is only explained under a condition made likely.
pub(super) fn doubted(findings: Vec<Finding>) -> Vec<Finding> {
    findings.into_iter().map(|finding| Finding { certainty: verdict::Certainty::Likely, ..finding }).collect()
}
