//! Line 1: the verdict, whole in itself, fit for an alert's title.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::parties::Parties;
use crate::verdict::{Finding, Mark, Outcome, Response, Side, Stage, Step, endpoints, percent};
use crate::walk::{Branch, Guard, Stop, Walk};

/// How wide the line is at most, where its words allow that: 80 columns with its mark.
const ROOM: usize = 78;

/// What a line is made of besides the walk.
pub(super) struct Facts<'a> {
    /// What is answered, where a proxy answers.
    pub(super) response: Option<&'a Response>,
    /// What explains the answer that is named, or speaks against what is handed over, where anything does.
    pub(super) found: Option<&'a Finding>,
    pub(super) unchecked: &'a [String],
    pub(super) parties: &'a Parties,
}

/// The line in ever fewer words, without its mark: what was asked for, the object to look at and its fault, what the
/// client gets.
pub(super) fn lines(walk: &Walk, facts: &Facts<'_>) -> Vec<String> {
    let (a, b) = (&walk.request.source_name, &walk.request.target);
    let got = facts.response.map(short).unwrap_or_default();
    if let (Outcome::Partial | Outcome::Unknown, Some(place)) = (walk.outcome, place(walk)) {
        let ends = if walk.share(Outcome::Fails) > 0.0 { "fails" } else { "is answered on the way" };
        let is_part = walk.share(Outcome::Fails) + walk.share(Outcome::Answered) < 1.0 - 1e-9;
        let part = if is_part { format!("{}, ", parts(walk)) } else { String::new() };
        return causes(walk, facts).iter().map(|cause| format!("{b} {ends} {place}: {part}{cause}{got}")).collect();
    }
    match walk.outcome {
        Outcome::Reaches => doubts(walk, facts).iter().map(|but| format!("{a} reaches {b}{but}")).collect(),
        Outcome::Answered | Outcome::Fails => {
            causes(walk, facts).iter().map(|cause| format!("{b}: {cause}{got}")).collect()
        }
        Outcome::Partial => in_part(walk, facts, &got),
        Outcome::Unknown if walk.share(Outcome::Fails) + walk.share(Outcome::Answered) > 0.0 => {
            in_part(walk, facts, &got)
        }
        Outcome::Unknown => open(walk, facts, &got),
    }
}

fn in_part(walk: &Walk, facts: &Facts<'_>, got: &str) -> Vec<String> {
    let (b, parts) = (&walk.request.target, parts(walk));
    causes(walk, facts).iter().map(|cause| format!("{b}: {parts}: {cause}{got}")).collect()
}

/// What holds under the conditions.
fn open(walk: &Walk, facts: &Facts<'_>, got: &str) -> Vec<String> {
    let (a, b) = (&walk.request.source_name, &walk.request.target);
    let provisos = walk.told().map(provisos).unwrap_or_default();
    let Some(told) = walk.told().filter(|_| !provisos.is_empty()) else {
        let why = facts.unchecked.first().map_or("not enough was read", String::as_str);
        return vec![format!("cannot tell whether {a} reaches {b}: {why}")];
    };
    let mut provisos: Vec<String> = provisos.iter().map(|proviso| facts.parties.name(proviso)).collect();
    provisos.extend(provisos.last().map(|last| terse(last)));
    let provisos = provisos.into_iter();
    match told.outcome() {
        Outcome::Reaches => provisos.map(|provided| format!("{a} reaches {b} if {provided}")).collect(),
        Outcome::Answered | Outcome::Fails => {
            let causes = causes(walk, facts);
            let line = |provided: String| {
                causes.iter().map(move |cause| format!("{b}: {cause}{got}, if {provided}")).collect::<Vec<_>>()
            };
            provisos.flat_map(line).collect()
        }
        Outcome::Partial | Outcome::Unknown => {
            let why = told.conditions().last().map_or_else(String::new, |open| open.why.clone());
            vec![format!("cannot tell whether {a} reaches {b}: {}", facts.parties.name(&why))]
        }
    }
}

/// A proviso that calls filters as people do: `jwt_authn`.
fn terse(proviso: &str) -> String {
    let bare = ["HTTP filter ", "envoy.filters.http.", "envoy.filters.network."]
        .iter()
        .fold(proviso.to_owned(), |bare, prefix| bare.replace(prefix, ""));
    bare.split(" (on ").next().unwrap_or_default().to_owned()
}

/// The cause in ever fewer words: with the object that is at fault, without its namespace, without its name where that is
/// B's, with a part of its name, and alone.
fn causes(walk: &Walk, facts: &Facts<'_>) -> Vec<String> {
    let Some(found) = facts.found else {
        let stop = walk.told().and_then(|branch| branch.end.stop());
        return vec![facts.parties.name(&stop.map(Stop::words).unwrap_or_default())];
    };
    let title = facts.parties.name(&found.title);
    let object = found
        .objects
        .first()
        .filter(|object| !object.name.is_empty() && !title.contains(&object.name) && !title.contains(&object.kind));
    let Some(object) = object else { return vec![title] };
    let (kind, name) = (&object.kind, &object.name);
    let mut causes = Vec::new();
    if !object.namespace.is_empty() {
        causes.push(format!("{kind} {}/{name}: {title}", object.namespace));
    }
    causes.push(format!("{kind} {name}: {title}"));
    if facts.parties.is_b(name) {
        causes.push(format!("{kind}: {title}"));
    }
    // A part of a generated name says little.
    let widths = if kind == "Pod" { &[][..] } else { &[20, 16, 12] };
    let narrower = widths.iter().filter(|width| **width < letters(name));
    causes.extend(narrower.map(|width| format!("{kind} {}: {title}", shortened(name, *width))));
    causes.push(title);
    causes
}

