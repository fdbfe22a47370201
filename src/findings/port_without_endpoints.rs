//! The Service's port leads to none of its pods.
//!
//! The pods are ready, and this port of the Service has no endpoint: 503 UH.
//!
//! How it comes about: A target port that is a name counts only for pods that have a container port of that name. An
//! endpoint slice that was written by hand has to name its port as the Service does.
//!
//! How to confirm it: `kubectl get endpointslices -l kubernetes.io/service-name=NAME -o yaml`: the port's name is
//! missing under `ports`.
//!
//! How to fix it: Give the container port the name, or write the number into `targetPort`. Name the slice's port as
//! the Service names its own.

use serde_json::json;

use crate::diagnose::{
    Case, Found, Proved, advice, certain, named, port_entry, ready, ready_pods, ref_of, set, show, slices,
};
use crate::mesh::istio::PROXY;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{ObjectRef, Op, Stage};

pub(crate) const CODES: &[&str] = &["KIA0701"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let (_, empty) = case.empty_cluster()?;
    let service = case.service()?;
    let entry = port_entry(&service, case.request().port)?;
    if service.labels("spec.selector").is_empty() {
        of_slices(case, &service, &entry, empty)
    } else {
        of_pods(case, &service, &entry, empty)
    }
}

/// No pod that is ready has a container port of that name.
fn of_pods(case: &Case, service: &Node, entry: &Node, empty: Evidence) -> Option<Found> {
    let target = entry.get("targetPort")?;
    let wanted = target.value().as_str()?.to_owned();
    let pods = ready_pods(case, service)?;
    let pod = pods.first()?;
    let is_own = |container: &Node| container.text("name").as_deref() != Some(PROXY);
    let ports = |pod: &Node| {
        let own = pod.list("spec.containers").into_iter().filter(is_own);
        own.flat_map(|container| container.list("ports")).collect::<Vec<_>>()
    };
    let has = |pod: &Node| ports(pod).iter().any(|port| port.text("name").as_deref() == Some(wanted.as_str()));
    if pods.iter().any(has) {
        return None;
    }
    let object = ref_of(Kind::Service, service, &target.place());
    let own = ports(pod);
    let named_ports: Vec<String> = own.iter().filter_map(|port| port.text("name")).collect();
    let there_are = if named_ports.is_empty() {
        "none of their ports has a name".to_owned()
    } else {
        format!("they have {}", named_ports.join(", "))
    };
    let want = match &own[..] {
        [only] => only.get("containerPort").map(|at| at.value().clone()),
        _ => None,
    };
    let pod_ref = ref_of(Kind::Pod, pod, "spec.containers[].ports");
    let field = object.field.clone();
    Some(found(
        case,
        (
            format!("no pod has a port named \"{wanted}\""),
            format!(
                "{}, {field} is the name {wanted}, and no pod of it that is ready has a container port of that name: {there_are}.",
                named(&object)
            ),
        ),
        (
            object.clone(),
            vec![
                set(
                    &object,
                    Some(entry),
                    "targetPort",
                    want,
                    format!("{}, {field}: a port that its pods have", named(&object)),
                ),
                advice(
                    Op::Add,
                    format!("name the port of the container {wanted}, in the template of {}", named(&pod_ref)),
                ),
            ],
        ),
        vec![empty, target.evidence(), pod.at("metadata.name")?.evidence()],
    ))
}

/// No slice has a port of the name that the Service's port has.
fn of_slices(case: &Case, service: &Node, entry: &Node, empty: Evidence) -> Option<Found> {
    let slices = slices(case, service)?;
    let wanted = entry.text("name").unwrap_or_default();
    let is_it = |port: &Node| port.text("name").unwrap_or_default() == wanted;
    if ready(&slices).is_empty() || slices.iter().any(|slice| slice.list("ports").iter().any(is_it)) {
        return None;
    }
    let slice = slices.first()?;
    let port = slice.list("ports").into_iter().next();
    let object = ref_of(Kind::EndpointSlice, slice, "ports[0].name");
    let given = port.as_ref().and_then(|port| port.text("name")).unwrap_or_default();
    let service_ref = ref_of(Kind::Service, service, &entry.place());
    let called = |name: &str| if name.is_empty() { "has no name".to_owned() } else { format!("is named {name}") };
    let fix = set(
        &object,
        port.as_ref(),
        "name",
        Some(json!(wanted)),
        format!("{}, ports[0].name: {wanted}", named(&object)),
    );
    Some(found(
        case,
        (
            format!("no EndpointSlice has a port named \"{wanted}\""),
            format!(
                "The port of {} {}, and that of {} {}: they have to be the same.",
                named(&service_ref),
                called(&wanted),
                named(&object),
                called(&given)
            ),
        ),
        (object, vec![fix]),
        vec![empty, entry.evidence(), slice.at("ports").map_or_else(|| slice.lacks("ports"), |at| at.evidence())],
    ))
}

fn found(
    case: &Case,
    (title, says): (String, String),
    (object, fix): (ObjectRef, Vec<crate::verdict::Fix>),
    evidence: Vec<Evidence>,
) -> Found {
    Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Endpoints,
        title,
        why: format!("{says} {}.", case.answers()),
        next: show(&object),
        objects: vec![object],
        fix,
        codes: CODES,
        evidence,
    }
}
