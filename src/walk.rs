//! What becomes of the request: listener, filter chain, filters, route, cluster, hosts, as Envoy decides them.
//!
//! [`walk`] is a pure function of the snapshot and the question: no IO, no clock, no panic. Besides what it found it
//! returns what it would like to know next.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod beyond;
mod dial;
mod http;
mod listen;
mod tls;
mod upstream;
mod way;

use std::collections::{BTreeMap, BTreeSet};

pub use beyond::destination::DestinationWalk;
pub use way::path::{ClusterTrail, End, Leg, Missed, Socket, Trail};
pub use way::question::{Beyond, Port, Protocol, Question, QuestionError};
pub use way::stop::{Abort, Handshake, Refused, RequestKind, Stop};

pub(crate) use dial::resolve::ports_of;

use crate::snapshot::{Need, Origin, Snapshot};
use crate::verdict::{Branch, Decision, Endpoint, Mark, Outcome, Request, Response, Side, Stage, Step};

use dial::resolve::{Dial, Resolved};
use listen::filter_chain::Terminal;
use way::path::Path;
use way::walker::Walker;

/// What becomes of a request, as far as it can be told from what was read.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The request as it was understood.
    pub request: Request,
    /// What the proxy decides; `None` where A has no proxy, or the walk ended before it.
    pub decision: Option<Decision>,
    /// The rows.
    pub steps: Vec<Step>,
    /// Every way that the request can go; shares sum to 1.
    pub legs: Vec<Leg>,
    /// What was met on the way.
    pub trail: Trail,
    /// B's proxies that were walked.
    pub destinations: Vec<DestinationWalk>,
    /// What was not read or is not modeled.
    pub unchecked: Vec<String>,
    /// What would have to be read to get further.
    pub needs: BTreeSet<Need>,
    /// Whether local replies are wrapped for gRPC.
    pub kind: RequestKind,
}

/// Walks the question through A's proxy.
pub fn walk(snapshot: &Snapshot, question: &Question) -> Walk {
    let walker = Walker::new(snapshot, question, Origin::Source(0));
    let mut head = Path::default();
    let resolved = match &snapshot.source {
        Some(pod) if pod.without_proxy => dial::capture::without_proxy(&walker, &mut head, pod),
        _ => dial::resolve::resolve(&walker, &mut head),
    };
    let dials = match resolved {
        Resolved::To(dials) => dials,
        Resolved::Ended => Vec::new(),
    };
    let through = |dial: &Dial| {
        let mut path = through_proxy(&walker, head.clone(), dial);
        beyond::destination::follow(&walker, &mut path, dial);
        (dial.clone(), path)
    };
    let paths: Vec<(Dial, Path)> = dials.iter().map(through).collect();
    let kind = dials.first().map_or(RequestKind::Plain, |dial| http::manager::request_kind(&question.headers, dial));
    let request = dial::resolve::shown(&walker, dials.first());
    let (reached_proxy, path) = if paths.is_empty() { (false, head) } else { (true, merge(paths)) };
    let (needs, unchecked) = walker.into_parts();
    let Path { mut steps, decision, legs, trail, destinations, bare, .. } = path;
    fill_up(&mut steps, &decision, reached_proxy, bare);
    let decision = (reached_proxy && decision != Decision::default() && !bare).then_some(decision);
    Walk { request, decision, steps, legs, trail, destinations, unchecked, needs, kind }
}

/// One address through A's proxy, where the connection gets to it.
fn through_proxy(walker: &Walker, mut path: Path, dial: &Dial) -> Path {
    if !path.bare && !dial::capture::bypasses(walker, &mut path, dial) {
        from_listener(walker, &mut path, dial);
    }
    path
}

/// Through one proxy, A's or B's: listener, chain and what follows.
fn from_listener(walker: &Walker, path: &mut Path, dial: &Dial) {
    let Some(listener) = listen::listener::find(walker, path, dial) else { return };
    match listen::filter_chain::choose(walker, path, &listener, dial) {
        Some(Terminal::Http(manager, node)) => http::manager::walk(walker, path, &manager, &node, dial),
        Some(Terminal::Tcp(proxy, node)) => listen::tcp_proxy::walk(walker, path, &proxy, &node, dial),
        None => {}
    }
}

