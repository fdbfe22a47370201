//! The request's token is rejected.
//!
//! A `RequestAuthentication` makes B's proxy look at JSON web tokens, and this one is turned away with 401 or 403.
//!
//! How it comes about: The token is malformed, expired, of an issuer that is not configured or for another audience. A
//! request without a token passes, unless an `AuthorizationPolicy` asks for a principal.
//!
//! How to confirm it: The details say why: `jwt_authn_access_denied{Jwt_is_expired}`. The middle part of the token is
//! base64 and has `iss`, `aud` and `exp`.
//!
//! How to fix it: Send a good token, or correct `issuer`, `audiences` or `jwksUri` of the `RequestAuthentication`.

use crate::diagnose::{Case, Found, Proved, advice, certain, named, ref_of, replace, show};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{ObjectRef, Op, Stage};
use crate::walk::Stop;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let stop = case.own_stop()?;
    let (status, why) = if let Stop::JwtDenied(status, why) = stop {
        (*status, why)
    } else if let Stop::JwtMisnamed(why) = stop {
        (403, why)
    } else {
        return None;
    };
    let mut evidence: Vec<Evidence> = case.trail().denial.iter().map(Node::evidence).collect();
    let policies = case.objects_for_the_proxy(Kind::RequestAuthentication);
    evidence.extend(policies.iter().filter_map(|p| p.at("spec.jwtRules")).map(|n| n.evidence()));
    let objects: Vec<ObjectRef> =
        policies.iter().map(|p| ref_of(Kind::RequestAuthentication, p, "spec.jwtRules")).collect();
    let by = objects.first().map_or_else(|| "The proxy's configuration".to_owned(), named);
    let missing = why == "Jwt is missing";
    let rules = policies.first().and_then(|policy| policy.at("spec.jwtRules"));
    let other_rules = format!("{by}, spec.jwtRules: the issuer, its audiences and where its tokens are");
    Some(Found {
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage: Stage::HttpFilters,
        title: if missing { "it has no token".to_owned() } else { words(stop) },
        why: format!(
            "{by} asks for tokens that the proxy can verify: \"{why}\". The proxy answers {status}, and the application never sees the request."
        ),
        fix: vec![
            if missing {
                advice(Op::Add, "send a token")
            } else if ["form of", "invalid", "[alg]", "field"].iter().any(|word| why.contains(word)) {
                advice(
                    Op::Replace,
                    "send the token whole, as its issuer gave it: three parts of Base64 with dots between",
                )
            } else {
                advice(Op::Replace, "send a token of an issuer that is configured")
            },
            match objects.first() {
                Some(object) => replace(object, rules.as_ref(), None, other_rules),
                None => advice(Op::Replace, other_rules),
            },
        ],
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        codes: &[],
        evidence,
    })
}

/// Line 1 needs no words of Envoy's where it says the same.
fn words(stop: &Stop) -> String {
    if let Stop::JwtMisnamed(_) = stop { stop.words() } else { "its token is rejected".to_owned() }
}
