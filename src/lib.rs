//! `kubectl mesh-why A B:PORT`: why does a request from A to B:PORT fail?
//!
//! Four verbs, one direction: **collect → walk → diagnose → render**. Only collect may wait or fail; the rest is
//! pure, synchronous and total. ARCHITECTURE.md has the picture.
//!
//! ```
//! use mesh_why::{judge, snapshot::{AskRecord, Snapshot}, verdict::Outcome, walk::Question};
//!
//! let ask = AskRecord { to: "product-service:8082".into(), ..AskRecord::default() };
//! let question = Question::parse(&ask).expect("a destination and a port");
//! let (verdict, needs) = judge(&Snapshot::default(), &question);
//! assert_eq!(verdict.outcome, Outcome::Unknown);
//! assert!(!needs.is_empty(), "nothing was read yet, and the walk says what it needs");
//! ```

pub mod access_log;
pub mod cli;
pub mod collect;
pub mod diagnose;
pub mod envoy;
pub mod explain;
pub mod mesh;
mod near;
mod redact;
pub mod render;
pub mod snapshot;
mod text;
pub mod verdict;
pub mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;

use collect::{Collector, Foresight, Round};
use mesh::likely::Likely;
use snapshot::{Need, Origin, PodRecord, Snapshot};
use verdict::Verdict;
use walk::Question;

/// How often needs are answered before the answer is taken as it is: ten times for each side.
const ROUNDS: usize = 20;
/// How often the walk starts over because the configuration moved.
const RESTARTS: usize = diagnose::TRIES - 1;

/// Walks and diagnoses once: the verdict as far as the snapshot carries it, and what would carry it further.
pub fn judge(snapshot: &Snapshot, question: &Question) -> (Verdict, BTreeSet<Need>) {
    diagnose::diagnose(snapshot, &walk::walk(snapshot, question))
}

/// Answers the question: judge, read what is needed, judge again, until nothing is needed that can be had.
///
/// Two admin reads are not one instant. After the walk the listeners, route configurations and clusters that it rests
/// on are read once more; when one differs, the walk starts over. A configuration that never stands still has no verdict.
pub async fn answer(question: &Question, snapshot: &mut Snapshot, mut collector: Option<&mut Collector>) -> Verdict {
    let mut restarts = 0;
    loop {
        let verdict = settle(question, snapshot, collector.as_deref_mut()).await;
        let Some(collector) = collector.as_deref_mut() else {
            return verdict;
        };
        let moved = moved(snapshot, collector).await;
        if moved.is_empty() {
            return verdict;
        }
        if restarts == RESTARTS {
            return diagnose::unsettled(verdict, &moved);
        }
        restarts += 1;
        collector.forget();
        snapshot.forget_configuration();
    }
}

/// What a question is likely to need, before it is known that it does.
pub fn foresight(question: &Question) -> Arc<dyn Foresight> {
    let port = match &question.port {
        walk::Port::Number(number) => Ok(*number),
        walk::Port::Name(name) => Err(name.clone()),
    };
    let beyond = question.beyond == walk::Beyond::Application;
    let is_one = question.protocol.is_none_or(|protocol| protocol.http().is_some());
    Arc::new(Foreseen(Likely { host: question.host.clone(), port, beyond, http: is_one }))
}

struct Foreseen(Likely);

impl Foresight for Foreseen {
    fn objects(&self, seen: &[&Snapshot], wanted: &[Need]) -> Vec<Need> {
        self.0.objects(seen, wanted)
    }

    fn of_proxy(&self, seen: &[&Snapshot], origin: Origin, pod: &PodRecord, wanted: &[Need]) -> Vec<Need> {
        self.0.of_proxy(seen, origin, pod, wanted)
    }
}

