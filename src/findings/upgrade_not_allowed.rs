//! The request asks to go over to another protocol, and nobody allows it.
//!
//! Envoy lets a connection go over to WebSocket, CONNECT or another protocol only where the route's `upgrade_configs`, or
//! else the connection manager's, name it. Istio allows WebSocket everywhere; other gateways have a switch for each route.

use crate::diagnose::{Case, Found, Proved, advice, certain, named, show};
use crate::verdict::{Command, Op, Stage};
use crate::walk::{Stop, Unfit};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let Some(Stop::Unfit(Unfit::UpgradeRefused(wanted))) = case.own_stop() else { return None };
    let step = case.last_step()?;
    let owner = case.route_object().map(|(object, _)| object);
    let at = owner.as_ref().map_or_else(|| "the route".to_owned(), named);
    Some(Found {
        certainty: certain(Proved::No),
        stage: Stage::HttpFilters,
        title: case.own_stop().map(Stop::words).unwrap_or_default(),
        why: format!(
            "The request asks to go over to {wanted}, and neither its route nor the connection manager has {wanted} in upgrade_configs. The proxy answers 403."
        ),
        fix: vec![advice(
            Op::Add,
            format!("{at}: allow {wanted} (upgrade_configs; many gateways call it WebSocket support of a route)"),
        )],
        next: owner.as_ref().map_or_else(Command::default, show),
        objects: owner.into_iter().collect(),
        codes: &[],
        evidence: step.evidence,
    })
}
