//! The mesh lets requests out only to hosts that it knows, and this is none.
//!
//! With `outboundTrafficPolicy: REGISTRY_ONLY`, set in a Sidecar or for the whole mesh, an unknown host gets 502 from
//! the proxy itself (or, for TCP, a closed connection). Declare the host in a `ServiceEntry`; or, where a Sidecar's
//! `egress` leaves a Service out, add it there; or correct the Host header.

use crate::diagnose::{Case, Proved, ROOT_NAMESPACE, certain, named, ref_of, show};
use crate::snapshot::{Evidence, Kind};
use crate::verdict::{Finding, ObjectRef, Stage};
use crate::walk::Stop;

pub(crate) fn examine(case: &Case) -> Option<Finding> {
    let at = blocked(case)?;
    let own = case.namespace();
    let (sidecar, ground) = policy(case).unzip();
    let by = sidecar.as_ref().map_or("The mesh configuration".to_owned(), named);
    let certainty = certain(if sidecar.is_some() { Proved::Yes } else { Proved::No });
    let object = sidecar.unwrap_or_else(mesh_config);
    let host = &case.walk.request.host;
    let evidence = [at].into_iter().chain(ground).collect();
    let declared = case.walk.trail.service.is_some();
    let first = if declared {
        format!("{}, spec.egress[].hosts: add the host, if it leaves it out", named(&object))
    } else {
        format!("a ServiceEntry for {} in namespace {own}", host.split(':').next().unwrap_or(host))
    };
    Some(Finding {
        id: "registry-only",
        certainty,
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
        next: show(&object),
        objects: vec![object],
        codes: &[],
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

/// The Sidecar that sets the policy for A; where there is none, the mesh's configuration does.
fn policy(case: &Case) -> Option<(ObjectRef, Evidence)> {
    let sidecar = case.sidecar()?;
    let mode = sidecar.at("spec.outboundTrafficPolicy.mode")?;
    let only = mode.value().as_str() == Some("REGISTRY_ONLY");
    only.then(|| (ref_of(Kind::Sidecar, &sidecar, "spec.outboundTrafficPolicy.mode"), mode.evidence()))
}

fn mesh_config() -> ObjectRef {
    ObjectRef {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: ROOT_NAMESPACE.to_owned(),
        name: "istio".to_owned(),
        field: "data.mesh, outboundTrafficPolicy.mode".to_owned(),
    }
}
