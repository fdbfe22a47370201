//! A TCP proxy: bytes go to a cluster as they are.

use crate::envoy::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
use crate::envoy::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::ClusterSpecifier;
use crate::envoy::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::weighted_cluster::ClusterWeight;
use crate::snapshot::Node;
use crate::verdict::{Outcome, Stage};

use crate::walk::dial::resolve::Dial;
use crate::walk::http::action::{self, merged};
use crate::walk::http::manager::unknown;
use crate::walk::listen::network_filters;
use crate::walk::upstream::cluster::{self, Choice, Proto};
use crate::walk::way::path::{End, Path};
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

const TCP_PROXY: &str = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";

/// Walks a TCP proxy.
pub(in crate::walk) fn walk(walker: &Walker, path: &mut Path, proxy: &TcpProxy, node: &Node, dial: &Dial) {
    if let Some(what) = Walker::unmodeled(node, TCP_PROXY, &[]) {
        return unknown(walker, path, Stage::Cluster, "", &what);
    }
    let criteria = action::criteria(proxy.metadata_match.as_ref());
    let choices = match &proxy.cluster_specifier {
        _ if path.cluster.is_some() => {
            let name = path.cluster.take().unwrap_or_default();
            vec![Choice { name, share: 1.0, at: None, criteria }]
        }
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
    if proxy.max_connect_attempts.as_ref().is_some_and(|n| n.value > 1) && choices.len() > 1 {
        drawn_again(walker, path);
    }
    network_filters::settle(path);
}

/// Where a connection fails and another attempt is left, the cluster is drawn again, not only the host.
fn drawn_again(walker: &Walker, path: &mut Path) {
    let fails = |end: &End| matches!(end, End::Stopped(Stop::TcpConnectFailure | Stop::TcpNoWaiting));
    if path.legs.iter().any(|leg| fails(&leg.end)) {
        walker.unchecked("which cluster the next attempt to connect draws (`max_connect_attempts`)".to_owned());
        path.legs.iter_mut().for_each(|leg| leg.end = End::Unknown);
        path.decision.clusters.iter_mut().for_each(|c| (c.outcome, c.response) = (Outcome::Unknown, None));
    }
}
