//! One way that requests go, from A's question to its end, and what the verdict says of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::envoy::health::Class;
use crate::verdict::{
    Answerer, ClusterChoice, Decision, Destination, Mark, Outcome, Power, Response, Side, Stage, Step,
};

use super::asked_for::AskedFor;
use super::end::End;
use super::guard::{Condition, Guard};
use super::log::{ChosenRoute, Entry, Fact, Log, Row};
use super::met::{ClusterTrail, Visit};
use super::outcome;
use super::repair::Repair;
use super::stop::{RequestKind, Stop};
use super::trail::Trail;

/// One way that requests go.
#[derive(Clone, Debug)]
pub struct Branch {
    /// What sends them there.
    pub(in crate::walk) guards: Vec<Guard>,
    /// How they end.
    pub end: End,
    /// What they met.
    pub(in crate::walk) log: Log,
    /// Whether local replies are wrapped for gRPC.
    pub(in crate::walk) kind: RequestKind,
}

impl Branch {
    /// The share of the requests that pass its other guards, 0 to 1.
    pub fn share(&self) -> f64 {
        self.guards.iter().map(Guard::share).product()
    }

    /// What sends requests there, in the order in which they part.
    pub fn guards(&self) -> impl Iterator<Item = &Guard> {
        self.guards.iter()
    }

    /// The share that is drawn for it, whichever of B's pods takes it.
    pub fn drawn_share(&self) -> f64 {
        self.guards.iter().filter(|guard| matches!(guard, Guard::Drawn { .. })).map(Guard::share).product()
    }

    /// What becomes of them, provided that what is open lets them pass.
    pub fn outcome(&self) -> Outcome {
        outcome::of(&self.end, self.kind)
    }

    /// What surely becomes of them, whatever the open things do.
    pub fn sure_outcome(&self) -> Outcome {
        let settled = self.guards.iter().find_map(Guard::settled);
        settled.unwrap_or_else(|| outcome::under(self.outcome(), &self.powers()))
    }

    /// How urgently it is told: what surely fails first, what surely reaches last.
    pub fn severity(&self) -> u8 {
        match (self.sure_outcome(), self.outcome()) {
            (Outcome::Fails, _) => 6,
            (Outcome::Unknown | Outcome::Partial, Outcome::Fails) => 5,
            (Outcome::Unknown | Outcome::Partial, Outcome::Unknown | Outcome::Partial) => 4,
            (Outcome::Unknown | Outcome::Partial, Outcome::Answered) => 3,
            (Outcome::Unknown | Outcome::Partial, Outcome::Reaches) => 2,
            (Outcome::Answered, _) => 1,
            (Outcome::Reaches, _) => 0,
        }
    }

    /// The requests that go this way, where the question left them open.
    pub fn asked_for(&self) -> Option<&Arc<AskedFor>> {
        self.guards.iter().find_map(Guard::asked_for)
    }

    /// Whether the answer about all requests rests on it.
    pub fn counts(&self) -> bool {
        self.guards.iter().all(Guard::counts)
    }