/// What speaks against a request that is handed over; else how many endpoints there are.
fn doubts(walk: &Walk, facts: &Facts<'_>) -> Vec<String> {
    if let Some(failed) = failed_so_far(walk) {
        return vec![format!(", but {failed} of {failed} requests failed")];
    }
    if facts.found.is_some() {
        return causes(walk, facts).iter().map(|cause| format!(", but {cause}")).collect();
    }
    vec![hosts(walk)]
}

/// The first that has room, else the last with its longest words shortened.
pub(super) fn fitted(lines: impl IntoIterator<Item = String>) -> String {
    let mut last = String::new();
    for line in lines {
        if letters(&line) <= ROOM {
            return line;
        }
        last = line;
    }
    narrowed(&last)
}

/// Names with their middle left out, the longest first, until the line has room or no name is long.
fn narrowed(line: &str) -> String {
    const LEAST: usize = 16;
    // An address in part is none.
    let is_name = |word: &str| word.contains(|c: char| c.is_alphabetic());
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    loop {
        let width = words.iter().map(|word| letters(word) + 1).sum::<usize>().saturating_sub(1);
        let longest = words.iter_mut().filter(|word| is_name(word)).max_by_key(|word| letters(word));
        let Some(word) = longest.filter(|word| width > ROOM && letters(word) > LEAST) else {
            return words.join(" ");
        };
        *word = shortened(word, LEAST.max(letters(word).saturating_sub(width - ROOM)));
    }
}

fn letters(text: &str) -> usize {
    text.chars().count()
}

/// A name in so many columns, its middle left out.
fn shortened(name: &str, width: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    let kept = width.saturating_sub(1);
    let (head, tail) = (kept.div_ceil(2), kept / 2);
    if letters.len() <= width {
        return name.to_owned();
    }
    letters[..head].iter().chain(['\u{2026}'].iter()).chain(&letters[letters.len() - tail..]).collect()
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
    provisos(branch).into_iter().next()
}

/// The same in ever fewer words; nothing where it rests on nothing.
fn provisos(branch: &Branch) -> Vec<String> {
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
    let (all, shown) = (words.len(), words.len().min(2));
    (1..=shown).rev().map(|shown| enumerated(&words[..shown], all - shown)).collect()
}

fn enumerated(words: &[String], more: usize) -> String {
    match more {
        0 => words.join(" and "),
        1 => format!("{} and 1 more condition holds", words.join(", ")),
        more => format!("{} and {more} more conditions hold", words.join(", ")),
    }
}

/// ` (503 UH)`; nothing where no proxy answers.
pub(super) fn short(response: &Response) -> String {
    if response.status == 0 && response.flags.is_empty() { String::new() } else { format!(" ({})", response.short()) }
}

/// Where the request goes.
fn hosts(walk: &Walk) -> String {
    let Some(decision) = walk.decision() else {
        // What keeps the connection from a proxy that is there is a row with a warning.
        let is_kept = |step: &Step| step.stage == Stage::Capture && step.mark == Mark::Warned;
        let how = if walk.steps().iter().any(is_kept) { "past the proxy" } else { "without a proxy" };
        return format!(", {how} of {}", walk.request.source_name);
    };
    let all = decision.clusters.iter().flat_map(|c| &c.endpoints);
    let (usable, total) = all.fold((0, 0), |(usable, total), e| (usable + usize::from(e.eligible), total + 1));
    match (usable, total) {
        _ if decision.is_in_panic() => ", but no endpoint is healthy".to_owned(),
        (_, 0) => ", at whatever address that resolves to".to_owned(),
        (usable, total) => format!(" ({})", endpoints(usable, total)),
    }
}

/// How many requests failed, where none that a proxy sent there ever went well.
fn failed_so_far(walk: &Walk) -> Option<u64> {
    let trail = |side| walk.told().and_then(|branch| branch.trail(side).cluster);
    [Side::Source, Side::Destination].into_iter().filter_map(trail).find_map(|cluster| {
        let failed = if cluster.ever_succeeded() { 0 } else { cluster.failed_so_far() };
        (failed > 0).then_some(failed)
    })
}

/// What becomes of the requests that are not handed over; where a share is open, at least of so many.
fn parts(walk: &Walk) -> String {
    let least = if walk.share(Outcome::Unknown) > 0.0 { "at least " } else { "" };
    let part = |outcome| Some(walk.share(outcome)).filter(|share| *share > 0.0).map(percent);
    match (part(Outcome::Fails), part(Outcome::Answered)) {
        (Some(fail), Some(answered)) => format!("{least}{fail} % fail, {least}{answered} % are answered"),
        (None, Some(answered)) => format!("{least}{answered} % are answered on the way"),
        (fail, None) => format!("{least}{} % fail", fail.unwrap_or_default()),
    }
}
