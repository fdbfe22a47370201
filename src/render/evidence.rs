//! The evidence block: for each number the query, the `JSONPath` in its answer, and the value found there.
//!
//! All three are verbatim and on one line each, however wide: they are pasted. Only the middle of what is longer than any
//! screen is left out.

use std::collections::BTreeMap;

use super::line::{Line, WORD, bounded};
use super::numbered::Numbered;
use super::theme::Role;
use crate::snapshot::{Evidence, Origin};
use crate::text::shown;

/// How wide a value may be.
const VALUE: usize = 4000;

/// All pieces, without a heading.
pub(super) fn block(numbered: &Numbered<'_>) -> Vec<Line> {
    let column = format!("  [{}] ", numbered.count()).len();
    let mut asked = BTreeMap::new();
    let mut lines = Vec::new();
    for (id, evidence) in numbered.all().take(numbered.count()) {
        let first = *asked.entry((evidence.origin(), evidence.query())).or_insert(id);
        lines.extend(piece(id, evidence, first, column));
    }
    lines
}

/// One piece; `first` is the piece whose query is the same.
fn piece(id: usize, evidence: &Evidence, first: usize, column: usize) -> [Line; 3] {
    let query = if first == id { query(evidence) } else { format!("the query of [{first}]") };
    let query = bounded(&shown(&query), WORD).into_owned();
    let path = shown(evidence.path());
    let value = shown(evidence.value().unwrap_or("no match"));
    let value = format!("= {}", bounded(&value, VALUE));
    let number = Line::indented(2).with(Role::Reference, &format!("[{id}]")).filled_to(column);
    [
        number.with_whole(Role::Plain, &query),
        Line::indented(column).with_whole(Role::Plain, &bounded(&path, WORD)),
        Line::indented(column - 2).with_whole(Role::Plain, &value),
    ]
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
