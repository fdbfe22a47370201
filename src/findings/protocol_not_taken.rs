//! The client speaks what the port does not take.
//!
//! What the client speaks is not what the listener reads. TLS that comes to a port of plaintext HTTP is read as a
//! request line, and answered 400. Plaintext that comes to a port of TLS is closed. A port of HTTP/2 alone closes what
//! does not begin with its preface, and HTTP/1.0 is answered 426.
//!
//! How it comes about: A URL with the wrong scheme, a port whose name says another protocol than its server speaks, or
//! an old client: HTTP/1.0 is taken only with `accept_http_10` (in Istio `PILOT_HTTP10=1` for istiod).
//!
//! How to confirm it: The details are `http1.codec_error` or `low_version`. `curl -v` with http and with https shows
//! which the port takes.
//!
//! How to fix it: Use the scheme that the port takes. Name the Service's port for what is spoken: `http-…`, `https-…`,
//! `grpc-…`, `tcp-…`.

use crate::diagnose::{Case, Found, advice};
use crate::envoy::codec::Refusal;
use crate::verdict::{Op, Side};
use crate::walk::{Stop, Unfit};

pub(crate) const YIELDS_TO: &[&str] = &["mtls-required", "tls-of-the-rule-fails"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let stop = case.own_stop()?;
    let (comes, taken, fixes) = told(stop)?;
    let step = case.last_step()?;
    let whose = if step.side == Side::Source { "the proxy" } else { "B's proxy" };
    Some(Found::of_end(
        &step,
        stop.words(),
        format!("{comes}, and {whose} takes {taken} on port {}.", case.request().port),
        fixes.iter().map(|text| advice(Op::Replace, *text)).collect(),
    ))
}

/// What comes, what is taken, and what to do.
fn told(stop: &Stop) -> Option<(&'static str, &'static str, &'static [&'static str])> {
    if *stop == Stop::Unfit(Unfit::TlsOnPlaintext) {
        let fixes = &[
            "let the client speak plaintext HTTP there (http://); in a mesh the proxy adds the TLS",
            "ask a port that takes TLS",
        ];
        return Some(("The client speaks TLS", "plaintext HTTP", fixes));
    }
    if *stop == Stop::PlaintextOnTls {
        let fixes = &["let the client speak TLS there (https://)", "ask a port that takes plaintext"];
        return Some(("The client speaks plaintext", "TLS only", fixes));
    }
    let Stop::Refused(refusal) = stop else { return None };
    match refusal {
        Refusal::RequestLine => Some((
            "What comes is not HTTP/1.1",
            "HTTP/1.1 only",
            &[
                "speak HTTP/1.1 there",
                "if the port is for another protocol, tell the proxy so (codec_type AUTO for HTTP/2; in Istio the name or the appProtocol of the Service's port)",
            ],
        )),
        Refusal::Preface => Some((
            "The client does not begin with the preface of HTTP/2",
            "HTTP/2 only",
            &["speak HTTP/2 from the first byte on (curl: --http2-prior-knowledge)", "let codec_type be AUTO"],
        )),
        Refusal::LowVersion => Some((
            "The client speaks HTTP/1.0",
            "HTTP/1.1 and above",
            &["speak HTTP/1.1 (nginx: proxy_http_version 1.1)", "let the proxy accept HTTP/1.0 (accept_http_10)"],
        )),
        Refusal::Http2Header
        | Refusal::Authority
        | Refusal::QueryWithoutContentType
        | Refusal::Underscore(_)
        | Refusal::TooManyHeaders(_)
        | Refusal::HeadersTooLarge
        | Refusal::Star(_)
        | Refusal::LengthTwice => None,
    }
}
