//! No Service selects the gateway's pods.
//!
//! Clients come to a gateway by a Service, mostly one of type `LoadBalancer`. Where no Service selects the pods, their
//! connections come to nothing, however well the gateway is configured.
//!
//! How it comes about: The Service's selector has labels that the pods do not carry (they were installed under another
//! name or revision), or the Service was deleted.
//!
//! How to confirm it: `kubectl -n NAMESPACE get endpointslices` shows the Service without endpoints.
//!
//! How to fix it: Let the Service's selector fit the labels of the gateway's pods. Where clients dial the pods
//! themselves, nothing is wrong.

use serde_json::json;

use crate::diagnose::{Case, Found, Proved, advice, certain, label_text, list, named, ref_of, set, show};
use crate::mesh::kubernetes::has_labels;
use crate::snapshot::{Kind, Node};
use crate::verdict::{Fix, Mark, Op, Stage};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let step = case.step_of(Stage::Request).filter(|step| step.mark == Mark::Warned)?;
    let pod = case.own_pod()?;
    let namespace = pod.text("metadata.namespace")?;
    let services = case.objects(Kind::Service, Some(&namespace), &[])?;
    let fixes: Vec<Fix> = services.iter().filter_map(|service| fix(service, &pod)).collect();
    let objects = fixes.iter().filter_map(|fix| fix.object.clone()).collect::<Vec<_>>();
    let create = advice(Op::Add, format!("a Service in {namespace} that selects the gateway's pods, if there is none"));
    Some(Found {
        certainty: certain(Proved::No),
        stage: Stage::Request,
        title: "no Service selects the gateway's pods".to_owned(),
        why: format!(
            "None of the Services of namespace {namespace} selects pod {}: only clients that dial the pod itself come to it.",
            pod.text("metadata.name").unwrap_or_default()
        ),
        next: objects.first().map_or_else(|| list(&namespace, "services"), show),
        objects,
        fix: fixes.into_iter().chain([create]).collect(),
        codes: &[],
        evidence: step.evidence,
    })
}

/// A Service that selects by keys of which the pod has other values, or some of them.
fn fix(service: &Node, pod: &Node) -> Option<Fix> {
    let labels = pod.labels("metadata.labels");
    let wanted = service.labels("spec.selector");
    let own: serde_json::Map<_, _> = labels
        .iter()
        .filter(|(key, _)| wanted.iter().any(|(wanted, _)| wanted == key))
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    if own.is_empty() || has_labels(&labels, service.at("spec.selector").as_ref()) {
        return None;
    }
    let object = ref_of(Kind::Service, service, "spec.selector");
    let pairs: Vec<(String, String)> =
        labels.into_iter().filter(|(key, _)| wanted.iter().any(|(wanted, _)| wanted == key)).collect();
    let text = format!("{}, spec.selector: {}, as the pods carry", named(&object), label_text(&pairs));
    Some(set(&object, Some(service), "spec.selector", Some(own.into()), text))
}
