//! No connection to any endpoint ever came about.
//!
//! The host counters of A's proxy show it: every connection to every endpoint that can take the request failed. It was
//! refused (nothing listens there), it timed out (a `NetworkPolicy` or a firewall drops it), or TLS did not come about
//! (A's proxy speaks mutual TLS to a pod without a proxy, or the certificates do not fit): 503 UF.

use serde_json::json;

use crate::diagnose::{
    Case, Found, Proved, advice, certain, in_field, logs, named, object_ref, policy_part, ref_of, remove, set, show,
    target_port,
};
use crate::envoy::certificate::Distrust;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Command, Fix, ObjectRef, Op, Side, Stage};
use crate::walk::{ClusterTrail, Handshake, HostTrail, Stop, Visit};

/// The names that a `DestinationRule` expects in B's certificate.
const NAMES: &str = "spec.trafficPolicy.tls.subjectAltNames";

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let of_a_name = |handshake: &Handshake| handshake.by == Side::Source && handshake.why == Distrust::Name;
    let fails = matches!(case.stop(), Some(Stop::ConnectFailure(_)));
    if !fails && !matches!(case.stop(), Some(Stop::Handshake(handshake)) if of_a_name(handshake)) {
        return None;
    }
    let cluster = case.cluster()?;
    let failing: Vec<&HostTrail> = cluster.eligible().collect();
    let evidence: Vec<Evidence> =
        failing.iter().take(3).filter_map(|host| host.at.as_ref()?.get("stats")).map(|n| n.evidence()).collect();
    let addresses: Vec<String> = failing.iter().map(|host| host.host.address.clone()).collect();
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
        Some((rule, at, pod)) => Some(tls(case, rule, at, &pod, evidence)),
        None => Some(refused(case, &addresses, &pods, evidence)),
    }
}

/// B's own proxy cannot connect to its application.
fn application(case: &Case, there: &Visit, evidence: Vec<Evidence>) -> Found {
    let pod = ref_of(Kind::Pod, &there.pod, "");
    let mut objects = vec![pod.clone()];
    objects.extend(workload(case, &there.pod));
    objects.extend(case.asked_service().map(|s| ref_of(Kind::Service, s, "spec.ports[].targetPort")));
    let port = there.port;
    Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Endpoints,
        title: format!("nothing listens on port {port} of B's pod"),
        why: format!(
            "The proxy of {} got the request and tried to connect to its application on port {port}. No connection ever came about, so it answers by itself.",
            named(&pod)
        ),
        fix: vec![
            advice(
                Op::Replace,
                format!("let the application listen on port {port}, on the pod's address and not on 127.0.0.1 alone"),
            ),
            other_port(case.asked_service(), case.request().port),
        ],
        next: logs(&pod),
        objects,
        codes: &[],
        evidence,
    }
}

