//! No connection to any endpoint ever came about.
//!
//! The host counters of A's proxy show it: every connection to every endpoint that can take the request failed. It was
//! refused (nothing listens there), it timed out (a `NetworkPolicy` or a firewall drops it), or TLS did not come about
//! (A's proxy speaks mutual TLS to a pod without a proxy, or the certificates do not fit): 503 UF.

use crate::diagnose::{Case, Proved, certain, logs, named, object_ref, ref_of, show};
use crate::envoy::certificate::Distrust;
use crate::envoy::health::Host;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Command, Finding, ObjectRef, Side, Stage};
use crate::walk::{ClusterTrail, DestinationWalk, Handshake, Stop};

pub(crate) fn examine(case: &Case) -> Option<Finding> {
    let of_a_name = |handshake: &Handshake| handshake.by == Side::Source && handshake.why == Distrust::Name;
    let fails = matches!(case.stop(), Some(Stop::ConnectFailure | Stop::TcpConnectFailure));
    if !fails && !matches!(case.stop(), Some(Stop::Handshake(handshake)) if of_a_name(handshake)) {
        return None;
    }
    let cluster = case.cluster()?;
    let failing: Vec<_> =
        cluster.hosts.iter().zip(&cluster.eligible).filter(|(_, e)| **e).map(|(host, _)| host).collect();
    let evidence: Vec<Evidence> =
        failing.iter().take(3).filter_map(|(_, at)| at.as_ref()?.get("stats")).map(|n| n.evidence()).collect();
    let addresses: Vec<String> = failing.iter().map(|(host, _)| host.address.clone()).collect();
    if let Some(there) = case.destination() {
        return Some(application(case, there, evidence));
    }
    let pods = case.pods_at(&addresses);
    if let Some((pod, expected)) = unexpected(cluster, &pods) {
        return Some(other_name(case, pod, &expected, evidence));
    }
    if !fails {
        return None;
    }
    match mutual_to_plain(case, cluster, &pods) {
        Some((rule, at, pod)) => Some(tls(rule, at, &pod, evidence)),
        None => Some(refused(case, &addresses, &pods, evidence)),
    }
}

/// B's own proxy cannot connect to its application.
fn application(case: &Case, there: &DestinationWalk, evidence: Vec<Evidence>) -> Finding {
    let pod = ref_of(Kind::Pod, &there.pod, "");
    let mut objects = vec![pod.clone()];
    objects.extend(workload(case, &there.pod));
    objects.extend(case.walk.trail.service.as_ref().map(|s| ref_of(Kind::Service, s, "spec.ports[].targetPort")));
    let port = there.port;
    Finding {
        id: "connections-fail",
        certainty: certain(Proved::Yes),
        stage: Stage::Endpoints,
        title: format!("nothing listens on port {port} of B's pod"),
        why: format!(
            "The proxy of {} got the request and tried to connect to its application on port {port}. No connection ever came about, so it answers by itself.",
            named(&pod)
        ),
        fix: vec![
            format!("let the application listen on port {port}, on the pod's address and not on 127.0.0.1 alone"),
            "or the Service's targetPort: the port that it listens on".to_owned(),
        ],
        next: logs(&pod),
        objects,
        codes: &[],
        evidence,
    }
}

fn refused(case: &Case, addresses: &[String], pods: &[Node], evidence: Vec<Evidence>) -> Finding {
    let mut objects: Vec<ObjectRef> = pods.iter().map(|p| ref_of(Kind::Pod, p, "")).collect();
    objects.extend(pods.iter().filter_map(|p| workload(case, p)));
    objects.dedup();
    objects.extend(case.service().map(|s| ref_of(Kind::Service, &s, "spec.ports[].targetPort")));
    let count = addresses.len();
    let noun = if count == 1 { "the endpoint" } else { "every endpoint" };
    let at = addresses.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    let port = addresses.first().and_then(|a| a.rsplit_once(':')).map_or("", |(_, port)| port);
    Finding {
        id: "connections-fail",
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage: Stage::Endpoints,
        title: format!("connections to {noun} fail"),
        why: format!(
            "Every connection that A's proxy tried to {at} failed, and none ever came about: nothing listens there, something on the way drops it, or TLS does not come about. Envoy answers by itself."
        ),
        fix: vec![
            format!("see that the application listens on port {port}, on all addresses"),
            "or the Service's targetPort: the port that it listens on".to_owned(),
            "or let the NetworkPolicy or firewall between them through".to_owned(),
        ],
        next: match objects.first() {
            Some(pod) if pod.kind == "Pod" => logs(pod),
            Some(object) => show(object),
            None => Command::default(),
        },
        objects,
        codes: &[],
        evidence,
    }
}

