//! What a line of an access log says happened then, held against what becomes of the request now.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::access_log::{Shows, ask, canonical, details_text, flag, writer};
use crate::mesh::istio::ClusterName;
use crate::redact;
use crate::snapshot::{Kind, LogRecord};
use crate::verdict::{
    Answerer, Branch, Change, ClusterChoice, Command, Compared, Decision, Log, Meaning, Outcome, Response, Side,
    Verdict, percent,
};
use crate::walk::Walk;

use super::{command, object_ref, settle};

/// The most flags that are explained: Envoy has a few dozen.
const MOST: usize = 30;

/// What has changed.
const CLUSTER: &str = "cluster";
/// Said of an endpoint.
const GONE: &str = "not in the cluster any more";

/// How the line says that the request ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    /// A host answered, or took the connection.
    Handed,
    /// The proxy ended it.
    Ended,
}

/// How then compares with now, and what is now.
struct Comparison {
    compared: Compared,
    now: String,
    changes: Vec<Change>,
}

impl Comparison {
    fn same(now: impl Into<String>) -> Self {
        Self { compared: Compared::Same, now: now.into(), changes: Vec::new() }
    }

    fn differs(now: impl Into<String>, changes: Vec<Change>) -> Self {
        Self { compared: Compared::Differs, now: now.into(), changes }
    }

    fn open(now: impl Into<String>) -> Self {
        Self { compared: Compared::Open, now: now.into(), changes: Vec::new() }
    }
}

/// The line, held against the verdict of its request.
pub(super) fn then(record: &LogRecord, verdict: &Verdict, walk: &Walk) -> Log {
    let record = &record.without_secrets();
    let writer = writer(record);
    let then = how(record);
    let Comparison { compared, now, changes } =
        with_places(record, verdict, writer, compare(record, verdict, then, writer));
    let needs_more = compared == Compared::Open || then == Then::Handed;
    Log {
        writer,
        time: record.time.clone(),
        status: record.status,
        flags: record.flags.clone(),
        details: record.details.clone(),
        termination: record.termination.clone(),
        transport_failure: record.transport_failure.clone(),
        cluster: cluster_of(record),
        upstream_host: record.upstream_host.clone(),
        route: record.route.clone(),
        meanings: meanings(record),
        compared,
        now,
        changes,
        notes: notes(record, verdict),
        next: if needs_more { next(record, walk, then, writer) } else { Command::default() },
    }
}

/// The line where the configuration moved and there is nothing to hold it against.
pub(super) fn unsettled(log: Log) -> Log {
    let now = "it cannot be told: the configuration moved while it was read".to_owned();
    Log { compared: Compared::Open, now, changes: Vec::new(), next: Command::default(), ..log }
}

/// The same with the cluster and the endpoint. What a host did that is not in the cluster any more, it does not do again.
fn with_places(record: &LogRecord, verdict: &Verdict, writer: Option<Side>, found: Comparison) -> Comparison {
    let places = places(record, verdict, writer);
    let is_gone = places.iter().any(|change| change.now == GONE);
    let is_unknown = places.iter().any(|change| change.what == CLUSTER && change.now.contains("Passthrough"));
    let Comparison { compared, now, mut changes } = found;
    changes.extend(places);
    if compared != Compared::Same && verdict.outcome == Outcome::Reaches && is_unknown {
        let now = "the request goes on to the address that was dialed, which the proxy does not know".to_owned();
        return Comparison { compared: Compared::Differs, now, changes };
    }
    if compared == Compared::Open && verdict.outcome == Outcome::Reaches && is_gone {
        let now = "the request is handed over, and not to that endpoint".to_owned();
        return Comparison { compared: Compared::Differs, now, changes };
    }
    Comparison { compared, now, changes }
}

/// Each flag and all details, with a sentence.
fn meanings(record: &LogRecord) -> Vec<Meaning> {
    let of = |of: &str, text: &str| Meaning { of: of.to_owned(), text: text.to_owned() };
    let flags = record.flags.iter().take(MOST).map(|name| match flag(name) {
        Some((_, text)) => of(name, text),
        None => of(name, "a flag that is not known here: somebody's own, or of a newer Envoy"),
    });
    // The details mostly tell the failure, too.
    let is_told =
        |words: &&String| record.details.as_ref().is_some_and(|details| canonical(details).contains(&canonical(words)));
    let failure = record.transport_failure.as_ref().filter(|words| !is_told(words));
    let reasons = record.details.iter().chain(&record.termination).chain(failure);
    let reasons = reasons.map(|words| match details_text(words) {
        Some(text) => of(words, &text),
        None => of(words, "details that are not known here: a filter's own, or of a newer Envoy"),
    });
    flags.chain(reasons).collect()
}

