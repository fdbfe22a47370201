//! A mesh as a value: what it means by names, ports, annotations and its own filters.
//!
//! Who walks a proxy asks the value, and names no mesh. What is the same in every mesh is no part of it.

use crate::envoy::codec::Spoken;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::snapshot::{Listening, Node};

use super::annotations::Annotations;
use super::kubernetes::service_of_host;
use super::node_id::NodeId;
use super::signs::Signs;

/// A mesh's conventions.
#[derive(Clone, Copy, Debug)]
pub struct Mesh {
    /// What it is called.
    pub name: &'static str,
    /// Whether a proxy is of it.
    pub(super) is_of: fn(&Signs) -> bool,
    /// The metadata of a node that has its release.
    pub(super) release: Option<&'static str>,
    /// How its proxies are known among a pod's containers.
    pub(super) sidecar: Sidecar,
    /// The listener that a pod's own connections are redirected to.
    pub(super) outbound: Door,
    /// The listener that connections to a pod are redirected to.
    pub(super) inbound: Door,
    /// Which connections a pod keeps from its proxy.
    pub annotations: Annotations,
    /// What its names mean.
    pub(super) names: Names,
    /// What its own filters do.
    pub(super) filters: Filters,
}

/// How a mesh's proxies speak mutual TLS to each other.
#[derive(Clone, Copy, Debug)]
pub struct Mutual {
    /// The protocols that are offered.
    pub offers: &'static [&'static str],
    /// The secret with a proxy's own certificate.
    pub certificate: &'static str,
}

/// Protocols that are offered in TLS, by the HTTP that a cluster's hosts are spoken to in.
pub type Offers = Vec<(Spoken, Vec<String>)>;

/// Which connections of a pod's are redirected to its proxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Redirected {
    /// Its own, to others.
    Outbound,
    /// Those of others, to it.
    Inbound,
}

/// A listener that redirected connections arrive at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Door {
    pub(super) port: u16,
    /// What it is called, which tells one mesh from another that has the same port.
    pub(super) name: &'static str,
}

/// A proxy among a pod's containers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sidecar {
    /// Names of the container.
    pub(super) containers: &'static [&'static str],
    /// Parts of its image's name.
    pub(super) images: &'static [&'static str],
}

/// What names mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    /// Who a proxy of this node id is.
    pub(super) node: fn(&str) -> Option<NodeId>,
    /// The host behind a cluster's name.
    pub(super) host_of_cluster: fn(&str) -> Option<String>,
    /// The cluster that has all hosts of the Service and port of which a cluster of this name has a part.
    pub(super) whole_host: fn(&str) -> Option<String>,
    /// The host that a route configuration of this name is of.
    pub(super) host_of_route_config: fn(&str) -> Option<&str>,
    /// The host that a filter chain of this name takes connections to.
    pub(super) host_of_chain: fn(&str) -> Option<String>,
    /// The port of a gateway's Service that a route configuration is named after.
    pub(super) port_of_route_config: fn(&str) -> Option<u16>,
    /// What a Service's port declares its protocol to be.
    pub(super) declared_protocol: fn(&Node) -> Option<String>,
}

/// What the mesh's own filters do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filters {
    /// Beginnings of the names of filter state that decides something.
    pub(super) state: &'static [&'static str],
    /// The same of filter state that tells of the connection's peer.
    pub(super) peer_state: &'static [&'static str],
    /// Names of metadata that they set on a request.
    pub(super) metadata: &'static [&'static str],
    /// Whether an upstream network filter, or its protocol options, of this name let all bytes pass.
    pub(super) passes_upstream: fn(&str) -> bool,
    /// How its proxies speak mutual TLS to each other; `None` where that is not known.
    pub(super) mutual: Option<Mutual>,
    /// What they offer B in TLS instead of the cluster's own list.
    pub(super) alpn_override: fn(&HttpConnectionManager) -> Offers,
    /// Whether a cluster's own list is offered all the same.
    pub(super) keeps_alpn: fn(&Node) -> bool,
}

impl Mesh {
    /// Whether a listener takes the connections that are redirected to a proxy.
    pub fn takes(&self, which: Redirected, listener: &Listening) -> bool {
        let door = match which {
            Redirected::Outbound => self.outbound,
            Redirected::Inbound => self.inbound,
        };
        listener.addresses.iter().any(|address| address.port() == door.port)
    }

