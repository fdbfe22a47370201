//! The request is refused for how it is written.
//!
//! Envoy refuses the request before any route is looked for, for its form: 400, 404, 502 or a redirect.
//!
//! How it comes about: Headers with underscores where the proxy is told to refuse them
//! (`headers_with_underscores_action`), a length that is said in two ways, a Host with characters that none has,
//! headers that HTTP/2 does not allow, a path that cannot be normalized or whose escaped slashes are not taken
//! (`path_with_escaped_slashes_action`).
//!
//! How to confirm it: The details name the rule: `http1.unexpected_underscore`, `path_normalization_failed`,
//! `http.invalid_authority`.
//!
//! How to fix it: Correct the request. Where the rule is too strict, change that field of the connection manager, or
//! `meshConfig.pathNormalization`.

use crate::diagnose::{Case, Found, Proved, advice, certain, named, no_upgrade, show};
use crate::envoy::codec::Refusal;
use crate::verdict::{Fix, ObjectRef, Op};
use crate::walk::{Stop, Unfit};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let stop = case.own_stop()?;
    let (what, fixes) = told(stop)?;
    let step = case.last_step()?;
    let found = Found::of_end(
        &step,
        stop.words(),
        format!("{what}. The proxy refuses it before it looks for a route."),
        fixes.iter().map(|text| advice(Op::Replace, *text)).collect(),
    );
    Some(match upgrade(case, stop) {
        Some((rule, fix)) => upgraded(found, rule, fix),
        None => found,
    })
}

/// A's client speaks HTTP/1.1, where such headers are good, and this has A's proxy make HTTP/2 of it.
/// <https://github.com/istio/istio/issues/27078>
fn upgrade(case: &Case, stop: &Stop) -> Option<(ObjectRef, Fix)> {
    if *stop != Stop::Refused(Refusal::Http2Header) {
        return None;
    }
    case.destination()?;
    let fix = no_upgrade(case, case.in_source().cluster.as_ref()?, "so that it is sent on as the client sends it")?;
    Some((fix.object.clone()?, fix))
}

fn upgraded(found: Found, rule: ObjectRef, fix: Fix) -> Found {
    let makes = format!("{} ({}) has A's proxy make HTTP/2 of the request.", named(&rule), rule.field);
    Found {
        certainty: certain(Proved::Yes),
        why: format!("{makes} {}", found.why),
        fix: std::iter::once(fix).chain(found.fix).collect(),
        next: show(&rule),
        objects: vec![rule],
        ..found
    }
}

/// What is wrong with the request, and what to do.
fn told(stop: &Stop) -> Option<(&'static str, &'static [&'static str])> {
    if let Stop::Refused(refusal) = stop {
        return of_codec(*refusal);
    }
    let Stop::Unfit(unfit) = stop else { return None };
    match unfit {
        Unfit::PathRejected => Some((
            "Its path has a fragment (#), or an escaped slash (%2F) that is not taken",
            &[
                "send a path without these",
                "path_with_escaped_slashes_action: KEEP_UNCHANGED, if the application may see escaped slashes",
            ],
        )),
        Unfit::PathRedirected => Some((
            "Its path has an escaped slash, and the proxy redirects to the path with the slash",
            &["send the path with plain slashes", "path_with_escaped_slashes_action: UNESCAPE_AND_FORWARD"],
        )),
        Unfit::PathNotAbsolute => Some(("Its path does not begin with a slash", &["send a path that begins with /"])),
        Unfit::NoUdpTarget => Some((
            "It asks for a tunnel of UDP, and its path does not name a host and a port",
            &["ask for /.well-known/masque/udp/HOST/PORT/", "leave the header upgrade: connect-udp out"],
        )),
        Unfit::CdnLoop => Some((
            "Its header cdn-loop names this network as often as is allowed: it came by here before",
            &["find the proxy that sends it back here", "max_allowed_occurrences of the cdn_loop filter: one more"],
        )),
        Unfit::ClientUnknown(_) => Some((
            "The connection manager takes its client's address out of a header, which is not there",
            &["send the header, as the proxy in front of this one should", "reject_with_status: leave it out"],
        )),
        Unfit::NoFilters => Some((
            "The filter chain that takes it has no filters",
            &["give the chain a network filter: an HTTP connection manager, or a TCP proxy"],
        )),
        Unfit::TlsOnPlaintext
        | Unfit::NoProxyHeader
        | Unfit::ClientCertificateMissing
        | Unfit::CertificateNotDelivered(_)
        | Unfit::UpgradeRefused(_)
        | Unfit::HealthCheckFails(_)
        | Unfit::NeverAnswered
        | Unfit::CacheWithoutRoute
        | Unfit::CredentialsDenied(_)
        | Unfit::PayloadTooLarge => None,
    }
}

fn of_codec(refusal: Refusal) -> Option<(&'static str, &'static [&'static str])> {
    match refusal {
        Refusal::Underscore(_) => Some((
            "It has a header with an underscore in its name, which headers_with_underscores_action rejects",
            &["name the header with dashes", "headers_with_underscores_action: ALLOW"],
        )),
        Refusal::Star(_) => Some(("Its path is *, which is for OPTIONS alone", &["send a path that begins with /"])),
        Refusal::LengthTwice => Some((
            "It has both content-length and transfer-encoding: chunked",
            &["send one of both", "allow_chunked_length: true, if nobody before the proxy reads the other"],
        )),
        Refusal::Http2Header => {
            Some(("It has a header that HTTP/2 does not allow", &["leave connection, upgrade and the like out"]))
        }
        Refusal::Authority => Some(("Its Host has a character that no host name has", &["send a valid Host"])),
        Refusal::QueryWithoutContentType => Some(("A QUERY has to say its content-type", &["send a content-type"])),
        Refusal::RequestLine
        | Refusal::Preface
        | Refusal::LowVersion
        | Refusal::TooManyHeaders(_)
        | Refusal::HeadersTooLarge => None,
    }
}
