//! Which of a route's weighted clusters a request goes to.

use crate::envoy::draw::Draw;
use crate::envoy::pb::envoy::config::route::v3::WeightedCluster;
use crate::envoy::pb::envoy::config::route::v3::weighted_cluster::{ClusterWeight, RandomValueSpecifier};
use crate::snapshot::Node;
use crate::walk::http::added;
use crate::walk::http::chosen::{Chosen, Drawn};
use crate::walk::http::request::Http;
use crate::walk::way::criteria::criteria;
use crate::walk::way::forwarded::Choice;
use crate::walk::way::walker::Walker;

/// The clusters of a weighted route that requests are drawn for. Where the filters already told them apart, only one is
/// left.
pub(in crate::walk) fn drawn(
    walker: &Walker,
    weighted: &WeightedCluster,
    at: Option<&Node>,
    (http, chosen): (&Http, &Chosen),
) -> Result<Vec<Choice>, String> {
    if let Some(Drawn { entry, cluster }) = &chosen.only {
        return Ok(vec![entry_choice(weighted, at, *entry, (cluster.clone(), 1.0))]);
    }
    let all = weighted_choices(walker, weighted, at, (http, &chosen.draw))?;
    Ok(all.into_iter().map(|(_, choice)| choice).collect())
}

/// Every cluster of a weighted route that has a weight, whichever is drawn.
pub(in crate::walk) fn all_choices(weighted: &WeightedCluster, at: Option<&Node>, http: &Http) -> Vec<Choice> {
    let weighs = |entry: &ClusterWeight| entry.weight.as_ref().is_some_and(|weight| weight.value > 0);
    let entries = weighted.clusters.iter().enumerate().filter(|(_, entry)| weighs(entry));
    entries.map(|(i, entry)| entry_choice(weighted, at, i, (cluster_of(entry, http), 1.0))).collect()
}

/// The cluster that an entry names, itself or by a header.
fn cluster_of(entry: &ClusterWeight, http: &Http) -> String {
    if entry.cluster_header.is_empty() {
        entry.name.clone()
    } else {
        http.values(&entry.cluster_header).first().copied().unwrap_or_default().to_owned()
    }
}

/// One entry of a weighted route, with the cluster that it names and its share.
fn entry_choice(weighted: &WeightedCluster, at: Option<&Node>, entry: usize, (name, share): (String, f64)) -> Choice {
    let entry_at = at.and_then(|a| a.get("clusters")?.index(entry));
    let sets = added::to_requests(entry_at.as_slice());
    let at = entry_at.and_then(|entry| entry.get("name"));
    let criteria = criteria(weighted.clusters.get(entry).and_then(|c| c.metadata_match.as_ref()));
    Choice { share, criteria, sets, ..Choice::of(name, at) }
}

/// The clusters of a weighted route, each with its place among the entries, of those that are ever chosen.
pub(in crate::walk) fn weighted_choices(
    walker: &Walker,
    weighted: &WeightedCluster,
    at: Option<&Node>,
    (http, draw): (&Http, &Draw),
) -> Result<Vec<(usize, Choice)>, String> {
    let mut weights = Vec::new();
    for (i, entry) in weighted.clusters.iter().enumerate() {
        let name = cluster_of(entry, http);
        let own = u64::from(entry.weight.as_ref().map_or(0, |w| w.value));
        weights.push((i, name, runtime_weight(walker, weighted, entry)?.unwrap_or(own)));
    }
    let total: u64 = weights.iter().map(|(_, _, weight)| weight).sum();
    let choice = |i: usize, name: String, share: f64| entry_choice(weighted, at, i, (name, share));
    if let Some(RandomValueSpecifier::HeaderName(header)) = &weighted.random_value_specifier {
        let values = http.values(header);
        if let ([value], true) = (&values[..], total > 0)
            && let Ok(random) = value.parse::<u64>()
        {
            let mut left = random % total;
            for (i, name, weight) in weights {
                if left < weight {
                    return Ok(vec![(i, choice(i, name, 1.0))]);
                }
                left -= weight;
            }
            return Err("a weight that is not there".to_owned());
        }
    }
    if let Some(RandomValueSpecifier::UseHashPolicy(hashed)) = &weighted.random_value_specifier
        && hashed.value
    {
        return Err("which cluster the request's hash draws (`use_hash_policy`) is not modeled".to_owned());
    }
    if total == 0 {
        return Err("the weights of the clusters sum to 0".to_owned());
    }
    let all = draw.share()?;
    let mut choices = Vec::new();
    let mut begin = 0;
    for (i, name, weight) in weights {
        let share = draw.within(total, begin..begin + weight).share()? / all;
        begin += weight;
        if share > 0.0 {
            choices.push((i, choice(i, name, share)));
        }
    }
    Ok(choices)
}

/// The weight with which runtime overrides the configured one: `PREFIX.NAME`.
fn runtime_weight(walker: &Walker, weighted: &WeightedCluster, entry: &ClusterWeight) -> Result<Option<u64>, String> {
    if weighted.runtime_key_prefix.is_empty() {
        return Ok(None);
    }
    let key = format!("{}.{}", weighted.runtime_key_prefix, entry.name);
    let value = walker.runtime_value(&key).map(|value| value.parse::<u64>().map_err(|_| value));
    value.transpose().map_err(|value| format!("the runtime key {key} is {value}, which is not modeled"))
}
