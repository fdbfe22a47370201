//! Only endpoints of A's node count: it has none.
//!
//! The pods are ready, the endpoint slices are full, and A's cluster is empty: 503 UH.
//!
//! How it comes about: With `internalTrafficPolicy: Local` the endpoints on other nodes do not count, for kube-proxy
//! as for Istio: each proxy gets those of its own node, and A's node has none.
//!
//! How to confirm it: `kubectl get service NAME -o yaml` shows the field; `kubectl get pods -o wide` shows the nodes.
//!
//! How to fix it: Set `internalTrafficPolicy: Cluster`, or run B on every node (a `DaemonSet`).

use serde_json::json;

use crate::diagnose::{Case, Found, Proved, advice, certain, named, ready, ready_pods, ref_of, replace, show, slices};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Op, Stage};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let (_, empty) = case.empty_cluster()?;
    let service = case.service()?;
    let policy = service.at("spec.internalTrafficPolicy").filter(|at| at.value().as_str() == Some("Local"))?;
    let own = case.own_pod()?.at("spec.nodeName")?;
    let slices = slices(case, &service);
    let proved = if slices.is_some() { Proved::Yes } else { Proved::No };
    let nodes: Vec<Node> = match slices {
        Some(slices) => ready(&slices).iter().filter_map(|endpoint| endpoint.get("nodeName")).collect(),
        None => ready_pods(case, &service)?.iter().filter_map(|pod| pod.at("spec.nodeName")).collect(),
    };
    if nodes.is_empty() || nodes.iter().any(|node| node.value() == own.value()) {
        return None;
    }
    let object = ref_of(Kind::Service, &service, "spec.internalTrafficPolicy");
    let on = nodes[0].value().as_str().unwrap_or_default().to_owned();
    let mut evidence: Vec<Evidence> = vec![empty, policy.evidence(), own.evidence()];
    evidence.push(nodes[0].evidence());
    Some(Found {
        certainty: certain(proved),
        stage: Stage::Endpoints,
        title: "internalTrafficPolicy Local, and no endpoint on that node".to_owned(),
        why: format!(
            "{} has internalTrafficPolicy Local: a client gets the endpoints of its own node. A is on node {}, the endpoints that are ready are on {on}. {}.",
            named(&object),
            own.value().as_str().unwrap_or_default(),
            case.answers()
        ),
        next: show(&object),
        fix: vec![
            replace(
                &object,
                Some(&policy),
                Some(json!("Cluster")),
                format!("{}, spec.internalTrafficPolicy: Cluster", named(&object)),
            ),
            advice(Op::Add, "run a pod of it on each node that has clients (a DaemonSet)"),
        ],
        objects: vec![object],
        codes: &[],
        evidence,
    })
}
