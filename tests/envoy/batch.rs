//! A batch: units that share one Envoy. The program is asked in this process, all pairs on one snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use mesh_why::render::{self, Format, Theme};
use mesh_why::snapshot::{AskRecord, Snapshot};
use mesh_why::walk::Question;
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::ask::{self, Said};
use crate::backend::Backends;
use crate::compare::{self, Difference};
use crate::config::Config;
use crate::coverage::Met;
use crate::driver::Envoy;
use crate::generate::{REFUSING, Unit, together};
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

/// Sent again so often where chance has a part.
const SOME: usize = 100;
/// Sent again so often when the first answers do not fit: chance alone must not look like a mistake.
pub(crate) const MANY: usize = 1500;
/// Sent in the end for hosts that get next to nothing.
pub(crate) const VERY_MANY: usize = 6000;
/// Sent before the question is asked, where hosts refuse; and at most so often until one has refused, for chance may
/// leave it out for long.
const WARM_UP: usize = 3;
const WARM_UPS: usize = 150;
/// What takes longer is not sent so often.
const AT_ONCE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(20);
/// What Envoy answers later than this, or not at all, is sent a few times and not a hundred.
const SLOW: Duration = Duration::from_secs(10);
const FEW: usize = 3;

/// Where batches run.
#[derive(Debug)]
pub(crate) struct Stand<'a> {
    pub(crate) envoy: &'a Path,
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
    let mut short = Value::Object(together(units));
    backends.place(&mut short);
    let Value::Object(mut short) = short else { return Err("no configuration".to_owned()) };
    let config = Config::new(&mut short);
    let envoy = Envoy::start_with(stand.envoy, stand.directory, &config)?;
    let refusals = envoy.refusals(&config);
    let of = |unit: &Unit, name: &str| name.split('-').next() == Some(&unit.name);
    let refused = |unit: &Unit| refusals.iter().find(|(name, _)| of(unit, name)).map(|(_, why)| why.clone());
    let mut batch = Batch::default();
    let mut sender = Sender { envoy: &envoy, config: &config, seen: envoy.log().len() };
    let warm = units.iter().filter(|unit| unit.warm && refused(unit).is_none()).flat_map(|unit| &unit.requests);
    let mut warm: Vec<(Request, usize)> = warm.map(|value| (request(value), WARM_UP)).collect();
    let waits = units.iter().any(|unit| unit.short.get("clusters").is_some_and(|all| all.get(REFUSING).is_some()));
    for round in 0..WARM_UPS {
        if warm.is_empty() || (round > 0 && (!waits || has_refused(&envoy))) {
            break;
        }
        let mut quick = Vec::new();
        for each in warm {
            let start = Instant::now();
            sender.send(std::slice::from_ref(&each))?;
            if start.elapsed() < AT_ONCE {
                quick.push(each);
            }
        }
        warm = quick;
    }
    let mut files = snapshot::files(&envoy, config.pod);
    let counts = |name: &str| !units.iter().any(|unit| of(unit, name) && refused(unit).is_some());
    for body in files.values() {
        batch.met.look(&serde_json::from_slice(body).map_err(|error| error.to_string())?, &counts);
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
            match say(&mut shot, &request(&unit.requests[number])) {
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

/// Whether the cluster that chance may leave out has refused a connection; others that refuse are asked for outright.
fn has_refused(envoy: &Envoy) -> bool {
    let hosts = envoy.get("/clusters");
    let mut own = hosts.lines().filter(|line| line.starts_with(&format!("{REFUSING}::")));
    own.any(|line| line.contains("::cx_connect_fail::") && !line.ends_with("::0"))
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
        outcome.observed = observed;
        outcome.differences = compare::compare(&outcome.observed, places, &outcome.said);
        let foretold = outcome.observed.len() > 1;
        for times in [SOME, MANY, VERY_MANY].into_iter().filter(|times| *times <= patience) {
            // One request does not show whether chance chose its route, for all routes may end alike.
            let by_chance = foretold || outcome.observed.len() == 1 || is_random_in(&outcome.observed);
            if outcome.differences.is_empty() || !by_chance {
                break;
            }
            if times <= outcome.observed.len() {
                continue;
            }
            outcome.observed = sender.send(&[(request(outcome), times)])?.pop().unwrap_or_default();
            outcome.differences = compare::compare(&outcome.observed, places, &outcome.said);
        }
    }
    Ok(())
}

/// Whether the verdict says that chance decides something.
fn is_random(verdict: &Value) -> bool {
    let several = |value: &Value| value.as_array().is_some_and(|items| items.len() > 1);
    let clusters = verdict["decision"]["clusters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let eligible = |cluster: &Value| {
        let endpoints = cluster["endpoints"].as_array().map(Vec::as_slice).unwrap_or_default();
        endpoints.iter().filter(|endpoint| endpoint["eligible"] == true).count()
    };
    verdict["outcome"] == "partial"
        || several(&verdict["branches"])
        || clusters.len() > 1
        || clusters.iter().any(|cluster| eligible(cluster) > 1)
}

fn is_random_in(observed: &[Observed]) -> bool {
    let way = |each: &Observed| (each.reply.clone(), each.cluster.clone(), each.route.clone());
    observed.windows(2).any(|pair| way(&pair[0]) != way(&pair[1]))
}

pub(crate) fn request(value: &Value) -> Request {
    Request::deserialize(value).unwrap_or_else(|error| panic!("{value}: {error}"))
}

/// Asks the program, in this process.
fn say(shot: &mut Snapshot, request: &Request) -> Result<Said, String> {
    let record = record(request);
    let question = Question::parse(&record).map_err(|error| error.to_string())?;
    let answering = mesh_why::answer(&question, shot, None);
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    let verdict = runtime.block_on(answering);
    let json = render::render(&verdict, &Format::Json, &Theme::default(), 80).map_err(|error| error.to_string())?;
    let verdict: Value = serde_json::from_str(&json).map_err(|error| error.to_string())?;
    let exit_code = compare::exit_code_of(verdict["outcome"].as_str().unwrap_or_default());
    Ok(Said { verdict, exit_code, complaint: String::new() })
}

fn record(request: &Request) -> AskRecord {
    let http = request.is_http();
    AskRecord {
        from: None,
        to: crate::in_a_mesh::socket(request.to).to_string(),
        path: if http { request.path.clone() } else { "/".to_owned() },
        method: if http { request.method.clone() } else { "GET".to_owned() },
        headers: if http { request.headers.clone() } else { Vec::new() },
        host: request.host.clone().filter(|_| http),
        protocol: Some(ask::protocol(request).to_owned()),
        tls: false,
        sni: request.sni.clone(),
    }
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
