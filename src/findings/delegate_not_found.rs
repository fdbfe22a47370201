//! A `VirtualService` delegates to none that is there.
//!
//! A rule with `delegate` has no route of its own: istiod puts the rules of the named `VirtualService` in its place.
//! Here that one is not there, or is not a delegate, so the rule is left out: 404 NR for what only it would take.
//!
//! How it comes about: The delegate has to exist in the namespace that the rule names (by default the root's) and must
//! have no `hosts`, or it counts as a root.
//!
//! How to confirm it: `kubectl get virtualservices -A`, and look for the name that `delegate` has.
//!
//! How to fix it: Correct `delegate.name` and `delegate.namespace`, create the delegate, or take `hosts` out of it.

use crate::diagnose::{
    Case, Delegating, Found, Proved, certain, in_field, named, object_ref, ref_of, remove, replace, show,
};
use crate::snapshot::Kind;
use crate::verdict::Stage;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    Delegating::of(case).iter().find_map(|delegating| absent(case, delegating).or_else(|| with_hosts(case, delegating)))
}

fn absent(case: &Case, delegating: &Delegating) -> Option<Found> {
    let Delegating { root, rule, delegate: (namespace, name) } = delegating;
    let absence = case.no_object(Kind::VirtualService, namespace, name)?;
    let at = rule.at("delegate.name")?;
    let by = ref_of(Kind::VirtualService, root, &at.place());
    let text = format!("{}, {}: a VirtualService of {namespace} that is there", named(&by), by.field);
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Route,
        title: format!("delegate {namespace}/{name} does not exist"),
        why: format!(
            "{} hands such requests on to VirtualService {namespace}/{name} ({}), and there is none, so the rule has no route. {}.",
            named(&by),
            by.field,
            case.answers()
        ),
        next: show(&by),
        fix: vec![replace(&by, Some(&at), None, text)],
        objects: vec![by],
        codes: &[],
        evidence: vec![at.evidence(), absence],
    })
}

fn with_hosts(case: &Case, delegating: &Delegating) -> Option<Found> {
    let Delegating { root, rule, delegate: (namespace, name) } = delegating;
    let own = case.object(Kind::VirtualService, namespace, name)?;
    let hosts = own.at("spec.hosts").filter(|hosts| hosts.items().next().is_some())?;
    let at = rule.at("delegate.name")?;
    let by = ref_of(Kind::VirtualService, root, &at.place());
    let delegate = in_field(&object_ref(Kind::VirtualService, namespace, name, ""), "spec.hosts");
    let text = format!("{}, spec.hosts: none, as a delegate has the hosts of its root", named(&delegate));
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Route,
        title: format!("VirtualService {namespace}/{name} is not a delegate"),
        why: format!(
            "{} hands such requests on to {}, which has spec.hosts and so counts as a root; the rule has no route. {}.",
            named(&by),
            named(&delegate),
            case.answers()
        ),
        next: show(&delegate),
        fix: vec![remove(&delegate, Some(&hosts), text)],
        objects: vec![delegate, by],
        codes: &[],
        evidence: vec![hosts.evidence(), at.evidence()],
    })
}
