//! Draws until the verdict fits, or until chance is no excuse any more.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ask::Said;
use crate::chance::Level;
use crate::compare::{self, Difference};
use crate::observed::{Observed, Place};

/// Sent so often where chance has a part.
pub(crate) const SOME: usize = 100;
/// Sent anew so often when those do not fit.
pub(crate) const MANY: usize = 1500;
/// Sent in the end, and so often again while what was foretold stays away …
const VERY_MANY: usize = 6000;
/// … up to this: then a thousandth would have been seen but for one time in millions of millions.
pub(crate) const ALL: usize = 5 * VERY_MANY;

/// What is held, and against what.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    pub(crate) said: &'a Said,
    pub(crate) places: &'a BTreeMap<String, Place>,
    /// How often at most it is sent.
    pub(crate) patience: usize,
}

/// What was seen in the end, and what differs; `send` sends the request so often.
pub(crate) fn settle(
    held: &Held<'_>,
    first: Vec<Observed>,
    mut send: impl FnMut(usize) -> Result<Vec<Observed>, String>,
) -> Result<(Vec<Observed>, Vec<Difference>), String> {
    let compare = |seen: &[Observed], level| compare::compare(seen, held.places, held.said, level);
    let foretold = first.len() > 1;
    // One request does not show whether chance chose its route, for all routes may end alike.
    let by_chance = |seen: &[Observed]| foretold || seen.len() == 1 || is_random_in(seen);
    let mut seen = first;
    let mut differences = compare(&seen, Level::First);
    for times in [SOME, MANY].into_iter().filter(|times| *times < held.patience) {
        if !differences.is_empty() && by_chance(&seen) && times > seen.len() {
            seen = send(times)?;
            differences = compare(&seen, Level::First);
        }
    }
    if differences.is_empty() || !by_chance(&seen) {
        return Ok((seen, differences));
    }
    // These are added up, for only all of them are judged; or as soon as they fit.
    seen = Vec::new();
    while !differences.is_empty() && seen.len() < held.patience {
        seen.extend(send(VERY_MANY.min(held.patience))?);
        differences = compare(&seen, Level::Last);
    }
    Ok((seen, differences))
}

/// Whether the verdict says that chance decides something.
pub(crate) fn is_random(verdict: &Value) -> bool {
    let several = |value: &Value| value.as_array().is_some_and(|items| items.len() > 1);
    let clusters = verdict["decision"]["clusters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let eligible = |cluster: &Value| {
        let endpoints = cluster["endpoints"].as_array().map(Vec::as_slice).unwrap_or_default();
        endpoints.iter().filter(|endpoint| endpoint["eligible"] == true).count()
    };
    verdict["outcome"] == "partial"
        || several(&verdict["branches"])
        || clusters.len() > 1
        || clusters.iter().any(|cluster| eligible(cluster) > 1)
}

fn is_random_in(observed: &[Observed]) -> bool {
    let way = |each: &Observed| (each.reply.clone(), each.cluster.clone(), each.route.clone());
    observed.windows(2).any(|pair| way(&pair[0]) != way(&pair[1]))
}
