//! What was met on a way through one proxy, for those who explain it.

use std::sync::Arc;

use crate::snapshot::{Evidence, Node, RouteTable};
use crate::verdict::Side;

use super::log::{Entry, Fact};
use super::met::{ClusterTrail, Missed};

/// What was met on the way through one proxy.
#[derive(Clone, Default, Debug)]
pub struct Trail {
    /// B's Service, where B is one.
    pub service: Option<Node>,
    /// The listener.
    pub listener: Option<Node>,
    /// The filter chain.
    pub filter_chain: Option<Node>,
    /// The route configuration.
    pub route_config: Option<Arc<RouteTable>>,
    /// The virtual host without its routes.
    pub virtual_host: Option<Node>,
    /// The route that was taken.
    pub route: Option<Node>,
    /// Where no route took the request: the one that came nearest.
    pub missed: Option<Missed>,
    /// The fault filter's configuration that applies.
    pub fault: Option<Node>,
    /// What a filter's own answer rests on: a policy, rules, a requirement.
    pub denial: Option<Node>,
    /// The cluster.
    pub cluster: Option<Arc<ClusterTrail>>,
    /// The names of the virtual hosts or Services near the one that was asked for.
    pub near: Vec<String>,
    /// Where it was proved that the thing which ended the walk is not there.
    pub absence: Vec<Evidence>,
}

impl Trail {
    /// What a log says of one side.
    pub(in crate::walk) fn of(log: &[Arc<Entry>], side: Side) -> Self {
        let mut trail = Self::default();
        log.iter().filter(|entry| entry.side == side).for_each(|entry| trail.meet(&entry.fact));
        trail
    }

    fn meet(&mut self, fact: &Fact) {
        match fact {
            Fact::Service(node) => self.service = Some(node.clone()),
            Fact::Near(names) => self.near.clone_from(names),
            Fact::Absence(proof) => self.absence.extend(proof.iter().cloned()),
            Fact::Listener(_, node) => self.listener = Some(node.clone()),
            Fact::FilterChain(_, node) => self.filter_chain = Some(node.clone()),
            Fact::RouteConfig(table) => self.route_config = Some(Arc::clone(table)),
            Fact::VirtualHost(_, node) => self.virtual_host = Some(node.clone()),
            Fact::Route(route) => self.route = Some(route.node.clone()),
            Fact::Missed(missed) => self.missed = Some((**missed).clone()),
            Fact::Fault(node) => self.fault = Some(node.clone()),
            Fact::Denial(node) => self.denial = Some(node.clone()),
            Fact::Cluster(cluster) => self.cluster = Some(Arc::clone(cluster)),
            Fact::Row(_)
            | Fact::More(_)
            | Fact::Leaves
            | Fact::Apart(_)
            | Fact::RouteConfigName(_)
            | Fact::Delayed
            | Fact::Cached
            | Fact::Filtered
            | Fact::Replies(_)
            | Fact::HandedOver
            | Fact::Unsettled { .. }
            | Fact::Pod(_)
            | Fact::Repairable(..)
            | Fact::Repaired(..)
            | Fact::Ended(_) => {}
        }
    }
}
