//! B's certificate has another name than expected.
//!
//! A's proxy takes only certificates with the names that its cluster lists. B shows another, so A's proxy ends the
//! handshake and answers 503 UF (`CERTIFICATE_VERIFY_FAILED`).
//!
//! How it comes about: The names are those of a `DestinationRule`'s `subjectAltNames`, or of the service accounts that
//! istiod knew of. B shows the certificate of the account that it runs as.
//!
//! How to confirm it: The details have `SAN_matcher`, and the names that B has. `kubectl get pod POD -o
//! jsonpath='{.spec.serviceAccountName}'`.
//!
//! How to fix it: Correct the names in the rule, or B's `serviceAccountName`.

use serde_json::json;

use crate::diagnose::{
    Case, Found, Proved, advice, certain, failures_of, in_field, named, pods_of, policy_part, ref_of, set, show,
    takes_mutual_tls,
};
use crate::envoy::certificate::Distrust;
use crate::snapshot::{Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op, Side, Stage};
use crate::walk::{ClusterTrail, Handshake, Stop};

/// The names that a `DestinationRule` expects in B's certificate.
const NAMES: &str = "spec.trafficPolicy.tls.subjectAltNames";

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let of_a_name = |handshake: &Handshake| handshake.by == Side::Source && handshake.why == Distrust::Name;
    let fails = matches!(case.stop(), Some(Stop::ConnectFailure(_)));
    if !fails && !matches!(case.stop(), Some(Stop::Handshake(handshake)) if of_a_name(handshake)) {
        return None;
    }
    let cluster = case.cluster().filter(|_| case.destination().is_none())?;
    let pods = pods_of(case, cluster);
    let (pod, expected) = unexpected(cluster, &pods)?;
    let mut evidence = failures_of(cluster);
    let pod_ref = ref_of(Kind::Pod, pod, "spec.serviceAccountName");
    let rule = case.cluster_object().map(|(rule, at)| (in_field(&rule, NAMES), at));
    evidence.extend(pod.at("spec.serviceAccountName").map(|n| n.evidence()));
    let account = pod.text("spec.serviceAccountName").unwrap_or_else(|| "default".to_owned());
    let by = rule.as_ref().map_or_else(|| "A's proxy".to_owned(), |(rule, _)| named(rule));
    let mut objects: Vec<ObjectRef> = rule.iter().map(|(rule, _)| rule.clone()).collect();
    let other_names = format!("{by}, {NAMES}: the service account that B runs as ({account})");
    let fix = vec![
        match &rule {
            Some((rule, _)) => of_names(case, rule, own_name(&expected, &pod_ref.namespace, &account), other_names),
            None => advice(Op::Replace, other_names),
        },
        set(
            &pod_ref,
            Some(pod),
            "spec.serviceAccountName",
            account_of(&expected, &pod_ref.namespace).map(|account| json!(account)),
            format!("{}, spec.serviceAccountName: one that is expected", named(&pod_ref)),
        ),
    ];
    evidence.extend(rule.map(|(_, at)| at));
    objects.push(pod_ref.clone());
    Some(Found {
        certainty: certain(if objects.len() > 1 { Proved::Yes } else { Proved::No }),
        stage: Stage::Endpoints,
        title: "B's certificate has another name".to_owned(),
        why: format!(
            "{by} expects a certificate of {}, and {} runs as service account {account}: A's proxy ends the handshake and replies itself.",
            expected.iter().take(2).cloned().collect::<Vec<_>>().join(" or "),
            named(&pod_ref)
        ),
        fix,
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        codes: &[],
        evidence,
    })
}

/// A pod whose certificate has none of the names that A's proxy expects, and these names.
fn unexpected<'a>(cluster: &ClusterTrail, pods: &'a [Node]) -> Option<(&'a Node, Vec<String>)> {
    let mut speaking = cluster.hosts.iter().filter_map(|host| Some((&host.host.address, host.socket.as_ref()?)));
    speaking.find_map(|(address, socket)| {
        let ip = address.rsplit_once(':').map_or(address.as_str(), |(ip, _)| ip);
        let pod = pods.iter().find(|pod| takes_mutual_tls(pod) && pod.text("status.podIP").as_deref() == Some(ip))?;
        socket.refuses(pod).then(|| (pod, socket.names()))
    })
}

/// The names that a rule expects, which should be others.
fn of_names(case: &Case, rule: &ObjectRef, name: Option<String>, text: String) -> Fix {
    let want = name.map(|name| json!([name]));
    let read = case.read(rule);
    let policy = read.as_ref().zip(case.cluster_name()).and_then(|(read, name)| policy_part(read, &name, "tls"));
    match &policy {
        Some(policy) => set(rule, Some(policy), "subjectAltNames", want, text),
        None => set(rule, read.as_ref(), NAMES, want, text),
    }
}

/// The name that B's certificate has, where the trust domain is the one that is expected.
fn own_name(expected: &[String], namespace: &str, account: &str) -> Option<String> {
    let (domain, _) = expected.first()?.strip_prefix("spiffe://")?.split_once("/ns/")?;
    Some(format!("spiffe://{domain}/ns/{namespace}/sa/{account}"))
}

/// The service account of this namespace that is expected, where it is one.
fn account_of<'a>(expected: &'a [String], namespace: &str) -> Option<&'a str> {
    let [one] = expected else { return None };
    one.strip_prefix("spiffe://")?.split_once("/ns/")?.1.strip_prefix(namespace)?.strip_prefix("/sa/")
}
