//! No endpoint of the service is healthy.
//!
//! The cluster has endpoints, and the proxy holds none of them to be healthy, so Envoy has nobody to send the request
//! to: 503 UH.
//!
//! How it comes about: Every endpoint fails the health check that A's proxy makes itself
//! (`failed_active_health_check`: in Istio only an `EnvoyFilter` asks for one), or the control plane calls it
//! unhealthy (`failed_eds_health`: Istio sends pods that are not ready so), and panic routing is off or does not help.
//!
//! How to confirm it: `istioctl proxy-config endpoints POD --cluster NAME` shows UNHEALTHY or DRAINING; `kubectl get
//! pods` shows whether the pods are ready.
//!
//! How to fix it: Let the pods get ready: read their readiness probe and their log. Where a health check of the
//! proxy's fails, correct its path, port or host.

use crate::diagnose::{
    Case, Found, Proved, advice, all_ejected, all_endpoints, certain, describe, health_of, in_field, named, ref_of,
    replace, show,
};
use crate::mesh::kubernetes::is_ready;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Command, Fix, ObjectRef, Op, Side, Stage};
use crate::walk::ClusterTrail;

/// What `/clusters` says of a host that fails the proxy's own checks.
const CHECKED: &str = "failed_active_health_check";

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let cluster = case.cluster().filter(|c| case.lacks_host() && !c.hosts.is_empty())?;
    if all_ejected(cluster) {
        return None;
    }
    let pods = case.pods_at(&cluster.hosts.iter().map(|h| h.host.address.clone()).collect::<Vec<_>>());
    let flags: Vec<&String> = cluster.hosts.iter().flat_map(|h| &h.host.flags).collect();
    let says = flags.first().map_or("unhealthy", |f| f.as_str());
    let cause =
        if flags.iter().any(|flag| *flag == CHECKED) { checked(case, cluster, &pods) } else { called_so(case, &pods) };
    let Cause { words, objects, fix, next, evidence } = cause;
    let replies = case.answers();
    Some(Found {
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage: Stage::Endpoints,
        title: format!("{} unhealthy", all_endpoints(cluster)),
        why: format!(
            "To A's proxy {} unhealthy ({says}){words}, and it sends no requests to unhealthy ones. {replies}.",
            all_endpoints(cluster)
        ),
        fix,
        next,
        objects,
        codes: &[],
        evidence: health_of(cluster).into_iter().chain(evidence).collect(),
    })
}

/// Why they are unhealthy.
struct Cause {
    words: String,
    objects: Vec<ObjectRef>,
    fix: Vec<Fix>,
    next: Command,
    evidence: Vec<Evidence>,
}

/// They fail what A's proxy asks them itself; readiness has no part in it.
fn checked(case: &Case, cluster: &ClusterTrail, pods: &[Node]) -> Cause {
    let check = cluster.cluster.as_ref().and_then(|config| config.list("health_checks").into_iter().next());
    let path = check.as_ref().and_then(|check| check.text("http_health_check.path"));
    let asks = path.map_or_else(String::new, |path| format!(", GET {path}"));
    let ready = if !pods.is_empty() && pods.iter().all(is_ready) { ", although their pods are ready" } else { "" };
    let patch = case.objects_for_proxy_of(Side::Source, Kind::EnvoyFilter).iter().find_map(with_checks);
    let mut objects: Vec<ObjectRef> = patch.iter().map(|(object, _)| object.clone()).collect();
    objects.extend(pods.iter().map(|pod| ref_of(Kind::Pod, pod, "spec.containers")));
    objects.extend(case.service().map(|s| ref_of(Kind::Service, &s, "spec.ports")));
    let answer =
        advice(Op::Replace, format!("B: find why it does not answer the proxy's health check{asks} as it should"));
    let fix = match &patch {
        Some((object, at)) => {
            let text = format!("{}, {}: a check that B answers, or none", named(object), object.field);
            vec![replace(object, Some(at), None, text), answer]
        }
        None => vec![answer],
    };
    Cause {
        words: format!(": they fail the check that this proxy makes itself{asks}{ready}"),
        next: objects
            .first()
            .map(|object| if object.kind == "Pod" { describe(object) } else { show(object) })
            .unwrap_or_default(),
        objects,
        fix,
        evidence: check.iter().chain(patch.iter().map(|(_, at)| at)).map(Node::evidence).collect(),
    }
}

/// The patch of an `EnvoyFilter` that lets a proxy check its hosts.
fn with_checks(filter: &Node) -> Option<(ObjectRef, Node)> {
    let at = filter.list("spec.configPatches").into_iter().find_map(|patch| patch.at("patch.value.health_checks"))?;
    Some((ref_of(Kind::EnvoyFilter, filter, &at.place()), at))
}

/// The control plane calls them unhealthy.
fn called_so(case: &Case, pods: &[Node]) -> Cause {
    let unready: Vec<ObjectRef> =
        pods.iter().filter(|pod| !is_ready(pod)).map(|pod| ref_of(Kind::Pod, pod, "status.conditions")).collect();
    let service = case.service().map(|s| ref_of(Kind::Service, &s, "spec.selector"));
    let fix = match unready.first() {
        Some(pod) => advice(Op::Replace, format!("{}: find why it is not ready", named(pod))),
        None => advice(Op::Replace, "find why the control plane calls the endpoints unhealthy"),
    };
    let others = pods.iter().filter(|pod| is_ready(pod)).map(|pod| ref_of(Kind::Pod, pod, "status.conditions"));
    let objects: Vec<ObjectRef> = unready.iter().cloned().chain(others).chain(service.clone()).collect();
    Cause {
        words: String::new(),
        fix: vec![fix],
        next: match (unready.first(), service.as_ref().or(objects.first())) {
            (Some(pod), _) => describe(pod),
            (None, Some(object)) => show(&in_field(object, "")),
            (None, None) => Command::default(),
        },
        objects,
        evidence: Vec::new(),
    }
}
