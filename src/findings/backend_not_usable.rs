//! A route of the Gateway API has no usable backend.
//!
//! The proxy answers 500 in the place of a backend that cannot be used, as the Gateway API asks for.
//!
//! How it comes about: A backend has to be a Service that is there, with the port that the route names; one of another
//! namespace needs a `ReferenceGrant` there. For what is not so, istiod makes a route that answers by itself.
//!
//! How to confirm it: The route's `status.parents[].conditions`: `ResolvedRefs` is `False`, with the reason.
//!
//! How to fix it: Correct the `backendRefs`, or add the grant.

use serde_json::json;

use crate::diagnose::{Case, Found, Proved, advice, certain, create, in_field, is_of_gateway_api, named, ref_of, replace, show};
use crate::mesh::gateway_api::grants;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op, Stage};
use crate::walk::Stop;

pub(crate) const CODES: &[&str] = &["IST0171"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let Stop::DirectResponse(500) = case.stop()? else { return None };
    let (owner, at) = case.route_object().filter(|(owner, _)| is_of_gateway_api(owner))?;
    let route = case.read(&owner)?;
    let rule = route.list("spec.rules").into_iter().find(|rule| rule.place() == owner.field)?;
    let broken = rule.list("backendRefs").into_iter().find_map(|backend| broken(case, &owner, &backend))?;
    let refused = route.list("status.parents").into_iter().flat_map(|parent| parent.list("conditions"));
    let refused = refused.into_iter().find(|condition| {
        condition.text("type").as_deref() == Some("ResolvedRefs") && condition.text("status").as_deref() == Some("False")
    });
    let by = in_field(&owner, broken.field);
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Route,
        title: format!("a backend of {} cannot be used", named(&owner)),
        why: format!("{} sends such requests to {}. The Gateway API asks for the answer 500 then, and the proxy gives it.", named(&owner), broken.why),
        fix: broken.fix,
        next: show(&by),
        objects: vec![by],
        codes: CODES,
        evidence: broken.evidence.into_iter().chain(refused.map(|one| one.evidence())).chain([at]).collect(),
    })
}

/// What is wrong with a backend.
struct Broken {
    field: String,
    why: String,
    fix: Vec<Fix>,
    evidence: Vec<Evidence>,
}

fn broken(case: &Case, owner: &ObjectRef, backend: &Node) -> Option<Broken> {
    if backend.text("kind").is_some_and(|kind| kind != "Service") {
        return None;
    }
    let name = backend.text("name")?;
    let namespace = backend.text("namespace").unwrap_or_else(|| owner.namespace.clone());
    let called = format!("Service {namespace}/{name}");
    let fix = |at: &Node, words: &str| {
        let object = in_field(owner, at.place());
        let text = format!("{}, {}: {words}", named(&object), object.field);
        replace(&object, Some(at), None, text)
    };
    if let Some(absence) = case.no_object(Kind::Service, &namespace, &name) {
        let at = backend.get("name")?;
        return Some(Broken {
            field: at.place(),
            why: format!("{called}, which does not exist"),
            fix: vec![fix(&at, "a Service that is there")],
            evidence: vec![at.evidence(), absence],
        });
    }
    let service = case.object(Kind::Service, &namespace, &name)?;
    if namespace != owner.namespace && !is_granted(case, owner, (&namespace, &name))? {
        let at = backend.get("namespace")?;
        let text = format!("a ReferenceGrant in namespace {namespace} that lets {}s of {} refer to Services", owner.kind, owner.namespace);
        let from = json!([{"group": "gateway.networking.k8s.io", "kind": owner.kind, "namespace": owner.namespace}]);
        let spec = json!({"spec": {"from": from, "to": [{"group": "", "kind": "Service", "name": name}]}});
        return Some(Broken {
            field: at.place(),
            why: format!("{called}, and no ReferenceGrant of namespace {namespace} allows that"),
            fix: vec![create(Kind::ReferenceGrant, &namespace, "", Some(spec), text)],
            evidence: vec![at.evidence()],
        });
    }
    let port = backend.get("port")?;
    let ports = service.list("spec.ports");
    if ports.iter().any(|entry| entry.get("port").is_some_and(|own| own.value() == port.value())) {
        return None;
    }
    let there: Vec<String> = ports.iter().filter_map(|entry| entry.get("port")).map(|port| port.shown()).collect();
    let want = if let [only] = &ports[..] { only.get("port").map(|port| port.value().clone()) } else { None };
    let object = in_field(owner, port.place());
    let text = format!("{}, {}: {}", named(&object), object.field, there.join(" or "));
    Some(Broken {
        field: port.place(),
        why: format!("{called} on port {}, while that Service has {}", port.shown(), there.join(", ")),
        fix: vec![
            replace(&object, Some(&port), want, text),
            advice(Op::Add, format!("{}, spec.ports: add {}", named(&ref_of(Kind::Service, &service, "")), port.shown())),
        ],
        evidence: vec![port.evidence(), service.at("spec.ports")?.evidence()],
    })
}

/// Whether an object of another namespace may name this Service; `None` where that was not read.
fn is_granted(case: &Case, owner: &ObjectRef, (namespace, name): (&str, &str)) -> Option<bool> {
    let all = case.objects(Kind::ReferenceGrant, Some(namespace), &[])?;
    Some(all.iter().any(|grant| grants(grant, (&owner.kind, &owner.namespace), name)))
}
