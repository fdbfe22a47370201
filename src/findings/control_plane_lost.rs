//! The proxy has lost its control plane.
//!
//! The proxy has no connection to its control plane. It goes on by the last configuration that it got, so that what
//! changed since has no effect: what is new is not there for it, and what is gone still is.
//!
//! How it comes about: istiod is down or overloaded, a `NetworkPolicy` or a firewall drops connections to its port 15012,
//! or istiod does not take the proxy's token or certificate.
//!
//! How to confirm it: `istioctl proxy-status` has no row for the pod. The container istio-proxy's log says why each try
//! failed. Of the proxy's counters, `upstream_rq_active` of the cluster `xds-grpc` is 0 (other meshes:
//! `control_plane.connected_state`).
//!
//! How to fix it: Let istiod run, and let the pod connect to it. The proxy then gets what it lacks by itself.

use crate::diagnose::{Case, Found, Proved, advice, certain, lost, named, proxy_logs};
use crate::snapshot::Origin;
use crate::verdict::Op;

pub(crate) const YIELDS_TO: &[&str] = &["listener-rejected", "update-rejected"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let (proxy, proof, istiod) = lost(case)?;
    let step = case.last_step()?;
    let counts = proof.iter().any(|evidence| evidence.origin() != Origin::ControlPlane);
    let knows = proof.iter().any(|evidence| evidence.origin() == Origin::ControlPlane);
    let shown = match (counts, knows) {
        (true, true) => "counts no stream to its control plane, and istiod knows of no such proxy",
        (true, false) => "counts no stream to its control plane",
        (false, _) => "is none that istiod knows of",
    };
    let at = istiod.as_ref().map_or_else(|| "the control plane".to_owned(), named);
    Some(Found {
        certainty: certain(Proved::No),
        stage: step.stage,
        title: format!("{} has lost its control plane", proxy.whose()),
        why: format!(
            "{} {shown}. It goes by the last configuration that it got, and what changed since has no effect. {}.",
            capitalized(&proxy.named()),
            case.answers()
        ),
        next: proxy.pod.as_ref().map(proxy_logs).unwrap_or_default(),
        fix: vec![
            advice(Op::Replace, format!("let the proxy connect to {at}: its log says why it cannot")),
            advice(Op::Replace, format!("let {at} run, with pods that are ready")),
        ],
        objects: proxy.pod.into_iter().chain(istiod).collect(),
        codes: &[],
        evidence: step.evidence.into_iter().chain(proof).collect(),
    })
}

fn capitalized(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + chars.as_str())
}
