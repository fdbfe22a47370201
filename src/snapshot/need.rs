//! The questions that a walk or a finding would like answered, each with one canonical query.

use std::fmt;
use std::net::IpAddr;

use super::kind::Kind;

/// One of the proxies that are read: A's, or one of B's.
///
/// The number counts pods of that side, from 0: the first is `source/` or `destination/` in a saved snapshot,
/// the next `source-2/`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Origin {
    /// The admin endpoint of A's proxy.
    Source(u8),
    /// The admin endpoint of a proxy of B's.
    Destination(u8),
    /// The Kubernetes API server.
    Kubernetes,
    /// The mesh's control plane.
    ControlPlane,
}

impl Origin {
    /// The word of `evidence[].from`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Source(_) => "source",
            Self::Destination(_) => "destination",
            Self::Kubernetes => "kubernetes",
            Self::ControlPlane => "control-plane",
        }
    }
}

/// Something that would have to be read. A closed set: collect answers each of them, and nothing else.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Need {
    /// The active listeners of a proxy and their addresses.
    Listeners(Origin),
    /// One listener by name, in every state.
    Listener(Origin, String),
    /// One route configuration that was delivered by RDS, by name.
    RouteConfig(Origin, String),
    /// One cluster by name, in every state.
    Cluster(Origin, String),
    /// All clusters whose name ends so: the subsets and ports of one host.
    ClustersOfHost(Origin, String),
    /// The hosts of one cluster as the proxy sees them now.
    Hosts(Origin, String),
    /// The endpoints that were assigned to a cluster, by the name of the assignment.
    Endpoints(Origin, String),
    /// A secret by name, without what is private of it: a certificate, or what certificates are held against.
    Secret(Origin, String),
    /// A filter's configuration that came by itself (ECDS), by name.
    Extension(Origin, String),
    /// The scopes of route configurations (SRDS), by the name that a connection manager has for them.
    Scopes(Origin, String),
    /// The proxy's version and node.
    Identity(Origin),
    /// When a listener, route configuration or cluster was last updated: it is asked for twice, to see it unmoved.
    LastUpdated(Box<Need>),
    /// Runtime values that override the configuration.
    Runtime(Origin),
    /// What a proxy tells its control plane of itself, and where that is.
    Metadata(Origin),
    /// What a proxy counts of its control plane: connections, requests, updates that it refused.
    Stats(Origin),
    /// What was sent to the proxies of a namespace, and what of it they took, as pods of the control plane know it: the
    /// namespace; then namespace and name of each of these pods.
    Sync(String, Vec<(String, String)>),
    /// Whether something in a pod accepts connections on loopback: namespace, name and port. It is asked only where the user
    /// said that it may be.
    Probe(String, String, u16),
    /// A pod of B's, whose proxy is then to be read: namespace and name.
    Destination(String, String),
    /// One Kubernetes object: kind, namespace, name.
    Object(Kind, String, String),
    /// The objects of a kind: namespace (all when `None`) and labels that they must carry (all when empty).
    Objects(Kind, Option<String>, Vec<(String, String)>),
    /// The pods that have this address, in whatever namespace.
    PodsAt(IpAddr),
}

impl Need {
    /// Who can answer.
    pub fn origin(&self) -> Origin {
        match self {
            Self::Listeners(origin)
            | Self::Listener(origin, _)
            | Self::RouteConfig(origin, _)
            | Self::Cluster(origin, _)
            | Self::ClustersOfHost(origin, _)
            | Self::Hosts(origin, _)
            | Self::Endpoints(origin, _)
            | Self::Secret(origin, _)
            | Self::Extension(origin, _)
            | Self::Scopes(origin, _)
            | Self::Identity(origin)
            | Self::Runtime(origin)
            | Self::Metadata(origin)
            | Self::Stats(origin) => *origin,
            Self::Sync(..) => Origin::ControlPlane,
            Self::LastUpdated(need) => need.origin(),
            Self::Probe(..) | Self::Destination(..) | Self::Object(..) | Self::Objects(..) | Self::PodsAt(_) => {
                Origin::Kubernetes
            }
        }
    }

