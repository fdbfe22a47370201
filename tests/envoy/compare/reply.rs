//! The proxy's own answer: status, flags and details, and the shares of each where chance decides.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Difference, is_plausible, share_of};
use crate::observed::{Fate, Observed, Reply, details, flags};

/// `response`: none when every request is handed over, else that of the most frequent failure, else of the most frequent
/// answer. Where the verdict leaves a branch open, any that was seen: what is open may be more frequent, and `branches`
/// holds the shares.
pub(super) fn compare(observed: &[Observed], verdict: &Value) -> Vec<Difference> {
    let response = &verdict["response"];
    let mut counts: BTreeMap<&Reply, usize> = BTreeMap::new();
    for each in observed.iter().filter(|each| each.fate != Fate::Reached) {
        *counts.entry(&each.reply).or_default() += 1;
    }
    let fails = |reply: &Reply| observed.iter().any(|each| each.fate == Fate::Failed && each.reply == *reply);
    let Some((seen, most)) =
        counts.iter().map(|(reply, count)| (*reply, *count)).max_by_key(|(reply, count)| (fails(reply), *count))
    else {
        let none = response.is_null();
        return (!none).then(|| Difference::new("response", "none", response.to_string())).into_iter().collect();
    };
    let said = parse(response);
    // Which of two is the more frequent, chance may have decided.
    let count = counts.get(&said).copied().unwrap_or(0);
    if count > 0 && open_share(verdict) > 0.0 {
        return Vec::new();
    }
    if fails(&said) == fails(seen) && count > 0 && is_plausible(count, observed.len(), share_of(most, observed.len())) {
        return Vec::new();
    }
    let mut differences = Vec::new();
    if seen.status != said.status {
        differences.push(Difference::new("status", seen.status.to_string(), said.status.to_string()));
    }
    if seen.grpc_status != said.grpc_status {
        let (seen, said) = (seen.grpc_status, said.grpc_status);
        differences.push(Difference::new("grpc_status", format!("{seen:?}"), format!("{said:?}")));
    }
    if seen.flags != said.flags {
        differences.push(Difference::new("flags", format!("{:?}", seen.flags), format!("{:?}", said.flags)));
    }
    if seen.details != said.details {
        differences.push(Difference::new("details", &seen.details, said.details));
    }
    differences
}

/// A redirect's row ends with where it points. (A direct response of 201 or 3xx has a Location too: the request's own.)
pub(super) fn location(observed: &[Observed], verdict: &Value) -> Vec<Difference> {
    let notes = verdict["walk"].as_array().into_iter().flatten().filter_map(|step| step["note"].as_str());
    if !notes.clone().any(|note| note.contains("redirect") || note.contains("HTTPS only")) {
        return Vec::new();
    }
    let Some(seen) = observed.iter().find_map(|each| each.location.as_deref()) else { return Vec::new() };
    let said: Vec<&str> = notes.filter_map(|note| note.rsplit_once(" to ")).map(|(_, to)| to).collect();
    let found = said.contains(&seen);
    (!found).then(|| Difference::new("location", seen, said.join(", "))).into_iter().collect()
}

/// `branches`: each way that a request can go has the share that it was seen with.
pub(super) fn branches(observed: &[Observed], verdict: &Value) -> Vec<Difference> {
    let branches = verdict["branches"].as_array().map(Vec::as_slice).unwrap_or_default();
    if branches.is_empty() || observed.len() < 2 {
        return Vec::new();
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for each in observed {
        *seen.entry(way(each.fate, &each.reply)).or_default() += 1;
    }
    let mut said: BTreeMap<String, f64> = seen.keys().map(|way| (way.clone(), 0.0)).collect();
    // What the program leaves open may have gone any way, and no further.
    let open = open_share(verdict);
    for branch in branches.iter().filter(|branch| !is_open(branch)) {
        let fate = match branch["outcome"].as_str() {
            Some("reaches") => Fate::Reached,
            Some("answered") => Fate::Answered,
            _ => Fate::Failed,
        };
        let share = branch["share"].as_f64().unwrap_or_default();
        *said.entry(way(fate, &parse(&branch["response"]))).or_default() += share;
    }
    said.into_iter()
        .map(|(way, share)| (seen.get(&way).copied().unwrap_or(0), share, way))
        .filter(|(count, share, _)| {
            let seen = share_of(*count, observed.len());
            !(is_plausible(*count, observed.len(), seen.clamp(*share, share + open)))
        })
        .map(|(count, share, way)| {
            Difference::new(format!("branch {way}"), format!("{count} of {}", observed.len()), format!("{share}"))
        })
        .collect()
}

/// The first line: the shares of requests that it says fail or are answered, at least where something is open; and
/// whether any reaches.
pub(super) fn summary(observed: &[Observed], verdict: &Value) -> Vec<Difference> {
    let said = verdict["summary"].as_str().unwrap_or_default();
    let count = |fate: Fate| observed.iter().filter(|each| each.fate == fate).count();
    let differ = |seen: String| Difference::new("summary", seen, said);
    let mut found = Vec::new();
    for (fate, words) in [
        (Fate::Failed, " % of requests fail"),
        (Fate::Answered, " % of requests are answered"),
        (Fate::Answered, " % are answered"),
    ] {
        let Some((before, _)) = said.split_once(words) else { continue };
        let share = before.rsplit(' ').next().and_then(|number| number.parse::<f64>().ok()).map(|n| n / 100.0);
        let share = share.unwrap_or(f64::NAN);
        let most = if said.contains("at least ") { share + open_share(verdict) } else { share };
        let expected = share_of(count(fate), observed.len()).clamp(share, most.max(share));
        if observed.len() > 1 && !is_plausible(count(fate), observed.len(), expected) {
            found.push(differ(format!("{} of {} {fate:?}", count(fate), observed.len())));
        }
    }
    let is_partial = verdict["outcome"] == "partial";
    if is_partial && said.contains(" never reaches ") && count(Fate::Reached) > 0 {
        found.push(differ(format!("{} of {} reach", count(Fate::Reached), observed.len())));
    }
    found
}

fn is_open(branch: &Value) -> bool {
    branch["outcome"] == "unknown"
}

/// The share of the branches of which the verdict does not tell where they lead.
fn open_share(verdict: &Value) -> f64 {
    let branches = verdict["branches"].as_array().map(Vec::as_slice).unwrap_or_default();
    branches.iter().filter(|branch| is_open(branch)).filter_map(|branch| branch["share"].as_f64()).sum()
}

fn way(fate: Fate, reply: &Reply) -> String {
    match fate {
        Fate::Reached => "reaches".to_owned(),
        Fate::Answered | Fate::Failed => format!("{} {:?} {}", reply.status, reply.flags, reply.details),
    }
}

fn parse(response: &Value) -> Reply {
    Reply {
        status: response["status"].as_u64().unwrap_or(0),
        grpc_status: response["grpc_status"].as_u64(),
        flags: flags(response["flags"].as_array().into_iter().flatten().filter_map(Value::as_str)),
        details: details(response["details"].as_str().unwrap_or_default()),
    }
}
