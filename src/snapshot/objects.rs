//! Kubernetes objects as they are kept: by kind, namespace and name, without what no verdict needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::kind::Kind;

/// Kind, namespace, name.
type Key = (Kind, String, String);

/// The objects that were read.
#[derive(Clone, Default, Debug)]
pub(super) struct Objects {
    by_key: BTreeMap<Key, Arc<Value>>,
}

impl Objects {
    /// Takes an object in, trimmed; kinds that are never asked for are left out.
    pub(super) fn insert(&mut self, mut object: Value) {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let Some(kind) = Kind::of(&text("/kind"), &text("/apiVersion")) else {
            return;
        };
        let key = (kind, text("/metadata/namespace"), text("/metadata/name"));
        trim(&mut object);
        self.by_key.insert(key, Arc::new(object));
    }

    pub(super) fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.by_key.get(&(kind, namespace.to_owned(), name.to_owned()))
    }

    /// The objects of a kind in a namespace (any when `None`) that carry all of `labels`.
    pub(super) fn select(&self, kind: Kind, namespace: Option<&str>, labels: &[(String, String)]) -> Vec<&Arc<Value>> {
        let wanted = |(key, object): &(&Key, &Arc<Value>)| {
            key.0 == kind
                && namespace.is_none_or(|n| n == key.1)
                && labels.iter().all(|(k, v)| object["metadata"]["labels"].get(k).and_then(Value::as_str) == Some(v))
        };
        self.by_key.iter().filter(wanted).map(|(_, object)| object).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// As a Kubernetes `List`.
    pub(super) fn list(&self) -> Value {
        let items: Vec<&Value> = self.by_key.values().map(|o| &**o).collect();
        json!({"apiVersion": "v1", "kind": "List", "items": items})
    }
}

/// Takes out what may hold a secret (environments, command lines, the last applied configuration) and what is noise.
fn trim(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    for spec in ["/spec", "/spec/template/spec"] {
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            let containers = object.pointer_mut(&format!("{spec}/{list}")).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                if let Some(container) = container.as_object_mut() {
                    for field in ["args", "command", "env", "envFrom", "lifecycle", "resources", "volumeMounts"] {
                        container.remove(field);
                    }
                }
            }
        }
        if let Some(spec) = object.pointer_mut(spec).and_then(Value::as_object_mut) {
            spec.remove("volumes");
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn secrets_are_not_kept() {
        let mut objects = Objects::default();
        objects.insert(json!({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "s"}, "data": {"k": "v"}}));
        assert!(objects.is_empty());
        objects.insert(json!({
            "kind": "Pod", "apiVersion": "v1",
            "metadata": {"name": "p", "namespace": "n", "labels": {"a": "b"}, "managedFields": [1]},
            "spec": {"containers": [{"name": "c", "env": [{"name": "TOKEN", "value": "t"}]}], "volumes": [1]},
        }));
        let text = objects.list().to_string();
        assert!(!text.contains("TOKEN") && !text.contains("managedFields") && !text.contains("volumes"), "{text}");
        let labels = [("a".to_owned(), "b".to_owned())];
        assert_eq!(objects.select(Kind::Pod, Some("n"), &labels).len(), 1);
        assert!(objects.select(Kind::Pod, Some("other"), &labels).is_empty());
        assert_eq!(**objects.get(Kind::Pod, "n", "p").unwrap(), objects.list()["items"][0]);
    }
}