fn how(record: &LogRecord) -> Then {
    let is_passed_on = if let Some(details) = &record.details {
        canonical(details).starts_with("via_upstream")
    } else {
        // Of a connection no details are logged.
        let is_connection = record.status == Some(0) && record.upstream_cluster.is_some();
        (record.upstream_host.is_some() || is_connection) && record.termination.is_none()
    };
    // A delay alone ends nothing.
    let is_unflagged = record.flags.iter().all(|flag| flag == "DI");
    if is_unflagged && is_passed_on { Then::Handed } else { Then::Ended }
}

fn compare(record: &LogRecord, verdict: &Verdict, then: Then, writer: Option<Side>) -> Comparison {
    if writer == Some(Side::Destination) && verdict.outcome == Outcome::Reaches && destinations(verdict).is_empty() {
        return Comparison::open("B's proxy was not read, and it wrote the line");
    }
    match (verdict.outcome, then) {
        (Outcome::Reaches, Then::Handed) => {
            let answer = record.status.filter(|status| *status >= 400);
            let answer = answer.map(|status| format!("; the answer {status} was B's own")).unwrap_or_default();
            Comparison::same(format!("the same: the request is handed over{answer}"))
        }
        (Outcome::Reaches, Then::Ended) => reaches(record),
        (Outcome::Answered | Outcome::Fails | Outcome::Partial | Outcome::Unknown, _) => {
            ends(record, verdict, then, writer)
        }
    }
}

/// The request is handed over now, and was not then.
fn reaches(record: &LogRecord) -> Comparison {
    let ending = || record.flags.iter().filter(|name| *name != "DI");
    let shows = |wanted: Shows| ending().any(|name| flag(name).is_some_and(|(shows, _)| shows == wanted));
    let is_unknown = record.flags.iter().any(|name| flag(name).is_none());
    let words = record.flags.join(",");
    if shows(Shows::Configuration) {
        Comparison::differs("the request is handed over: what was wrong is not there any more", Vec::new())
    } else if shows(Shows::Client) {
        Comparison::open(format!("the request is handed over; {words} is what the client did, which no proxy holds"))
    } else if shows(Shows::Traffic) || is_unknown {
        Comparison::open(format!("the request is handed over; only traffic shows whether {words} comes again"))
    } else {
        Comparison::differs("the request is handed over: it is not answered by the proxy any more", Vec::new())
    }
}

/// The request ends now, all of it or a part, or that depends.
fn ends(record: &LogRecord, verdict: &Verdict, then: Then, writer: Option<Side>) -> Comparison {
    let is_alike = |branch: &&Branch| match &branch.response {
        Some(response) => is_alike(record, response, then, writer),
        None => then == Then::Handed && branch.outcome == Outcome::Reaches,
    };
    let mut alike: Vec<&Branch> = verdict.branches.iter().filter(is_alike).collect();
    // One that rests on nothing open goes first.
    alike.sort_by_key(|branch| branch.is_conditional());
    if let Some(branch) = alike.first() {
        let how = match &branch.response {
            Some(response) if is_other_end(record, response) => {
                format!("B's proxy closes the connection, and A's proxy makes {} of that", response.short())
            }
            Some(response) => words(response),
            None => "the request is handed over".to_owned(),
        };
        return if branch.is_conditional() {
            Comparison::open(format!("the same if what is open lets the request pass: {how}"))
        } else if branch.share < 1.0 {
            Comparison::same(format!("the same of {} % of the requests: {how}", percent(branch.share)))
        } else {
            Comparison::same(format!("the same: {how}"))
        };
    }
    match &verdict.response {
        _ if verdict.outcome == Outcome::Unknown => Comparison::open("it cannot be told what becomes of the request"),
        Some(response) => Comparison::differs(words(response), differences(record, response, then, writer)),
        None => Comparison::differs("requests fare differently, and none as the line says", Vec::new()),
    }
}

