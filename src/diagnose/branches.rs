//! The ways that requests go, as the verdict lists them: those that end alike are one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::verdict::{self, AskedKind, Finding, Guard, Outcome, Power, Response, Side};
use crate::walk::{self, Walk};

use super::settle::settle;

/// The most ways that are listed.
const MOST: usize = 64;

/// The conditions of a walk, and each with its number.
pub(super) struct Conditions<'a> {
    all: Vec<&'a Arc<walk::Condition>>,
    /// How many of them the answer rests on: the first ones. The others are met behind a stop that is taken as repaired.
    own: usize,
}

impl<'a> Conditions<'a> {
    /// Those of all ways: first what was not read, for reading it settles it, and then in the order of the ways.
    pub(super) fn of(walk: &'a Walk) -> Self {
        let mut all: Vec<&Arc<walk::Condition>> = Vec::new();
        for condition in walk.branches.iter().flat_map(walk::Branch::conditions) {
            if !all.contains(&condition) {
                all.push(condition);
            }
        }
        all.sort_by_key(|condition| !(condition.need.is_some() && condition.powers == [Power::Withhold]));
        let own = all.len();
        let behind = walk.behind.iter().flat_map(|one| &one.branches).flat_map(walk::Branch::conditions);
        for condition in behind {
            if !all.contains(&condition) {
                all.push(condition);
            }
        }
        Self { all, own }
    }

    fn owned(&self) -> &[&'a Arc<walk::Condition>] {
        self.all.get(..self.own).unwrap_or_default()
    }

    /// Whether one of them says so.
    pub(super) fn say(&self, line: &str) -> bool {
        self.owned().iter().any(|condition| condition.why == line)
    }

    /// The number of one, from 1.
    fn number(&self, condition: &walk::Condition) -> usize {
        self.all.iter().position(|known| ***known == *condition).map_or(0, |place| place + 1)
    }

    /// As the verdict has them.
    pub(super) fn shown(&self, walk: &Walk) -> Vec<verdict::Condition> {
        self.each(walk, self.owned())
    }

    /// The same of those that the answer does not rest on.
    pub(super) fn shown_behind(&self, walk: &Walk) -> Vec<verdict::Condition> {
        self.each(walk, self.all.get(self.own..).unwrap_or_default())
    }

    fn each(&self, walk: &Walk, some: &[&Arc<walk::Condition>]) -> Vec<verdict::Condition> {
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
        some.iter().map(shown).collect()
    }
}

/// What tells ways apart in a list.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// Whether the answer rests on it.
    counts: bool,
    fixed: Vec<String>,
    outcome: Outcome,
    response: Option<Response>,
    pod: Option<String>,
}

/// Ways of a walk, worst first; how many are left out; and of each the findings that explain it.
pub(super) fn listed(
    walk: &Walk,
    branches: &[walk::Branch],
    conditions: &Conditions,
    explained: &dyn Fn(&walk::Branch) -> Vec<&'static str>,
) -> (Vec<verdict::Branch>, usize) {
    let asked = |branch: &walk::Branch| branch.asked_for().map(Arc::as_ptr);
    let of_kind = grouped(branches.iter().map(|branch| ((asked(branch), key(branch, conditions)), vec![branch])));
    // Of different kinds of requests those are one that the same share of each comes to.
    #[expect(clippy::cast_possible_truncation, reason = "a share, to compare")]
    let part = |group: &[&walk::Branch]| (share(group) * 1e9).round() as i64;
    let mut groups: Vec<Vec<&walk::Branch>> =
        grouped(of_kind.into_iter().map(|((_, key), group)| ((key, part(&group)), group)))
            .into_iter()
            .map(|(_, group)| group)
            .collect();
    let weight = |group: &Vec<&walk::Branch>| {
        let severity = group.iter().map(|branch| branch.severity()).max().unwrap_or_default();
        let counts = group.iter().any(|branch| branch.counts());
        ((counts, severity), share(group))
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

/// What has the same key, in the order in which it came first.
fn grouped<'a, K: Ord + Clone>(
    all: impl Iterator<Item = (K, Vec<&'a walk::Branch>)>,
) -> Vec<(K, Vec<&'a walk::Branch>)> {
    let mut groups: Vec<(K, Vec<&walk::Branch>)> = Vec::new();
    let mut places: BTreeMap<K, usize> = BTreeMap::new();
    for (key, branches) in all {
        let place = *places.entry(key.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, group)) => group.extend(branches),
            None => groups.push((key, branches)),
        }
    }
    groups
}