fn refused(case: &Case, addresses: &[String], pods: &[Node], evidence: Vec<Evidence>) -> Found {
    let mut objects: Vec<ObjectRef> = pods.iter().map(|p| ref_of(Kind::Pod, p, "")).collect();
    objects.extend(pods.iter().filter_map(|p| workload(case, p)));
    objects.dedup();
    objects.extend(case.service().map(|s| ref_of(Kind::Service, &s, "spec.ports[].targetPort")));
    let count = addresses.len();
    let noun = if count == 1 { "the endpoint" } else { "every endpoint" };
    let at = addresses.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    let port = addresses.first().and_then(|a| a.rsplit_once(':')).map_or("", |(_, port)| port);
    Found {
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage: Stage::Endpoints,
        title: format!("connections to {noun} fail"),
        why: format!(
            "Every connection that A's proxy tried to {at} failed, and none ever came about: nothing listens there, something on the way drops it, or TLS does not come about. Envoy answers by itself."
        ),
        fix: vec![
            advice(Op::Replace, format!("see that the application listens on port {port}, on all addresses")),
            other_port(case.service().as_ref(), case.cluster_name().map_or(case.request().port, |name| name.port)),
            advice(Op::Replace, "let the NetworkPolicy or firewall between A and B through"),
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

/// The Service sends to a port that the application does not listen on.
fn other_port(service: Option<&Node>, port: u16) -> Fix {
    let wanted = "the port that the application listens on";
    match service {
        Some(service) => target_port(service, port, wanted),
        None => advice(Op::Replace, format!("the Service's targetPort: {wanted}")),
    }
}

fn tls(case: &Case, rule: ObjectRef, at: Evidence, pod: &Node, mut evidence: Vec<Evidence>) -> Found {
    let pod_ref = ref_of(Kind::Pod, pod, "");
    let read = case.read(&rule).zip(case.cluster_name());
    let policy = read.and_then(|(read, cluster)| policy_part(&read, &cluster, "tls"));
    evidence.push(at);
    Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Endpoints,
        title: "TLS to every endpoint fails".to_owned(),
        why: format!(
            "{} makes A's proxy speak mutual TLS, and {} has no proxy that would understand it: no connection ever came about. Envoy answers by itself.",
            named(&rule),
            named(&pod_ref)
        ),
        fix: vec![
            remove(
                &rule,
                policy.as_ref(),
                format!(
                    "{}, spec.trafficPolicy.tls: take it away, and mutual TLS is used where B has a proxy",
                    named(&rule)
                ),
            ),
            advice(Op::Add, format!("give {} a proxy", named(&pod_ref))),
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
    let mut speaking = cluster.hosts.iter().filter_map(|host| Some((&host.host.address, host.socket.as_ref()?)));
    speaking.find_map(|(address, socket)| {
        let ip = address.rsplit_once(':').map_or(address.as_str(), |(ip, _)| ip);
        let pod = pods.iter().find(|pod| has_proxy(pod) && pod.text("status.podIP").as_deref() == Some(ip))?;
        socket.refuses(pod).then(|| (pod, socket.names()))
    })
}

fn other_name(case: &Case, pod: &Node, expected: &[String], mut evidence: Vec<Evidence>) -> Found {
    let pod_ref = ref_of(Kind::Pod, pod, "spec.serviceAccountName");
    let rule = case.cluster_object().map(|(rule, at)| (in_field(&rule, NAMES), at));
    evidence.extend(pod.at("spec.serviceAccountName").map(|n| n.evidence()));
    let account = pod.text("spec.serviceAccountName").unwrap_or_else(|| "default".to_owned());
    let by = rule.as_ref().map_or_else(|| "A's proxy".to_owned(), |(rule, _)| named(rule));
    let mut objects: Vec<ObjectRef> = rule.iter().map(|(rule, _)| rule.clone()).collect();
    let other_names = format!("{by}, {NAMES}: the service account that B runs as ({account})");
    let fix = vec![
        match &rule {
            Some((rule, _)) => of_names(case, rule, other_names),
            None => advice(Op::Replace, other_names),
        },
        set(
            &pod_ref,
            Some(pod),
            "spec.serviceAccountName",
            account_of(expected, &pod_ref.namespace).map(|account| json!(account)),
            format!("{}, spec.serviceAccountName: one that is expected", named(&pod_ref)),
        ),
    ];
    evidence.extend(rule.map(|(_, at)| at));
    objects.push(pod_ref.clone());
    Found {
        certainty: certain(if objects.len() > 1 { Proved::Yes } else { Proved::No }),
        stage: Stage::Endpoints,
        title: "B's certificate has another name than A's proxy expects".to_owned(),
        why: format!(
            "{by} expects a certificate of {}, and {} runs as service account {account}: A's proxy ends the handshake and answers by itself.",
            expected.iter().take(2).cloned().collect::<Vec<_>>().join(" or "),
            named(&pod_ref)
        ),
        fix,
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        codes: &[],
        evidence,
    }
}

/// The names that a rule expects, which should be others.
fn of_names(case: &Case, rule: &ObjectRef, text: String) -> Fix {
    let read = case.read(rule);
    let policy = read.as_ref().zip(case.cluster_name()).and_then(|(read, name)| policy_part(read, &name, "tls"));
    match &policy {
        Some(policy) => set(rule, Some(policy), "subjectAltNames", None, text),
        None => set(rule, read.as_ref(), NAMES, None, text),
    }
}

/// The service account of this namespace that is expected, where it is one.
fn account_of<'a>(expected: &'a [String], namespace: &str) -> Option<&'a str> {
    let [one] = expected else { return None };
    one.strip_prefix("spiffe://")?.split_once("/ns/")?.1.strip_prefix(namespace)?.strip_prefix("/sa/")
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
