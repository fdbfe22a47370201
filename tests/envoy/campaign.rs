//! Many batches from one seed, on some threads, and what came of them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, thread};

use serde_json::Value;

use crate::WORKERS;
use crate::backend::Backends;
use crate::batch::{self, Batch, Outcome, Stand};
use crate::compare::is_unknown;
use crate::coverage::{self, Met};
use crate::draws;
use crate::driver::{Installed, Share};
use crate::foreign;
use crate::generate::rng::Rng;
use crate::generate::{Layer, Spot, Unit, Version};
use crate::report::{Kind, generated as report, kinds};
use crate::shrink;
use crate::yaml;

/// The seed that gates.
const SEED: u64 = 20_261_101;
/// Batches of a seed that nobody chose.
const FRESH_BATCHES: usize = 2;
/// Units in a batch.
const UNITS: usize = 33;
/// So many disagreements are made small; the others are shown as they are.
const SHRUNK: usize = 10;

/// What came of a campaign.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    pub(crate) pairs: usize,
    pub(crate) disagree: usize,
    pub(crate) configurations: usize,
    pub(crate) unknown: usize,
    /// Pairs with a condition that withholds: what it is about is not told at all.
    pub(crate) withheld: usize,
    pub(crate) reasons: BTreeMap<String, usize>,
    pub(crate) layers: BTreeMap<Layer, usize>,
    /// Flags and details, and how many pairs showed them.
    pub(crate) stops: BTreeMap<Kind, usize>,
    pub(crate) rejected: BTreeMap<String, usize>,
    pub(crate) broken: usize,
    pub(crate) met: Met,
}

/// How much of what can be generated a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// As in CI: the same for everybody.
    Sample,
    /// `tests/run --long`.
    Long,
}

impl Extent {
    /// Batches of the seed that gates.
    fn batches(self, share: Share) -> usize {
        match (self, share) {
            (Self::Long, Share::All) => 60,
            (Self::Long, Share::Bounded) => 20,
            (Self::Sample, Share::All) => 10,
            (Self::Sample, Share::Bounded) => 4,
        }
    }

    /// Mutants of the case files, of the seed that gates.
    fn mutants(self) -> usize {
        match self {
            Self::Long => 1200,
            // About one of each file.
            Self::Sample => 280,
        }
    }

    /// Of the pairs of a case, one in this many is asked of the program as its users run it.
    pub(crate) fn program_every(self, share: Share) -> usize {
        match (self, share) {
            (Self::Long, Share::All | Share::Bounded) => 1,
            (Self::Sample, Share::All) => 5,
            // The program is the same, whatever Envoy it is asked about.
            (Self::Sample, Share::Bounded) => 25,
        }
    }

    /// How often at most a case's request is sent at first, where chance has a part; what does not fit then is sent more
    /// often anyway.
    pub(crate) fn draws(self, share: Share) -> usize {
        match (self, share) {
            (Self::Long, Share::All | Share::Bounded) => usize::MAX,
            (Self::Sample, Share::All) => 2 * draws::SOME,
            (Self::Sample, Share::Bounded) => draws::SOME,
        }
    }
}

pub(crate) fn extent() -> Extent {
    if env::var_os("MESH_WHY_LONG").is_some() { Extent::Long } else { Extent::Sample }
}

/// Whether it runs for so long, and not once.
pub(crate) fn is_soak() -> bool {
    number("MESH_WHY_SOAK_MINUTES").is_some()
}

/// When a campaign ends.
#[derive(Clone, Copy, Debug)]
enum Until {
    Batches(usize),
    Elapsed(Duration),
}

