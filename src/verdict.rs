//! The answer as plain data: all that the renderers see.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::Value;

use crate::snapshot::Evidence;
use crate::text::shown;

/// The answer to one question.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// What becomes of the request.
    pub outcome: Outcome,
    /// Line 1, whole in itself, without its mark; no fix in it.
    pub summary: String,
    /// What is sent when the request is not handed over; of the largest failing share where shares differ.
    pub response: Option<Response>,
    /// The request as it was understood.
    pub request: Request,
    /// What A's proxy decides, in Envoy's words; `None` where A has no proxy or the walk did not get to it.
    pub decision: Option<Decision>,
    /// What the answer rests on, and is open.
    pub conditions: Vec<Condition>,
    /// Every way that requests go, one at least; those that end alike are one.
    pub branches: Vec<Branch>,
    /// The stages, in order; those after a stop are there too, unreached.
    pub steps: Vec<Step>,
    /// Why it came about: certain ones first, then by stage, then by id. The first is *the* why.
    pub findings: Vec<Finding>,
    /// What stops the request next, once what stops it is repaired. No part of the answer.
    pub behind: Behind,
    /// What was not read or is not modeled, a sentence each.
    pub unchecked: Vec<String>,
    /// What a line of an access log says of the request, where one was given, and how that compares.
    pub log: Option<Log>,
    /// When the snapshot was taken, RFC 3339; empty where that is not known.
    pub time: String,
    /// The cluster that was read.
    pub cluster: Cluster,
    /// The proxies that were read: A's, then B's.
    pub proxies: Vec<Proxy>,
}

impl Verdict {
    /// The mark of line 1. A request that is handed over, while something likely speaks against it, is no plain success.
    pub fn mark(&self) -> Mark {
        let is_doubted = self.findings.iter().any(|finding| finding.certainty == Certainty::Likely);
        match self.outcome {
            Outcome::Reaches if !is_doubted && !self.decision.as_ref().is_some_and(Decision::is_in_panic) => {
                Mark::Passed
            }
            Outcome::Reaches | Outcome::Answered | Outcome::Partial => Mark::Warned,
            Outcome::Fails => Mark::Stopped,
            Outcome::Unknown => Mark::Unknown,
        }
    }
}

/// What follows where the first stop is taken as repaired, and the one after it.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Behind {
    /// In sentences, stop after stop.
    pub next: Vec<Next>,
    /// What these ways alone rest on; the numbers go on from those of the answer.
    pub conditions: Vec<Condition>,
    /// The ways, each behind [`Guard::Repaired`].
    pub branches: Vec<Branch>,
    /// What explains their ends, likely at most; each with the finding that would have to be repaired before, or the
    /// stop where none explains it.
    pub findings: Vec<(Finding, &'static str)>,
}

/// What follows one repair.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Next {
    /// What becomes of the request then.
    pub sentence: String,
    /// The finding that explains it: its id and its title.
    pub finding: Option<(&'static str, String)>,
}

/// The cluster that was read; nothing is known of it where none was.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Cluster {
    /// The kubeconfig's context that led to the cluster.
    pub context: Option<String>,
    /// The namespace of names that are given without one.
    pub namespace: Option<String>,
}

/// A proxy that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proxy {
    /// Whose proxy.
    pub side: Side,
    /// The proxy's pod, `namespace/name`.
    pub pod: Option<String>,
    /// The node id that the proxy calls itself.
    pub id: Option<String>,
    /// The Envoy release, `1.38.3`.
    pub envoy: Option<String>,
    /// The mesh and its release, `istio 1.29.1`.
    pub mesh: Option<String>,
}

/// What becomes of the request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    /// Every such request is handed to an eligible endpoint. Never: the application answers.
    Reaches,
    /// A proxy answers by itself, by configuration, below 400: nothing broken, yet B never sees the request.
    Answered,
    /// None is handed over, or the answer is 400 and above.
    Fails,
    /// Shares or endpoints differ.
    Partial,
    /// Something that bears on it is not modeled or was not read.
    Unknown,
}

