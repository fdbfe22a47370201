//! The network filters before the one that ends a chain.

use crate::envoy::any::JsonAny;
use crate::envoy::pb::envoy::extensions::filters::network::rbac::v3::Rbac;
use crate::envoy::rbac::Judgment;
use crate::snapshot::Node;
use crate::verdict::{Mark, Stage};

use super::path::{End, Path};
use super::rbac::{ground, judge, words};
use super::request::Dial;
use super::stop::Stop;
use super::walker::Walker;

const RBAC: &str = "envoy.extensions.filters.network.rbac.v3.RBAC";

/// What a network filter does to the connection.
pub(super) enum Passage {
    /// Passes it on.
    Passes,
    /// Ended the path: the connection is closed.
    Closed,
    /// Could do anything.
    Unknown(String),
    /// Is none of those that are known here.
    Unmodeled,
}

/// What the filter of this type does.
pub(super) fn passage(walker: &Walker, path: &mut Path, dial: &Dial, name: &str, any: &JsonAny, at: &Node) -> Passage {
    if any.type_name != RBAC {
        return Passage::Unmodeled;
    }
    let config: Rbac = match any.unpack() {
        Ok(config) => config,
        Err(why) => return Passage::Unknown(format!("network filter {name} could not be read: {why}")),
    };
    if let Some(what) = Walker::unmodeled(at, RBAC, &["rules"]) {
        return Passage::Unknown(what);
    }
    let (Some(rules), Some(node)) = (&config.rules, at.get("rules")) else {
        return Passage::Passes;
    };
    match judge(walker, dial, rules, &node, None) {
        Judgment::Allowed => Passage::Passes,
        Judgment::Denied(policy) => {
            let node = ground(&node, policy.as_deref());
            let note = words(policy.as_deref(), "connection");
            path.step(Stage::FilterChain, Mark::Stopped, name, &note, vec![node.evidence()]);
            path.trail.denial = Some(node);
            path.leg(1.0, "", Stage::FilterChain, End::Stopped(Stop::ConnectionDenied(policy)));
            Passage::Closed
        }
        Judgment::Unknown(why) => {
            Passage::Unknown(format!("whether access control lets the connection through: {why}"))
        }
    }
}