/// Whether an answer is the line's. Where the line does not tell whose proxy wrote it, either may have.
fn is_alike(record: &LogRecord, response: &Response, then: Then, writer: Option<Side>) -> bool {
    let writers = writer.map_or_else(|| vec![Side::Source, Side::Destination], |side| vec![side]);
    let is_same = |side: &Side| differences(record, response, then, Some(*side)).is_empty();
    writers.iter().any(is_same)
        || (writer != Some(Side::Source) && is_other_end(record, response))
        || (writer != Some(Side::Destination) && is_reset(record, response))
}

/// Whether the line is of A's proxy, whose TCP connection was reset, and it is B's that closes it.
fn is_reset(record: &LogRecord, response: &Response) -> bool {
    let closes = response.status == 0 && response.from == Answerer::DestinationProxy;
    record.status == Some(0) && record.flags == ["UR"] && closes
}

/// Whether the line is of the proxy that closes a connection, and the answer is what the other one makes of that.
fn is_other_end(record: &LogRecord, response: &Response) -> bool {
    let closes = record.termination.is_some() || record.flags == ["NR"] || record.flags == ["DPE"];
    let is_closed = record.status == Some(0) && closes;
    let is_made_of_it = response.flags.iter().any(|flag| ["UC", "UF", "UR"].contains(flag));
    is_closed && is_made_of_it && response.from == Answerer::SourceProxy
}

/// An answer as the line would have it, and who gives it.
fn words(response: &Response) -> String {
    let by = match response.from {
        Answerer::SourceProxy => ", by A's proxy",
        Answerer::DestinationProxy => ", by B's proxy",
        Answerer::Nobody => ", by none of the proxies",
    };
    let details = if response.details.is_empty() { String::new() } else { format!(", {}", response.details) };
    format!("{}{details}{by}", response.short())
}

/// What of an answer is another than in the line. What the other side's proxy answers, A's passes on without a flag.
fn differences(record: &LogRecord, response: &Response, then: Then, writer: Option<Side>) -> Vec<Change> {
    let change = |what, then: String, now: String| Change { what, then, now };
    let mut changes = Vec::new();
    if let Some(status) = record.status.filter(|status| *status != response.status) {
        changes.push(change("status", status.to_string(), response.status.to_string()));
    }
    let is_passed_on = response.from == Answerer::DestinationProxy && writer != Some(Side::Destination);
    if is_passed_on {
        if then == Then::Ended {
            changes.push(change("answered by", "A's proxy".to_owned(), "B's proxy".to_owned()));
        }
        return changes;
    }
    if response.from == Answerer::SourceProxy && writer == Some(Side::Destination) {
        changes.push(change("answered by", "B's proxy".to_owned(), "A's proxy".to_owned()));
    }
    let set = |flags: BTreeSet<&str>| -> String {
        if flags.is_empty() { "none".to_owned() } else { flags.into_iter().collect::<Vec<_>>().join(",") }
    };
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) =
        (record.flags.iter().map(String::as_str).collect(), response.flags.iter().copied().collect());
    if old != new {
        changes.push(change("flags", set(old), set(new)));
    }
    let details = record.details.as_ref().or(record.termination.as_ref()).filter(|_| !response.details.is_empty());
    if let Some(details) = details.filter(|details| !is_same(details, &response.details)) {
        changes.push(change("details", details.clone(), response.details.clone()));
    }
    changes
}

/// Whether details say the same. How a connection fails is known of one that was tried alone, so where one of the two
/// leaves it open, what stands before it decides.
fn is_same(then: &str, now: &str) -> bool {
    let (then, now) = (canonical(then), canonical(now));
    let head = |text: &str| text.split('{').next().unwrap_or_default().to_owned();
    let is_open = !then.contains('{') || !now.contains('{');
    then == now || (is_open && head(&then) == head(&now))
}

