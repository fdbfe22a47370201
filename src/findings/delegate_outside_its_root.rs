//! A delegate's match is outside its root's.
//!
//! Where a `VirtualService` delegates, istiod keeps only those rules of the delegate whose match lies within the
//! root's, and leaves the others out without a word: 404 NR for what only they would take.
//!
//! How it comes about: Below a root's prefix `/shop/items` a delegate may match `/shop/items/7`, and not `/items`.
//! Paths in a delegate are whole paths.
//!
//! How to confirm it: `istioctl proxy-config routes POD -o json` lacks the delegate's rule; compare its `match` with
//! the root's.
//!
//! How to fix it: Write the root's prefix into the delegate's match too, or leave the delegate's match out.

use serde_json::json;

use crate::diagnose::{Case, Delegating, Found, Proved, certain, named, ref_of, replace, show};
use crate::mesh::istio::delegates::outside;
use crate::snapshot::Kind;
use crate::verdict::Stage;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    Delegating::of(case).iter().find_map(|delegating| left_out(case, delegating))
}

fn left_out(case: &Case, delegating: &Delegating) -> Option<Found> {
    let Delegating { root, rule, delegate: (namespace, name) } = delegating;
    let own = case.object(Kind::VirtualService, namespace, name)?;
    let matches = rule.list("match");
    let mut all = own.list("spec.http").into_iter().flat_map(|rule| rule.list("match"));
    let at = all.find_map(|one| outside(&matches, &one))?;
    let wanted = matches.iter().find_map(|one| one.at("uri.prefix").or_else(|| one.at("uri.exact")))?;
    let delegate = ref_of(Kind::VirtualService, &own, &at.place());
    let by = ref_of(Kind::VirtualService, root, &wanted.place());
    let text = format!("{}, {}: a path within {}", named(&delegate), delegate.field, wanted.shown());
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Route,
        title: format!("delegate {namespace}/{name} matches outside its root"),
        why: format!(
            "{} delegates {} to {}, whose {} is {}: that is not within it, so istiod leaves the rule out. {}.",
            named(&by),
            wanted.shown(),
            named(&delegate),
            delegate.field,
            at.shown(),
            case.answers()
        ),
        next: show(&delegate),
        fix: vec![replace(&delegate, Some(&at), wanted.value().as_str().map(|path| json!(path)), text)],
        evidence: vec![at.evidence(), wanted.evidence()],
        objects: vec![delegate, by],
        codes: &[],
    })
}
