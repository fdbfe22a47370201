//! Custom responses: what is answered, by B or by the proxy itself, is answered in another way, with another status
//! (`source/extensions/filters/http/custom_response`). Without a matcher on any level nothing is.

use super::ask::{Applied, Ask, Effect, levels};

pub(super) fn effects(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let all = levels(ask.chain, ask.chosen, &ask.filter.name);
    let own = ask.own_node();
    let mut nodes = all.iter().map(|level| &level.node).chain([&applied.node]).chain(own.iter());
    if !nodes.any(|node| node.get("custom_response_matcher").is_some()) {
        return Vec::new();
    }
    vec![Effect::Unknown(format!("what HTTP filter {} makes of answers is not modeled", ask.filter.name))]
}
