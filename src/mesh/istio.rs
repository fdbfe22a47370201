//! Istio's names: clusters, routes, nodes, and the objects behind them.
//!
//! `pilot/pkg/model/service.go` (`BuildSubsetKey`), `pilot/pkg/networking/util` (`AddConfigInfoMetadata`).

use crate::snapshot::{Kind, Node};
use crate::verdict::ObjectRef;

/// The container that Istio's proxy runs in.
pub const PROXY: &str = "istio-proxy";

/// `outbound|8082|v1|product-service.shop.svc.cluster.local`, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClusterName {
    /// `outbound` or `inbound`.
    pub direction: String,
    /// The service's port.
    pub port: u16,
    /// The subset of a `DestinationRule`; empty for the whole host.
    pub subset: String,
    /// The host, as the mesh knows it.
    pub host: String,
}

impl ClusterName {
    /// Takes a name apart; `None` for names of another form (`PassthroughCluster`).
    pub fn parse(name: &str) -> Option<Self> {
        let parts: Vec<&str> = name.split('|').collect();
        let [direction, port, subset, host] = parts[..] else {
            return None;
        };
        Some(Self {
            direction: direction.to_owned(),
            port: port.parse().ok()?,
            subset: subset.to_owned(),
            host: host.to_owned(),
        })
    }

    /// The name of the cluster that has all of the host's endpoints, whatever the subset.
    pub fn of_whole_host(&self) -> String {
        format!("{}|{}||{}", self.direction, self.port, self.host)
    }

    /// The Kubernetes Service behind the host: namespace and name.
    pub fn service(&self) -> Option<(String, String)> {
        service_of_host(&self.host)
    }
}

/// `name.namespace.svc.…` as namespace and name.
pub fn service_of_host(host: &str) -> Option<(String, String)> {
    let mut labels = host.split('.');
    match (labels.next(), labels.next(), labels.next()) {
        (Some(name), Some(namespace), Some("svc")) if !name.is_empty() => Some((namespace.to_owned(), name.to_owned())),
        _ => None,
    }
}

/// The object that `metadata.filter_metadata.istio.config` of a listener, route or cluster names:
/// `/apis/networking.istio.io/v1/namespaces/shop/virtual-service/product`, and the node that says so.
pub fn config_of(resource: &Node) -> Option<(ObjectRef, Node)> {
    let node = resource.at("metadata.filter_metadata.istio.config")?;
    let path = node.value().as_str()?.to_owned();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let [_, .., "namespaces", namespace, kebab, name] = parts[..] else {
        return None;
    };
    let kind = Kind::of_kebab(kebab);
    let object = ObjectRef {
        api_version: kind.map(Kind::api_version).unwrap_or_default(),
        kind: kind.map_or_else(|| pascal(kebab), |k| k.name().to_owned()),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        field: String::new(),
    };
    Some((object, node))
}

/// The `HTTPRoute` behind a route: Istio names routes that come of the Gateway API `namespace.name.rule`, and their
/// config after a `VirtualService` that does not exist (it holds a `~`, which no Kubernetes name can).
pub fn http_route_of(route: &Node) -> Option<(String, String, usize)> {
    let (config, _) = config_of(route)?;
    if !config.name.contains('~') {
        return None;
    }
    let name = route.text("name")?;
    let (namespace, rest) = name.split_once('.')?;
    let (name, rule) = rest.rsplit_once('.')?;
    Some((namespace.to_owned(), name.to_owned(), rule.parse().ok()?))
}

/// The rule behind a policy of access control: `ns[shop]-policy[readers]-rule[0]`, with words before and behind for
/// CUSTOM and dry runs (`pilot/pkg/security/authz/model`): the `AuthorizationPolicy`'s namespace, its name, the rule.
pub fn authorization_rule(name: &str) -> Option<(String, String, usize)> {
    let (_, rest) = name.split_once("ns[")?;
    let (namespace, rest) = rest.split_once("]-policy[")?;
    let (policy, rest) = rest.split_once("]-rule[")?;
    let (rule, _) = rest.split_once(']')?;
    Some((namespace.to_owned(), policy.to_owned(), rule.parse().ok()?))
}

