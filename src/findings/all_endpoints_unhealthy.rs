//! The service has endpoints, and none of them is healthy.
//!
//! Every endpoint fails its health check, or the control plane calls it unhealthy (Istio sends pods that are not ready
//! so), and panic routing is off or does not help, so Envoy has nobody to send the request to: 503 UH.

use crate::diagnose::{
    Case, Found, Proved, advice, all_ejected, all_endpoints, certain, describe, health_of, named, ref_of, show,
};
use crate::snapshot::Kind;
use crate::verdict::{Command, ObjectRef, Op, Stage};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let cluster = case.cluster().filter(|c| case.lacks_host() && !c.hosts.is_empty())?;
    if all_ejected(cluster) {
        return None;
    }
    let pods = case.pods_at(&cluster.hosts.iter().map(|h| h.host.address.clone()).collect::<Vec<_>>());
    let mut objects: Vec<ObjectRef> = pods.iter().map(|p| ref_of(Kind::Pod, p, "status.conditions")).collect();
    objects.extend(case.service().map(|s| ref_of(Kind::Service, &s, "")));
    let flags: Vec<&String> = cluster.hosts.iter().flat_map(|h| &h.host.flags).collect();
    let says = flags.first().map_or("unhealthy", |f| f.as_str());
    Some(Found {
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage: Stage::Endpoints,
        title: format!("{} unhealthy", all_endpoints(cluster)),
        why: format!(
            "To A's proxy {} unhealthy ({says}), and it sends no requests to unhealthy ones. Envoy answers by itself.",
            all_endpoints(cluster)
        ),
        fix: vec![match objects.first() {
            Some(pod) if pod.kind == "Pod" => advice(Op::Replace, format!("{}: find why it is not ready", named(pod))),
            _ => advice(Op::Replace, "find why the endpoints are not healthy"),
        }],
        next: match objects.first() {
            Some(pod) if pod.kind == "Pod" => describe(pod),
            Some(object) => show(object),
            None => Command::default(),
        },
        objects,
        codes: &[],
        evidence: health_of(cluster),
    })
}
