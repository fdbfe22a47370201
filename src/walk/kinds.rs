//! The driver on open questions: every kind of request that the proxies on the way tell apart is asked about.
//!
//! A kind is what one route takes, and what each filter's policies say the same of (`envoy::classes`). One request of
//! each kind is walked as if it had been asked about alone, so that its answer is as exact as any. Of kinds that the
//! proxies treat alike one is walked. B's proxies are known once requests got there; then the kinds are taken apart
//! once more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::envoy::classes::{self, Atom, Class, Request, Rule, Sign, Standing, Takes};
use crate::snapshot::RouteWay;
use crate::verdict::{Mark, Side, Stage};

use super::way::apart::{Apart, List};
use super::way::asked_for::{AskedFor, Kind, Partition, Weight};
use super::way::course::Told;
use super::way::followed::Followed;
use super::way::guard::{Condition, Guard};
use super::way::log::{Fact, Row};
use super::way::question::{Asks, Question};
use super::way::stop::{RequestKind, Stop};
use super::way::walker::Walker;

/// The most clusters of a host, or other things that its routes do, of which requests are followed: each may have to be
/// read.
const MOST_CLUSTERS: usize = 64;
/// The most ways that requests are followed.
const MOST_WAYS: usize = 512;
/// The most kinds that routes and policies together may come to.
const MOST_RULES: usize = 20_000;
/// The most routes that get no request and are named.
const NAMED: usize = 3;

/// What becomes of every kind of request, where those that are left open do not all go the way that `plain` tells of.
/// `follow` follows one.
pub(super) fn every(walker: &Walker, plain: Followed, follow: Follow) -> Followed {
    let aparts = met(&plain, Side::Source);
    let Some((first, others)) = aparts.split_first() else { return plain };
    let others: Vec<List> = others.iter().filter_map(|apart| as_list(apart)).collect();
    let telling = Telling { walker, follow, apart: first, others };
    // Where all is one way, B's proxies are those that the plain request met.
    let mut parted = telling.parted(&|_| Vec::new());
    let mut followed = telling.follow(&parted, Asks::Class, &plain);
    let beyond = telling.beyond(&parted, &followed);
    if !beyond.is_empty() {
        parted = telling.parted(&|way| beyond.get(way).cloned().unwrap_or_default());
        followed = telling.follow(&parted, Asks::One, &plain);
    }
    telling.joined(&parted, followed, plain)
}

/// What tells requests apart on one side, each once.
fn met(followed: &Followed, side: Side) -> Vec<Arc<Apart>> {
    let of_side = |entry: &super::way::log::Entry| match &entry.fact {
        Fact::Apart(apart) if entry.side == side => Some(Arc::clone(apart)),
        _ => None,
    };
    let mut known = BTreeSet::new();
    let mut all = followed.told.all_met(&of_side);
    all.extend(followed.alike.iter().flat_map(|told| told.all_met(&of_side)));
    all.retain(|apart| known.insert(apart.at.clone()));
    all
}

/// All that a manager tells apart, as one list.
fn as_list(apart: &Apart) -> Option<List> {
    let mut products = Products::default();
    for (place, route) in apart.routes.iter().enumerate() {
        products.add(Some(place), &route.rule.conditions, apart.of_all.iter().chain(&*route.lists));
    }
    products.add(None, &[], apart.of_all.iter().chain(&*apart.of_rest));
    if products.is_full {
        return None;
    }
    let mut choices: BTreeMap<&Label, usize> = BTreeMap::new();
    let number = |(rule, label)| {
        let next = choices.len() + 1;
        super::way::apart::Entry::sure(conditions_of(rule), *choices.entry(label).or_insert(next))
    };
    let entries: Vec<_> = products.rules.iter().zip(&products.labels).map(number).collect();
    (entries.len() > 1).then_some(List { entries })
}

fn conditions_of(rule: &Rule) -> Vec<(Atom, Sign)> {
    rule.conditions.clone()
}

/// The route, by its place among those that take requests for sure, and the choice in each list.
type Label = (Option<usize>, Vec<usize>);

