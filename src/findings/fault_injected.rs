//! An injected fault answers the request.
//!
//! The proxy is told to answer a share of the requests with an error, to see how clients take it. B never sees these
//! requests; in the log they carry FI and `fault_filter_abort`.
//!
//! How it comes about: `fault.abort` of a `VirtualService`, often left from a test.
//!
//! How to confirm it: `kubectl get virtualservices -A -o yaml`, and look for `fault`.
//!
//! How to fix it: Take the fault away when the test is over, or lower its percentage.

use crate::diagnose::{Case, Found, OwnAnswer};
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
    Some(OwnAnswer { title, what, field: "fault.abort", stage: Stage::HttpFilters, at }.found(case))
}
