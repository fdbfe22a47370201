//! The rules of a `VirtualService` that hand a request on to another one.

use super::{Case, is_host};
use crate::envoy::domains::without_port;
use crate::mesh::istio::delegates::takes_path;
use crate::snapshot::{Kind, Node};
use crate::walk::Stop;

/// A rule that delegates a request which no route takes.
pub(crate) struct Delegating {
    /// The `VirtualService`.
    pub(crate) root: Node,
    /// Its rule.
    pub(crate) rule: Node,
    /// The namespace and the name of the delegate.
    pub(crate) delegate: (String, String),
}

impl Delegating {
    /// The rules that are for a request which no route takes.
    pub(crate) fn of(case: &Case) -> Vec<Self> {
        if case.own_stop() != Some(&Stop::NoRoute) {
            return Vec::new();
        }
        let path = path_of(case);
        let is_for_it = |rule: &Node| {
            let matches = rule.list("match");
            matches.is_empty() || path.is_none_or(|path| matches.iter().any(|one| takes_path(one, path)))
        };
        let of_rule = |root: &Node, rule: Node| {
            let own = root.text("metadata.namespace").unwrap_or_default();
            let delegate = rule.get("delegate")?;
            let namespace = delegate.text("namespace").unwrap_or(own);
            Some(Self { root: root.clone(), delegate: (namespace, delegate.text("name")?), rule })
        };
        let roots = roots(case);
        let rules = roots.iter().flat_map(|root| root.list("spec.http").into_iter().map(move |rule| (root, rule)));
        rules.filter(|(_, rule)| is_for_it(rule)).filter_map(|(root, rule)| of_rule(root, rule)).collect()
    }
}

/// The path of the request as a rule's `uri` meets it; `None` where the question leaves it open.
pub(crate) fn path_of<'a>(case: &'a Case) -> Option<&'a str> {
    case.request().path.as_deref().and_then(|path| path.split(['?', '#']).next())
}

/// The `VirtualService` behind the host's routes; of a host without one, those that have the host.
fn roots(case: &Case) -> Vec<Node> {
    if let Some(missed) = &case.trail().missed {
        let owner = case.object_of_route(&missed.route).filter(|(owner, _)| owner.kind == Kind::VirtualService.name());
        return owner.and_then(|(owner, _)| case.read(&owner)).into_iter().collect();
    }
    virtual_services_of(case)
}

/// The `VirtualService` objects that have the host of the request's virtual host, the oldest first, as istiod takes them.
pub(crate) fn virtual_services_of(case: &Case) -> Vec<Node> {
    let Some(host) = case.trail().virtual_host.as_ref().and_then(|host| host.text("name")) else { return Vec::new() };
    let host = without_port(&host);
    let has_host = |root: &Node| {
        let namespace = root.text("metadata.namespace").unwrap_or_default();
        root.list("spec.hosts").iter().any(|own| own.value().as_str().is_some_and(|own| is_host(own, &namespace, host)))
    };
    let all = case.objects(Kind::VirtualService, None, &[]).unwrap_or_default();
    let mut of_host: Vec<Node> = all.into_iter().filter(has_host).collect();
    of_host.sort_by_key(|service| service.text("metadata.creationTimestamp"));
    of_host
}
