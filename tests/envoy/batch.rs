//! A batch: units that share one Envoy. The program is asked in this process, all pairs on one snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use mesh_why::snapshot::Snapshot;
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::api::Api;
use crate::ask::{self, Said};
use crate::backend::Backends;
use crate::compare::Difference;
use crate::config::Config;
use crate::coverage::Met;
use crate::draws::{self, Held, SOME, is_random};
use crate::driver::Envoy;
use crate::generate::{self, REFUSING, Unit};
use crate::observed::{self, Observed, Place};
use crate::pair::Request;
use crate::{client, snapshot};

/// What came of one pair.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Of the batch.
    pub(crate) unit: usize,
    /// Of the unit.
    pub(crate) request: usize,
    pub(crate) observed: Vec<Observed>,
    pub(crate) said: Said,
    pub(crate) differences: Vec<Difference>,
}

/// What came of a batch.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) outcomes: Vec<Outcome>,
    /// Configurations that Envoy does not take: the unit, and why.
    pub(crate) rejected: Vec<(usize, String)>,
    /// Requests that the program does not take for questions.
    pub(crate) no_questions: Vec<String>,
    /// What the configurations that it does take set.
    pub(crate) met: Met,
}

/// Sent before the question is asked, where hosts refuse.
const WARM_UP: usize = 3;
/// For lines of the log, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// What Envoy answers later than this, or not at all, is sent a few times and not a hundred.
const SLOW: Duration = Duration::from_secs(10);
const FEW: usize = 3;

/// Where batches run.
#[derive(Debug)]
pub(crate) struct Stand<'a> {
    pub(crate) envoy: &'a Path,
    /// What that Envoy can be told.
    pub(crate) api: &'a Api,
    /// How often at most a request is sent.
    pub(crate) patience: usize,
    /// Emptied before each.
    pub(crate) directory: &'a Path,
}

/// Runs one.
pub(crate) fn run(stand: &Stand<'_>, backends: &mut Backends, units: &[Unit]) -> Result<Batch, String> {
    let _ = fs::remove_dir_all(stand.directory);
    fs::create_dir_all(stand.directory).map_err(|error| error.to_string())?;
    let mut units = units.to_vec();
    for request in units.iter_mut().flat_map(|unit| &mut unit.requests) {
        backends.place(request);
    }
    let units = units.as_slice();
    let mut short = Value::Object(generate::together(units));
    backends.place(&mut short);
    let Value::Object(mut short) = short else { return Err("no configuration".to_owned()) };
    let waits = short["clusters"].get(REFUSING).is_some();
    let config = Config::new(&mut short);
    let envoy = Envoy::start_with(stand.envoy, stand.directory, &config)?;
    let refusals = envoy.refusals(&config);
    let of = |unit: &Unit, name: &str| name.split('-').next() == Some(&unit.name);
    let refused = |unit: &Unit| refusals.iter().find(|(name, _)| of(unit, name)).map(|(_, why)| why.clone());
    let mut batch = Batch::default();
    let mut sender = Sender { envoy: &envoy, config: &config, seen: envoy.logged() };
    let warm = units.iter().filter(|unit| unit.warm && refused(unit).is_none()).flat_map(|unit| &unit.requests);
    let outright = waits.then(generate::asks_the_refusing);
    let warm: Vec<(Request, usize)> = warm.chain(&outright).map(|value| (request(value), WARM_UP)).collect();
    sender.send(&warm)?;
    let mut files = snapshot::files(&envoy, config.pod);
    let counts = |name: &str| !units.iter().any(|unit| of(unit, name) && refused(unit).is_some());
    for body in files.values() {
        let body = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        batch.met.look(stand.api, &body, &counts);
    }
    let mut shot = Snapshot::from_files(&mut files).map_err(|error| error.to_string())?;
    for (index, unit) in units.iter().enumerate() {
        if let Some(why) = refused(unit) {
            batch.rejected.push((index, why));
            continue;
        }
        let distinct: BTreeSet<String> = unit.requests.iter().map(Value::to_string).collect();
        let first = |number: usize| {
            let text = unit.requests[number].to_string();
            distinct.contains(&text) && !unit.requests[..number].contains(&unit.requests[number])
        };
        for number in (0..unit.requests.len()).filter(|number| first(*number)) {
            match ask::say(&mut shot, &request(&unit.requests[number])) {
                Ok(said) => {
                    let (observed, differences) = (Vec::new(), Vec::new());
                    batch.outcomes.push(Outcome { unit: index, request: number, observed, said, differences });
                }
                Err(why) => batch.no_questions.push(why),
            }
        }
    }
    let places = observed::places(&config);
    examine(&mut sender, units, &places, &mut batch.outcomes, stand.patience)?;
    Ok(batch)
}

/// Sends every request; those that chance has a part in more often, until it is clear.
fn examine(
    sender: &mut Sender<'_>,
    units: &[Unit],
    places: &BTreeMap<String, Place>,
    outcomes: &mut [Outcome],
    patience: usize,
) -> Result<(), String> {
    let request = |outcome: &Outcome| request(&units[outcome.unit].requests[outcome.request]);
    let wanted: Vec<(Request, usize)> = outcomes
        .iter()
        .map(|outcome| (request(outcome), if is_random(&outcome.said.verdict) { SOME } else { 1 }))
        .collect();
    let all = sender.send(&wanted)?;
    for (outcome, observed) in outcomes.iter_mut().zip(all) {
        let request = request(outcome);
        let held = Held { said: &outcome.said, places, patience };
        let send = |times| Ok(sender.send(&[(request.clone(), times)])?.pop().unwrap_or_default());
        (outcome.observed, outcome.differences) = draws::settle(&held, observed, send)?;
    }
    Ok(())
}

pub(crate) fn request(value: &Value) -> Request {
    Request::deserialize(value).unwrap_or_else(|error| panic!("{value}: {error}"))
}

/// Sends to one Envoy, and reads what it logs.
struct Sender<'a> {
    envoy: &'a Envoy,
    config: &'a Config,
    /// So much of the log belongs to what was sent before.
    seen: usize,
}

impl Sender<'_> {
    /// Each request so often, one connection each; what is slow less often.
    fn send(&mut self, wanted: &[(Request, usize)]) -> Result<Vec<Vec<Observed>>, String> {
        let mut answers = Vec::new();
        let mut sent = Vec::new();
        for (request, times) in wanted {
            let (mut count, mut slow) = (0, 0);
            while count < *times && slow < FEW {
                let port = client::port(answers.len());
                let start = Instant::now();
                answers.push((port, client::send(self.envoy.accepts, (self.config.client, port), request)));
                slow += usize::from(start.elapsed() > SLOW);
                count += 1;
            }
            sent.push(count);
        }
        let log = self.wait_for(answers.len())?;
        let mut observed = Observed::all(&log, &answers)?.into_iter();
        Ok(sent.into_iter().map(|count| observed.by_ref().take(count).collect()).collect())
    }

    fn wait_for(&mut self, connections: usize) -> Result<String, String> {
        let start = Instant::now();
        loop {
            let log = self.envoy.log_from(self.seen);
            if log.ends_with('\n') && log.matches(r#""kind":"connection""#).count() >= connections || connections == 0 {
                self.seen += log.len();
                return Ok(log);
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("{connections} connections, and Envoy logged {} lines", log.lines().count()));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The case file that holds just this.
pub(crate) fn case_of(unit: &Unit, request: &Value) -> Value {
    let mut case = unit.short.clone();
    case.insert("requests".to_owned(), json!([request]));
    Value::Object(case)
}
