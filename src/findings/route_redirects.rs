//! The route, or the virtual host, redirects.
//!
//! The proxy answers with another place, and B never sees the request. A client that follows redirects asks again,
//! there; one that does not takes the 301 for the answer.
//!
//! How it comes about: A `VirtualService` with `redirect`, an `HTTPRoute` with a `RequestRedirect`, or a Gateway's
//! server with `tls.httpsRedirect`.
//!
//! How to confirm it: `curl -v` shows the header `location`. The details are `direct_response`.
//!
//! How to fix it: Ask for the place that the redirect names, or remove the rule that redirects.

use crate::diagnose::{Case, Found, OwnAnswer, Proved, advice, certain, named, ref_of, remove, servers_of, show};
use crate::snapshot::{Kind, Node};
use crate::verdict::{ObjectRef, Op, Stage};
use crate::walk::Stop;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let stop = case.stop()?;
    let answer =
        |title: &str, what, field, at| OwnAnswer { title: title.to_owned(), what, field, stage: Stage::Route, at };
    if let Stop::Redirect(_) = stop {
        let at = case.trail().route.as_ref().and_then(|route| route.get("redirect"));
        return Some(answer("the route redirects", "redirects the request", "redirect", at).found(case));
    }
    if *stop == Stop::RequireTls {
        let title = "the virtual host redirects to HTTPS";
        let found = answer(title, "takes HTTPS only", "tls.httpsRedirect", None).found(case);
        return Some(match of_a_gateway(case) {
            Some((object, at)) => redirected(case, found, &object, &at),
            None => found,
        });
    }
    None
}

/// The Gateway whose server redirects, where it is one.
fn of_a_gateway(case: &Case) -> Option<(ObjectRef, Node)> {
    let mut redirecting = servers_of(case).into_iter().filter_map(|(gateway, server)| {
        let at = server.at("tls.httpsRedirect").filter(|at| at.value().as_bool() == Some(true))?;
        Some((ref_of(Kind::Gateway, &gateway, &at.place()), at))
    });
    redirecting.next().filter(|_| redirecting.next().is_none())
}

/// The same finding, by the name of the Gateway.
fn redirected(case: &Case, found: Found, object: &ObjectRef, at: &Node) -> Found {
    let by = named(object);
    let says_https = |(name, value): &(String, String)| {
        name.eq_ignore_ascii_case("x-forwarded-proto") && value.eq_ignore_ascii_case("https")
    };
    // Envoy puts its own scheme in its place unless hops before it are trusted (`conn_manager_utility.cc`).
    let (not_believed, trust) = if case.request().headers.iter().any(says_https) {
        (
            " That it came by HTTPS, which the request says itself (x-forwarded-proto), the gateway does not believe: it trusts no hop before it.",
            Some("let the gateway trust what is in front of it: numTrustedProxies in its gatewayTopology"),
        )
    } else {
        ("", None)
    };
    let text = format!("{by}, {}: false, where TLS ends in front of the gateway", object.field);
    Found {
        certainty: certain(Proved::Yes),
        why: format!(
            "{by} redirects every request without TLS to https:// ({}).{not_believed} The proxy answers as it was told to, and {} never sees the request.",
            object.field,
            case.request().target
        ),
        fix: std::iter::once(remove(object, Some(at), text))
            .chain(trust.map(|trust| advice(Op::Replace, trust)))
            .collect(),
        next: show(object),
        objects: vec![object.clone()],
        evidence: std::iter::once(at.evidence()).chain(found.evidence).collect(),
        ..found
    }
}
