//! `kubectl mesh-why A B:PORT`: why does a request from A to B:PORT fail?
//!
//! Four verbs, one direction: **collect → walk → diagnose → render**. Only collect may wait or fail; the rest is
//! pure, synchronous and total. ARCHITECTURE.md has the picture.

pub mod cli;
pub mod collect;
pub mod envoy;
pub mod render;
pub mod snapshot;
pub mod verdict;
pub mod walk;

use collect::Collector;
use snapshot::{Need, Origin, Snapshot};
use verdict::{Outcome, Request, Verdict};
use walk::Question;

/// A stub until the walk is there: reads the listeners, and says that nothing is known.
pub async fn answer(question: &Question, snapshot: &mut Snapshot, collector: Option<&mut Collector>) -> Verdict {
    if let Some(collector) = collector {
        for (need, answer) in collector.fetch(&[Need::Listeners(Origin::Source(0))]).await {
            let taken = answer.and_then(|answer| snapshot.answer(&need, answer).map_err(|e| e.to_string()));
            if let Err(why) = taken {
                snapshot.refuse(&need, &why);
            }
        }
    }
    Verdict {
        outcome: Outcome::Unknown,
        summary: format!("what becomes of a request to {} is not known", question.target),
        response: None,
        request: Request {
            target: question.target.clone(),
            path: question.path.clone(),
            ..Request::default()
        },
        decision: None,
        branches: Vec::new(),
        steps: Vec::new(),
        findings: Vec::new(),
        unchecked: vec!["everything".to_owned()],
        time: snapshot.time.clone(),
    }
}
