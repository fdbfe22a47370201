//! Names and labels that are Kubernetes' own, whatever the mesh.

use crate::snapshot::Node;

/// `name.namespace.svc.…` as namespace and name.
pub fn service_of_host(host: &str) -> Option<(String, String)> {
    let mut labels = host.split('.');
    match (labels.next(), labels.next(), labels.next()) {
        (Some(name), Some(namespace), Some("svc")) if !name.is_empty() => Some((namespace.to_owned(), name.to_owned())),
        _ => None,
    }
}

/// Whether Kubernetes counts a pod among the endpoints.
pub fn is_ready(pod: &Node) -> bool {
    let is_true = |condition: Node| condition.text("status").as_deref() == Some("True");
    pod.at("metadata.deletionTimestamp").is_none() && ready_condition(pod).is_some_and(is_true)
}

/// What a pod's status says of its readiness.
pub fn ready_condition(pod: &Node) -> Option<Node> {
    pod.list("status.conditions").into_iter().find(|condition| condition.text("type").as_deref() == Some("Ready"))
}

/// Whether labels have all that a map of labels wants; no map, or an empty one, wants nothing.
pub fn has_labels(labels: &[(String, String)], wanted: Option<&Node>) -> bool {
    let wanted = wanted.map(Node::members).unwrap_or_default();
    wanted.iter().all(|(key, value)| labels.iter().any(|(k, v)| k == key && value.value().as_str() == Some(v)))
}

/// Whether a Service selects a pod of these labels; one without a selector selects none.
pub fn selects(service: &Node, labels: &[(String, String)]) -> bool {
    let selector = service.at("spec.selector").filter(|selector| !selector.members().is_empty());
    selector.is_some() && has_labels(labels, selector.as_ref())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_have_all_that_is_wanted() {
        let labels = [("app".to_owned(), "a".to_owned()), ("tier".to_owned(), "web".to_owned())];
        let has = |wanted: serde_json::Value| has_labels(&labels, Some(&Node::of_object(wanted)));
        assert!(has(json!({"app": "a"})) && has(json!({})) && has_labels(&labels, None));
        assert!(!has(json!({"app": "b"})) && !has(json!({"app": "a", "zone": "z"})));
    }

    #[test]
    fn a_service_without_a_selector_selects_no_pod() {
        let labels = [("app".to_owned(), "a".to_owned())];
        let selects = |spec: serde_json::Value| selects(&Node::of_object(json!({ "spec": spec })), &labels);
        assert!(selects(json!({"selector": {"app": "a"}})));
        assert!(
            !selects(json!({"selector": {"app": "b"}})) && !selects(json!({"selector": {}})) && !selects(json!({}))
        );
    }

    #[test]
    fn a_host_names_its_service() {
        let product = Some(("shop".to_owned(), "product-service".to_owned()));
        assert_eq!(service_of_host("product-service.shop.svc.cluster.local"), product);
        assert_eq!(service_of_host("api.example.com"), None);
    }
}
