//! The driver on open questions: every kind of request that the proxies on the way tell apart is asked about.
//!
//! A kind is what one route takes, and what each filter's policies say the same of (`envoy::classes`). One request of
//! each kind is walked as if it had been asked about alone, so that its answer is as exact as any. Of kinds that the
//! proxies treat alike one is walked. B's proxies are known once requests got there; then the kinds are taken apart
//! once more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::envoy::classes::{self, Request, Rule, Standing, Taken, Takes};
use crate::snapshot::RouteWay;
use crate::verdict::{Mark, Side, Stage};

use super::way::apart::{Apart, List, Route};
use super::way::asked_for::{AskedFor, Kind, Partition, Weight};
use super::way::course::Told;
use super::way::followed::Followed;
use super::way::guard::{Condition, Guard};
use super::way::log::{Entry, Fact, Row};
use super::way::question::{Asks, Question};
use super::way::stop::{RequestKind, Stop};
use super::way::walker::Walker;

/// The most clusters of a host, or other things that its routes do, of which requests are followed: each may have to be
/// read.
const MOST_CLUSTERS: usize = 64;
/// The most ways that requests are followed.
const MOST_WAYS: usize = 512;
/// The most kinds that routes and policies together may come to.
const MOST_PARTS: usize = 20_000;
/// The most routes that get no request and are named.
const NAMED: usize = 3;

/// What becomes of every kind of request, where those that are left open do not all go the way that `plain` tells of.
/// `follow` follows one.
pub(super) fn every(walker: &Walker, plain: Followed, follow: Follow) -> Followed {
    let of_a = met(&plain, Side::Source);
    // What A's proxy passes on as bytes, and what passes A's by, comes to B's as it was sent.
    let is_of_b = of_a.is_empty();
    let aparts = if is_of_b { met(&plain, Side::Destination) } else { of_a };
    let Some((first, others)) = aparts.split_first() else { return plain };
    let others: Vec<List> = others.iter().flat_map(|apart| lists_of(apart)).collect();
    let telling = Telling { walker, follow, apart: first, others };
    // Where all is one way, B's proxies are those that the plain request met.
    let mut parted = telling.parted(&|_| Vec::new());
    let mut followed = telling.follow(&parted, Asks::Class, &plain);
    let beyond = beyond(&parted, &followed);
    if !beyond.is_empty() && !is_of_b {
        parted = telling.parted(&|way| beyond.get(way).cloned().unwrap_or_default());
        followed = telling.follow(&parted, Asks::Kind, &plain);
    }
    telling.joined(parted, followed, plain)
}

/// What tells requests apart on one side, each once.
fn met(followed: &Followed, side: Side) -> Vec<Arc<Apart>> {
    let of_side = |entry: &Entry| {
        if let Fact::Apart(apart) = &entry.fact { Some(Arc::clone(apart)).filter(|_| entry.side == side) } else { None }
    };
    let mut known = BTreeSet::new();
    let mut all = followed.told.all_met(&of_side);
    all.extend(followed.alike.iter().flat_map(|told| told.all_met(&of_side)));
    all.retain(|apart| known.insert(apart.at.clone()));
    all
}

/// All that a manager tells apart, whichever of its routes takes a request.
fn lists_of(apart: &Apart) -> Vec<List> {
    let mut all: Vec<List> = Vec::new();
    let of_routes = apart.routes.iter().flat_map(|route| &*route.lists);
    for list in apart.of_routes.iter().chain(&apart.of_all).chain(of_routes).chain(&*apart.of_rest) {
        if !all.contains(list) {
            all.push(list.clone());
        }
    }
    all
}

/// What requests of one way have in common.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// What the route does; `None` for no route.
    way: Option<RouteWay>,
    /// How many routes may take a share of them before.
    drawing: usize,
    /// What comes of each list.
    choices: Vec<usize>,
}

/// The kinds of requests, by the way that they go.
struct Parted {
    ways: Vec<(Key, Vec<Kind>)>,
    partition: Partition,
    /// What is to be said of those that cannot be told apart.
    undecided: Vec<String>,
    /// The rows of routes that get no request.
    shadowed: Option<Row>,
}

