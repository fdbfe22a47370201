//! Holds what the program said against what Envoy did. Envoy is right.
//!
//! Nothing is compared that Envoy's log does not show: a virtual host is known by its route, a missing cluster
//! has no name there. What an answer rests on and is open is held to its powers ([`open`]).

mod clusters;
mod open;
mod reply;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::ask::Said;
use crate::chance::Level;
use crate::observed::{Fate, Observed, Place};

/// One thing on which the two differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) of: String,
    pub(crate) envoy: String,
    pub(crate) said: String,
}

impl Difference {
    fn new(of: impl Into<String>, envoy: impl Into<String>, said: impl Into<String>) -> Self {
        Self { of: of.into(), envoy: envoy.into(), said: said.into() }
    }
}

/// Whether the program did not commit itself.
pub(crate) fn is_unknown(said: &Said) -> bool {
    said.verdict["outcome"] == "unknown"
}

/// All differences between the requests that were sent and the verdict on them.
pub(crate) fn compare(
    observed: &[Observed],
    places: &BTreeMap<String, Place>,
    said: &Said,
    level: Level,
) -> Vec<Difference> {
    if said.verdict.is_null() {
        return vec![Difference::new("answer", "", &said.complaint)];
    }
    let observed = &with_faults(observed, said)[..];
    let mut differences = Vec::new();
    differences.extend(exit_code(said));
    if is_unknown(said) {
        differences.extend(named_gap(said));
        differences.extend(open::ways(observed, places, said));
    } else if said.verdict["outcome"] != "partial" && open::is_conditional(&said.verdict) {
        differences.extend(open::sure(observed, &said.verdict));
    } else {
        differences.extend(way(observed, places, said));
        let verdict = &said.verdict;
        differences.extend(outcome(observed, verdict, level));
        differences.extend(reply::compare(observed, verdict, level));
        differences.extend(reply::location(observed, verdict));
        differences.extend(reply::branches(observed, verdict, level));
        differences.extend(reply::summary(observed, verdict, level));
        differences.extend(clusters::names_and_shares(observed, verdict, level));
        differences.extend(clusters::hosts(observed, verdict, level));
    }
    differences
}

/// A gRPC status that the fault filter injects is a failure, whatever the request speaks. To a plain request Envoy
/// answers 200 and tells nobody which status it was, so that the program is taken at its word for how many of these were
/// failures.
fn with_faults(observed: &[Observed], said: &Said) -> Vec<Observed> {
    let is_one = |each: &Observed| {
        each.fate == Fate::Answered && each.reply.status == 200 && each.reply.details == "fault_filter_abort"
    };
    let share = |outcome: &str| -> f64 {
        let branches = said.verdict["branches"].as_array().into_iter().flatten();
        let own = branches.filter(|branch| {
            let response = &branch["response"];
            branch["outcome"] == outcome
                && response["status"] == 200
                && response["grpc_status"].is_null()
                && response["details"] == "fault_filter_abort"
        });
        own.map(|branch| branch["share"].as_f64().unwrap_or_default()).sum()
    };
    let (failed, answered) = (share("fails"), share("answered"));
    #[expect(clippy::cast_precision_loss, reason = "a number of requests")]
    let count = observed.iter().filter(|each| is_one(each)).count() as f64;
    let mut left = if failed > 0.0 { (count * failed / (failed + answered)).round() } else { 0.0 };
    let seen = observed.iter().cloned().map(|each| {
        if !is_one(&each) || left < 1.0 {
            return each;
        }
        left -= 1.0;
        Observed { fate: Fate::Failed, ..each }
    });
    seen.collect()
}

/// What the program says, of the snapshot or of the running endpoint, must be what was said in this process.
pub(crate) fn another(said: &Said, other: &Said) -> Vec<Difference> {
    if other.verdict.is_null() {
        return vec![Difference::new("another answer", "", &other.complaint)];
    }
    let shown = |said: &Said, key: &str| match key {
        // What its rows cite counts what went on meanwhile.
        "branches" => open::ends(&said.verdict),
        key => said.verdict[key].clone(),
    };
    let differ = |key: &&str| shown(said, key) != shown(other, key);
    let show = |key| {
        let (here, other) = (shown(said, key), shown(other, key));
        Difference::new(format!("another {key}"), format!("(here) {here}"), other.to_string())
    };
    let keys = ["outcome", "response", "decision", "branches"];
    keys.into_iter().filter(differ).map(show).chain(exit_code(other)).collect()
}

