//! Which fields of `proto/` were set where a real Envoy was asked.
//!
//! `coverage.txt` lists those that no case sets, each with its reason. A field that is neither met nor listed fails the
//! test, and so does a listed one that is met after all.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mesh_why::envoy::fields::{Kind, MESSAGES, fields_of};
use serde_json::Value;

const LIST: &str = "tests/envoy/coverage.txt";

/// Fields that were met, each after its message's name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Met {
    fields: BTreeSet<String>,
}

impl Met {
    /// Looks through the snapshots that a case left.
    pub(crate) fn look_into(&mut self, directory: &Path) {
        for folder in fs::read_dir(directory).expect("what the case left") {
            for body in ["config_dump.json", "clusters.json"] {
                if let Ok(bytes) = fs::read(folder.as_ref().expect("an entry").path().join("source").join(body)) {
                    self.look(&serde_json::from_slice(&bytes).expect("an admin body"), &|_| true);
                }
            }
        }
    }

    /// Looks through an admin body, but for the resources whose names do not count.
    pub(crate) fn look(&mut self, value: &Value, counts: &dyn Fn(&str) -> bool) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.look(item, counts)),
            Value::Object(object) => {
                let url = value["@type"].as_str().unwrap_or_default();
                let message = url.rsplit('/').next().unwrap_or_default();
                let name = value["name"].as_str().or(value["cluster_name"].as_str());
                if fields_of(message).is_some() {
                    if name.is_none_or(counts) {
                        self.take(value, message);
                    }
                    return;
                }
                for host in value["host_statuses"].as_array().into_iter().flatten() {
                    if name.is_none_or(counts) {
                        self.take(host, "envoy.admin.v3.HostStatus");
                    }
                }
                object.values().for_each(|inner| self.look(inner, counts));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// What others met.
    pub(crate) fn add(&mut self, other: &Self) {
        self.fields.extend(other.fields.iter().cloned());
    }

    fn take(&mut self, value: &Value, message: &str) {
        for (name, kind) in fields_of(message).unwrap_or_default() {
            let inner = &value[*name];
            if is_set(inner, *kind) {
                self.fields.insert(format!("{message}.{name}"));
                self.go_down(inner, *kind);
            }
        }
    }

    fn go_down(&mut self, value: &Value, kind: Kind) {
        match (kind, value) {
            (Kind::Message(_), Value::Array(items)) => items.iter().for_each(|item| self.go_down(item, kind)),
            (Kind::Message("google.protobuf.Any"), any) => self.look(any, &|_| true),
            (Kind::Message(message), inner) => self.take(inner, message),
            (Kind::Map(message), Value::Object(entries)) => {
                entries.values().for_each(|inner| self.go_down(inner, Kind::Message(message)));
            }
            (Kind::Scalar | Kind::Enum | Kind::Map(_), _) => {}
        }
    }
}

/// What was met, against the protos and the list.
#[derive(Debug)]
pub(crate) struct Coverage {
    /// Fields of `proto/`.
    pub(crate) all: usize,
    /// Met in generated configurations.
    pub(crate) generated: usize,
    /// Met in cases written by hand alone.
    pub(crate) by_hand: Vec<String>,
    /// Listed.
    pub(crate) listed: usize,
    pub(crate) complaints: Vec<String>,
}

/// The fields of `proto/`, each after its message's name.
fn fields() -> BTreeSet<String> {
    let named = MESSAGES.iter().flat_map(|(message, all)| all.iter().map(move |(name, _)| format!("{message}.{name}")));
    named.collect()
}

/// How many fields `proto/` has, and which were not met.
pub(crate) fn not_met(met: &Met) -> (usize, Vec<String>) {
    let all = fields();
    (all.len(), all.difference(&met.fields).cloned().collect())
}

/// Holds the list to what was met.
pub(crate) fn judge(by_hand: &Met, generated: &Met) -> Coverage {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(LIST)).expect("the list");
    let mut complaints = Vec::new();
    let mut listed = BTreeSet::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.split_once(": ") {
            Some((field, reason)) if !reason.trim().is_empty() => drop(listed.insert(field.to_owned())),
            _ => complaints.push(format!("{LIST}: no reason in {line:?}")),
        }
    }
    let all = fields();
    let is_met = |field: &String| by_hand.fields.contains(field) || generated.fields.contains(field);
    for field in all.iter().filter(|field| !is_met(field) && !listed.contains(*field)) {
        complaints.push(format!("{field}: no case sets it; add one, or list it in {LIST} with the reason"));
    }
    for field in listed.iter().filter(|field| is_met(field)) {
        complaints.push(format!("{field}: a case sets it; strike it off {LIST}"));
    }
    for field in listed.difference(&all) {
        complaints.push(format!("{field}: it is not in proto/; strike it off {LIST}"));
    }
    let by_hand: Vec<String> = by_hand.fields.difference(&generated.fields).cloned().collect();
    Coverage { all: all.len(), generated: generated.fields.len(), by_hand, listed: listed.len(), complaints }
}

/// A message is there even when it is empty: `{}`, and a wrapper's `false` or `0`.
fn is_set(value: &Value, kind: Kind) -> bool {
    match (value, kind) {
        (Value::Null, _) => false,
        (Value::Array(items), _) => !items.is_empty(),
        (Value::Object(entries), Kind::Map(_)) => !entries.is_empty(),
        (_, Kind::Message(_) | Kind::Map(_)) | (Value::Object(_), Kind::Scalar | Kind::Enum) => true,
        (Value::Bool(set), _) => *set,
        (Value::String(text), _) => !text.is_empty(),
        (Value::Number(number), _) => number.as_f64() != Some(0.0),
    }
}