fn tls(rule: ObjectRef, at: Evidence, pod: &Node, mut evidence: Vec<Evidence>) -> Finding {
    let pod_ref = ref_of(Kind::Pod, pod, "");
    evidence.push(at);
    Finding {
        id: "connections-fail",
        certainty: certain(Proved::Yes),
        stage: Stage::Endpoints,
        title: "TLS to every endpoint fails".to_owned(),
        why: format!(
            "{} makes A's proxy speak mutual TLS, and {} has no proxy that would understand it: no connection ever came about. Envoy answers by itself.",
            named(&rule),
            named(&pod_ref)
        ),
        fix: vec![
            format!(
                "{}, spec.trafficPolicy.tls: take it away, and mutual TLS is used where B has a proxy",
                named(&rule)
            ),
            format!("or give {} a proxy", named(&pod_ref)),
        ],
        next: show(&rule),
        objects: vec![rule, pod_ref],
        codes: &[],
        evidence,
    }
}

/// A rule that fixes mutual TLS for all endpoints, and one of them without a proxy.
fn mutual_to_plain(case: &Case, cluster: &ClusterTrail, pods: &[Node]) -> Option<(ObjectRef, Evidence, Node)> {
    let config = cluster.cluster.as_ref()?;
    let socket = config.get("transport_socket").filter(|_| config.get("transport_socket_matches").is_none())?;
    let certified = socket.at("typed_config.common_tls_context.tls_certificate_sds_secret_configs")?;
    let (rule, _) = case.cluster_object()?;
    let pod = pods.iter().find(|pod| !has_proxy(pod))?.clone();
    let rule = ObjectRef { field: "spec.trafficPolicy.tls".to_owned(), ..rule };
    Some((rule, certified.index(0).unwrap_or(certified).get("name")?.evidence(), pod))
}

/// Whether a proxy of the pod's own takes mutual TLS: Istio's injector labels it so.
fn has_proxy(pod: &Node) -> bool {
    pod.at("metadata.labels").is_some_and(|labels| labels.get("security.istio.io/tlsMode").is_some())
}

/// A pod whose certificate has none of the names that A's proxy expects, and these names.
fn unexpected<'a>(cluster: &ClusterTrail, pods: &'a [Node]) -> Option<(&'a Node, Vec<String>)> {
    let of_host = |(host, _): &(Host, Option<Node>)| host.address.clone();
    let places = cluster.hosts.iter().map(of_host).zip(&cluster.sockets);
    let mut speaking = places.filter_map(|(address, socket)| Some((address, socket.as_ref()?)));
    speaking.find_map(|(address, socket)| {
        let ip = address.rsplit_once(':').map_or(address.as_str(), |(ip, _)| ip);
        let pod = pods.iter().find(|pod| has_proxy(pod) && pod.text("status.podIP").as_deref() == Some(ip))?;
        socket.refuses(pod).then(|| (pod, socket.names()))
    })
}

fn other_name(case: &Case, pod: &Node, expected: &[String], mut evidence: Vec<Evidence>) -> Finding {
    let pod_ref = ref_of(Kind::Pod, pod, "spec.serviceAccountName");
    let field = "spec.trafficPolicy.tls.subjectAltNames";
    let rule = case.cluster_object().map(|(rule, at)| (ObjectRef { field: field.to_owned(), ..rule }, at));
    evidence.extend(pod.at("spec.serviceAccountName").map(|n| n.evidence()));
    let account = pod.text("spec.serviceAccountName").unwrap_or_else(|| "default".to_owned());
    let by = rule.as_ref().map_or_else(|| "A's proxy".to_owned(), |(rule, _)| named(rule));
    let mut objects: Vec<ObjectRef> = rule.iter().map(|(rule, _)| rule.clone()).collect();
    evidence.extend(rule.map(|(_, at)| at));
    objects.push(pod_ref.clone());
    Finding {
        id: "connections-fail",
        certainty: certain(if objects.len() > 1 { Proved::Yes } else { Proved::No }),
        stage: Stage::Endpoints,
        title: "B's certificate has another name than A's proxy expects".to_owned(),
        why: format!(
            "{by} expects a certificate of {}, and {} runs as service account {account}: A's proxy ends the handshake and answers by itself.",
            expected.iter().take(2).cloned().collect::<Vec<_>>().join(" or "),
            named(&pod_ref)
        ),
        fix: vec![
            format!("{by}, {field}: the service account that B runs as ({account})"),
            format!("or {}, spec.serviceAccountName: one that is expected", named(&pod_ref)),
        ],
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        codes: &[],
        evidence,
    }
}

/// The workload that a pod belongs to: a Deployment behind a `ReplicaSet`, or its owner.
fn workload(case: &Case, pod: &Node) -> Option<ObjectRef> {
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
