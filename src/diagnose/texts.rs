//! Every text of a verdict: what we say, and what others called their things.

use crate::verdict::{Branch, Condition, Finding, Guard, Log, Next, Response, Step, Verdict};

/// What is said in our own words, names of things among them.
pub(super) fn sentences(verdict: &mut Verdict) -> impl Iterator<Item = &mut String> {
    let behind = &mut verdict.behind;
    let next = behind.next.iter_mut().flat_map(|Next { sentence, finding }| {
        std::iter::once(sentence).chain(finding.iter_mut().map(|(_, title)| title))
    });
    let branches = verdict.branches.iter_mut().chain(&mut behind.branches).flat_map(said_of_branch);
    let conditions = verdict.conditions.iter_mut().chain(&mut behind.conditions);
    let conditions = conditions.flat_map(|Condition { why, proviso, .. }| [why, proviso]);
    let notes = verdict.steps.iter_mut().map(|step| &mut step.note);
    let findings = verdict.findings.iter_mut().chain(behind.findings.iter_mut().map(|(finding, _)| finding));
    let findings = findings.flat_map(|Finding { title, why, fix, .. }| {
        [title, why].into_iter().chain(fix.iter_mut().map(|fix| &mut fix.text))
    });
    std::iter::once(&mut verdict.summary)
        .chain(branches)
        .chain(conditions)
        .chain(notes)
        .chain(findings)
        .chain(next)
        .chain(&mut verdict.unchecked)
        .chain(verdict.log.iter_mut().flat_map(said_of_log))
}

/// What is told as it was found: names, and the words of proxies.
pub(super) fn verbatim(verdict: &mut Verdict) -> impl Iterator<Item = &mut String> {
    let response = verdict.response.iter_mut().map(details);
    let branches = verdict.branches.iter_mut().chain(&mut verdict.behind.branches).flat_map(found_in_branch);
    let conditions = verdict.conditions.iter_mut().chain(&mut verdict.behind.conditions);
    let conditions = conditions.map(|condition| &mut condition.subject);
    let subjects = verdict.steps.iter_mut().map(|step| &mut step.subject);
    let log = verdict.log.iter_mut().flat_map(found_in_log);
    response.chain(branches).chain(conditions).chain(subjects).chain(log)
}

fn details(response: &mut Response) -> &mut String {
    &mut response.details
}

fn said_of_log(log: &mut Log) -> impl Iterator<Item = &mut String> {
    let Log { now, changes, notes, .. } = log;
    let changes = changes.iter_mut().flat_map(|change| [&mut change.then, &mut change.now]);
    std::iter::once(now).chain(changes).chain(notes)
}

/// The line itself went through `redact`; a secret of the question may stand in it all the same.
fn found_in_log(log: &mut Log) -> impl Iterator<Item = &mut String> {
    let Log { details, termination, transport_failure, meanings, .. } = log;
    let reasons = [details, termination, transport_failure].into_iter().flatten();
    reasons.chain(meanings.iter_mut().map(|meaning| &mut meaning.of))
}

fn said_of_branch(branch: &mut Branch) -> impl Iterator<Item = &mut String> {
    let alternatives = branch.guards.iter_mut().filter_map(|guard| match guard {
        Guard::Provided { alternative, .. } => alternative.as_mut(),
        Guard::Drawn { .. } | Guard::Address(_) | Guard::Pod(..) | Guard::Asked(_) | Guard::Repaired { .. } => None,
    });
    alternatives.chain(branch.steps.iter_mut().map(|step| &mut step.note))
}

fn found_in_branch(branch: &mut Branch) -> impl Iterator<Item = &mut String> {
    let Branch { guards, response, steps, .. } = branch;
    let guards = guards.iter_mut().filter_map(|guard| match guard {
        Guard::Drawn { by: words, .. } | Guard::Address(words) | Guard::Pod(_, words) => Some(words),
        // A question that has secrets is about one request.
        Guard::Provided { .. } | Guard::Asked(_) | Guard::Repaired { .. } => None,
    });
    let details = response.iter_mut().map(details);
    guards.chain(details).chain(steps.iter_mut().map(|Step { subject, .. }| subject))
}
