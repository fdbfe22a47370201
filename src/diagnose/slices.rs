//! What a Service's endpoints are, as Kubernetes has them: its slices, and its pods.

use crate::snapshot::{Kind, Node};

use super::Case;

/// The endpoint slices of a Service; `None` where they were not read.
pub(crate) fn slices(case: &Case, service: &Node) -> Option<Vec<Node>> {
    let name = service.text("metadata.name")?;
    let label = [("kubernetes.io/service-name".to_owned(), name)];
    case.objects(Kind::EndpointSlice, service.text("metadata.namespace").as_deref(), &label)
}

/// The endpoints of these slices that are ready; one that does not say so is.
pub(crate) fn ready(slices: &[Node]) -> Vec<Node> {
    let is_ready =
        |endpoint: &Node| endpoint.at("conditions.ready").is_none_or(|at| at.value().as_bool() != Some(false));
    slices.iter().flat_map(|slice| slice.list("endpoints")).filter(is_ready).collect()
}

/// The pods that a Service selects and that are ready; `None` where they were not read, or it selects none by labels.
pub(crate) fn ready_pods(case: &Case, service: &Node) -> Option<Vec<Node>> {
    let selector = service.labels("spec.selector");
    if selector.is_empty() {
        return None;
    }
    let pods = case.objects(Kind::Pod, service.text("metadata.namespace").as_deref(), &selector)?;
    Some(pods.into_iter().filter(is_ready).collect())
}

/// Whether Kubernetes counts a pod among the endpoints.
pub(crate) fn is_ready(pod: &Node) -> bool {
    let is_true = |condition: &Node| {
        condition.text("type").as_deref() == Some("Ready") && condition.text("status").as_deref() == Some("True")
    };
    pod.at("metadata.deletionTimestamp").is_none() && pod.list("status.conditions").iter().any(is_true)
}

/// The entry of a Service's ports that a client dials.
pub(crate) fn port_entry(service: &Node, port: u16) -> Option<Node> {
    let is_it = |entry: &Node| entry.get("port").and_then(|n| n.value().as_u64()) == Some(u64::from(port));
    service.list("spec.ports").into_iter().find(is_it)
}
