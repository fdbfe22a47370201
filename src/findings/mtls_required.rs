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
    evidence.extend(policy.iter().map(|(_, evidence)| evidence.clone()));
    let mut fix = Vec::new();
    if let Some(sender) = &sender {
        fix.push(format!("{}: let A's proxy speak mutual TLS", named(sender)));
    }
    let field = policy.as_ref().map_or("spec.mtls.mode", |(object, _)| object.field.as_str());
    fix.push(format!("{}{by}, {field}: PERMISSIVE", if fix.is_empty() { "" } else { "or " }));
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
        codes: &[],
        evidence,
    })
}

/// The policy that asks for mutual TLS: of the workload, of the namespace, of the mesh.
fn policy(case: &Case, there: &DestinationWalk) -> Option<(ObjectRef, Evidence)> {
    let port = there.port.to_string();
    // The nearest that sets a mode decides; UNSET leaves it to the next. Ports count only beside a selector.
    let mode = |policy: &Node| {
        let set = |mode: &Node| mode.value().as_str().is_some_and(|mode| mode != "UNSET");
        let of_port = policy.at("spec.selector").and_then(|_| policy.at("spec.portLevelMtls")?.get(&port)?.get("mode"));
        let of_port = of_port.filter(set);
        let field = match &of_port {
            Some(_) => format!("spec.portLevelMtls.{port}.mode"),
            None => "spec.mtls.mode".to_owned(),
        };
        let mode = of_port.or_else(|| policy.at("spec.mtls.mode").filter(set))?;
        Some((ref_of(Kind::PeerAuthentication, policy, &field), mode))
    };
    let (object, mode) = case.nearest_for_the_proxy(Kind::PeerAuthentication).iter().find_map(mode)?;
    (mode.value().as_str() == Some("STRICT")).then(|| (object, mode.evidence()))
}

/// What makes A's side send plaintext, in an object and in words.
fn sender(case: &Case) -> (Option<ObjectRef>, String) {
    let Some(cluster) = case.walk.trail.clusters.first() else {
        let pod = case.source_pod();
        return (pod, "the request leaves A without going through a proxy of A's".to_owned());
    };
    if cluster.name == "PassthroughCluster" {
        let scopes = case.sidecar().filter(|sidecar| sidecar.at("spec.egress").is_some());
        let object = scopes.map(|sidecar| ref_of(Kind::Sidecar, &sidecar, "spec.egress"));
        return (
            object,
            "A's proxy does not know the service and passes the connection through in plaintext".to_owned(),
        );
    }
    let rule = cluster.cluster.as_ref().and_then(crate::mesh::istio::config_of).map(|(object, _)| object);
    let rule = rule.map(|object| ObjectRef { field: "spec.trafficPolicy.tls".to_owned(), ..object });
    (rule, "A's proxy speaks plaintext to it".to_owned())
}
