//! A route names a Service of another namespace, which nothing lets it do.
//!
//! The Gateway API lets a route lead to a Service of another namespace only where a `ReferenceGrant` there says so.
//! Istio gives the backend no cluster otherwise, and Envoy replies itself (500 NC).
//!
//! How it comes about: The grant is missing, is not in the Service's namespace, or its `from` (group, kind, namespace
//! of the route) or `to` (group, kind, name of the Service) is another's.
//!
//! How to confirm it: The route's `status.parents[].conditions`: `ResolvedRefs` is `False` with `RefNotPermitted`.
//!
//! How to fix it: Create or correct the `ReferenceGrant` in the Service's namespace, or let the route lead to a Service
//! of its own.

use serde_json::json;

use crate::diagnose::{
    Case, Found, Proved, certain, create, in_field, is_of_gateway_api, named, ref_of, replace, route_object, show,
};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef, Stage};

/// The group of routes.
const GROUP: &str = "gateway.networking.k8s.io";

pub(crate) fn examine(case: &Case) -> Option<Found> {
    case.cluster().filter(|_| case.lacks_cluster())?;
    let (route, route_at) = route_object(case).filter(|(route, _)| is_of_gateway_api(route))?;
    let rule = case.read(&route)?.list("spec.rules").into_iter().find(|rule| rule.place() == route.field)?;
    let (backend, to) = rule.list("backendRefs").into_iter().find_map(|backend| {
        let to = Backend::of(&backend, &route.namespace).filter(|to| to.namespace != route.namespace)?;
        let is_granted = case
            .objects(Kind::ReferenceGrant, Some(&to.namespace), &[])?
            .iter()
            .any(|grant| miss(grant, &route, &to).is_none());
        (!is_granted).then_some((backend, to))
    })?;
    let grants = case.objects(Kind::ReferenceGrant, Some(&to.namespace), &[])?;
    // The one that lacks least is the one that is meant.
    let nearest = grants.iter().filter_map(|grant| miss(grant, &route, &to)).min_by_key(|miss| miss.wrong.len());
    let (object, says, fix, shown) = match nearest {
        Some(miss) => miss.told(&to),
        None => missing(case, &route, &to),
    };
    let by = in_field(&route, backend.place());
    let title = format!("no ReferenceGrant lets it lead to {}/{}", to.namespace, to.name);
    let why = format!(
        "{} names Service {}/{}, of another namespace, and {says}. It gets no cluster, and {}.",
        named(&by),
        to.namespace,
        to.name,
        case.answers()
    );
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Cluster,
        title,
        why,
        next: show(&object),
        objects: vec![object, by],
        fix: vec![fix],
        codes: &[],
        evidence: [backend.evidence()].into_iter().chain(shown).chain([route_at]).collect(),
    })
}

/// The Service that a route leads to.
struct Backend {
    namespace: String,
    name: String,
}

impl Backend {
    fn of(backend: &Node, own: &str) -> Option<Self> {
        if backend.text("kind").is_some_and(|kind| kind != "Service") {
            return None;
        }
        let namespace = backend.text("namespace").unwrap_or_else(|| own.to_owned());
        Some(Self { namespace, name: backend.text("name")? })
    }
}

/// What of a grant does not fit.
struct Miss {
    object: ObjectRef,
    /// The fields, each with what it should be.
    wrong: Vec<(Node, String)>,
}

/// What of a grant is another's; `None` where it lets the route lead there.
fn miss(grant: &Node, route: &ObjectRef, to: &Backend) -> Option<Miss> {
    let froms = [("group", GROUP), ("kind", route.kind.as_str()), ("namespace", route.namespace.as_str())];
    let tos = [("group", ""), ("kind", "Service"), ("name", to.name.as_str())];
    let least = |list: &str, wanted: &[(&str, &str)]| {
        let wrong = |entry: &Node| -> Vec<(Node, String)> {
            let differs = wanted.iter().filter(|(field, want)| {
                let is = entry.text(field).unwrap_or_default();
                // Without a name it is for every object of the kind.
                is != *want && !(*field == "name" && is.is_empty())
            });
            differs
                .map(|(field, want)| (entry.get(field).unwrap_or_else(|| entry.clone()), (*want).to_owned()))
                .collect()
        };
        let all: Vec<_> = grant.list(list).iter().map(wrong).collect();
        all.into_iter().min_by_key(Vec::len)
    };
    let object = ref_of(Kind::ReferenceGrant, grant, "spec");
    let (Some(from), Some(of)) = (least("spec.from", &froms), least("spec.to", &tos)) else {
        return Some(Miss { object, wrong: grant.get("spec").map(|spec| (spec, String::new())).into_iter().collect() });
    };
    let wrong: Vec<(Node, String)> = from.into_iter().chain(of).collect();
    (!wrong.is_empty()).then_some(Miss { object, wrong })
}

impl Miss {
    fn told(self, to: &Backend) -> (ObjectRef, String, Fix, Option<Evidence>) {
        let Self { object, wrong } = self;
        let Some((at, want)) = wrong.into_iter().next() else {
            let text = format!("{}: let it name Service {}", named(&object), to.name);
            let says = format!("{} does not let it", named(&object));
            return (object.clone(), says, replace(&object, None, None, text), None);
        };
        let object = in_field(&object, at.place());
        let (shown, text) = if want.is_empty() {
            (
                "is for no such route or Service".to_owned(),
                format!("{}, {}: such a route and such a Service", named(&object), object.field),
            )
        } else {
            (format!("is {}, not {want}", at.shown()), format!("{}, {}: {want}", named(&object), object.field))
        };
        let says = format!("{} does not let it: its {} {shown}", named(&object), object.field);
        let want = (!want.is_empty()).then(|| json!(want));
        (object.clone(), says, replace(&object, Some(&at), want, text), Some(at.evidence()))
    }
}

/// No grant of the namespace is nearly one.
fn missing(case: &Case, route: &ObjectRef, to: &Backend) -> (ObjectRef, String, Fix, Option<Evidence>) {
    let spec = json!({"spec": {
        "from": [{"group": GROUP, "kind": route.kind, "namespace": route.namespace}],
        "to": [{"group": "", "kind": "Service", "name": to.name}],
    }});
    let text = format!(
        "create a ReferenceGrant in {} from {} of {} to Service {}",
        to.namespace, route.kind, route.namespace, to.name
    );
    let says = format!("namespace {} has no ReferenceGrant", to.namespace);
    let fix = create(Kind::ReferenceGrant, &to.namespace, &to.name, Some(spec), text);
    (route.clone(), says, fix, case.none_of(Kind::ReferenceGrant, &to.namespace, &[]))
}
