//! A `DestinationRule` asks for TLS that B does not take.
//!
//! A's proxy begins TLS as the rule says, B does not go along, and every connection ends: 503 UF.
//!
//! How it comes about: The rule's `tls.mode` is for every endpoint. A sidecar takes Istio's mutual TLS (`ISTIO_MUTUAL`); TLS
//! of another kind (SIMPLE, MUTUAL) it passes on to the application, which mostly speaks plaintext, and where a
//! `PeerAuthentication` says DISABLE it takes no TLS at all.
//!
//! How to confirm it: The access log of A's proxy has `TLS_error` in the failure's reason; compare the rule's `tls` with
//! B's `PeerAuthentication`.
//!
//! How to fix it: Take `tls` out of the rule: Istio then uses mutual TLS wherever B takes it.

use crate::diagnose::{
    Case, Found, Proved, certain, failures_of, in_field, named, pods_of, policy_of, ref_of, remove, show,
    takes_mutual_tls,
};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef, Stage};
use crate::walk::{Stop, Unfit};

pub(crate) const YIELDS_TO: &[&str] = &["certificate-of-another-name", "mutual-tls-to-plaintext"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    // Either the counters show it, or B's proxy does.
    let there = case.destination();
    let is_counted = there.is_none() && matches!(case.stop(), Some(Stop::ConnectFailure(_)));
    if !is_counted && case.own_stop() != Some(&Stop::Unfit(Unfit::TlsOnPlaintext)) {
        return None;
    }
    let cluster = case.in_source().cluster.as_deref()?;
    let (rule, tls) = policy_of(case, cluster, "tls")?;
    let mode = tls.text("mode").filter(|mode| ["SIMPLE", "MUTUAL", "ISTIO_MUTUAL"].contains(&mode.as_str()))?;
    let pods = there.map_or_else(|| pods_of(case, cluster), |there| vec![there.pod.clone()]);
    let pod = pods.iter().find(|pod| takes_mutual_tls(pod))?;
    let disabled = disabled(case, pod);
    // What Istio's own mutual TLS fails by is not the rule, unless B takes none.
    if mode == "ISTIO_MUTUAL" && disabled.is_none() {
        return None;
    }
    let object = in_field(&rule, tls.place());
    let pod_ref = ref_of(Kind::Pod, pod, "");
    let against = match &disabled {
        Some((policy, _)) => format!("{} has its proxy take no TLS", named(policy)),
        None => "its proxy takes Istio's mutual TLS, and passes other TLS on to the application".to_owned(),
    };
    let text = format!("{}, {}: take it away, and mutual TLS is used where B takes it", named(&object), object.field);
    let fix: Vec<Fix> = vec![remove(&object, Some(&tls), text)];
    let mut evidence: Vec<Evidence> = vec![tls.evidence()];
    evidence.extend(disabled.iter().map(|(_, at)| at.evidence()));
    evidence.extend(failures_of(cluster));
    let objects: Vec<ObjectRef> =
        [object.clone()].into_iter().chain(disabled.map(|(policy, _)| policy)).chain([pod_ref.clone()]).collect();
    let replies = case.answers();
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Endpoints,
        title: "TLS to every endpoint fails".to_owned(),
        why: format!(
            "{} has A's proxy speak TLS ({mode}) to {}; {against}. No connection succeeds. {replies}.",
            named(&object),
            named(&pod_ref)
        ),
        fix,
        next: show(&object),
        objects,
        codes: &[],
        evidence,
    })
}

/// The policy that has B's proxy take no TLS: of its workload, its namespace, or the mesh.
fn disabled(case: &Case, pod: &Node) -> Option<(ObjectRef, Node)> {
    let mode = |policy: &Node| {
        let at = policy.at("spec.mtls.mode").filter(|mode| mode.value().as_str() != Some("UNSET"))?;
        Some((ref_of(Kind::PeerAuthentication, policy, "spec.mtls.mode"), at))
    };
    let (policy, at) = case.nearest_for_pod(Kind::PeerAuthentication, pod).iter().find_map(mode)?;
    (at.value().as_str() == Some("DISABLE")).then_some((policy, at))
}