/// Follows the one request that a walker's question says.
type Follow<'a> = &'a dyn Fn(&Walker) -> Followed;

struct Telling<'a> {
    walker: &'a Walker<'a>,
    follow: Follow<'a>,
    apart: &'a Apart,
    /// What other managers of A's tell apart: its name can lead to several addresses.
    others: Vec<List>,
}

impl Telling<'_> {
    /// The kinds of requests. `beyond` tells what B's proxies tell apart where a route does this.
    fn parted(&self, beyond: &dyn Fn(&RouteWay) -> Vec<List>) -> Parted {
        let apart = self.apart;
        let of_all = || apart.of_all.iter().chain(&self.others);
        let mut rules: Vec<Rule> = apart.routes.iter().map(|route| route.rule.clone()).collect();
        rules.push(Rule { conditions: Vec::new(), takes: Takes::All });
        let beyond: Vec<Vec<List>> = apart.routes.iter().map(|route| beyond(&route.way)).collect();
        let of_route = |(route, beyond): (&'_ Route, &'_ Vec<List>)| -> Vec<List> {
            of_all().chain(&*route.lists).chain(beyond).cloned().collect()
        };
        let mut lists: Vec<Vec<List>> = apart.routes.iter().zip(&beyond).map(of_route).collect();
        lists.push(of_all().chain(&*apart.of_rest).cloned().collect());
        let entries: Vec<Vec<&classes::List>> =
            lists.iter().map(|lists| lists.iter().map(|list| &list.list).collect()).collect();
        let taken = classes::refined(&rules, &entries, &apart.frame, MOST_PARTS);
        Parted {
            ways: ways(apart, &lists, &taken),
            undecided: undecided(apart, &taken),
            shadowed: shadowed(apart, &taken),
            partition: Partition { rules, lists, frame: apart.frame.clone() },
        }
    }

    /// Follows one request of each way.
    fn follow(&self, parted: &Parted, asks: Asks, plain: &Followed) -> Vec<Option<Followed>> {
        // What goes one way is known already.
        if parted.ways.len() == 1 && asks == Asks::Class {
            return vec![Some(plain.clone())];
        }
        let mut clusters: BTreeSet<&RouteWay> = BTreeSet::new();
        let mut all = Vec::with_capacity(parted.ways.len());
        for (Key { way, .. }, kinds) in &parted.ways {
            if let Some(way) = way.as_ref().filter(|way| way.ends.is_none()) {
                clusters.insert(way);
                if clusters.len() > MOST_CLUSTERS {
                    clusters.remove(way);
                    all.push(None);
                    continue;
                }
            }
            let witness = kinds.first().filter(|_| all.len() < MOST_WAYS);
            all.push(witness.map(|kind| self.one(&kind.witness, asks)));
        }
        all
    }

    /// Follows one request as if it had been asked about alone.
    fn one(&self, witness: &Request, asks: Asks) -> Followed {
        let question = Question {
            method: witness.method.clone(),
            path: witness.path.clone(),
            headers: witness.headers.clone(),
            asks,
            ..self.walker.question.clone()
        };
        let walker = self.walker.beside(&question, self.walker.origin);
        let followed = (self.follow)(&walker);
        self.walker.absorb(walker);
        followed
    }

    /// All ways as one answer.
    fn joined(&self, parted: Parted, followed: Vec<Option<Followed>>, plain: Followed) -> Followed {
        parted.undecided.iter().for_each(|line| self.walker.unchecked(line.clone()));
        let with_shadowed = |told: Told<()>| parted.shadowed.iter().cloned().fold(told, Told::row);
        if parted.ways.len() < 2 {
            return Followed { told: with_shadowed(plain.told), ..plain };
        }
        let partition = Arc::new(parted.partition);
        let is_aside = |(Key { way, .. }, kinds): &(Key, Vec<Kind>), followed: &Option<Followed>| {
            let are_preflights = kinds.iter().all(|kind| is_preflight(&kind.witness));
            way.is_none()
                || are_preflights
                || followed.as_ref().is_some_and(|one| one.told.only_ends_with(&Stop::is_meant))
        };
        let aside: Vec<bool> =
            parted.ways.iter().zip(&followed).map(|(way, followed)| is_aside(way, followed)).collect();
        let all_are = aside.iter().all(|is_aside| *is_aside);
        let (mut parts, mut alike, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
        for (((_, kinds), followed), is_aside) in parted.ways.iter().zip(followed).zip(aside) {
            let Some(Followed { told, alike: others, kind, .. }) = followed else {
                left_out.extend(kinds.iter().cloned());
                continue;
            };
            let weight = if is_aside && !all_are { Weight::Aside } else { Weight::Counts };
            let (kinds, partition) = (kinds.clone(), Arc::clone(&partition));
            let guard = Guard::Asked(Arc::new(AskedFor { kinds, weight, partition, request: kind }));
            alike.extend(others.into_iter().map(|told| Told::parts(vec![(guard.clone(), told)])));
            parts.push((guard, with_shadowed(told)));
        }
        if !left_out.is_empty() {
            parts.push(not_followed(left_out, (partition, plain.kind)));
        }
        Followed { told: Told::parts(parts), alike, ..plain }
    }
}

