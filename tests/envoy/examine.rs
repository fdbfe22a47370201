//! One configuration, its requests: Envoy does, the program foretells, both are held against each other.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use mesh_why::snapshot::Snapshot;

use crate::ask::{self, Said};
use crate::chance::Level;
use crate::compare::{self, Difference};
use crate::config::Config;
use crate::draws::{self, Held, is_random};
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
    /// One pair in this many is asked of the program as its users run it; all are asked in this process.
    pub(crate) program_every: usize,
    /// How often at most a request is sent at first, where chance has a part.
    pub(crate) draws: usize,
    /// Emptied before; what is written stays, for whoever looks into a disagreement.
    pub(crate) directory: PathBuf,
}

/// One pair in this many, or in as many as the program gets, is asked of the running admin endpoint too.
const LIVE_EVERY: usize = 5;

/// Starts the Envoy and examines every pair.
pub(crate) fn examine(place: &Place<'_>, config: &Config, pairs: &[Pair]) -> Vec<Examined> {
    let run = place.directory.join("run");
    let _ = fs::remove_dir_all(&place.directory);
    fs::create_dir_all(&run).expect("a directory to run in");
    let envoy = Envoy::start(place.envoy, &run, config);
    let places = observed::places(config);
    let mut before = Shot::take(&envoy, config.pod, place.directory.join("before"));
    let relay = Relay::start(envoy.admin);
    let examined = pairs.iter().enumerate().map(|(index, pair)| {
        let mut after = (pair.ask_after > 0).then(|| {
            observe(&envoy, config.client, &pair.request, pair.ask_after);
            thread::sleep(SETTLED);
            Shot::take(&envoy, config.pod, place.directory.join(format!("after-{index}")))
        });
        let shot = after.as_mut().unwrap_or(&mut before);
        let said = ask::ask_here(&mut shot.snapshot, &pair.request);
        let arguments = ask::snapshot_arguments(&shot.folder, &pair.request);
        let mut differences = Vec::new();
        let is_typed = ask::can_be_typed(&pair.request);
        if is_typed && index % place.program_every == 0 {
            differences.extend(compare::another(&said, &ask::ask(&arguments)));
        }
        let is_live = is_typed && pair.ask_after == 0 && config.pod.is_none();
        if is_live && index % place.program_every.max(LIVE_EVERY) == 0 {
            differences.extend(compare::another(&said, &ask::ask(&ask::live_arguments(relay.address, &pair.request))));
        }
        let send = |times| observe(&envoy, config.client, &pair.request, times);
        let (observed, found) = held(pair, &Held { said: &said, places: &places, patience: draws::ALL }, place, send);
        differences.extend(found);
        Examined { pair: pair.clone(), observed, said, differences, command: ask::shown(&arguments) }
    });
    examined.collect()
}

/// What was seen, and what differs. What was sent before the question was asked has changed something; what is sent
/// after it may, too, so nothing is sent again.
fn held(
    pair: &Pair,
    held: &Held<'_>,
    place: &Place<'_>,
    send: impl Fn(usize) -> Vec<Observed>,
) -> (Vec<Observed>, Vec<Difference>) {
    if is_random(&held.said.verdict) && pair.ask_after == 0 {
        let first = send(pair.repeat.min(place.draws));
        return draws::settle(held, first, |times| Ok(send(times)))
            .unwrap_or_else(|why| panic!("{}: {why}", pair.request));
    }
    let all = send(pair.repeat);
    let found = compare::compare(&all, held.places, held.said, Level::Last);
    (all, found)
}

/// What is asked: in this process, and of the program.
struct Shot {
    folder: PathBuf,
    snapshot: Snapshot,
}

impl Shot {
    fn take(envoy: &Envoy, pod: Option<IpAddr>, folder: PathBuf) -> Self {
        let mut files = snapshot::files(envoy, pod);
        snapshot::save(&files, &folder);
        let snapshot = Snapshot::from_files(&mut files).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        Self { folder, snapshot }
    }
}

/// Longer than Envoy's window for merging updates of hosts.
const SETTLED: Duration = Duration::from_millis(1200);
/// For lines of the log, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Sends the request that often, one connection each, and reads what Envoy logged of them.
pub(crate) fn observe(envoy: &Envoy, client: Ipv4Addr, request: &Request, times: usize) -> Vec<Observed> {
    let before = envoy.logged();
    let answers: Vec<_> = (0..times)
        .map(|number| {
            let port = client::port(number);
            (port, client::send(envoy.accepts, (client, port), request))
        })
        .collect();
    let start = Instant::now();
    loop {
        let new = envoy.log_from(before);
        if new.ends_with('\n') && new.matches(r#""kind":"connection""#).count() >= times {
            return Observed::all(&new, &answers).unwrap_or_else(|error| panic!("{request}: {error}\n{new}"));
        }
        assert!(start.elapsed() < PATIENCE, "{request}: Envoy logged only\n{new}");
        thread::sleep(Duration::from_millis(1));
    }
}