    /// Whether the same requests go this way and the other.
    pub fn is_asked_with(&self, other: &Self) -> bool {
        match (self.asked_for(), other.asked_for()) {
            (Some(mine), Some(theirs)) => Arc::ptr_eq(mine, theirs),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Whether it surely ends, and does not get to B.
    pub(in crate::walk) fn surely_ends(&self) -> bool {
        matches!(self.sure_outcome(), Outcome::Fails | Outcome::Answered)
    }

    /// Why it ends, in the words of the proxy that ends it; A's proxy may make something else of what B's does.
    pub fn own_stop(&self) -> Option<&Stop> {
        let of_b =
            self.log.iter().rev().find_map(|entry| if let Fact::Ended(stop) = &entry.fact { Some(stop) } else { None });
        of_b.or_else(|| self.end.stop())
    }

    /// What would have to be repaired at the place where it ends, where a walk can take that as repaired.
    pub(in crate::walk) fn repair(&self) -> Option<Repair> {
        self.end.stop()?;
        let last = self.log.iter().rev().find_map(|entry| {
            let Fact::Repairable(stop, at) = &entry.fact else { return None };
            Some(Repair { side: entry.side, stop: stop.clone(), at: at.clone() })
        });
        last.filter(|repair| repair.stop.repaired().is_some())
    }

    /// Whether none of the hosts that A's proxy could give it to is healthy.
    pub fn goes_to_unhealthy(&self) -> bool {
        self.cluster(Side::Source).is_some_and(|cluster| {
            let mut eligible = cluster.eligible().peekable();
            eligible.peek().is_some() && eligible.all(|trail| trail.host.class == Class::Unhealthy)
        })
    }

    /// Whether the same request can go both ways: nothing open has to be one thing for one, and another for the other.
    pub fn is_beside(&self, other: &Self) -> bool {
        let alternatives = |branch: &Self| -> Vec<(Arc<Condition>, usize)> {
            let guards = branch.guards.iter();
            guards.filter_map(|guard| Some((Arc::clone(guard.condition()?), guard.alternative()?.place))).collect()
        };
        let theirs = alternatives(other);
        alternatives(self)
            .iter()
            .all(|(condition, place)| theirs.iter().all(|(other, its)| other != condition || its == place))
    }

    /// Whether it goes on where it would have ended, as this is taken as repaired.
    pub(in crate::walk) fn met(&self, repair: &Repair) -> bool {
        self.has(
            repair.side,
            |fact| matches!(fact, Fact::Repaired(stop, at) if *stop == repair.stop && *at == repair.at),
        )
    }

    /// The conditions that it rests on.
    pub fn conditions(&self) -> impl Iterator<Item = &Arc<Condition>> {
        self.guards.iter().filter_map(Guard::condition)
    }

    fn powers(&self) -> Vec<Power> {
        self.conditions().flat_map(|condition| condition.powers.iter().copied()).collect()
    }

    /// Whose proxy took the request last.
    pub fn side(&self) -> Side {
        if self.visit().is_some() { Side::Destination } else { Side::Source }
    }

    /// B's pod whose proxy took the request.
    pub fn visit(&self) -> Option<&Arc<Visit>> {
        self.log.iter().find_map(|entry| if let Fact::Pod(visit) = &entry.fact { Some(visit) } else { None })
    }

    /// Whether it is a request of gRPC.
    pub fn kind(&self) -> RequestKind {
        self.kind
    }

    /// What was met on the way through one proxy.
    pub fn trail(&self, side: Side) -> Trail {
        Trail::of(&self.log, side)
    }

    /// What is sent, where the request is not handed over.
    pub fn response(&self) -> Option<Response> {
        let stop = self.end.stop()?;
        let replier = self.replier(stop);
        let here = self.log.iter().filter(|entry| entry.side == replier);
        let mut replies =
            here.filter_map(|entry| if let Fact::Replies(replies) = &entry.fact { Some(replies) } else { None });
        let replies = replies.next();
        let mapped = |status: u16| replies.map_or(status, |replies| replies.status(status));
        let mut response = stop.response_mapped(self.kind, &mapped);
        let retries = self.cluster(replier).map(|cluster| cluster.retries).unwrap_or_default();
        let flag = stop.failure().and_then(|failure| retries.flag(failure));
        response.flags.splice(0..0, flag);
        if let Some(details) = stop.behind_a_cache().filter(|_| self.has(replier, |fact| matches!(fact, Fact::Cached)))
        {
            // It does not read `cluster_not_found_response_code`.
            let status = if response.grpc_status.is_some() { response.status } else { 503 };
            response = Response { status, flags: Vec::new(), details: details.to_owned(), ..response };
        }
        if self.has(replier, |fact| matches!(fact, Fact::Delayed)) {
            response.flags.insert(0, "DI");
        }
        if let Some(replies) = replies.filter(|_| response.status != 0) {
            response.status = replies.advised(response.status, &response.flags);
        }
        if replier == Side::Destination {
            response.from = Answerer::DestinationProxy;
        }
        Some(response)
    }

    /// Whose proxy replies: of a connection that B ends, A's.
    fn replier(&self, stop: &Stop) -> Side {
        let of_a = matches!(stop, Stop::UpstreamClosed | Stop::UpstreamCutOff(_) | Stop::Handshake(_));
        if of_a { Side::Source } else { self.side() }
    }

    /// Whether one side's proxy takes it for a request of HTTP.
    pub fn is_over_http(&self, side: Side) -> bool {
        self.has(side, |fact| matches!(fact, Fact::RouteConfigName(_) | Fact::RouteConfig(_)))
    }

    /// Whether the other way is apart from this by chance, or by which of B's pods takes it.
    pub(in crate::walk) fn is_drawn_apart_from(&self, other: &Self) -> bool {
        let fixed = |guard: &&Guard| match guard {
            Guard::Drawn { .. } | Guard::Pod { .. } | Guard::Provided { alternative: None, .. } => false,
            Guard::Asked(_)
            | Guard::Address { .. }
            | Guard::Provided { alternative: Some(_), .. }
            | Guard::Repaired(_) => true,
        };
        let (mine, theirs) = (self.guards.iter().filter(fixed), other.guards.iter().filter(fixed));
        mine.clone().count() == theirs.clone().count() && mine.zip(theirs).all(|(a, b)| a.is_same(b))
    }

    /// Whether the request leaves A past any proxy.
    pub(in crate::walk) fn leaves(&self) -> bool {
        self.has(Side::Source, |fact| matches!(fact, Fact::Leaves))
    }

    fn has(&self, side: Side, is_it: impl Fn(&Fact) -> bool) -> bool {
        self.log.iter().any(|entry| entry.side == side && is_it(&entry.fact))
    }

    /// What is open and changes nothing, a sentence each.
    pub(in crate::walk) fn unsettled(&self) -> impl Iterator<Item = &String> {
        self.log.iter().filter_map(|entry| if let Fact::Unsettled { why, .. } = &entry.fact { Some(why) } else { None })
    }

    /// The name of the cluster on the side where it ended.
    pub fn cluster_name(&self) -> Option<String> {
        self.cluster(self.side()).map(|cluster| cluster.name.clone())
    }

    fn cluster(&self, side: Side) -> Option<&Arc<ClusterTrail>> {
        self.log
            .iter()
            .rev()
            .filter(|entry| entry.side == side)
            .find_map(|entry| if let Fact::Cluster(cluster) = &entry.fact { Some(cluster) } else { None })
    }

    fn route(&self, side: Side) -> Option<&Arc<ChosenRoute>> {
        self.log
            .iter()
            .rev()
            .filter(|entry| entry.side == side)
            .find_map(|entry| if let Fact::Route(route) = &entry.fact { Some(route) } else { None })
    }

    /// The guards that are set before a side hands the request on: what B's side parts is one to A.
    fn guards_on(&self, side: Side) -> &[Guard] {
        let of_b = self.guards.iter().position(|guard| side == Side::Source && guard.is_of_b());
        self.guards.get(..of_b.unwrap_or(self.guards.len())).unwrap_or_default()
    }

    /// The share that those leave.
    fn share_on(&self, side: Side) -> f64 {
        self.guards_on(side).iter().map(Guard::share).product()
    }

    /// How the request ends in the sight of one side's proxy.
    fn end_on(&self, side: Side) -> &End {
        let handed_over = self.has(side, |fact| matches!(fact, Fact::HandedOver));
        if handed_over { &End::HandedOver } else { &self.end }
    }

    /// The rows, those that were not reached among them.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for entry in &self.log {
            if let Fact::Row(row) = &entry.fact {
                steps.push(step(entry.side, row));
            } else if let Fact::More(row) = &entry.fact {
                amend(&mut steps, entry.side, row);
            }
        }
        self.fill_up(&mut steps);
        steps.sort_by_key(|step| (step.side, step.stage));
        steps
    }

