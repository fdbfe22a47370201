//! Open Service Mesh: what its proxies are known by, and its names: nodes, clusters, and the chains of its one outbound
//! listener, each of which goes by the Service whose addresses it takes.
//!
//! `pkg/envoy/lds`, `pkg/service/types.go` and `pkg/envoy/xdsutil.go` of openservicemesh/osm, until its last release (1.2).

use super::annotations::Annotations;
use super::conventions::{Door, Filters, Mesh, Names, Sidecar};
use super::istio;
use super::node_id::NodeId;
use super::signs::Signs;

const OUTBOUND: Door = Door { port: 15001, name: "outbound-listener" };
const INBOUND: Door = Door { port: 15003, name: "inbound-listener" };

/// Open Service Mesh as a value.
pub(super) const MESH: Mesh = Mesh {
    name: "osm",
    is_of,
    release: None,
    sidecar: Sidecar { containers: &["envoy"], images: &["envoyproxy/envoy"] },
    outbound: OUTBOUND,
    inbound: INBOUND,
    annotations: Annotations {
        exclude_outbound_ports: Some("openservicemesh.io/outbound-port-exclusion-list"),
        exclude_outbound_ranges: Some("openservicemesh.io/outbound-ip-range-exclusion-list"),
        include_outbound_ports: None,
        include_outbound_ranges: Some("openservicemesh.io/outbound-ip-range-inclusion-list"),
        exclude_inbound_ports: Some("openservicemesh.io/inbound-port-exclusion-list"),
    },
    names: Names {
        node: node_id,
        host_of_cluster: |name| service(name.split('|').next()?).map(|(namespace, name)| host(namespace, name)),
        host_of_route_config: |_| None,
        host_of_chain: |name| service_of_chain(name).map(|(namespace, name)| host(namespace, name)),
        ..istio::MESH.names
    },
    filters: Filters { state: &[], peer_state: &[], metadata: &[], passes_upstream: |_| false, ..istio::MESH.filters },
};

fn is_of(signs: &Signs) -> bool {
    let says_so = signs.identity().and_then(|identity| node_id(&identity.text("node.id")?)).is_some();
    says_so || [OUTBOUND, INBOUND].iter().all(|door| signs.has_listener(door.name))
}

/// `38cf2479-bfea-4c1e-a961-f8f8e2b2e8cb.sidecar.bookbuyer.bookbuyer.cluster.local`: kind, service account, namespace.
fn node_id(id: &str) -> Option<NodeId> {
    let mut parts = id.splitn(5, '.');
    let (uuid, kind, _account) = (parts.next()?, parts.next()?, parts.next()?);
    let (namespace, domain) = (parts.next()?, parts.next()?);
    if uuid.len() != 36 || !matches!(kind, "sidecar" | "multicluster-gateway") {
        return None;
    }
    Some(NodeId {
        is_gateway: kind != "sidecar",
        ip: String::new(),
        pod: String::new(),
        namespace: namespace.to_owned(),
        cluster_domain: domain.to_owned(),
    })
}

/// `outbound-mesh-http-filter-chain:bookstore/bookstore`, and since 1.0 `outbound_bookstore/bookstore_14001_http`.
fn service_of_chain(name: &str) -> Option<(&str, &str)> {
    if let Some(rest) = name.strip_prefix("outbound_") {
        let mut parts = rest.rsplitn(3, '_');
        let (_protocol, port) = (parts.next()?, parts.next()?);
        return service(parts.next().filter(|_| port.parse::<u16>().is_ok())?);
    }
    let (kind, of) = name.split_once(':')?;
    service(of).filter(|_| kind.starts_with("outbound-mesh-"))
}

/// `namespace/name`.
fn service(text: &str) -> Option<(&str, &str)> {
    let (namespace, name) = text.split_once('/')?;
    let is_one = |part: &str| !part.is_empty() && !part.contains('/');
    (is_one(namespace) && is_one(name)).then_some((namespace, name))
}

fn host(namespace: &str, name: &str) -> String {
    format!("{name}.{namespace}.svc.cluster.local")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let node = node_id("38cf2479-bfea-4c1e-a961-f8f8e2b2e8cb.sidecar.bookbuyer.shop.cluster.local");
        let node = node.map(|node| (node.namespace, node.cluster_domain));
        assert_eq!(node, Some(("shop".to_owned(), "cluster.local".to_owned())));
        assert_eq!(node_id("envoy.sidecar.bookbuyer.shop.cluster.local"), None);
        for (name, service) in [
            ("outbound-mesh-http-filter-chain:shop/books", Some(("shop", "books"))),
            ("outbound_shop/books_14001_http", Some(("shop", "books"))),
            ("outbound_shop/old_books_14001_tcp", Some(("shop", "old_books"))),
            ("inbound-mesh-http-filter-chain:shop/books-v1:14001", None),
            ("egress-http.80", None),
            ("outbound-egress-tcp-filter-chain", None),
        ] {
            assert_eq!(service_of_chain(name), service, "{name}");
        }
    }
}
