//! The route answers; B never sees the request.
//!
//! A route gives a fixed answer to this request, and B never sees it. Whether that is meant is for its owner to say.
//!
//! How it comes about: `directResponse` of a `VirtualService`.
//!
//! How to confirm it: The details are `direct_response`, without a flag. `istioctl proxy-config routes POD -o json`
//! shows the route, and its metadata the object.
//!
//! How to fix it: Change or remove the rule, or put a narrower rule before it.

use crate::diagnose::{Case, Found, OwnAnswer};
use crate::verdict::Stage;
use crate::walk::Stop;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let Stop::DirectResponse(_) = case.stop()? else { return None };
    if is_catch_all(case) {
        return None;
    }
    let (title, what) = ("the route replies itself".to_owned(), "answers the request");
    let at = case.trail().route.as_ref().and_then(|route| route.get("direct_response"));
    Some(OwnAnswer { title, what, field: "directResponse", stage: Stage::Route, at }.found(case))
}

/// Istio's own catch-all for unknown hosts is no rule of anybody's.
fn is_catch_all(case: &Case) -> bool {
    let name = case.trail().virtual_host.as_ref().and_then(|h| h.text("name"));
    name.as_deref() == Some("block_all")
}
