//! Cluster look-up and host selection: who would get the request.
//!
//! `source/common/router/router.cc`, `source/common/tcp_proxy/tcp_proxy.cc`; a cluster that is still warming is not
//! there for a request.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::envoy::health::Host;
use crate::envoy::pb::envoy::config::cluster::v3::Cluster;
use crate::envoy::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType, LbConfig};
use crate::envoy::pb::envoy::config::core::v3::RoutingPriority;
use crate::envoy::subset::Criteria;
use crate::snapshot::{Evidence, Lookup, Need, Node};
use crate::verdict::{ClusterChoice, Endpoint, Mark, Outcome, Stage};

use crate::walk::dial::resolve::Dial;
use crate::walk::http::manager;
use crate::walk::upstream::aggregate;
use crate::walk::upstream::assignment;
use crate::walk::upstream::balance;
use crate::walk::upstream::policy;
use crate::walk::way::path::{ClusterTrail, End, Leg, Path};
use crate::walk::way::stop::{RequestKind, Stop};
use crate::walk::way::walker::{Got, Walker};

const CLUSTER: &str = "envoy.config.cluster.v3.Cluster";

/// A cluster that a route or a TCP proxy names.
pub(in crate::walk) struct Choice {
    pub(in crate::walk) name: String,
    /// The share of the requests that come here, 0 to 1.
    pub(in crate::walk) share: f64,
    /// Where it is named.
    pub(in crate::walk) at: Option<Node>,
    /// What the hosts must have under `envoy.lb`, where the cluster has subsets.
    pub(in crate::walk) criteria: Criteria,
}

/// What a missing cluster means to the client.
#[derive(Clone, Copy)]
pub(in crate::walk) enum Proto {
    /// An answer of this status.
    Http { not_found: u16, priority: RoutingPriority },
    /// A closed connection.
    Tcp,
}

/// A row of the walk, before it is written.
#[derive(Clone)]
pub(in crate::walk) struct Row {
    pub(in crate::walk) mark: Mark,
    pub(in crate::walk) note: String,
    pub(in crate::walk) evidence: Vec<Evidence>,
}

/// What becomes of the requests that choose one cluster.
#[derive(Clone)]
pub(in crate::walk) struct Evaluated {
    pub(in crate::walk) trail: ClusterTrail,
    pub(in crate::walk) endpoints: Vec<Endpoint>,
    /// Shares of this cluster's requests, and how they end.
    pub(in crate::walk) ends: Vec<(f64, End, Stage)>,
    pub(in crate::walk) cluster: Row,
    pub(in crate::walk) hosts: Option<Row>,
}

/// Takes `share` of the requests to the clusters that were chosen.
pub(in crate::walk) fn walk(
    walker: &Walker,
    path: &mut Path,
    choices: &[Choice],
    proto: Proto,
    dial: &Dial,
    share: f64,
) {
    let all = evaluate_all(walker, choices, proto, dial);
    let kind = manager::request_kind(&walker.question.headers, dial);
    rows(path, &all);
    for (choice, one) in choices.iter().zip(all) {
        let by = if choices.len() > 1 { format!("weighted cluster {}", choice.name) } else { path.by.clone() };
        let cluster = Some(path.trail.clusters.len());
        let delayed = path.delayed;
        let leg = |(part, end, stage): &(f64, End, Stage)| Leg {
            share: share * choice.share * part,
            by: by.clone(),
            end: end.clone(),
            cluster,
            stage: *stage,
            delayed,
            destination: None,
        };
        let legs: Vec<Leg> = one.ends.iter().map(leg).collect();
        path.decision.clusters.push(decided(choice, &one.endpoints, &legs, kind, share));
        path.legs.extend(legs);
        if one.trail.cluster.is_some() {
            path.there.insert(one.trail.name.clone());
        }
        path.trail.clusters.push(one.trail);
    }
}

