//! The kinds of Kubernetes objects that are ever read.

/// A kind of object, with what the API server needs to find it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "Kubernetes' and Istio's own names")]
pub enum Kind {
    Pod,
    Service,
    EndpointSlice,
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    Job,
    VirtualService,
    DestinationRule,
    ServiceEntry,
    Sidecar,
    Gateway,
    /// The `Gateway` of the Gateway API; the other is Istio's.
    KubeGateway,
    GatewayClass,
    HttpRoute,
    GrpcRoute,
    TcpRoute,
    TlsRoute,
    ReferenceGrant,
    EnvoyFilter,
    PeerAuthentication,
    AuthorizationPolicy,
    RequestAuthentication,
    NetworkPolicy,
}

/// Name, API group (empty for the core group), version, plural.
type Row = (Kind, &'static str, &'static str, &'static str, &'static str);

static ROWS: &[Row] = &[
    (Kind::Pod, "Pod", "", "v1", "pods"),
    (Kind::Service, "Service", "", "v1", "services"),
    (Kind::EndpointSlice, "EndpointSlice", "discovery.k8s.io", "v1", "endpointslices"),
    (Kind::Deployment, "Deployment", "apps", "v1", "deployments"),
    (Kind::ReplicaSet, "ReplicaSet", "apps", "v1", "replicasets"),
    (Kind::StatefulSet, "StatefulSet", "apps", "v1", "statefulsets"),
    (Kind::DaemonSet, "DaemonSet", "apps", "v1", "daemonsets"),
    (Kind::Job, "Job", "batch", "v1", "jobs"),
    (Kind::VirtualService, "VirtualService", "networking.istio.io", "v1", "virtualservices"),
    (Kind::DestinationRule, "DestinationRule", "networking.istio.io", "v1", "destinationrules"),
    (Kind::ServiceEntry, "ServiceEntry", "networking.istio.io", "v1", "serviceentries"),
    (Kind::Sidecar, "Sidecar", "networking.istio.io", "v1", "sidecars"),
    (Kind::Gateway, "Gateway", "networking.istio.io", "v1", "gateways"),
    (Kind::KubeGateway, "Gateway", "gateway.networking.k8s.io", "v1", "gateways"),
    (Kind::GatewayClass, "GatewayClass", "gateway.networking.k8s.io", "v1", "gatewayclasses"),
    (Kind::HttpRoute, "HTTPRoute", "gateway.networking.k8s.io", "v1", "httproutes"),
    (Kind::GrpcRoute, "GRPCRoute", "gateway.networking.k8s.io", "v1", "grpcroutes"),
    (Kind::TcpRoute, "TCPRoute", "gateway.networking.k8s.io", "v1", "tcproutes"),
    (Kind::TlsRoute, "TLSRoute", "gateway.networking.k8s.io", "v1", "tlsroutes"),
    (Kind::ReferenceGrant, "ReferenceGrant", "gateway.networking.k8s.io", "v1beta1", "referencegrants"),
    (Kind::EnvoyFilter, "EnvoyFilter", "networking.istio.io", "v1alpha3", "envoyfilters"),
    (Kind::PeerAuthentication, "PeerAuthentication", "security.istio.io", "v1", "peerauthentications"),
    (Kind::AuthorizationPolicy, "AuthorizationPolicy", "security.istio.io", "v1", "authorizationpolicies"),
    (Kind::RequestAuthentication, "RequestAuthentication", "security.istio.io", "v1", "requestauthentications"),
    (Kind::NetworkPolicy, "NetworkPolicy", "networking.k8s.io", "v1", "networkpolicies"),
];

impl Kind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.0)
    }

    /// As in an object's `kind`.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The API group; empty for the core group.
    pub fn group(self) -> &'static str {
        self.row().2
    }

    /// As in an object's `apiVersion`.
    pub fn api_version(self) -> String {
        let (_, _, group, version, _) = self.row();
        if group.is_empty() { (*version).to_owned() } else { format!("{group}/{version}") }
    }

    /// As in an API path, and as kubectl takes it.
    pub fn plural(self) -> &'static str {
        self.row().4
    }

    /// The API path of a list: of one namespace, or of all.
    pub fn path(self, namespace: Option<&str>) -> String {
        let root = if self.group().is_empty() { "/api" } else { "/apis" };
        let version = self.api_version();
        let scope = namespace.map(|n| format!("/namespaces/{n}")).unwrap_or_default();
        format!("{root}/{version}{scope}/{}", self.plural())
    }

    /// The kind of an object with this `kind` and `apiVersion` (any version of the group).
    pub fn of(kind: &str, api_version: &str) -> Option<Self> {
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        ROWS.iter().find(|row| row.1 == kind && row.2 == group).map(|row| row.0)
    }

    /// The kind behind a kebab-case name, as in Istio's metadata: `destination-rule`.
    pub fn of_kebab(name: &str) -> Option<Self> {
        let flat = name.replace('-', "");
        ROWS.iter().find(|row| row.1.eq_ignore_ascii_case(&flat)).map(|row| row.0)
    }

    fn row(self) -> &'static Row {
        ROWS.iter().find(|row| row.0 == self).unwrap_or(&ROWS[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_row() {
        for kind in Kind::all() {
            assert_eq!(kind.row().0, kind);
            assert_eq!(Kind::of(kind.name(), &kind.api_version()), Some(kind));
        }
    }

    #[test]
    fn paths_are_those_of_the_api_server() {
        assert_eq!(Kind::Pod.path(Some("shop")), "/api/v1/namespaces/shop/pods");
        assert_eq!(Kind::Sidecar.path(None), "/apis/networking.istio.io/v1/sidecars");
        assert_eq!(Kind::of_kebab("virtual-service"), Some(Kind::VirtualService));
    }
}
