//! A TCP proxy: bytes go to a cluster as they are.

use crate::envoy::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
use crate::envoy::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::ClusterSpecifier;
use crate::snapshot::Node;
use crate::verdict::Stage;

use super::cluster::{self, Choice, Proto};
use super::http::unknown;
use super::network_filters;
use super::path::Path;
use super::request::Dial;
use super::walker::Walker;

const TCP_PROXY: &str = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";

/// Walks a TCP proxy.
pub(super) fn walk(walker: &Walker, path: &mut Path, proxy: &TcpProxy, node: &Node, dial: &Dial) {
    if let Some(what) = Walker::unmodeled(node, TCP_PROXY, &[]) {
        return unknown(walker, path, Stage::Cluster, "", &what);
    }
    let choices = match &proxy.cluster_specifier {
        Some(ClusterSpecifier::Cluster(name)) => {
            vec![Choice { name: name.clone(), share: 1.0, at: node.get("cluster") }]
        }
        Some(ClusterSpecifier::WeightedClusters(weighted)) => {
            let total: u32 = weighted.clusters.iter().map(|c| c.weight).sum();
            let at = |i: usize| node.at("weighted_clusters.clusters")?.index(i)?.get("name");
            let choice = |(i, c): (usize, &_)| -> Choice {
                let c: &crate::envoy::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::weighted_cluster::ClusterWeight = c;
                Choice { name: c.name.clone(), share: f64::from(c.weight) / f64::from(total.max(1)), at: at(i) }
            };
            weighted.clusters.iter().enumerate().filter(|(_, c)| c.weight > 0).map(choice).collect()
        }
        None => {
            return unknown(walker, path, Stage::Cluster, "", "the TCP proxy's cluster specifier is not modeled");
        }
    };
    cluster::walk(walker, path, &choices, Proto::Tcp, dial, 1.0);
    network_filters::settle(path);
}
