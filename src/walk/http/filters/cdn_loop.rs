//! Requests that came by a content delivery network before (`source/extensions/filters/http/cdn_loop`, RFC 8586).

use crate::walk::way::stop::Stop;
use crate::walk::way::unfit::Unfit;

use super::ask::{Answer, Applied, Ask, Effect};

const HEADER: &str = "cdn-loop";

pub(super) fn effects(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let values = ask.http.values(HEADER);
    if values.is_empty() && !ask.is_open(HEADER) {
        return Vec::new();
    }
    let own = applied.node.text("cdn_id").unwrap_or_default();
    let most = applied.node.get("max_allowed_occurrences").and_then(|most| most.value().as_u64()).unwrap_or(0);
    let joined = values.join(",");
    let ids: Option<Vec<&str>> = joined.split(',').map(|info| id(info.trim())).collect();
    let Some(ids) = ids.filter(|_| !ask.is_open(HEADER)) else {
        let why = format!("whether HTTP filter {} can read the header {HEADER}", ask.filter.name);
        return vec![Effect::Unknown(why)];
    };
    let count = ids.into_iter().filter(|id| *id == own).count();
    if u64::try_from(count).unwrap_or(u64::MAX) <= most {
        return Vec::new();
    }
    let note = format!("the request came by {own} {count} times before");
    vec![Answer::to_all(Stop::Unfit(Unfit::CdnLoop), "loop detection", note, applied.node.clone())]
}

/// `cdn-id *( ; parameter )` of a plain kind.
fn id(info: &str) -> Option<&str> {
    let id = info.split(';').next().unwrap_or_default().trim();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    (!id.is_empty() && id.chars().all(is_plain)).then_some(id)
}
