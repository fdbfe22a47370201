//! The router, the last filter: headers to it that it refuses, and filters that it runs for the host that is chosen
//! (`source/common/router/router.cc`). Where the route answers by itself, neither is looked at.

use crate::envoy::harmless;
use crate::envoy::pb::envoy::config::route::v3::route;
use crate::snapshot::Node;
use crate::verdict::Power;

use super::ask::{Applied, Ask, Effect};

/// The headers that are numbers; others are lists of words (`FilterUtility::StrictHeaderChecker`).
const NUMBERS: &[&str] =
    &["x-envoy-upstream-rq-timeout-ms", "x-envoy-upstream-rq-per-try-timeout-ms", "x-envoy-max-retries"];

pub(super) fn effects(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let action = ask.chosen.route.as_deref().and_then(|hit| hit.route.action.as_ref());
    if !matches!(action, Some(route::Action::Route(_))) {
        return Vec::new();
    }
    strictly_checked(ask, &applied.node).into_iter().chain(upstream(&applied.node)).collect()
}

/// A header that is not what it should be, and that the router was told to check.
fn strictly_checked(ask: &Ask, own: &Node) -> Option<Effect> {
    let names = own.list("strict_check_headers");
    let names: Vec<String> = names.iter().filter_map(|name| name.value().as_str().map(str::to_owned)).collect();
    let odd = |name: &String| ask.before.headers_changed || !is_surely_valid(name, said(ask, name));
    let odd = names.into_iter().find(odd)?;
    let why = format!("whether the router takes the value of {odd} (`strict_check_headers`)");
    Some(Effect::Open(vec![Power::Refuse], why))
}

/// What the client says, whether or not the manager leaves it in: that is open where the request may be an internal one.
fn said<'a>(ask: &'a Ask, name: &str) -> &'a str {
    ask.walker.question.header(name).unwrap_or_else(|| ask.first(name))
}

/// A number, or none. Which words are taken is not modeled.
fn is_surely_valid(name: &str, value: &str) -> bool {
    value.is_empty() || (NUMBERS.contains(&name) && value.parse::<u32>().is_ok())
}

/// Filters that stand behind the router.
fn upstream(own: &Node) -> Option<Effect> {
    let odd = harmless::odd_upstream_filter(own.get("upstream_http_filters")?.value())?;
    Some(Effect::Unknown(format!("upstream HTTP filter {odd} of the router is not modeled")))
}
