//! What stops the request next, once what stops it is repaired: said after the fix, and counted for nothing.

use crate::verdict::{Behind, Certainty, Finding, Guard, Next, Outcome, Side, percent};
use crate::walk::{self, Branch, End, Repair, Stop, Walk};

use super::branches::{Conditions, listed};
use super::summary::{proviso, short};

/// The most ways that are listed behind the answer's own.
const MOST: usize = 64;

/// What a verdict says of it. `cause` explains the answer, and `explain` what a way comes to.
pub(super) fn behind(
    walk: &Walk,
    conditions: &Conditions,
    (cause, listed_before): (Option<&Finding>, usize),
    explain: &dyn Fn(&Branch) -> Vec<Finding>,
) -> Behind {
    let mut behind = Behind { conditions: conditions.shown_behind(walk), ..Behind::default() };
    let mut repaired: Vec<Option<&'static str>> = vec![cause.map(|finding| finding.id)];
    for (place, one) in walk.behind.iter().enumerate() {
        let Some(told) = one.told() else { break };
        // Without a cause of the answer's own, another would be taken for it.
        let findings =
            cause.filter(|_| told.end != End::HandedOver || !is_past(one)).map(|_| explain(told)).unwrap_or_default();
        let ids = |branch: &Branch| -> Vec<&'static str> {
            let is_told = std::ptr::eq(branch, told);
            findings.iter().filter(|_| is_told).map(|finding| finding.id).collect()
        };
        let (mut ways, _) = listed(walk, &one.branches, conditions, &ids);
        for way in &mut ways {
            name(&mut way.guards, &repaired);
        }
        behind.branches.extend(ways);
        let mut sentence = sentence(walk, place, one, told);
        // What only speaks against a way that arrives is no stop.
        if told.end == End::HandedOver && !findings.is_empty() {
            sentence.push_str(" Yet:");
        }
        behind
            .next
            .push(Next { sentence, finding: findings.first().map(|finding| (finding.id, finding.title.clone())) });
        let first = findings.first().map(|finding| finding.id);
        let before = repaired.last().copied().flatten().or(last(one).map(Repair::word)).unwrap_or_default();
        behind.findings.extend(findings.into_iter().map(|finding| (likely(finding), before)));
        repaired.push(first);
    }
    behind.branches.truncate(MOST.saturating_sub(listed_before));
    behind
}

/// What explains each stop that is taken as repaired.
fn name(guards: &mut [Guard], repaired: &[Option<&'static str>]) {
    let stops = guards.iter_mut().filter_map(|guard| match guard {
        Guard::Repaired { finding, .. } => Some(finding),
        Guard::Drawn { .. } | Guard::Asked(_) | Guard::Address(_) | Guard::Pod(..) | Guard::Provided { .. } => None,
    });
    stops.zip(repaired).for_each(|(finding, by)| *finding = *by);
}

/// Whether B's proxy had the requests before, and ended them: what the counters say of failures is that.
fn is_past(one: &walk::Behind) -> bool {
    let of_both = |repair: &Repair| repair.side == Side::Destination || matches!(repair.stop, Stop::Handshake(_));
    let mut repairs = one.branches.iter().flat_map(Branch::guards).filter_map(walk::Guard::repair);
    repairs.any(of_both)
}

fn likely(finding: Finding) -> Finding {
    Finding { certainty: Certainty::Likely, ..finding }
}

/// The stop that is taken as repaired last.
fn last(one: &walk::Behind) -> Option<&Repair> {
    one.branches.first()?.guards().filter_map(walk::Guard::repair).last()
}

/// What comes next, in a sentence. It promises no more than was read.
fn sentence(walk: &Walk, place: usize, one: &walk::Behind, told: &Branch) -> String {
    let by = last(one).and_then(Repair::by).map(|by| format!(" ({by})")).unwrap_or_default();
    let repaired = if place == 0 { format!("With this repaired{by}") } else { format!("With that repaired too{by}") };
    let it = one.witness.as_ref().map_or_else(|| "it".to_owned(), |(method, path)| format!("{method} {path}"));
    let b = &walk.request.target;
    let is_open = told.sure_outcome() == Outcome::Unknown;
    let provided = proviso(told).filter(|_| is_open).map(|provided| format!(" if {provided}")).unwrap_or_default();
    match &told.end {
        End::HandedOver if told.visit().is_none() => {
            format!("{repaired}, A's proxy hands {it} to {b}{provided}; what is behind that was not read.")
        }
        End::HandedOver if told.goes_to_unhealthy() => {
            format!("{repaired}, B's proxy would let {it} pass{provided}.")
        }
        End::HandedOver => {
            let is_past = |branch: &Branch| branch.end == End::HandedOver && branch.visit().is_none();
            let far = if one.ways().any(is_past) { ", as far as B's proxies were read" } else { "" };
            let comma = if place == 0 { "" } else { "," };
            format!("{repaired}{comma} {it} reaches {b}{provided}{far}.")
        }
        End::Stopped(stop) => {
            let by = match (told.side(), told.visit()) {
                (Side::Destination, Some(visit)) => format!("the proxy of pod {}", visit.pod_name()),
                (Side::Destination | Side::Source, _) => "A's proxy".to_owned(),
            };
            let likely = if is_open { ", likely" } else { "" };
            let why = told.own_stop().unwrap_or(stop).words();
            let got = told.response().as_ref().map(short).unwrap_or_default();
            let part = part(one, told).unwrap_or(it);
            format!("{repaired}, the next stop{likely}: {by} ends {part}{got}: {why}.")
        }
        End::Unknown => {
            let why = told.conditions().last().map_or_else(String::new, |open| format!(": {}", open.why));
            format!("{repaired}, it cannot be told what becomes of {it}{why}.")
        }
    }
}

/// `50 % of requests`, where others fare differently.
fn part(one: &walk::Behind, told: &Branch) -> Option<String> {
    let share = |branches: &mut dyn Iterator<Item = &Branch>| branches.map(Branch::share).sum::<f64>();
    let ways = || one.ways().filter(|way| way.is_beside(told));
    let all = share(&mut ways());
    let alike = share(&mut ways().filter(|way| way.response() == told.response()));
    (all > 0.0 && alike < all - 1e-9).then(|| format!("{} % of requests", percent(alike / all)))
}
