//! Whether `NetworkPolicy` objects let a connection to a pod through.
//!
//! <https://kubernetes.io/docs/concepts/services-networking/network-policies/>. A network plugin enforces them, or none does:
//! so this says what the objects ask for, and not what happens.

use std::net::IpAddr;

use ipnet::IpNet;

use super::kubernetes::has_labels;
use crate::snapshot::Node;

/// Who connects.
#[derive(Clone, Debug)]
pub struct Client {
    /// The pod.
    pub pod: Node,
    /// Its namespace.
    pub namespace: String,
}

/// Whether a policy is about connections that come to a pod with these labels.
pub fn guards(policy: &Node, labels: &[(String, String)]) -> bool {
    let types = policy.list("spec.policyTypes");
    let is_for_ingress = types.is_empty() || types.iter().any(|one| one.value().as_str() == Some("Ingress"));
    is_for_ingress && policy.at("spec.podSelector").is_none_or(|selector| selects(&selector, labels) == Some(true))
}

/// Whether a rule of the policy lets the client connect to a port of the pod; `None` where that depends on what was not
/// read.
pub fn admits(policy: &Node, client: &Client, pod: &Node, port: u16) -> Option<bool> {
    let rules = policy.list("spec.ingress");
    any(rules.iter().map(|rule| if is_for_port(rule, pod, port) { is_from(rule, client, policy) } else { Some(false) }))
}

fn is_for_port(rule: &Node, pod: &Node, port: u16) -> bool {
    let ports = rule.list("ports");
    ports.is_empty() || ports.iter().any(|entry| names_port(entry, pod, port))
}

fn names_port(entry: &Node, pod: &Node, port: u16) -> bool {
    if entry.text("protocol").is_some_and(|protocol| protocol != "TCP") {
        return false;
    }
    let number = |field: &str| entry.get(field).and_then(|node| node.value().as_u64());
    let port = u64::from(port);
    match (entry.text("port"), number("port"), number("endPort")) {
        (Some(name), _, _) => {
            let mut ports = pod.list("spec.containers").into_iter().flat_map(|container| container.list("ports"));
            ports.any(|of| {
                of.text("name").as_ref() == Some(&name)
                    && of.get("containerPort").and_then(|p| p.value().as_u64()) == Some(port)
            })
        }
        (None, Some(first), Some(last)) => (first..=last).contains(&port),
        (None, Some(only), None) => only == port,
        (None, None, _) => true,
    }
}

fn is_from(rule: &Node, client: &Client, policy: &Node) -> Option<bool> {
    let from = rule.list("from");
    if from.is_empty() {
        return Some(true);
    }
    any(from.iter().map(|peer| is_peer(peer, client, policy)))
}

fn is_peer(peer: &Node, client: &Client, policy: &Node) -> Option<bool> {
    if let Some(block) = peer.get("ipBlock") {
        return Some(is_in(&block, client));
    }
    let own = policy.text("metadata.namespace").unwrap_or_default();
    let namespace = match peer.get("namespaceSelector") {
        Some(selector) => of_namespace(&selector, &client.namespace),
        None => Some(own == client.namespace),
    };
    let pod = match peer.get("podSelector") {
        Some(selector) => selects(&selector, &client.pod.labels("metadata.labels")),
        None => Some(true),
    };
    both(namespace, pod)
}

/// Whether a selector selects a namespace of which only the name is known, which is one of its labels.
fn of_namespace(selector: &Node, name: &str) -> Option<bool> {
    const NAME: &str = "kubernetes.io/metadata.name";
    let own = [(NAME.to_owned(), name.to_owned())];
    let wanted = selector.labels("matchLabels");
    let expressions = selector.list("matchExpressions");
    let is_name = |key: &str| key == NAME;
    if wanted.iter().any(|(key, value)| is_name(key) && value != name) {
        return Some(false);
    }
    let all_by_name = wanted.iter().all(|(key, _)| is_name(key))
        && expressions.iter().all(|expression| expression.text("key").is_some_and(|key| is_name(&key)));
    if all_by_name { selects(selector, &own) } else { None }
}

fn is_in(block: &Node, client: &Client) -> bool {
    let Some(address) = client.pod.text("status.podIP").and_then(|ip| ip.parse::<IpAddr>().ok()) else { return false };
    let holds =
        |cidr: Option<&str>| cidr.and_then(|cidr| cidr.parse::<IpNet>().ok()).is_some_and(|net| net.contains(&address));
    holds(block.text("cidr").as_deref()) && !block.list("except").iter().any(|cidr| holds(cidr.value().as_str()))
}

