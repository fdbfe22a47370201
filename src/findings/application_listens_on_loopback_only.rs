//! The application listens on loopback alone, and its proxy connects to the pod's address.
//!
//! Something in B's pod accepts connections on 127.0.0.1, as `--probe` found, and every connection of B's proxy to the same
//! port of the pod's own address failed. B's proxy answers 503 UF, which A's proxy passes on.
//!
//! How it comes about: The application binds to 127.0.0.1, `localhost` or `::1`. Up to Istio 1.9 the proxy connected to
//! loopback, and since 1.10 to the pod's own address. Or the application began to listen only after the proxy's last try.
//!
//! How to confirm it: `kubectl exec POD -- ss -ltn` shows the address before the port: 127.0.0.1:8080, and not 0.0.0.0:8080.
//!
//! How to fix it: Let the application listen on 0.0.0.0, or on `[::]` for both families. Where it cannot, a Sidecar of B's with
//! an `ingress` whose `defaultEndpoint` is 127.0.0.1:PORT has the proxy connect there.

use std::net::SocketAddr;

use crate::diagnose::{Case, Found, Proved, advice, certain, failures_of, named, ref_of, show, workload};
use crate::snapshot::{Evidence, Kind};
use crate::verdict::{ObjectRef, Op, Stage};
use crate::walk::Stop;

pub(crate) const CODES: &[&str] = &["IST0143"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if !matches!(case.stop(), Some(Stop::ConnectFailure(_))) {
        return None;
    }
    let there = case.destination()?;
    let (port, connected) = case.probed()?;
    if connected.value().as_bool() != Some(true) {
        return None;
    }
    let cluster = case.cluster()?;
    let is_loopback = |address: &str| address.parse::<SocketAddr>().is_ok_and(|at| at.ip().is_loopback());
    if cluster.hosts.iter().any(|trail| is_loopback(&trail.host.address)) {
        return None;
    }
    let pod = ref_of(Kind::Pod, &there.pod, "");
    let objects: Vec<ObjectRef> = std::iter::once(pod.clone()).chain(workload(case, &there.pod)).collect();
    let evidence: Vec<Evidence> = failures_of(cluster).into_iter().chain([connected.evidence()]).collect();
    Some(Found {
        // The counters tell of all tries since the proxy started, and the application may have begun to listen since.
        certainty: certain(Proved::No),
        stage: Stage::Endpoints,
        title: "the application listens on loopback only".to_owned(),
        why: format!(
            "Something in {} accepts connections on 127.0.0.1, port {port}, and every connection of its proxy to the pod's own address failed. The application listens on loopback alone, or began to listen after the proxy's last try.",
            named(&pod)
        ),
        fix: vec![
            advice(
                Op::Replace,
                format!("let the application listen on 0.0.0.0 or [::], port {port}, and not on 127.0.0.1"),
            ),
            advice(
                Op::Add,
                format!(
                    "a Sidecar of namespace {} for its pods, spec.ingress: port {port} with defaultEndpoint 127.0.0.1:{port}",
                    there.namespace
                ),
            ),
        ],
        next: objects.get(1).map_or_else(|| show(&pod), show),
        objects,
        codes: CODES,
        evidence,
    })
}
