//! One mutant on an Envoy of its own.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use mesh_why::snapshot::Snapshot;
use serde_json::Value;

use super::mutant::Mutant;
use super::tell;
use crate::ask::{self, Said};
use crate::compare::{Difference, is_unknown};
use crate::config::Config;
use crate::draws::{self, Held, is_random};
use crate::driver::Envoy;
use crate::observed::{self, Observed};
use crate::pair::Request;
use crate::{client, snapshot};

/// For an Envoy to serve all of it: some of what is set by chance makes it wait for ever.
const READY: Duration = Duration::from_secs(10);
/// For an answer. What takes longer is no pair.
const ANSWER: Duration = Duration::from_secs(4);
/// For lines of the log.
const LOGGED: Duration = Duration::from_secs(20);

/// Where it runs.
#[derive(Debug)]
pub(crate) struct Stand<'a> {
    pub(crate) envoy: &'a Path,
    /// Emptied before each.
    pub(crate) directory: &'a Path,
}

/// What came of a mutant.
#[derive(Debug)]
pub(crate) enum Ran {
    Refused(String),
    Broke(String),
    Through(Done),
}

/// Its pairs.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) pairs: usize,
    pub(crate) wrong: Vec<Wrong>,
    pub(crate) unsteady: usize,
    pub(crate) backend: usize,
    pub(crate) slow: usize,
    pub(crate) unknown: usize,
    pub(crate) unnamed: usize,
    pub(crate) reasons: Vec<String>,
}

/// A disagreement.
#[derive(Clone, Debug)]
pub(crate) struct Wrong {
    pub(crate) request: Request,
    pub(crate) observed: Vec<Observed>,
    pub(crate) said: Said,
    pub(crate) differences: Vec<Difference>,
}

/// Runs it with all its requests; what differs has to differ on an Envoy that saw nothing else.
pub(crate) fn run(stand: &Stand<'_>, mutant: &Mutant) -> Ran {
    if !mutant.stays_at_home() {
        return Ran::Refused("it would reach out of the machine".to_owned());
    }
    if !mutant.keeps_its_ranges() {
        return Ran::Refused("a range of it holds other clients in the mesh".to_owned());
    }
    let Some(config) = mutant.config() else { return Ran::Refused("a place is gone".to_owned()) };
    let mut running = match Running::start(stand, &config) {
        Ok(running) => running,
        Err(why) => return Ran::Refused(why),
    };
    let mut done = Done::default();
    let mut suspects = Vec::new();
    for request in &mutant.requests {
        let Ok(said) = running.ask(request) else { continue };
        match running.examine(&config, request, &said, draws::MANY) {
            Ok(None) => done.slow += 1,
            Err(why) => return Ran::Broke(why),
            Ok(Some((_, differences))) => {
                done.pairs += 1;
                if !differences.is_empty() {
                    suspects.push(request.clone());
                }
                if is_unknown(&said) {
                    done.unknown += 1;
                    let conditions = said.verdict["conditions"].as_array().cloned().unwrap_or_default();
                    done.unnamed += usize::from(conditions.is_empty());
                    done.reasons
                        .extend(conditions.iter().map(|one| tell::general(one["why"].as_str().unwrap_or_default())));
                }
            }
        }
    }
    drop(running);
    for request in suspects {
        match alone(stand, mutant, &request) {
            Some(wrong) if is_of_the_backend(&wrong, &config) => done.backend += 1,
            Some(wrong) => done.wrong.push(wrong),
            None => done.unsteady += 1,
        }
    }
    Ran::Through(done)
}

/// How the two differ on one request, of an Envoy that saw nothing else.
pub(crate) fn alone(stand: &Stand<'_>, mutant: &Mutant, request: &Request) -> Option<Wrong> {
    let config = mutant.config().filter(|_| mutant.stays_at_home())?;
    let mut running = Running::start(stand, &config).ok()?;
    let said = running.ask(request).ok()?;
    let (observed, differences) = running.examine(&config, request, &said, draws::ALL).ok()??;
    let request = request.clone();
    (!differences.is_empty()).then_some(Wrong { request, observed, said, differences })
}