/// The share of ways that end alike, among requests of one kind.
fn share(group: &[&walk::Branch]) -> f64 {
    let of_first = |branch: &&&walk::Branch| group.first().is_some_and(|first| branch.is_asked_with(first));
    group.iter().filter(of_first).map(|branch| branch.share()).sum()
}

fn key(branch: &walk::Branch, conditions: &Conditions) -> Key {
    let fixed = branch.guards().filter_map(|guard| match guard {
        walk::Guard::Drawn { .. } | walk::Guard::Asked(_) | walk::Guard::Pod { .. } => None,
        walk::Guard::Address { .. } | walk::Guard::Provided { .. } | walk::Guard::Repaired(_) => {
            Some(shown(guard, conditions).words())
        }
    });
    Key {
        counts: branch.counts(),
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
    let of_first: Vec<&walk::Branch> = group.iter().copied().filter(|branch| branch.is_asked_with(first)).collect();
    let mut findings: Vec<&'static str> = group.iter().flat_map(|branch| explained(branch)).collect();
    findings.sort_unstable();
    findings.dedup();
    Some(verdict::Branch {
        guards: guards(group, conditions),
        share: share(group),
        outcome: first.outcome(),
        response: first.response(),
        decision: walk.decision_of(&of_first),
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
            walk::Guard::Asked(_) => fixed.push(Guard::Asked(kinds(group))),
            walk::Guard::Pod { .. } if first.end.stop().is_none() => {}
            walk::Guard::Pod { .. }
            | walk::Guard::Address { .. }
            | walk::Guard::Provided { .. }
            | walk::Guard::Repaired(_) => {
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
        let of_first = group.iter().filter(|branch| branch.is_asked_with(first));
        let share = of_first.map(|branch| branch.drawn_share()).sum();
        let place = fixed.iter().take_while(|guard| matches!(guard, Guard::Asked(_))).count();
        fixed.insert(place, Guard::Drawn { by, share });
    }
    fixed
}

/// The kinds of requests that go these ways, each once.
fn kinds(group: &[&walk::Branch]) -> Vec<AskedKind> {
    let mut known = BTreeSet::new();
    let all = group.iter().filter_map(|branch| branch.asked_for()).filter(|asked| known.insert(Arc::as_ptr(asked)));
    all.flat_map(|asked| &asked.kinds).map(shown_kind).collect()
}

fn shown_kind(kind: &walk::Kind) -> AskedKind {
    let witness = kind.witness.clone();
    AskedKind { predicate: kind.predicate.clone(), witness: (witness.method, witness.path, witness.headers) }
}

fn shown(guard: &walk::Guard, conditions: &Conditions) -> Guard {
    match guard {
        walk::Guard::Drawn { by, share, .. } => Guard::Drawn { by: by.clone(), share: *share },
        walk::Guard::Asked(asked) => Guard::Asked(asked.kinds.iter().map(shown_kind).collect()),
        walk::Guard::Address { address, .. } => {
            Guard::Address(address.clone().unwrap_or_else(|| "that no listener names".to_owned()))
        }
        walk::Guard::Pod { pod, .. } => Guard::Pod(Side::Destination, pod.clone()),
        walk::Guard::Provided { condition, alternative } => Guard::Provided {
            condition: conditions.number(condition),
            alternative: alternative.as_ref().map(|alternative| alternative.words.clone()),
        },
        walk::Guard::Repaired(repair) => Guard::Repaired { stop: repair.word(), finding: None },
    }
}

/// The findings, with what is only explained under a condition made likely.
pub(super) fn doubted(findings: Vec<Finding>) -> Vec<Finding> {
    findings.into_iter().map(|finding| Finding { certainty: verdict::Certainty::Likely, ..finding }).collect()
}
