//! Outlier detection has ejected every endpoint.
//!
//! The proxy saw each endpoint fail and took it out for a while. Nobody is left to try, and Envoy answers 503 UH by
//! itself. Ejection is the effect; the failing answers of B are the cause.
//!
//! How it comes about: A `DestinationRule` with `outlierDetection` lets the proxy eject every endpoint
//! (`maxEjectionPercent: 100`), and Istio turns panic routing off wherever `outlierDetection` is set.
//!
//! How to confirm it: `istioctl proxy-config endpoints POD --cluster NAME` shows FAILED in the column for outliers,
//! while the pods are ready. The log of B's application shows what made it fail.
//!
//! How to fix it: Mend what makes B fail. So that one bad spell cannot empty the pool, set `maxEjectionPercent` below
//! 100 or `minHealthPercent` above 0. An ejection ends by itself.

use crate::diagnose::{
    Case, Found, Proved, advice, all_ejected, all_endpoints, certain, health_of, named, ref_of, service_logs,
    set_policy, show,
};
use crate::snapshot::{Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op, Stage};

/// The field that lets outlier detection eject all.
const PERCENT: &str = "maxEjectionPercent";

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let cluster = case.cluster().filter(|c| case.lacks_host() && !c.hosts.is_empty())?;
    if !all_ejected(cluster) {
        return None;
    }
    let config = cluster.cluster.as_ref()?;
    let percent = config.at("outlier_detection.max_ejection_percent");
    let rule = case.cluster_object();
    let mut objects: Vec<ObjectRef> = rule
        .iter()
        .map(|(o, _)| ObjectRef { field: "spec.trafficPolicy.outlierDetection".to_owned(), ..o.clone() })
        .collect();
    objects.extend(case.service().map(|s| ref_of(Kind::Service, &s, "")));
    let mut evidence = health_of(cluster);
    evidence.extend(percent.iter().map(Node::evidence));
    evidence.extend(config.at("common_lb_config.healthy_panic_threshold").map(|n| n.evidence()));
    evidence.extend(rule.iter().map(|(_, evidence)| evidence.clone()));
    let lets = objects.first().filter(|_| rule.is_some()).map_or("Its configuration".to_owned(), named);
    let up_to = percent.map_or_else(|| "10".to_owned(), |p| p.value().to_string());
    let mut fix = vec![advice(Op::Replace, "B: find why it answers with errors; an ejection ends by itself")];
    fix.extend(rule.map(|(rule, _)| eject_fewer(case, &rule)));
    let next = match case.cluster_name().and_then(|n| n.service()) {
        Some((namespace, name)) => service_logs(&namespace, &name),
        None => objects.first().map(show).unwrap_or_default(),
    };
    let replies = case.answers();
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Endpoints,
        title: format!("{} ejected", all_endpoints(cluster)),
        why: format!(
            "A's proxy saw every endpoint fail and ejected it. {lets} lets it eject up to {up_to} %, and panic routing is off, so nobody is left to try. {replies}; the failing answers of B are the cause."
        ),
        objects,
        fix,
        next,
        codes: &[],
        evidence,
    })
}

fn eject_fewer(case: &Case, rule: &ObjectRef) -> Fix {
    set_policy(
        case,
        rule,
        ("outlierDetection", PERCENT),
        None,
        "below 100, so that one bad spell cannot empty the pool",
    )
}
