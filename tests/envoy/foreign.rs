//! Configurations that are not ours: case files in which Envoy's own API is set by chance.
//!
//! The other generator makes what the walk knows. This one knows nothing of the walk: it reads the descriptors of Envoy's
//! API out of its binary, chooses places of a configuration and fields of the messages that stand there, and sets them,
//! takes them away, doubles them. What Envoy does not take is dropped and counted. What it takes has the case's requests,
//! and a few that are a little different.

mod mutant;
mod places;
mod run;
mod shrink;
mod tell;
mod values;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::WORKERS;
use crate::case::{self, Case};
use crate::config::Config;
use crate::driver::{Envoy, Installed};
use crate::generate::rng::Rng;
use mutant::Mutant;
use run::{Ran, Stand};
use values::Values;

/// So many disagreements are made small.
const SHRUNK: usize = 40;

/// When a run ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    Mutants(usize),
    Elapsed(Duration),
}

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    made: usize,
    /// By the first words of why.
    refused: BTreeMap<String, usize>,
    ran: usize,
    pairs: usize,
    wrong: usize,
    /// Differences that did not show on an Envoy that had seen no other request.
    unsteady: usize,
    /// Differences of which the backend is the cause: nobody listens, or not in the protocol that the cluster speaks.
    backend: usize,
    /// Requests that had no answer in time.
    slow: usize,
    unknown: usize,
    /// Unknown, and no condition says why.
    unnamed: usize,
    broken: usize,
    /// Why pairs were unknown.
    reasons: BTreeMap<String, usize>,
    /// How often each field was set, and how often Envoy took it.
    fields: BTreeMap<String, (usize, usize)>,
    /// The fields of the mutations that were wrong.
    kinds: BTreeMap<String, usize>,
}

impl Sum {
    /// What fails a run.
    pub(crate) fn disagreements(&self) -> usize {
        self.wrong + self.unnamed + self.broken
    }
}

/// Makes mutants of every case in turn, from one seed, and examines them.
pub(crate) fn run(envoy: &Installed, seed: u64, until: Until) -> Sum {
    let files = seeds();
    let values = Values::of(&envoy.api, extensions(envoy), &files);
    tell::begins(envoy.version, seed, &values);
    let (next, sum, start) = (AtomicUsize::new(0), Mutex::new(Sum::default()), Instant::now());
    let goes_on = |round: usize| match until {
        Until::Mutants(count) => round < count,
        Until::Elapsed(time) => start.elapsed() < time,
    };
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (next, sum, files, values) = (&next, &sum, &files, &values);
            scope.spawn(move || {
                let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("foreign-{worker}"));
                let stand = Stand { envoy: &envoy.binary, directory: &directory };
                loop {
                    let round = next.fetch_add(1, Ordering::Relaxed);
                    if !goes_on(round) {
                        return;
                    }
                    let work = Work { stand: &stand, values, sum, seed, round };
                    work.case(files, envoy);
                    if round % 200 == 199 {
                        tell::progress(&sum.lock().unwrap_or_else(PoisonError::into_inner), start.elapsed());
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    tell::ends(&sum, envoy.version, seed, start.elapsed());
    sum
}

/// What is mutated.
fn seeds() -> Vec<PathBuf> {
    case::files()
}

/// One case, and what it is for.
struct Work<'a> {
    stand: &'a Stand<'a>,
    values: &'a Values<'a>,
    sum: &'a Mutex<Sum>,
    seed: u64,
    round: usize,
}

impl Work<'_> {
    /// A mutant of the case of this round. It is drawn from the case's name: a case that is new changes no other's.
    fn case(&self, files: &[PathBuf], envoy: &Installed) {
        let (path, turn) = (&files[self.round % files.len()], self.round / files.len());
        let Ok(case) = catch_unwind(|| Case::read(path)) else { return };
        // What B's proxy answers, the log has as an answer of the cluster's.
        if case.since > envoy.version || case.pairs.is_empty() || case.config.pod.is_some() {
            return;
        }
        let mut rng = Rng::named(self.seed, case.name(), turn.try_into().expect("a number"));
        let Some(mutant) = Mutant::by_chance(&mut rng, self.values, &case) else { return };
        let name = format!("{}-{turn}-{}", self.seed, case.name());
        let examined = catch_unwind(AssertUnwindSafe(|| run::run(self.stand, &mutant)));
        self.count(&case, &mutant, &name, examined.unwrap_or_else(|_| Ran::Broke("it panicked".to_owned())));
    }

    fn count(&self, case: &Case, mutant: &Mutant, name: &str, ran: Ran) {
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        sum.made += 1;
        for field in mutant.fields() {
            sum.fields.entry(field).or_default().0 += 1;
        }
        let done = match ran {
            Ran::Refused(why) => {
                *sum.refused.entry(tell::general(&why)).or_default() += 1;
                return;
            }
            Ran::Broke(why) => {
                sum.broken += 1;
                return tell::broke(case, mutant, name, &why);
            }
            Ran::Through(done) => done,
        };
        sum.ran += 1;
        for field in mutant.fields() {
            sum.fields.entry(field).or_default().1 += 1;
        }
        sum.pairs += done.pairs;
        sum.unsteady += done.unsteady;
        sum.backend += done.backend;
        sum.slow += done.slow;
        sum.unknown += done.unknown;
        sum.unnamed += done.unnamed;
        for reason in &done.reasons {
            *sum.reasons.entry(reason.clone()).or_default() += 1;
        }
        let (before, wrong) = (sum.wrong, done.wrong.len());
        sum.wrong += wrong;
        drop(sum);
        let Some(first) = done.wrong.into_iter().next() else { return };
        let small = if before < SHRUNK { shrink::shrink(self.stand, mutant, first) } else { (mutant.clone(), first) };
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        *sum.kinds.entry(small.0.fields().join(" + ")).or_default() += wrong;
        tell::wrong(case, &small.0, name, &small.1, wrong);
    }
}

/// Of the binary: what `/server_info` says of the extensions that it has, by category.
fn extensions(envoy: &Installed) -> BTreeMap<String, Vec<values::Extension>> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign-extensions");
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("a directory");
    let mut short = crate::config::object(serde_json::json!({"tcp": "none"}));
    let config = Config::new(&mut short);
    let running = Envoy::start_with(&envoy.binary, &directory, &config).unwrap_or_else(|why| panic!("{why}"));
    values::Extension::all(&running.get_json("/server_info"))
}
