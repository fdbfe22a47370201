//! Requests that ask to go over to another protocol, or to open a tunnel: who lets them.
//!
//! `HttpConnectionManagerConfig::createUpgradeFilterChain`: what the route says of the protocol counts, else what the
//! connection manager says. Where no route was found, nobody is refused: the router answers.

use crate::envoy::pb::envoy::config::route::v3::{RouteAction, route};
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::snapshot::Node;
use crate::verdict::Stage;
use crate::walk::http::chosen::Chosen;
use crate::walk::http::host::Host;
use crate::walk::http::request::Http;
use crate::walk::way::guard::{ANYTHING, Condition};
use crate::walk::way::log::Row;
use crate::walk::way::stop::Stop;
use crate::walk::way::unfit::Unfit;

/// Lets a request with its route pass, perhaps under a condition, unless it asks for a protocol that nobody allows.
pub(in crate::walk) fn admit(
    (config, node): (&HttpConnectionManager, &Node),
    host: &Host,
    http: &Http,
    chosen: &Chosen,
) -> Result<Option<Condition>, (Stop, Row)> {
    let Some(wanted) = http.upgrade.as_deref() else { return Ok(None) };
    let action = chosen.route.as_deref().and_then(|hit| match &hit.route.action {
        Some(route::Action::Route(action)) => Some(action),
        Some(route::Action::Redirect(_) | route::Action::DirectResponse(_) | route::Action::NonForwardingAction(_))
        | None => None,
    });
    let by_route = action.and_then(|action| of_route(action, wanted));
    let own = config.upgrade_configs.iter().find(|own| own.upgrade_type.eq_ignore_ascii_case(wanted));
    let allowed = by_route.unwrap_or_else(|| own.is_some_and(|own| own.enabled.as_ref().is_none_or(|b| b.value)));
    let has_route = chosen.route.is_some() || matches!(host, Host::Secure(..));
    if !allowed && has_route {
        let of_action = chosen.route.as_deref().and_then(|hit| hit.node.at("route.upgrade_configs"));
        let at = of_action.or_else(|| node.get("upgrade_configs"));
        let at = at.map_or_else(|| node.lacks("upgrade_configs"), |at: Node| at.evidence());
        let note = format!("neither the route nor the connection manager allows {wanted}");
        let row = Row::stopped(Stage::HttpFilters, "upgrades", &note).citing([at]);
        return Err((Stop::Unfit(Unfit::UpgradeRefused(wanted.to_owned())), row));
    }
    let has_filters = allowed && own.is_some_and(|own| !own.filters.is_empty());
    let why = format!("what the filters of upgrades to {wanted} do is not modeled");
    Ok(has_filters.then(|| Condition::of(Stage::HttpFilters, "upgrades", ANYTHING, &why)))
}

fn of_route(action: &RouteAction, wanted: &str) -> Option<bool> {
    let own = action.upgrade_configs.iter().find(|own| own.upgrade_type.eq_ignore_ascii_case(wanted))?;
    Some(own.enabled.as_ref().is_none_or(|enabled| enabled.value))
}