/// Who a proxy is, from its node id: `sidecar~10.244.0.10~order-service-x.shop~shop.svc.cluster.local`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeId {
    /// A gateway (`router`) rather than a sidecar.
    pub is_gateway: bool,
    /// The pod's address.
    pub ip: String,
    /// The pod's name.
    pub pod: String,
    /// The pod's namespace.
    pub namespace: String,
    /// `cluster.local`
    pub cluster_domain: String,
}

impl NodeId {
    /// Takes an id apart; `None` for those of other meshes.
    pub fn parse(id: &str) -> Option<Self> {
        let parts: Vec<&str> = id.split('~').collect();
        let [role, ip, workload, domain] = parts[..] else {
            return None;
        };
        let (pod, namespace) = workload.rsplit_once('.')?;
        let cluster_domain = domain.split_once(".svc.").map_or("cluster.local", |(_, rest)| rest);
        Some(Self {
            is_gateway: role == "router",
            ip: ip.to_owned(),
            pod: pod.to_owned(),
            namespace: namespace.to_owned(),
            cluster_domain: cluster_domain.to_owned(),
        })
    }
}

/// What a Service's port declares its protocol to be: `appProtocol`, else the name up to its first dash.
///
/// `pkg/config/kube/conversion.go`, `pkg/config/protocol/instance.go`. `None` is auto-detected.
pub fn declared_protocol(port: &Node) -> Option<String> {
    const KNOWN: &[&str] =
        &["tcp", "udp", "grpc", "grpc-web", "http", "http_proxy", "http2", "https", "tls", "mongo", "redis", "mysql"];
    let app = port.text("appProtocol").map(|p| p.to_ascii_lowercase());
    let app = app.map(|p| match p.as_str() {
        "kubernetes.io/h2c" => "http2".to_owned(),
        "kubernetes.io/ws" => "http".to_owned(),
        "kubernetes.io/wss" => "https".to_owned(),
        _ => p,
    });
    if let Some(app) = app.filter(|p| KNOWN.contains(&p.as_str())) {
        return Some(app);
    }
    let name = port.text("name").unwrap_or_default().to_ascii_lowercase();
    let word = if name.starts_with("grpc-web") { "grpc-web" } else { name.split('-').next().unwrap_or_default() };
    if KNOWN.contains(&word) {
        return Some(word.to_owned());
    }
    let number = port.get("port").and_then(|p| p.value().as_u64());
    matches!(number, Some(25 | 53 | 3306 | 27017)).then(|| "tcp".to_owned())
}

fn pascal(kebab: &str) -> String {
    let word = |w: &str| {
        let mut chars = w.chars();
        chars.next().map_or(String::new(), |c| c.to_uppercase().collect::<String>() + chars.as_str())
    };
    kebab.split('-').map(word).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let name = ClusterName::parse("outbound|8082|v1|product-service.shop.svc.cluster.local").unwrap();
        assert_eq!((name.port, name.subset.as_str()), (8082, "v1"));
        assert_eq!(name.service(), Some(("shop".to_owned(), "product-service".to_owned())));
        assert_eq!(ClusterName::parse("PassthroughCluster"), None);
        assert_eq!(service_of_host("api.example.com"), None);
        assert_eq!(pascal("envoy-filter"), "EnvoyFilter");
    }

    #[test]
    fn a_policy_of_access_control_names_its_rule() {
        let rule = Some(("shop".to_owned(), "readers".to_owned(), 2));
        assert_eq!(authorization_rule("ns[shop]-policy[readers]-rule[2]"), rule);
        assert_eq!(authorization_rule("istio-ext-authz-mine-ns[shop]-policy[readers]-rule[2]-deny"), rule);
        assert_eq!(authorization_rule("mine"), None);
    }

    #[test]
    fn a_node_id_says_who_the_proxy_is() {
        let id = NodeId::parse("sidecar~10.244.0.10~order-service-x.shop~shop.svc.cluster.local").unwrap();
        assert_eq!((id.pod.as_str(), id.namespace.as_str()), ("order-service-x", "shop"));
        assert_eq!(id.cluster_domain, "cluster.local");
        assert!(!id.is_gateway);
        assert_eq!(NodeId::parse("envoy-1"), None);
    }
}
