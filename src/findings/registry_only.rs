//! The mesh lets requests out only to hosts that it knows, and this is none.
//!
//! With `outboundTrafficPolicy: REGISTRY_ONLY`, set in a Sidecar or for the whole mesh, an unknown host gets 502 from
//! the proxy itself (or, for TCP, a closed connection). Declare the host in a `ServiceEntry`; or, where a Sidecar's
//! `egress` leaves a Service out, add it there; or correct the Host header.

use crate::diagnose::{Case, Proved, certain, named, ref_of, show};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Finding, ObjectRef, Stage};
use crate::walk::Stop;

pub(crate) fn examine(case: &Case) -> Option<Finding> {
    let at = blocked(case)?;
    let own = case.namespace();
    let policies = policies(case, &own);
    let objects: Vec<ObjectRef> = policies.iter().map(|(object, _)| object.clone()).collect();
    let by = objects.first().map_or("The mesh configuration".to_owned(), named);
    let host = &case.walk.request.host;
    let mut evidence = vec![at];
    evidence.extend(policies.into_iter().map(|(_, evidence)| evidence));
    let objects = if objects.is_empty() { vec![mesh_config()] } else { objects };
    let declared = case.walk.trail.service.is_some();
    let first = if declared {
        format!("{}, spec.egress[].hosts: add the host, if it leaves it out", named(&objects[0]))
    } else {
        format!("a ServiceEntry for {} in namespace {own}", host.split(':').next().unwrap_or(host))
    };
    Some(Finding {
        id: "registry-only",
        certainty: certain(if objects[0].kind == "Sidecar" { Proved::Yes } else { Proved::No }),
        stage: if case.stop() == Some(&Stop::TcpNoHealthyUpstream) { Stage::Cluster } else { Stage::Route },
        title: format!("the mesh does not let requests out to {host}"),
        why: format!(
            "{by} sets outboundTrafficPolicy REGISTRY_ONLY, and A's proxy knows no host {host} on this port. The proxy answers by itself; nothing is sent."
        ),
        fix: vec![
            first,
            "or send the Host header of a service that the mesh knows".to_owned(),
            format!("or {by}, outboundTrafficPolicy.mode: ALLOW_ANY"),
        ],
        next: show(&objects[0]),
        objects,
        istio: None,
        evidence,
    })
}

/// Where the proxy says so: Istio's catch-all virtual host, or its cluster without endpoints.
fn blocked(case: &Case) -> Option<Evidence> {
    let stop = case.stop()?;
    if *stop == Stop::DirectResponse(502) {
        let name = case.trail().virtual_host.as_ref()?.get("name")?;
        return (name.value().as_str() == Some("block_all")).then(|| name.evidence());
    }
    let cluster = case.cluster().filter(|c| case.lacks_host() && c.name == "BlackHoleCluster")?;
    Some(cluster.cluster.as_ref()?.get("name")?.evidence())
}

/// The Sidecars that set the policy for A, the nearest first.
fn policies(case: &Case, own: &str) -> Vec<(ObjectRef, Evidence)> {
    let sets = |sidecar: Node| {
        let mode = sidecar.at("spec.outboundTrafficPolicy.mode")?;
        let only = mode.value().as_str() == Some("REGISTRY_ONLY");
        only.then(|| (ref_of(Kind::Sidecar, &sidecar, "spec.outboundTrafficPolicy.mode"), mode.evidence()))
    };
    let of = |namespace: &str| {
        case.objects(Kind::Sidecar, Some(namespace), &[]).unwrap_or_default().into_iter().filter_map(sets)
    };
    let near: Vec<_> = of(own).collect();
    if near.is_empty() { of("istio-system").collect() } else { near }
}

fn mesh_config() -> ObjectRef {
    ObjectRef {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: "istio-system".to_owned(),
        name: "istio".to_owned(),
        field: "data.mesh, outboundTrafficPolicy.mode".to_owned(),
    }
}