/// What the client gets when the request is not handed over, as Envoy logs it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Response {
    /// The HTTP status; 0 where the connection is closed without one. A gRPC error is 200.
    pub status: u16,
    /// The gRPC status of a gRPC request.
    pub grpc_status: Option<u8>,
    /// Envoy's response flags, short form. A set.
    pub flags: Vec<&'static str>,
    /// Envoy's response code details; empty where it logs none.
    pub details: String,
    /// Who answers.
    pub from: Answerer,
}

/// Who answers a request that is not handed over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Answerer {
    /// A's proxy.
    SourceProxy,
    /// B's proxy.
    DestinationProxy,
    /// No proxy: the name, the network, the kernel.
    Nobody,
}

/// The request as it was understood.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Request {
    /// A's pod, where it is known: namespace, name, and the container of its proxy.
    pub source: Option<SourcePod>,
    /// What A was called in the question, or the pod's name.
    pub source_name: String,
    /// What B was called in the question, with its port.
    pub target: String,
    /// The Host header.
    pub host: String,
    /// The port that is dialed.
    pub port: u16,
    /// The address that is dialed; `None` where it stayed open or there is none.
    pub address: Option<String>,
    /// `http1`, `http2`, `grpc`, `tcp` or `tls`.
    pub protocol: &'static str,
    /// The path with its query; `None` where the question leaves it open.
    pub path: Option<String>,
    /// The method; `None` where the question leaves it open.
    pub method: Option<String>,
    /// The headers that were given.
    pub headers: Vec<(String, String)>,
    /// What the question says of the connection.
    pub connection: Asked,
}

/// What a question says of the connection: who asks again says the same.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Asked {
    /// What A speaks, in the word of `--protocol`; `None` leaves it to the port.
    pub protocol: Option<&'static str>,
    /// Whether A speaks TLS itself.
    pub tls: bool,
    /// The TLS server name.
    pub sni: Option<String>,
    /// The address that A dials.
    pub address: Option<String>,
    /// The client's own address.
    pub from_address: Option<String>,
    /// The version of the PROXY protocol, in the word of `--proxy-protocol`.
    pub proxy_protocol: Option<&'static str>,
}

impl Request {
    /// What A is called where neither the question nor what was read says who it is.
    pub const UNNAMED: &'static str = "the proxy";

    /// What B was called in the question, without its port.
    pub fn asked_host(&self) -> &str {
        self.target.rsplit_once(':').map_or(&self.target, |(host, _)| host)
    }

    /// Method and path; what is open is said in words.
    pub fn line(&self) -> String {
        match (&self.method, &self.path) {
            (Some(method), Some(path)) => format!("{method} {path}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => "any request".to_owned(),
        }
    }
}

/// A's pod.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourcePod {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The container that the proxy runs in; `None` where there is no proxy.
    pub proxy: Option<String>,
}

/// What Envoy would decide, in Envoy's words. A stage that does not apply leaves its fields `None`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Decision {
    /// The listener's name.
    pub listener: Option<String>,
    /// The filter chain's name; often empty.
    pub filter_chain: Option<String>,
    /// The route configuration's name.
    pub route_config: Option<String>,
    /// The virtual host's name.
    pub virtual_host: Option<String>,
    /// The route's name; many have none.
    pub route: Option<String>,
    /// The route's place in its virtual host, from 0.
    pub route_index: Option<usize>,
    /// The clusters that the request can go to.
    pub clusters: Vec<ClusterChoice>,
    /// The same, of each of B's proxies that was read.
    pub destinations: Vec<Destination>,
}

/// A cluster that the request can go to.
#[derive(Clone, PartialEq, Debug)]
pub struct ClusterChoice {
    /// The cluster's name; where there is none of it, the name that was asked for.
    pub name: String,
    /// The share of requests that choose it, 0 to 1.
    pub share: f64,
    /// What becomes of those.
    pub outcome: Outcome,
    /// What those get when they are not handed over.
    pub response: Option<Response>,
    /// The hosts, as the proxy sees them.
    pub endpoints: Vec<Endpoint>,
}

