//! The route names a cluster that is not there.
//!
//! A route takes the request and names a cluster that the proxy does not have, so Envoy answers 503 NC
//! `cluster_not_found` (or as `cluster_not_found_response_code` says).
//!
//! How it comes about: A control plane that finds no Service, no such port or no such subset still writes the route. A
//! cluster that still warms, as its certificate or its DNS name is waited for, is not there either.
//!
//! How to confirm it: `istioctl proxy-config clusters POD` lists the clusters; `dynamic_warming_clusters` in the
//! config dump those that still wait.
//!
//! How to fix it: Name a destination that exists in the route's object. For a cluster that warms, deliver its Secret
//! or let its name resolve.

use crate::diagnose::{Case, EVERY, Found, advice, named, route_object, show};
use crate::verdict::Op;

pub(crate) const YIELDS_TO: &[&str] = EVERY;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let name = case.cluster().filter(|_| case.lacks_cluster())?.name.clone();
    let step = case.last_step()?;
    let (owner, at) = route_object(case).unzip();
    let by = owner.as_ref().map_or_else(|| "The route".to_owned(), named);
    let shown = if name.is_empty() { "no cluster at all".to_owned() } else { format!("cluster {name}") };
    let evidence = step.evidence.iter().cloned().chain(at).collect();
    let replies = case.answers();
    Some(Found {
        next: owner.as_ref().map(show).unwrap_or_default(),
        objects: owner.into_iter().collect(),
        evidence,
        ..Found::of_end(
            &step,
            "the cluster that the route names is not there".to_owned(),
            format!("{by} leads to {shown}, and the proxy has no such cluster, so {replies}."),
            vec![
                advice(Op::Replace, format!("{by}: a backend that exists, with a port that it has")),
                advice(
                    Op::Add,
                    "see in the control plane's log, and in the status of the route, why it made no such cluster",
                ),
            ],
        )
    })
}
