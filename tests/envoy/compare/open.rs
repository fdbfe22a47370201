//! Answers that rest on something open: what it may do is bounded by its powers, and what it lets pass unchanged goes a
//! way that was foretold.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Difference;
use crate::ask::Said;
use crate::observed::{Fate, Observed, Place};

/// Whether an answer rests on something open.
pub(super) fn is_conditional(verdict: &Value) -> bool {
    list(&verdict["conditions"]).next().is_some()
}

/// Whether a branch rests on something open, or is open itself.
pub(super) fn is_open(branch: &Value) -> bool {
    branch["outcome"] == "unknown" || list(&branch["guards"]).any(|guard| guard["kind"] == "provided")
}

/// What is sure whatever the open things do: nothing reaches B that is said to fail.
pub(super) fn sure(observed: &[Observed], verdict: &Value) -> Option<Difference> {
    let reached = observed.iter().filter(|each| each.fate == Fate::Reached).count();
    let fits = match verdict["outcome"].as_str() {
        Some("fails" | "answered") => reached == 0,
        Some("reaches") => reached == observed.len(),
        _ => true,
    };
    (!fits).then(|| {
        Difference::new("outcome", format!("{reached} of {} reach", observed.len()), verdict["outcome"].to_string())
    })
}

/// Requests that got through went one of the ways that are listed, unless something could change where they go.
pub(super) fn ways(observed: &[Observed], places: &BTreeMap<String, Place>, said: &Said) -> Option<Difference> {
    let verdict = &said.verdict;
    let changes = list(&verdict["conditions"])
        .flat_map(|condition| list(&condition["power"]))
        .any(|power| power == "rewrite" || power == "answer");
    if changes {
        return None;
    }
    let branches: Vec<&Value> = list(&verdict["branches"]).collect();
    let mut through = observed.iter().filter(|each| each.fate == Fate::Reached);
    let stray = through.find(|each| !branches.iter().any(|branch| goes(each, places, branch)))?;
    let seen = format!("{:?} {:?} {:?}", stray.route, stray.cluster, stray.host);
    Some(Difference::new("branches", seen, verdict["branches"].to_string()))
}

/// Where it is open which of several things it is, the clusters of all: their shares are not foretold.
pub(super) fn alternatives(verdict: &Value) -> Option<BTreeSet<String>> {
    let branches = || list(&verdict["branches"]);
    branches().flat_map(|branch| list(&branch["guards"])).find(|guard| !guard["alternative"].is_null())?;
    let clusters = branches().flat_map(|branch| list(&branch["decision"]["clusters"]));
    Some(clusters.filter_map(|choice| choice["name"].as_str()).map(str::to_owned).collect())
}

/// The branches without their rows.
pub(super) fn ends(verdict: &Value) -> Value {
    // What is found may rest on counters, which go on.
    let fields = ["guards", "share", "outcome", "response", "decision"];
    let end = |branch: &Value| fields.iter().map(|field| branch[*field].clone()).collect::<Value>();
    list(&verdict["branches"]).map(end).collect()
}

/// Whether it is said that something of this is open, and changes nothing.
pub(super) fn says(said: &Said, what: &str) -> bool {
    list(&said.verdict["unchecked"]).any(|line| line.as_str().is_some_and(|line| line.contains(what)))
}

/// Whether a request that got through went this way.
fn goes(each: &Observed, places: &BTreeMap<String, Place>, branch: &Value) -> bool {
    let decision = &branch["decision"];
    let open = |name: &str, seen: Value| decision[name].is_null() || decision[name] == seen;
    let place = each.route.as_ref().map(|route| places[route].clone());
    let cluster = list(&decision["clusters"]).find(|choice| choice["name"].as_str() == each.cluster.as_deref());
    let is_host = |choice: &Value| {
        let mut hosts = list(&choice["endpoints"]).peekable();
        hosts.peek().is_none()
            || hosts.any(|host| host["eligible"] == true && host["address"].as_str() == each.host.as_deref())
    };
    let ends = branch["outcome"] == "unknown" || (branch["outcome"] == "reaches" && cluster.is_some_and(is_host));
    ends && open("listener", Value::from(each.listener.clone()))
        && open("filter_chain", Value::from(each.filter_chain.clone()))
        && open("route_config", Value::from(each.route_config.clone()))
        && open("virtual_host", Value::from(place.map(|place| place.virtual_host)))
        && open("route", Value::from(each.route.clone()))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