    /// The canonical query: an admin path, or an API path as `kubectl get --raw` takes it. Not percent-encoded.
    pub fn query(&self) -> String {
        match self {
            Self::Listeners(_) => "/listeners?format=json".to_owned(),
            Self::Listener(_, name) => config_dump("dynamic_listeners,static_listeners", name),
            Self::RouteConfig(_, name) => config_dump("dynamic_route_configs", name),
            Self::Cluster(_, name) => config_dump(CLUSTER_FIELDS, name),
            Self::ClustersOfHost(_, host) => {
                format!("/config_dump?mask={CLUSTER_FIELDS}&name_regex=.*\\|{}", re2_literal(host))
            }
            Self::Hosts(_, name) => format!("/clusters?format=json&filter=^{}$", re2_literal(name)),
            Self::Endpoints(_, name) => {
                format!(
                    "/config_dump?include_eds&mask=dynamic_endpoint_configs,static_endpoint_configs&name_regex=^{}$",
                    re2_literal(name)
                )
            }
            // `/certs` would say the same once for each cluster, megabytes in a big mesh, and names no secret.
            Self::Secret(_, name) => config_dump("dynamic_active_secrets,static_secrets", name),
            Self::Extension(_, name) => config_dump("ecds_filters", name),
            Self::Scopes(_, name) => config_dump("inline_scoped_route_configs,dynamic_scoped_route_configs", name),
            // `/server_info` would say the same, in 130 KB: it lists every extension.
            Self::Identity(_) => {
                "/config_dump?mask=bootstrap.node.id,bootstrap.node.user_agent_build_version".to_owned()
            }
            Self::LastUpdated(need) => last_updated(need),
            Self::Runtime(_) => "/runtime".to_owned(),
            Self::Metadata(_) => "/config_dump?mask=bootstrap.node.metadata".to_owned(),
            Self::Stats(_) => STATS.to_owned(),
            Self::Sync(namespace, _) => format!("{SYNC}?namespace={namespace}"),
            Self::Destination(namespace, name) => {
                format!("{}/{name}/portforward", Kind::Pod.path(Some(namespace)))
            }
            Self::Probe(namespace, name, port) => {
                format!("{}/{name}/portforward?ports={port}", Kind::Pod.path(Some(namespace)))
            }
            Self::Object(kind, namespace, name) => format!("{}/{name}", kind.path(Some(namespace))),
            Self::Objects(kind, namespace, labels) => {
                let path = kind.path(namespace.as_deref());
                if labels.is_empty() { path } else { format!("{path}?labelSelector={}", selector(labels)) }
            }
            Self::PodsAt(ip) => format!("{}?fieldSelector=status.podIP={ip}", Kind::Pod.path(None)),
        }
    }