/// Rules that are the product of routes and lists: a request's first rule tells its route and its entry in each list.
#[derive(Default)]
struct Products {
    rules: Vec<Rule>,
    labels: Vec<Label>,
    is_full: bool,
}

impl Products {
    /// One route's, which come after those of the routes before it.
    fn add<'l>(&mut self, route: Option<usize>, own: &[(Atom, Sign)], lists: impl Iterator<Item = &'l List>) {
        let lists: Vec<&List> = lists.collect();
        self.product(route, own.to_vec(), (&lists, Vec::new()));
    }

    fn product(
        &mut self,
        route: Option<usize>,
        conditions: Vec<(Atom, Sign)>,
        (lists, choices): (&[&List], Vec<usize>),
    ) {
        if self.rules.len() >= MOST_RULES {
            self.is_full = true;
            return;
        }
        let Some((list, rest)) = lists.split_first() else {
            self.rules.push(Rule { conditions, takes: Takes::All });
            self.labels.push((route, choices));
            return;
        };
        for entry in &list.entries {
            let more = entry.conditions.iter().filter(|condition| !conditions.contains(condition));
            let all = conditions.iter().chain(more).cloned().collect();
            self.product(route, all, (rest, [choices.as_slice(), &[entry.choice]].concat()));
        }
        self.product(route, conditions, (rest, [choices.as_slice(), &[0]].concat()));
    }
}

/// What requests of one way have in common: what the route does, `None` for no route, and each list's choice.
type Key = (Option<RouteWay>, Vec<usize>);

