//! A TCP proxy: bytes go to a cluster as they are.

use crate::envoy::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
use crate::envoy::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::ClusterSpecifier;
use crate::envoy::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::weighted_cluster::ClusterWeight;
use crate::snapshot::Node;
use crate::verdict::Stage;

use super::action::{self, merged};
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
    let criteria = action::criteria(proxy.metadata_match.as_ref());
    let choices = match &proxy.cluster_specifier {
        Some(ClusterSpecifier::Cluster(name)) => {
            vec![Choice { name: name.clone(), share: 1.0, at: node.get("cluster"), criteria }]
        }
        Some(ClusterSpecifier::WeightedClusters(weighted)) => {
            let total: u32 = weighted.clusters.iter().map(|c| c.weight).sum();
            let at = |i: usize| node.at("weighted_clusters.clusters")?.index(i)?.get("name");
            let choice = |(i, c): (usize, &ClusterWeight)| {
                let share = f64::from(c.weight) / f64::from(total.max(1));
                let criteria = merged(&criteria, action::criteria(c.metadata_match.as_ref()));
                Choice { name: c.name.clone(), share, at: at(i), criteria }
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
