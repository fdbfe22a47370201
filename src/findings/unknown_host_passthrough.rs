//! An unknown host's connection is passed through.
//!
//! A's proxy has no route for the host, so the connection goes on to the address that was dialed, in plaintext,
//! without any rule of the mesh. That is meant for hosts outside. A B that wants mutual TLS closes such a connection.
//!
//! How it comes about: `outboundTrafficPolicy: ALLOW_ANY` lets unknown hosts pass, and what is no plaintext HTTP on a port
//! that a Service calls HTTP: A that speaks TLS itself, or another protocol. A service of the mesh is unknown to
//! A where a Sidecar's `egress` leaves it out, where it is not exported to A's namespace, or where the Host header is
//! another's.
//!
//! How to confirm it: The access log's cluster is `PassthroughCluster`, and `istioctl proxy-config clusters POD --fqdn
//! HOST` has nothing.
//!
//! How to fix it: Let A see the service: add it to the Sidecar's `egress`, or correct `exportTo`, or the Host header.
//! A host outside may have a `ServiceEntry`.

use crate::diagnose::{
    CalledHttp, Case, Found, Proved, advice, certain, create_entry, hidden, list, named, ref_of, show,
};
use crate::snapshot::{Evidence, Kind};
use crate::verdict::{ObjectRef, Op, Stage};

/// How A's proxy gets to know a service of the mesh.
const SEE: &str = "let A's proxy see the service: Sidecar spec.egress[].hosts, exportTo";

pub(crate) const YIELDS_TO: &[&str] = &["listener-rejected"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let cluster = case.cluster().filter(|c| c.name == "PassthroughCluster")?;
    let request = case.request();
    let own = case.namespace();
    let name = request.host.split(':').next().unwrap_or_default();
    let service = case.asked_service();
    let hides = service.and_then(|service| hidden(case, service));
    if hides.is_none()
        && let Some(found) = of_no_http(case)
    {
        return Some(found);
    }
    let mut objects: Vec<ObjectRef> = hides.iter().map(|hides| hides.object.clone()).collect();
    objects.extend(service.map(|s| ref_of(Kind::Service, s, "")));
    let mut evidence: Vec<Evidence> =
        cluster.cluster.as_ref().and_then(|c| c.get("name")).map(|n| n.evidence()).into_iter().collect();
    evidence.extend(hides.as_ref().and_then(|hides| hides.evidence.clone()));
    let (why, fix) = if service.is_some() {
        (
            format!(
                "A's proxy has no route or listener for {} on this port, so it passes the connection on in plaintext, past every rule of the mesh. If B wants mutual TLS, it closes it.",
                request.host
            ),
            vec![
                hides.map_or_else(|| advice(Op::Add, SEE), |hides| hides.fix),
                advice(Op::Replace, "send the Host header that the service goes by"),
            ],
        )
    } else {
        (
            format!(
                "The mesh knows no host {}, and outboundTrafficPolicy ALLOW_ANY lets it through: the connection goes on to the address that was dialed, past every rule of the mesh.",
                request.host
            ),
            vec![create_entry(
                &own,
                name,
                request,
                format!("a ServiceEntry for {name}, where rules are wanted for it"),
            )],
        )
    };
    Some(Found {
        certainty: certain(Proved::No),
        stage: Stage::Cluster,
        title: "the mesh does not know this host".to_owned(),
        why,
        next: objects.first().map_or_else(|| list(&own, "serviceentries,sidecars"), show),
        objects,
        fix,
        codes: &[],
        evidence,
    })
}

/// B's Service says that the port is HTTP, and what comes is none, or is hidden in TLS: the proxy has rules for plaintext HTTP
/// alone.
fn of_no_http(case: &Case) -> Option<Found> {
    let port = case.request().port;
    let called = CalledHttp::of(case).filter(|_| !case.is_over_http())?;
    let declared = &called.declared;
    Some(Found {
        certainty: certain(Proved::No),
        stage: Stage::Cluster,
        title: format!("port {port} is called {declared}, and no plaintext HTTP comes"),
        why: format!(
            "{} calls port {port} {declared}, so A's proxy has rules for plaintext HTTP there. TLS and other bytes pass it as they are, past every rule of the mesh. B's application has to understand them, and a B that wants mutual TLS closes the connection.",
            named(&called.object),
        ),
        fix: vec![
            advice(Op::Replace, "let A send plaintext HTTP: its proxy adds mutual TLS by itself"),
            called.as_tcp("where clients speak no plaintext HTTP"),
        ],
        next: show(&called.object),
        codes: &[],
        evidence: vec![called.at.evidence()],
        objects: vec![called.object],
    })
}