    /// Whether a container is its proxy: by the container's name, or its image's.
    pub fn is_proxy(&self, container: &str, image: &str) -> bool {
        self.sidecar.containers.contains(&container) || self.sidecar.images.iter().any(|part| image.contains(part))
    }

    /// `istio 1.29.1`, as a proxy of it says of itself.
    pub fn release(&self, identity: &Node) -> Option<String> {
        let version = identity.at("node.metadata")?.text(self.release?)?;
        Some(self.shown(&version))
    }

    /// A build of nobody's release calls itself `unknown`.
    fn shown(&self, version: &str) -> String {
        if matches!(version, "" | "unknown") { self.name.to_owned() } else { format!("{} {version}", self.name) }
    }

    /// Who a proxy of this node id is; `None` where the mesh's ids do not say.
    pub fn node_id(&self, id: &str) -> Option<NodeId> {
        (self.names.node)(id)
    }

    /// The host behind a cluster's name.
    pub fn host_of_cluster(&self, name: &str) -> Option<String> {
        (self.names.host_of_cluster)(name)
    }

    /// The Kubernetes Service behind a cluster's name: namespace and name.
    pub fn service_of_cluster(&self, name: &str) -> Option<(String, String)> {
        service_of_host(&self.host_of_cluster(name)?)
    }

    /// The cluster that has all hosts of the Service and port of which a cluster of this name has a part; `None` where it
    /// has all of them, or its name does not say.
    pub fn whole_host(&self, name: &str) -> Option<String> {
        (self.names.whole_host)(name)
    }

    /// The host that a route configuration of this name is of.
    pub fn host_of_route_config<'a>(&self, name: &'a str) -> Option<&'a str> {
        (self.names.host_of_route_config)(name)
    }

    /// The host that a filter chain of this name takes connections to; `None` where its name does not say.
    pub fn host_of_chain(&self, name: &str) -> Option<String> {
        (self.names.host_of_chain)(name)
    }

    /// The port of a gateway's Service that a route configuration is named after.
    pub fn port_of_route_config(&self, name: &str) -> Option<u16> {
        (self.names.port_of_route_config)(name)
    }

    /// What a Service's port declares its protocol to be; `None` where it does not.
    pub fn declared_protocol(&self, port: &Node) -> Option<String> {
        (self.names.declared_protocol)(port)
    }

    /// Whether filter state of this name decides something in a filter of the mesh's.
    pub fn reads_state(&self, key: &str) -> bool {
        self.filters.state.iter().any(|start| key.starts_with(start))
    }

    /// Whether filter state of this name can come from the connection: what network filters know of the peer.
    pub fn keeps_peer_state(&self, key: &str) -> bool {
        self.filters.peer_state.iter().any(|start| key.starts_with(start))
    }

    /// Whether a filter of the mesh's sets metadata of this name on a request.
    pub fn sets_metadata(&self, name: &str) -> bool {
        self.filters.metadata.contains(&name)
    }

    /// Whether an upstream network filter, or its protocol options, of this name let all bytes pass.
    pub fn passes_upstream(&self, name: &str) -> bool {
        (self.filters.passes_upstream)(name)
    }

    /// How its proxies speak mutual TLS to each other; `None` where that is not known.
    pub fn mutual(&self) -> Option<Mutual> {
        self.filters.mutual
    }

    /// What is offered B in TLS instead of the cluster's own list.
    pub fn alpn_override(&self, manager: &HttpConnectionManager) -> Offers {
        (self.filters.alpn_override)(manager)
    }

    /// Whether a cluster's own list is offered whatever the mesh's filters would put in its place.
    pub fn keeps_alpn(&self, cluster: &Node) -> bool {
        (self.filters.keeps_alpn)(cluster)
    }
}

#[cfg(test)]
mod tests {
    use crate::mesh::istio;

    #[test]
    fn a_build_of_nobodys_release_has_no_version() {
        assert_eq!(istio::MESH.shown("1.29.1"), "istio 1.29.1");
        assert_eq!(istio::MESH.shown("unknown"), "istio");
    }
}
