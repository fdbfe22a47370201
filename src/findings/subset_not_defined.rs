//! The proxy has no cluster for a route's subset.
//!
//! A `VirtualService` (or its destination) names a subset. Istio makes one cluster for each subset that a
//! `DestinationRule` defines; for one that none defines there is no cluster, and Envoy replies 503 NC itself.
//!
//! How it comes about: The subset is misspelled or was removed. Or a `DestinationRule` does define it, and the proxy
//! does not see that rule: it is not exported to A's namespace, it lies where Istio does not look (A's namespace, then
//! the service's, then the root namespace, and the first that has a rule hides the others), or the proxy has not
//! received it yet.
//!
//! How to confirm it: `istioctl proxy-config clusters POD --fqdn HOST` lists the subsets that the proxy has. `kubectl
//! get destinationrules -A` shows who defines which.
//!
//! How to fix it: Define the subset in the `DestinationRule` of that host, name one that is defined, or export the
//! rule (`exportTo`).

use serde_json::{Value, json};

use crate::diagnose::{
    Case, Found, Proved, ROOT_NAMESPACE, add_item, advice, certain, create, destination_field, destination_of,
    destinations, in_field, is_behind, is_host, list, named, proxy_status, quoted_list, ref_of, remove, route_object,
    rules, set, show,
};
use crate::mesh::istio::{ClusterName, config_of};
use crate::mesh::kubernetes::has_labels;
use crate::mesh::visibility::is_exported;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Certainty, Fix, ObjectRef, Op, Stage};

pub(crate) const CODES: &[&str] = &["IST0101", "KIA1107"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let name = case.cluster_name().filter(|name| case.lacks_cluster() && !name.subset.is_empty())?;
    let absence = case.cluster()?.absence.first()?.clone();
    let siblings = case.clusters_of(&name.host)?;
    // Without any cluster of the host the subset is not what is missing.
    let sibling = siblings.first()?;
    if let Some((rule, at)) = case.objects(Kind::DestinationRule, None, &[]).and_then(|rules| defines(&rules, &name)) {
        let is_own = rule.text("metadata.namespace") == Some(case.namespace());
        let applied = sibling.get("cluster").and_then(|of| config_of(&of)).map(|(object, _)| object);
        return (!is_own || !is_behind(case)).then(|| unseen(case, &name, (&rule, &at), absence, applied.as_ref()));
    }
    if let Some((object, evidence)) = behind(case, &name) {
        return (!is_behind(case)).then(|| stale(case, &name, &object, vec![absence, evidence]));
    }
    let subsets: Vec<String> =
        siblings.iter().filter_map(|c| c.text("cluster.metadata.filter_metadata.istio.subset")).collect();
    let has = if subsets.is_empty() { "none".to_owned() } else { quoted_list(&subsets) };
    let route = route_object(case);
    let rule = config_of(&sibling.get("cluster")?).map(|(object, _)| in_field(&object, "spec.subsets"));
    let from = route.as_ref().map_or("The route".to_owned(), |(object, _)| named(object));
    let with = match &rule {
        Some(rule) => format!("{} defines {has}", named(rule)),
        None => format!("no DestinationRule of {} that the proxy sees defines any", name.host),
    };
    let replies = case.answers();
    let why = format!(
        "{from} sends this request to subset \"{}\", but {with}, so the proxy has no cluster for it. {replies}; {} never sees the request.",
        name.subset, name.host
    );
    let mut fix = vec![define(case, rule.as_ref(), &name)];
    fix.extend(route.as_ref().map(|(route, _)| other_subset(case, route, &name, &subsets)));
    let mut evidence = vec![absence];
    evidence.extend(route.iter().map(|(_, evidence)| evidence.clone()));
    evidence.extend(
        siblings.iter().filter_map(|c| c.at("cluster.metadata.filter_metadata.istio.subset")).map(|n| n.evidence()),
    );
    let by = route.map(|(route, _)| destination_field(&route, destination_of(case, &route, &name).as_ref(), "subset"));
    let objects: Vec<ObjectRef> = by.into_iter().chain(rule.clone()).collect();
    Some(Found {
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage: Stage::Cluster,
        title: format!("subset \"{}\" is not defined", name.subset),
        why,
        next: rule.as_ref().or(objects.first()).map(show).unwrap_or_default(),
        objects,
        fix,
        codes: CODES,
        evidence,
    })
}

/// The subset should be defined: in the rule that there is, or in a new one.
fn define(case: &Case, rule: Option<&ObjectRef>, name: &ClusterName) -> Fix {
    let subset = json!({ "name": name.subset });
    if let Some(rule) = rule {
        let text = format!("{}, spec.subsets: add one named {} with the labels of its pods", named(rule), name.subset);
        return add_item(rule, case.read(rule).as_ref(), "spec.subsets", Some(subset), text);
    }
    let text = format!("a DestinationRule for {} with spec.subsets[].name {}", name.host, name.subset);
    let spec = json!({"spec": {"host": name.host, "subsets": [subset]}});
    create(Kind::DestinationRule, &home(case, name), "", Some(spec), text)
}