/// What the program ends with after this outcome.
pub(crate) fn exit_code_of(outcome: &str) -> Option<i32> {
    match outcome {
        "reaches" => Some(0),
        "answered" | "fails" | "partial" => Some(1),
        "unknown" => Some(3),
        _ => None,
    }
}

fn exit_code(said: &Said) -> Option<Difference> {
    let Some(expected) = exit_code_of(said.verdict["outcome"].as_str().unwrap_or_default()) else {
        return Some(Difference::new("outcome", "", said.verdict["outcome"].to_string()));
    };
    (said.exit_code != Some(expected))
        .then(|| Difference::new("exit code", format!("{expected} by the outcome"), format!("{:?}", said.exit_code)))
}

/// What is not known has a name.
fn named_gap(said: &Said) -> Option<Difference> {
    let conditions = &said.verdict["conditions"];
    let named = conditions.as_array().is_some_and(|all| !all.is_empty());
    (!named).then(|| Difference::new("conditions", "(something must be named)", conditions.to_string()))
}

/// The listener, the chain and the route.
fn way(observed: &[Observed], places: &BTreeMap<String, Place>, said: &Said) -> Vec<Difference> {
    let place = |each: &Observed| each.route.as_ref().map(|route| places[route].clone());
    let known = |each: &Observed| each.route.is_some();
    let always = |_: &Observed| true;
    let text = |value: &str| Value::from(value);
    let listener = |each: &Observed| text(&each.listener);
    let chain = |each: &Observed| Value::from(each.filter_chain.clone());
    let routes = |each: &Observed| Value::from(each.route_config.clone());
    let host = |each: &Observed| Value::from(place(each).map(|place| place.virtual_host));
    let route = |each: &Observed| Value::from(each.route.clone());
    let index = |each: &Observed| Value::from(place(each).map(|place| place.index));
    [
        field("listener", observed, said, always, listener),
        field("filter_chain", observed, said, always, chain),
        field("route_config", observed, said, always, routes),
        field("virtual_host", observed, said, known, host),
        field("route", observed, said, always, route),
        field("route_index", observed, said, always, index),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// One field of the decision. Where chance chose among several, it must be one of them.
fn field(
    name: &'static str,
    observed: &[Observed],
    said: &Said,
    shown: impl Fn(&Observed) -> bool,
    value: impl Fn(&Observed) -> Value,
) -> Option<Difference> {
    let seen: Vec<Value> = observed.iter().filter(|each| shown(each)).map(value).collect();
    let decision = &said.verdict["decision"][name];
    // Chains that end alike may have different names; that it is open which of them it is, is said.
    let open = name == "filter_chain" && decision.is_null() && open::says(said, "filter chains of");
    if seen.is_empty() || open || seen.contains(decision) {
        return None;
    }
    let seen: BTreeSet<String> = seen.iter().map(Value::to_string).collect();
    let seen: Vec<String> = seen.into_iter().collect();
    Some(Difference::new(name, seen.join(" or "), decision.to_string()))
}

/// What was seen makes the outcome, but for a foretold share so small that no draw had to hit it.
fn outcome(observed: &[Observed], verdict: &Value, level: Level) -> Option<Difference> {
    let mut fates: BTreeSet<Fate> = observed.iter().map(|each| each.fate).collect();
    for (fate, share) in reply::shares(verdict) {
        if verdict["outcome"] == "partial" && !fates.contains(&fate) && level.allows_unseen(observed.len(), share) {
            fates.insert(fate);
        }
    }
    let expected = match fates.into_iter().collect::<Vec<_>>().as_slice() {
        [Fate::Reached] => "reaches",
        [Fate::Answered] => "answered",
        [Fate::Failed] => "fails",
        _ => "partial",
    };
    (verdict["outcome"] != expected)
        .then(|| Difference::new("outcome", expected, verdict["outcome"].as_str().unwrap_or_default()))
}