    /// The rows that were not reached stay, so that the eye learns the shape.
    fn fill_up(&self, steps: &mut Vec<Step>) {
        if self.leaves() {
            return;
        }
        let trail = self.trail(Side::Source);
        let tcp = trail.filter_chain.is_some() && !self.is_over_http(Side::Source);
        for stage in [Stage::Listener, Stage::Route, Stage::Cluster, Stage::Endpoints] {
            let passed_by_tcp = tcp && stage == Stage::Route;
            if !passed_by_tcp && !steps.iter().any(|s| s.side == Side::Source && s.stage == stage) {
                steps.push(step(Side::Source, &Row::new(stage, Mark::NotReached, "", "not reached")));
            }
        }
    }
}

fn step(side: Side, row: &Row) -> Step {
    let Row { stage, mark, subject, note, evidence } = row.clone();
    Step { side, stage, mark, subject, note, evidence }
}

/// Says more of the last row of a stage.
fn amend(steps: &mut Vec<Step>, side: Side, more: &Row) {
    let Some(row) = steps.iter_mut().rev().find(|step| step.side == side && step.stage == more.stage) else {
        return steps.push(step(side, more));
    };
    // That one thing more is well makes nothing well.
    if more.mark != Mark::Passed {
        row.mark = more.mark;
    }
    if !row.note.contains(&more.note) {
        row.note = if row.note.is_empty() { more.note.clone() } else { format!("{}; {}", row.note, more.note) };
    }
    row.evidence.extend(more.evidence.iter().cloned());
}