/// The namespace in which a rule of the host counts for all.
fn home(case: &Case, name: &ClusterName) -> String {
    name.service().map_or_else(|| case.namespace(), |(namespace, _)| namespace)
}

/// The route should lead to a subset that there is, or to none.
fn other_subset(case: &Case, route: &ObjectRef, name: &ClusterName, subsets: &[String]) -> Fix {
    let destination = destination_of(case, route, name);
    let object = destination_field(route, destination.as_ref(), "subset");
    let other = if subsets.is_empty() { "no subset".to_owned() } else { subsets.join(" or ") };
    let text = format!("{}, the destination's subset: {other}", named(route));
    let want = if let [one] = subsets { Some(Value::from(one.as_str())) } else { None };
    if subsets.is_empty() {
        remove(&object, destination.and_then(|destination| destination.get("subset")).as_ref(), text)
    } else {
        set(&object, destination.as_ref(), "subset", want, text)
    }
}

/// The `VirtualService` that the route came of, where it names the subset no more: then the proxy is behind it.
fn behind(case: &Case, name: &ClusterName) -> Option<(ObjectRef, Evidence)> {
    let (object, _) = route_object(case).filter(|(o, _)| o.kind == "VirtualService")?;
    let service = case.object(Kind::VirtualService, &object.namespace, &object.name)?;
    let spec = service.get("spec")?;
    let mut subsets = destinations(&service).into_iter().filter_map(|destination| destination.text("subset"));
    let names_it = subsets.any(|subset| subset == name.subset);
    // A delegate's routes carry the root's name, and its destinations are not in it.
    let delegates = rules(&service).iter().any(|rule| rule.get("delegate").is_some());
    let rules = spec.get("http").unwrap_or(spec).evidence();
    (!names_it && !delegates).then_some((object, rules))
}

fn stale(case: &Case, name: &ClusterName, object: &ObjectRef, evidence: Vec<Evidence>) -> Found {
    let pod = case.source_pod();
    let next = pod.as_ref().map(proxy_status).unwrap_or_default();
    Found {
        certainty: Certainty::Likely,
        stage: Stage::Cluster,
        title: format!("the proxy still sends to subset \"{}\"", name.subset),
        why: format!(
            "A's proxy sends this request to subset \"{}\", which no DestinationRule defines; {} does not name that subset any more. The proxy has an older configuration than the API server: it does not get, or does not accept, what istiod sends.",
            name.subset,
            named(object)
        ),
        objects: pod.into_iter().collect(),
        fix: vec![sync()],
        next,
        codes: &[],
        evidence,
    }
}

fn sync() -> Fix {
    advice(Op::Replace, "see whether the proxy is connected to istiod and in sync, and why not")
}

/// The rule that defines the subset for this host, and where.
fn defines(rules: &[Node], name: &ClusterName) -> Option<(Node, Node)> {
    let of_host = |rule: &Node| {
        let host = rule.text("spec.host").unwrap_or_default();
        is_host(&host, &rule.text("metadata.namespace").unwrap_or_default(), &name.host)
    };
    rules.iter().filter(|rule| of_host(rule)).find_map(|rule| {
        let subsets = rule.at("spec.subsets")?;
        let at = subsets.items().find(|s| s.text("name").as_deref() == Some(&name.subset))?;
        Some((rule.clone(), at))
    })
}

/// Why A's proxy does not have what a rule defines. `destinationRule` in `pilot/pkg/model/push_context.go`: of A's
/// namespace, the service's and the root one the first counts that has a rule of the host.
enum Unseen {
    /// Another rule of the host shapes A's clusters.
    Hidden(ObjectRef),
    /// It is not exported to A's namespace.
    NotExported(Node),
    /// It is for other workloads than A.
    OtherWorkloads(Node),
    /// It lies in a namespace in which nobody looks for it.
    Elsewhere,
    /// Nothing of these: the proxy is behind.
    Behind,
}

impl Unseen {
    fn of(case: &Case, name: &ClusterName, rule: &Node, applied: Option<&ObjectRef>) -> Self {
        let (own, home) = (case.namespace(), rule.text("metadata.namespace").unwrap_or_default());
        let of_service = name.service().map(|(namespace, _)| namespace);
        let is_looked_at = home == own || home == ROOT_NAMESPACE || of_service.is_none_or(|of| of == home);
        let this = ref_of(Kind::DestinationRule, rule, "");
        // Those of one namespace become one, where they are exported alike.
        let hides = |other: &&ObjectRef| {
            let exports = |rule: &Node| rule.at("spec.exportTo").map(|at| at.value().clone());
            other.namespace != this.namespace
                || (other.name != this.name && case.read(other).is_some_and(|o| exports(&o) != exports(rule)))
        };
        if let Some(other) = applied.filter(hides) {
            return Self::Hidden(other.clone());
        }
        if let Some(at) = rule.at("spec.exportTo").filter(|_| home != own && !is_exported(rule, &own)) {
            return Self::NotExported(at);
        }
        let labels = case.own_pod().map(|pod| pod.labels("metadata.labels"));
        let selector = rule.at("spec.workloadSelector.matchLabels");
        if let Some(at) = selector.filter(|at| labels.is_some_and(|labels| !has_labels(&labels, Some(at)))) {
            return Self::OtherWorkloads(at);
        }
        if is_looked_at { Self::Behind } else { Self::Elsewhere }
    }