/// Runs what the environment asks for: the number of disagreements that count, and what the seed that gates met, where
/// all of it ran.
pub(crate) fn run(envoy: &Installed) -> (usize, Option<Met>) {
    let batches = number("MESH_WHY_BATCHES").and_then(|count| usize::try_from(count).ok());
    let chosen = number("MESH_WHY_SEED");
    if let (Some(minutes), Share::All) = (number("MESH_WHY_SOAK_MINUTES"), envoy.share) {
        let sum = campaign(envoy, chosen.unwrap_or_else(fresh), Until::Elapsed(Duration::from_secs(60 * minutes)));
        report::met(&coverage::not_met(&sum.met));
        return (sum.disagree + sum.broken, None);
    }
    let own = extent().batches(envoy.share);
    report::extent(envoy.version, batches.unwrap_or(own), Extent::Long.batches(envoy.share), UNITS);
    let gate = campaign(envoy, chosen.unwrap_or(SEED), Until::Batches(batches.unwrap_or(own)));
    let is_whole = envoy.share == Share::All && chosen.is_none() && batches.is_none();
    if is_whole && extent() == Extent::Long {
        campaign(envoy, fresh(), Until::Batches(FRESH_BATCHES));
    }
    (gate.disagree + gate.broken, is_whole.then_some(gate.met))
}

/// The seeds of the handshakes: the one that gates, or of a soak as many as its minutes.
pub(crate) fn seeds() -> Vec<u64> {
    let chosen = number("MESH_WHY_SEED");
    match (number("MESH_WHY_SOAK_MINUTES"), chosen) {
        (Some(minutes), _) => (0..minutes).map(|more| chosen.unwrap_or_else(fresh).wrapping_add(more)).collect(),
        (None, Some(chosen)) => vec![chosen],
        (None, None) => vec![SEED],
    }
}

/// Mutants of the case files: the number of disagreements.
pub(crate) fn foreign(envoy: &Installed) -> usize {
    let minutes = number("MESH_WHY_SOAK_MINUTES").map(|minutes| Duration::from_secs(60 * minutes));
    let count = number("MESH_WHY_MUTANTS").and_then(|count| usize::try_from(count).ok());
    let until = minutes.map(foreign::Until::Elapsed);
    let until = until.unwrap_or_else(|| foreign::Until::Mutants(count.unwrap_or(extent().mutants())));
    let seed = number("MESH_WHY_SEED");
    let fresh = minutes.map(|_| fresh());
    foreign::run(envoy, seed.or(fresh).unwrap_or(SEED), until).disagreements()
}

/// A variable that is a number.
fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

fn fresh() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
    u64::from(now.subsec_nanos()) ^ now.as_secs() << 24
}

fn campaign(envoy: &Installed, seed: u64, until: Until) -> Sum {
    report::begins(envoy.version, seed);
    let (major, minor, _) = envoy.version;
    let next = AtomicUsize::new(0);
    let sum = Mutex::new(Sum::default());
    let start = Instant::now();
    let goes_on = |batch: usize| match until {
        Until::Batches(count) => batch < count,
        Until::Elapsed(time) => start.elapsed() < time,
    };
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (next, sum) = (&next, &sum);
            scope.spawn(move || {
                let directory =
                    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("generated-{major}.{minor}-{worker}"));
                let mut work = Work {
                    stand: Stand { envoy: &envoy.binary, api: &envoy.api, patience: draws::ALL, directory: &directory },
                    backends: Backends::default(),
                    sum,
                };
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if !goes_on(number) {
                        return;
                    }
                    work.batch(seed, number, (major, minor));
                    if number % 20 == 19 {
                        report::progress(&sum.lock().unwrap_or_else(PoisonError::into_inner), start.elapsed());
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    report::ends(&sum, envoy.version, seed, start.elapsed());
    sum
}

/// One thread's.
struct Work<'a> {
    stand: Stand<'a>,
    backends: Backends,
    sum: &'a Mutex<Sum>,
}

impl Work<'_> {
    fn batch(&mut self, seed: u64, number: usize, version: Version) {
        let units = units(seed, number, version);
        let ran = catch_unwind(AssertUnwindSafe(|| batch::run(&self.stand, &mut self.backends, &units)));
        let done = match ran {
            Ok(Ok(done)) => done,
            Ok(Err(why)) => return self.broke(number, &why),
            Err(_) => return self.broke(number, "it panicked"),
        };
        self.sum.lock().unwrap_or_else(PoisonError::into_inner).add(&units, &done);
        for (count, outcome) in done.outcomes.iter().filter(|outcome| !outcome.differences.is_empty()).enumerate() {
            self.disagreement(&units[outcome.unit], outcome, &format!("{seed}-{number}-{count}"));
        }
    }

    fn broke(&self, number: usize, why: &str) {
        report::broken(number, why);
        self.sum.lock().unwrap_or_else(PoisonError::into_inner).broken += 1;
    }

    fn disagreement(&mut self, unit: &Unit, outcome: &Outcome, name: &str) {
        let many = {
            let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
            sum.disagree += 1;
            sum.disagree > SHRUNK
        };
        let request = &unit.requests[outcome.request];
        let (case, differences) = if many {
            (batch::case_of(unit, request), outcome.differences.clone())
        } else {
            let stand = Stand { patience: draws::MANY, ..self.stand };
            shrink::shrink(&stand, &mut self.backends, unit, request, &outcome.differences)
        };
        let text = yaml::case_file(&case);
        let file = kept(&format!("{}-{name}", unit.layer.word()), &text);
        report::disagreement(unit.layer, &file, &text, &differences, &outcome.said.verdict);
    }
}

