//! A changing request comes from another origin.
//!
//! The filter `csrf` compares the `origin` (or `referer`) of requests that are not GET, HEAD or OPTIONS with their
//! Host, and answers 403 where it is another one, or none.
//!
//! How it comes about: A page of another host sends the request, or a client that is not a browser sends no `origin` at
//! all.
//!
//! How to confirm it: The details are `csrf_origin_mismatch`. Send the request again with `-H 'origin: https://HOST'`.
//!
//! How to fix it: Add the other origin to `additional_origins`, or leave clients that are no browsers out of the
//! filter.

use crate::diagnose::{Case, Found, advice};
use crate::verdict::Op;
use crate::walk::Stop;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if case.own_stop() != Some(&Stop::CsrfDenied) {
        return None;
    }
    let step = case.last_step()?;
    let request = case.request();
    let given = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("origin"));
    let comes = given.map_or_else(|| "names no origin".to_owned(), |(_, origin)| format!("comes from {origin}"));
    Some(Found::of_end(
        &step,
        "it comes from another origin".to_owned(),
        format!(
            "The request {comes}, and the filter csrf takes requests that change something from {} only. The proxy answers 403.",
            request.host
        ),
        vec![
            advice(Op::Add, format!("send the header origin: of {}", request.host)),
            advice(Op::Add, "additional_origins of the csrf filter: the origin that it comes from"),
        ],
    ))
}
