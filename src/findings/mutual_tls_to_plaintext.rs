//! Mutual TLS goes to pods that have no proxy.
//!
//! A `DestinationRule` makes A's proxy speak mutual TLS to pods that do not understand the handshake: no connection
//! succeeds, and A's proxy answers 503 UF.
//!
//! How it comes about: Without a rule, Istio uses mutual TLS for those endpoints that take it, and plaintext for the
//! others. A rule with `tls.mode: ISTIO_MUTUAL` (or MUTUAL) fixes it for all.
//!
//! How to confirm it: The details have `WRONG_VERSION_NUMBER`. `kubectl get pod POD -o yaml` at B has no container
//! `istio-proxy`.
//!
//! How to fix it: Take `tls` out of the rule, or give B a proxy.

use crate::diagnose::{
    Case, Found, Proved, advice, certain, failures_of, named, pods_of, policy_part, ref_of, remove, show,
    takes_mutual_tls,
};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{ObjectRef, Op, Stage};
use crate::walk::{ClusterTrail, Stop};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if !matches!(case.stop(), Some(Stop::ConnectFailure(_))) || case.destination().is_some() {
        return None;
    }
    let cluster = case.cluster()?;
    let (rule, at, pod) = mutual_to_plain(case, cluster, &pods_of(case, cluster))?;
    let mut evidence = failures_of(cluster);
    let pod_ref = ref_of(Kind::Pod, &pod, "");
    let read = case.read(&rule).zip(case.cluster_name());
    let policy = read.and_then(|(read, cluster)| policy_part(&read, &cluster, "tls"));
    evidence.push(at);
    let replies = case.answers();
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Endpoints,
        title: "TLS to every endpoint fails".to_owned(),
        why: format!(
            "{} makes A's proxy speak mutual TLS, and {} has no proxy that would understand it: no connection succeeded. {replies}.",
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
    })
}

/// A rule that fixes mutual TLS for all endpoints, and one of them without a proxy.
fn mutual_to_plain(case: &Case, cluster: &ClusterTrail, pods: &[Node]) -> Option<(ObjectRef, Evidence, Node)> {
    let config = cluster.cluster.as_ref()?;
    let socket = config.get("transport_socket").filter(|_| config.get("transport_socket_matches").is_none())?;
    let certified = socket.at("typed_config.common_tls_context.tls_certificate_sds_secret_configs")?;
    let (rule, _) = case.cluster_object()?;
    let pod = pods.iter().find(|pod| !takes_mutual_tls(pod))?.clone();
    let rule = ObjectRef { field: "spec.trafficPolicy.tls".to_owned(), ..rule };
    Some((rule, certified.index(0).unwrap_or(certified).get("name")?.evidence(), pod))
}