/// What B's proxies tell apart, by what the route did.
fn beyond(parted: &Parted, followed: &[Option<Followed>]) -> BTreeMap<RouteWay, Vec<List>> {
    let mut beyond: BTreeMap<RouteWay, Vec<List>> = BTreeMap::new();
    for ((Key { way, .. }, _), followed) in parted.ways.iter().zip(followed) {
        let (Some(way), Some(followed)) = (way, followed) else { continue };
        for list in met(followed, Side::Destination).iter().flat_map(|apart| lists_of(apart)) {
            let lists = beyond.entry(way.clone()).or_default();
            if !lists.contains(&list) {
                lists.push(list);
            }
        }
    }
    beyond
}

/// Requests to more clusters than are looked at.
fn not_followed(kinds: Vec<Kind>, (partition, request): (Arc<Partition>, RequestKind)) -> (Guard, Told<()>) {
    let why = format!(
        "the host's routes do more than {MOST_CLUSTERS} different things, and {} of its kinds of requests were not followed",
        kinds.len()
    );
    let condition =
        Condition::withheld(Stage::Cluster, "", &why).provided_that("the clusters of its other routes take requests");
    let row = Row::unknown(Stage::Cluster, "", &why);
    let asked_for = AskedFor { kinds, weight: Weight::Counts, partition, request };
    (Guard::Asked(Arc::new(asked_for)), Told::provided(condition, Told::goes(())).row(row))
}

/// Whether a request only asks for a browser whether it may send another.
fn is_preflight(request: &Request) -> bool {
    let has = |name: &str| request.headers.iter().any(|(other, _)| other == name);
    request.method == "OPTIONS" && has("origin") && has("access-control-request-method")
}

/// How far a request is from one that people would type.
fn oddness(request: &Request) -> (bool, usize) {
    (request.method != "GET", request.headers.len())
}

/// The kinds of requests, by the way that they go.
fn ways(apart: &Apart, lists: &[Vec<List>], taken: &Taken) -> Vec<(Key, Vec<Kind>)> {
    let mut ways: Vec<(usize, Key, Vec<Kind>)> = Vec::new();
    let mut places: BTreeMap<Key, usize> = BTreeMap::new();
    for part in &taken.parts {
        let Ok(witness) = &part.witness else { continue };
        let of = apart.routes.get(part.rule);
        let is_rest = of.is_none() && part.entries.iter().all(Option::is_none);
        let predicate = if is_rest { "what no route takes".to_owned() } else { part.predicate.clone() };
        let place = if is_rest { format!("for {predicate}") } else { part.place.clone() };
        let (witness, entries) = (witness.clone(), part.entries.clone());
        let own = lists.get(part.rule).map(Vec::as_slice).unwrap_or_default();
        let choice = |(list, entry): (&List, &Option<usize>)| {
            entry.and_then(|at| list.choices.get(at).copied()).unwrap_or_default()
        };
        let key = Key {
            way: of.map(|route| route.way.clone()),
            drawing: of.map(|route| route.drawing).unwrap_or_default(),
            choices: own.iter().zip(&entries).map(choice).collect(),
        };
        let kind = Kind { predicate, place, witness, rule: part.rule, entries };
        let at = *places.entry(key.clone()).or_insert(ways.len());
        match ways.get_mut(at) {
            Some((_, _, kinds)) => kinds.push(kind),
            None => ways.push((part.rule, key, vec![kind])),
        }
    }
    // Of each way the plainest request is followed, and of one route's ways the plainest is told first.
    for (.., kinds) in &mut ways {
        kinds.sort_by_key(|kind| oddness(&kind.witness));
    }
    ways.sort_by_key(|(route, _, kinds)| (*route, kinds.first().map(|kind| oddness(&kind.witness))));
    ways.into_iter().map(|(_, key, kinds)| (key, kinds)).collect()
}

