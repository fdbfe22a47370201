//! Whether a pod runs a proxy, by the names that meshes give its container.
//!
//! B's pod may be of another mesh than A's proxy, so any mesh's counts.

use crate::snapshot::Node;

use super::meshes::MESHES;

/// Whether a pod runs a proxy.
pub fn has_proxy(pod: &Node) -> bool {
    // Native sidecars are init containers that are always restarted.
    let native = pod.list("spec.initContainers").into_iter();
    let native = native.filter(|container| container.text("restartPolicy").as_deref() == Some("Always"));
    pod.list("spec.containers").into_iter().chain(native).any(|container| is_proxy(&container))
}

/// The containers of a pod but for those of a proxy.
pub fn applications(pod: &Node) -> Vec<Node> {
    let containers = pod.list("spec.containers").into_iter();
    containers.filter(|container| !is_proxy(container)).collect()
}

fn is_proxy(container: &Node) -> bool {
    let image = image(&container.text("image").unwrap_or_default());
    let name = container.text("name").unwrap_or_default();
    MESHES.iter().any(|mesh| mesh.is_proxy(&name, &image))
}

/// A proxy of the node's that carries a pod's connections, where the pod has none of its own.
pub struct NodeProxy {
    /// What it is called.
    pub name: &'static str,
    /// What says so.
    pub at: Node,
}

/// Whether a proxy of its node carries a pod's connections: Istio's ambient mode. Istio's CNI writes the annotation once
/// the pod's connections go through ztunnel; a label alone only asks for it.
/// <https://istio.io/latest/docs/ambient/architecture/traffic-redirection/>
pub fn node_proxy(pod: &Node) -> Option<NodeProxy> {
    let at = pod.at("metadata.annotations")?.get("ambient.istio.io/redirection")?;
    (at.value().as_str() == Some("enabled")).then_some(NodeProxy { name: "ztunnel", at })
}

/// The image's name without registry and tag.
fn image(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split([':', '@']).next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_own_name() {
        assert_eq!(image("docker.io/istio/proxyv2:1.29"), "proxyv2");
        assert_eq!(image("Envoy@sha256:0"), "envoy");
        assert_eq!(image("envoy.example/app"), "app");
    }
}
