//! The differential test: a real Envoy is the expectation. Same configuration, same request, same answer.
//!
//! Each file in `cases/` is one configuration and its requests. A real Envoy runs the configuration on loopback;
//! the program is asked about each request from what that Envoy's admin endpoint says; then the request is sent,
//! and what the access log tells of it is held against the verdict.
//!
//! Every file runs on every Envoy that can have it. Of what is generated the newest has a sample, of one seed, and older
//! ones a smaller sample; `MESH_WHY_LONG=1` has more of all. On the newest, mutants of the files run too, one of each;
//! `MESH_WHY_CASES=foreign` runs them alone. `MESH_WHY_ENVOY` names another binary, to run on it alone,
//! `MESH_WHY_CASES` the files whose names contain it, and `MESH_WHY_SHOW=1` prints what Envoy did with every request.

mod access_log;
mod admin;
mod api;
mod ask;
mod backend;
mod batch;
mod campaign;
mod case;
mod certificates;
mod chance;
mod client;
mod compare;
mod config;
mod coverage;
mod draws;
mod driver;
mod examine;
mod files;
mod foreign;
mod generate;
mod hello;
mod http1;
mod http2;
mod in_a_mesh;
mod kinds;
mod observed;
mod pair;
mod relay;
mod repaired;
mod report;
mod shrink;
mod snapshot;
mod watches;
mod yaml;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use campaign::Extent;
use case::Case;
use coverage::Met;
use driver::{Installed, Share};
use examine::{Examined, Place, examine};
use report::Tally;

/// So many threads examine: one more than small machines have cores, for each waits for its Envoy now and then.
pub(crate) const WORKERS: usize = 3;

/// The release whose run is held against the lists of what no case sets, and of whose API one of them is made.
const COVERED: generate::Version = (1, 40);

#[test]
fn the_program_foretells_what_envoy_does() {
    let installed: Vec<Installed> = driver::installed();
    if installed.is_empty() {
        report::skipped();
    }
    let disagree: usize = installed.iter().map(disagreements_with).sum();
    let (made, planned) = chance::comparisons();
    report::chance(made, planned);
    assert_eq!(disagree, 0, "the program and Envoy disagree");
    assert!(made <= planned || campaign::is_soak(), "the bounds of chance are made for fewer comparisons");
}

/// Runs what the environment asks for on one Envoy.
fn disagreements_with(envoy: &Installed) -> usize {
    let wanted = env::var("MESH_WHY_CASES").unwrap_or_default();
    let (mut tally, by_hand) = by_hand(envoy, &wanted);
    let wants_generated = wanted.is_empty() || wanted == "generated";
    let mut shaken = Met::default();
    for seed in if wants_generated { campaign::seeds() } else { Vec::new() } {
        let path = PathBuf::from(format!("handshakes of seed {seed}"));
        let (counted, met) = examine_case(envoy, &Case::of(&path, generate::handshakes::case(seed)));
        tally.count(&path, counted);
        shaken.add(&met);
    }
    tally.print();
    let (generated, met) = if wants_generated { campaign::run(envoy) } else { (0, None) };
    // Older releases do not take every case.
    let both = met.map(|mut met| {
        met.add(&shaken);
        met
    });
    let whole = both.filter(|_| wanted.is_empty() && (envoy.version.0, envoy.version.1) == COVERED);
    let uncovered = whole.map_or(0, |met| uncovered(envoy, &by_hand, &met));
    // A soak is of one generator.
    let wants_foreign = wanted == "foreign" || (wanted.is_empty() && envoy.share == Share::All && !campaign::is_soak());
    let foreign = if wants_foreign { campaign::foreign(envoy) } else { 0 };
    tally.disagree + tally.broken + generated + uncovered + foreign
}

/// How much both lists of what no case sets have wrong.
fn uncovered(envoy: &Installed, by_hand: &Met, generated: &Met) -> usize {
    let extent = campaign::extent();
    let mut surely = by_hand.clone();
    match extent {
        Extent::Sample => surely.add(generated),
        // What only more of chance sets stays on the list, for the sample does not set it.
        Extent::Long => {}
    }
    let judge = |list| coverage::judge(list, by_hand, generated, &surely);
    let (protos, api) = (coverage::of_protos(), coverage::of_api(&envoy.api));
    report::coverage(&judge(&protos), extent) + report::api(envoy.version, &judge(&api), api.rows)
}

/// Every case whose file's name contains what is wanted, on some threads; and what they set.
fn by_hand(envoy: &Installed, wanted: &str) -> (Tally, Met) {
    let files: Vec<PathBuf> = case::files().into_iter().filter(|path| case::name(path).contains(wanted)).collect();
    let sum = Mutex::new((Tally::of(envoy), Met::default()));
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let case = Case::read(path);
                    let examined = (envoy.version >= case.since).then(|| examine_case(envoy, &case));
                    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                    match examined {
                        None => sum.0.leave_out(&case),
                        Some((counted, met)) => {
                            sum.0.count(path, counted);
                            sum.1.add(&met);
                        }
                    }
                }
            });
        }
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Examines one case, and says what it set; nothing where it broke off.
fn examine_case(envoy: &Installed, case: &Case) -> (Option<Vec<Examined>>, Met) {
    let mut met = Met::default();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("envoy").join(case.name());
    let extent = campaign::extent();
    let (program_every, draws) = (extent.program_every(envoy.share), extent.draws(envoy.share));
    let place = Place { envoy: &envoy.binary, program_every, draws, directory };
    // What this Envoy does not take is a mistake of the case, and the others run all the same.
    let examined = catch_unwind(AssertUnwindSafe(|| examine(&place, &case.config, &case.pairs))).ok();
    if examined.is_some() {
        met.look_into(&envoy.api, &place.directory);
    }
    (examined, met)
}
