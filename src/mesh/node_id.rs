//! Who a proxy is, where its mesh's node ids say so.

/// Who a proxy is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeId {
    /// A gateway rather than a sidecar.
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
