//! Filters that ask a service of their own: what it says is not known, yet it may be that it cannot be asked.

use crate::snapshot::Node;
use crate::verdict::Power;
use crate::walk::way::stop::Stop;

use super::ask::{Answer, Ask, Effect, Reached};

/// How a filter is configured to ask, and what it does where nobody answers.
pub(super) struct Service {
    /// The cluster; empty where the service is named in another way.
    pub(super) cluster: String,
    /// What becomes of the request where the service cannot be asked.
    pub(super) unavailable: Unavailable,
    /// What the service can do.
    pub(super) powers: Vec<Power>,
    /// Who answers, in a few words.
    pub(super) by: &'static str,
    /// Its place in the configuration.
    pub(super) node: Node,
}

/// What becomes of a request where a filter's service cannot be asked.
pub(super) enum Unavailable {
    /// It goes on.
    Passes,
    /// It ends so.
    Ends(Stop),
}

impl Service {
    /// What the filter does.
    pub(super) fn effects(self, ask: &Ask) -> Vec<Effect> {
        let Self { cluster, unavailable, powers, by, node } = self;
        let reached = if cluster.is_empty() { Reached::Perhaps } else { (ask.chain.reach)(&cluster) };
        match (reached, unavailable) {
            (Reached::Perhaps, _) => {
                let why = format!("what the {by} says to HTTP filter {} is not known", ask.filter.name);
                vec![Effect::Open(powers, why)]
            }
            (Reached::Never(_), Unavailable::Passes) => Vec::new(),
            (Reached::Never(stop), Unavailable::Ends(ends)) => {
                let note = format!("its {by} cannot be asked, cluster {cluster}: {}", stop.words());
                vec![Answer::to_all(ends, by, note, node)]
            }
        }
    }
}

/// The cluster of a gRPC service.
pub(super) fn grpc_cluster(node: &Node) -> Option<String> {
    node.at("grpc_service.envoy_grpc")?.text("cluster_name")
}

/// Whether a field says so.
pub(super) fn is_set(node: &Node, field: &str) -> bool {
    node.get(field).is_some_and(|value| value.value().as_bool() == Some(true))
}

/// A status that a filter is configured to answer with.
pub(super) fn status_at(node: &Node, field: &str) -> Option<u16> {
    let code = node.get(field)?.get("code")?;
    let named = |name: &str| match name {
        "Unauthorized" => Some(401),
        "Forbidden" => Some(403),
        "TooManyRequests" => Some(429),
        "InternalServerError" => Some(500),
        "BadGateway" => Some(502),
        "ServiceUnavailable" => Some(503),
        "GatewayTimeout" => Some(504),
        _ => None,
    };
    let number = code.value().as_u64().and_then(|number| u16::try_from(number).ok());
    number.or_else(|| code.value().as_str().and_then(named))
}
