//! The evidence block: for each number the query, the `JSONPath` in its answer, and the value found there.
//!
//! Where a command reads it, that stands in the place of both. All are verbatim and on one line each, however wide: they
//! are pasted. Only the middle of what is longer than any screen is left out.

use super::again;
use super::line::{Line, WORD, bounded};
use super::numbered::Numbered;
use super::theme::Role;
use crate::snapshot::{Evidence, Origin};
use crate::text::shown;
use crate::verdict::Verdict;

/// How wide a value may be.
const VALUE: usize = 4000;

/// All pieces, without a heading.
pub(super) fn block(verdict: &Verdict, numbered: &Numbered<'_>) -> Vec<Line> {
    let column = format!("  [{}] ", numbered.count()).len();
    let piece = |(id, evidence): (usize, &Evidence)| {
        let number = Line::indented(2).with(Role::Reference, &format!("[{id}]")).filled_to(column);
        let value = shown(evidence.value().unwrap_or("no match"));
        let value = format!("= {}", bounded(&value, VALUE));
        let value = Line::indented(column - 2).with_whole(Role::Plain, &value);
        [address(verdict, evidence, number, column), vec![value]].concat()
    };
    numbered.all().take(numbered.count()).flat_map(piece).collect()
}

/// How to look: a command, or what was asked and where it is in the answer.
fn address(verdict: &Verdict, evidence: &Evidence, number: Line, column: usize) -> Vec<Line> {
    if let Some(command) = again::reads(verdict, evidence) {
        return vec![number.with_whole(Role::Command, &command)];
    }
    let query = bounded(&shown(&query(evidence)), WORD).into_owned();
    let path = shown(evidence.path());
    let path = Line::indented(column).with_whole(Role::Plain, &bounded(&path, WORD));
    vec![number.with_whole(Role::Plain, &query), path]
}

/// The query, and whom it was put to where that is not A's proxy.
fn query(evidence: &Evidence) -> String {
    let whom = evidence.origin().word();
    match evidence.origin() {
        Origin::Source(0) => evidence.query().to_owned(),
        Origin::Source(n) | Origin::Destination(n) if n > 0 => format!("{whom}-{} {}", n + 1, evidence.query()),
        Origin::Source(_) | Origin::Destination(_) | Origin::Kubernetes | Origin::ControlPlane => {
            format!("{whom} {}", evidence.query())
        }
    }
}
