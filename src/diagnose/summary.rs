//! Line 1: the verdict, whole in itself, fit for an alert's title.

use crate::verdict::{Finding, Mark, Outcome, Response, percent};
use crate::walk::Walk;

/// The line, without its mark. `found` explains the answer that is named, where anything does.
pub(super) fn line(
    walk: &Walk,
    outcome: Outcome,
    response: Option<&Response>,
    found: Option<&Finding>,
    unchecked: &[String],
) -> String {
    let (a, b) = (&walk.request.source_name, &walk.request.target);
    let words = || walk.main_stop().map(|(_, stop)| stop.words()).unwrap_or_default();
    let cause = || found.map_or_else(words, |finding| finding.title.clone());
    let got = response.map(short).unwrap_or_default();
    match outcome {
        Outcome::Reaches => format!("{a} reaches {b}: {}", hosts(walk)),
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

/// Where the request goes.
fn hosts(walk: &Walk) -> String {
    let Some(decision) = &walk.decision else { return "it has no proxy, and B's takes the request".to_owned() };
    let endpoints = decision.clusters.iter().flat_map(|c| &c.endpoints);
    let (usable, total) = endpoints.fold((0, 0), |(usable, total), e| (usable + usize::from(e.eligible), total + 1));
    if total == 0 {
        return "its proxy passes the connection on to whatever address that resolves to".to_owned();
    }
    let noun = if total == 1 { "endpoint" } else { "endpoints" };
    format!("{usable} of {total} {noun} can take the request")
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
