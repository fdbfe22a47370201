//! Which namespaces see an object of Istio's, or a Service: `spec.exportTo`, and an annotation.
//!
//! `pilot/pkg/model/push_context.go`; <https://istio.io/latest/docs/reference/config/networking/virtual-service/>.

use crate::snapshot::Node;

/// The annotation of a Service that says the same of it, its entries with commas between
/// (`pilot/pkg/serviceregistry/kube/conversion.go`).
pub const SERVICE_EXPORTED_TO: &str = "networking.istio.io/exportTo";

/// Whether an object is exported to a namespace. One that says nothing of it is exported to all, unless the mesh's
/// `defaultVirtualServiceExportTo` and its like say otherwise, which no proxy knows.
pub fn is_exported(object: &Node, to: &str) -> bool {
    let own = object.text("metadata.namespace").unwrap_or_default();
    let list = object.list("spec.exportTo");
    let annotation = object.at("metadata.annotations").and_then(|all| all.get(SERVICE_EXPORTED_TO));
    let of_service = annotation.as_ref().and_then(|at| at.value().as_str()).filter(|text| !text.trim().is_empty());
    let said = of_service.into_iter().flat_map(|text| text.split(',')).map(str::trim);
    let mut all = list.iter().filter_map(|entry| entry.value().as_str()).chain(said);
    list.is_empty() && of_service.is_none() || all.any(|entry| reaches(entry, &own, to))
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
        let annotated = |to| {
            let annotations = json!({SERVICE_EXPORTED_TO: "., edge"});
            let service = json!({"metadata": {"namespace": "shop", "annotations": annotations}, "spec": {}});
            is_exported(&Node::of_object(service), to)
        };
        assert!(annotated("shop") && annotated("edge") && !annotated("billing"));
    }
}
