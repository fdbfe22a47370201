//! Makes a disagreement small: fewer mutations, and less of what they set.

use serde_json::Value;

use super::mutant::{Change, Mutant};
use super::run::{self, Stand, Wrong};

/// So many Envoys at most.
const TRIES: usize = 40;

/// The smallest that was found, and how the two differ on it.
pub(crate) fn shrink(stand: &Stand<'_>, mutant: &Mutant, wrong: Wrong) -> (Mutant, Wrong) {
    let mut best = (mutant.clone(), wrong);
    let mut tries = 0;
    while let Some(better) = smaller(&best.0).into_iter().find_map(|small| {
        tries += 1;
        let found = (tries <= TRIES).then(|| run::alone(stand, &small, &best.1.request)).flatten();
        found.filter(|found| alike(found, &best.1)).map(|found| (small, found))
    }) {
        best = better;
    }
    best
}

fn alike(new: &Wrong, old: &Wrong) -> bool {
    let kind = |of: &str| of.split(' ').next().unwrap_or_default().to_owned();
    new.differences.iter().any(|new| old.differences.iter().any(|old| kind(&old.of) == kind(&new.of)))
}

/// Every mutant that is smaller by one step, the smallest first.
fn smaller(mutant: &Mutant) -> Vec<Mutant> {
    let mut all = Vec::new();
    for index in 0..mutant.mutations.len() {
        let mut without = mutant.clone();
        without.mutations.remove(index);
        all.push(without);
    }
    for (index, mutation) in mutant.mutations.iter().enumerate() {
        let Change::Set(value, others) = &mutation.change else { continue };
        for less in less(value) {
            let mut small = mutant.clone();
            small.mutations[index].change = Change::Set(less, others.clone());
            all.push(small);
        }
    }
    all
}

/// The value without one of its parts, wherever it stands.
fn less(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(fields) => {
            let mut all = Vec::new();
            for key in fields.keys().filter(|key| !matches!(key.as_str(), "@type" | "name" | "typed_config")) {
                let mut rest = fields.clone();
                rest.remove(key);
                all.push(Value::Object(rest));
            }
            for (key, inner) in fields {
                for small in less(inner) {
                    let mut rest = fields.clone();
                    rest.insert(key.clone(), small);
                    all.push(Value::Object(rest));
                }
            }
            all
        }
        Value::Array(items) => {
            let mut all = Vec::new();
            for index in 0..items.len() {
                let mut rest = items.clone();
                rest.remove(index);
                all.push(Value::Array(rest));
            }
            for (index, inner) in items.iter().enumerate() {
                for small in less(inner) {
                    let mut rest = items.clone();
                    rest[index] = small;
                    all.push(Value::Array(rest));
                }
            }
            all
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}