/// Where the case stands, to be put among the regressions.
fn kept(name: &str, text: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("disagreements");
    fs::create_dir_all(&directory).expect("a directory");
    let file = directory.join(format!("{name}.yaml"));
    fs::write(&file, text).expect("a case file");
    file
}

fn units(seed: u64, batch: usize, version: Version) -> Vec<Unit> {
    let number = batch.try_into().expect("a number");
    let mut rng = Rng::new(seed, number);
    let mut units: Vec<Unit> = (0..UNITS)
        .map(|number| {
            let layer = Layer::ALL[number % Layer::ALL.len()];
            Unit::by_chance(&mut rng, layer, &Spot::new(number), version)
        })
        .collect();
    // Of a sequence of its own: what is said beside leaves all else as it was.
    let mut beside = Rng::new(!seed, number);
    for unit in &mut units {
        unit.beside(&mut beside);
    }
    units
}

impl Sum {
    fn add(&mut self, units: &[Unit], batch: &Batch) {
        self.met.add(&batch.met);
        self.configurations += units.len() - batch.rejected.len();
        for (unit, why) in &batch.rejected {
            let why: String = why.chars().take(120).collect();
            *self.rejected.entry(format!("{}: {why}", units[*unit].layer.word())).or_default() += 1;
        }
        for why in &batch.no_questions {
            *self.rejected.entry(format!("no question: {why}")).or_default() += 1;
        }
        for outcome in &batch.outcomes {
            self.pairs += 1;
            *self.layers.entry(units[outcome.unit].layer).or_default() += 1;
            for kind in kinds(&outcome.observed) {
                *self.stops.entry(kind).or_default() += 1;
            }
            self.withheld += usize::from(withholds(&outcome.said.verdict));
            if is_unknown(&outcome.said) {
                self.unknown += 1;
                for condition in outcome.said.verdict["conditions"].as_array().into_iter().flatten() {
                    *self.reasons.entry(general(condition["why"].as_str().unwrap_or_default())).or_default() += 1;
                }
            }
        }
    }
}

/// Whether a condition of the verdict has that power.
fn withholds(verdict: &Value) -> bool {
    let conditions = verdict["conditions"].as_array().into_iter().flatten();
    conditions.filter_map(|condition| condition["power"].as_array()).flatten().any(|power| power == "withhold")
}

/// A reason without the names of one case.
fn general(reason: &str) -> String {
    let quoted = regex::Regex::new(r#"`[^`]*[0-9/{][^`]*`|"[^"]*"|\bu\d+[\w.-]*"#).expect("a pattern");
    quoted.replace_all(reason, "…").into_owned()
}
