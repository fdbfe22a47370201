//! A pod's proxy: which container it is, and on which port its admin endpoint listens.

use serde_json::Value;

/// The container that an Envoy runs in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sidecar {
    /// The container's name.
    pub(super) container: String,
    /// The port of the admin endpoint.
    pub(super) admin_port: u16,
}

/// Containers by their names, and what the mesh that injects them takes for the admin port.
const BY_NAME: &[(&str, u16)] = &[
    ("istio-proxy", 15000),
    ("consul-dataplane", 19000),
    ("envoy-sidecar", 19000),
    ("kuma-sidecar", 9901),
    ("envoy", 9901),
];

/// Containers by a part of their images' names.
const BY_IMAGE: &[(&str, u16)] = &[("proxyv2", 15000), ("consul-dataplane", 19000), ("kuma-dp", 9901), ("envoy", 9901)];

/// Labels that tell whose Envoy it is, and its admin port.
const BY_LABEL: &[(&str, u16)] = &[
    ("gateway.envoyproxy.io/owning-gateway-name", 19000),
    ("gateway.envoyproxy.io/owning-gatewayclass", 19000),
    ("osm-proxy-uuid", 15000),
    ("gloo", 19000),
];

/// The pod's proxy, if it has one.
pub(super) fn find(pod: &Value) -> Option<Sidecar> {
    let containers = running_containers(pod);
    let name = |container: &Value| container["name"].as_str().unwrap_or_default().to_owned();
    let named = BY_NAME.iter().find_map(|(known, port)| Some((*containers.iter().find(|c| name(c) == *known)?, *port)));
    let imaged = || {
        BY_IMAGE.iter().find_map(|(part, port)| Some((*containers.iter().find(|c| image(c).contains(part))?, *port)))
    };
    let (container, usual) = named.or_else(imaged)?;
    let admin_port = admin_port(pod, container, usual);
    Some(Sidecar { container: name(container), admin_port })
}

/// The containers that live as long as the pod: native sidecars are init containers that are always restarted.
fn running_containers(pod: &Value) -> Vec<&Value> {
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

fn admin_port(pod: &Value, container: &Value, usual: u16) -> u16 {
    let annotation = |name: &str| pod["metadata"]["annotations"][name].as_str();
    let from_yaml = |text: &str| -> Option<u16> {
        let config: Value = serde_saphyr::from_str(text).ok()?;
        config["proxyAdminPort"].as_u64()?.try_into().ok()
    };
    let env = container["env"].as_array().into_iter().flatten();
    let proxy_config = env.filter(|e| e["name"] == "PROXY_CONFIG").find_map(|e| from_yaml(e["value"].as_str()?));
    annotation("proxy.istio.io/config")
        .and_then(from_yaml)
        .or_else(|| argument(container, "--proxyAdminPort"))
        .or(proxy_config)
        .or_else(|| annotation("kuma.io/envoy-admin-port")?.parse().ok())
        .or_else(|| argument(container, "-envoy-admin-bind-port"))
        .or_else(|| named_port(container))
        .or_else(|| by_label(pod))
        .unwrap_or(usual)
}

/// `--name 1`, or `--name=1`.
fn argument(container: &Value, name: &str) -> Option<u16> {
    let words = |field: &str| container[field].as_array().into_iter().flatten().filter_map(Value::as_str);
    let all: Vec<&str> = words("command").chain(words("args")).collect();
    let joined = all.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok());
    let apart = || all.windows(2).find(|pair| pair[0] == name).and_then(|pair| pair[1].parse().ok());
    joined.or_else(apart)
}

/// A port that the container calls its admin port.
fn named_port(container: &Value) -> Option<u16> {
    let ports = container["ports"].as_array().into_iter().flatten();
    let mut admin = ports.filter(|port| port["name"].as_str().is_some_and(|name| name.contains("admin")));
    admin.find_map(|port| port["containerPort"].as_u64()?.try_into().ok())
}

fn by_label(pod: &Value) -> Option<u16> {
    let labels = pod["metadata"]["labels"].as_object()?;
    BY_LABEL.iter().find(|(label, _)| labels.contains_key(*label)).map(|(_, port)| *port)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(pod: &Value) -> Option<(String, u16)> {
        find(pod).map(|sidecar| (sidecar.container, sidecar.admin_port))
    }

    fn port(pod: &Value) -> u16 {
        find(pod).map_or(0, |sidecar| sidecar.admin_port)
    }

    #[test]
    fn istio_in_its_three_shapes() {
        let classic = json!({"spec": {"containers": [{"name": "app"}, {"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1"}]}});
        assert_eq!(found(&classic), Some(("istio-proxy".to_owned(), 15000)));
        let native = json!({"spec": {"containers": [{"name": "app"}],
            "initContainers": [{"name": "istio-init"}, {"name": "istio-proxy", "restartPolicy": "Always"}]}});
        assert_eq!(port(&native), 15000);
        let gone = json!({"spec": {"containers": [{"name": "app"}], "initContainers": [{"name": "istio-proxy"}]}});
        assert_eq!(found(&gone), None);
        let gateway = json!({"spec": {"containers": [{"name": "gw", "image": "proxyv2@sha256:0"}]}});
        assert_eq!(found(&gateway), Some(("gw".to_owned(), 15000)));
    }

    #[test]
    fn istio_says_where_its_admin_port_is() {
        let with = |annotations: Value, container: Value| {
            let mut istio = json!({"name": "istio-proxy"});
            istio
                .as_object_mut()
                .into_iter()
                .for_each(|c| c.extend(container.as_object().cloned().unwrap_or_default()));
            json!({"metadata": {"annotations": annotations}, "spec": {"containers": [istio]}})
        };
        assert_eq!(
            port(&with(json!({"proxy.istio.io/config": "concurrency: 2\nproxyAdminPort: 14000\n"}), json!({}))),
            14000
        );
        assert_eq!(port(&with(json!({}), json!({"args": ["proxy", "sidecar", "--proxyAdminPort", "14001"]}))), 14001);
        let env = json!({"env": [{"name": "PROXY_CONFIG", "value": "{\"proxyAdminPort\":14002}"}]});
        assert_eq!(port(&with(json!({}), env)), 14002);
    }

    #[test]
    fn other_meshes() {
        let pod = |name: &str, image: &str| json!({"spec": {"containers": [{"name": name, "image": image}]}});
        assert_eq!(port(&pod("consul-dataplane", "")), 19000);
        assert_eq!(port(&pod("kuma-sidecar", "")), 9901);
        assert_eq!(port(&pod("proxy", "envoyproxy/envoy:v1.30")), 9901);
        assert_eq!(found(&pod("app", "envoy.example/app")), None);
        let mut gateway = pod("envoy", "envoyproxy/envoy:distroless");
        gateway["metadata"] = json!({"labels": {"gateway.envoyproxy.io/owning-gateway-name": "eg"}});
        assert_eq!(port(&gateway), 19000);
        let mut kuma = pod("kuma-sidecar", "");
        kuma["metadata"] = json!({"annotations": {"kuma.io/envoy-admin-port": "9902"}});
        assert_eq!(port(&kuma), 9902);
    }
}
