//! The proxy's own answer: status, flags and details, and the shares of each where chance decides.

use std::collections::BTreeMap;

use mesh_why::snapshot::AskRecord;
use serde_json::Value;

use super::Difference;
use super::open::is_open;
use crate::chance::Level;
use crate::observed::{Fate, Observed, Reply, details, flags};

/// `response`: none when every request is handed over, else that of the most frequent failure, else of the most frequent
/// answer. Where the verdict leaves a branch open, any that was seen: what is open may be more frequent, and `branches`
/// holds the shares. Equal shares have no most frequent one, and of two that are nearly equal draws do not tell which.
pub(super) fn compare(observed: &[Observed], verdict: &Value, level: Level) -> Vec<Difference> {
    let response = &verdict["response"];
    let mut counts: BTreeMap<&Reply, usize> = BTreeMap::new();
    for each in observed.iter().filter(|each| each.fate != Fate::Reached) {
        *counts.entry(&each.reply).or_default() += 1;
    }
    let fails = |reply: &Reply| observed.iter().any(|each| each.fate == Fate::Failed && each.reply == *reply);
    let said = parse(response);
    let stays_away = || level.allows_unseen(observed.len(), foretold(&said, verdict));
    let Some((seen, most)) =
        counts.iter().map(|(reply, count)| (*reply, *count)).max_by_key(|(reply, count)| (fails(reply), *count))
    else {
        let none = response.is_null() || stays_away();
        return (!none).then(|| Difference::new("response", "none", response.to_string())).into_iter().collect();
    };
    let fits = match counts.get(&said).copied().unwrap_or(0) {
        0 => (!fails(seen) || level.allows_order(most, 0)) && stays_away(),
        count => open_share(verdict) > 0.0 || (fails(&said) == fails(seen) && level.allows_order(most, count)),
    };
    if fits {
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
    // Of the query's tokens no answer says more than what decides.
    let seen = &AskRecord { to: seen.to_owned(), ..AskRecord::default() }.without_secrets().to;
    let said: Vec<&str> = notes.filter_map(|note| note.rsplit_once(" to ")).map(|(_, to)| to).collect();
    let found = said.contains(&seen.as_str());
    (!found).then(|| Difference::new("location", seen, said.join(", "))).into_iter().collect()
}

/// `branches`: each way that a request can go has the share that it was seen with.
pub(super) fn branches(observed: &[Observed], verdict: &Value, level: Level) -> Vec<Difference> {
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
    for branch in told(verdict) {
        *said.entry(way(fate(branch), &parse(&branch["response"]))).or_default() += share(branch);
    }
    said.into_iter()
        .map(|(way, share)| (seen.get(&way).copied().unwrap_or(0), share, way))
        .filter(|(count, share, _)| !level.allows(*count, observed.len(), *share..=share + open))
        .map(|(count, share, way)| {
            Difference::new(format!("branch {way}"), format!("{count} of {}", observed.len()), format!("{share}"))
        })
        .collect()
}

/// The first line: the shares of requests that it says fail or are answered, at least where something is open; and
/// whether any reaches.
pub(super) fn summary(observed: &[Observed], verdict: &Value, level: Level) -> Vec<Difference> {
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
        let (share, rounding) = before.rsplit(' ').next().and_then(percent).unwrap_or((f64::NAN, 0.0));
        let most = if said.contains("at least ") { share + open_share(verdict) } else { share };
        let fits = level.allows(count(fate), observed.len(), share - rounding..=most + rounding);
        if observed.len() > 1 && !fits {
            found.push(differ(format!("{} of {} {fate:?}", count(fate), observed.len())));
        }
    }
    let is_partial = verdict["outcome"] == "partial";
    if is_partial && said.contains(" never reaches ") && count(Fate::Reached) > 0 {
        found.push(differ(format!("{} of {} reach", count(Fate::Reached), observed.len())));
    }
    found
}

/// A share that is printed in percent, and how much rounding may have changed it.
fn percent(text: &str) -> Option<(f64, f64)> {
    let digits = text.split_once('.').map_or("", |(_, digits)| digits);
    let unit = digits.chars().fold(0.01, |unit, _| unit / 10.0);
    Some((text.parse::<f64>().ok()? / 100.0, unit / 2.0))
}

/// The shares that come to each fate, of the branches whose end is told.
pub(super) fn shares(verdict: &Value) -> BTreeMap<Fate, f64> {
    let mut shares = BTreeMap::new();
    for branch in told(verdict) {
        *shares.entry(fate(branch)).or_default() += share(branch);
    }
    shares
}

/// The share that a reply of the verdict is foretold to have; where there is but one way, or none ends so, all.
fn foretold(said: &Reply, verdict: &Value) -> f64 {
    let own = told(verdict).filter(|branch| fate(branch) != Fate::Reached && parse(&branch["response"]) == *said);
    Some(own.map(share).sum()).filter(|sum| *sum > 0.0).unwrap_or(1.0)
}

fn told(verdict: &Value) -> impl Iterator<Item = &Value> {
    verdict["branches"].as_array().into_iter().flatten().filter(|branch| !is_open(branch))
}

fn fate(branch: &Value) -> Fate {
    match branch["outcome"].as_str() {
        Some("reaches") => Fate::Reached,
        Some("answered") => Fate::Answered,
        _ => Fate::Failed,
    }
}

fn share(branch: &Value) -> f64 {
    branch["share"].as_f64().unwrap_or_default()
}

/// The share of the branches of which the verdict does not tell where they lead.
fn open_share(verdict: &Value) -> f64 {
    verdict["branches"].as_array().into_iter().flatten().filter(|branch| is_open(branch)).map(share).sum()
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
