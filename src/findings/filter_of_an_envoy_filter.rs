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

use crate::diagnose::{Case, Found, Proved, advice, certain, in_field, named, ref_of, show};
use crate::snapshot::{Kind, Node};
use crate::verdict::{Op, Stage};
use crate::walk::Condition;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if case.stop().is_some() {
        return None;
    }
    let (condition, filter, at) = case.conditions().find_map(|condition| {
        let is_a_filter = matches!(condition.stage, Stage::HttpFilters | Stage::FilterChain | Stage::Listener);
        let filters =
            if is_a_filter { case.objects_for_proxy_of(condition.side, Kind::EnvoyFilter) } else { Vec::new() };
        filters.into_iter().find_map(|filter| adding(&filter, condition).map(|at| (condition, filter, at)))
    })?;
    let object = in_field(&ref_of(Kind::EnvoyFilter, &filter, ""), at.place());
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
        fix: vec![advice(
            Op::Replace,
            format!("{}, {}: let the filter pass such requests", named(&object), object.field),
        )],
        next: show(&object),
        objects: vec![object],
        codes: &[],
        evidence,
    })
}

/// Where an `EnvoyFilter` names the filter that a condition is about.
fn adding(filter: &Node, condition: &Condition) -> Option<Node> {
    let patches = filter.list("spec.configPatches").into_iter();
    let mut names = patches.filter_map(|patch| patch.at("patch.value.name"));
    names.find(|name| name.value().as_str() == Some(condition.subject.as_str()))
}
