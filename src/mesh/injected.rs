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
    pod.list("spec.containers").into_iter().chain(native).any(|container| {
        let image = image(&container.text("image").unwrap_or_default());
        let name = container.text("name").unwrap_or_default();
        MESHES.iter().any(|mesh| mesh.is_proxy(&name, &image))
    })
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
