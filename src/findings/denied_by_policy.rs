//! A policy of the mesh denies the request.
//!
//! `AuthorizationPolicy` objects become access control in B's proxy. It turns the request away: over HTTP the answer
//! is 403 `RBAC: access denied`, a TCP connection is closed. A's log has 403 `via_upstream`.
//!
//! How it comes about: A DENY rule matches, or there is an ALLOW policy for the workload and no ALLOW rule matches.
//! Rules on principals and namespaces need mutual TLS. Ports are those of the pod, not of the Service. On a port that
//! is TCP to the mesh, rules on paths, methods or headers allow nothing.
//!
//! How to confirm it: The details in B's log name the policy and the rule, or `none`. `istioctl x authz check POD`
//! lists what B's proxy has.
//!
//! How to fix it: Add a rule that allows the request, or narrow the one that denies it. Where a rule asks for a
//! principal, let A speak mutual TLS.

use crate::diagnose::{Case, Found, Proved, add_item, advice, certain, named, object_ref, ref_of, replace, show};
use crate::mesh::istio;
use crate::mesh::istio::authorization::{self, Asked, Client, Miss};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op, Stage};
use crate::walk::{SocketKind, Stop};

pub(crate) const YIELDS_TO: &[&str] = &["preflight-not-answered"];

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
    let nearest = if policy.is_none() { nearest(case) } else { None };
    let objects = first(nearest.as_ref(), objects);
    evidence.extend(nearest.iter().map(|nearest| nearest.miss.at.evidence()));
    let why = if let Some(nearest) = &nearest {
        format!("{} The proxy {answers}.", nearest.says())
    } else if policy.is_some() {
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
        fix: vec![match (policy, &nearest) {
            (Some(_), _) => leave_out(blamed.first(), &by, what),
            (None, Some(nearest)) => nearest.fix(),
            (None, None) => allow(blamed.first(), what),
        }],
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        codes: &[],
        evidence,
    })
}

/// The objects, with the nearest rule's before all.
fn first(nearest: Option<&Nearest>, objects: Vec<ObjectRef>) -> Vec<ObjectRef> {
    let Some(Nearest { object, .. }) = nearest else { return objects };
    let others = objects.into_iter().filter(|other| other.name != object.name);
    std::iter::once(object.clone()).chain(others).collect()
}

/// The rule that is nearest to allowing it.
struct Nearest {
    object: ObjectRef,
    miss: Miss,
    /// How many more of its fields do not take the request.
    more: usize,
}

impl Nearest {
    fn says(&self) -> String {
        let Self { object, miss, more } = self;
        let allowed: Vec<String> =
            miss.at.items().filter_map(|item| item.value().as_str().map(str::to_owned)).collect();
        let field = object.field.rsplit('.').next().unwrap_or_default();
        let more = match more {
            0 => String::new(),
            1 => ", and 1 more of its fields does not fit".to_owned(),
            more => format!(", and {more} more of its fields do not fit"),
        };
        let hint = miss.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!(
            "No policy allows it. The nearest rule is of {}: its {field} are {} only, and this is {}{hint}{more}.",
            named(object),
            allowed.join(", "),
            miss.is
        )
    }

    fn fix(&self) -> Fix {
        let text = match self.miss.hint {
            Some(hint) => format!("{}, {}: {hint}", named(&self.object), self.object.field),
            None => {
                format!("{}, {}: add {}, if it is meant to pass", named(&self.object), self.object.field, self.miss.is)
            }
        };
        replace(&self.object, Some(&self.miss.at), None, text)
    }
}

/// Of the ALLOW policies of the workload the rule that lacks least, where their objects were read.
fn nearest(case: &Case) -> Option<Nearest> {
    let policies = that_allow(case);
    let there = case.destination()?;
    let request = case.request();
    let account =
        || case.own_pod().map(|pod| pod.text("spec.serviceAccountName").unwrap_or_else(|| "default".to_owned()));
    let client = match account() {
        _ if there.socket == SocketKind::Plaintext => Client::Nobody,
        Some(account) => Client::Known { namespace: case.namespace(), account },
        None => Client::Unknown,
    };
    let path = request.path.as_ref().and_then(|path| path.split(['?', '#']).next()).map(str::to_owned);
    let over_http = case.is_over_http();
    let asked = Asked {
        method: request.method.clone().filter(|_| over_http),
        path: path.filter(|_| over_http && !is_rewritten(case)),
        port: there.port,
        client,
    };
    let (policy, misses) = authorization::nearest(&policies, &asked)?;
    let more = misses.len() - 1;
    let miss = misses.into_iter().next()?;
    Some(Nearest { object: ref_of(Kind::AuthorizationPolicy, &policy, &miss.at.place()), miss, more })
}

/// Whether A's proxy sends another path than the one that was asked for.
fn is_rewritten(case: &Case) -> bool {
    let action = case.in_source().route.as_ref().and_then(|route| route.get("route"));
    let fields = ["prefix_rewrite", "regex_rewrite", "path_rewrite", "path_rewrite_policy"];
    action.is_some_and(|action| fields.iter().any(|field| action.get(field).is_some()))
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
fn that_allow(case: &Case) -> Vec<Node> {
    let allows = |policy: &Node| policy.text("spec.action").is_none_or(|action| action == "ALLOW");
    case.objects_for_the_proxy(Kind::AuthorizationPolicy).into_iter().filter(allows).collect()
}

/// The same, to be blamed.
fn allowing(case: &Case, evidence: &mut Vec<Evidence>) -> Vec<(ObjectRef, Option<Node>)> {
    let found = that_allow(case);
    let ground = |policy: &Node| policy.at("spec.rules").or_else(|| policy.at("metadata.name"));
    evidence.extend(found.iter().filter_map(ground).map(|n| n.evidence()));
    let blamed = |policy: Node| (ref_of(Kind::AuthorizationPolicy, &policy, "spec.rules"), Some(policy));
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
