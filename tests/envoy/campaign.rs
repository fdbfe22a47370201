//! Many batches from one seed, on two threads.

#![expect(clippy::print_stdout, reason = "a report is printed")]

use std::collections::BTreeMap;
use std::env;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::backend::Backends;
use crate::batch::{self, Stand};
use crate::compare::is_unknown;
use crate::generate::rng::Rng;
use crate::generate::{Layer, Spot, Unit};
use crate::driver;

/// Units in a batch.
const UNITS: usize = 24;

#[derive(Debug, Default)]
struct Sum {
    pairs: usize,
    disagree: usize,
    configurations: usize,
    unknown: BTreeMap<String, usize>,
    layers: BTreeMap<Layer, usize>,
    stops: BTreeMap<(String, String), usize>,
    rejected: BTreeMap<String, usize>,
}

pub(crate) fn run(envoy: &Path) {
    let number = |name: &str, default: u64| env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let seed = number("MESH_WHY_SEED", 1);
    let batches = usize::try_from(number("MESH_WHY_BATCHES", 10)).expect("a few");
    let version = driver::version(envoy);
    let next = AtomicUsize::new(0);
    let sum = Mutex::new(Sum::default());
    let start = Instant::now();
    thread::scope(|scope| {
        for worker in 0..2 {
            let (next, sum) = (&next, &sum);
            scope.spawn(move || {
                let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("generated-{worker}"));
                let stand = Stand { envoy, directory: &directory };
                let mut backends = Backends::default();
                loop {
                    let batch = next.fetch_add(1, Ordering::Relaxed);
                    if batch >= batches {
                        return;
                    }
                    let units = units(seed, batch, version);
                    match batch::run(&stand, &mut backends, &units) {
                        Ok(done) => sum.lock().expect("a sum").add(&units, &done),
                        Err(why) => println!("batch {batch} of seed {seed}: {why}"),
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().expect("a sum");
    println!("{sum:#?} {:?}", start.elapsed());
}

fn units(seed: u64, batch: usize, version: (u32, u32)) -> Vec<Unit> {
    let mut rng = Rng::new(seed, batch.try_into().expect("a number"));
    (0..UNITS)
        .map(|number| {
            let layer = Layer::ALL[number % Layer::ALL.len()];
            Unit::new_by_chance(&mut rng, layer, &Spot::new(number), version)
        })
        .collect()
}

impl Sum {
    fn add(&mut self, units: &[Unit], batch: &batch::Batch) {
        self.configurations += units.len() - batch.rejected.len();
        for (unit, why) in &batch.rejected {
            *self.rejected.entry(why.chars().take(150).collect()).or_default() += 1;
            let _ = unit;
        }
        for why in &batch.no_questions {
            *self.rejected.entry(format!("no question: {why}")).or_default() += 1;
        }
        for outcome in &batch.outcomes {
            self.pairs += 1;
            *self.layers.entry(units[outcome.unit].layer).or_default() += 1;
            for seen in &outcome.observed {
                let flags: Vec<_> = seen.reply.flags.iter().cloned().collect();
                *self.stops.entry((flags.join(","), seen.reply.details.clone())).or_default() += 1;
            }
            if is_unknown(&outcome.said) {
                *self.unknown.entry(outcome.said.verdict["unchecked"].to_string()).or_default() += 1;
            }
            if !outcome.differences.is_empty() {
                self.disagree += 1;
                let unit = &units[outcome.unit];
                println!("DISAGREE {:?}", unit.layer);
                println!("  {}", batch::case_of(unit, &unit.requests[outcome.request]));
                for difference in &outcome.differences {
                    println!("    {:<14} Envoy: {}   we: {}", difference.of, difference.envoy, difference.said);
                }
                println!("    unchecked {}", outcome.said.verdict["unchecked"]);
            }
        }
    }
}
