//! The driver behind the first stop: what ends the request next, once that were repaired.
//!
//! The one request that is told first is walked again, with its stop taken as repaired, and once more with the stop after
//! that. Such walks add nothing to the answer.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::snapshot::{Need, Origin, Snapshot};
use crate::verdict::{Outcome, Side};

use super::way::branch::Branch;
use super::way::end::End;
use super::way::followed::Followed;
use super::way::guard::Guard;
use super::way::question::{Asks, Question};
use super::way::repair::Repair;
use super::way::walker::Walker;
use super::way::ways::{branches, first_told, together};

/// How many stops in a row are taken as repaired.
const MOST: usize = 2;

/// What follows where a stop is taken as repaired.
#[derive(Clone, Debug)]
pub struct Behind {
    /// The request that is followed, where the question leaves open which.
    pub witness: Option<(String, String)>,
    /// The ways of the requests that would have ended there; one at least.
    pub branches: Vec<Branch>,
    /// The other ways of the same request. What is promised of it holds of all.
    pub others: Vec<Branch>,
}

impl Behind {
    /// Every way of the request.
    pub fn ways(&self) -> impl Iterator<Item = &Branch> {
        self.branches.iter().chain(&self.others)
    }

    /// The way that is told first.
    pub fn told(&self) -> Option<&Branch> {
        first_told(self.ways(), together(self.ways()))
    }
}

/// What stops the request next, stop after stop, where it is `told` how it ends now; and what would have to be read to
/// tell. `follow` follows one request.
pub(super) fn behind(
    snapshot: &Snapshot,
    question: &Question,
    told: &Branch,
    follow: &dyn Fn(&Walker) -> Followed,
) -> (Vec<Behind>, BTreeSet<Need>) {
    let (mut all, mut needs) = (Vec::new(), BTreeSet::new());
    let (question, asked) = asked(question, told);
    // A preflight is not meant to get to B: a proxy before it answers.
    if question.is_preflight() {
        return (all, needs);
    }
    let (mut repairs, mut before) = (Vec::<Repair>::new(), vec![told.clone()]);
    let mut next = told.repair().filter(|_| told.outcome() == Outcome::Fails);
    while let Some(repair) = next.take().filter(|next| repairs.len() < MOST && !repairs.contains(next)) {
        repairs.push(repair);
        let walker = Walker::new(snapshot, &question, Origin::Source(0)).repairing(Rc::from(repairs.as_slice()));
        let Followed { told, kind, .. } = follow(&walker);
        // What is open stays what it was on the way to the stop.
        let is_beside = |branch: &Branch| before.iter().all(|told| branch.is_beside(told));
        let is_behind = |branch: &Branch| repairs.iter().all(|repair| branch.met(repair));
        let ways = branches(told, kind).into_iter().filter(is_beside);
        let (mut behind, others): (Vec<Branch>, Vec<Branch>) = ways.partition(is_behind);
        let guards: Vec<Guard> = asked.iter().cloned().chain(repairs.iter().cloned().map(Guard::Repaired)).collect();
        for branch in &mut behind {
            branch.guards.splice(0..0, guards.iter().cloned());
        }
        needs.extend(walker.into_parts().0);
        let is_open = question.asks != Asks::One && before.iter().any(|told| told.is_over_http(Side::Source));
        let witness = is_open.then(|| (question.method.clone(), question.path.clone()));
        let one = Behind { witness, branches: behind, others };
        let Some(told) = one.told().filter(|told| !one.branches.is_empty() && !is_promise(&one, told)) else { break };
        next = told.repair().filter(|_| told.outcome() == Outcome::Fails);
        before.push(told.clone());
        all.push(one);
    }
    (all, needs)
}

/// The request that is followed, and the guard that says which it is, where the question leaves it open.
fn asked(question: &Question, told: &Branch) -> (Question, Option<Guard>) {
    let is_open = question.asks == Asks::Open;
    let asks = if is_open { Asks::Kind } else { question.asks };
    let guard = told.guards().find(|guard| guard.asked_for().is_some()).cloned();
    let witness = told.asked_for().and_then(|asked| asked.witness());
    let question = match witness {
        Some(witness) => Question {
            method: witness.method.clone(),
            path: witness.path.clone(),
            headers: witness.headers.clone(),
            asks,
            ..question.clone()
        },
        None => Question { asks, ..question.clone() },
    };
    (question, guard)
}

/// Whether the request only seems to arrive: of hosts that are all unhealthy nothing is said but what B's proxy does.
fn is_promise(one: &Behind, told: &Branch) -> bool {
    let is_unproved = |branch: &Branch| branch.visit().is_none() && branch.goes_to_unhealthy();
    told.end == End::HandedOver && one.ways().any(is_unproved)
}
