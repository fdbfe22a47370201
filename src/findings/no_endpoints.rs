//! The service is known, and has no endpoints.
//!
//! Envoy has the cluster and not one host in it, so it replies 503 UH itself. A headless name without endpoints
//! does not even resolve.
//!
//! How it comes about: The Service's selector fits no pod, or the workload is scaled to zero, or none of its pods is
//! ready. For a host outside, its name did not resolve.
//!
//! How to confirm it: `kubectl get endpointslices -l kubernetes.io/service-name=NAME` is empty or has nothing that is
//! ready. `kubectl get pods -l SELECTOR` shows whether there are pods.
//!
//! How to fix it: Correct the selector, scale the workload up, or let its pods get ready. For a host outside, correct
//! the name or the resolver.

use serde_json::json;

use crate::diagnose::{
    Case, Columns, Found, Proved, a_ready_endpoint, add_item, advice, certain, create, entry_of, is_behind, label_text,
    list_pods, list_slices, named, object_ref, other_endpoints, proxy_status, ready, ref_of, replace, set, show,
    slices,
};
use crate::mesh::kubernetes::{is_ready, ready_condition};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op, Stage};
use crate::walk::Stop;

pub(crate) const YIELDS_TO: &[&str] =
    &["endpoints-of-other-nodes", "endpoints-of-other-localities", "port-without-endpoints"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if matches!(case.stop(), Some(Stop::NoAddress | Stop::NoEndpoints)) {
        return without_proxy(case);
    }
    // Where the service as a whole has endpoints, it is the subset that selects none.
    let (cluster, empty) = case.empty_cluster()?;
    let host = case.cluster_name().map_or_else(|| cluster.name.clone(), |n| n.host);
    let Some(service) = case.service() else {
        return Some(unexplained(case, &host, empty));
    };
    let cause = cause(case, &service);
    // That it is behind is a finding of its own.
    if cause.is_none() && is_behind(case) {
        return None;
    }
    Some(cause.map_or_else(
        || kept_from_a(case, &service, empty.clone()).unwrap_or_else(|| unexplained(case, &host, empty.clone())),
        |cause| {
            let replies = case.answers();
            let follows = format!("The cluster of {host} is empty, so {replies}.");
            explained(&service, cause, Stage::Endpoints, &follows, Some(empty.clone()))
        },
    ))
}

/// A Service is only as good as its pods: without them its name, or its address, stands for nothing.
fn without_proxy(case: &Case) -> Option<Found> {
    let service = case.asked_service()?;
    let name = service.text("metadata.name")?;
    // Of one of its pods, by the pod's name, the Service's own state says nothing.
    let asked = case.request().target.split(['.', ':']).next()?;
    if case.stop() == Some(&Stop::NoEndpoints) {
        let follows = "Nothing is behind its address, and the connection is refused.";
        return cause(case, service).map_or_else(
            || unready(case, service),
            |cause| Some(explained(service, cause, Stage::Endpoints, follows, None)),
        );
    }
    let cause = cause(case, service).filter(|_| asked.eq_ignore_ascii_case(&name))?;
    let follows = "It has no address of its own, so its name stands for none and no request is sent.";
    Some(explained(service, cause, Stage::Request, follows, None))
}

/// Its slices have no ready endpoint of the port, and its pods do not say why.
fn unready(case: &Case, service: &Node) -> Option<Found> {
    let step = case.last_step()?;
    let object = ref_of(Kind::Service, service, "spec.ports");
    let text = format!("{}: ports and pods that fit each other, as its EndpointSlices show", named(&object));
    let why = format!("The EndpointSlices of {} list none, so the connection is refused.", named(&object));
    let fix = vec![replace(&object, service.at("spec.ports").as_ref(), None, text)];
    let found = Found::of_end(&step, "the Service has no ready endpoint for the port", why, fix);
    Some(Found { next: list_slices(&object), objects: vec![object], ..found })
}

/// Why a Service has no endpoints.
struct Cause {
    title: String,
    says: String,
    objects: Vec<ObjectRef>,
    fix: Vec<Fix>,
    evidence: Vec<Evidence>,
}

/// `None` where the pods were not read.
fn cause(case: &Case, service: &Node) -> Option<Cause> {
    let object = ref_of(Kind::Service, service, "spec.selector");
    let selector = service.labels("spec.selector");
    let pods = case.objects(Kind::Pod, Some(&object.namespace), &selector);
    let workloads = workloads(case, &object.namespace, &selector);
    Some(match pods {
        _ if selector.is_empty() => return without_selector(case, &object, service),
        Some(pods) if pods.iter().any(is_ready) => return None,
        Some(pods) if !pods.is_empty() => not_ready(&object, &pods),
        Some(_) if !workloads.is_empty() => scaled_to_zero(&object, &workloads),
        Some(_) => nothing_selected(case, &object, service, &selector),
        None => return None,
    })
}

