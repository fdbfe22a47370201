//! The question that is asked of every dump, and the answer that it must get.

use mesh_why::render::{Format, Theme, render};
use mesh_why::snapshot::{AskRecord, Snapshot};
use mesh_why::verdict::{Outcome, Verdict};
use mesh_why::walk::Question;

use crate::dump::Shape;

/// A request to the first service, which its last route takes.
pub(crate) fn question() -> Question {
    let (path, method) = (Some("/other".to_owned()), Some("GET".to_owned()));
    of(&AskRecord { to: Shape::destination(0), path, method, ..AskRecord::default() })
}

/// Every request to the first service.
pub(crate) fn every_request() -> Question {
    of(&AskRecord { to: Shape::destination(0), ..AskRecord::default() })
}

fn of(ask: &AskRecord) -> Question {
    Question::parse(ask).expect("a destination and a port")
}

/// Answers it from what was read.
pub(crate) fn answer(question: &Question, snapshot: &mut Snapshot) -> Verdict {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
    runtime.block_on(mesh_why::answer(question, snapshot, None))
}

/// The verdict as JSON. It must have come all the way, else the figures are of something else.
pub(crate) fn rendered(verdict: &Verdict) -> String {
    let json = render(verdict, &Format::Json, &Theme::default(), 80).expect("a verdict is JSON");
    assert!(verdict.outcome == Outcome::Reaches, "the dump has the answer: {json}");
    json
}
