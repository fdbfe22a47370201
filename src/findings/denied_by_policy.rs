//! A policy of the mesh denies the request.
//!
//! `AuthorizationPolicy` objects become access control in B's proxy: a DENY rule that matches turns the request away, and
//! where there is any ALLOW policy, one that no ALLOW rule matches is turned away too. Over HTTP the answer is 403, a
//! TCP connection is closed. Rules on principals and namespaces need mutual TLS, ports are those of the pod, and on a
//! port that is TCP to the mesh rules on paths, methods or headers allow nothing.

use crate::diagnose::{Case, Proved, certain, named, object_ref, ref_of, show};
use crate::mesh::istio;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Finding, ObjectRef, Stage};
use crate::walk::Stop;

pub(crate) fn examine(case: &Case) -> Option<Finding> {
    // Where A's proxy speaks HTTP and B closes the connection, B's own stop says why.
    let stop = case.destination().and_then(|d| d.stop()).or_else(|| case.stop())?;
    let (policy, stage) = if let Stop::RbacDenied(policy) = stop {
        (policy.as_deref(), Stage::HttpFilters)
    } else if let Stop::ConnectionDenied(policy) = stop {
        (policy.as_deref(), Stage::FilterChain)
    } else {
        return None;
    };
    let rule = policy.and_then(istio::authorization_rule);
    let mut evidence: Vec<Evidence> = case.trail().denial.iter().map(Node::evidence).collect();
    let objects: Vec<ObjectRef> = match &rule {
        Some((namespace, name, i)) => {
            let field = format!("spec.rules[{i}]");
            let read = case.object(Kind::AuthorizationPolicy, namespace, name);
            evidence.extend(read.and_then(|p| p.at("spec.rules")?.index(*i)).map(|r| r.evidence()));
            vec![object_ref(Kind::AuthorizationPolicy, namespace, name, &field)]
        }
        None if policy.is_none() => allowing(case, &mut evidence),
        None => Vec::new(),
    };
    let by = objects.first().map_or_else(|| format!("policy {}", policy.unwrap_or("none")), named);
    let what = if stage == Stage::HttpFilters { "request" } else { "connection" };
    let answers = if stage == Stage::HttpFilters { "answers 403" } else { "closes the connection" };
    let why = if policy.is_some() {
        format!("{by} denies it. The proxy {answers}, and the application never sees the {what}.")
    } else {
        let names: Vec<String> = objects.iter().map(named).collect();
        let there_are = if names.is_empty() { "Policies that allow".to_owned() } else { names.join(", ") };
        format!("{there_are} apply, and none of their rules allows it{}. The proxy {answers}.", identity(case))
    };
    let field = objects.first().map(|o| o.field.clone()).filter(|f| !f.is_empty());
    Some(Finding {
        id: "denied-by-policy",
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage,
        title: if policy.is_some() { "a policy denies it".to_owned() } else { "no policy allows it".to_owned() },
        why,
        fix: vec![match (policy, field) {
            (Some(_), Some(field)) => format!("{by}, {field}: leave this {what} out, if it is meant to pass"),
            (Some(_), None) => format!("{by}: leave this {what} out, if it is meant to pass"),
            (None, _) => format!("a rule that allows this {what}, in an AuthorizationPolicy with action ALLOW"),
        }],
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        codes: &[],
        evidence,
    })
}

/// The ALLOW policies of the workload.
fn allowing(case: &Case, evidence: &mut Vec<Evidence>) -> Vec<ObjectRef> {
    let policies = case.objects_for_the_proxy(Kind::AuthorizationPolicy);
    let allows = |policy: &&Node| policy.text("spec.action").is_none_or(|action| action == "ALLOW");
    let found: Vec<&Node> = policies.iter().filter(allows).collect();
    let ground = |policy: &Node| policy.at("spec.rules").or_else(|| policy.at("metadata.name"));
    evidence.extend(found.iter().filter_map(|p| ground(p)).map(|n| n.evidence()));
    found.into_iter().map(|p| ref_of(Kind::AuthorizationPolicy, p, "spec.rules")).collect()
}

/// Whom B takes A for, where it matters.
fn identity(case: &Case) -> &'static str {
    match case.destination() {
        Some(there) if there.socket == "plaintext" => {
            "; the request comes in plaintext, so rules on principals or namespaces match nothing"
        }
        Some(_) | None => "",
    }
}
