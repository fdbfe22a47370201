//! The cluster that was chosen, how often, and the host in it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Difference;
use super::open::{self, is_open};
use crate::chance::Level;
use crate::observed::{Fate, Observed};

/// Every chosen cluster is foretold; so is its share.
pub(super) fn names_and_shares(observed: &[Observed], verdict: &Value, level: Level) -> Vec<Difference> {
    if let Some(listed) = open::alternatives(verdict) {
        let foretold = |name: &String| listed.contains(name);
        let stray = observed.iter().filter_map(|each| each.cluster.clone()).find(|name| !foretold(name));
        return stray.map(|name| Difference::new("cluster", name, format!("{listed:?}"))).into_iter().collect();
    }
    let choices = choices(verdict);
    let asked: Vec<&Observed> = observed.iter().filter(|each| each.cluster.is_some() || is_missing(each)).collect();
    let mut differences = Vec::new();
    let chosen: BTreeSet<Option<&str>> = asked.iter().map(|each| each.cluster.as_deref()).collect();
    for name in chosen {
        let foretold = choices.iter().any(|choice| match name {
            Some(name) => choice["name"] == name,
            None => is_said_to_be_missing(choice),
        });
        if !foretold {
            let names: Vec<_> = choices.iter().map(|choice| choice["name"].as_str().unwrap_or_default()).collect();
            let name = name.unwrap_or("one that is missing");
            differences.push(Difference::new("cluster", name, names.join(", ")));
        }
    }
    // Where a filter answered every request, no cluster was asked.
    if observed.len() > 1 && !asked.is_empty() {
        differences.extend(shares(observed, choices, level));
    }
    differences
}

/// A host that was chosen is an eligible one, and after many requests no eligible one was left out.
pub(super) fn hosts(observed: &[Observed], verdict: &Value, level: Level) -> Vec<Difference> {
    let mut differences = Vec::new();
    let names: BTreeSet<&str> = choices(verdict).iter().filter_map(|choice| choice["name"].as_str()).collect();
    for name in names {
        let chosen = observed.iter().filter(|each| each.cluster.as_deref() == Some(name));
        let seen: BTreeSet<&str> = chosen.clone().filter_map(|each| each.host.as_deref()).collect();
        // A cluster can be chosen twice, each time for other hosts.
        let eligible: BTreeSet<&str> = choices(verdict)
            .iter()
            .filter(|choice| choice["name"] == name)
            .flat_map(|choice| choice["endpoints"].as_array().into_iter().flatten())
            .filter(|endpoint| endpoint["eligible"] == true)
            .filter_map(|endpoint| endpoint["address"].as_str())
            .collect();
        if eligible.is_empty() && has_open_branch(verdict) {
            continue;
        }
        let sent = chosen.filter(|each| each.fate == Fate::Reached).count();
        let left_out = seen != eligible && !is_told_in_part(verdict) && !level.allows_left_out(sent, eligible.len());
        if !seen.is_subset(&eligible) || left_out {
            differences.push(Difference::new(format!("hosts of {name}"), format!("{seen:?}"), format!("{eligible:?}")));
        }
    }
    differences
}

/// Whether the program names the hosts of every way in which an assignment could count, of which the proxy has one.
fn is_told_in_part(verdict: &Value) -> bool {
    let lines = verdict["unchecked"].as_array().into_iter().flatten().filter_map(Value::as_str);
    lines.into_iter().any(|line| line.contains("weighted_priority_health"))
}

/// Whether the program leaves open what becomes of a share; it names no hosts for that.
fn has_open_branch(verdict: &Value) -> bool {
    verdict["branches"].as_array().into_iter().flatten().any(is_open)
}

/// Of all requests. The clusters by name, and of the missing ones together: the log has no name for these.
fn shares(observed: &[Observed], choices: &[Value], level: Level) -> Vec<Difference> {
    let share = |choice: &Value| choice["share"].as_f64().unwrap_or_default();
    let (missing, there): (Vec<_>, Vec<_>) =
        choices.iter().filter(|choice| !is_answered_before(choice)).partition(|choice| is_said_to_be_missing(choice));
    // Of those whose fate is left open, a filter may have answered any part.
    let (open, known): (Vec<&Value>, Vec<&Value>) = there.iter().partition(|choice| choice["outcome"] == "unknown");
    let sum = |of: &[&Value], name: &str| -> f64 {
        of.iter().filter(|choice| choice["name"] == name).map(|choice| share(choice)).sum()
    };
    let names: BTreeSet<&str> = there.iter().filter_map(|choice| choice["name"].as_str()).collect();
    let mut rows: Vec<(String, usize, f64, f64)> = names
        .into_iter()
        .map(|name| {
            let count = observed.iter().filter(|each| each.cluster.as_deref() == Some(name)).count();
            (name.to_owned(), count, sum(&known, name), sum(&open, name))
        })
        .collect();
    // One that is not there has no name in the log; where a filter answered its requests, not even the flag.
    let by_filter = |flag: &Value| ["UAEX", "RLSE"].iter().any(|own| flag == own);
    let is_denial = |c: &Value| c["response"]["flags"].as_array().is_some_and(|flags| flags.iter().all(by_filter));
    let denied = |name: &str| known.iter().filter(|c| c["name"] == name).all(|c| is_denial(c));
    let unnamed: f64 = rows.extract_if(.., |(name, count, ..)| *count == 0 && denied(name)).map(|(_, _, s, _)| s).sum();
    let count = observed.iter().filter(|each| each.cluster.is_none() && !is_missing(each)).count();
    rows.push(("unnamed ones".to_owned(), count, unnamed, 1.0 - unnamed));
    let count = observed.iter().filter(|each| is_missing(each)).count();
    rows.push(("missing ones".to_owned(), count, missing.into_iter().map(share).sum(), 0.0));
    rows.into_iter()
        .filter(|(_, count, share, open)| !level.allows(*count, observed.len(), *share..=share + open))
        .map(|(name, count, share, _)| {
            Difference::new(format!("share of {name}"), format!("{count} of {}", observed.len()), format!("{share}"))
        })
        .collect()
}

fn choices(verdict: &Value) -> &[Value] {
    verdict["decision"]["clusters"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// All its requests are aborted by a fault; these are taken for requests of no cluster.
fn is_answered_before(choice: &Value) -> bool {
    choice["response"]["details"] == "fault_filter_abort"
}

fn is_missing(observed: &Observed) -> bool {
    observed.reply.flags.contains("NC")
}

fn is_said_to_be_missing(choice: &Value) -> bool {
    choice["response"]["flags"].as_array().is_some_and(|flags| flags.iter().any(|flag| flag == "NC"))
}