/// A host of a cluster.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Endpoint {
    /// `IP:port`, `[IPv6]:port`, a pipe's path or `envoy://listener/id`.
    pub address: String,
    /// The priority, from 0 (used first).
    pub priority: u32,
    /// Whether a request can be sent to it now.
    pub eligible: bool,
    /// Envoy's health flags, as `/clusters` names them; empty when healthy.
    pub health: Vec<String>,
    /// How the proxy would speak to it: `plaintext`, `simple` or `mutual`; `None` where that was not read.
    pub tls: Option<&'static str>,
}

impl Decision {
    /// Whether all that can get the request failed a health check: Envoy's panic, in which health counts for nothing.
    pub fn is_in_panic(&self) -> bool {
        let mut eligible =
            self.clusters.iter().flat_map(|cluster| &cluster.endpoints).filter(|one| one.eligible).peekable();
        let is_unwell = |one: &Endpoint| one.health.iter().any(|flag| flag.starts_with("failed_"));
        eligible.peek().is_some() && eligible.all(is_unwell)
    }
}

/// One of B's pods and what its proxy decides.
#[derive(Clone, PartialEq, Debug)]
pub struct Destination {
    /// The pod, `namespace/name`.
    pub pod: String,
    /// What its proxy decides.
    pub decision: Decision,
}

/// One way that requests go.
#[derive(Clone, PartialEq, Debug)]
pub struct Branch {
    /// What sends them there; none where all go the same way.
    pub guards: Vec<Guard>,
    /// The share of the requests that pass the other guards, 0 to 1.
    pub share: f64,
    /// What becomes of them, provided that what is open lets them pass.
    pub outcome: Outcome,
    /// What they get when they are not handed over.
    pub response: Option<Response>,
    /// What A's proxy decides of them.
    pub decision: Option<Decision>,
    /// The stages that they pass, in order.
    pub steps: Vec<Step>,
    /// The ids of the findings that explain their end.
    pub findings: Vec<&'static str>,
}

/// What sends requests one way and not another.
#[derive(Clone, PartialEq, Debug)]
pub enum Guard {
    /// Chance.
    Drawn {
        /// What is drawn: `weighted cluster …`, `fault filter`.
        by: String,
        /// The share, 0 to 1.
        share: f64,
    },
    /// They look so: the question left it open.
    Asked(Vec<AskedKind>),
    /// They are sent to this address.
    Address(String),
    /// They are taken by this pod, or by one that is like it.
    Pod(Side, String),
    /// Something open lets them pass, or is as this says.
    Provided {
        /// The condition's id.
        condition: usize,
        /// What it would have to be, where it could be several things.
        alternative: Option<String>,
    },
    /// What stops them is taken as repaired.
    Repaired {
        /// The stop, in Envoy's word.
        stop: &'static str,
        /// The finding that explains it, where one does.
        finding: Option<&'static str>,
    },
}

/// The most requests that are shown of kinds that end alike.
pub const WITNESSES: usize = 10;

/// A kind of requests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AskedKind {
    /// Which they are: `path begins with /api`.
    pub predicate: String,
    /// One of them: its method, its path with the query, its headers.
    pub witness: (String, String, Vec<(String, String)>),
}

/// Something that decides and is not modeled, or was not read.
#[derive(Clone, PartialEq, Debug)]
pub struct Condition {
    /// From 1.
    pub id: usize,
    /// Whose proxy.
    pub side: Side,
    /// Where on the way.
    pub stage: Stage,
    /// The thing's name, verbatim.
    pub subject: String,
    /// What it could do.
    pub powers: Vec<Power>,
    /// Why it is open, a sentence.
    pub why: String,
    /// What has to be for the rest to hold, as it follows `if`.
    pub proviso: String,
    /// One read-only command that tells more of it; empty where there is none.
    pub settle: Command,
    /// What this rests on.
    pub evidence: Vec<Evidence>,
}

