//! A subset is defined, and no pod has its labels.
//!
//! The `DestinationRule` defines the subset, so Istio made a cluster for it. No pod of the service carries the
//! subset's labels, so the cluster has no endpoints and Envoy replies 503 UH itself.
//!
//! How it comes about: The subset's label is misspelled, the version was removed, or the labels stand on the
//! Deployment and not on its pods' template.
//!
//! How to confirm it: `kubectl get pods -l LABEL=VALUE --show-labels` is empty; the same for the Service's own
//! selector is not.
//!
//! How to fix it: Correct the labels of the subset, or those of the pods (`spec.template.metadata.labels`).

use serde_json::Value;

use crate::diagnose::{Case, Columns, Found, Proved, advice, certain, label_text, list_pods, named, set, show};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op, Stage};

/// A label's key and its value.
type Label = (String, String);

pub(crate) const CODES: &[&str] = &["IST0173", "KIA0203"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let name = case.cluster_name().filter(|name| case.lacks_host() && !name.subset.is_empty())?;
    let cluster = case.cluster().filter(|c| c.hosts.is_empty())?;
    let others = case.hosts_of(&name.of_whole_host()).filter(|hosts| !hosts.is_empty())?;
    let (rule, rule_at) = case.cluster_object()?;
    let empty = cluster.no_hosts()?;
    let object = case.object(Kind::DestinationRule, &rule.namespace, &rule.name);
    let subset = object.as_ref().and_then(|rule| subset_of(rule, &name.subset));
    let wanted = subset.as_ref().map(|(_, at)| at.labels("labels")).unwrap_or_default();
    let field = subset.as_ref().map_or_else(|| "spec.subsets".to_owned(), |(i, _)| format!("spec.subsets[{i}].labels"));
    let rule = ObjectRef { field, ..rule };
    let pods = pods(case);
    let keys: Vec<&String> = wanted.iter().map(|(k, _)| k).collect();
    let there = values(&pods, &keys);
    let says = if wanted.is_empty() {
        format!("subset \"{}\"", name.subset)
    } else {
        format!("subset \"{}\" as the pods with {}", name.subset, label_text(&wanted))
    };
    let replies = case.answers();
    let why = format!(
        "{} defines {says}, and none of the {} endpoints of {} is one of them, so the cluster is empty. {replies}; {} never sees the request.",
        named(&rule),
        others.len(),
        name.host,
        name.host
    );
    let mut fix = vec![other_labels(&rule, subset.as_ref().map(|(_, at)| at), &there)];
    if !wanted.is_empty() {
        let text = format!(
            "label the pods that are meant, in their workload, spec.template.metadata.labels: {}",
            label_text(&wanted)
        );
        fix.push(advice(Op::Add, text));
    }
    let mut evidence: Vec<Evidence> = vec![empty, rule_at];
    evidence.extend(subset.iter().filter_map(|(_, at)| at.get("labels")).map(|n| n.evidence()));
    let (namespace, _) = name.service().unwrap_or_default();
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Endpoints,
        title: format!("subset \"{}\" selects no pods", name.subset),
        why,
        next: selector(case)
            .map_or_else(|| show(&rule), |selector| list_pods(&namespace, &selector, Columns::WithLabels)),
        objects: vec![rule],
        fix,
        codes: CODES,
        evidence,
    })
}

/// The subset should have the labels that pods carry.
fn other_labels(rule: &ObjectRef, subset: Option<&Node>, carried: &[Vec<Label>]) -> Fix {
    let texts: Vec<String> = carried.iter().map(|labels| label_text(labels)).collect();
    let text = if texts.is_empty() {
        format!("{}, {}: labels that its pods carry", named(rule), rule.field)
    } else {
        format!("{}, {}: what its pods carry, {}", named(rule), rule.field, texts.join(" or "))
    };
    let only = if let [one] = carried { Some(one) } else { None };
    let want =
        only.map(|labels| labels.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect());
    set(rule, subset, "labels", want, text)
}

fn subset_of(rule: &Node, name: &str) -> Option<(usize, Node)> {
    rule.at("spec.subsets")?.items().enumerate().find(|(_, s)| s.text("name").as_deref() == Some(name))
}

fn selector(case: &Case) -> Option<Vec<Label>> {
    let service = case.service()?;
    let labels = service.labels("spec.selector");
    (!labels.is_empty()).then_some(labels)
}

fn pods(case: &Case) -> Vec<Node> {
    let Some((namespace, _)) = case.cluster_name().and_then(|n| n.service()) else {
        return Vec::new();
    };
    selector(case).and_then(|labels| case.objects(Kind::Pod, Some(&namespace), &labels)).unwrap_or_default()
}

/// What the pods carry under these keys, each once.
fn values(pods: &[Node], keys: &[&String]) -> Vec<Vec<Label>> {
    let of_pod = |pod: &Node| -> Option<Vec<Label>> {
        let labels = pod.labels("metadata.labels");
        let held: Vec<Label> = labels.into_iter().filter(|(k, _)| keys.contains(&k)).collect();
        (!held.is_empty()).then_some(held)
    };
    let mut all: Vec<Vec<Label>> = pods.iter().filter_map(of_pod).collect();
    all.sort();
    all.dedup();
    all
}
