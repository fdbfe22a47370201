//! A verdict without the secrets of the request: what was typed is in its sentences, too.

use serde_json::Value;

use crate::redact;
use crate::verdict::{Behind, Branch, Condition, Finding, Guard, Log, Next, Step, Verdict};

/// What is shorter could be anything, and is hidden in its own field alone.
const LONG: usize = 4;

/// Leaves out the secrets of the request's path and headers, wherever they are said.
pub(super) fn hide(verdict: &mut Verdict) {
    let request = &mut verdict.request;
    let mut secrets = request.path.as_deref().map(redact::of_path).unwrap_or_default();
    request.path = request.path.as_deref().map(redact::path);
    request.host = redact::value(&request.host).into_owned();
    for (name, value) in &mut request.headers {
        let kept = redact::header(name, value);
        if kept != *value {
            secrets.push((std::mem::replace(value, kept.clone()), kept));
        }
    }
    secrets.retain(|(secret, _)| secret.len() >= LONG);
    if secrets.is_empty() {
        return;
    }
    // A longer one may hold a shorter one.
    secrets.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
    let hidden = |text: &mut String| {
        for (secret, kept) in secrets.iter().filter(|(secret, _)| text.contains(secret)).collect::<Vec<_>>() {
            *text = text.replace(secret, kept);
        }
    };
    let behind = verdict.behind.findings.iter_mut().map(|(finding, _)| finding);
    let fixes = verdict.findings.iter_mut().chain(behind).flat_map(|finding| &mut finding.fix);
    fixes.flat_map(|fix| [&mut fix.now, &mut fix.want]).flatten().for_each(|value| each_string(value, &hidden));
    texts(verdict).for_each(hidden);
}

/// Does the same with every string of a value.
fn each_string(value: &mut Value, change: &impl Fn(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_string(item, change)),
        Value::Object(members) => members.values_mut().for_each(|member| each_string(member, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Everything that is said in sentences.
fn texts(verdict: &mut Verdict) -> impl Iterator<Item = &mut String> {
    let response = verdict.response.iter_mut().map(|response| &mut response.details);
    let Behind { next, conditions, branches, findings } = &mut verdict.behind;
    let next = next.iter_mut().flat_map(|Next { sentence, finding }| {
        std::iter::once(sentence).chain(finding.iter_mut().map(|(_, title)| title))
    });
    let branches = verdict.branches.iter_mut().chain(branches).flat_map(of_branch);
    let conditions = verdict.conditions.iter_mut().chain(conditions);
    let conditions = conditions.flat_map(|Condition { subject, why, proviso, .. }| [subject, why, proviso]);
    let steps = verdict.steps.iter_mut().flat_map(|Step { subject, note, .. }| [subject, note]);
    let findings = verdict.findings.iter_mut().chain(findings.iter_mut().map(|(finding, _)| finding));
    let findings = findings.flat_map(|Finding { title, why, fix, .. }| {
        [title, why].into_iter().chain(fix.iter_mut().map(|fix| &mut fix.text))
    });
    std::iter::once(&mut verdict.summary)
        .chain(response)
        .chain(branches)
        .chain(conditions)
        .chain(steps)
        .chain(findings)
        .chain(next)
        .chain(&mut verdict.unchecked)
        .chain(verdict.log.iter_mut().flat_map(of_log))
}

/// The line itself went through `redact`; a secret of the question may stand in it all the same.
fn of_log(log: &mut Log) -> impl Iterator<Item = &mut String> {
    let Log { details, termination, transport_failure, now, changes, notes, meanings, .. } = log;
    let reasons = [details, termination, transport_failure].into_iter().flatten();
    let changes = changes.iter_mut().flat_map(|change| [&mut change.then, &mut change.now]);
    let meanings = meanings.iter_mut().map(|meaning| &mut meaning.of);
    std::iter::once(now).chain(reasons).chain(changes).chain(notes).chain(meanings)
}

fn of_branch(branch: &mut Branch) -> impl Iterator<Item = &mut String> {
    let Branch { guards, response, steps, .. } = branch;
    let guards = guards.iter_mut().filter_map(|guard| match guard {
        Guard::Drawn { by: words, .. } | Guard::Address(words) | Guard::Pod(_, words) => Some(words),
        Guard::Provided { alternative, .. } => alternative.as_mut(),
        // A question that has secrets is about one request.
        Guard::Asked(_) | Guard::Repaired { .. } => None,
    });
    let details = response.iter_mut().map(|response| &mut response.details);
    guards.chain(details).chain(steps.iter_mut().flat_map(|Step { subject, note, .. }| [subject, note]))
}
