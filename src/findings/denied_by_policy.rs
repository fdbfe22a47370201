//! A policy of the mesh denies the request.
//!
//! `AuthorizationPolicy` objects become access control in B's proxy: a DENY rule that matches turns the request away, and
//! where there is any ALLOW policy, one that no ALLOW rule matches is turned away too. Over HTTP the answer is 403, a
//! TCP connection is closed. Rules on principals and namespaces need mutual TLS, ports are those of the pod, and on a
//! port that is TCP to the mesh rules on paths, methods or headers allow nothing.

use crate::diagnose::{Case, Found, Proved, add_item, advice, certain, named, object_ref, ref_of, replace, show};
use crate::mesh::istio;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op, Stage};
use crate::walk::{SocketKind, Stop};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    // Where A's proxy speaks HTTP and B closes the connection, B's own stop says why.
    let stop = case.own_stop()?;
    let (policy, stage) = if let Stop::RbacDenied(policy) = stop {
        (policy.as_deref(), Stage::HttpFilters)
    } else if let Stop::ConnectionDenied(policy) = stop {
        (policy.as_deref(), Stage::FilterChain)
    } else {
        return None;
    };
    let rule = policy.and_then(istio::authorization_rule);
    let mut evidence: Vec<Evidence> = case.trail().denial.iter().map(Node::evidence).collect();
    // What of each object bears on it, where it was read: the rule that denies, or the policy that does not allow.
    let blamed: Vec<(ObjectRef, Option<Node>)> = match &rule {
        Some((namespace, name, i)) => {
            let object = object_ref(Kind::AuthorizationPolicy, namespace, name, &format!("spec.rules[{i}]"));
            let read = case.object(Kind::AuthorizationPolicy, namespace, name);
            let rule = read.and_then(|policy| policy.at("spec.rules")?.index(*i));
            evidence.extend(rule.iter().map(Node::evidence));
            vec![(object, rule)]
        }
        None if policy.is_none() => allowing(case, &mut evidence),
        None => Vec::new(),
    };
    let objects: Vec<ObjectRef> = blamed.iter().map(|(object, _)| object.clone()).collect();
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
    Some(Found {
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage,
        title: if policy.is_some() { "a policy denies it".to_owned() } else { "no policy allows it".to_owned() },
        why,
        fix: vec![match policy {
            Some(_) => leave_out(blamed.first(), &by, what),
            None => allow(blamed.first(), what),
        }],
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        codes: &[],
        evidence,
    })
}

fn leave_out(blamed: Option<&(ObjectRef, Option<Node>)>, by: &str, what: &str) -> Fix {
    let meant = format!("leave this {what} out, if it is meant to pass");
    match blamed {
        Some((object, rule)) => replace(object, rule.as_ref(), None, format!("{by}, {}: {meant}", object.field)),
        None => advice(Op::Replace, format!("{by}: {meant}")),
    }
}

fn allow(blamed: Option<&(ObjectRef, Option<Node>)>, what: &str) -> Fix {
    let text = format!("a rule that allows this {what}, in an AuthorizationPolicy with action ALLOW");
    match blamed {
        Some((object, policy)) => add_item(object, policy.as_ref(), &object.field, None, text),
        None => advice(Op::Add, text),
    }
}

/// The ALLOW policies of the workload.
fn allowing(case: &Case, evidence: &mut Vec<Evidence>) -> Vec<(ObjectRef, Option<Node>)> {
    let policies = case.objects_for_the_proxy(Kind::AuthorizationPolicy);
    let allows = |policy: &&Node| policy.text("spec.action").is_none_or(|action| action == "ALLOW");
    let found: Vec<&Node> = policies.iter().filter(allows).collect();
    let ground = |policy: &Node| policy.at("spec.rules").or_else(|| policy.at("metadata.name"));
    evidence.extend(found.iter().filter_map(|p| ground(p)).map(|n| n.evidence()));
    let blamed = |policy: &Node| (ref_of(Kind::AuthorizationPolicy, policy, "spec.rules"), Some(policy.clone()));
    found.into_iter().map(blamed).collect()
}

/// Whom B takes A for, where it matters.
fn identity(case: &Case) -> &'static str {
    match case.destination() {
        Some(there) if there.socket == SocketKind::Plaintext => {
            "; the request comes in plaintext, so rules on principals or namespaces match nothing"
        }
        Some(_) | None => "",
    }
}
