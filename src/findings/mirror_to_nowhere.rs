//! Requests are mirrored to a cluster that does not exist.
//!
//! The route that takes the request also sends a copy of it elsewhere, and the proxy has no cluster of that name: the copy
//! is dropped without a word. The request itself is not affected, and nor is its answer.
//!
//! How it comes about: `mirror` or `mirrors` of a `VirtualService`, or a `RequestMirror` of an `HTTPRoute`, names a host that is
//! no Service, or a subset that no `DestinationRule` defines.
//!
//! How to confirm it: `istioctl proxy-config routes POD -o json` has the name of the cluster in `requestMirrorPolicies`, and
//! `istioctl proxy-config clusters POD` has no such cluster. `istioctl analyze` reports it as IST0101.
//!
//! How to fix it: Name a Service that exists, and a subset that a `DestinationRule` defines; or take the mirror away.

use crate::diagnose::{
    Case, Found, Proved, certain, in_field, is_of_gateway_api, mirror_of, named, replace, rules_field, show,
};
use crate::mesh::istio::ClusterName;
use crate::snapshot::Node;
use crate::verdict::Stage;

pub(crate) const CODES: &[&str] = &["IST0101", "KIA1101"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if case.stop().is_some() {
        return None;
    }
    let route = case.in_source().route.as_ref()?;
    let (at, name, absence) = policies(case, route).into_iter().find_map(|policy| {
        let at = policy.get("cluster")?;
        let name = at.value().as_str().filter(|name| !name.is_empty())?.to_owned();
        let absence = case.lacks_cluster_of_name(&name)?;
        Some((at, name, absence))
    })?;
    let (owner, owner_at) = case.object_of_route(route)?;
    let cluster = ClusterName::parse(&name);
    let written = cluster.as_ref().and_then(|cluster| mirror_of(case, &owner, cluster));
    // Another subset of the host is there, or another port: then the host is well.
    let has_host = cluster.as_ref().is_some_and(|of| case.clusters_of(&of.host).is_some_and(|all| !all.is_empty()));
    let part = match &cluster {
        Some(of) if has_host && !of.subset.is_empty() => "subset",
        Some(_) if has_host => "port",
        _ if is_of_gateway_api(&owner) => "name",
        _ => "host",
    };
    let field = written.as_ref().map_or_else(|| rules_field(&owner).to_owned(), |at| format!("{}.{part}", at.place()));
    let object = in_field(&owner, field);
    let now = written.as_ref().and_then(|at| at.at(part));
    let to = cluster.as_ref().map_or_else(|| name.clone(), told);
    let text = format!("{}, {}: a {part} that exists, or take the mirror away", named(&object), object.field);
    Some(Found {
        certainty: certain(Proved::No),
        stage: Stage::Route,
        title: "its mirror leads to no cluster".to_owned(),
        why: format!(
            "{} has A's proxy send a copy of each request to {to}, and the proxy has no cluster {name}: the copies are dropped. The request itself is not affected.",
            named(&owner)
        ),
        fix: vec![replace(&object, now.as_ref(), None, text)],
        next: show(&object),
        evidence: [at.evidence(), absence, owner_at].into_iter().chain(now.map(|at| at.evidence())).collect(),
        objects: vec![object],
        codes: CODES,
    })
}

/// The mirrors that count for a route: its own, else those of its virtual host. One that takes no request is none.
/// `source/common/router/router.cc`, `Filter::decodeHeaders`.
fn policies(case: &Case, route: &Node) -> Vec<Node> {
    let own = route.list("route.request_mirror_policies");
    let all = match &case.in_source().virtual_host {
        Some(host) if own.is_empty() => host.list("request_mirror_policies"),
        Some(_) | None => own,
    };
    all.into_iter().filter(|policy| !is_switched_off(policy)).collect()
}

fn is_switched_off(policy: &Node) -> bool {
    // JSON of Protobuf leaves a zero out.
    let share = |fraction: Node| fraction.at("default_value.numerator").and_then(|share| share.value().as_u64());
    policy.get("runtime_fraction").is_some_and(|fraction| share(fraction).unwrap_or(0) == 0)
}

fn told(cluster: &ClusterName) -> String {
    let subset = if cluster.subset.is_empty() { String::new() } else { format!(", subset {}", cluster.subset) };
    format!("{}:{}{subset}", cluster.host, cluster.port)
}
