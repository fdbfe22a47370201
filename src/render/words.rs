//! Words of the verdict that several blocks of the screen say.

use crate::verdict::{self, Answerer, Branch, ObjectRef, Outcome, Verdict};

/// A share of requests, as a column of them shows it: `33.3%`.
pub(super) fn percent(share: f64) -> String {
    verdict::percent(share) + "%"
}

/// The share of a way, as a table of ways shows it.
pub(super) fn share(branch: &Branch) -> String {
    if branch.share < 1.0 - 1e-9 { percent(branch.share) } else { "all".to_owned() }
}

/// `DestinationRule shop/product`; one that is to be made has no name yet.
pub(super) fn object(object: &ObjectRef) -> String {
    let ObjectRef { kind, namespace, name, .. } = object;
    match (namespace.is_empty(), name.is_empty()) {
        (false, false) => format!("{kind} {namespace}/{name}"),
        (true, false) => format!("{kind} {name}"),
        (false, true) => format!("a new {kind} in namespace {namespace}"),
        (true, true) => format!("a new {kind}"),
    }
}

/// What becomes of the request, and who answers; `code` and `prose` make a value and words fit for the document.
pub(super) fn result(verdict: &Verdict, code: impl Fn(&str) -> String, prose: impl Fn(&str) -> String) -> String {
    let ends = outcome(verdict.outcome);
    let Some(response) = verdict.response.as_ref().filter(|_| verdict.outcome != Outcome::Reaches) else {
        return ends.to_owned();
    };
    let details = if response.details.is_empty() { String::new() } else { format!(" {}", code(&response.details)) };
    let from = match response.from {
        Answerer::SourceProxy => ", from the source's proxy",
        Answerer::DestinationProxy => ", from the destination's proxy",
        Answerer::Nobody => "",
    };
    format!("{ends} ({}){details}{from}", prose(&response.short()))
}

/// As in a sentence.
pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Reaches => "reaches",
        Outcome::Answered => "answered by a proxy",
        Outcome::Fails => "fails",
        Outcome::Partial => "partly fails",
        Outcome::Unknown => "unknown",
    }
}
