//! Makes a disagreement small: drops whatever it goes on without.

use std::panic::{AssertUnwindSafe, catch_unwind};

use regex::Regex;
use serde_json::{Value, json};

use crate::backend::Backends;
use crate::batch::{self, Outcome, Stand};
use crate::compare::Difference;
use crate::config::ACCEPTING;
use crate::generate::Unit;

/// So many smaller cases share one Envoy.
const AT_ONCE: usize = 24;
/// So many Envoys at most.
const ROUNDS: usize = 30;

/// What nothing works without.
const KEPT: &[&str] = &[
    "listeners",
    "requests",
    "name",
    "address",
    "to",
    "@type",
    "typed_config",
    "match",
    "endpoints",
    "clusters",
    "at",
];

/// A step on the way to a value within a value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// The smallest case that was found, and how the two differ on it.
pub(crate) fn shrink(
    stand: &Stand<'_>,
    backends: &mut Backends,
    unit: &Unit,
    request: &Value,
    differences: &[Difference],
) -> (Value, Vec<Difference>) {
    let mut smallest = batch::case_of(unit, request);
    let mut differs = differences.to_vec();
    let mut tried = 0;
    for _ in 0..ROUNDS {
        let removals = removals(&smallest);
        let Some(chunk) = removals.chunks(AT_ONCE - 1).nth(tried) else { break };
        let candidates: Vec<Value> = chunk.iter().map(|path| without(&smallest, std::slice::from_ref(path))).collect();
        let results = examine(stand, backends, unit, &candidates);
        let good: Vec<usize> = (0..chunk.len())
            .filter(|index| results[*index].as_deref().is_some_and(|new| alike(new, differences)))
            .collect();
        let Some(first) = good.first() else {
            tried += 1;
            continue;
        };
        tried = 0;
        let together: Vec<Vec<Step>> = good.iter().map(|index| chunk[*index].clone()).collect();
        let all = without(&smallest, &together);
        let of_all = examine(stand, backends, unit, std::slice::from_ref(&all)).pop().flatten();
        if let Some(new) = of_all.filter(|new| alike(new, differences)) {
            (smallest, differs) = (all, new);
        } else {
            smallest = candidates[*first].clone();
            differs = results[*first].clone().unwrap_or_default();
        }
    }
    (presentable(&smallest, &unit.name), differs)
}

/// They differ on something that they differed on before.
fn alike(new: &[Difference], old: &[Difference]) -> bool {
    let kind = |difference: &Difference| difference.of.split(' ').next().unwrap_or_default().to_owned();
    new.iter().any(|new| old.iter().any(|old| kind(old) == kind(new)))
}

/// How the two differ on each; `None` where Envoy does not take it.
fn examine(stand: &Stand<'_>, backends: &mut Backends, unit: &Unit, cases: &[Value]) -> Vec<Option<Vec<Difference>>> {
    let mut units = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let Value::Object(mut short) = renamed(case, &unit.name, &format!("u{number}"), number) else { continue };
        let requests = match short.remove("requests") {
            Some(Value::Array(requests)) => requests,
            _ => Vec::new(),
        };
        units.push(Unit { name: format!("u{number}"), short, requests, ..unit.clone() });
    }
    let mut results = vec![None; cases.len()];
    // A configuration that is too small may not even be one.
    let ran = catch_unwind(AssertUnwindSafe(|| batch::run(stand, backends, &units)));
    match ran {
        // What no listener of its own takes is another case.
        Ok(Ok(done)) => {
            let own = |one: &Outcome| one.observed.iter().all(|seen| seen.listener != ACCEPTING);
            done.outcomes.into_iter().filter(own).for_each(|one| results[one.unit] = Some(one.differences));
        }
        Ok(Err(_)) | Err(_) if cases.len() > 1 => {
            for (result, case) in results.iter_mut().zip(cases) {
                *result = examine(stand, backends, unit, std::slice::from_ref(case)).pop().flatten();
            }
        }
        Ok(Err(_)) | Err(_) => {}
    }
    results
}

/// With other names and addresses, so that it does not touch the others.
fn renamed(case: &Value, from: &str, to: &str, number: usize) -> Value {
    let old = from.trim_start_matches('u');
    let names = Regex::new(&format!(r"\b{from}\b")).expect("a pattern");
    let addresses = Regex::new(&format!(r"127\.(\d)\.{old}\.")).expect("a pattern");
    let ports = Regex::new(&format!(r"\b20{old:0>3}\b")).expect("a pattern");
    let text = case.to_string();
    let text = ports.replace_all(&text, format!("20{number:0>3}"));
    let text = names.replace_all(&text, to);
    let text = addresses.replace_all(&text, format!("127.$1.{number}."));
    serde_json::from_str(&text).expect("the same JSON")
}

/// As a case file has it: without what nobody names any more.
fn presentable(case: &Value, name: &str) -> Value {
    let mut case = renamed(case, name, "web", 0);
    for section in ["clusters", "route_configs"] {
        // A cluster may be named by another one.
        let keys: Vec<String> =
            case.get(section).and_then(Value::as_object).into_iter().flatten().map(|(k, _)| k.clone()).collect();
        for key in keys {
            let rest = without(&case, &[vec![Step::Key(section.to_owned()), Step::Key(key.clone())]]);
            if !rest.to_string().contains(&key) {
                case = rest;
            }
        }
    }
    if case.get("clusters").is_none() {
        case["clusters"] = json!({});
    }
    case
}

/// Every part that may go, the largest first.
fn removals(case: &Value) -> Vec<Vec<Step>> {
    let mut found = Vec::new();
    collect(case, &mut Vec::new(), &mut found);
    found.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    found.into_iter().map(|(_, path)| path).collect()
}

fn collect(value: &Value, at: &mut Vec<Step>, found: &mut Vec<(usize, Vec<Step>)>) {
    let within: Vec<(Step, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (Step::Key(key.clone()), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, value)| (Step::Index(index), value)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
    };
    for (step, value) in within {
        let kept = match &step {
            Step::Key(key) => KEPT.contains(&key.as_str()),
            Step::Index(_) => at.len() == 1 && value.get("to").is_some(),
        };
        // Clusters are shared between the cases of a round.
        let shared = matches!(at.as_slice(), [Step::Key(section)] if section == "clusters");
        at.push(step);
        if !kept && !shared {
            found.push((value.to_string().len(), at.clone()));
        }
        if !(shared && value.is_array()) {
            collect(value, at, found);
        }
        at.pop();
    }
}

/// Without these parts.
fn without(case: &Value, paths: &[Vec<Step>]) -> Value {
    let mut case = case.clone();
    let mut paths = paths.to_vec();
    // From the back, so that the places of the others stay.
    paths.sort_by_key(|path| std::cmp::Reverse(path.iter().map(order).collect::<Vec<_>>()));
    for path in &paths {
        let Some((last, way)) = path.split_last() else { continue };
        let parent = way.iter().try_fold(&mut case, |value, step| match step {
            Step::Key(key) => value.get_mut(key),
            Step::Index(index) => value.get_mut(*index),
        });
        match (parent, last) {
            (Some(Value::Object(fields)), Step::Key(key)) => drop(fields.remove(key)),
            (Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => drop(items.remove(*index)),
            _ => {}
        }
    }
    case
}

fn order(step: &Step) -> (String, usize) {
    match step {
        Step::Key(key) => (key.clone(), 0),
        Step::Index(index) => (String::new(), *index),
    }
}
