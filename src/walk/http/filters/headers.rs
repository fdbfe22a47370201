//! Filters that answer nothing, and change what later filters see: headers, filter state.

use crate::envoy::headers;
use crate::snapshot::Node;
use crate::verdict::Power;

use super::ask::{Applied, Ask, Effect, levels};

/// The header mutation filter: the mutations of every level are applied. The route is chosen before.
pub(super) fn mutation(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let all = levels(ask.chain, ask.chosen, &ask.filter.name);
    let own = ask.own_node();
    let nodes: Vec<&Node> = all.iter().map(|a| &a.node).chain([&applied.node]).chain(own.iter()).collect();
    let changes = |node: &Node| {
        let Some(mutations) = node.get("mutations") else { return false };
        ["request_mutations", "query_parameter_mutations"].into_iter().any(|key| mutations.get(key).is_some())
    };
    let unsendable = nodes.iter().find_map(|node| unsendable(node)).map(|name| {
        let filter = &ask.filter.name;
        let why = format!("the header {name:?} that HTTP filter {filter} adds has a name that no header can have");
        Effect::Open(vec![Power::Refuse], why)
    });
    nodes.into_iter().any(changes).then_some(Effect::ChangesHeaders).into_iter().chain(unsendable).collect()
}

/// A header that mutations add to requests, by which Envoy answers 503 when they are sent on
/// (`HeaderUtility::checkValidRequestHeaders`).
fn unsendable(node: &Node) -> Option<String> {
    let added = node.list("mutations.request_mutations").into_iter().filter_map(|one| one.text("append.header.key"));
    added.into_iter().find(|name| !name.starts_with(':') && !headers::is_name(name))
}

/// Tags of the client's address, in a header by which the route is chosen anew: it matters where a route looks at it.
pub(super) fn tags(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let header = applied.node.text("ip_tag_header.header").unwrap_or_else(|| "x-envoy-ip-tags".to_owned());
    let Some(table) = ask.chain.host.table() else { return Vec::new() };
    let asks = |index: usize| {
        let wanted = table.wanted(index).ok().flatten();
        wanted.is_some_and(|wanted| wanted.headers.iter().any(|own| own.name.eq_ignore_ascii_case(&header)))
    };
    if !(0..table.len()).any(asks) {
        return Vec::new();
    }
    let why = format!("which tags HTTP filter {} puts into {header}, by which a route is chosen anew", ask.filter.name);
    vec![Effect::Open(vec![Power::Answer], why)]
}

/// Filter state: objects of Envoy's own names decide things, and a cleared route is chosen anew.
pub(super) fn filter_state(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let clears = applied.node.get("clear_route_cache").is_some_and(|c| c.value().as_bool() == Some(true));
    let is_own = |value: Node| {
        let key = value.text("object_key").unwrap_or_default();
        !key.starts_with("envoy.") && !ask.walker.mesh.reads_state(&key) && value.get("factory_key").is_none()
    };
    let values = applied.node.get("on_request_headers");
    if !clears && values.is_none_or(|values| values.items().all(is_own)) {
        return Vec::new();
    }
    vec![Effect::Unknown(format!("what HTTP filter {} decides by filter state is not modeled", ask.filter.name))]
}
