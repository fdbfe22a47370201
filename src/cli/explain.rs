//! `explain` in place of A: when it is the command, and what goes with it.

use super::args::Cli;
use crate::snapshot::AskRecord;
use crate::walk::Question;

/// The command's name, in place of A.
pub(super) const EXPLAIN: &str = "explain";

/// The arguments that go with it.
const TAKES: &[&str] = &["first", "second", "output", "quiet", "verbose", "color"];

impl Cli {
    /// The word that is to be explained, or none for a list of all; `None` where a request is asked about. A pod may have
    /// the command's name: what is followed by B:PORT is that pod.
    #[expect(clippy::option_option, reason = "whether it is the command, and whether it has a word")]
    pub(super) fn explained(&self) -> Option<Option<&str>> {
        if self.first.as_deref() != Some(EXPLAIN) {
            return None;
        }
        match &self.second {
            Some(word) if is_destination(word) => None,
            word => Some(word.as_deref()),
        }
    }
}

/// Whether it can only be B:PORT. Details have braces, which no host has.
fn is_destination(word: &str) -> bool {
    let ask = AskRecord { to: word.to_owned(), ..AskRecord::default() };
    !word.contains(['{', '|']) && Question::parse(&ask).is_ok()
}

/// Whether an argument of this id goes with the command.
pub(super) fn takes(id: &str) -> bool {
    TAKES.contains(&id)
}
