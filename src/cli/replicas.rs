//! `--all-pods`: every pod of A's is asked, and those with one answer stand together.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::collect::{self, CollectError, Opened, Options, Place, Replica};
use crate::mesh::proxies::too_old;
use crate::render::Told;
use crate::snapshot::AskRecord;
use crate::verdict::{Mark, Outcome, Response, Side, Stage, Verdict};
use crate::walk::Question;

/// So many pods are asked at once: each has a port-forward of its own.
const AT_ONCE: usize = 8;

/// Asks all pods; `None` where A is no name of a cluster. An error where none of them can be asked.
pub(super) async fn ask_all(
    (place, options): (&Place, &Options),
    (ask, question): (&AskRecord, &Question),
) -> Result<Option<Vec<Told>>, CollectError> {
    let Some(replicas) = collect::replicas(place, options).await? else { return Ok(None) };
    let (verdicts, mut errors) = asked(replicas, ask, question).await;
    let mut told = grouped(verdicts);
    match told.first_mut() {
        Some(first) => {
            first.verdict.unchecked.extend(errors.iter().map(|(pod, error)| format!("pod {pod}: {error}")));
            Ok(Some(told))
        }
        None => errors.pop().map_or(Ok(None), |(_, error)| Err(error)),
    }
}

/// What each pod says, in the order of the pods; and which could not be asked.
async fn asked(
    replicas: Vec<Replica>,
    ask: &AskRecord,
    question: &Question,
) -> (Vec<(String, Verdict)>, Vec<(String, CollectError)>) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    for (place, replica) in replicas.into_iter().enumerate() {
        let (room, ask, question) = (Arc::clone(&room), ask.clone(), question.clone());
        tasks.spawn(async move {
            // The semaphore is never closed.
            let _held = room.acquire().await;
            let name = replica.name();
            (place, name, of_one(replica, ask, &question).await)
        });
    }
    // A task that panicked takes its answer with it.
    let mut done: Vec<_> = tasks.join_all().await;
    done.sort_by_key(|(place, ..)| *place);
    let (mut verdicts, mut errors) = (Vec::new(), Vec::new());
    for (_, name, verdict) in done {
        match verdict {
            Ok(verdict) => verdicts.push((name, verdict)),
            Err(error) => errors.push((name, error)),
        }
    }
    (verdicts, errors)
}

async fn of_one(replica: Replica, ask: AskRecord, question: &Question) -> Result<Verdict, CollectError> {
    let Opened { mut snapshot, mut collector } = replica.open_with(Some(crate::foresight(question))).await?;
    if let Some(what) = too_old(&snapshot) {
        return Err(CollectError::TooOld { what });
    }
    snapshot.ask = Some(ask);
    Ok(crate::answer(question, &mut snapshot, collector.as_mut()).await)
}

/// Pods with one answer together, the worst answer first, then the one of most pods.
fn grouped(verdicts: Vec<(String, Verdict)>) -> Vec<Told> {
    let total = verdicts.len();
    let mut told: Vec<Told> = Vec::new();
    for (pod, verdict) in verdicts {
        let same = told.iter_mut().find(|told| essence(&told.verdict) == essence(&verdict));
        match same {
            Some(told) => told.pods.push(pod),
            None => told.push(Told { verdict, pods: vec![pod], of: total }),
        }
    }
    told.sort_by_key(|told| (severity(told.verdict.outcome), std::cmp::Reverse(told.pods.len())));
    told
}

fn severity(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Fails => 0,
        Outcome::Partial => 1,
        Outcome::Unknown => 2,
        Outcome::Answered => 3,
        Outcome::Reaches => 4,
    }
}

/// What an answer says, but for whose it is.
type Essence<'a> =
    (Outcome, &'a str, Option<&'a Response>, Vec<(Side, Stage, Mark, &'a str, &'a str)>, Vec<(&'static str, &'a str)>);

fn essence(verdict: &Verdict) -> Essence<'_> {
    let steps = verdict.steps.iter().filter(|step| step.stage != Stage::Request);
    let steps = steps.map(|step| (step.side, step.stage, step.mark, step.subject.as_str(), step.note.as_str()));
    let findings = verdict.findings.iter().map(|finding| (finding.id, finding.title.as_str()));
    (verdict.outcome, &verdict.summary, verdict.response.as_ref(), steps.collect(), findings.collect())
}
