//! The differential test: a real Envoy is the expectation. Same configuration, same request, same answer.
//!
//! Each file in `cases/` is one configuration and its requests. A real Envoy runs the configuration on loopback;
//! the program is asked about each request from what that Envoy's admin endpoint says; then the request is sent,
//! and what the access log tells of it is held against the verdict.
//!
//! `MESH_WHY_ENVOY` names another binary, `MESH_WHY_CASES` the files whose names contain it, and
//! `MESH_WHY_SHOW=1` prints what Envoy did with every request.

mod access_log;
mod admin;
mod ask;
mod backend;
mod batch;
mod campaign;
mod case;
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
mod yaml;

use std::env;
use std::path::Path;

use case::Case;
use coverage::Met;
use examine::{Place, examine};
use report::Tally;

/// One pair in this many is also asked of the running admin endpoint.
const LIVE_EVERY: usize = 5;

/// The release whose run is held against the list of what no case sets.
const COVERED: generate::Version = (1, 40);

#[test]
fn the_program_foretells_what_envoy_does() {
    let Some(envoy) = driver::binary() else {
        report::skipped();
        return;
    };
    let wanted = env::var("MESH_WHY_CASES").unwrap_or_default();
    let mut tally = Tally::default();
    let mut by_hand = Met::default();
    let mut coverage = None;
    for path in case::files() {
        let case = Case::read(&path);
        if !case.name().contains(&wanted) {
            continue;
        }
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("envoy").join(case.name());
        let place = Place { envoy: &envoy, directory };
        tally.add(&path, &examine(&place, &case.config, &case.pairs, LIVE_EVERY));
        by_hand.look_into(&place.directory);
    }
    tally.print();
    if wanted.is_empty() || wanted == "generated" {
        let (disagree, generated) = campaign::run(&envoy);
        tally.disagree += disagree;
        // Other releases do not take every case.
        let whole = generated.filter(|_| wanted.is_empty() && driver::version(&envoy) == COVERED);
        coverage = whole.map(|generated| coverage::judge(&by_hand, &generated));
    }
    assert_eq!(tally.disagree, 0, "the program and Envoy disagree");
    if let Some(coverage) = coverage {
        report::coverage(&coverage);
        assert!(coverage.complaints.is_empty(), "{}", coverage.complaints.join("\n"));
    }
}
