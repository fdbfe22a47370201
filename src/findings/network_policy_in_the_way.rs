//! A `NetworkPolicy` of B's does not let A in.
//!
//! No connection to B succeeded: connections time out, and A's proxy answers 503 UF. A policy of B's would drop
//! them.
//!
//! How it comes about: As soon as one `NetworkPolicy` selects a pod for ingress, only what a rule of one of them lists
//! may connect to it; the network plugin drops the rest. Ports are those of the pod, not of the Service. Beside a
//! sidecar the application's port counts, as the proxy takes the connection only once it is in the pod.
//!
//! How to confirm it: `kubectl describe networkpolicies -n NAMESPACE`. The details have `connection_timeout`, and not
//! `Connection_refused`.
//!
//! How to fix it: Add a rule for A, or find another reason where the plugin enforces no policies.

use serde_json::json;

use crate::diagnose::{Case, Found, Proved, add_item, certain, failures_of, named, pods_of, ref_of, show};
use crate::mesh::network_policy::{Client, admits, guards};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{ObjectRef, Stage};
use crate::walk::{HostTrail, Stop};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if !matches!(case.stop(), Some(Stop::ConnectFailure(_))) || case.destination().is_some() {
        return None;
    }
    let cluster = case.cluster()?;
    let pod = pods_of(case, cluster).into_iter().next()?;
    let ip = pod.text("status.podIP")?;
    let port = cluster.eligible().find_map(|HostTrail { host, .. }| {
        let (address, port) = host.address.rsplit_once(':')?;
        port.parse::<u16>().ok().filter(|_| address.trim_matches(['[', ']']) == ip)
    })?;
    let namespace = pod.text("metadata.namespace")?;
    let labels = pod.labels("metadata.labels");
    let policies = case.objects(Kind::NetworkPolicy, Some(&namespace), &[])?;
    let guarding: Vec<&Node> = policies.iter().filter(|policy| guards(policy, &labels)).collect();
    let first = *guarding.first()?;
    let client = Client { pod: case.own_pod()?, namespace: case.namespace() };
    if guarding.iter().any(|policy| admits(policy, &client, &pod, port) != Some(false)) {
        return None;
    }
    let objects: Vec<ObjectRef> =
        guarding.iter().map(|policy| ref_of(Kind::NetworkPolicy, policy, "spec.ingress")).collect();
    let by = objects.first()?;
    let names = objects.iter().map(named).collect::<Vec<_>>().join(" and ");
    let who = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": client.namespace}}});
    let rule = json!({"from": [who], "ports": [{"port": port}]});
    let text = format!("{}, spec.ingress: add a rule from namespace {} to port {port}", named(by), client.namespace);
    let ground =
        |policy: &&Node| policy.at("spec.ingress").map_or_else(|| policy.lacks("spec.ingress"), |at| at.evidence());
    let mut evidence: Vec<Evidence> = guarding.iter().map(ground).collect();
    evidence.extend(failures_of(cluster));
    let replies = case.answers();
    Some(Found {
        // Whether the network plugin enforces policies is not known.
        certainty: certain(Proved::No),
        stage: Stage::Endpoints,
        title: "no rule lets A in".to_owned(),
        why: format!(
            "{names} {} the pods of B, and no rule lets {} connect to port {port}. Every connection that A's proxy tried failed. {replies}.",
            if objects.len() == 1 { "guards" } else { "guard" },
            case.source_pod().as_ref().map_or_else(|| "A".to_owned(), named),
        ),
        fix: vec![add_item(by, Some(first), "spec.ingress", Some(rule), text)],
        next: show(by),
        objects,
        codes: &[],
        evidence,
    })
}