/// Several addresses: one answer where they agree, else each its share.
fn merge(mut paths: Vec<(Dial, Path)>) -> Path {
    let agree = paths.windows(2).all(|pair| {
        let without_hosts = |path: &Path| {
            let mut decision = path.decision.clone();
            without_places(&mut decision);
            let pods = decision.destinations.drain(..).map(|mut there| {
                without_places(&mut there.decision);
                there.decision
            });
            let beyond: Vec<Decision> = pods.collect();
            (decision, beyond, path.legs.clone())
        };
        without_hosts(&pair[0].1) == without_hosts(&pair[1].1)
    });
    let count = paths.len();
    if agree {
        let (_, mut first) = paths.remove(0);
        for (_, other) in paths {
            for (mine, theirs) in first.decision.clusters.iter_mut().zip(other.decision.clusters) {
                let known: BTreeSet<Endpoint> = mine.endpoints.iter().cloned().collect();
                mine.endpoints.extend(theirs.endpoints.into_iter().filter(|e| !known.contains(e)));
            }
            let known: BTreeSet<String> = first.decision.destinations.iter().map(|mine| mine.pod.clone()).collect();
            let new = other.decision.destinations.into_iter().filter(|d| !known.contains(&d.pod));
            first.decision.destinations.extend(new);
        }
        return first;
    }
    let fails = |path: &Path| path.legs.iter().any(|leg| matches!(leg.end, End::Stopped(_)));
    let shown = paths.iter().position(|(_, path)| fails(path)).unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "a handful of addresses")]
    let share = 1.0 / count as f64;
    let mut legs = Vec::new();
    for (i, (dial, path)) in paths.iter().enumerate() {
        let address = dial.ip.map_or_else(|| "any other address".to_owned(), |ip| format!("address {ip}"));
        let part = path.legs.iter().cloned();
        legs.extend(part.map(|leg| Leg {
            share: leg.share * share,
            by: address.clone(),
            cluster: leg.cluster.filter(|_| i == shown),
            ..leg
        }));
    }
    let (_, mut path) = paths.swap_remove(shown);
    path.legs = legs;
    path
}

/// Each address can have a listener of its own, with routes of its own; the hosts always differ.
fn without_places(decision: &mut Decision) {
    decision.listener = None;
    decision.filter_chain = None;
    decision.route_config = None;
    decision.clusters.iter_mut().for_each(|c| c.endpoints.clear());
}

/// The rows that were not reached stay, so that the eye learns the shape.
fn fill_up(steps: &mut Vec<Step>, decision: &Decision, reached_proxy: bool, bare: bool) {
    let tcp = reached_proxy && decision.filter_chain.is_some() && decision.route_config.is_none();
    let usual = [Stage::Listener, Stage::Route, Stage::Cluster, Stage::Endpoints];
    for stage in usual.into_iter().filter(|_| !bare) {
        let passed_by_tcp = tcp && stage == Stage::Route;
        if !passed_by_tcp && !steps.iter().any(|s| s.side == Side::Source && s.stage == stage) {
            let side = Side::Source;
            let (subject, note) = (String::new(), "not reached".to_owned());
            steps.push(Step { side, stage, mark: Mark::NotReached, subject, note, evidence: Vec::new() });
        }
    }
    steps.sort_by_key(|step| (step.side, step.stage));
}

impl Walk {
    /// What becomes of the request.
    pub fn outcome(&self) -> Outcome {
        let shares: Vec<(f64, Outcome)> =
            self.legs.iter().map(|l| (l.share, upstream::cluster::outcome(&l.end, self.kind))).collect();
        way::outcome::combine(&shares)
    }

    /// The share of requests that come to this, 0 to 1.
    pub fn share(&self, outcome: Outcome) -> f64 {
        self.legs
            .iter()
            .filter(|leg| upstream::cluster::outcome(&leg.end, self.kind) == outcome)
            .map(|leg| leg.share)
            .sum()
    }

    /// Whether requests are handed to a pod whose own proxy, if it has one, was not walked.
    pub fn leaves_open(&self) -> bool {
        beyond::destination::leaves_open(&self.legs)
    }

    /// What is sent when it is not handed over: by the largest share that is known to fail, else the largest that is
    /// answered.
    pub fn response(&self) -> Option<Response> {
        self.main_stop().and_then(|(leg, _)| leg.response(self.kind))
    }

    /// The way with the largest share among those that are known to fail, else among those that are answered.
    pub fn main_stop(&self) -> Option<(&Leg, &Stop)> {
        let stops = self.legs.iter().filter_map(|leg| Some((leg, leg.end.stop()?, leg.response(self.kind))));
        let stops: Vec<_> = stops.collect();
        // Ways that end alike count together.
        let mut alike: BTreeMap<&Option<Response>, f64> = BTreeMap::new();
        for (leg, _, response) in &stops {
            *alike.entry(response).or_default() += leg.share;
        }
        let weight = |(leg, stop, response): &(&Leg, &Stop, Option<Response>)| {
            let fails = stop.outcome(self.kind) == Outcome::Fails;
            (fails, alike.get(response).copied().unwrap_or_default(), leg.share)
        };
        let main = stops.iter().max_by(|a, b| {
            let ((a_fails, a_alike, a_share), (b_fails, b_alike, b_share)) = (weight(a), weight(b));
            a_fails.cmp(&b_fails).then(a_alike.total_cmp(&b_alike)).then(a_share.total_cmp(&b_share))
        });
        main.map(|(leg, stop, _)| (*leg, *stop))
    }

    /// Every way, where there is more than one.
    pub fn branches(&self) -> Vec<Branch> {
        let mut branches: Vec<Branch> = Vec::new();
        let mut places: BTreeMap<(&str, Outcome, Option<Response>), usize> = BTreeMap::new();
        for leg in &self.legs {
            let (outcome, response) = (upstream::cluster::outcome(&leg.end, self.kind), leg.response(self.kind));
            let place = *places.entry((&leg.by, outcome, response.clone())).or_insert(branches.len());
            match branches.get_mut(place) {
                Some(same) => same.share += leg.share,
                None => branches.push(Branch { share: leg.share, outcome, response, by: leg.by.clone() }),
            }
        }
        if branches.len() > 1 { branches } else { Vec::new() }
    }
}