/// Whether nobody listens where the request went, or nobody who speaks TLS or HTTP/2: no configuration says so.
fn is_of_the_backend(wrong: &Wrong, config: &Config) -> bool {
    let lines = || wrong.observed.iter().flat_map(|one| &one.log);
    let refused = |line: &Value| {
        let why = line["upstream_failure"].as_str().unwrap_or_default().to_ascii_lowercase();
        // So it is called when plain text answers a TLS hello.
        why.contains("connection_refused") || why.contains("no_such_file") || why.contains("wrong_version_number")
    };
    let speaks = |line: &Value| line["details"].as_str().is_some_and(|details| details.ends_with("{protocol_error}"));
    let may_be = ["http2_protocol_options", "protocol_selection", "use_downstream_protocol_config", "auto_config"];
    let texts = || config.clusters.iter().map(Value::to_string);
    let http2 = || texts().any(|cluster| may_be.iter().any(|field| cluster.contains(field)));
    lines().any(refused) || (lines().any(speaks) && http2())
}

struct Running {
    envoy: Envoy,
    shot: Snapshot,
    seen: usize,
}

impl Running {
    fn start(stand: &Stand<'_>, config: &Config) -> Result<Self, String> {
        let _ = fs::remove_dir_all(stand.directory);
        fs::create_dir_all(stand.directory).map_err(|error| error.to_string())?;
        let envoy = Envoy::try_start(stand.envoy, stand.directory, config, READY)?;
        let mut files = snapshot::files(&envoy, config.pod);
        let shot = Snapshot::from_files(&mut files).map_err(|error| error.to_string())?;
        let seen = envoy.logged();
        Ok(Self { envoy, shot, seen })
    }

    fn ask(&mut self, request: &Request) -> Result<Said, String> {
        ask::say(&mut self.shot, request)
    }

    /// What was seen, and what differs; nothing where there was no answer in time.
    #[expect(clippy::type_complexity, reason = "it is taken apart at once")]
    fn examine(
        &mut self,
        config: &Config,
        request: &Request,
        said: &Said,
        patience: usize,
    ) -> Result<Option<(Vec<Observed>, Vec<Difference>)>, String> {
        let places = observed::places(config);
        let held = Held { said, places: &places, patience };
        let first = if is_random(&said.verdict) { draws::SOME } else { 1 };
        let Some(all) = self.send(config, request, first)? else { return Ok(None) };
        let mut late = false;
        let settled = draws::settle(&held, all, |times| {
            self.send(config, request, times)?.ok_or_else(|| {
                late = true;
                "late".to_owned()
            })
        });
        match settled {
            Err(_) if late => Ok(None),
            settled => settled.map(Some),
        }
    }

    fn send(&mut self, config: &Config, request: &Request, times: usize) -> Result<Option<Vec<Observed>>, String> {
        let mut answers = Vec::new();
        for number in 0..times {
            let (port, start) = (client::port(number), Instant::now());
            let answer = client::send_within(ANSWER, self.envoy.accepts, (config.client, port), request);
            answers.push((port, answer));
            if start.elapsed() >= ANSWER {
                self.wait_for(answers.len())?;
                return Ok(None);
            }
        }
        let log = self.wait_for(times)?;
        Observed::all(&log, &answers).map(Some)
    }

    fn wait_for(&mut self, connections: usize) -> Result<String, String> {
        let start = Instant::now();
        loop {
            let log = self.envoy.log_from(self.seen);
            if log.ends_with('\n') && log.matches(r#""kind":"connection""#).count() >= connections {
                self.seen += log.len();
                return Ok(log);
            }
            if start.elapsed() > LOGGED {
                return Err(format!("{connections} connections, and Envoy logged {} lines", log.lines().count()));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}
