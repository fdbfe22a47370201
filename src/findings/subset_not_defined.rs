//! A route names a subset that the proxy has no cluster for.
//!
//! A `VirtualService` (or its destination) names a subset. Istio makes one cluster for each subset that a
//! `DestinationRule` defines; for one that none defines there is no cluster, and Envoy answers 503 NC by itself.
//! Define the subset in the `DestinationRule` of that host, or name one that is defined.
//!
//! Where a `DestinationRule` does define it, the proxy does not see that rule: it is not exported to A's namespace,
//! it lies where Istio does not look (A's namespace, then the service's, then the root namespace, and the first that
//! has a rule hides the others), or the proxy has not received it yet.

use crate::diagnose::{Case, Proved, certain, named, proxy_status, quoted_list, ref_of, show};
use crate::mesh::istio::ClusterName;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Certainty, Finding, ObjectRef, Stage};

pub(crate) fn examine(case: &Case) -> Option<Finding> {
    let name = case.cluster_name().filter(|name| case.lacks_cluster() && !name.subset.is_empty())?;
    let absence = case.cluster()?.absence.first()?.clone();
    let siblings = case.clusters_of(&name.host)?;
    // Without any cluster of the host the subset is not what is missing.
    let sibling = siblings.first()?;
    if let Some((rule, at)) = case.objects(Kind::DestinationRule, None, &[]).and_then(|rules| defines(&rules, &name)) {
        return Some(unseen(case, &name, &rule, &at, absence));
    }
    if let Some((object, evidence)) = behind(case, &name) {
        return Some(stale(case, &name, &object, vec![absence, evidence]));
    }
    let subsets: Vec<String> =
        siblings.iter().filter_map(|c| c.text("cluster.metadata.filter_metadata.istio.subset")).collect();
    let has = if subsets.is_empty() { "none".to_owned() } else { quoted_list(&subsets) };
    let route = case.route_object();
    let rule = crate::mesh::istio::config_of(&sibling.get("cluster")?).map(|(object, _)| field(object, "spec.subsets"));
    let from = route.as_ref().map_or("The route".to_owned(), |(object, _)| named(object));
    let with = match &rule {
        Some(rule) => format!("{} defines {has}", named(rule)),
        None => format!("no DestinationRule of {} that the proxy sees defines any", name.host),
    };
    let why = format!(
        "{from} sends this request to subset \"{}\", but {with}, so the proxy has no cluster for it. Envoy answers by itself; {} never sees the request.",
        name.subset, name.host
    );
    let mut fix = Vec::new();
    fix.push(match &rule {
        Some(rule) => {
            format!("{}, spec.subsets: add one named {} with the labels of its pods", named(rule), name.subset)
        }
        None => format!("a DestinationRule for {} with spec.subsets[].name {}", name.host, name.subset),
    });
    if let Some((object, _)) = &route {
        let other = if subsets.is_empty() { "no subset".to_owned() } else { subsets.join(" or ") };
        fix.push(format!("or {}, the destination's subset: {other}", named(object)));
    }
    let mut evidence = vec![absence];
    evidence.extend(route.iter().map(|(_, evidence)| evidence.clone()));
    evidence.extend(
        siblings.iter().filter_map(|c| c.at("cluster.metadata.filter_metadata.istio.subset")).map(|n| n.evidence()),
    );
    let objects: Vec<ObjectRef> = route.map(|(object, _)| object).into_iter().chain(rule.clone()).collect();
    Some(Finding {
        id: "subset-not-defined",
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage: Stage::Cluster,
        title: format!("subset \"{}\" is not defined", name.subset),
        why,
        next: rule.as_ref().or(objects.first()).map(show).unwrap_or_default(),
        objects,
        fix,
        codes: &["IST0101", "KIA1107"],
        evidence,
    })
}

/// The `VirtualService` that the route came of, where it names the subset no more: then the proxy is behind it.
fn behind(case: &Case, name: &ClusterName) -> Option<(ObjectRef, Evidence)> {
    let (object, _) = case.route_object().filter(|(o, _)| o.kind == "VirtualService")?;
    let service = case.object(Kind::VirtualService, &object.namespace, &object.name)?;
    let spec = service.get("spec")?;
    let rules: Vec<Node> = ["http", "tcp", "tls"]
        .iter()
        .filter_map(|kind| spec.get(kind))
        .flat_map(|r| r.items().collect::<Vec<_>>())
        .collect();
    let destinations = rules.iter().filter_map(|rule| rule.get("route")).flat_map(|r| r.items().collect::<Vec<_>>());
    let mut subsets = destinations.filter_map(|d| d.text("destination.subset"));
    let names_it = subsets.any(|subset| subset == name.subset);
    // A delegate's routes carry the root's name, and its destinations are not in it.
    let delegates = rules.iter().any(|rule| rule.get("delegate").is_some());
    let rules = spec.get("http").unwrap_or(spec).evidence();
    (!names_it && !delegates).then_some((object, rules))
}

fn stale(case: &Case, name: &ClusterName, object: &ObjectRef, evidence: Vec<Evidence>) -> Finding {
    let pod = case.source_pod();
    let next = pod.as_ref().map(proxy_status).unwrap_or_default();
    Finding {
        id: "subset-not-defined",
        certainty: Certainty::Likely,
        stage: Stage::Cluster,
        title: format!("the proxy still sends to subset \"{}\", which is gone", name.subset),
        why: format!(
            "A's proxy sends this request to subset \"{}\", which no DestinationRule defines; {} does not name that subset any more. The proxy has an older configuration than the API server: it does not get, or does not accept, what istiod sends.",
            name.subset,
            named(object)
        ),
        objects: pod.into_iter().collect(),
        fix: vec!["see whether the proxy is connected to istiod and in sync, and why not".to_owned()],
        next,
        codes: &[],
        evidence,
    }
}

/// The rule that defines the subset for this host, and where.
fn defines(rules: &[Node], name: &ClusterName) -> Option<(ObjectRef, Node)> {
    let of_host = |rule: &Node| {
        let host = rule.text("spec.host").unwrap_or_default();
        let namespace = rule.text("metadata.namespace").unwrap_or_default();
        host == name.host || (!host.contains('.') && name.host.starts_with(&format!("{host}.{namespace}.svc.")))
    };
    rules.iter().filter(|rule| of_host(rule)).find_map(|rule| {
        let subsets = rule.at("spec.subsets")?;
        let at = subsets.items().find(|s| s.text("name").as_deref() == Some(&name.subset))?;
        Some((ref_of(Kind::DestinationRule, rule, "spec.exportTo"), at))
    })
}

/// The rule is there, and the proxy does not have what it asks for.
fn unseen(case: &Case, name: &ClusterName, rule: &ObjectRef, at: &Node, absence: Evidence) -> Finding {
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
            vec!["see whether the proxy is connected to istiod and in sync, and why not".to_owned()],
        )
    } else {
        (
            format!(
                "{} defines subset \"{}\", but A's proxy has no cluster for it: the rule is not exported to namespace {own}, another rule hides it, or the proxy is behind.",
                named(rule),
                name.subset
            ),
            vec![
                format!("{}, spec.exportTo: let it include {own}", named(rule)),
                format!("or define the subset in a DestinationRule of namespace {own}"),
            ],
        )
    };
    let next = match (&pod, rule.namespace == own) {
        (Some(pod), true) => proxy_status(pod),
        _ => show(rule),
    };
    let hidden = rule.namespace != own;
    Finding {
        id: "subset-not-defined",
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

fn field(object: ObjectRef, field: &str) -> ObjectRef {
    ObjectRef { field: field.to_owned(), ..object }
}
