//! What a Service's endpoints are, as Kubernetes has them: its slices, and its pods.

use crate::mesh::kubernetes::is_ready;
use crate::snapshot::{Kind, Node};

use crate::walk::is_ready_endpoint;

use super::Case;

/// The endpoint slices of a Service; `None` where they were not read.
pub(crate) fn slices(case: &Case, service: &Node) -> Option<Vec<Node>> {
    let name = service.text("metadata.name")?;
    let label = [("kubernetes.io/service-name".to_owned(), name)];
    case.objects(Kind::EndpointSlice, service.text("metadata.namespace").as_deref(), &label)
}

/// The endpoints of these slices that are ready.
pub(crate) fn ready(slices: &[Node]) -> Vec<Node> {
    slices.iter().flat_map(|slice| slice.list("endpoints")).filter(is_ready_endpoint).collect()
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

/// An endpoint of a Service that is ready, by its slices or by its pods.
pub(crate) fn a_ready_endpoint(case: &Case, service: &Node) -> Option<Node> {
    let by_slices = slices(case, service).and_then(|slices| ready(&slices).first().cloned());
    by_slices.or_else(|| ready_pods(case, service)?.first().cloned())
}

/// The field of a Service's port that says its protocol to the mesh.
pub(crate) fn protocol_field(entry: &Node) -> Option<Node> {
    ["appProtocol", "name"].iter().find_map(|name| entry.get(name))
}

/// The entry of a Service's ports that a client dials.
pub(crate) fn port_entry(service: &Node, port: u16) -> Option<Node> {
    let is_it = |entry: &Node| entry.get("port").and_then(|n| n.value().as_u64()) == Some(u64::from(port));
    service.list("spec.ports").into_iter().find(is_it)
}
