//! B's proxy cannot connect to its application.
//!
//! B's proxy gets the request, and every connection to the application's port failed, as the host counters of B's
//! proxy show. B's proxy answers 503 UF, which A's proxy passes on: in A's log it is a plain 503 `via_upstream`.
//!
//! How it comes about: The application does not run yet, or listens on another port, or on 127.0.0.1 alone (since
//! Istio 1.10 the proxy connects to the pod's own address).
//!
//! How to confirm it: `--probe` connects to the port on the pod's loopback. `kubectl exec POD -- ss -ltn` shows what listens. B's log has `URX,UF` and `Connection_refused`.
//!
//! How to fix it: Let the application listen on 0.0.0.0 and on the port that the Service's `targetPort` names.

use std::collections::BTreeSet;

use serde_json::json;

use crate::diagnose::{
    Case, Found, Proved, advice, certain, entry_of, failures_of, logs, named, other_endpoints, other_target_port,
    ref_of, replace, show, workload,
};
use crate::mesh::injected::applications;
use crate::snapshot::{Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op, Side, Stage};
use crate::walk::Stop;

pub(crate) const YIELDS_TO: &[&str] = &["application-listens-on-loopback-only"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if !matches!(case.stop(), Some(Stop::ConnectFailure(_))) {
        return None;
    }
    let there = case.destination()?;
    let probe = case.probed().map(|(_, connected)| connected);
    let evidence = failures_of(case.cluster()?).into_iter().chain(probe.as_ref().map(Node::evidence)).collect();
    let pod = ref_of(Kind::Pod, &there.pod, "");
    let elsewhere = ingress(case, there.port)
        .or_else(|| entry_of(case).map(|entry| other_endpoints(&entry, "the port that the application listens on")));
    let (sent_by, elsewhere) = elsewhere.unzip();
    let mut objects: Vec<ObjectRef> = sent_by.into_iter().collect();
    objects.push(pod.clone());
    objects.extend(workload(case, &there.pod));
    let port = there.port;
    let other_target = other_target(case, &there.pod, port);
    let meant = other_target.object.clone().filter(|_| other_target.want.is_some());
    objects.extend(other_target.object.clone());
    // Where the proxy connects to loopback itself, somebody may have begun to listen since its last try.
    let probed = match probe.as_ref().and_then(|connected| connected.value().as_bool()) {
        Some(true) => " The port accepts connections now.",
        Some(false) => " Nothing accepts connections on loopback either.",
        None => "",
    };
    let is_past = probe.as_ref().is_some_and(|connected| connected.value().as_bool() == Some(true));
    Some(Found {
        certainty: certain(if is_past { Proved::No } else { Proved::Yes }),
        stage: Stage::Endpoints,
        title: format!("nothing listens on port {port} of B's pod"),
        why: format!(
            "The proxy of {} got the request and tried to connect to its application on port {port}. No connection succeeded, so it replies itself.{probed}",
            named(&pod)
        ),
        fix: elsewhere.into_iter().chain(in_order(listen(port), other_target)).collect(),
        next: objects.first().filter(|object| **object != pod).or(meant.as_ref()).map_or_else(|| logs(&pod), show),
        objects,
        codes: &[],
        evidence,
    })
}

fn listen(port: u16) -> Fix {
    let text = format!("let the application listen on port {port}, on the pod's address and not on 127.0.0.1 alone");
    advice(Op::Replace, text)
}

/// A port that the pod says it listens on is nearer than an application that is to be changed.
fn in_order(listen: Fix, other_target: Fix) -> [Fix; 2] {
    if other_target.want.is_some() { [other_target, listen] } else { [listen, other_target] }
}

/// The Service should lead to another port: to the only one that the pod declares, where that is not this one.
fn other_target(case: &Case, pod: &Node, port: u16) -> Fix {
    let fix = other_target_port(case.asked_service(), case.request().port);
    let declared: BTreeSet<u64> = applications(pod)
        .iter()
        .flat_map(|container| container.list("ports"))
        .filter(|declared| declared.text("protocol").is_none_or(|protocol| protocol == "TCP"))
        .filter_map(|declared| declared.get("containerPort")?.value().as_u64())
        .collect();
    let mut declared = declared.into_iter();
    match (declared.next(), declared.next(), &fix.object) {
        (Some(one), None, Some(object)) if one != u64::from(port) => {
            let text = format!("{}, {}: {one}, the only port that the pod declares", named(object), object.field);
            Fix { want: Some(if fix.op == Op::Add { json!({ "targetPort": one }) } else { json!(one) }), text, ..fix }
        }
        (Some(_) | None, _, _) => fix,
    }
}

/// The Sidecar of B's that says where its proxy hands connections to a port on.
fn ingress(case: &Case, port: u16) -> Option<(ObjectRef, Fix)> {
    let is_it = |entry: &Node| entry.at("port.number").and_then(|of| of.value().as_u64()) == Some(u64::from(port));
    let sidecars = case.objects_for_proxy_of(Side::Destination, Kind::Sidecar);
    sidecars.iter().find_map(|sidecar| {
        let entry = sidecar.list("spec.ingress").into_iter().find(is_it)?;
        let at = entry.get("defaultEndpoint")?;
        let object = ref_of(Kind::Sidecar, sidecar, &at.place());
        let text = format!("{}, {}: where the application listens", named(&object), object.field);
        let fix = replace(&object, Some(&at), None, text);
        Some((object, fix))
    })
}
