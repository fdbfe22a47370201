//! The kinds of requests of an open question, held against a real Envoy: generated virtual hosts, a request of each
//! kind, and requests by chance. Each gets from Envoy what the kind it is of was said to get.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use mesh_why::envoy::classes::Request;
use mesh_why::snapshot::{AskRecord, Snapshot};
use mesh_why::walk::{self, End, Question, Walk};
use serde_json::{Value, json};

use crate::config::Config;
use crate::driver::{self, Envoy, Share};
use crate::generate::rng::Rng;
use crate::pair::{self, Protocol};
use crate::{campaign, client, http1, in_a_mesh, report, snapshot};

mod hosts;

/// Where the client dials.
const AT: &str = "127.1.0.1:80";
/// Where the client stands.
const CLIENT: Ipv4Addr = Ipv4Addr::new(127, 244, 0, 9);
/// How many virtual hosts one Envoy has, and how many requests by chance each gets.
const HOSTS: usize = 500;
const REQUESTS: usize = 202;
/// The share of what is asked of which it may be open, of which kind it is.
const UNDECIDED: f64 = 0.02;

/// What came of all.
#[derive(Default)]
struct Counted {
    kinds: usize,
    witnesses: usize,
    requests: usize,
    undecided: usize,
    wrong: Vec<String>,
}

#[test]
fn every_kind_of_request_gets_from_envoy_what_it_was_said_to_get() {
    let installed = driver::installed();
    if installed.is_empty() {
        report::skipped();
    }
    for envoy in &installed {
        // Of older releases a sample.
        let hosts = if envoy.share == Share::All { HOSTS } else { HOSTS / 5 };
        let mut counted = Counted::default();
        for seed in campaign::seeds() {
            judge(&envoy.binary, (seed, hosts), &mut counted);
        }
        let Counted { kinds, witnesses, requests, undecided, wrong } = &counted;
        report::kinds_of_requests(
            envoy.version,
            &format!(
                "{kinds} kinds of requests, {witnesses} witnesses, {requests} requests by chance, {undecided} undecided, {} wrong",
                wrong.len()
            ),
        );
        assert!(wrong.is_empty(), "{}", wrong.iter().take(10).cloned().collect::<Vec<_>>().join("\n"));
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let open = *undecided as f64 / (kinds + requests) as f64;
        assert!(open < UNDECIDED, "{undecided} of {} are undecided", kinds + requests);
    }
}

fn judge(binary: &Path, (seed, count): (u64, usize), counted: &mut Counted) {
    let live = free_port();
    let mut rng = Rng::new(seed, 0x6b69);
    let hosts: Vec<Value> = (0..count).map(|number| hosts::host(&mut rng, number)).collect();
    let config = config(&hosts, live);
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("envoy").join(format!("kinds-{seed}"));
    std::fs::create_dir_all(&directory).expect("a folder");
    let envoy = Envoy::start(binary, &directory, &config);
    let mut files = snapshot::files(&envoy, None);
    let snapshot = Snapshot::from_files(&mut files).expect("a snapshot");
    let mut client = Client::new(envoy.accepts);
    for (number, host) in hosts.iter().enumerate() {
        let authority = format!("host-{number}");
        let judged = Judged { walk: open(&snapshot, &authority), authority, host };
        judged.kinds(&mut client, counted);
        for _ in 0..REQUESTS {
            judged.one(&hosts::request(&mut rng), &mut client, counted);
        }
    }
}

/// A port that nothing listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

fn config(hosts: &[Value], live: u16) -> Config {
    let at = format!("127.0.0.1:{live}");
    let answers = json!({"routes": [{"match": {"prefix": "/"}, "direct_response": {"status": hosts::LIVE}}]});
    let mut short = json!({
        "clusters": {"live": [at]},
        "listeners": [
            {"name": "web", "address": AT, "http": {"http_filters": hosts::filters(), "virtual_hosts": hosts}},
            {"name": "live", "address": at, "bound": true, "http": answers},
        ],
    });
    Config::new(short.as_object_mut().expect("an object"))
}

/// What is said of all requests to a host.
fn open(snapshot: &Snapshot, authority: &str) -> Walk {
    let to = in_a_mesh::socket(AT.parse().expect("an address")).to_string();
    let ask = AskRecord { to, host: Some(authority.to_owned()), ..AskRecord::default() };
    walk::walk(snapshot, &Question::parse(&ask).expect("a question"))
}

