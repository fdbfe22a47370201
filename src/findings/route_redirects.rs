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

use crate::diagnose::{Case, Found, OwnAnswer};
use crate::verdict::Stage;
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
        return Some(answer(title, "takes HTTPS only", "tls.httpsRedirect", None).found(case));
    }
    None
}
