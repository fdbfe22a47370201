//! One configuration, its requests: Envoy does, the program foretells, both are held against each other.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::ask::{self, Said};
use crate::compare::{self, Difference};
use crate::config::Config;
use crate::driver::Envoy;
use crate::observed::{self, Observed};
use crate::pair::{Pair, Request};
use crate::relay::Relay;
use crate::{client, snapshot};

/// What came of one pair.
#[derive(Debug)]
pub(crate) struct Examined {
    pub(crate) pair: Pair,
    pub(crate) observed: Vec<Observed>,
    pub(crate) said: Said,
    pub(crate) differences: Vec<Difference>,
    /// The command that asks the same again.
    pub(crate) command: String,
}

/// Where one configuration is examined.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    /// The Envoy to run.
    pub(crate) envoy: &'a Path,
    /// Emptied before; what is written stays, for whoever looks into a disagreement.
    pub(crate) directory: PathBuf,
}

/// Starts the Envoy and examines every pair; one in `live_every` is also asked of the running admin endpoint.
pub(crate) fn examine(place: &Place<'_>, config: &Config, pairs: &[Pair], live_every: usize) -> Vec<Examined> {
    let run = place.directory.join("run");
    let _ = fs::remove_dir_all(&place.directory);
    fs::create_dir_all(&run).expect("a directory to run in");
    let envoy = Envoy::start(place.envoy, &run, config);
    let places = observed::places(config);
    let before = place.directory.join("before");
    snapshot::save(&envoy, config.pod, &before);
    let relay = Relay::start(envoy.admin);
    let mut examined = Vec::new();
    for (index, pair) in pairs.iter().enumerate() {
        let mut folder = before.clone();
        if pair.ask_after > 0 {
            observe(&envoy, config.client, &pair.request, pair.ask_after);
            thread::sleep(SETTLED);
            folder = place.directory.join(format!("after-{index}"));
            snapshot::save(&envoy, config.pod, &folder);
        }
        let arguments = ask::snapshot_arguments(&folder, &pair.request);
        let said = ask::ask(&arguments);
        let mut differences = Vec::new();
        if index % live_every == 0 && pair.ask_after == 0 && config.pod.is_none() {
            let live = ask::ask(&ask::live_arguments(relay.address, &pair.request));
            differences.extend(compare::live(&said, &live));
        }
        let observed = observe(&envoy, config.client, &pair.request, pair.repeat);
        differences.extend(compare::compare(&observed, &places, &said));
        examined.push(Examined { pair: pair.clone(), observed, said, differences, command: ask::shown(&arguments) });
    }
    examined
}

/// Longer than Envoy's window for merging updates of hosts.
const SETTLED: Duration = Duration::from_millis(1200);
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends the request that often, one connection each, and reads what Envoy logged of them.
fn observe(envoy: &Envoy, client: Ipv4Addr, request: &Request, times: usize) -> Vec<Observed> {
    let skipped = envoy.log().len();
    let answers: Vec<_> = (0..times)
        .map(|number| {
            let port = client::port(number);
            (port, client::send(envoy.accepts, (client, port), request))
        })
        .collect();
    let start = Instant::now();
    loop {
        let log = envoy.log();
        let new = &log[skipped..];
        if new.ends_with('\n') && new.matches(r#""kind":"connection""#).count() >= times {
            return Observed::all(new, &answers).unwrap_or_else(|error| panic!("{request}: {error}\n{new}"));
        }
        assert!(start.elapsed() < PATIENCE, "{request}: Envoy logged only\n{new}");
        thread::sleep(Duration::from_millis(1));
    }
}