/// What becomes of the requests of each choice. A cluster that is named again is not looked at again.
fn evaluate_all(walker: &Walker, choices: &[Choice], proto: Proto, dial: &Dial) -> Vec<Evaluated> {
    let mut all: Vec<Evaluated> = Vec::new();
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for choice in choices {
        let before = last.insert(&choice.name, all.len()).filter(|_| !choice.name.is_empty());
        let alike = before.filter(|at| choices.get(*at).is_some_and(|before| before.criteria == choice.criteria));
        let one = alike.and_then(|at| all.get(at)).cloned();
        let mut one = one.unwrap_or_else(|| evaluate(walker, choice, proto, dial));
        one.trail.share = choice.share;
        all.push(one);
    }
    all
}

fn decided(choice: &Choice, endpoints: &[Endpoint], legs: &[Leg], kind: RequestKind, share: f64) -> ClusterChoice {
    let outcomes: Vec<(f64, Outcome)> = legs.iter().map(|leg| (leg.share, outcome(&leg.end, kind))).collect();
    ClusterChoice {
        name: choice.name.clone(),
        share: share * choice.share,
        outcome: crate::walk::way::outcome::combine(&outcomes),
        response: legs.iter().find_map(|leg| leg.response(kind)),
        endpoints: endpoints.to_vec(),
    }
}

pub(in crate::walk) fn outcome(end: &End, kind: RequestKind) -> Outcome {
    match end {
        End::HandedOver => Outcome::Reaches,
        End::Stopped(stop) => stop.outcome(kind),
        End::Unknown => Outcome::Unknown,
    }
}

/// One row for the cluster and one for its hosts; several clusters share theirs.
fn rows(path: &mut Path, all: &[Evaluated]) {
    if let [one] = all {
        let name = if one.trail.name.is_empty() { "no cluster" } else { &one.trail.name };
        path.step(Stage::Cluster, one.cluster.mark, name, &one.cluster.note, one.cluster.evidence.clone());
        if let Some(hosts) = &one.hosts {
            path.step(Stage::Endpoints, hosts.mark, &hosts.note, "", hosts.evidence.clone());
        }
        return;
    }
    let worst = |marks: &[Mark]| {
        let all_are = |mark: Mark| marks.iter().all(|m| *m == mark);
        let any = |mark: Mark| marks.contains(&mark);
        match marks {
            _ if all_are(Mark::Stopped) => Mark::Stopped,
            _ if any(Mark::Unknown) => Mark::Unknown,
            _ if any(Mark::Stopped) || any(Mark::Warned) => Mark::Warned,
            _ => Mark::Passed,
        }
    };
    let marks: Vec<Mark> = all.iter().map(|one| one.cluster.mark).collect();
    let evidence =
        all.iter().filter(|o| o.cluster.mark != Mark::Passed).flat_map(|o| o.cluster.evidence.clone()).collect();
    let notes: Vec<String> = all
        .iter()
        .filter(|o| o.cluster.mark != Mark::Passed)
        .map(|o| format!("{}: {}", o.trail.name, o.cluster.note))
        .collect();
    path.step(Stage::Cluster, worst(&marks), &format!("{} weighted clusters", all.len()), &notes.join("; "), evidence);
    let hosts: Vec<&Row> = all.iter().filter_map(|one| one.hosts.as_ref()).collect();
    if !hosts.is_empty() {
        let marks: Vec<Mark> = hosts.iter().map(|row| row.mark).collect();
        let notes: Vec<&str> = hosts.iter().map(|row| row.note.as_str()).collect();
        let evidence = hosts.iter().flat_map(|row| row.evidence.clone()).collect();
        path.step(Stage::Endpoints, worst(&marks), &notes.join("; "), "", evidence);
    }
}

