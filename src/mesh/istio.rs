//! Istio: what its proxies are known by, and its names: clusters, routes, nodes, and the objects behind them.
//!
//! `pilot/pkg/model/service.go` (`BuildSubsetKey`), `pilot/pkg/networking/util` (`AddConfigInfoMetadata`).

mod alpn;
pub mod authorization;
pub mod binding;
pub mod control_plane;
pub mod delegates;
pub mod likely;

use crate::snapshot::{Kind, Node};
use crate::verdict::ObjectRef;

use super::annotations::Annotations;
use super::conventions::{Door, Filters, Mesh, Mutual, Names, Sidecar};
use super::kubernetes::service_of_host;
use super::node_id::NodeId;
use super::signs::Signs;

/// The container that Istio's proxy runs in.
pub const PROXY: &str = "istio-proxy";

/// The metadata of a node that has Istio's release.
const RELEASE: &str = "ISTIO_VERSION";

/// The listener that iptables sends A's connections to (`pilot/pkg/model/listener.go`).
const OUTBOUND: Door = Door { port: 15001, name: "virtualOutbound" };
/// The one that it sends connections to B to.
const INBOUND: Door = Door { port: 15006, name: "virtualInbound" };

/// The clusters of what goes through and of what goes nowhere, which every proxy of Istio's has.
pub const CATCH_ALL_CLUSTERS: &[&str] = &["PassthroughCluster", "BlackHoleCluster"];

/// Istio as a value.
pub(super) const MESH: Mesh = Mesh {
    name: "istio",
    is_of,
    release: Some(RELEASE),
    sidecar: Sidecar { containers: &[PROXY], images: &["proxyv2"] },
    outbound: OUTBOUND,
    inbound: INBOUND,
    annotations: Annotations {
        exclude_outbound_ports: Some("traffic.sidecar.istio.io/excludeOutboundPorts"),
        exclude_outbound_ranges: Some("traffic.sidecar.istio.io/excludeOutboundIPRanges"),
        include_outbound_ports: Some("traffic.sidecar.istio.io/includeOutboundPorts"),
        include_outbound_ranges: Some("traffic.sidecar.istio.io/includeOutboundIPRanges"),
        exclude_inbound_ports: Some("traffic.sidecar.istio.io/excludeInboundPorts"),
    },
    names: Names {
        node: node_id,
        host_of_cluster: |name| ClusterName::parse(name).map(|name| name.host),
        whole_host: |name| {
            ClusterName::parse(name).filter(|name| !name.subset.is_empty()).map(|name| name.of_whole_host())
        },
        host_of_route_config,
        host_of_chain: |_| None,
        port_of_route_config,
        declared_protocol,
    },
    filters: Filters {
        state: &["io.istio."],
        peer_state: &["io.istio.", "wasm.", "downstream_peer", "upstream_peer"],
        metadata: &["istio_authn"],
        passes_upstream,
        // `pilot/pkg/networking/core/cluster_tls.go`.
        mutual: Some(Mutual { offers: &["istio-peer-exchange", "istio"], certificate: "default" }),
        alpn_override: alpn::overrides,
        keeps_alpn: alpn::is_kept,
    },
};

fn is_of(signs: &Signs) -> bool {
    let says_so = |identity: Node| {
        let released = identity.at("node.metadata").is_some_and(|metadata| metadata.get(RELEASE).is_some());
        released || identity.text("node.id").is_some_and(|id| node_id(&id).is_some())
    };
    signs.identity().is_some_and(says_so)
        || [OUTBOUND, INBOUND].iter().any(|door| signs.has_listener(door.name))
        || CATCH_ALL_CLUSTERS.iter().any(|name| signs.has_cluster(name))
}

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

/// The host of a route configuration: `product-service.shop.svc.cluster.local` of that name with `:8082`.
fn host_of_route_config(name: &str) -> Option<&str> {
    name.rsplit_once(':').map(|(host, _)| host)
}