fn explained(service: &Node, cause: Cause, stage: Stage, follows: &str, empty: Option<Evidence>) -> Found {
    let object = ref_of(Kind::Service, service, "spec.selector");
    let selector = service.labels("spec.selector");
    let evidence = empty.into_iter().chain(cause.evidence).collect();
    Found {
        certainty: certain(Proved::Yes),
        stage,
        title: cause.title,
        why: format!("{} {follows}", cause.says),
        next: if selector.is_empty() { show(&object) } else { list_pods(&object.namespace, &selector, Columns::Wide) },
        objects: cause.objects,
        fix: cause.fix,
        codes: &[],
        evidence,
    }
}

/// Known only where its slices were read: somebody else may have written them.
fn without_selector(case: &Case, object: &ObjectRef, service: &Node) -> Option<Cause> {
    if !ready(&slices(case, service)?).is_empty() {
        return None;
    }
    Some(Cause {
        title: "the Service has no selector and no endpoints".to_owned(),
        says: format!("{} selects no pods and nobody has given it endpoints.", named(object)),
        objects: vec![object.clone()],
        fix: vec![
            set(
                object,
                Some(service),
                "spec.selector",
                None,
                format!("{}, spec.selector: the labels of its pods", named(object)),
            ),
            create(
                Kind::EndpointSlice,
                &object.namespace,
                "",
                Some(json!({"metadata": {"labels": {"kubernetes.io/service-name": object.name}}})),
                format!("add an EndpointSlice for {}", named(object)),
            ),
        ],
        evidence: vec![service.lacks("spec.selector")],
    })
}

fn not_ready(object: &ObjectRef, pods: &[Node]) -> Cause {
    let names: Vec<String> = pods.iter().filter_map(|p| p.text("metadata.name")).collect();
    let mut objects = vec![object.clone()];
    objects.extend(pods.iter().take(3).map(|p| ref_of(Kind::Pod, p, "status.conditions")));
    Cause {
        title: format!("none of its {} pods is an endpoint", pods.len()),
        says: format!(
            "The pods of {} ({}) are not among its endpoints: none of them is ready.",
            named(object),
            names.iter().take(3).cloned().collect::<Vec<_>>().join(", ")
        ),
        objects,
        fix: vec![advice(
            Op::Replace,
            format!("make the pods of {} ready: see their readiness probes and events", named(object)),
        )],
        evidence: pods.iter().take(2).filter_map(ready_condition).map(|at| at.evidence()).collect(),
    }
}

fn scaled_to_zero(object: &ObjectRef, workloads: &[(ObjectRef, Node)]) -> Cause {
    let (first, replicas) = &workloads[0];
    let mut objects: Vec<ObjectRef> = workloads.iter().map(|(w, _)| w.clone()).collect();
    objects.push(object.clone());
    Cause {
        title: format!("{} {} is scaled to zero", first.kind, first.name),
        says: format!("{} asks for 0 replicas, so {} has no pods.", named(first), named(object)),
        objects,
        fix: vec![replace(
            first,
            Some(replicas),
            Some(json!(1)),
            format!("{}, spec.replicas: at least 1", named(first)),
        )],
        evidence: workloads.iter().map(|(_, replicas)| replicas.evidence()).collect(),
    }
}

fn nothing_selected(case: &Case, object: &ObjectRef, service: &Node, selector: &[(String, String)]) -> Cause {
    let mut evidence: Vec<Evidence> = service.at("spec.selector").map(|n| n.evidence()).into_iter().collect();
    evidence.extend(case.none_of(Kind::Pod, &object.namespace, selector));
    Cause {
        title: "the Service's selector fits no pod".to_owned(),
        says: format!(
            "{} selects {}, and no pod of namespace {} carries that.",
            named(object),
            label_text(selector),
            object.namespace
        ),
        objects: vec![object.clone()],
        fix: vec![
            set(
                object,
                Some(service),
                "spec.selector",
                None,
                format!("{}, spec.selector: labels that its pods carry", named(object)),
            ),
            advice(Op::Add, format!("start the workload that {} is meant for", named(object))),
        ],
        evidence,
    }
}

/// The workloads without replicas whose pods the selector would fit, and their replicas.
fn workloads(case: &Case, namespace: &str, selector: &[(String, String)]) -> Vec<(ObjectRef, Node)> {
    let mut found = Vec::new();
    for kind in [Kind::Deployment, Kind::StatefulSet] {
        for workload in case.objects(kind, Some(namespace), &[]).unwrap_or_default() {
            let labels = workload.labels("spec.template.metadata.labels");
            let fits = !selector.is_empty() && selector.iter().all(|pair| labels.contains(pair));
            let replicas = workload.at("spec.replicas");
            if let Some(replicas) = replicas.filter(|r| fits && r.value().as_u64() == Some(0)) {
                found.push((ref_of(kind, &workload, "spec.replicas"), replicas));
            }
        }
    }
    found
}