fn evaluate(walker: &Walker, choice: &Choice, proto: Proto, dial: &Dial) -> Evaluated {
    let mut trail = ClusterTrail {
        name: choice.name.clone(),
        share: choice.share,
        cluster: None,
        status: None,
        hosts: Vec::new(),
        eligible: Vec::new(),
        sockets: Vec::new(),
        stop: None,
        absence: Vec::new(),
    };
    // Both are wanted in one round: a cluster without its hosts decides little.
    if !choice.name.is_empty() {
        walker.glance(walker.snapshot.hosts(walker.origin, &choice.name));
    }
    if choice.name.is_empty() {
        let at = choice.at.iter().map(Node::evidence).collect();
        return missing(trail, proto, "the name that was to be looked up is empty", at);
    }
    let entry = match walker.ask(walker.snapshot.cluster(walker.origin, &choice.name)) {
        Got::Found(entry) => entry,
        Got::Absent(evidence) => {
            trail.absence.push(evidence.clone());
            if let Lookup::Found(warming) = walker.snapshot.warming_cluster(walker.origin, &choice.name) {
                let at = warming.at("cluster.name").unwrap_or(warming).evidence();
                return missing(trail, proto, "it is still warming: to a request it is not there", vec![at]);
            }
            return missing(trail, proto, "there is no such cluster", vec![evidence]);
        }
        Got::Gap => return unknown(trail, "the cluster was not read"),
    };
    let Some(node) = entry.get("cluster") else {
        return unknown(trail, "the cluster is not where it should be");
    };
    trail.cluster = Some(node.clone());
    let cluster: Cluster = match node.decode() {
        Ok(cluster) => cluster,
        Err(why) => {
            return gap(walker, trail, &format!("cluster {} could not be read: {why}", choice.name));
        }
    };
    if let Some(what) = deciding(&cluster, &node) {
        return gap(walker, trail, &what);
    }
    match maintenance(walker, &choice.name, proto) {
        Ok(false) => {}
        Ok(true) => {
            let note = "runtime has put it into maintenance";
            return ended(trail, Stop::MaintenanceMode, Stage::Cluster, note, Vec::new());
        }
        Err(what) => return gap(walker, trail, &what),
    }
    match &cluster.cluster_discovery_type {
        Some(ClusterDiscoveryType::Type(t)) if *t == DiscoveryType::OriginalDst as i32 => {
            original_dst(walker, trail, &cluster, proto, dial)
        }
        Some(ClusterDiscoveryType::ClusterType(custom)) if policy::is_aggregate(custom) => {
            aggregate::walk(walker, trail, &cluster, custom, proto)
        }
        _ => balance::walk(walker, trail, &cluster, &node, proto, &choice.criteria),
    }
}

/// What of a cluster bears on the request and is not modeled.
pub(in crate::walk) fn deciding(cluster: &Cluster, node: &Node) -> Option<String> {
    let except = ["metadata", "load_assignment", "outlier_detection", "typed_extension_protocol_options", "filters"];
    Walker::unmodeled(node, CLUSTER, &except).or_else(|| policy::unmodeled(cluster))
}

/// Whether runtime keeps HTTP requests from the cluster: `upstream.maintenance_mode.NAME`, in percent.
fn maintenance(walker: &Walker, name: &str, proto: Proto) -> Result<bool, String> {
    if let Proto::Tcp = proto {
        return Ok(false);
    }
    let key = format!("upstream.maintenance_mode.{name}");
    match walker.runtime_percent(&key) {
        None => Ok(false),
        Some(Ok(share)) if share <= 0.0 => Ok(false),
        Some(Ok(share)) if share >= 1.0 => Ok(true),
        Some(_) => Err(format!("the runtime key {key} keeps a part of the requests away")),
    }
}