/// Judges and reads in turn.
async fn settle(question: &Question, snapshot: &mut Snapshot, mut collector: Option<&mut Collector>) -> Verdict {
    let mut round = 0;
    loop {
        let (verdict, needs) = judge(snapshot, question);
        let untried: Vec<Need> = needs.into_iter().filter(|need| !snapshot.is_tried(need)).collect();
        if untried.is_empty() || round == ROUNDS {
            return verdict;
        }
        let Some(collector) = collector.as_deref_mut() else {
            round += 1;
            for need in &untried {
                snapshot.pass_over(need, "it is not in the snapshot");
            }
            continue;
        };
        // What is here costs no wait, and may show what else to ask for.
        let here: Vec<Need> = untried.iter().filter(|need| collector.has(need)).cloned().collect();
        if !here.is_empty() {
            read(snapshot, collector, &here).await;
            continue;
        }
        collector.read_for(Round::Walk);
        round += usize::from(collector.begin_round(&untried));
        collector.foresee(snapshot, &untried);
        read(snapshot, collector, &untried).await;
    }
}

/// Reads what the answer of another of A's pods wanted to know, all at once: this one is likely to want the same. What cannot
/// be read, or has to be of after the rest, is left to whoever wants it.
pub async fn read_alike(snapshot: &mut Snapshot, collector: &mut Collector, wanted: &[Need]) {
    let is_due = |need: &&Need| !matches!(need, Need::Sync(..) | Need::LastUpdated(_)) && !snapshot.is_tried(need);
    let due: Vec<Need> = wanted.iter().filter(is_due).cloned().collect();
    let (now, then): (Vec<Need>, Vec<Need>) = due.into_iter().partition(|need| collector.why_not(need).is_none());
    collector.begin_round(&now);
    try_read(snapshot, collector, now).await;
    let mut of_b = Vec::new();
    for need in then {
        match collector.why_not(&need) {
            None => of_b.push(need),
            Some(why) if matches!(need, Need::Probe(..)) => snapshot.pass_over(&need, why),
            // There is no such proxy for this pod.
            Some(_) => {}
        }
    }
    try_read(snapshot, collector, of_b).await;
}

async fn read(snapshot: &mut Snapshot, collector: &mut Collector, needs: &[Need]) {
    collector.note(needs);
    let (needs, others): (Vec<Need>, Vec<Need>) = needs.iter().cloned().partition(|n| collector.why_not(n).is_none());
    for need in others {
        snapshot.pass_over(&need, collector.why_not(&need).unwrap_or_default());
    }
    for (need, why) in try_read(snapshot, collector, needs).await {
        snapshot.refuse(&need, &why);
    }
}

/// Reads; returns what could not be read, and why.
async fn try_read(snapshot: &mut Snapshot, collector: &mut Collector, needs: Vec<Need>) -> Vec<(Need, String)> {
    let mut refused = Vec::new();
    let (pods, needs): (Vec<Need>, Vec<Need>) = needs.into_iter().partition(|n| matches!(n, Need::Destination(..)));
    let asked = collector.ask(&needs);
    for (need, taken) in collector.read_pods(&pods, snapshot).await {
        if let Err(why) = taken {
            let causes = why.causes();
            refused.push((need, if causes.is_empty() { why.to_string() } else { causes.join(": ") }));
        }
    }
    for (need, answer) in asked.answers().await {
        let taken = answer.and_then(|answer| snapshot.answer(&need, answer).map_err(|why| why.to_string()));
        refused.extend(taken.err().map(|why| (need, why)));
    }
    refused
}

/// What of the configuration that was read is not what the proxies have now.
async fn moved(snapshot: &Snapshot, collector: &mut Collector) -> Vec<Need> {
    let parts = collector.to_read_again(snapshot);
    let mut later = Snapshot::default();
    collector.read_for(Round::Again);
    collector.begin_round(&parts);
    read(&mut later, collector, &parts).await;
    parts.into_iter().filter(|part| !snapshot.is_unmoved(part, &later)).collect()
}
