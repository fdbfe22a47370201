//! B takes mutual TLS only, and plaintext comes to it.
//!
//! A `PeerAuthentication` with mode STRICT makes B's proxy accept mutual TLS and nothing else, so it has no filter chain
//! for a plaintext connection and closes it: A's proxy then answers 503 UC, and a client without a proxy sees a reset.
//! Plaintext is sent when A has no proxy, when annotations keep the connection from it, when A's proxy does not know the
//! service and passes the connection through, or when a `DestinationRule` turns TLS off.

use crate::diagnose::{Case, Proved, certain, named, ref_of, show};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Finding, ObjectRef, Stage};
use crate::walk::{DestinationWalk, Stop};

pub(crate) fn examine(case: &Case) -> Option<Finding> {
    let there = case.destination()?;
    let closed = matches!(there.stop(), Some(Stop::NoFilterChain | Stop::PlaintextOnTls));
    if there.socket != "plaintext" || !closed {
        return None;
    }
    let policy = policy(case, there);
    let (sender, why_plain) = sender(case);
    let by = policy.as_ref().map_or_else(|| format!("The proxy of pod {}", there.name), |(object, _)| named(object));
    let mut objects: Vec<ObjectRef> = policy.iter().map(|(object, _)| object.clone()).collect();
    objects.extend(sender.clone());
    let mut evidence: Vec<Evidence> =
        there.trail.listener.as_ref().and_then(|l| l.get("name")).map(|n| n.evidence()).into_iter().collect();
    evidence.extend(policy.map(|(_, evidence)| evidence));
    let mut fix = Vec::new();
    if let Some(sender) = &sender {
        fix.push(format!("{}: let A's proxy speak mutual TLS", named(sender)));
    }
    fix.push(format!("{}{by}, spec.mtls.mode: PERMISSIVE", if fix.is_empty() { "" } else { "or " }));
    Some(Finding {
        id: "mtls-required",
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage: Stage::FilterChain,
        title: "B takes mutual TLS only, and plaintext is sent".to_owned(),
        why: format!(
            "{by} takes mutual TLS only on port {}, and {why_plain}. B's proxy has no filter chain for plaintext and closes the connection.",
            there.port
        ),
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        fix,
        istio: None,
        evidence,
    })
}

/// The policy that asks for mutual TLS: of the workload, of the namespace, of the mesh.
fn policy(case: &Case, there: &DestinationWalk) -> Option<(ObjectRef, Evidence)> {
    let labels = there.pod.at("metadata.labels");
    let selects = |policy: &Node| {
        let wanted = policy.at("spec.selector.matchLabels").map(|l| l.members()).unwrap_or_default();
        wanted.iter().all(|(k, v)| labels.as_ref().and_then(|l| l.value().get(k)) == Some(v.value()))
    };
    let strict = |policy: &Node| {
        let by_port =
            policy.at("spec.portLevelMtls").and_then(|p| p.get(&there.port.to_string())).and_then(|p| p.get("mode"));
        let mode = by_port.or_else(|| policy.at("spec.mtls.mode"))?;
        let field = if policy.at("spec.mtls.mode").is_some() { "spec.mtls.mode" } else { "spec.portLevelMtls" };
        let is_strict = mode.value().as_str() == Some("STRICT");
        is_strict.then(|| (ref_of(Kind::PeerAuthentication, policy, field), mode.evidence()))
    };
    let of = |namespace: &str| case.objects(Kind::PeerAuthentication, Some(namespace), &[]).unwrap_or_default();
    let mut near: Vec<Node> = of(&there.namespace).into_iter().filter(selects).collect();
    near.sort_by_key(|policy| policy.at("spec.selector").is_none());
    near.iter().find_map(strict).or_else(|| of("istio-system").iter().filter(|p| selects(p)).find_map(strict))
}

/// What makes A's side send plaintext, in an object and in words.
fn sender(case: &Case) -> (Option<ObjectRef>, String) {
    let Some(cluster) = case.walk.trail.clusters.first() else {
        let pod = case.source_pod();
        return (pod, "the request leaves A without going through a proxy of A's".to_owned());
    };
    if cluster.name == "PassthroughCluster" {
        let object = case.scoping_sidecar().map(|s| ref_of(Kind::Sidecar, &s, "spec.egress"));
        return (
            object,
            "A's proxy does not know the service and passes the connection through in plaintext".to_owned(),
        );
    }
    let rule = cluster.cluster.as_ref().and_then(crate::mesh::istio::config_of).map(|(object, _)| object);
    let rule = rule.map(|object| ObjectRef { field: "spec.trafficPolicy.tls".to_owned(), ..object });
    (rule, "A's proxy speaks plaintext to it".to_owned())
}