/// The kinds of requests, by the way that they go.
#[derive(Default)]
struct Parted {
    ways: Vec<(Key, Vec<Kind>)>,
    rules: Vec<Rule>,
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
        let mut products = Products::default();
        let of_all = || apart.of_all.iter().chain(&self.others);
        for (place, route) in apart.routes.iter().enumerate() {
            let beyond = beyond(&route.way);
            products.add(Some(place), &route.rule.conditions, of_all().chain(&*route.lists).chain(&beyond));
        }
        products.add(None, &[], of_all().chain(&*apart.of_rest));
        let mut undecided = Vec::new();
        if products.is_full {
            products = Products::default();
            for (place, route) in apart.routes.iter().enumerate() {
                products.add(Some(place), &route.rule.conditions, std::iter::empty());
            }
            products.add(None, &[], std::iter::empty());
            undecided.push(format!("policies of filters, which tell more than {MOST_RULES} kinds of requests apart"));
        }
        let found = classes::classes(&products.rules, &apart.frame);
        let mut parted = Parted { undecided, ..Parted::default() };
        parted.gather(apart, &products.labels, found.routes);
        parted.rules = products.rules;
        parted
    }

    /// Follows one request of each way.
    fn follow(&self, parted: &Parted, asks: Asks, plain: &Followed) -> Vec<Option<Followed>> {
        // What goes one way is known already.
        if parted.ways.len() == 1 && asks == Asks::Class {
            return vec![Some(plain.clone())];
        }
        let mut clusters: BTreeSet<&RouteWay> = BTreeSet::new();
        let mut all = Vec::with_capacity(parted.ways.len());
        for ((way, _), kinds) in &parted.ways {
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
        let walker = Walker::new(self.walker.snapshot, &question, self.walker.origin);
        let followed = (self.follow)(&walker);
        self.walker.absorb(walker);
        followed
    }

    /// What B's proxies tell apart, by what the route did.
    fn beyond(&self, parted: &Parted, followed: &[Option<Followed>]) -> BTreeMap<RouteWay, Vec<List>> {
        let mut beyond: BTreeMap<RouteWay, Vec<List>> = BTreeMap::new();
        for (((way, _), _), followed) in parted.ways.iter().zip(followed) {
            let (Some(way), Some(followed)) = (way, followed) else { continue };
            for list in met(followed, Side::Destination).iter().filter_map(|apart| as_list(apart)) {
                let lists = beyond.entry(way.clone()).or_default();
                if !lists.contains(&list) {
                    lists.push(list);
                }
            }
        }
        beyond
    }

    /// All ways as one answer.
    fn joined(&self, parted: &Parted, followed: Vec<Option<Followed>>, plain: Followed) -> Followed {
        parted.undecided.iter().for_each(|line| self.walker.unchecked(line.clone()));
        let with_shadowed = |told: Told<()>| parted.shadowed.iter().cloned().fold(told, Told::row);
        if parted.ways.len() < 2 {
            return Followed { told: with_shadowed(plain.told), ..plain };
        }
        let partition = Arc::new(Partition { rules: parted.rules.clone(), frame: self.apart.frame.clone() });
        let is_aside = |((way, _), kinds): &(Key, Vec<Kind>), followed: &Option<Followed>| {
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

impl Parted {
    /// Puts the classes together that go one way.
    fn gather(&mut self, apart: &Apart, labels: &[Label], classes: Vec<Class>) {
        let mut ways: Vec<(usize, Key, Vec<Kind>)> = Vec::new();
        let mut places: BTreeMap<Key, usize> = BTreeMap::new();
        // Of each route, whether any request gets there, and the rules that take all of it.
        let mut takers: BTreeMap<usize, (bool, BTreeSet<usize>)> = BTreeMap::new();
        for (rule, (class, (route, choices))) in classes.into_iter().zip(labels).enumerate() {
            if let Some(place) = route {
                let (is_taking, by) = takers.entry(*place).or_default();
                *is_taking |= class.standing.is_taking();
                if let Standing::Shadowed { by: rules } = &class.standing {
                    by.extend(rules.iter().filter_map(|rule| labels.get(*rule)?.0).filter(|by| by < place));
                }
            }
            let of = route.and_then(|place| apart.routes.get(place));
            if let Standing::Undecided { why, witness } = &class.standing {
                let named = of.map_or_else(|| "no route".to_owned(), |route| words(apart, route.index));
                let how = if witness.is_some() { "which requests exactly get to" } else { "whether a request gets to" };
                self.undecided.push(format!("{how} {named}: {why}"));
            }
            let Some(witness) = class.standing.witness().cloned() else { continue };
            let is_plain = |choice: &usize| *choice == 0;
            let predicate = match of {
                None if choices.iter().all(is_plain) => "what no route takes".to_owned(),
                Some(_) | None => class.predicate,
            };
            let place =
                if of.is_none() && choices.iter().all(is_plain) { format!("for {predicate}") } else { class.place };
            let kind = Kind { predicate, place, witness, rule };
            let key = (of.map(|route| route.way.clone()), choices.clone());
            let at = *places.entry(key.clone()).or_insert(ways.len());
            match ways.get_mut(at) {
                Some((_, _, kinds)) => kinds.push(kind),
                None => ways.push((route.unwrap_or(usize::MAX), key, vec![kind])),
            }
        }
        // Of each way the plainest request is followed, and of one route's ways the plainest is told first.
        ways.iter_mut().for_each(|(.., kinds)| kinds.sort_by_key(|kind| oddness(&kind.witness)));
        ways.sort_by_key(|(route, _, kinds)| (*route, kinds.first().map(|kind| oddness(&kind.witness))));
        self.ways = ways.into_iter().map(|(_, key, kinds)| (key, kinds)).collect();
        self.shadowed = shadowed(apart, takers);
    }
}

/// The row of routes that get no request, as earlier ones take all that meets their conditions.
fn shadowed(apart: &Apart, takers: BTreeMap<usize, (bool, BTreeSet<usize>)>) -> Option<Row> {
    let idle: Vec<(usize, BTreeSet<usize>)> = takers
        .into_iter()
        .filter(|(_, (is_taking, by))| !is_taking && !by.is_empty())
        .map(|(place, (_, by))| (place, by))
        .collect();
    let index = |place: &usize| apart.routes.get(*place).map(|route| route.index);
    let one = |(place, by): &(usize, BTreeSet<usize>)| {
        let by =
            by.iter().filter_map(index).map(|index| words(apart, index)).take(NAMED).collect::<Vec<_>>().join(", ");
        Some(format!("{} gets no request: {by} takes all of it", words(apart, index(place)?)))
    };
    let mut notes: Vec<String> = idle.iter().take(NAMED).filter_map(one).collect();
    let first = idle.first().and_then(|(place, _)| apart.table.route_node(index(place)?));
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
