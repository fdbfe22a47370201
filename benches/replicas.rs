//! `--all-pods`: what an answer costs with more and more pods of A's, by a fake API server near and far.

use std::time::Duration;

use crate::api::Api;
use crate::captured;
use crate::far;
use crate::stopwatch::median_of;
use crate::tool::{Run, Tool};

/// So many pods A has.
const COUNTS: [usize; 4] = [1, 10, 50, 200];

/// Round trips.
const TRIPS: [Duration; 2] = [Duration::ZERO, Duration::from_millis(100)];

/// How often one figure is measured.
const TIMES: usize = 3;

/// Prints a row for each number of pods, of one question and of all kinds of requests.
pub(crate) fn bench() {
    for (name, question) in [("one request", &["--exact"][..]), ("any request", &[])] {
        for count in COUNTS {
            let api = Api::start(captured::replicas(captured::healthy(), count));
            let total = total(&asked(&api, question, &["-v"]));
            let (requests, forwards) = {
                let seen = api.seen();
                let is_forward = |request: &&String| request.contains("/portforward?");
                (seen.api.len(), seen.api.iter().filter(is_forward).count())
            };
            let times = TRIPS.map(|trip| {
                let url = far::away(api.address, trip);
                let time = median_of(TIMES, || asked(&api, question, &["--server", &url]));
                format!("{} ms: {:.0} ms", trip.as_millis(), time.as_secs_f64() * 1000.0)
            });
            let times = times.join(", ");
            println!("replicas: {name}, {count}: {times}; API server {requests}, port-forwards {forwards}; {total}");
        }
    }
}

fn asked(api: &Api, question: &[&str], more: &[&str]) -> Run {
    let kubeconfig = api.kubeconfig_file();
    let fixed = ["order-service", "product-service:8082", "--all-pods", "--kubeconfig", &kubeconfig, "-n", "shop"];
    let run = Tool::new().run(&[&fixed, question, more].concat());
    assert!(run.out.lines().count() > 2, "{}", run.err);
    run
}

/// The line of `-v` that says how much was read.
fn total(run: &Run) -> String {
    run.err.lines().last().unwrap_or_default().to_owned()
}
