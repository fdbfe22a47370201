//! Which namespaces see an object of Istio's: `spec.exportTo`.
//!
//! `pilot/pkg/model/push_context.go`; <https://istio.io/latest/docs/reference/config/networking/virtual-service/>.

use crate::snapshot::Node;

/// Whether an object is exported to a namespace. One that says nothing of it is exported to all, unless the mesh's
/// `defaultVirtualServiceExportTo` and its like say otherwise, which no proxy knows.
pub fn is_exported(object: &Node, to: &str) -> bool {
    let own = object.text("metadata.namespace").unwrap_or_default();
    let list = object.list("spec.exportTo");
    list.is_empty() || list.iter().filter_map(|entry| entry.value().as_str()).any(|entry| reaches(entry, &own, to))
}

fn reaches(entry: &str, own: &str, to: &str) -> bool {
    match entry {
        "*" => true,
        "." => own == to,
        named => named == to,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_object_is_seen_where_it_is_exported_to() {
        let seen = |list: Value, to| {
            let object = json!({"metadata": {"namespace": "shop"}, "spec": {"exportTo": list}});
            is_exported(&Node::of_object(object), to)
        };
        assert!(seen(json!([]), "billing"));
        assert!(seen(json!(["*"]), "billing"));
        assert!(seen(json!(["."]), "shop"));
        assert!(!seen(json!(["."]), "billing"));
        assert!(seen(json!([".", "billing"]), "billing"));
        assert!(!seen(json!(["~"]), "shop"));
    }
}
