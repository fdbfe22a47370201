//! istiod: where it is, which release it is of, and what it says of a proxy (`SyncStatus` in `pilot/pkg/xds/debug.go`).

use crate::mesh::kubernetes::service_of_host;
use crate::snapshot::{Evidence, Node};

/// The cluster in which every proxy of Istio's has its agent, and through that istiod: what it counts of connections and of
/// streams. Newer bootstraps end the name in `;`.
pub const STREAMS: &[&str] = &["cluster.xds-grpc.upstream_rq_active", "cluster.xds-grpc;.upstream_rq_active"];

/// Types of resources: what they are called here, their field's beginning in a row, and the type's URL.
const TYPES: &[(Type, &str, &str)] = &[
    (Type::Clusters, "cluster", "type.googleapis.com/envoy.config.cluster.v3.Cluster"),
    (Type::Endpoints, "endpoint", "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"),
    (Type::Listeners, "listener", "type.googleapis.com/envoy.config.listener.v3.Listener"),
    (Type::Routes, "route", "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"),
];

/// A type of resources that istiod sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// CDS
    Clusters,
    /// EDS
    Endpoints,
    /// LDS
    Listeners,
    /// RDS
    Routes,
}

impl Type {
    /// What people call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clusters => "clusters",
            Self::Endpoints => "endpoints",
            Self::Listeners => "listeners",
            Self::Routes => "routes",
        }
    }

    /// Whether a patch of an `EnvoyFilter` changes such resources, by its `applyTo`.
    pub fn is_patched_by(self, apply_to: &str) -> bool {
        let patches: &[&str] = match self {
            Self::Clusters => &["CLUSTER"],
            Self::Endpoints => &[],
            Self::Listeners => &["LISTENER", "FILTER_CHAIN", "NETWORK_FILTER", "HTTP_FILTER", "LISTENER_FILTER"],
            Self::Routes => &["ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE"],
        };
        patches.contains(&apply_to)
    }
}

/// What istiod last sent of a type, and what became of it.
pub struct Sent {
    /// The type.
    pub of: Type,
    /// The nonce of what was sent last: the time of its version, a `/`, and more.
    last: Node,
    /// The nonce of what the proxy took last.
    acked: Option<Node>,
    /// When it was sent, where that is said.
    at: Option<String>,
    /// Why the proxy refused the last, in Envoy's words.
    pub refused: Option<Node>,
    /// The row.
    row: Node,
}

impl Sent {
    /// What a row says of each type that was sent at all: what a proxy does not use is never sent.
    pub fn of_row(row: &Node) -> Vec<Self> {
        let of_type = |(of, field, url): &(Type, &str, &str)| {
            let more = row.get("resources").and_then(|all| all.get(url));
            let of_more = |key: &str| more.as_ref()?.get(key).filter(is_said);
            let own = |name: &str| row.get(&format!("{field}_{name}")).filter(is_said).or_else(|| of_more(name));
            let at = of_more("sentTime").and_then(|at| at.value().as_str().map(str::to_owned));
            let refused = of_more("lastError");
            Some(Self { of: *of, last: own("sent")?, acked: own("acked"), at, refused, row: row.clone() })
        };
        TYPES.iter().filter_map(of_type).collect()
    }

    /// Whether the proxy has not taken what was sent last.
    pub fn is_open(&self) -> bool {
        self.refused.is_some() || self.acked.as_ref().map(Node::value) != Some(self.last.value())
    }

    /// When it was sent, RFC 3339.
    pub fn time(&self) -> String {
        self.at.clone().unwrap_or_else(|| version(&self.last))
    }

    /// The version that was sent, and the one that the proxy has: each a time.
    pub fn versions(&self) -> (String, Option<String>) {
        (version(&self.last), self.acked.as_ref().map(version))
    }

    /// What shows it.
    pub fn evidence(&self) -> Vec<Evidence> {
        let field = TYPES.iter().find(|row| row.0 == self.of).map_or("", |row| row.1);
        let acked = self.acked.as_ref().map_or_else(|| self.row.lacks(&format!("{field}_acked")), Node::evidence);
        let refused = self.refused.as_ref().map(Node::evidence);
        [self.last.evidence(), acked].into_iter().chain(refused).collect()
    }
}

/// The Service behind a proxy's `discoveryAddress`: namespace and name of `istiod.istio-system.svc:15012`.
pub fn service(address: &str) -> Option<(String, String)> {
    service_of_host(address.rsplit_once(':').map_or(address, |(host, _)| host))
}

/// The release that an image of istiod is of: `1.29.1` of `docker.io/istio/pilot:1.29.1-distroless`.
pub fn release(image: &str) -> Option<String> {
    let (_, tag) = image.split('@').next()?.rsplit('/').next()?.rsplit_once(':')?;
    let number = tag.split('-').next()?;
    let is_release = number.split('.').count() == 3 && number.split('.').all(|part| part.parse::<u16>().is_ok());
    is_release.then(|| number.to_owned())
}

fn is_said(node: &Node) -> bool {
    node.value().as_str().is_some_and(|text| !text.is_empty())
}

fn version(nonce: &Node) -> String {
    nonce.value().as_str().and_then(|nonce| nonce.split('/').next()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_tells_what_was_sent_and_taken() {
        let row = Node::of_object(json!({
            "proxy": "a-1.shop", "cluster_sent": "t2/x", "cluster_acked": "t1/y", "route_sent": "t2/z",
            "listener_sent": "t2/w", "listener_acked": "t2/w",
            "resources": {"type.googleapis.com/envoy.config.cluster.v3.Cluster": {"sentTime": "t3", "lastError": "no"}},
        }));
        let sent = Sent::of_row(&row);
        let told: Vec<_> =
            sent.iter().map(|one| (one.of.word(), one.is_open(), one.time(), one.refused.is_some())).collect();
        let text = str::to_owned;
        let expected = [
            ("clusters", true, text("t3"), true),
            ("listeners", false, text("t2"), false),
            ("routes", true, text("t2"), false),
        ];
        assert_eq!(told, expected);
        assert_eq!(sent[0].versions(), (text("t2"), Some(text("t1"))));
    }

    #[test]
    fn istiod_is_where_its_proxies_say() {
        let of = |namespace: &str, name: &str| Some((namespace.to_owned(), name.to_owned()));
        assert_eq!(service("istiod.istio-system.svc:15012"), of("istio-system", "istiod"));
        assert_eq!(service("istiod-1-29.mesh.svc.cluster.local:15012"), of("mesh", "istiod-1-29"));
        assert_eq!(service("istiod.example.com:15012"), None);
    }

    #[test]
    fn an_image_tells_a_release_or_nothing() {
        assert_eq!(release("docker.io/istio/pilot:1.29.1-distroless").as_deref(), Some("1.29.1"));
        assert_eq!(release("host:5000/pilot:1.28.0@sha256:0").as_deref(), Some("1.28.0"));
        for image in ["host:5000/pilot", "pilot@sha256:0", "pilot:latest", "pilot:master", ""] {
            assert_eq!(release(image), None, "{image}");
        }
    }
}
