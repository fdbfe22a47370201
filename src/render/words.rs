//! Words of the verdict that several blocks of the screen say.

use crate::verdict::{self, Outcome};

/// A share of requests, as a column of them shows it: `33.3%`.
pub(super) fn percent(share: f64) -> String {
    verdict::percent(share) + "%"
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
