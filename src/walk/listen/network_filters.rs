//! The network filters before the one that ends a chain.

use crate::envoy::any::JsonAny;
use crate::envoy::pb::envoy::extensions::filters::network::rbac::v3::Rbac;
use crate::envoy::rbac::Judgment;
use crate::snapshot::Node;
use crate::verdict::{Mark, Outcome, Stage};

use crate::walk::dial::resolve::Dial;
use crate::walk::way::access::{ground, judge, words};
use crate::walk::way::path::{End, Path};
use crate::walk::way::stop::{RequestKind, Stop};
use crate::walk::way::walker::Walker;

const RBAC: &str = "envoy.extensions.filters.network.rbac.v3.RBAC";

/// What a network filter does to the connection.
pub(in crate::walk) enum Passage {
    /// Passes it on.
    Passes,
    /// Closes it when its first byte comes.
    Closes(Denial),
    /// Could do anything.
    Unknown(String),
    /// Is none of those that are known here.
    Unmodeled,
}

/// A connection that a filter closes.
#[derive(Clone, Debug)]
pub(in crate::walk) struct Denial {
    filter: String,
    policy: Option<String>,
    /// The policy, or the rules.
    node: Node,
}

/// What the filter of this type does.
pub(in crate::walk) fn passage(walker: &Walker, dial: &Dial, name: &str, any: &JsonAny, at: &Node) -> Passage {
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
            Passage::Closes(Denial { filter: name.to_owned(), policy, node })
        }
        Judgment::Unknown(why) => {
            Passage::Unknown(format!("whether access control lets the connection through: {why}"))
        }
    }
}

/// The connection ends here, where HTTP would have begun.
pub(in crate::walk) fn close(path: &mut Path, denial: Denial) {
    row(path, &denial);
    path.leg(1.0, "", Stage::FilterChain, End::Stopped(Stop::ConnectionDenied(denial.policy)));
}

/// A TCP proxy chooses and connects to a host as soon as the connection is there. Access control looks when the first
/// byte is read, and that is once the host is connected: only then is anything left to close.
pub(in crate::walk) fn settle(path: &mut Path) {
    let Some(denial) = path.denied.take() else { return };
    let stop = Stop::ConnectionDenied(denial.policy.clone());
    for leg in path.legs.iter_mut().filter(|leg| leg.end == End::HandedOver) {
        (leg.end, leg.stage) = (End::Stopped(stop.clone()), Stage::FilterChain);
    }
    for choice in path.decision.clusters.iter_mut().filter(|choice| choice.outcome == Outcome::Reaches) {
        (choice.outcome, choice.response) = (Outcome::Fails, Some(stop.response(RequestKind::Plain)));
    }
    if path.legs.iter().any(|leg| leg.end == End::Stopped(stop.clone())) {
        row(path, &denial);
    }
}

fn row(path: &mut Path, denial: &Denial) {
    let note = words(denial.policy.as_deref(), "connection");
    path.step(Stage::FilterChain, Mark::Stopped, &denial.filter, &note, vec![denial.node.evidence()]);
    path.trail.denial = Some(denial.node.clone());
}
