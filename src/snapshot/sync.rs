//! What the control plane says of its proxies, and what a proxy says of its control plane.
//!
//! istiod has a row for each proxy that is connected to it (`SyncStatus` in `pilot/pkg/xds/debug.go`).

use std::sync::Arc;

use serde_json::{Value, json};

use super::body::BodyError;
use super::decode;
use super::need::{Need, Origin};
use super::node::{Evidence, Node};
use super::path::quoted;
use super::{Lookup, Snapshot, without_secrets};

impl Snapshot {
    /// The row of a pod's proxy, as the pods `of` the control plane have it; absent where the proxy is connected to none.
    pub fn sync(&self, (namespace, pod): (&str, &str), of: &[(String, String)]) -> Lookup<Node> {
        let need = Need::Sync(namespace.to_owned(), of.to_vec());
        let proxy = format!("{pod}.{namespace}");
        let path = format!("$[?@.proxy=={}]", quoted(&proxy));
        if let Some(row) = self.sync.get(&proxy) {
            return Lookup::Found(Node::new(Origin::ControlPlane, &need.query(), &path, Arc::clone(row)));
        }
        if self.is_read(&need) {
            return Lookup::Absent(Evidence::absent(Origin::ControlPlane, &need.query(), path));
        }
        Lookup::Unread(need)
    }

    /// What a proxy tells its control plane of itself, as far as it is kept.
    pub fn metadata(&self, origin: Origin) -> Lookup<Node> {
        let need = Need::Metadata(origin);
        let known = match self.server_info(origin) {
            Lookup::Found(info) => info.at("node.metadata"),
            Lookup::Absent(_) | Lookup::Unread(_) => None,
        };
        let is_read = self.is_read(&need);
        match known.filter(|metadata| is_read || metadata.get("PROXY_CONFIG").is_some()) {
            Some(metadata) => Lookup::Found(metadata),
            None if is_read => Lookup::Absent(Evidence::absent(
                origin,
                &need.query(),
                "$.configs[0].bootstrap.node.metadata".to_owned(),
            )),
            None => Lookup::Unread(need),
        }
    }

    /// What a proxy counts under this name, of what it counts of its control plane.
    pub fn stat(&self, origin: Origin, name: &str) -> Lookup<Node> {
        let need = Need::Stats(origin);
        let all = match self.document(&need) {
            Lookup::Found(document) => document.list("stats"),
            Lookup::Absent(_) | Lookup::Unread(_) => return Lookup::Unread(need),
        };
        let path = format!("$.stats[?@.name=={}]", quoted(name));
        match all.into_iter().find(|stat| stat.text("name").as_deref() == Some(name)) {
            Some(stat) => Lookup::Found(Node::new(origin, &need.query(), &path, Arc::new(stat.value().clone()))),
            None => Lookup::Absent(Evidence::absent(origin, &need.query(), path)),
        }
    }

    /// Takes in rows: all that there are of a namespace, or of a saved snapshot.
    pub(super) fn take_sync(&mut self, namespace: Option<&str>, body: &[u8]) -> Result<(), BodyError> {
        const WHAT: &str = "istiod's list of proxies";
        let rows = decode::value(body, WHAT)?;
        let rows = rows.as_array().ok_or(BodyError::NotThis(WHAT))?;
        if let Some(namespace) = namespace {
            let ending = format!(".{namespace}");
            self.sync.retain(|proxy, _| !proxy.ends_with(&ending));
        }
        let named = rows.iter().filter_map(|row| Some((row.get("proxy")?.as_str()?.to_owned(), Arc::new(row.clone()))));
        self.sync.extend(named);
        Ok(())
    }

    /// Takes in a proxy's metadata, beside what it says of itself anyhow.
    pub(super) fn take_metadata(&mut self, origin: Origin, body: &Value) {
        let Some(metadata) = body.pointer("/configs/0/bootstrap/node/metadata") else { return };
        let need = Need::Identity(origin);
        let documents = &mut self.proxies.entry(origin).or_default().documents;
        let mut identity = documents.get(&need.query()).map_or_else(|| json!({}), |known| Value::clone(known));
        identity["node"]["metadata"] = metadata.clone();
        documents.insert(need.query(), Arc::new(without_secrets(&need, identity)));
    }

    /// Whether any row is at hand.
    pub(super) fn has_sync(&self) -> bool {
        !self.sync.is_empty()
    }

    /// The rows of A's proxy and of B's: who else is in the mesh is nobody's business.
    pub(super) fn own_sync(&self) -> Value {
        let pods = self.source.iter().chain(self.destinations.values());
        let mut own: Vec<String> = pods.map(|pod| format!("{}.{}", pod.name, pod.namespace)).collect();
        for proxy in self.proxies.keys() {
            if let Lookup::Found(info) = self.server_info(*proxy) {
                let id = info.text("node.id").unwrap_or_default();
                own.extend(id.split('~').map(str::to_owned));
            }
        }
        Value::Array(
            self.sync.iter().filter(|(proxy, _)| own.contains(proxy)).map(|(_, row)| Value::clone(row)).collect(),
        )
    }
}
