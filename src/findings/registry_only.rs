//! The mesh lets nothing out to unknown hosts.
//!
//! The mesh lets requests out only to hosts that it knows. Any other host gets 502 from A's own proxy, or for TCP a
//! closed connection (UH at `BlackHoleCluster`).
//!
//! How it comes about: `outboundTrafficPolicy: REGISTRY_ONLY` is set in a Sidecar or for the whole mesh. The host is
//! not registered; or a Sidecar's `egress` or `exportTo` leaves it out for A; or the Host header is another's.
//!
//! How to confirm it: The virtual host is `block_all` in `istioctl proxy-config routes POD -o json`. `istioctl
//! proxy-config clusters POD --fqdn HOST` has nothing.
//!
//! How to fix it: Declare the host in a `ServiceEntry`; or add it to the Sidecar's `egress` where one leaves it out;
//! or correct the Host header.

use serde_json::json;

use crate::diagnose::{
    Case, Found, Proved, ROOT_NAMESPACE, advice, certain, create_entry, egress_host, in_field, named, ref_of, replace,
    show,
};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op, Stage};
use crate::walk::{Form, Stop};

pub(crate) const YIELDS_TO: &[&str] = &["listener-rejected"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let at = blocked(case)?;
    let own = case.namespace();
    let (sidecar, mode) = policy(case).unzip();
    let by = sidecar.as_ref().map_or("The mesh configuration".to_owned(), named);
    let certainty = certain(if sidecar.is_some() { Proved::Yes } else { Proved::No });
    let object = sidecar.unwrap_or_else(mesh_config);
    let host = &case.request().host;
    let evidence = [at].into_iter().chain(mode.as_ref().map(Node::evidence)).collect();
    let first = if case.asked_service().is_some() {
        show_service(case, host)
    } else {
        let name = host.split(':').next().unwrap_or(host);
        create_entry(&own, name, format!("a ServiceEntry for {name} in namespace {own}"))
    };
    Some(Found {
        certainty,
        stage: if case.stop() == Some(&Stop::NoHealthyUpstream(Form::Tcp)) { Stage::Cluster } else { Stage::Route },
        title: format!("the mesh does not let requests out to {host}"),
        why: format!(
            "{by} sets outboundTrafficPolicy REGISTRY_ONLY, and A's proxy knows no host {host} on this port. The proxy answers by itself; nothing is sent."
        ),
        fix: vec![
            first,
            advice(Op::Replace, "send the Host header of a service that the mesh knows"),
            let_out(&object, mode.as_ref(), &by),
        ],
        next: show(&object),
        objects: vec![object],
        codes: &[],
        evidence,
    })
}

/// A's proxy should see a Service that there is.
fn show_service(case: &Case, host: &str) -> Fix {
    match case.sidecar().filter(|sidecar| sidecar.at("spec.egress").is_some()) {
        Some(sidecar) => {
            let named = named(&ref_of(Kind::Sidecar, &sidecar, "spec.egress"));
            egress_host(&sidecar, format!("{named}, spec.egress[].hosts: add the host, if it leaves it out"))
        }
        None => advice(Op::Add, format!("let exportTo of {host} include namespace {}", case.namespace())),
    }
}

/// The policy should let unknown hosts pass. That of the mesh is a line in a text.
fn let_out(object: &ObjectRef, mode: Option<&Node>, by: &str) -> Fix {
    let text = format!("{by}, outboundTrafficPolicy.mode: ALLOW_ANY");
    match mode {
        Some(mode) => replace(object, Some(mode), Some(json!("ALLOW_ANY")), text),
        None => replace(&in_field(object, "data.mesh"), None, None, text),
    }
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
fn policy(case: &Case) -> Option<(ObjectRef, Node)> {
    let sidecar = case.sidecar()?;
    let mode = sidecar.at("spec.outboundTrafficPolicy.mode")?;
    let only = mode.value().as_str() == Some("REGISTRY_ONLY");
    only.then(|| (ref_of(Kind::Sidecar, &sidecar, "spec.outboundTrafficPolicy.mode"), mode))
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
