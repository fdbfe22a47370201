//! What objects of the Gateway API mean, whichever mesh reads them.

use crate::snapshot::Node;

/// Whether a `ReferenceGrant` lets objects of a kind and a namespace name this Service of its own namespace.
/// <https://gateway-api.sigs.k8s.io/api-types/referencegrant/>
pub fn grants(grant: &Node, (kind, namespace): (&str, &str), service: &str) -> bool {
    let is_from = |from: &Node| {
        from.text("kind").as_deref() == Some(kind) && from.text("namespace").as_deref() == Some(namespace)
    };
    let is_to =
        |to: &Node| to.text("kind").as_deref() == Some("Service") && to.text("name").is_none_or(|name| name == service);
    grant.list("spec.from").iter().any(is_from) && grant.list("spec.to").iter().any(is_to)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_grant_names_who_may_refer_to_what() {
        let of = |to: serde_json::Value| {
            let from = json!([{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "shop"}]);
            Node::of_object(json!({"spec": {"from": from, "to": [to]}}))
        };
        let any = of(json!({"group": "", "kind": "Service"}));
        assert!(grants(&any, ("HTTPRoute", "shop"), "payment"));
        assert!(!grants(&any, ("HTTPRoute", "edge"), "payment"));
        assert!(!grants(&any, ("GRPCRoute", "shop"), "payment"));
        let one = of(json!({"group": "", "kind": "Service", "name": "payment"}));
        assert!(grants(&one, ("HTTPRoute", "shop"), "payment"));
        assert!(!grants(&one, ("HTTPRoute", "shop"), "ledger"));
        assert!(!grants(&of(json!({"group": "", "kind": "Secret"})), ("HTTPRoute", "shop"), "payment"));
    }
}