/// The cluster and the endpoint, where the proxy that wrote the line has others now.
fn places(record: &LogRecord, verdict: &Verdict, writer: Option<Side>) -> Vec<Change> {
    let decisions: Vec<&Decision> = match writer {
        Some(Side::Destination) => destinations(verdict),
        Some(Side::Source) | None => verdict
            .decision
            .iter()
            .chain(verdict.branches.iter().filter_map(|branch| branch.decision.as_ref()))
            .collect(),
    };
    let clusters: Vec<&ClusterChoice> = decisions.iter().flat_map(|decision| &decision.clusters).collect();
    let Some(name) = cluster_of(record).filter(|_| !clusters.is_empty()) else { return Vec::new() };
    let Some(cluster) = clusters.iter().find(|cluster| cluster.name == name) else {
        let names: BTreeSet<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
        let now = names.into_iter().collect::<Vec<_>>().join(", ");
        return vec![Change { what: CLUSTER, then: name, now }];
    };
    let host = record.upstream_host.as_ref().filter(|_| !cluster.endpoints.is_empty() && !is_any_host(&name));
    let Some(host) = host else { return Vec::new() };
    let now = match cluster.endpoints.iter().find(|endpoint| endpoint.address == *host) {
        None => GONE.to_owned(),
        Some(endpoint) if !endpoint.eligible => match &endpoint.health[..] {
            [] => "there, and it cannot take requests".to_owned(),
            health => format!("there, and it cannot take requests: {}", health.join(", ")),
        },
        Some(_) => return Vec::new(),
    };
    vec![Change { what: "endpoint", then: host.clone(), now }]
}

/// The cluster's name. Some releases of Istio write a `;` behind it.
fn cluster_of(record: &LogRecord) -> Option<String> {
    record.upstream_cluster.as_deref().map(|name| name.trim_end_matches(';').to_owned())
}

/// A cluster whose hosts are the addresses that were dialed.
fn is_any_host(cluster: &str) -> bool {
    cluster.contains("Passthrough") || cluster.starts_with("inbound")
}

/// What B's proxies decide, those that were read.
fn destinations(verdict: &Verdict) -> Vec<&Decision> {
    verdict.decision.iter().flat_map(|decision| &decision.destinations).map(|there| &there.decision).collect()
}

/// Where the question differs from the line: the command line wins.
fn notes(record: &LogRecord, verdict: &Verdict) -> Vec<String> {
    let request = &verdict.request;
    let asked_host = redact::value(&request.host).into_owned();
    let path = request.path.as_deref().map(redact::path);
    let to = ask(record, None).to;
    let is_other = writer(record) != Some(Side::Destination) && contradict(&request.target, &to);
    let destination = is_other.then(|| format!("the question is about {}, and the line about {to}", request.target));
    let of = |what: &str, asked: Option<&str>, said: Option<&String>| {
        let (asked, said) = (asked?, said?);
        (asked != said).then(|| format!("the question's {what} is {asked}, and the line's is {said}"))
    };
    let notes = [
        destination,
        of("method", request.method.as_deref(), record.method.as_ref()),
        of("path", path.as_deref(), record.path.as_ref()),
        of("Host", Some(&asked_host), record.authority.as_ref()),
    ];
    notes.into_iter().flatten().collect()
}

/// Whether two destinations are different ones. A name may be short, or whole.
fn contradict(asked: &str, said: &str) -> bool {
    let (Some((a, port)), Some((b, other))) = (asked.rsplit_once(':'), said.rsplit_once(':')) else { return false };
    let begins = |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with('.'));
    let is_address = |host: &str| host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let is_number = port.parse::<u16>().is_ok();
    let is_same_host = a == b || begins(a, b) || begins(b, a);
    !is_address(a) && !is_address(b) && (!is_same_host || (is_number && port != other))
}

/// Where to look for what a configuration does not show: at A's application for what the client did, at the hosts'
/// counters for connections that fail, at B for what B did.
fn next(record: &LogRecord, walk: &Walk, then: Then, writer: Option<Side>) -> Command {
    let has = |names: &[&str]| record.flags.iter().any(|flag| names.contains(&flag.as_str()));
    let cluster = cluster_of(record);
    let hosts = || cluster.as_deref().map(|name| settle::look_at_hosts(walk, writer.unwrap_or(Side::Source), name));
    if has(&["DC", "DPE", "DR", "IH"]) {
        let pod = walk.request.source.as_ref();
        let pod = pod.map(|pod| object_ref(Kind::Pod, &pod.namespace, &pod.name, ""));
        return pod.map(|pod| command::logs(&pod)).unwrap_or_default();
    }
    if has(&["UF", "UO", "UH"]) {
        return hosts().unwrap_or_default();
    }
    let is_refused = record.status.is_some_and(|status| status >= 400);
    if has(&["UC", "UR", "UT", "UPE", "LR", "SI", "DT", "UMSDR"]) || (then == Then::Handed && is_refused) {
        let service = cluster.as_deref().and_then(ClusterName::parse).and_then(|name| name.service());
        let logs = service.map(|(namespace, name)| command::service_logs(&namespace, &name));
        return logs.or_else(hosts).unwrap_or_default();
    }
    Command::default()
}
