//! All ways of a walk: read off the tree, and which of them is told first.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::verdict::Outcome;

use super::branch::Branch;
use super::course::{Last, Told, Way};
use super::end::End;
use super::guard::Guard;
use super::outcome::combine;
use super::stop::RequestKind;

/// The ways of a walk.
pub(in crate::walk) fn branches(told: Told<()>, kind: RequestKind) -> Vec<Branch> {
    let branch = |Way { guards, log, last }: Way<()>| {
        let end = match last {
            Last::Goes(()) => End::HandedOver,
            Last::Ends(stop, _) => End::Stopped(stop),
            Last::Open => End::Unknown,
        };
        let kind = guards.iter().find_map(Guard::asked_for).map_or(kind, |asked_for| asked_for.request);
        Branch { guards, end, log, kind }
    };
    told.ways().into_iter().map(branch).collect()
}

/// What surely becomes of all of them together.
pub(in crate::walk) fn together<'a>(branches: impl Iterator<Item = &'a Branch>) -> Outcome {
    let all: Vec<(f64, Outcome)> = branches.map(|branch| (branch.share(), branch.sure_outcome())).collect();
    combine(&all)
}

/// Of ways that come to this outcome the one that is told first: of those that the answer rests on, where all or a part
/// surely fails or is answered, one that does; else what fails before what is open, and what reaches last. Of those the
/// one that most requests take, where ways that end alike count together.
pub(in crate::walk) fn first_told<'a>(
    branches: impl Iterator<Item = &'a Branch>,
    outcome: Outcome,
) -> Option<&'a Branch> {
    let ends = outcome != Outcome::Unknown;
    let branches: Vec<&Branch> = branches.collect();
    // Of requests that the question leaves open those of one kind are looked at together.
    let key = |branch: &Branch| (branch.asked_for().map(Arc::as_ptr), branch.response());
    let mut alike: BTreeMap<_, f64> = BTreeMap::new();
    for branch in &branches {
        *alike.entry(key(branch)).or_default() += branch.share();
    }
    let weight = |branch: &Branch| {
        let alike = alike.get(&key(branch)).copied().unwrap_or_default();
        // Of those that are alike, one that was followed to its end tells more.
        let first = (branch.counts(), ends && branch.surely_ends(), branch.severity());
        (first, alike, branch.visit().is_some(), branch.share())
    };
    branches.into_iter().rev().max_by(|a, b| {
        let ((a, a_alike, a_far, a_share), (b, b_alike, b_far, b_share)) = (weight(a), weight(b));
        a.cmp(&b).then(a_alike.total_cmp(&b_alike)).then(a_far.cmp(&b_far)).then(a_share.total_cmp(&b_share))
    })
}
