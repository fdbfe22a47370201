//! Connections that never come about: what the findings about them have in common.

use super::{Case, advice, named, object_ref, ref_of, replace, target_port};
use crate::mesh::istio::ClusterName;
use crate::mesh::istio::binding::takes;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op};
use crate::walk::{ClusterTrail, HostTrail};

/// The counters of the first three hosts that can take the request.
pub(crate) fn failures_of(cluster: &ClusterTrail) -> Vec<Evidence> {
    let stats = cluster.eligible().take(3).filter_map(|host: &HostTrail| host.at.as_ref()?.get("stats"));
    stats.map(|stats| stats.evidence()).collect()
}

/// The `ServiceEntry` of the cluster's host, where no Service is behind it.
pub(crate) fn entry_of(case: &Case) -> Option<Node> {
    let host = ClusterName::parse(&case.in_source().cluster.as_ref()?.name)?.host;
    if case.service_of_source().is_some() {
        return None;
    }
    let has_host = |entry: &Node| {
        entry.list("spec.hosts").iter().any(|own| own.value().as_str().is_some_and(|own| takes(own, &host)))
    };
    case.objects(Kind::ServiceEntry, None, &[])?.into_iter().find(has_host)
}

/// A `ServiceEntry` should have other endpoints, and where it says which it has.
pub(crate) fn other_endpoints(entry: &Node, wanted: &str) -> (ObjectRef, Fix) {
    let field = if entry.at("spec.endpoints").is_some() { "spec.endpoints" } else { "spec.hosts" };
    let object = ref_of(Kind::ServiceEntry, entry, field);
    let text = format!("{}, {field}: {wanted}", named(&object));
    let fix = replace(&object, entry.at(field).as_ref(), None, text);
    (object, fix)
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