/// Whether a label selector selects labels; `None` for an operator that is not known.
fn selects(selector: &Node, labels: &[(String, String)]) -> Option<bool> {
    let value_of = |key: &str| labels.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str());
    if !has_labels(labels, selector.get("matchLabels").as_ref()) {
        return Some(false);
    }
    let expressions = selector.list("matchExpressions");
    let holds = |expression: &Node| {
        let own = value_of(&expression.text("key")?);
        let values = expression.list("values");
        let is_one = values.iter().any(|value| own.is_some() && value.value().as_str() == own);
        match expression.text("operator")?.as_str() {
            "In" => Some(is_one),
            "NotIn" => Some(!is_one),
            "Exists" => Some(own.is_some()),
            "DoesNotExist" => Some(own.is_none()),
            _ => None,
        }
    };
    let all: Option<Vec<bool>> = expressions.iter().map(holds).collect();
    all.map(|all| all.into_iter().all(|one| one))
}

/// Whether one is so; `None` where none is known to be, and one is not known.
fn any(all: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let all: Vec<Option<bool>> = all.collect();
    if all.contains(&Some(true)) {
        Some(true)
    } else if all.contains(&None) {
        None
    } else {
        Some(false)
    }
}

/// Whether both are so; `None` where that is not known.
fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (None, _) | (_, None) => None,
        (Some(true), Some(true)) => Some(true),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judged(ingress: &Value) -> Option<bool> {
        let policy = Node::of_object(json!({"metadata": {"namespace": "shop"}, "spec": {"ingress": ingress}}));
        let pod = Node::of_object(json!({"metadata": {"labels": {"app": "orders"}}, "status": {"podIP": "10.0.0.7"}}));
        let there =
            Node::of_object(json!({"spec": {"containers": [{"ports": [{"name": "web", "containerPort": 8080}]}]}}));
        admits(&policy, &Client { pod, namespace: "shop".to_owned() }, &there, 8080)
    }

    #[test]
    fn a_policy_lets_in_what_a_rule_names() {
        assert_eq!(judged(&json!([])), Some(false));
        assert_eq!(judged(&json!([{}])), Some(true));
        assert_eq!(judged(&json!([{"ports": [{"port": "web"}]}])), Some(true));
        assert_eq!(judged(&json!([{"ports": [{"port": 8000, "endPort": 8090}]}])), Some(true));
        assert_eq!(judged(&json!([{"ports": [{"port": 9090}, {"port": 8080, "protocol": "UDP"}]}])), Some(false));
        let from = |peer: Value| judged(&json!([{ "from": [peer] }]));
        assert_eq!(from(json!({"podSelector": {"matchLabels": {"app": "orders"}}})), Some(true));
        assert_eq!(from(json!({"podSelector": {"matchLabels": {"app": "other"}}})), Some(false));
        let absent = json!([{"key": "app", "operator": "NotIn", "values": ["orders"]}]);
        assert_eq!(from(json!({"podSelector": {"matchExpressions": absent}})), Some(false));
        assert_eq!(from(json!({"ipBlock": {"cidr": "10.0.0.0/8"}})), Some(true));
        assert_eq!(from(json!({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/24"]}})), Some(false));
    }

    #[test]
    fn of_a_namespace_only_the_name_is_known() {
        let from = |labels: Value| judged(&json!([{"from": [{"namespaceSelector": {"matchLabels": labels}}]}]));
        assert_eq!(from(json!({"kubernetes.io/metadata.name": "shop"})), Some(true));
        assert_eq!(from(json!({"kubernetes.io/metadata.name": "edge"})), Some(false));
        assert_eq!(from(json!({"team": "web"})), None);
        assert_eq!(from(json!({})), Some(true));
    }

    #[test]
    fn a_policy_is_for_the_pods_that_it_selects() {
        let policy = |spec: Value| Node::of_object(json!({ "spec": spec }));
        let labels = [("app".to_owned(), "products".to_owned())];
        assert!(guards(&policy(json!({"podSelector": {}})), &labels));
        assert!(guards(&policy(json!({"podSelector": {"matchLabels": {"app": "products"}}})), &labels));
        assert!(!guards(&policy(json!({"podSelector": {"matchLabels": {"app": "x"}}})), &labels));
        assert!(!guards(&policy(json!({"podSelector": {}, "policyTypes": ["Egress"]})), &labels));
    }
}
