//! The request is larger than the proxy takes.
//!
//! A connection manager takes so many headers (`max_headers_count`) of so many bytes (`max_request_headers_kb`), and
//! answers 431 to more. A buffer filter answers 413 to a body that is longer than its `max_request_bytes`.
//!
//! How it comes about: The usual culprits are cookies and tokens that grow, and uploads.
//!
//! How to confirm it: The details: `http1.headers_too_large`, `http1.too_many_headers`, `request_payload_too_large`.
//! Where A's log has 431 and `via_upstream`, B's proxy refused it.
//!
//! How to fix it: Send less, or raise the limit by an `EnvoyFilter` at the proxy that refuses.

use crate::diagnose::{Added, Case, Found, advice};
use crate::envoy::codec::Refusal;
use crate::verdict::Op;
use crate::walk::{Stop, Unfit};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let stop = case.own_stop()?;
    let (what, field, smaller) = told(stop)?;
    let step = case.last_step()?;
    let limit = step.evidence.first().and_then(|evidence| evidence.value());
    let says = limit.map_or_else(|| format!("its default of {field}"), |limit| format!("{field} = {limit}"));
    let found = Found::of_end(
        &step,
        stop.words(),
        format!("{what} than {} takes ({says}), so the proxy replies itself.", step.subject),
        vec![advice(Op::Replace, smaller), advice(Op::Replace, format!("{field}: more than this request has"))],
    );
    Some(match Added::of(case, step.side, &step.subject).zip(length(case)) {
        Some((added, length)) => {
            let more = added.set(field, length.into(), "or more: so long this request is");
            added.name(found, vec![more, advice(Op::Replace, smaller)])
        }
        None => found,
    })
}

/// How many bytes the request's body has, as its client says.
fn length(case: &Case) -> Option<u64> {
    let says = case.request().headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    says.1.parse().ok()
}

/// What is too much of it, by which field, and how to send less.
fn told(stop: &Stop) -> Option<(&'static str, &'static str, &'static str)> {
    if *stop == Stop::Unfit(Unfit::PayloadTooLarge) {
        return Some(("Its body is longer", "max_request_bytes", "send a shorter body"));
    }
    let Stop::Refused(refusal) = stop else { return None };
    match refusal {
        Refusal::HeadersTooLarge => Some((
            "Its headers are larger",
            "max_request_headers_kb",
            "send smaller headers: look at cookies and tokens",
        )),
        Refusal::TooManyHeaders(_) => Some(("It has more headers", "max_headers_count", "send fewer headers")),
        Refusal::RequestLine
        | Refusal::Preface
        | Refusal::LowVersion
        | Refusal::Http2Header
        | Refusal::Authority
        | Refusal::QueryWithoutContentType
        | Refusal::Underscore(_)
        | Refusal::Star(_)
        | Refusal::LengthTwice => None,
    }
}
