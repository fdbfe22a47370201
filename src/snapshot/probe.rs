//! What came of connecting to an application (`--probe`): something in the pod accepted the connection, or nothing did.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::need::{Need, Origin};
use super::node::Node;
use super::{Lookup, Snapshot};
use crate::redact;

impl Snapshot {
    /// What came of connecting to a port of a pod's loopback: `connected`, and `reason` where it is false.
    pub fn probe(&self, namespace: &str, pod: &str, port: u16) -> Lookup<Node> {
        let need = Need::Probe(namespace.to_owned(), pod.to_owned(), port);
        let query = need.query();
        match self.probes.get(&query) {
            Some(came) => Lookup::Found(Node::new(Origin::Kubernetes, &query, "$", Arc::clone(came))),
            None => Lookup::Unread(need),
        }
    }

    /// Takes in what came of it.
    pub(super) fn take_probe(&mut self, query: &str, came: &Value) {
        let mut kept = json!({ "connected": came.get("connected").and_then(Value::as_bool).unwrap_or_default() });
        if let Some(reason) = came.get("reason").and_then(Value::as_str) {
            kept["reason"] = json!(redact::value(reason));
        }
        self.probes.insert(query.to_owned(), Arc::new(kept));
    }

    /// All of it, for `snapshot.json`.
    pub(super) fn all_probes(&self) -> BTreeMap<String, Value> {
        self.probes.iter().map(|(query, came)| (query.clone(), Value::clone(came))).collect()
    }
}
