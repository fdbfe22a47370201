//! What would settle an open condition: one command that only reads.

use crate::mesh::istio;
use crate::snapshot::{Evidence, Need, Origin};
use crate::verdict::{Command, Side, SourcePod, Stage};
use crate::walk::{Condition, Walk};

use super::command;

/// The command that tells more of what is open; none where nothing can be named.
pub(super) fn settle(walk: &Walk, condition: &Condition) -> Command {
    match &condition.need {
        Some(Need::Object(kind, namespace, name)) => command::show(&super::object_ref(*kind, namespace, name, "")),
        Some(Need::Objects(kind, Some(namespace), _)) => command::list(namespace, kind.plural()),
        Some(Need::Objects(kind, None, _)) => command::list_all(kind.plural()),
        Some(Need::PodsAt(_)) => command::list_all("pods"),
        Some(Need::Destination(namespace, name)) => {
            let pod =
                SourcePod { namespace: namespace.clone(), name: name.clone(), proxy: Some(istio::PROXY.to_owned()) };
            command::admin(Some(&pod), "/config_dump")
        }
        Some(need) => command::admin(proxy(walk, side_of(need.origin())).as_ref(), &need.query()),
        None if condition.stage == Stage::Capture => {
            walk.request.source.as_ref().map(command::node_proxy).unwrap_or_default()
        }
        None if walk.has_no_source_proxy() && condition.side == Side::Source => Command::default(),
        None => command::admin(proxy(walk, condition.side).as_ref(), &query(condition.stage, &condition.subject)),
    }
}

/// The command that shows what a finding rests on; none where that is no proxy's.
pub(super) fn look(walk: &Walk, evidence: &Evidence) -> Command {
    match evidence.origin() {
        Origin::Source(_) | Origin::Destination(_) => {
            command::admin(proxy(walk, side_of(evidence.origin())).as_ref(), evidence.query())
        }
        Origin::Kubernetes | Origin::ControlPlane => Command::default(),
    }
}

/// The command that shows what a proxy has for a stage.
pub(super) fn look_at(walk: &Walk, side: Side, stage: Stage) -> Command {
    if walk.has_no_source_proxy() && side == Side::Source {
        return Command::default();
    }
    command::admin(proxy(walk, side).as_ref(), &query(stage, ""))
}

/// The command that shows the hosts of a cluster, as a proxy sees them.
pub(super) fn look_at_hosts(walk: &Walk, side: Side, cluster: &str) -> Command {
    if walk.has_no_source_proxy() && side == Side::Source {
        return Command::default();
    }
    let query = Need::Hosts(Origin::Source(0), cluster.to_owned()).query();
    command::admin(proxy(walk, side).as_ref(), &query)
}

fn side_of(origin: Origin) -> Side {
    match origin {
        Origin::Destination(_) => Side::Destination,
        Origin::Source(_) | Origin::Kubernetes | Origin::ControlPlane => Side::Source,
    }
}

/// What a filter did is told by its counters; what a listener or a route holds, by the dump.
fn query(stage: Stage, subject: &str) -> String {
    match stage {
        Stage::HttpFilters if subject.is_empty() => "/config_dump?resource=dynamic_listeners".to_owned(),
        Stage::HttpFilters => {
            // Envoy's own count under the last word of their names; a name that somebody gave is what it is.
            let own = subject.strip_prefix("envoy.").and_then(|name| name.rsplit(['.', '/']).next());
            let name = own.unwrap_or(subject);
            let plain = |c: &char| c.is_ascii_alphanumeric() || "_-.".contains(*c);
            format!("/stats?filter={}", name.chars().filter(plain).collect::<String>())
        }
        Stage::Request | Stage::Capture | Stage::Listener | Stage::FilterChain => {
            "/config_dump?resource=dynamic_listeners".to_owned()
        }
        Stage::Route => "/config_dump?resource=dynamic_route_configs".to_owned(),
        Stage::Cluster | Stage::Endpoints => "/clusters".to_owned(),
    }
}

/// The pod of a proxy, where it is known and is one of Istio's.
fn proxy(walk: &Walk, side: Side) -> Option<SourcePod> {
    match side {
        // Where only its node tells of it, it is one of Istio's.
        Side::Source if walk.has_no_source_proxy() => None,
        Side::Source => {
            let pod = walk.request.source.clone()?;
            let proxy = pod.proxy.clone().unwrap_or_else(|| istio::PROXY.to_owned());
            (proxy == istio::PROXY).then_some(SourcePod { proxy: Some(proxy), ..pod })
        }
        Side::Destination => {
            let visit = walk.branches.iter().find_map(|branch| branch.visit())?;
            let proxy = Some(istio::PROXY.to_owned());
            Some(SourcePod { namespace: visit.namespace.clone(), name: visit.name.clone(), proxy })
        }
    }
}
