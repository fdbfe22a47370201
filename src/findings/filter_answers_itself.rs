//! A filter answers this kind of request by itself, as it is meant to.
//!
//! The filter `cors` answers a browser's preflight (OPTIONS with `origin` and `access-control-request-method`) of an origin
//! that its policy allows, and the filter `health_check` answers the path of its own. B never sees such requests.

use crate::diagnose::{Case, Found, Proved, advice, certain};
use crate::verdict::{Command, Op, Stage};
use crate::walk::Stop;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let stop = case.own_stop()?;
    let what = if *stop == Stop::CorsPreflight {
        "a preflight of an origin that its policy allows"
    } else if *stop == Stop::HealthCheck {
        "health checks"
    } else {
        return None;
    };
    let step = case.last_step()?;
    Some(Found {
        certainty: certain(Proved::No),
        stage: Stage::HttpFilters,
        title: stop.words(),
        why: format!("The filter {} answers {what} by itself: nothing is broken.", step.subject),
        objects: Vec::new(),
        fix: vec![advice(Op::Replace, "ask with the method and the headers of the request that is meant")],
        next: Command::default(),
        codes: &[],
        evidence: step.evidence,
    })
}
