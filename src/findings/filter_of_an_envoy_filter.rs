//! The answer depends on a filter that an `EnvoyFilter` adds.
//!
//! The proxy has a filter whose work cannot be foretold (a script, a plugin, a rate limit), and an `EnvoyFilter` put it
//! there. What the filter does decides whether the request gets on.
//!
//! How it comes about: A patch with `INSERT_BEFORE`, `INSERT_FIRST` or `ADD` adds the filter to the proxies that the
//! `EnvoyFilter` selects.
//!
//! How to confirm it: The access log of the proxy says whether the filter answered: `lua_response`, `local_rate_limited`.
//! Its counters in `/stats` count too.
//!
//! How to fix it: Correct the patch, or let the `EnvoyFilter` select other workloads.

use crate::diagnose::{Added, Case, Found, Proved, advice, certain, named, show};
use crate::verdict::{Op, Stage};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if case.stop().is_some() {
        return None;
    }
    let (condition, added) = case.conditions().find_map(|condition| {
        let is_a_filter = matches!(condition.stage, Stage::HttpFilters | Stage::FilterChain | Stage::Listener);
        let added = if is_a_filter { Added::of(case, condition.side, &condition.subject) } else { None };
        Some((condition, added?))
    })?;
    let take_away = added.take_away();
    let Added { object, name: at, .. } = added;
    let subject = &condition.subject;
    let mut evidence = vec![at.evidence()];
    evidence.extend(condition.evidence.iter().cloned());
    Some(Found {
        certainty: certain(Proved::No),
        stage: condition.stage,
        title: format!("its filter {subject} may reply itself"),
        why: format!(
            "{} adds the filter {subject} to this proxy, and it depends on that what becomes of the request: {}.",
            named(&object),
            condition.why
        ),
        fix: vec![
            advice(Op::Replace, format!("{}, {}: let the filter pass such requests", named(&object), object.field)),
            take_away,
        ],
        next: show(&object),
        objects: vec![object],
        codes: &[],
        evidence,
    })
}
