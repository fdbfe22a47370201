//! The cache: it answers with what B answered before, and asks the route's cluster by itself, past the router.
//!
//! What it could keep needs a route that forwards, and of what goes wrong behind it the log has no flags. Measured on
//! 1.36, 1.38 and 1.40, of both versions of the filter (`source/extensions/filters/http/{cache,cache_v2}`).

use crate::envoy::classes::{Atom, Sign};
use crate::verdict::Power;
use crate::walk::way::apart::{Asking, Entry};
use crate::walk::way::stop::Stop;
use crate::walk::way::unfit::Unfit;

use super::ask::{Answer, Applied, Ask, Effect};

const METHODS: [&str; 2] = ["GET", "HEAD"];
/// Headers of requests that it lets pass.
const UNKEPT: [&str; 4] = ["authorization", "if-modified-since", "if-none-match", "if-range"];

/// The requests that it looks at, without a body.
pub(super) fn lists(applied: &Applied) -> Vec<Asking> {
    if is_off(applied) {
        return Vec::new();
    }
    let without = || UNKEPT.iter().map(|name| (Atom::header_is_there(name), Sign::Fails));
    let of = |method: &&str| {
        Entry::sure([(Atom::header_is(":method", method), Sign::Holds)].into_iter().chain(without()).collect(), 1)
    };
    vec![METHODS.iter().map(of).collect::<Vec<Entry>>().into()]
}

pub(super) fn effects(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    if is_off(applied) || !takes(ask) {
        return Vec::new();
    }
    if ask.forwards() {
        return vec![Effect::Caches];
    }
    if ask.before.headers_changed {
        let why = "whether the cache, which answers 404 without a route that forwards, takes the request".to_owned();
        return vec![Effect::Open(vec![Power::Answer], why)];
    }
    let note = "takes the request, and its route forwards to no cluster".to_owned();
    vec![Answer::to_all(Stop::Unfit(Unfit::CacheWithoutRoute), "cache filter", note, applied.node.clone())]
}

/// Without a cache of some kind it does nothing.
fn is_off(applied: &Applied) -> bool {
    let is_set = |field: &str| applied.node.get(field).is_some_and(|set| *set.value() == true);
    is_set("disabled") || applied.node.get("typed_config").is_none()
}

fn takes(ask: &Ask) -> bool {
    let has_body = !matches!(ask.first("content-length"), "" | "0") || !ask.first("transfer-encoding").is_empty();
    let passes = UNKEPT.iter().any(|name| !ask.http.values(name).is_empty());
    METHODS.contains(&ask.http.method.as_str()) && !has_body && !passes && ask.http.upgrade.is_none()
}
