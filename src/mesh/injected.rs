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

/// Where containers of applications say that they run as the user of the pod's proxy. What that user sends is redirected
/// nowhere, or the proxy's own connections would come back to it: it goes past the proxy (`-m owner --uid-owner`, IST0144).
/// <https://istio.io/latest/docs/ops/deployment/application-requirements/>
pub fn as_the_proxys_user(pod: &Node) -> Vec<Node> {
    let (proxies, others): (Vec<Node>, Vec<Node>) = pod.list("spec.containers").into_iter().partition(is_proxy);
    let native = pod.list("spec.initContainers").into_iter().filter(is_proxy);
    let user = |container: &Node| {
        let own = container.at("securityContext.runAsUser").filter(|at| at.value().is_u64());
        own.or_else(|| pod.at("spec.securityContext.runAsUser"))
    };
    let owns: Vec<u64> = proxies.into_iter().chain(native).filter_map(|proxy| user(&proxy)?.value().as_u64()).collect();
    // Root is everybody's, where TPROXY is used.
    let is_own = |at: &Node| at.value().as_u64().is_some_and(|user| user != 0 && owns.contains(&user));
    others.iter().filter_map(user).filter(is_own).collect()
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
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_user_of_the_proxy_is_that_of_its_container() {
        let users = |of_pod: Value, proxy: Value, applications: &[Value]| {
            let container = |name: &str, user: &Value| json!({"name": name, "securityContext": {"runAsUser": user}});
            let others = applications.iter().map(|user| container("app", user));
            let containers: Vec<Value> = others.chain([container("istio-proxy", &proxy)]).collect();
            let spec = json!({"securityContext": {"runAsUser": of_pod}, "containers": containers});
            as_the_proxys_user(&Node::of_object(json!({ "spec": spec }))).len()
        };
        let none = || Value::Null;
        assert_eq!(users(none(), json!(1337), &[json!(1337), json!(1000)]), 1);
        assert_eq!(users(none(), json!(1337), &[json!(1000), none()]), 0);
        assert_eq!(users(json!(7), none(), &[none()]), 1, "all that the pod says");
        assert_eq!(users(none(), json!(0), &[json!(0)]), 0, "as TPROXY has it");
        assert_eq!(users(none(), none(), &[json!(1337)]), 0, "the proxy's is not said");
    }

    #[test]
    fn an_image_is_known_by_its_own_name() {
        assert_eq!(image("docker.io/istio/proxyv2:1.29"), "proxyv2");
        assert_eq!(image("Envoy@sha256:0"), "envoy");
        assert_eq!(image("envoy.example/app"), "app");
    }
}