/// The original destination itself: no health, no balancing.
fn original_dst(walker: &Walker, mut trail: ClusterTrail, cluster: &Cluster, proto: Proto, dial: &Dial) -> Evaluated {
    let config = match &cluster.lb_config {
        Some(LbConfig::OriginalDstLbConfig(config)) => config.clone(),
        None => crate::envoy::pb::envoy::config::cluster::v3::cluster::OriginalDstLbConfig::default(),
    };
    let header =
        if config.http_header_name.is_empty() { "x-envoy-original-dst-host" } else { &config.http_header_name };
    if config.use_http_header && walker.question.headers.iter().any(|(k, _)| k.eq_ignore_ascii_case(header)) {
        return gap(walker, trail, "an original destination that a header names is not modeled");
    }
    let port = config.upstream_port_override.as_ref().and_then(|p| u16::try_from(p.value).ok()).unwrap_or(dial.port);
    let address = if let Some(ip) = dial.ip {
        SocketAddr::new(ip, port).to_string()
    } else {
        walker.remark(format!("whether {} resolves, and to what: DNS was not asked", walker.question.host));
        format!("the address that {} resolves to, port {port}", walker.question.host)
    };
    if let Lookup::Found(status) = walker.snapshot.hosts(walker.origin, &trail.name) {
        let list = status.list("host_statuses");
        let hosts = list.into_iter().filter_map(|at| Some((Host::of(&at.decode().ok()?), Some(at))));
        trail.hosts = hosts.filter(|(host, _)| host.address == address).collect();
        trail.status = Some(status);
    } else if walker.is_refused(&Need::Hosts(walker.origin, trail.name.clone())) {
        walker.unchecked(format!("whether connections to {address} came about before"));
    }
    trail.eligible = vec![true; trail.hosts.len()];
    trail.sockets = vec![assignment::socket(cluster.transport_socket.as_ref()); trail.hosts.len().max(1)];
    let dead = balance::never_connected(&trail);
    let end = if dead { End::Stopped(proto.no_connection()) } else { End::HandedOver };
    trail.stop = if dead { Some(proto.no_connection()) } else { None };
    let evidence = trail.hosts.iter().filter_map(|(_, at)| at.as_ref()?.get("stats")).map(|n| n.evidence()).collect();
    let hosts = Row {
        mark: if dead { Mark::Stopped } else { Mark::Passed },
        note: if dead { format!("{address}, and no connection to it ever came about") } else { address.clone() },
        evidence,
    };
    let tls = assignment::socket(cluster.transport_socket.as_ref()).map(|socket| socket.kind);
    let endpoint = Endpoint { address, priority: 0, eligible: true, health: Vec::new(), tls };
    let note = "sends the connection on to the address that was dialed, as it is".to_owned();
    let cluster = Row { mark: Mark::Passed, note, evidence: Vec::new() };
    Evaluated {
        trail,
        // Where the address is not known, there is no host to name.
        endpoints: if dial.ip.is_some() { vec![endpoint] } else { Vec::new() },
        ends: vec![(1.0, end, Stage::Endpoints)],
        cluster,
        hosts: Some(hosts),
    }
}

impl Proto {
    pub(in crate::walk) fn no_host(self) -> Stop {
        match self {
            Self::Http { .. } => Stop::NoHealthyUpstream,
            Self::Tcp => Stop::TcpNoHealthyUpstream,
        }
    }

    pub(in crate::walk) fn no_connection(self) -> Stop {
        match self {
            Self::Http { .. } => Stop::ConnectFailure,
            Self::Tcp => Stop::TcpConnectFailure,
        }
    }

    /// What the circuit breaker of this name does.
    pub(in crate::walk) fn overflow(self, threshold: &str) -> Stop {
        match self {
            Self::Http { .. } => Stop::Overflow,
            Self::Tcp if threshold == "max_pending_requests" => Stop::TcpNoWaiting,
            Self::Tcp => Stop::TcpOverflow,
        }
    }

    pub(in crate::walk) fn no_cluster(self) -> Stop {
        match self {
            Self::Http { not_found, .. } => Stop::NoCluster(not_found),
            Self::Tcp => Stop::TcpNoCluster,
        }
    }
}

pub(in crate::walk) fn missing(trail: ClusterTrail, proto: Proto, note: &str, evidence: Vec<Evidence>) -> Evaluated {
    ended(trail, proto.no_cluster(), Stage::Cluster, note, evidence)
}

/// Every request ends at the cluster.
pub(in crate::walk) fn ended(
    mut trail: ClusterTrail,
    stop: Stop,
    stage: Stage,
    note: &str,
    evidence: Vec<Evidence>,
) -> Evaluated {
    trail.stop = Some(stop.clone());
    let cluster = Row { mark: Mark::Stopped, note: note.to_owned(), evidence };
    Evaluated { trail, endpoints: Vec::new(), ends: vec![(1.0, End::Stopped(stop), stage)], cluster, hosts: None }
}

pub(in crate::walk) fn gap(walker: &Walker, trail: ClusterTrail, what: &str) -> Evaluated {
    walker.unchecked(what.to_owned());
    unknown(trail, what)
}

pub(in crate::walk) fn unknown(trail: ClusterTrail, note: &str) -> Evaluated {
    let cluster = Row { mark: Mark::Unknown, note: note.to_owned(), evidence: Vec::new() };
    Evaluated { trail, endpoints: Vec::new(), ends: vec![(1.0, End::Unknown, Stage::Cluster)], cluster, hosts: None }
}