/// What was said of a host.
struct Judged<'a> {
    walk: Walk,
    authority: String,
    host: &'a Value,
}

impl Judged<'_> {
    /// A request of each kind.
    fn kinds(&self, client: &mut Client, counted: &mut Counted) {
        let mut known = BTreeSet::new();
        for asked_for in self.walk.branches.iter().filter_map(walk::Branch::asked_for) {
            if !known.insert(Arc::as_ptr(asked_for)) {
                continue;
            }
            for kind in &asked_for.kinds {
                counted.kinds += 1;
                let is_own = asked_for.has(&kind.witness);
                if is_own == Ok(false) {
                    counted.wrong.push(format!("{}: {:?} is not of its own kind", self.authority, kind.witness));
                }
                counted.witnesses += 1;
                self.one(&kind.witness, client, counted);
                counted.requests -= 1;
            }
        }
    }

    /// One request: what Envoy answers is what was said of its kind.
    fn one(&self, request: &Request, client: &mut Client, counted: &mut Counted) {
        counted.requests += 1;
        let Some(said) = self.said(request) else {
            counted.undecided += 1;
            return;
        };
        let status = client.send(&self.authority, request);
        if !said.contains(&status) {
            counted
                .wrong
                .push(format!("{}: {request:?}: Envoy answers {status}, not {said:?}: {}", self.authority, self.host));
        }
    }

    /// The statuses that a request may get; `None` where it is open which.
    fn said(&self, request: &Request) -> Option<BTreeSet<u16>> {
        let mut said = BTreeSet::new();
        let mut known = None;
        for branch in &self.walk.branches {
            if let Some(asked_for) = branch.asked_for() {
                let has = match known {
                    Some((of, has)) if of == Arc::as_ptr(asked_for) => has,
                    _ => asked_for.has(request).ok()?,
                };
                known = Some((Arc::as_ptr(asked_for), has));
                if !has {
                    continue;
                }
            }
            if branch.conditions().next().is_some() {
                return None;
            }
            said.insert(match &branch.end {
                End::HandedOver => hosts::LIVE,
                End::Stopped(_) => branch.response()?.status,
                End::Unknown => return None,
            });
        }
        Some(said)
    }
}

/// Sends one request after another over one connection, as long as that stays open.
struct Client {
    accepts: SocketAddr,
    stream: Option<TcpStream>,
}

impl Client {
    fn new(accepts: SocketAddr) -> Self {
        Self { accepts, stream: None }
    }

    /// The status of the answer; 0 without one.
    fn send(&mut self, authority: &str, request: &Request) -> u16 {
        // What an answer before it has closed is asked again.
        for _ in 0..2 {
            let is_new = self.stream.is_none();
            let status = self.exchange(authority, request);
            if let Some(status) = status {
                return status;
            }
            self.stream = None;
            if is_new {
                break;
            }
        }
        0
    }

    fn exchange(&mut self, authority: &str, request: &Request) -> Option<u16> {
        let request = pair::Request {
            to: AT.parse().ok()?,
            protocol: Protocol::Http1,
            method: request.method.clone(),
            path: request.path.clone(),
            host: Some(authority.to_owned()),
            headers: request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect(),
            sni: None,
            from_address: None,
        };
        let mut bytes = Vec::new();
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.accepts).ok()?;
            stream.set_read_timeout(Some(client::PATIENCE)).ok()?;
            stream.set_nodelay(true).ok()?;
            self.stream = Some(stream);
            bytes.extend(client::proxy_header(CLIENT, client::port(0), &request).into_bytes());
        }
        bytes.extend(http1::request(&request));
        let stream = self.stream.as_mut()?;
        stream.write_all(&bytes).ok()?;
        let mut received = Vec::new();
        client::read(stream, &request, &mut received);
        if !http1::is_answered(&request, &received) {
            return None;
        }
        let answer = String::from_utf8_lossy(&received).to_ascii_lowercase();
        let (head, _) = answer.split_once("\r\n\r\n")?;
        if head.lines().any(|line| line == "connection: close") {
            self.stream = None;
        }
        head.split(' ').nth(1)?.parse().ok()
    }
}
