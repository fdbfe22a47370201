//! Health checks that the proxy answers itself (`source/extensions/filters/http/health_check/health_check.cc`).

use crate::envoy::matcher::Match;
use crate::envoy::pb::envoy::extensions::filters::http::health_check::v3::HealthCheck;
use crate::walk::way::apart::{Asking, Entry};
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

use super::ask::{Answer, Applied, Ask, Effect};

const HEALTH_CHECK: &str = "envoy.extensions.filters.http.health_check.v3.HealthCheck";

/// The requests that are health checks.
pub(super) fn lists(applied: &Applied) -> Result<Vec<Asking>, String> {
    let check: HealthCheck = applied.any.unpack()?;
    let entry = Entry::of_headers(&check.headers);
    let passes = check.pass_through_mode.as_ref().is_none_or(|b| b.value)
        || Walker::unmodeled(&applied.node, HEALTH_CHECK, &[]).is_some();
    Ok(vec![vec![if passes { entry } else { entry.ending() }].into()])
}

pub(super) fn effects(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let check: HealthCheck = match applied.any.unpack() {
        Ok(check) => check,
        Err(why) => return vec![Effect::Unknown(format!("HTTP filter {}: {why}", ask.filter.name))],
    };
    match check.headers.iter().fold(Match::Yes, |all, h| all.and(ask.header(h))) {
        Match::No | Match::Share(_) => return Vec::new(),
        Match::Unknown(why) => return vec![Effect::Unknown(format!("whether it is a health check: {why}"))],
        Match::Yes => {}
    }
    // With a cache, or by the health of clusters, it may answer in other ways.
    if let Some(what) = Walker::unmodeled(&applied.node, HEALTH_CHECK, &[]) {
        return vec![Effect::Unknown(what)];
    }
    ask.walker.unchecked("whether the proxy was told to fail its health checks".to_owned());
    if check.pass_through_mode.as_ref().is_some_and(|b| b.value) {
        return Vec::new();
    }
    let note = "answers the health check itself".to_owned();
    vec![Answer::to_all(Stop::HealthCheck, "health check filter", note, applied.node.clone())]
}
