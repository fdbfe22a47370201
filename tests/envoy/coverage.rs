//! Which fields were set where a real Envoy was asked, and the two lists of those that were not.
//!
//! `coverage.txt` lists fields of `proto/`, `unset.txt` those of Envoy's own API, each with its reason. A field that is
//! neither met nor listed fails the test, and so does a listed one that is met after all.

mod concerned;
mod list;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mesh_why::envoy::fields::MESSAGES;
use serde_json::Value;

use crate::api::{Api, Holds};

pub(crate) use list::List;

/// Fields that were met, each after its message's name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Met {
    fields: BTreeSet<String>,
}

impl Met {
    /// Looks through the snapshots that a case left.
    pub(crate) fn look_into(&mut self, api: &Api, directory: &Path) {
        for folder in fs::read_dir(directory).expect("what the case left") {
            for body in ["config_dump.json", "clusters.json"] {
                if let Ok(bytes) = fs::read(folder.as_ref().expect("an entry").path().join("source").join(body)) {
                    self.look(api, &serde_json::from_slice(&bytes).expect("an admin body"), &|_| true);
                }
            }
        }
    }

    /// Looks through an admin body, but for the resources whose names do not count.
    pub(crate) fn look(&mut self, api: &Api, value: &Value, counts: &dyn Fn(&str) -> bool) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.look(api, item, counts)),
            Value::Object(object) => {
                let url = value["@type"].as_str().unwrap_or_default();
                let message = url.rsplit('/').next().unwrap_or_default();
                let name = value["name"].as_str().or(value["cluster_name"].as_str());
                // A dump is no resource, but what has them.
                if !message.starts_with("envoy.admin.") && api.message(message).is_some() {
                    if name.is_none_or(counts) {
                        self.take(api, value, message);
                    }
                    return;
                }
                for host in value["host_statuses"].as_array().into_iter().flatten() {
                    if name.is_none_or(counts) {
                        self.take(api, host, "envoy.admin.v3.HostStatus");
                    }
                }
                object.values().for_each(|inner| self.look(api, inner, counts));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// What others met.
    pub(crate) fn add(&mut self, other: &Self) {
        self.fields.extend(other.fields.iter().cloned());
    }

    fn take(&mut self, api: &Api, value: &Value, message: &str) {
        for field in api.message(message).into_iter().flat_map(|message| &message.fields) {
            let inner = &value[&field.name];
            if is_set(inner, &field.holds) {
                self.fields.insert(format!("{message}.{}", field.name));
                self.go_down(api, inner, &field.holds);
            }
        }
    }

    fn go_down(&mut self, api: &Api, value: &Value, holds: &Holds) {
        match (holds, value) {
            (Holds::Message(_), Value::Array(items)) => items.iter().for_each(|item| self.go_down(api, item, holds)),
            (Holds::Message(message), any) if message == "google.protobuf.Any" => self.look(api, any, &|_| true),
            (Holds::Message(message), inner) => self.take(api, inner, message),
            (Holds::Map(message), Value::Object(entries)) => {
                let holds = Holds::Message(message.clone());
                entries.values().for_each(|inner| self.go_down(api, inner, &holds));
            }
            (Holds::Value | Holds::Map(_), _) => {}
        }
    }
}

/// What was met, against one of the lists.
#[derive(Debug)]
pub(crate) struct Coverage {
    /// Fields that could be.
    pub(crate) all: usize,
    /// Met in generated configurations.
    pub(crate) generated: usize,
    /// Met in cases written by hand alone.
    pub(crate) by_hand: Vec<String>,
    /// Not met, and listed.
    pub(crate) listed: usize,
    pub(crate) complaints: Vec<String>,
}

/// The list of the fields of `proto/`.
pub(crate) fn of_protos() -> List {
    List::read("tests/envoy/coverage.txt", "proto/", fields_of_protos())
}

/// The list of the fields of Envoy's API.
pub(crate) fn of_api(api: &Api) -> List {
    let mut list = List::read("tests/envoy/unset.txt", "what of Envoy's API concerns us", concerned::fields(api));
    list.hold_deprecated(&concerned::deprecated(api));
    list
}

/// How many fields `proto/` has, and which were not met.
pub(crate) fn not_met(met: &Met) -> (usize, Vec<String>) {
    let all = fields_of_protos();
    (all.len(), all.difference(&met.fields).cloned().collect())
}

/// Holds a list to what was met. What a run like this one meets every time is `surely` met: the list has none of it.
pub(crate) fn judge(list: &List, by_hand: &Met, generated: &Met, surely: &Met) -> Coverage {
    let List { all, listed, .. } = list;
    let (by_hand, generated) = (&by_hand.fields & all, &generated.fields & all);
    let met = &by_hand | &generated;
    let mut complaints = list.mistakes.clone();
    let unset = all.iter().filter(|field| !met.contains(*field) && !listed.contains(*field));
    complaints.extend(unset.map(|field| list.unset(field)));
    complaints.extend(listed.intersection(&surely.fields).map(|field| list.set(field)));
    let alone = by_hand.difference(&generated).cloned().collect();
    Coverage { all: all.len(), generated: generated.len(), by_hand: alone, listed: listed.len(), complaints }
}

/// The fields of `proto/`, each after its message's name.
fn fields_of_protos() -> BTreeSet<String> {
    let named = MESSAGES.iter().flat_map(|(message, all)| all.iter().map(move |(name, _)| format!("{message}.{name}")));
    named.collect()
}

/// A message is there even when it is empty: `{}`, and a wrapper's `false` or `0`.
fn is_set(value: &Value, holds: &Holds) -> bool {
    match (value, holds) {
        (Value::Null, _) => false,
        (Value::Array(items), _) => !items.is_empty(),
        (Value::Object(entries), Holds::Map(_)) => !entries.is_empty(),
        (_, Holds::Message(_) | Holds::Map(_)) | (Value::Object(_), Holds::Value) => true,
        (Value::Bool(set), _) => *set,
        (Value::String(text), _) => !text.is_empty(),
        (Value::Number(number), _) => number.as_f64() != Some(0.0),
    }
}