/// The port of a gateway's route configuration: `http.80`, or `https.443.NAME.GATEWAY.NAMESPACE`.
pub fn port_of_route_config(name: &str) -> Option<u16> {
    let rest = name.strip_prefix("http.").or_else(|| name.strip_prefix("https."))?;
    rest.split('.').next()?.parse().ok()
}

/// The peer metadata exchange adds a header to what is sent.
fn passes_upstream(name: &str) -> bool {
    name == "istio.metadata_exchange" || name.starts_with("envoy.filters.network.upstream.metadata_exchange")
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

/// The `TCPRoute` or `TLSRoute` behind a filter chain: its kind, namespace and name. Istio makes a `VirtualService` of it that
/// does not exist. `pilot/pkg/config/kube/gateway/route_collections.go`.
pub fn tcp_route_of(chain: &Node) -> Option<(Kind, String, String)> {
    let (config, _) = config_of(chain)?;
    let (kind, name) = made_of_route(&config.name)?;
    Some((kind, config.namespace, name.to_owned()))
}

/// `NAME~tcp~0~istio-autogenerated-k8s-gateway`; older releases write dashes.
fn made_of_route(config: &str) -> Option<(Kind, &str)> {
    let rest = config.strip_suffix("istio-autogenerated-k8s-gateway")?;
    let separator = if rest.ends_with('~') { '~' } else { '-' };
    let rest = rest.strip_suffix(separator)?.trim_end_matches(|c: char| c.is_ascii_digit()).strip_suffix(separator)?;
    let (name, protocol) = rest.rsplit_once(separator)?;
    match protocol {
        "tcp" => Some((Kind::TcpRoute, name)),
        "tls" => Some((Kind::TlsRoute, name)),
        _ => None,
    }
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

/// Who a proxy is, from its node id: `sidecar~10.244.0.10~order-service-x.shop~shop.svc.cluster.local`; `None` for
/// those of other meshes.
fn node_id(id: &str) -> Option<NodeId> {
    let parts: Vec<&str> = id.split('~').collect();
    let [role, ip, workload, domain] = parts[..] else {
        return None;
    };
    let (pod, namespace) = workload.rsplit_once('.')?;
    let cluster_domain = domain.split_once(".svc.").map_or("cluster.local", |(_, rest)| rest);
    Some(NodeId {
        is_gateway: role == "router",
        ip: ip.to_owned(),
        pod: pod.to_owned(),
        namespace: namespace.to_owned(),
        cluster_domain: cluster_domain.to_owned(),
    })
}

/// What a Service's port declares its protocol to be: `appProtocol`, else the name up to its first dash.
///
/// `pkg/config/kube/conversion.go`, `pkg/config/protocol/instance.go`. `None` is auto-detected.
pub(crate) fn declared_protocol(port: &Node) -> Option<String> {
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

/// Whether a declared protocol is read as HTTP; `https` is TLS to the mesh. `pkg/config/protocol/instance.go`, `IsHTTP`.
pub(crate) fn is_http(protocol: &str) -> bool {
    ["http", "http2", "http_proxy", "grpc", "grpc-web"].contains(&protocol)
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
        assert_eq!(pascal("envoy-filter"), "EnvoyFilter");
    }

    #[test]
    fn a_route_of_the_gateway_api_is_told_by_what_is_made_of_it() {
        let made = |protocol: &str, dash: &str| ["db-a", protocol, "0", "istio-autogenerated-k8s-gateway"].join(dash);
        assert_eq!(made_of_route(&made("tcp", "~")), Some((Kind::TcpRoute, "db-a")));
        assert_eq!(made_of_route(&made("tls", "-")), Some((Kind::TlsRoute, "db-a")));
        assert_eq!(made_of_route("db-a~0~istio-autogenerated-k8s-gateway"), None);
        assert_eq!(made_of_route("product"), None);
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
        let id = node_id("sidecar~10.244.0.10~order-service-x.shop~shop.svc.cluster.local").unwrap();
        assert_eq!((id.pod.as_str(), id.namespace.as_str()), ("order-service-x", "shop"));
        assert_eq!(id.cluster_domain, "cluster.local");
        assert!(!id.is_gateway);
        assert_eq!(node_id("envoy-1"), None);
    }
}