    /// What the answer would decide, for the line that says it was not read.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Listeners(_) => "which listener takes the connection",
            Self::Listener(..) => "which filter chain takes the connection",
            Self::RouteConfig(..) => "which route the request takes",
            Self::Cluster(..) => "whether the cluster exists and how it balances",
            Self::ClustersOfHost(..) => "which subsets and ports there are",
            Self::Hosts(..) => "which hosts the cluster has and their health",
            Self::Endpoints(..) => "the metadata of the cluster's endpoints",
            Self::Secret(..) => "whether each side takes the other's certificate",
            Self::Extension(..) => "what a filter that is delivered by itself does",
            Self::Scopes(..) => "which route configuration counts for the request",
            Self::Identity(_) => "which Envoy version decides",
            Self::LastUpdated(_) => "whether it moved while it was read",
            Self::Runtime(_) => "whether runtime values override the configuration",
            Self::Metadata(_) => "where the proxy's control plane is",
            Self::Stats(_) => "whether the proxy is connected to its control plane",
            Self::Sync(..) => "whether the proxy has what its control plane sent",
            Self::Probe(..) => "whether the application listens",
            Self::Destination(..) => "what B's proxy makes of the request",
            Self::Object(..) | Self::Objects(..) => "what Kubernetes says of it",
            Self::PodsAt(_) => "which pod it is that takes the request",
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listeners(_) => f.write_str("the listeners"),
            Self::Listener(_, name) => write!(f, "listener {name}"),
            Self::RouteConfig(_, name) => write!(f, "route configuration {name}"),
            Self::Cluster(_, name) => write!(f, "cluster {name}"),
            Self::ClustersOfHost(_, host) => write!(f, "the clusters of {host}"),
            Self::Hosts(_, name) => write!(f, "the hosts of {name}"),
            Self::Endpoints(_, name) => write!(f, "the endpoints of {name}"),
            Self::Secret(_, name) => write!(f, "secret {name}"),
            Self::Extension(_, name) => write!(f, "extension {name}"),
            Self::Scopes(_, name) => write!(f, "the scopes {name}"),
            Self::Identity(_) => f.write_str("the proxy's version"),
            Self::LastUpdated(need) => write!(f, "the last update of {need}"),
            Self::Runtime(_) => f.write_str("the proxy's runtime values"),
            Self::Metadata(_) => f.write_str("the proxy's metadata"),
            Self::Stats(_) => f.write_str("what the proxy counts of its control plane"),
            Self::Sync(namespace, _) => write!(f, "what was sent to the proxies of namespace {namespace}"),
            Self::Probe(namespace, name, port) => write!(f, "port {port} of pod {namespace}/{name}"),
            Self::Destination(namespace, name) => write!(f, "the proxy of pod {namespace}/{name}"),
            Self::Object(kind, namespace, name) => write!(f, "{} {namespace}/{name}", kind.name()),
            Self::Objects(kind, Some(namespace), _) => write!(f, "the {} of namespace {namespace}", kind.plural()),
            Self::Objects(kind, None, _) => write!(f, "the {} of all namespaces", kind.plural()),
            Self::PodsAt(ip) => write!(f, "the pod at {ip}"),
        }
    }
}

/// Where istiod says which proxies have what it sent; `pilot/pkg/xds/debug.go`. It takes a namespace.
pub(super) const SYNC: &str = "/debug/syncz";

/// What a proxy counts of its control plane: whether a stream of xDS is there (`control_plane.connected_state`, which
/// Istio leaves out), the connections and streams to Istio's agent, and the updates that were refused.
pub(super) const STATS: &str = "/stats?format=json&filter=^(control_plane\\.connected_state|cluster\\.xds-grpc;?\\.\
     upstream_(cx|rq)_active|cluster_manager\\.cds\\.update_rejected|listener_manager\\.lds\\.update_rejected)$";

/// The states that a cluster can be in, each a list of the clusters section.
const CLUSTER_FIELDS: &str = "dynamic_active_clusters,static_clusters,dynamic_warming_clusters";

/// A part of the dump: the lists of `fields`, and in them what has just this name. Sections that have no such
/// list are left out of the answer (verified on 1.40.0).
fn config_dump(fields: &str, name: &str) -> String {
    format!("/config_dump?mask={fields}&name_regex=^{}$", re2_literal(name))
}

/// A few bytes that change when the thing does (verified on 1.36 and 1.40).
fn last_updated(need: &Need) -> String {
    let (field, mask, name) = match need {
        Need::Listener(_, name) => ("dynamic_listeners", "active_state.last_updated", name.as_str()),
        Need::RouteConfig(_, name) => ("dynamic_route_configs", "last_updated", name.as_str()),
        Need::Cluster(_, name) => ("dynamic_active_clusters", "last_updated", name.as_str()),
        Need::Listeners(_)
        | Need::ClustersOfHost(..)
        | Need::Hosts(..)
        | Need::Endpoints(..)
        | Need::Secret(..)
        | Need::Extension(..)
        | Need::Scopes(..)
        | Need::Identity(_)
        | Need::LastUpdated(_)
        | Need::Runtime(_)
        | Need::Metadata(_)
        | Need::Stats(_)
        | Need::Sync(..)
        | Need::Probe(..)
        | Need::Destination(..)
        | Need::Object(..)
        | Need::Objects(..)
        | Need::PodsAt(_) => return need.query(),
    };
    format!("/config_dump?resource={field}&mask={mask}&name_regex=^{}$", re2_literal(name))
}

/// `key=value` pairs as a label selector.
pub(super) fn selector(labels: &[(String, String)]) -> String {
    labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")
}

/// Text as an RE2 pattern that matches just it.
fn re2_literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