    /// As the rest of a sentence.
    fn why(&self, case: &Case, rule: &ObjectRef) -> String {
        match self {
            Self::Hidden(other) => {
                format!(
                    "{} hides it: a rule of A's namespace counts alone, else one of the service's, else one of {ROOT_NAMESPACE}",
                    named(other)
                )
            }
            Self::NotExported(at) => {
                format!("its exportTo is {}, which leaves out namespace {}", at.shown(), case.namespace())
            }
            Self::OtherWorkloads(at) => format!("its workloadSelector is {}, which is not A's pod", at.shown()),
            Self::Elsewhere => format!(
                "istiod looks for rules in A's namespace, in the service's and in {ROOT_NAMESPACE}, not in {}",
                rule.namespace
            ),
            Self::Behind => "its configuration is older than the rule, or was not accepted".to_owned(),
        }
    }

    fn fix(&self, case: &Case, name: &ClusterName, (rule, subset): (&ObjectRef, &Node)) -> Vec<Fix> {
        match self {
            Self::Hidden(other) => {
                let other = in_field(other, "spec.subsets");
                let text =
                    format!("{}, spec.subsets: add \"{}\" as {} has it", named(&other), name.subset, named(rule));
                vec![add_item(&other, case.read(&other).as_ref(), "spec.subsets", Some(subset.kept()), text)]
            }
            Self::NotExported(_) => vec![export(case, rule), define_anew(name, subset, &case.namespace())],
            Self::OtherWorkloads(at) => {
                let text = format!("{}, spec.workloadSelector: take it away, or let it select A's pod", named(rule));
                vec![remove(rule, Some(at), text), define_anew(name, subset, &case.namespace())]
            }
            Self::Elsewhere => vec![define_anew(name, subset, &home(case, name))],
            Self::Behind => vec![sync()],
        }
    }
}

/// The rule is there, and the proxy does not have what it asks for.
fn unseen(
    case: &Case,
    name: &ClusterName,
    (read, at): (&Node, &Node),
    absence: Evidence,
    applied: Option<&ObjectRef>,
) -> Found {
    let why = Unseen::of(case, name, read, applied);
    let mut rule = ref_of(Kind::DestinationRule, read, "spec.subsets");
    let pod = case.source_pod();
    let mut evidence = vec![absence, at.evidence()];
    if let Unseen::NotExported(at) | Unseen::OtherWorkloads(at) = &why {
        rule = in_field(&rule, at.place());
        evidence.push(at.evidence());
    }
    let objects = match &why {
        Unseen::Hidden(other) => vec![in_field(other, "spec.subsets"), rule.clone()],
        Unseen::Behind => pod.iter().cloned().chain([rule.clone()]).collect(),
        Unseen::NotExported(_) | Unseen::OtherWorkloads(_) | Unseen::Elsewhere => vec![rule.clone()],
    };
    let is_behind = matches!(why, Unseen::Behind);
    Found {
        certainty: certain(if is_behind { Proved::No } else { Proved::Yes }),
        stage: Stage::Cluster,
        title: if is_behind {
            format!("A's proxy does not have subset \"{}\" yet", name.subset)
        } else {
            format!("subset \"{}\" is hidden from A", name.subset)
        },
        why: format!(
            "{} defines subset \"{}\", but A's proxy has no cluster for it: {}.",
            named(&rule),
            name.subset,
            why.why(case, &rule)
        ),
        next: match (&why, &pod) {
            (Unseen::Behind, Some(pod)) => proxy_status(pod),
            (Unseen::Elsewhere, _) => list(&home(case, name), "destinationrules"),
            _ => objects.first().map(show).unwrap_or_default(),
        },
        fix: why.fix(case, name, (&rule, at)),
        objects,
        codes: &[],
        evidence,
    }
}

/// The rule should be seen from A's namespace.
fn export(case: &Case, rule: &ObjectRef) -> Fix {
    let own = case.namespace();
    let rule = in_field(rule, "spec.exportTo");
    let text = format!("{}, spec.exportTo: add \"{own}\"", named(&rule));
    add_item(&rule, case.read(&rule).as_ref(), "spec.exportTo", Some(json!(own)), text)
}

/// The same subset should be defined where A's proxy sees it.
fn define_anew(name: &ClusterName, subset: &Node, namespace: &str) -> Fix {
    let text = format!("define the subset in a DestinationRule of namespace {namespace}");
    let spec = json!({"spec": {"host": name.host, "subsets": [subset.kept()]}});
    create(Kind::DestinationRule, namespace, "", Some(spec), text)
}