/// What a proxy does at one stage.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// Whose proxy.
    pub side: Side,
    /// Where on the way.
    pub stage: Stage,
    /// How it went.
    pub mark: Mark,
    /// The thing's name, verbatim.
    pub subject: String,
    /// What is to be said of it; empty when its name says enough.
    pub note: String,
    /// What this rests on.
    pub evidence: Vec<Evidence>,
}

/// What something that is not modeled, or was not read, could do to a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Power {
    /// It can end the request, and never lets one through that fails behind it.
    Refuse,
    /// It can answer anything.
    Answer,
    /// It can change what later stages see.
    Rewrite,
    /// It was not read, or cannot be told.
    Withhold,
}

/// Whose proxy takes a step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Side {
    /// A's.
    Source,
    /// B's.
    Destination,
}

/// Where on the way of a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stage {
    /// The name, the port and the address that is dialed.
    Request,
    /// Whether the connection gets to the proxy at all.
    Capture,
    /// Listener look-up.
    Listener,
    /// Filter chain match.
    FilterChain,
    /// HTTP filters before the router.
    HttpFilters,
    /// Virtual host and route.
    Route,
    /// Cluster look-up.
    Cluster,
    /// Host selection.
    Endpoints,
}

/// How a step went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// Went through.
    Passed,
    /// Went through, and there is something to know.
    Warned,
    /// Ended here.
    Stopped,
    /// Never got here.
    NotReached,
    /// Could not be told.
    Unknown,
}

/// Why it came about, in the user's vocabulary.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// The finding's id: the name of its file.
    pub id: &'static str,
    /// How sure.
    pub certainty: Certainty,
    /// The stage that it explains.
    pub stage: Stage,
    /// The fault in a few words, as line 1 ends with it: `subset "v3" is not defined`.
    pub title: String,
    /// At most four lines: object, what it says, what follows, who answers.
    pub why: String,
    /// The objects to look at, the one to fix first.
    pub objects: Vec<ObjectRef>,
    /// What to change: one of these, the likeliest first.
    pub fix: Vec<Fix>,
    /// One read-only command with real names; empty where none can be given.
    pub next: Command,
    /// The codes with which `istioctl analyze` and Kiali report the same.
    pub codes: &'static [&'static str],
    /// What this rests on.
    pub evidence: Vec<Evidence>,
}

/// A change that would mend it.
#[derive(Clone, PartialEq, Debug)]
pub struct Fix {
    /// The object to change, and the field in it; `None` where no object is to change. An object that is to be made has an
    /// empty field, and an empty name where it can have any.
    pub object: Option<ObjectRef>,
    /// What is to be done there.
    pub op: Op,
    /// What the field holds and should not, where that was read.
    pub now: Option<Value>,
    /// What the field should hold, where that is known. With [`Op::Add`] what it should hold besides: a member of an
    /// object, an item of a list.
    pub want: Option<Value>,
    /// The change in words, whole in itself.
    pub text: String,
}

/// What is to be done with a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// Something should be added; the field is the nearest one that exists.
    Add,
    /// It should hold something else.
    Replace,
    /// It should not be there.
    Remove,
}

/// A command, word by word. Whoever prints one quotes its words; none of them is empty, and all can be printed as they
/// are and be pasted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Command {
    words: Vec<String>,
}

/// How sure a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Certainty {
    /// Its evidence alone proves it.
    Certain,
    /// The evidence fits, and something else could look the same.
    Likely,
}

/// A Kubernetes object, and the field in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ObjectRef {
    /// As in the object.
    pub api_version: String,
    /// As in the object.
    pub kind: String,
    /// Empty for an object of no namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The field, as a path into the object; empty for the whole object.
    pub field: String,
}

