//! Line 1: the verdict, whole in itself, fit for an alert's title.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::verdict::{Finding, Outcome, Response, Side, percent};
use crate::walk::{Branch, Guard, Stop, Walk};

/// The line, without its mark. `found` explains the answer that is named, where anything does.
pub(super) fn line(walk: &Walk, response: Option<&Response>, found: Option<&Finding>, unchecked: &[String]) -> String {
    let (a, b) = (&walk.request.source_name, &walk.request.target);
    let told = walk.told();
    let words = || told.and_then(|branch| branch.end.stop()).map(Stop::words).unwrap_or_default();
    let cause = || found.map_or_else(words, |finding| finding.title.clone());
    let got = response.map(short).unwrap_or_default();
    if let (Outcome::Partial | Outcome::Unknown, Some(place)) = (walk.outcome, place(walk)) {
        let ends = if walk.share(Outcome::Fails) > 0.0 { "fails" } else { "is answered on the way" };
        let is_part = walk.share(Outcome::Fails) + walk.share(Outcome::Answered) < 1.0 - 1e-9;
        let part = if is_part { format!("{}, ", parts(walk)) } else { String::new() };
        return format!("{b} {ends} {place}: {part}{}{got}", cause());
    }
    match walk.outcome {
        Outcome::Reaches => format!("{a} reaches {b}: {}{}", hosts(walk), counted(walk)),
        Outcome::Answered => format!("{a} never reaches {b}: {}{got}", cause()),
        Outcome::Fails => format!("{a} cannot reach {b}: {}{got}", cause()),
        Outcome::Partial => {
            let reach = if walk.share(Outcome::Reaches) > 0.0 {
                format!("reaches {b} only in part")
            } else if walk.share(Outcome::Unknown) > 0.0 {
                format!("reaches {b} at most in part")
            } else {
                format!("never reaches {b}")
            };
            format!("{a} {reach}: {}, {}{got}", parts(walk), cause())
        }
        Outcome::Unknown if walk.share(Outcome::Fails) + walk.share(Outcome::Answered) > 0.0 => {
            format!("{a} reaches {b} at most in part: {}, {}{got}", parts(walk), cause())
        }
        Outcome::Unknown => {
            let (Some(told), Some(provided)) = (told, told.and_then(proviso)) else {
                let why = unchecked.first().map_or("not enough was read", String::as_str);
                return format!("cannot tell whether {a} reaches {b}: {why}");
            };
            match told.outcome() {
                Outcome::Reaches => format!("{a} reaches {b} if {provided}"),
                Outcome::Answered => format!("{a} never reaches {b} if {provided}: {}{got}", cause()),
                Outcome::Fails => format!("{a} cannot reach {b} if {provided}: {}{got}", cause()),
                Outcome::Partial | Outcome::Unknown => {
                    let why = told.conditions().last().map_or_else(String::new, |open| open.why.clone());
                    format!("cannot tell whether {a} reaches {b}: {why}")
                }
            }
        }
    }
}

/// Which of the requests that the question leaves open the answer names, where they surely end and others do not.
fn place(walk: &Walk) -> Option<String> {
    let told = walk.told()?;
    let asked = told.asked_for().filter(|_| matches!(told.sure_outcome(), Outcome::Fails | Outcome::Answered))?;
    let first = asked.kinds.first()?;
    let same = |branch: &&Branch| {
        branch.asked_for().is_some_and(|other| !Arc::ptr_eq(other, asked)) && branch.response() == told.response()
    };
    let mut known = BTreeSet::new();
    let others = walk.branches.iter().filter(|branch| branch.counts()).filter(same).filter_map(Branch::asked_for);
    let others: usize = others.filter(|other| known.insert(Arc::as_ptr(other))).map(|other| other.kinds.len()).sum();
    Some(match asked.kinds.len() - 1 + others {
        0 => first.place.clone(),
        1 => format!("{} and 1 more kind of request", first.place),
        more => format!("{} and {more} more kinds of requests", first.place),
    })
}

/// What has to be for a way to be right: the first two of what it rests on.
pub(super) fn proviso(branch: &Branch) -> Option<String> {
    let side = |side: Side| match side {
        Side::Source => "",
        Side::Destination => " (on B's side)",
    };
    let words = branch.guards().filter_map(|guard| match guard {
        Guard::Provided { condition, alternative: None } => {
            Some(format!("{}{}", condition.proviso, side(condition.side)))
        }
        Guard::Provided { condition, alternative: Some(alternative) } => {
            Some(format!("{}{}", alternative.proviso(), side(condition.side)))
        }
        Guard::Drawn { .. } | Guard::Asked(_) | Guard::Address { .. } | Guard::Pod { .. } | Guard::Repaired(_) => None,
    });
    let mut words: Vec<String> = words.collect();
    words.dedup();
    let more = words.len().saturating_sub(2);
    words.truncate(2);
    match (words.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(words.join(" and ")),
        (false, 1) => Some(format!("{} and 1 more condition holds", words.join(", "))),
        (false, more) => Some(format!("{} and {more} more conditions hold", words.join(", "))),
    }
}

/// ` (503 UH)`; nothing where no proxy answers.
pub(super) fn short(response: &Response) -> String {
    if response.status == 0 && response.flags.is_empty() { String::new() } else { format!(" ({})", response.short()) }
}

/// Where the request goes.
fn hosts(walk: &Walk) -> String {
    let Some(decision) = walk.decision() else { return "it has no proxy, and B's takes the request".to_owned() };
    let endpoints = decision.clusters.iter().flat_map(|c| &c.endpoints);
    let (usable, total) = endpoints.fold((0, 0), |(usable, total), e| (usable + usize::from(e.eligible), total + 1));
    if total == 0 {
        return "its proxy passes the connection on to whatever address that resolves to".to_owned();
    }
    let noun = if total == 1 { "endpoint" } else { "endpoints" };
    format!("{usable} of {total} {noun} can take the request")
}

/// `, and 8 of 8 requests that were counted failed`, where none that a proxy sent there ever went well.
fn counted(walk: &Walk) -> String {
    let trail = |side| walk.told().and_then(|branch| branch.trail(side).cluster);
    let failed = [Side::Source, Side::Destination].into_iter().filter_map(trail).find_map(|cluster| {
        let failed = if cluster.ever_succeeded() { 0 } else { cluster.failed_so_far() };
        (failed > 0).then_some(failed)
    });
    failed.map_or_else(String::new, |failed| format!(", and {failed} of {failed} requests that were counted failed"))
}

/// What becomes of the requests that are not handed over; where a share is open, at least of so many.
fn parts(walk: &Walk) -> String {
    let least = if walk.share(Outcome::Unknown) > 0.0 { "at least " } else { "" };
    let part = |outcome| Some(walk.share(outcome)).filter(|share| *share > 0.0).map(percent);
    match (part(Outcome::Fails), part(Outcome::Answered)) {
        (Some(fail), Some(answered)) => format!("{least}{fail} % of requests fail, {least}{answered} % are answered"),
        (None, Some(answered)) => format!("{least}{answered} % of requests are answered on the way"),
        (fail, None) => format!("{least}{} % of requests fail", fail.unwrap_or_default()),
    }
}
