//! An injected fault answers the request.
//!
//! The proxy is told to answer a share of the requests with an error, to see how clients take it. B never sees these
//! requests; in the log they carry FI and `fault_filter_abort`.
//!
//! How it comes about: `fault.abort` of a `VirtualService`, often left from a test; or an `EnvoyFilter` that adds the
//! fault filter.
//!
//! How to confirm it: `kubectl get virtualservices -A -o yaml`, and look for `fault`.
//!
//! How to fix it: Take the fault away when the test is over, or lower its percentage.

use crate::diagnose::{Added, Case, Found, OwnAnswer};
use crate::snapshot::Node;
use crate::verdict::Stage;
use crate::walk::{Abort, Stop};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let Stop::FaultAbort(abort) = case.stop()? else { return None };
    let title = match abort {
        Abort::Http(_) => "an injected fault answers".to_owned(),
        Abort::Grpc(status) => format!("an injected fault answers gRPC status {status}"),
    };
    let what = "injects a fault into the request";
    let at = case.trail().fault.clone();
    if let Some(found) = of_a_filter(case, &title, at.as_ref()) {
        return Some(found);
    }
    Some(OwnAnswer { title, what, field: "fault.abort", stage: Stage::HttpFilters, at }.found(case))
}

/// A filter that aborts whatever no route has another word for, where an `EnvoyFilter` adds it.
fn of_a_filter(case: &Case, title: &str, at: Option<&Node>) -> Option<Found> {
    let at = at.filter(|at| !at.evidence().path().contains("typed_per_filter_config"))?;
    let step = case.last_step()?;
    let added = Added::of(case, step.side, &step.subject)?;
    let why = format!(
        "The filter {} of this proxy aborts requests, and {} never sees them.",
        step.subject,
        case.request().target
    );
    let fix = vec![added.take_away()];
    let found = Found::of_end(&step, title, why, Vec::new());
    let evidence = std::iter::once(at.evidence()).chain(found.evidence).collect();
    Some(added.name(Found { evidence, ..found }, fix))
}
