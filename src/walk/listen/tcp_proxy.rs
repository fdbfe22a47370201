//! A TCP proxy: bytes go to a cluster as they are.

use crate::envoy::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
use crate::envoy::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::ClusterSpecifier;
use crate::envoy::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::weighted_cluster::ClusterWeight;
use crate::snapshot::Node;
use crate::verdict::{Power, Stage};
use crate::walk::way::course::Told;
use crate::walk::way::criteria::{criteria, merged};
use crate::walk::way::forwarded::{Choice, Forwarded, Handed, Over, Wire};
use crate::walk::way::guard::Condition;
use crate::walk::way::log::Row;
use crate::walk::way::stop::{Form, Stop};
use crate::walk::way::walker::Walker;

const TCP_PROXY: &str = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";

/// Where a TCP proxy sends the connection. `named` is the cluster that a filter before it chose.
pub(in crate::walk) fn forward(proxy: &TcpProxy, node: &Node, named: Option<&str>) -> Told<Forwarded> {
    let unmodeled = Walker::unmodeled(node, TCP_PROXY, &[]);
    let powers = [Power::Refuse, Power::Rewrite];
    let condition = unmodeled.map(|why| Condition::of(Stage::Cluster, "TCP proxy", &powers, &why));
    let Some(choices) = choices(proxy, node, named) else {
        let why = "the TCP proxy's cluster specifier is not modeled";
        let open = Told::open(Condition::withheld(Stage::Cluster, "TCP proxy", why));
        return open.row(Row::unknown(Stage::Cluster, "", why)).under(condition);
    };
    Told::goes(Forwarded { choices, wire: Wire::Tcp, over: Over::Bytes }).under(condition)
}

fn choices(proxy: &TcpProxy, node: &Node, named: Option<&str>) -> Option<Vec<Choice>> {
    let criteria = criteria(proxy.metadata_match.as_ref());
    if let Some(name) = named {
        return Some(vec![Choice { criteria, ..Choice::of(name.to_owned(), None) }]);
    }
    match proxy.cluster_specifier.as_ref()? {
        ClusterSpecifier::Cluster(name) => {
            Some(vec![Choice { criteria, ..Choice::of(name.clone(), node.get("cluster")) }])
        }
        ClusterSpecifier::WeightedClusters(weighted) => {
            let total = weighted.clusters.iter().fold(0, |total: u32, c| total.saturating_add(c.weight));
            let list = node.at("weighted_clusters.clusters");
            let at = |i: usize| list.as_ref()?.index(i)?.get("name");
            let choice = |(i, c): (usize, &ClusterWeight)| {
                let share = f64::from(c.weight) / f64::from(total.max(1));
                let criteria = merged(&criteria, crate::walk::way::criteria::criteria(c.metadata_match.as_ref()));
                Choice { share, criteria, ..Choice::of(c.name.clone(), at(i)) }
            };
            Some(weighted.clusters.iter().enumerate().filter(|(_, c)| c.weight > 0).map(choice).collect())
        }
    }
}

/// Whether a connection that fails draws its cluster again, or only its host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::walk) enum Again {
    /// The cluster too.
    Cluster,
    /// Only the host.
    Host,
}

/// What a further attempt draws (`max_connect_attempts`).
pub(in crate::walk) fn draws_again(proxy: &TcpProxy, forwarded: &Forwarded) -> Again {
    let tries = proxy.max_connect_attempts.as_ref().is_some_and(|n| n.value > 1);
    if tries && forwarded.choices.len() > 1 { Again::Cluster } else { Again::Host }
}

/// Where a connection fails and another attempt is left, which cluster that draws is open.
pub(in crate::walk) fn drawn_again(told: Told<Handed>, again: Again) -> Told<Handed> {
    let fails = |stop: &Stop| matches!(stop, Stop::ConnectFailure(Form::Tcp) | Stop::NoWaiting);
    if again == Again::Host || !told.ends_with(&fails) {
        return told;
    }
    let why = "which cluster the next attempt to connect draws (`max_connect_attempts`)";
    let condition = Condition::withheld(Stage::Cluster, "TCP proxy", why);
    told.under([condition.provided_that("no attempt is made again")])
}