/// What one side's proxy decides, of ways that chance alone parts.
pub(in crate::walk) fn decision(branches: &[&Branch], side: Side) -> Decision {
    let mut decision = Decision::default();
    // Of several the one that most take.
    let main = branches
        .iter()
        .enumerate()
        .max_by(|(i, a), (j, b)| a.share_on(side).total_cmp(&b.share_on(side)).then(j.cmp(i)));
    let Some((_, main)) = main else { return decision };
    for fact in main.log.iter().filter(|entry| entry.side == side).map(|entry| &entry.fact) {
        decide(&mut decision, fact);
    }
    decision.clusters = clusters(branches, side);
    if side == Side::Source {
        decision.destinations = destinations(branches);
    }
    decision
}

fn decide(decision: &mut Decision, fact: &Fact) {
    match fact {
        Fact::Unsettled { differing, .. } => unsettle(decision, differing),
        Fact::Listener(name, _) => decision.listener = Some(name.clone()),
        Fact::FilterChain(name, _) => decision.filter_chain = Some(name.clone()),
        Fact::RouteConfigName(name) => decision.route_config = Some(name.clone()),
        Fact::VirtualHost(name, _) => decision.virtual_host = Some(name.clone()),
        Fact::Route(route) => {
            decision.route = Some(route.name.clone());
            decision.route_index = route.index;
        }
        Fact::Row(_)
        | Fact::More(_)
        | Fact::Service(_)
        | Fact::Near(_)
        | Fact::Absence(_)
        | Fact::Leaves
        | Fact::RouteConfig(_)
        | Fact::Apart(_)
        | Fact::Missed(_)
        | Fact::Fault(_)
        | Fact::Delayed
        | Fact::Cached
        | Fact::Denial(_)
        | Fact::Filtered
        | Fact::Replies(_)
        | Fact::Cluster(_)
        | Fact::HandedOver
        | Fact::Pod(_)
        | Fact::Repairable(..)
        | Fact::Repaired(..)
        | Fact::Ended(_) => {}
    }
}

/// What alternatives that end alike differ in is not decided.
fn unsettle(decision: &mut Decision, differing: &[Stage]) {
    for stage in differing {
        match stage {
            Stage::Listener => decision.listener = None,
            Stage::FilterChain => decision.filter_chain = None,
            Stage::Route => decision.route_config = None,
            Stage::Request | Stage::Capture | Stage::HttpFilters | Stage::Cluster | Stage::Endpoints => {}
        }
    }
}

/// B's pods, each with what its proxy decides.
fn destinations(branches: &[&Branch]) -> Vec<Destination> {
    let visits = grouped(branches, |branch| branch.visit());
    let of = |(visit, own): (&Arc<Visit>, Vec<&Branch>)| Destination {
        pod: visit.pod_name(),
        decision: decision(&own, Side::Destination),
    };
    visits.into_iter().map(of).collect()
}

/// The clusters that requests can go to: those that were looked at, then those whose requests end at a filter.
fn clusters(branches: &[&Branch], side: Side) -> Vec<ClusterChoice> {
    let looked_at = grouped(branches, |branch| branch.cluster(side));
    let there: BTreeSet<&str> =
        looked_at.iter().filter(|(cluster, _)| cluster.cluster.is_some()).map(|(c, _)| c.name.as_str()).collect();
    let named = named(branches, side, &there);
    let choice = |(cluster, own): (&Arc<ClusterTrail>, Vec<&Branch>)| ClusterChoice {
        name: cluster.name.clone(),
        share: distinct_share(&own, side),
        outcome: outcome_on(&own, side),
        response: own.iter().find_map(|branch| branch.end_on(side).stop().and_then(|_| branch.response())),
        endpoints: cluster.endpoints.clone(),
    };
    looked_at.into_iter().map(choice).chain(named).collect()
}

