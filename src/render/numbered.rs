//! One number for each piece of evidence, the same in every format.
//!
//! What carries the verdict is numbered first, in the order in which the screen cites it, so that a screen that
//! shows no more than that has no gaps; the rest follows.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::Evidence;
use crate::verdict::{Finding, Mark, Stage, Step, Verdict};

/// The evidence of a verdict, numbered from 1.
pub(super) struct Numbered<'a> {
    list: Vec<&'a Evidence>,
    numbers: BTreeMap<&'a Evidence, usize>,
    carriers: usize,
    own: usize,
}

impl<'a> Numbered<'a> {
    pub(super) fn of(verdict: &'a Verdict) -> Self {
        let carrying: BTreeSet<&Evidence> = carrying(verdict).collect();
        let steps = verdict.steps.iter().flat_map(|step| &step.evidence);
        let of_branches = verdict.branches.iter().flat_map(|branch| &branch.steps).flat_map(|step| &step.evidence);
        let of_conditions = verdict.conditions.iter().flat_map(|condition| &condition.evidence);
        let cited = steps.chain(verdict.findings.iter().flat_map(|f| &f.evidence)).chain(of_conditions);
        let cited: Vec<&Evidence> = cited.chain(of_branches).collect();
        let mut numbered = Self { list: Vec::new(), numbers: BTreeMap::new(), carriers: carrying.len(), own: 0 };
        for evidence in cited.iter().filter(|e| carrying.contains(*e)).chain(&cited) {
            numbered.add(evidence);
        }
        numbered.own = numbered.list.len();
        // What the answer does not rest on comes last.
        let behind = &verdict.behind;
        let steps = behind.branches.iter().flat_map(|branch| &branch.steps).flat_map(|step| &step.evidence);
        let of_findings = behind.findings.iter().flat_map(|(finding, _)| &finding.evidence);
        let of_conditions = behind.conditions.iter().flat_map(|condition| &condition.evidence);
        of_findings.chain(of_conditions).chain(steps).for_each(|evidence| numbered.add(evidence));
        numbered
    }

    /// All of it, by number.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &'a Evidence)> {
        self.list.iter().enumerate().map(|(i, evidence)| (i + 1, *evidence))
    }

    /// How many pieces carry the verdict: the first ones.
    pub(super) fn carriers(&self) -> usize {
        self.carriers
    }

    /// How many pieces the answer has.
    pub(super) fn count(&self) -> usize {
        self.own
    }

    /// The numbers of these, ascending.
    pub(super) fn numbers(&self, cited: &[Evidence]) -> Vec<usize> {
        let numbers: BTreeSet<usize> = cited.iter().filter_map(|e| self.numbers.get(e).copied()).collect();
        numbers.into_iter().collect()
    }

    fn add(&mut self, evidence: &'a Evidence) {
        let next = self.list.len() + 1;
        if *self.numbers.entry(evidence).or_insert(next) == next {
            self.list.push(evidence);
        }
    }
}

/// What the verdict stands on: the steps that did not simply pass, and the first finding. Where all went well,
/// the route and the endpoints that were chosen.
fn carrying(verdict: &Verdict) -> impl Iterator<Item = &Evidence> {
    let finding = verdict.findings.first();
    let sound = finding.is_none() && !verdict.steps.iter().any(marked);
    let carries = move |step: &&Step| {
        if sound { matches!(step.stage, Stage::Route | Stage::Endpoints) } else { marked(step) }
    };
    let steps = verdict.steps.iter().filter(carries).flat_map(|step| &step.evidence);
    steps.chain(finding.into_iter().flat_map(|finding: &Finding| &finding.evidence))
}

fn marked(step: &Step) -> bool {
    match step.mark {
        Mark::Warned | Mark::Stopped | Mark::Unknown => true,
        Mark::Passed | Mark::NotReached => false,
    }
}
