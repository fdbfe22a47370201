//! Line 1: the verdict, whole in itself, fit for an alert's title.

use crate::verdict::{Finding, Mark, Outcome, Response, percent};
use crate::walk::{End, Walk};

/// The line, without its mark.
pub(super) fn line(
    walk: &Walk,
    outcome: Outcome,
    response: Option<&Response>,
    findings: &[Finding],
    unchecked: &[String],
) -> String {
    let (a, b) = (&walk.request.source_name, &walk.request.target);
    let found = findings.first().map(|f| f.title.clone());
    let cause = || found.clone().or_else(|| walk.main_stop().map(|(_, stop)| stop.words())).unwrap_or_default();
    let got = response.map(short).unwrap_or_default();
    match outcome {
        Outcome::Reaches => format!("{a} reaches {b}: {}", hosts(walk)),
        Outcome::Answered => format!("{a} never reaches {b}: {}{got}", cause()),
        Outcome::Fails => format!("{a} cannot reach {b}: {}{got}", cause()),
        Outcome::Partial => {
            format!("{a} reaches {b} only in part: {} of requests fail, {}{got}", failing(walk), cause())
        }
        Outcome::Unknown => {
            let open = walk.steps.iter().find(|step| step.mark == Mark::Unknown && !step.note.is_empty());
            let unchecked = || unchecked.first().map_or("not enough was read", String::as_str);
            let why = open.map_or_else(unchecked, |step| step.note.as_str());
            format!("cannot tell whether {a} reaches {b}: {why}")
        }
    }
}

/// ` (503 UH)`; nothing where no proxy answers.
fn short(response: &Response) -> String {
    if response.status == 0 && response.flags.is_empty() { String::new() } else { format!(" ({})", response.short()) }
}

fn hosts(walk: &Walk) -> String {
    let endpoints = walk.decision.iter().flat_map(|d| &d.clusters).flat_map(|c| &c.endpoints);
    let (usable, total) = endpoints.fold((0, 0), |(usable, total), e| (usable + usize::from(e.eligible), total + 1));
    if total == 0 {
        return "its proxy passes the connection on as it is".to_owned();
    }
    let noun = if total == 1 { "endpoint" } else { "endpoints" };
    format!("{usable} of {total} {noun} can take the request")
}

/// The share of requests that are not handed over; of others it may not be known.
fn failing(walk: &Walk) -> String {
    let share: f64 = walk.legs.iter().filter(|l| matches!(l.end, End::Stopped(_))).map(|l| l.share).sum();
    let at_least = if walk.legs.iter().any(|leg| leg.end == End::Unknown) { "at least " } else { "" };
    format!("{at_least}{} %", percent(share))
}
