//! Which container of a pod is its proxy, by the names that meshes give it.

use serde_json::Value;

/// Containers by their names.
const NAMES: &[&str] = &["istio-proxy", "consul-dataplane", "envoy-sidecar", "kuma-sidecar", "envoy"];

/// Containers by a part of their images' names.
const IMAGES: &[&str] = &["proxyv2", "consul-dataplane", "kuma-dp", "envoy"];

/// The name of the container that a pod's proxy runs in, where it has one.
pub fn proxy_of(pod: &Value) -> Option<&str> {
    let containers = running(pod);
    let name = |container: &&&Value| container["name"].as_str().unwrap_or_default().to_owned();
    let by_name = containers.iter().find(|c| NAMES.contains(&name(c).as_str()));
    let by_image = || containers.iter().find(|c| IMAGES.iter().any(|part| image(c).contains(part)));
    by_name.or_else(by_image).and_then(|container| container["name"].as_str())
}

/// The containers that live as long as the pod: native sidecars are init containers that are always restarted.
fn running(pod: &Value) -> Vec<&Value> {
    let list = |name: &str| pod["spec"][name].as_array().map(Vec::as_slice).unwrap_or_default();
    let native = list("initContainers").iter().filter(|c| c["restartPolicy"] == "Always");
    list("containers").iter().chain(native).collect()
}

/// The image's name without registry and tag.
fn image(container: &Value) -> String {
    let image = container["image"].as_str().unwrap_or_default();
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split([':', '@']).next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_proxy_is_known_by_its_name_or_its_image() {
        let pod = |name: &str, image: &str| json!({"spec": {"containers": [{"name": "app"}, {"name": name, "image": image}]}});
        assert_eq!(proxy_of(&pod("istio-proxy", "")), Some("istio-proxy"));
        assert_eq!(proxy_of(&pod("gw", "docker.io/istio/proxyv2:1.29")), Some("gw"));
        assert_eq!(proxy_of(&pod("db", "postgres:16")), None);
    }
}
