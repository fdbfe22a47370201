//! B's proxy cannot connect to its application.
//!
//! B's proxy gets the request, and every connection to the application's port failed, as the host counters of B's
//! proxy show. B's proxy answers 503 UF, which A's proxy passes on: in A's log it is a plain 503 `via_upstream`.
//!
//! How it comes about: The application does not run yet, or listens on another port, or on 127.0.0.1 alone (since
//! Istio 1.10 the proxy connects to the pod's own address).
//!
//! How to confirm it: `kubectl exec POD -- ss -ltn` shows what listens. B's log has `URX,UF` and `Connection_refused`.
//!
//! How to fix it: Let the application listen on 0.0.0.0 and on the port that the Service's `targetPort` names.

use crate::diagnose::{Case, Found, Proved, advice, certain, failures_of, logs, named, other_target_port, ref_of, workload};
use crate::snapshot::Kind;
use crate::verdict::{Op, Stage};
use crate::walk::Stop;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if !matches!(case.stop(), Some(Stop::ConnectFailure(_))) {
        return None;
    }
    let there = case.destination()?;
    let evidence = failures_of(case.cluster()?);
    let pod = ref_of(Kind::Pod, &there.pod, "");
    let mut objects = vec![pod.clone()];
    objects.extend(workload(case, &there.pod));
    objects.extend(case.asked_service().map(|s| ref_of(Kind::Service, s, "spec.ports[].targetPort")));
    let port = there.port;
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Endpoints,
        title: format!("nothing listens on port {port} of B's pod"),
        why: format!(
            "The proxy of {} got the request and tried to connect to its application on port {port}. No connection ever came about, so it answers by itself.",
            named(&pod)
        ),
        fix: vec![
            advice(
                Op::Replace,
                format!("let the application listen on port {port}, on the pod's address and not on 127.0.0.1 alone"),
            ),
            other_target_port(case.asked_service(), case.request().port),
        ],
        next: logs(&pod),
        objects,
        codes: &[],
        evidence,
    })
}
