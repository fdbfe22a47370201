//! The differential test: a real Envoy is the expectation. Same configuration, same request, same answer.
//!
//! Each file in `cases/` is one configuration and its requests. A real Envoy runs the configuration on loopback;
//! the program is asked about each request from what that Envoy's admin endpoint says; then the request is sent,
//! and what the access log tells of it is held against the verdict.
//!
//! All of it runs on the newest Envoy, and on older ones every file that they can have and a share of what is generated.
//! `MESH_WHY_ENVOY` names another binary, to run on it alone, `MESH_WHY_CASES` the files whose names contain it, and
//! `MESH_WHY_SHOW=1` prints what Envoy did with every request.

mod access_log;
mod admin;
mod ask;
mod backend;
mod batch;
mod campaign;
mod case;
mod certificates;
mod client;
mod compare;
mod config;
mod coverage;
mod driver;
mod examine;
mod files;
mod generate;
mod hello;
mod http1;
mod http2;
mod in_a_mesh;
mod observed;
mod pair;
mod relay;
mod report;
mod shrink;
mod snapshot;
mod watches;
mod yaml;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use case::Case;
use coverage::Met;
use driver::Installed;
use examine::{Place, examine};
use report::Tally;

/// One pair in this many is also asked of the running admin endpoint.
const LIVE_EVERY: usize = 5;

/// The release whose run is held against the list of what no case sets.
const COVERED: generate::Version = (1, 40);

#[test]
fn the_program_foretells_what_envoy_does() {
    let installed: Vec<Installed> = driver::installed();
    if installed.is_empty() {
        report::skipped();
    }
    let disagree: usize = installed.iter().map(disagreements_with).sum();
    assert_eq!(disagree, 0, "the program and Envoy disagree");
}

/// Runs what the environment asks for on one Envoy.
fn disagreements_with(envoy: &Installed) -> usize {
    let wanted = env::var("MESH_WHY_CASES").unwrap_or_default();
    let mut tally = Tally::of(envoy);
    let mut by_hand = Met::default();
    for path in case::files() {
        let case = Case::read(&path);
        if !case.name().contains(&wanted) {
            continue;
        }
        if envoy.version < case.since {
            tally.leave_out(&case);
            continue;
        }
        by_hand.add(&examine_case(envoy, &case, &mut tally));
    }
    let wants_generated = wanted.is_empty() || wanted == "generated";
    let mut shaken = Met::default();
    for seed in if wants_generated { campaign::seeds() } else { Vec::new() } {
        let path = PathBuf::from(format!("handshakes of seed {seed}"));
        shaken.add(&examine_case(envoy, &Case::of(&path, generate::handshakes::case(seed)), &mut tally));
    }
    tally.print();
    let (generated, met) = if wants_generated { campaign::run(envoy) } else { (0, None) };
    // Older releases do not take every case.
    let both = met.map(|mut met| {
        met.add(&shaken);
        met
    });
    let whole = both.filter(|_| wanted.is_empty() && (envoy.version.0, envoy.version.1) == COVERED);
    let uncovered = whole.map_or(0, |met| report::coverage(&coverage::judge(&by_hand, &met)));
    tally.disagree + tally.broken + generated + uncovered
}

/// Examines one case, and says what it set.
fn examine_case(envoy: &Installed, case: &Case, tally: &mut Tally) -> Met {
    let mut met = Met::default();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("envoy").join(case.name());
    let place = Place { envoy: &envoy.binary, directory };
    // What this Envoy does not take is a mistake of the case, and the others run all the same.
    match catch_unwind(AssertUnwindSafe(|| examine(&place, &case.config, &case.pairs, LIVE_EVERY))) {
        Ok(examined) => {
            tally.add(&case.path, &examined);
            met.look_into(&place.directory);
        }
        Err(_) => tally.broke(&case.path),
    }
    met
}