/// A line, and what its request comes to now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log {
    /// Whose proxy wrote the line; `None` where the line does not tell.
    pub writer: Option<Side>,
    /// When the request began.
    pub time: Option<String>,
    /// The HTTP status; 0 where there was no answer.
    pub status: Option<u16>,
    /// The response flags.
    pub flags: Vec<String>,
    /// The response code details.
    pub details: Option<String>,
    /// Why the proxy ended the connection.
    pub termination: Option<String>,
    /// Why the connection to the host failed.
    pub transport_failure: Option<String>,
    /// The cluster that the request was sent to.
    pub cluster: Option<String>,
    /// The host that the request was sent to.
    pub upstream_host: Option<String>,
    /// The route's name.
    pub route: Option<String>,
    /// What the flags and the details mean, in the order of the line.
    pub meanings: Vec<Meaning>,
    /// How it compares.
    pub compared: Compared,
    /// What becomes of the request now, in words.
    pub now: String,
    /// What is another now.
    pub changes: Vec<Change>,
    /// What of the question is another than in the line, a sentence each.
    pub notes: Vec<String>,
    /// One command that tells more, where only the line shows the fault; empty where there is none.
    pub next: Command,
}

/// What a word of the line means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meaning {
    /// The word.
    pub of: String,
    /// A sentence.
    pub text: String,
}

/// How then compares with now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compared {
    /// The request ends in the same way.
    Same,
    /// The request ends in another way.
    Differs,
    /// It cannot be told.
    Open,
}

/// Something that is another now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// What: `status`, `flags`, `details`, `cluster`, `endpoint`.
    pub what: &'static str,
    /// As the line has it.
    pub then: String,
    /// As it is now.
    pub now: String,
}

/// A share of requests in percent, as people say it: `50`, `33.3`, `0.01`. Never 0 of some, never 100 of not all.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = |n: usize| format!("{percent:.n$}");
    let tells = |text: &String| {
        let rounded: f64 = text.parse().unwrap_or(percent);
        (rounded - percent).abs() < 1e-9 || (rounded > 0.0 && rounded < 100.0 && text.contains('.'))
    };
    (0..6).map(digits).find(tells).unwrap_or_else(|| percent.to_string())
}

impl Command {
    /// The command of these words: none at all where they could not be pasted.
    pub fn of(words: Vec<String>) -> Self {
        // A terminal takes 4,096 bytes of a line.
        const LONGEST: usize = 3000;
        let is_word = |word: &String| !word.is_empty() && shown(word) == *word;
        let length: usize = words.iter().map(|word| word.len() + 1).sum();
        Self { words: if length <= LONGEST && words.iter().all(is_word) { words } else { Vec::new() } }
    }

    /// The words; empty where there is no command.
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

impl Next {
    /// The finding that explains it, in a line.
    pub fn cause(&self) -> Option<String> {
        self.finding.as_ref().map(|(id, title)| format!("{id} (likely): {title}"))
    }
}

impl Guard {
    /// In a few words.
    pub fn words(&self) -> String {
        match self {
            Self::Drawn { by, .. } => by.clone(),
            // Kinds of requests are listed by themselves.
            Self::Asked(_) => String::new(),
            Self::Address(address) => format!("address {address}"),
            Self::Pod(_, pod) => format!("pod {pod}"),
            Self::Provided { condition, alternative: None } => format!("if [c{condition}] lets it pass"),
            Self::Provided { condition, alternative: Some(alternative) } => format!("[c{condition}]: {alternative}"),
            Self::Repaired { stop, .. } => format!("with {stop} repaired"),
        }
    }
}

impl Branch {
    /// What sends requests there, in a few words, besides what they look like.
    pub fn by(&self) -> String {
        let mut open = Vec::new();
        let mut words = Vec::new();
        for guard in &self.guards {
            match guard {
                Guard::Provided { condition, alternative: None } => {
                    let number = format!("[c{condition}]");
                    if !open.contains(&number) {
                        open.push(number);
                    }
                }
                Guard::Drawn { .. }
                | Guard::Asked(_)
                | Guard::Address(_)
                | Guard::Pod(..)
                | Guard::Provided { .. }
                | Guard::Repaired { .. } => words.push(guard.words()),
            }
        }
        words.extend(match &open[..] {
            [] => None,
            [one] => Some(format!("if {one} lets it pass")),
            [rest @ .., last] => Some(format!("if {} and {last} let it pass", rest.join(", "))),
        });
        words.retain(|words| !words.is_empty());
        words.join(", ")
    }