/// Kubernetes has endpoints of the Service, and A's proxy has none: it is behind, or something leaves them out.
fn kept_from_a(case: &Case, service: &Node, empty: Evidence) -> Option<Found> {
    let object = ref_of(Kind::Service, service, "");
    let endpoint = a_ready_endpoint(case, service)?;
    let at = endpoint.at("addresses").or_else(|| endpoint.at("status.podIP"));
    let pod = case.source_pod();
    let why = format!(
        "Kubernetes has endpoints of {} that are ready, and the cluster of A's proxy is empty: what it was sent is behind, or a rule of the mesh leaves them out. {}.",
        named(&object),
        case.answers()
    );
    Some(Found {
        certainty: certain(Proved::No),
        stage: Stage::Endpoints,
        title: "A's proxy has none of the Service's endpoints".to_owned(),
        why,
        next: pod.as_ref().map_or_else(|| list_slices(&object), proxy_status),
        objects: vec![object],
        fix: vec![
            advice(Op::Replace, "see whether A's proxy is in sync with its control plane"),
            advice(
                Op::Replace,
                "look for what leaves endpoints out: localityLbSetting, networks, discovery selectors, the Service's port name",
            ),
        ],
        codes: &[],
        evidence: std::iter::once(empty).chain(at.map(|at| at.evidence())).collect(),
    })
}

/// A `ServiceEntry` whose name resolves to nothing, or that lists no endpoint.
fn of_an_entry(case: &Case, host: &str, entry: &Node, empty: Evidence) -> Found {
    let by_dns = entry.text("spec.resolution").is_some_and(|resolution| resolution.starts_with("DNS"));
    if let Some(labels) = entry.at("spec.workloadSelector.labels") {
        return of_a_selector(case, host, entry, &labels, empty);
    }
    let (object, fix) = if by_dns { other_name(entry) } else { with_an_endpoint(entry) };
    let why =
        if by_dns { "the proxy resolves its endpoints by DNS, and got no address" } else { "it lists no endpoint" };
    let replies = case.answers();
    Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Endpoints,
        title: format!("{host} has no endpoints"),
        why: format!("{} is for {host}, and {why}. Its cluster is empty, so {replies}.", named(&object)),
        next: show(&object),
        objects: vec![object],
        fix: vec![fix],
        codes: &[],
        evidence: entry.at("spec.resolution").map(|at| at.evidence()).into_iter().chain([empty]).collect(),
    }
}

/// It should have another name, of an endpoint or of its own.
fn other_name(entry: &Node) -> (ObjectRef, Fix) {
    let names: Vec<Node> = entry.list("spec.endpoints").iter().filter_map(|endpoint| endpoint.get("address")).collect();
    let names = if names.is_empty() { entry.list("spec.hosts") } else { names };
    match &names[..] {
        [one] => {
            let object = ref_of(Kind::ServiceEntry, entry, &one.place());
            let text = format!("{}, {}: a name that the proxy's DNS resolves", named(&object), object.field);
            let fix = replace(&object, Some(one), None, text);
            (object, fix)
        }
        _ => other_endpoints(entry, "names that the proxy's DNS resolves"),
    }
}

/// It should list an endpoint: it lists none.
fn with_an_endpoint(entry: &Node) -> (ObjectRef, Fix) {
    let object = ref_of(Kind::ServiceEntry, entry, "spec.endpoints");
    let text = format!("{}, spec.endpoints: the address of one; or spec.resolution: DNS", named(&object));
    let fix = add_item(&object, Some(entry), "spec.endpoints", None, text);
    (object, fix)
}

/// A `ServiceEntry` that selects its endpoints among `WorkloadEntry` objects and pods of its namespace, and finds none.
fn of_a_selector(case: &Case, host: &str, entry: &Node, labels: &Node, empty: Evidence) -> Found {
    let object = ref_of(Kind::ServiceEntry, entry, &labels.place());
    let by = named(&object);
    let wanted = label_text(&entry.labels("spec.workloadSelector.labels"));
    let text = format!("{by}, {}: labels that its WorkloadEntry objects, or its pods, carry", object.field);
    let replies = case.answers();
    Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Endpoints,
        title: format!("{host} has no endpoints"),
        why: format!(
            "{by} is for {host} and selects what carries {wanted}: no WorkloadEntry and no pod of namespace {} that can be used does. Its cluster is empty, so {replies}.",
            object.namespace
        ),
        next: show(&object),
        objects: vec![object.clone()],
        fix: vec![replace(&object, Some(labels), None, text)],
        codes: &[],
        evidence: vec![labels.evidence(), empty],
    }
}

/// Without the Service's object only the proxy's side is known.
fn unexplained(case: &Case, host: &str, empty: Evidence) -> Found {
    if let Some(entry) = entry_of(case) {
        return of_an_entry(case, host, &entry, empty);
    }
    let object = case.cluster_name().and_then(|n| n.service());
    let object = object.map(|(namespace, name)| object_ref(Kind::Service, &namespace, &name, ""));
    let replies = case.answers();
    Found {
        certainty: certain(Proved::No),
        stage: Stage::Endpoints,
        title: format!("{host} has no endpoints"),
        why: format!(
            "The cluster of {host} is empty, so {replies}: no pod is selected, none is ready, or the name did not resolve."
        ),
        next: object.as_ref().map(list_slices).unwrap_or_default(),
        objects: object.into_iter().collect(),
        fix: vec![advice(Op::Add, format!("give {host} an endpoint that is ready"))],
        codes: &[],
        evidence: vec![empty],
    }
}
