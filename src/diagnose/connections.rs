//! Connections that never come about: what the findings about them have in common.

use super::{Case, advice, object_ref, target_port};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op};
use crate::walk::{ClusterTrail, HostTrail};

/// The counters of the first three hosts that can take the request.
pub(crate) fn failures_of(cluster: &ClusterTrail) -> Vec<Evidence> {
    let stats = cluster.eligible().take(3).filter_map(|host: &HostTrail| host.at.as_ref()?.get("stats"));
    stats.map(|stats| stats.evidence()).collect()
}

/// Three at most of the pods that the hosts are which can take the request.
pub(crate) fn pods_of(case: &Case, cluster: &ClusterTrail) -> Vec<Node> {
    let addresses: Vec<String> = cluster.eligible().map(|host: &HostTrail| host.host.address.clone()).collect();
    case.pods_at(&addresses)
}

/// The Service sends to a port that the application does not listen on.
pub(crate) fn other_target_port(service: Option<&Node>, port: u16) -> Fix {
    let wanted = "the port that the application listens on";
    match service {
        Some(service) => target_port(service, port, wanted),
        None => advice(Op::Replace, format!("the Service's targetPort: {wanted}")),
    }
}

/// Whether a proxy of the pod's own takes mutual TLS: Istio's injector labels it so.
pub(crate) fn takes_mutual_tls(pod: &Node) -> bool {
    pod.at("metadata.labels").is_some_and(|labels| labels.get("security.istio.io/tlsMode").is_some())
}

/// The workload that a pod belongs to: a Deployment behind a `ReplicaSet`, or its owner.
pub(crate) fn workload(case: &Case, pod: &Node) -> Option<ObjectRef> {
    let owner = pod.at("metadata.ownerReferences")?.index(0)?;
    let namespace = pod.text("metadata.namespace")?;
    let (kind, name) = (owner.text("kind")?, owner.text("name")?);
    match kind.as_str() {
        "ReplicaSet" => {
            let set = case.object(Kind::ReplicaSet, &namespace, &name)?;
            let owner = set.at("metadata.ownerReferences")?.index(0)?;
            Some(object_ref(Kind::Deployment, &namespace, &owner.text("name")?, ""))
        }
        "StatefulSet" => Some(object_ref(Kind::StatefulSet, &namespace, &name, "")),
        "DaemonSet" => Some(object_ref(Kind::DaemonSet, &namespace, &name, "")),
        _ => None,
    }
}
