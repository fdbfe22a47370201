//! Stateful sessions: a request that names its host goes there. Where no other will do (`strict`), a host that is not
//! there is the end (`source/extensions/filters/http/stateful_session`).

use crate::snapshot::Node;

use super::ask::{Applied, Ask, Effect};

pub(super) fn effects(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let config = applied.node.get("stateful_session").unwrap_or_else(|| applied.node.clone());
    let is_strict = config.get("strict").is_some_and(|strict| strict.value().as_bool() == Some(true));
    if !is_strict || !has_session(ask, &config) {
        return Vec::new();
    }
    let filter = &ask.filter.name;
    vec![Effect::Unknown(format!("whether the session that HTTP filter {filter} keeps names a host that is there"))]
}

/// Whether the request brings a session, in the cookie or the header that keeps it.
fn has_session(ask: &Ask, config: &Node) -> bool {
    let Some(state) = config.at("session_state.typed_config") else { return true };
    match (state.text("cookie.name"), state.text("name")) {
        (Some(cookie), _) => {
            let has = |line: &&str| line.split(';').any(|pair| pair.trim().split('=').next() == Some(cookie.as_str()));
            ask.is_open("cookie") || ask.http.values("cookie").iter().any(has)
        }
        (None, Some(header)) => ask.is_open(&header) || !ask.first(&header).is_empty(),
        (None, None) => true,
    }
}
