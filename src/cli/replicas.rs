//! `--all-pods`: every pod of A's is asked, and those with one answer stand together.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::collect::{CollectError, Collector, Learned, Opened, Options, Place, Replica, Replicas, Rest};
use crate::diagnose::{TRIES, unsettled};
use crate::mesh::proxies::too_old;
use crate::render::Told;
use crate::snapshot::{AskRecord, Need};
use crate::verdict::{Mark, Outcome, Response, Side, Stage, Verdict};
use crate::walk::Question;

/// So many pods are asked at once: each has a port-forward of its own, which is mostly waited for.
const AT_ONCE: usize = 100;

/// What the first pod's answer wanted to know, once that is known.
type Wanted = watch::Receiver<Option<Arc<Vec<Need>>>>;

/// What came of a pod.
struct Heard {
    pod: String,
    verdict: Result<Verdict, CollectError>,
    learned: Learned,
}

impl Heard {
    /// As long as nothing came.
    fn nothing(pod: String) -> Self {
        let (what, cause) = ("the pod".to_owned(), "reading it broke off".to_owned());
        let verdict = Err(CollectError::Api { what, cause, hint: None });
        Self { pod, verdict, learned: Learned::default() }
    }
}

/// Asks all pods; `None` where A is no name of a cluster. An error where none of them can be asked.
pub(super) async fn ask_all(
    (place, options): (&Place, &Options),
    asked: (&AskRecord, &Question),
) -> Result<Option<Vec<Told>>, CollectError> {
    let Some(replicas) = Replicas::of(place, options).await? else { return Ok(None) };
    let (mut verdicts, mut errors) = (Vec::new(), Vec::new());
    for Heard { pod, verdict, .. } in hear(&replicas, asked).await {
        match verdict {
            Ok(verdict) => verdicts.push((pod, verdict)),
            Err(error) => errors.push((pod, error)),
        }
    }
    let mut told = grouped(verdicts);
    match told.first_mut() {
        Some(first) => {
            first.verdict.unchecked.extend(errors.iter().map(|(pod, error)| format!("pod {pod}: {error}")));
            Ok(Some(told))
        }
        None => errors.pop().map_or(Ok(None), |(_, error)| Err(error)),
    }
}

/// What each pod says, in the order of the pods. What the first wanted to know, the others are asked at once; their doors are
/// opened meanwhile. What B's proxies said is read for all of them; at the end it is looked at once more, and whose answer rests
/// on what has moved is asked again.
async fn hear(replicas: &Replicas, asked: (&AskRecord, &Question)) -> Vec<Heard> {
    let all = replicas.all();
    let (tell, wanted) = watch::channel(None);
    let first = async {
        // It waits for nobody, and nobody's place.
        let (_, nothing) = watch::channel(Some(Arc::default()));
        let mut heard = ask_each(all.iter().take(1), asked, &nothing).await;
        let learned = heard.first_mut().map(|first| std::mem::take(&mut first.learned.wanted));
        tell.send_replace(Some(Arc::new(learned.unwrap_or_default())));
        heard
    };
    let (mut heard, others) = tokio::join!(first, ask_each(all.iter().skip(1), asked, &wanted));
    heard.extend(others);
    for tries in 1..=TRIES {
        let rests: Vec<Vec<Rest>> = heard.iter_mut().map(|one| std::mem::take(&mut one.learned.rests)).collect();
        let moved = replicas.moved(&rests).await;
        let again: Vec<usize> = (0..heard.len()).filter(|place| !moved[*place].is_empty()).collect();
        if again.is_empty() {
            break;
        }
        if tries == TRIES {
            let unsettle = |(one, moved): (Heard, Vec<Need>)| match one.verdict {
                Ok(verdict) if !moved.is_empty() => Heard { verdict: Ok(unsettled(verdict, &moved)), ..one },
                verdict => Heard { verdict, ..one },
            };
            return heard.into_iter().zip(moved).map(unsettle).collect();
        }
        replicas.forget();
        let anew = ask_each(again.iter().map(|place| &all[*place]), asked, &wanted).await;
        for (place, one) in again.into_iter().zip(anew) {
            heard[place] = one;
        }
    }
    heard
}

/// What each of these says, in their order, when it is likely to want this.
async fn ask_each(
    replicas: impl Iterator<Item = &Replica>,
    (ask, question): (&AskRecord, &Question),
    wanted: &Wanted,
) -> Vec<Heard> {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    let mut heard = Vec::new();
    for (place, replica) in replicas.cloned().enumerate() {
        heard.push(Heard::nothing(replica.name()));
        let (room, wanted) = (Arc::clone(&room), wanted.clone());
        let (ask, question) = (ask.clone(), question.clone());
        tasks.spawn(async move {
            // The semaphore is never closed.
            let _held = room.acquire().await;
            let pod = replica.name();
            let (verdict, learned) = match of_one(replica, ask, &question, wanted).await {
                Ok((verdict, learned)) => (Ok(verdict), learned),
                Err(error) => (Err(error), Learned::default()),
            };
            (place, Heard { pod, verdict, learned })
        });
    }
    while let Some(done) = tasks.join_next().await {
        // A task that panicked takes its answer with it.
        if let Ok((place, one)) = done {
            heard[place] = one;
        }
    }
    heard
}

async fn of_one(
    replica: Replica,
    ask: AskRecord,
    question: &Question,
    mut wanted: Wanted,
) -> Result<(Verdict, Learned), CollectError> {
    let Opened { mut snapshot, mut collector } = replica.open_with(Some(crate::foresight(question))).await?;
    if let Some(what) = too_old(&snapshot) {
        return Err(CollectError::TooOld { what });
    }
    snapshot.ask = Some(ask);
    if let Some(collector) = &mut collector {
        let wanted = wanted.wait_for(Option::is_some).await.ok().and_then(|wanted| wanted.clone());
        Box::pin(crate::read_alike(&mut snapshot, collector, &wanted.unwrap_or_default())).await;
    }
    let verdict = crate::answer(question, &mut snapshot, collector.as_mut()).await;
    Ok((verdict, collector.map(Collector::learned).unwrap_or_default()))
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