/// What is to be said of kinds that cannot be told apart.
fn undecided(apart: &Apart, taken: &Taken) -> Vec<String> {
    let named =
        |rule: usize| apart.routes.get(rule).map_or_else(|| "no route".to_owned(), |route| words(apart, route.index));
    let open: Vec<_> = taken.parts.iter().filter_map(|part| Some((part, part.witness.as_ref().err()?))).collect();
    let of_parts = open.first().map(|(part, why)| {
        let more = match open.len() - 1 {
            0 => String::new(),
            more => format!("; and {more} more of this kind"),
        };
        format!("whether a request gets to {} where {} ({why}){more}", named(part.rule), part.predicate)
    });
    let of_rules = taken.rules.iter().enumerate().filter_map(|(rule, class)| match &class.standing {
        Standing::Undecided { why, witness: Some(_) } => {
            Some(format!("which requests exactly get to {}: {why}", named(rule)))
        }
        Standing::Undecided { witness: None, .. }
        | Standing::Taken { .. }
        | Standing::Drawn { .. }
        | Standing::Shadowed { .. }
        | Standing::Never { .. } => None,
    });
    let too_many = taken.too_many.iter().map(|rule| {
        format!("which requests of {} policies tell apart: they are more than {MOST_PARTS} kinds", named(*rule))
    });
    of_parts.into_iter().chain(of_rules).chain(too_many).collect()
}

/// The row of routes that get no request, as earlier ones take all that meets their conditions.
fn shadowed(apart: &Apart, taken: &Taken) -> Option<Row> {
    let named = |place: &usize| apart.routes.get(*place).map(|route| words(apart, route.index));
    let idle: Vec<(usize, &Vec<usize>)> = taken
        .rules
        .iter()
        .zip(&apart.routes)
        .enumerate()
        .filter_map(|(place, (class, _))| match &class.standing {
            Standing::Shadowed { by } => Some((place, by)),
            Standing::Taken { .. } | Standing::Drawn { .. } | Standing::Never { .. } | Standing::Undecided { .. } => {
                None
            }
        })
        .collect();
    let one = |(place, by): &(usize, &Vec<usize>)| {
        let by = by.iter().filter_map(named).take(NAMED).collect::<Vec<_>>().join(", ");
        Some(format!("{} gets no request: {by} takes all of it", named(place)?))
    };
    let mut notes: Vec<String> = idle.iter().take(NAMED).filter_map(one).collect();
    let first = idle.first().and_then(|(place, _)| apart.table.route_node(apart.routes.get(*place)?.index));
    if idle.len() > NAMED {
        notes.push(format!("{} more routes get none", idle.len() - NAMED));
    }
    let host = apart.table.node().text("name").unwrap_or_default();
    let row = Row::new(Stage::Route, Mark::Warned, &format!("virtual host {host}"), &notes.join("; "));
    first.map(|node| row.citing([node.get("match").unwrap_or(node).evidence()]))
}

/// A route's name, or its match.
fn words(apart: &Apart, index: usize) -> String {
    apart
        .table
        .route(index)
        .map_or_else(|_| format!("route {index}"), |route| super::http::describe(&route, Some(index)))
}
