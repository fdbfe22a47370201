//! A rule lets the proxy send requests on to the address that was dialed, and the proxy itself was dialed.
//!
//! With `loadBalancer.simple: PASSTHROUGH` a cluster has no hosts of its own: it takes the address that the client dialed
//! (Envoy's `ORIGINAL_DST`). Clients of a gateway dial the gateway, so there is none, and Envoy answers 503 UH.
//!
//! How it comes about: A `DestinationRule` that was written for sidecars, or for a headless service, is seen by a gateway
//! too.
//!
//! How to confirm it: The cluster's `type` in the proxy is `ORIGINAL_DST`, and its metadata names the `DestinationRule`.
//!
//! How to fix it: Choose another load balancer, or keep the rule from the gateway with `exportTo` or
//! `workloadSelector`.

use serde_json::json;

use crate::diagnose::{Case, Found, Proved, certain, in_field, named, policy_part, replace, show};
use crate::snapshot::Node;
use crate::verdict::Stage;
use crate::walk::ClusterTrail;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let cluster = case.cluster().filter(|_| case.lacks_host())?;
    let kind = kind_of(cluster)?;
    let (rule, rule_at) = case.cluster_object()?;
    let read = case.read(&rule)?;
    let balancer = policy_part(&read, &case.cluster_name()?, "loadBalancer")?;
    let at = balancer.get("simple").filter(|at| at.value().as_str() == Some("PASSTHROUGH"))?;
    let object = in_field(&rule, at.place());
    let text = format!("{}, {}: another, such as \"LEAST_REQUEST\"", named(&object), object.field);
    let why = format!(
        "{} sets {} to PASSTHROUGH, so that cluster {} sends requests on to the address that the client dialed. The client dialed the proxy itself, and there is none. {}.",
        named(&object),
        object.field,
        cluster.name,
        case.answers()
    );
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Cluster,
        title: "loadBalancer PASSTHROUGH picks no endpoint".to_owned(),
        why,
        next: show(&object),
        fix: vec![replace(&object, Some(&at), Some(json!("LEAST_REQUEST")), text)],
        objects: vec![object],
        codes: &[],
        evidence: vec![kind.evidence(), at.evidence(), rule_at],
    })
}

/// The cluster's type, where it is that.
fn kind_of(cluster: &ClusterTrail) -> Option<Node> {
    let node = cluster.cluster.as_ref()?.get("type")?;
    (node.value().as_str() == Some("ORIGINAL_DST")).then_some(node)
}