    /// Whether it rests on something open.
    pub fn is_conditional(&self) -> bool {
        self.guards.iter().any(|guard| matches!(guard, Guard::Provided { .. }))
    }
}

impl Outcome {
    /// As in the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reaches => "reaches",
            Self::Answered => "answered",
            Self::Fails => "fails",
            Self::Partial => "partial",
            Self::Unknown => "unknown",
        }
    }

    /// The program's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Reaches => 0,
            Self::Answered | Self::Fails | Self::Partial => 1,
            Self::Unknown => 3,
        }
    }
}

impl Stage {
    /// As a sentence names it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Capture => "capture of the connection",
            Self::Listener => "listener",
            Self::FilterChain => "filter chain",
            Self::HttpFilters => "HTTP filters",
            Self::Route => "route",
            Self::Cluster => "cluster",
            Self::Endpoints => "endpoints",
        }
    }

    /// As in the JSON and at the head of a row.
    pub fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Capture => "capture",
            Self::Listener => "listener",
            Self::FilterChain => "filter-chain",
            Self::HttpFilters => "http-filters",
            Self::Route => "route",
            Self::Cluster => "cluster",
            Self::Endpoints => "endpoints",
        }
    }
}

impl Power {
    /// As in the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Answer => "answer",
            Self::Rewrite => "rewrite",
            Self::Withhold => "withhold",
        }
    }
}

impl Mark {
    /// As in the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warned => "warned",
            Self::Stopped => "stopped",
            Self::NotReached => "not-reached",
            Self::Unknown => "unknown",
        }
    }
}

impl Answerer {
    /// As in the JSON.
    pub fn words(self) -> &'static str {
        match self {
            Self::SourceProxy => "source proxy",
            Self::DestinationProxy => "destination proxy",
            Self::Nobody => "none",
        }
    }
}

impl Side {
    /// As in the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
        }
    }
}

impl Op {
    /// As in the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Replace => "replace",
            Self::Remove => "remove",
        }
    }
}

impl Compared {
    /// As in the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs => "differs",
            Self::Open => "unknown",
        }
    }
}

impl Certainty {
    /// As in the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
        }
    }
}

impl Response {
    /// `503 UH`, `404 NR`, `302`, `closed UH`: as line 1 ends with it.
    pub fn short(&self) -> String {
        let status = if self.status == 0 { "closed".to_owned() } else { self.status.to_string() };
        let grpc = self.grpc_status.map(|s| format!("grpc-status {s}"));
        [Some(status), grpc, Some(self.flags.join(","))]
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// How many endpoints can take the request.
pub(crate) fn able(usable: usize, total: usize) -> String {
    match (usable, total) {
        (0, 1) => "the only endpoint cannot take the request".to_owned(),
        (0, total) => format!("none of {total} endpoints can take the request"),
        (usable, total) => format!("{} can take the request", endpoints(usable, total)),
    }
}

/// So many endpoints of all: `both endpoints`.
pub(crate) fn endpoints(some: usize, all: usize) -> String {
    match (some, all) {
        (1, 1) => "1 endpoint".to_owned(),
        (2, 2) => "both endpoints".to_owned(),
        (some, all) if some == all => format!("all {all} endpoints"),
        (some, all) => format!("{some} of {all} endpoints"),
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_share_is_never_rounded_to_none_or_to_all() {
        let shares = [1.0, 0.5, 0.9, 1.0 / 3.0, 0.001, 0.000_001, 0.999_9, 0.29, 0.0];
        let words: Vec<String> = shares.into_iter().map(percent).collect();
        assert_eq!(words, ["100", "50", "90", "33.3", "0.1", "0.0001", "99.99", "29", "0"]);
    }
}
