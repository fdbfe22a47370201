//! An `EnvoyFilter` removes the route's cluster.
//!
//! A patch with `applyTo: CLUSTER` and `operation: REMOVE` takes clusters out of what istiod sends to a proxy. Routes
//! stay as they are, so each that names such a cluster ends there, and Envoy replies 503 NC itself.
//!
//! How it comes about: A patch of the root namespace is for every proxy, one of another namespace for the proxies
//! there. One with an empty match takes every cluster.
//!
//! How to confirm it: `kubectl get envoyfilters -A -o yaml`, and look for `REMOVE`. Without the object the cluster is
//! back in `istioctl proxy-config clusters POD`.
//!
//! How to fix it: Narrow the patch's match, or delete the patch.

use crate::diagnose::{Case, Found, Proved, certain, in_field, named, ref_of, remove, set, show};
use crate::mesh::istio::ClusterName;
use crate::snapshot::{Kind, Node};
use crate::verdict::Stage;

/// What a patch matches: `pilot/pkg/networking/core/envoyfilter/cluster_patch.go`.
pub(crate) fn examine(case: &Case) -> Option<Found> {
    let cluster = case.cluster().filter(|_| case.lacks_cluster())?;
    let name = ClusterName::parse(&cluster.name)?;
    let (filter, patch) = case.objects_for_the_proxy(Kind::EnvoyFilter).into_iter().find_map(|filter| {
        let patches = filter.list("spec.configPatches");
        let at = patches.iter().position(|patch| removes(patch, &cluster.name, &name))?;
        Some((filter, patches.into_iter().nth(at).map(|patch| (at, patch))?))
    })?;
    let (at, patch) = patch;
    let object = ref_of(Kind::EnvoyFilter, &filter, &format!("spec.configPatches[{at}]"));
    // Which versions and which metadata of a proxy the patch is for is not held against the proxy.
    let every_proxy = patch.at("match.proxy").is_none();
    let mut evidence: Vec<_> = cluster.absence.first().cloned().into_iter().collect();
    evidence.push(patch.at("patch.operation").unwrap_or_else(|| patch.clone()).evidence());
    let narrower = in_field(&object, format!("{}.match", object.field));
    let leave_out = format!("{}, {}: leave this cluster out", named(&object), narrower.field);
    let delete = format!("{}, {}: delete this patch", named(&object), object.field);
    let replies = case.answers();
    Some(Found {
        certainty: certain(if every_proxy { Proved::Yes } else { Proved::No }),
        stage: Stage::Cluster,
        title: format!("EnvoyFilter {} removes the cluster", filter.text("metadata.name").unwrap_or_default()),
        why: format!(
            "{} removes clusters from what istiod sends to the proxy, and its match takes {}. The route still names it. {replies}.",
            named(&object),
            cluster.name
        ),
        fix: vec![set(&narrower, Some(&patch), "match", None, leave_out), remove(&object, Some(&patch), delete)],
        next: show(&object),
        objects: vec![object],
        codes: &[],
        evidence,
    })
}

/// Whether a patch takes this cluster out.
fn removes(patch: &Node, cluster: &str, name: &ClusterName) -> bool {
    let text = |path: &str| patch.text(path).filter(|text| !text.is_empty());
    if text("applyTo").as_deref() != Some("CLUSTER") || text("patch.operation").as_deref() != Some("REMOVE") {
        return false;
    }
    let context = text("match.context").unwrap_or_else(|| "ANY".to_owned());
    // A patch for gateways alone stays unnamed: nothing that was read says whether this proxy is one.
    let own = if name.direction == "inbound" { "SIDECAR_INBOUND" } else { "SIDECAR_OUTBOUND" };
    if context != "ANY" && context != own {
        return false;
    }
    if let Some(wanted) = text("match.cluster.name") {
        return wanted == cluster;
    }
    let port = patch.at("match.cluster.portNumber").and_then(|port| port.value().as_u64()).unwrap_or(0);
    text("match.cluster.subset").is_none_or(|wanted| wanted == name.subset)
        && text("match.cluster.service").is_none_or(|wanted| wanted == name.host)
        && (port == 0 || port == u64::from(name.port))
}
