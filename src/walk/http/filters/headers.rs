//! Filters that answer nothing, and change what later filters see: headers, filter state.

use crate::snapshot::Node;

use super::ask::{Applied, Ask, Effect, levels};

/// The header mutation filter: the mutations of every level are applied. The route is chosen before.
pub(super) fn mutation(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let all = levels(ask.chain, ask.chosen, &ask.filter.name);
    let own = ask.own_node();
    let nodes = all.iter().map(|a| &a.node).chain([&applied.node]).chain(own.iter());
    let changes = |node: &Node| {
        let Some(mutations) = node.get("mutations") else { return false };
        ["request_mutations", "query_parameter_mutations"].into_iter().any(|key| mutations.get(key).is_some())
    };
    nodes.into_iter().any(changes).then_some(Effect::ChangesHeaders).into_iter().collect()
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
