//! Whether a pod runs a proxy, by the names that meshes give its container.

use crate::snapshot::Node;

/// Containers by their names.
const NAMES: &[&str] = &["istio-proxy", "consul-dataplane", "envoy-sidecar", "kuma-sidecar", "envoy"];

/// Containers by a part of their images' names.
const IMAGES: &[&str] = &["proxyv2", "consul-dataplane", "kuma-dp", "envoy"];

/// Whether a pod runs a proxy.
pub fn has_proxy(pod: &Node) -> bool {
    // Native sidecars are init containers that are always restarted.
    let native = pod.list("spec.initContainers").into_iter();
    let native = native.filter(|container| container.text("restartPolicy").as_deref() == Some("Always"));
    pod.list("spec.containers").into_iter().chain(native).any(|container| {
        let image = image(&container.text("image").unwrap_or_default());
        container.text("name").is_some_and(|name| NAMES.contains(&name.as_str()))
            || IMAGES.iter().any(|part| image.contains(part))
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