/// The branches that met the same thing, in the order in which it was met first.
fn grouped<'a, T>(
    branches: &[&'a Branch],
    of: impl Fn(&'a Branch) -> Option<&'a Arc<T>>,
) -> Vec<(&'a Arc<T>, Vec<&'a Branch>)> {
    let mut groups: Vec<(&Arc<T>, Vec<&Branch>)> = Vec::new();
    let mut places: BTreeMap<*const T, usize> = BTreeMap::new();
    for branch in branches {
        let Some(thing) = of(branch) else { continue };
        let place = *places.entry(Arc::as_ptr(thing)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, own)) => own.push(branch),
            None => groups.push((thing, vec![branch])),
        }
    }
    groups
}

/// The share of several branches on one side: those that only the other side parts count once.
fn distinct_share(own: &[&Branch], side: Side) -> f64 {
    let mut total = 0.0;
    let mut before: Option<&[Guard]> = None;
    for branch in own {
        let guards = branch.guards_on(side);
        if !before.is_some_and(|known| are_same(known, guards)) {
            total += branch.share_on(side);
        }
        before = Some(guards);
    }
    total
}

fn are_same(a: &[Guard], b: &[Guard]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
}

fn outcome_on(own: &[&Branch], side: Side) -> Outcome {
    let of = |branch: &&Branch| {
        let on_side = branch.conditions().filter(|condition| condition.side <= side);
        let powers: Vec<Power> = on_side.flat_map(|condition| condition.powers.iter().copied()).collect();
        (branch.share_on(side), outcome::under(outcome::of(branch.end_on(side), branch.kind), &powers))
    };
    let all: Vec<(f64, Outcome)> = own.iter().map(of).collect();
    outcome::combine(&all)
}

/// The clusters of requests that end at a filter: Envoy has chosen the route and its cluster before, and logs them.
fn named(branches: &[&Branch], side: Side, there: &BTreeSet<&str>) -> Vec<ClusterChoice> {
    let routes = grouped(branches, |branch| branch.route(side));
    routes.into_iter().flat_map(|(route, own)| named_by(route, &own, side, there)).collect()
}

fn named_by(route: &ChosenRoute, own: &[&Branch], side: Side, there: &BTreeSet<&str>) -> Vec<ClusterChoice> {
    let is_through = |branch: &&&Branch| branch.has(side, |fact| matches!(fact, Fact::Filtered));
    let passes = own.iter().any(|branch| is_through(&branch));
    let ended: Vec<&&Branch> = own.iter().filter(|b| !is_through(b) && b.end.stop().is_some()).collect();
    // Of a part that a fault takes Envoy logs the route's cluster too; it is told by the fault alone.
    let denied: Vec<&&Branch> =
        ended.iter().copied().filter(|b| !matches!(b.end.stop(), Some(Stop::FaultAbort(_)))).collect();
    let choices = |branch: &Branch, share: f64| -> Vec<ClusterChoice> {
        let choice = |(name, part): &(String, f64)| ClusterChoice {
            name: name.clone(),
            share: share * part,
            outcome: branch.outcome(),
            response: branch.response(),
            endpoints: Vec::new(),
        };
        route.clusters.iter().map(choice).collect()
    };
    match ended.last() {
        Some(last) if !passes && denied.is_empty() => {
            choices(last, own.iter().map(|branch| branch.share_on(side)).sum())
        }
        Some(_) => {
            // Envoy logs no name for a missing cluster.
            let all = denied.iter().flat_map(|branch| choices(branch, branch.share_on(side)));
            all.filter(|choice| !passes || there.contains(choice.name.as_str())).collect()
        }
        None => Vec::new(),
    }
}

/// An entry of the log, where it begins B's side.
pub(in crate::walk) fn pod(visit: &Arc<Visit>) -> Arc<Entry> {
    Arc::new(Entry { side: Side::Destination, fact: Fact::Pod(Arc::clone(visit)) })
}
