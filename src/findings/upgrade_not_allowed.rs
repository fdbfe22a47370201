//! Nobody allows the protocol that is asked for.
//!
//! Envoy lets a connection go over to WebSocket, CONNECT or another protocol only where the route's `upgrade_configs`,
//! or else the connection manager's, name it. This one is not named, and the answer is 403 `upgrade_failed`.
//!
//! How it comes about: Istio allows WebSocket everywhere; other gateways have a switch for each route. CONNECT is
//! allowed nowhere by default.
//!
//! How to confirm it: `upgrade_configs` of the route and of the connection manager in the config dump.
//!
//! How to fix it: Turn the switch on for that route (Contour: `enableWebsockets`; others: `allow_upgrade`), or add the
//! upgrade to the connection manager.

use crate::diagnose::{Case, Found, advice, named, show};
use crate::verdict::Op;
use crate::walk::{Stop, Unfit};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let Some(Stop::Unfit(Unfit::UpgradeRefused(wanted))) = case.own_stop() else { return None };
    let step = case.last_step()?;
    let owner = case.route_object().map(|(object, _)| object);
    let at = owner.as_ref().map_or_else(|| "the route".to_owned(), named);
    Some(Found {
        next: owner.as_ref().map(show).unwrap_or_default(),
        objects: owner.into_iter().collect(),
        ..Found::of_end(
            &step,
            case.own_stop().map(Stop::words).unwrap_or_default(),
            format!(
                "The request asks to go over to {wanted}, and neither its route nor the connection manager has {wanted} in upgrade_configs. The proxy answers 403."
            ),
            vec![advice(
                Op::Add,
                format!("{at}: allow {wanted} (upgrade_configs; many gateways call it WebSocket support of a route)"),
            )],
        )
    })
}
