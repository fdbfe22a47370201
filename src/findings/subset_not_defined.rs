//! The proxy has no cluster for a route's subset.
//!
//! A `VirtualService` (or its destination) names a subset. Istio makes one cluster for each subset that a
//! `DestinationRule` defines; for one that none defines there is no cluster, and Envoy answers 503 NC by itself.
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
    Case, Found, Proved, add_item, advice, certain, create, destination_field, destination_of, destinations, in_field,
    is_behind, is_host, named, proxy_status, quoted_list, ref_of, remove, rules, set, show,
};
use crate::mesh::istio::ClusterName;
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
        return (!is_own || !is_behind(case)).then(|| unseen(case, &name, &rule, &at, absence));
    }
    if let Some((object, evidence)) = behind(case, &name) {
        return (!is_behind(case)).then(|| stale(case, &name, &object, vec![absence, evidence]));
    }
    let subsets: Vec<String> =
        siblings.iter().filter_map(|c| c.text("cluster.metadata.filter_metadata.istio.subset")).collect();
    let has = if subsets.is_empty() { "none".to_owned() } else { quoted_list(&subsets) };
    let route = case.route_object();
    let rule =
        crate::mesh::istio::config_of(&sibling.get("cluster")?).map(|(object, _)| in_field(&object, "spec.subsets"));
    let from = route.as_ref().map_or("The route".to_owned(), |(object, _)| named(object));
    let with = match &rule {
        Some(rule) => format!("{} defines {has}", named(rule)),
        None => format!("no DestinationRule of {} that the proxy sees defines any", name.host),
    };
    let why = format!(
        "{from} sends this request to subset \"{}\", but {with}, so the proxy has no cluster for it. Envoy answers by itself; {} never sees the request.",
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
    let namespace = name.service().map_or_else(|| case.namespace(), |(namespace, _)| namespace);
    let spec = json!({"spec": {"host": name.host, "subsets": [subset]}});
    create(Kind::DestinationRule, &namespace, "", Some(spec), text)
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
    let (object, _) = case.route_object().filter(|(o, _)| o.kind == "VirtualService")?;
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
        title: format!("the proxy still sends to subset \"{}\", which is gone", name.subset),
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

/// The rule is there, and the proxy does not have what it asks for.
fn unseen(case: &Case, name: &ClusterName, read: &Node, at: &Node, absence: Evidence) -> Found {
    let rule = &ref_of(Kind::DestinationRule, read, "spec.exportTo");
    let own = case.namespace();
    let pod = case.source_pod();
    let mut objects = vec![rule.clone()];
    let (why, fix) = if rule.namespace == own {
        // Its own namespace is where Istio looks first: the proxy is behind.
        "spec.subsets".clone_into(&mut objects[0].field);
        if let Some(pod) = &pod {
            objects.insert(0, pod.clone());
        }
        (
            format!(
                "{} defines subset \"{}\", but A's proxy has no cluster for it: its configuration is older than the rule, or was not accepted.",
                named(rule),
                name.subset
            ),
            vec![sync()],
        )
    } else {
        (
            format!(
                "{} defines subset \"{}\", but A's proxy has no cluster for it: the rule is not exported to namespace {own}, another rule hides it, or the proxy is behind.",
                named(rule),
                name.subset
            ),
            vec![export(read, rule, &own), define_anew(name, at, &own)],
        )
    };
    let next = match (&pod, rule.namespace == own) {
        (Some(pod), true) => proxy_status(pod),
        _ => show(rule),
    };
    let hidden = rule.namespace != own;
    Found {
        certainty: Certainty::Likely,
        stage: Stage::Cluster,
        title: format!(
            "the proxy does not have subset \"{}\"{}",
            name.subset,
            if hidden { ", which is defined elsewhere" } else { "" }
        ),
        why,
        objects,
        fix,
        next,
        codes: &[],
        evidence: vec![absence, at.evidence()],
    }
}

/// The rule should be seen from a namespace. One that says nothing of it is seen from everywhere.
fn export(read: &Node, rule: &ObjectRef, namespace: &str) -> Fix {
    let is_limited = read.at("spec.exportTo").is_some();
    let text = format!("{}, spec.exportTo: let it include {namespace}", named(rule));
    add_item(rule, Some(read), "spec.exportTo", is_limited.then(|| json!(namespace)), text)
}

/// The same subset should be defined where A's proxy sees it.
fn define_anew(name: &ClusterName, subset: &Node, namespace: &str) -> Fix {
    let text = format!("define the subset in a DestinationRule of namespace {namespace}");
    let spec = json!({"spec": {"host": name.host, "subsets": [subset.kept()]}});
    create(Kind::DestinationRule, namespace, "", Some(spec), text)
}
