//! Subset load balancing: which hosts the criteria of a route leave, and what happens when they leave none.
//!
//! `source/extensions/load_balancing_policies/subset/subset_lb.cc`. Criteria and the hosts' metadata are what stands
//! under `envoy.lb`.

use std::collections::{BTreeMap, BTreeSet};

use pbjson_types::value::Kind;
use pbjson_types::{Struct, Value};

use super::health::Host;
use super::load::{self, Policy, Spread};
use super::pb::envoy::config::cluster::v3::cluster::LbSubsetConfig;
use super::pb::envoy::config::cluster::v3::cluster::lb_subset_config::lb_subset_selector::LbSubsetSelectorFallbackPolicy as ByKeys;
use super::pb::envoy::config::cluster::v3::cluster::lb_subset_config::{
    LbSubsetFallbackPolicy as ByCluster, LbSubsetMetadataFallbackPolicy as ByMetadata,
};
use super::pb::envoy::extensions::load_balancing_policies::subset::v3 as extension;

/// Keys and the values that they must have, by key.
pub type Criteria = BTreeMap<String, Value>;

/// How a cluster is divided.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "Envoy's own switches")]
pub struct Subsets {
    fallback: ByCluster,
    default_subset: Criteria,
    selectors: Vec<Selector>,
    locality_weight_aware: bool,
    scale_locality_weight: bool,
    panic_mode_any: bool,
    list_as_any: bool,
    metadata_fallback: ByMetadata,
    allow_redundant_keys: bool,
}

#[derive(Clone, PartialEq, Debug)]
struct Selector {
    keys: BTreeSet<String>,
    single_host: bool,
    fallback: ByKeys,
    fallback_keys: BTreeSet<String>,
}

/// The hosts with their metadata, and how they are balanced within a subset.
#[derive(Clone, Copy, Debug)]
pub struct Members<'a> {
    /// All hosts of the cluster, in Envoy's order.
    pub hosts: &'a [Host],
    /// `envoy.lb` of each of them.
    pub metadata: &'a [Criteria],
    /// What the balancer of a subset does.
    pub policy: &'a Policy,
}

/// Where requests go, and by which subset.
#[derive(Clone, PartialEq, Debug)]
pub struct Chosen {
    /// Over all hosts of the cluster.
    pub spread: Spread,
    /// The subset, in words.
    pub subset: String,
}

/// What stands under `envoy.lb`.
pub fn criteria(fields: Option<&Struct>) -> Criteria {
    let fields = fields.map(|s| s.fields.iter().map(|(key, value)| (key.clone(), value.clone())));
    fields.map(Iterator::collect).unwrap_or_default()
}

impl Subsets {
    /// The cluster's own form; `None` where it has no selectors, for then the whole thing is off.
    pub fn of(config: &LbSubsetConfig) -> Option<Self> {
        let selector =
            |s: &super::pb::envoy::config::cluster::v3::cluster::lb_subset_config::LbSubsetSelector| Selector {
                keys: s.keys.iter().cloned().collect(),
                single_host: s.single_host_per_subset,
                fallback: s.fallback_policy(),
                fallback_keys: s.fallback_keys_subset.iter().cloned().collect(),
            };
        (!config.subset_selectors.is_empty()).then(|| Self {
            fallback: config.fallback_policy(),
            default_subset: criteria(config.default_subset.as_ref()),
            selectors: config.subset_selectors.iter().map(selector).collect(),
            locality_weight_aware: config.locality_weight_aware,
            scale_locality_weight: config.scale_locality_weight,
            panic_mode_any: config.panic_mode_any,
            list_as_any: config.list_as_any,
            metadata_fallback: config.metadata_fallback_policy(),
            allow_redundant_keys: false,
        })
    }

    /// The form of a load balancing policy, which is there even without selectors.
    pub fn of_policy(config: &extension::Subset) -> Self {
        // The two forms have the same fields and enums of the same numbers.
        let selector = |s: &extension::subset::LbSubsetSelector| Selector {
            keys: s.keys.iter().cloned().collect(),
            single_host: s.single_host_per_subset,
            fallback: ByKeys::try_from(s.fallback_policy).unwrap_or(ByKeys::NotDefined),
            fallback_keys: s.fallback_keys_subset.iter().cloned().collect(),
        };
        let mut selectors: Vec<Selector> = config.subset_selectors.iter().map(selector).collect();
        if config.allow_redundant_keys {
            // Those with more keys are looked at first.
            selectors.sort_by_key(|s| std::cmp::Reverse(s.keys.len()));
        }
        Self {
            fallback: ByCluster::try_from(config.fallback_policy).unwrap_or(ByCluster::NoFallback),
            default_subset: criteria(config.default_subset.as_ref()),
            selectors,
            locality_weight_aware: config.locality_weight_aware,
            scale_locality_weight: config.scale_locality_weight,
            panic_mode_any: config.panic_mode_any,
            list_as_any: config.list_as_any,
            metadata_fallback: ByMetadata::try_from(config.metadata_fallback_policy)
                .unwrap_or(ByMetadata::MetadataNoFallback),
            allow_redundant_keys: config.allow_redundant_keys,
        }
    }

    /// Spreads requests with these criteria. `fallback_list` holds criteria that are tried one after the other until a
    /// host is found.
    pub fn spread(&self, wanted: &Criteria, members: Members) -> Chosen {
        let list = match self.metadata_fallback {
            ByMetadata::MetadataNoFallback => None,
            ByMetadata::FallbackList => wanted.get("fallback_list"),
        };
        let Some(list) = list else { return self.once(wanted, members) };
        let mut rest = wanted.clone();
        rest.remove("fallback_list");
        let Some(Kind::ListValue(list)) = &list.kind else { return self.once(&rest, members) };
        let mut all: Option<Chosen> = None;
        for entry in &list.values {
            let mut merged = rest.clone();
            if let Some(Kind::StructValue(fields)) = &entry.kind {
                merged.extend(criteria(Some(fields)));
            }
            let next = self.once(&merged, members);
            all = Some(match all {
                Some(before) => before.else_try(next),
                None => next,
            });
            if all.as_ref().is_some_and(|chosen| chosen.spread.without_host <= 0.0) {
                break;
            }
        }
        all.unwrap_or_else(|| self.once(&rest, members))
    }

    /// `chooseHostIteration`.
    fn once(&self, wanted: &Criteria, members: Members) -> Chosen {
        let reduced = if self.allow_redundant_keys { self.without_redundant(wanted) } else { None };
        let wanted = reduced.as_ref().unwrap_or(wanted);
        if let Some(chosen) = self.subset(wanted, members) {
            return chosen;
        }
        let keys: Vec<&String> = wanted.keys().collect();
        if let Some(selector) = self.selector_of(&keys) {
            match selector.fallback {
                ByKeys::NotDefined => {}
                ByKeys::NoFallback => return none(members, format!("no host is in the subset {}", shown(wanted))),
                ByKeys::AnyEndpoint => return self.any(members, wanted),
                ByKeys::DefaultSubset => return self.default_subset(members, wanted),
                ByKeys::KeysSubset => {
                    let fewer = wanted.iter().filter(|(key, _)| selector.fallback_keys.contains(*key));
                    let fewer: Criteria = fewer.map(|(key, value)| (key.clone(), value.clone())).collect();
                    return self.once(&fewer, members);
                }
            }
        }
        let fallback = match self.fallback {
            ByCluster::NoFallback if wanted.is_empty() => {
                return none(members, "the route names no subset, and nothing else is allowed".to_owned());
            }
            ByCluster::NoFallback => return none(members, format!("no host is in the subset {}", shown(wanted))),
            ByCluster::AnyEndpoint => self.any(members, wanted),
            ByCluster::DefaultSubset => self.default_subset(members, wanted),
        };
        if self.panic_mode_any && fallback.spread.without_host > 0.0 {
            return fallback.else_try(self.any(members, wanted));
        }
        fallback
    }

    /// The first selector all of whose keys are among the criteria; the others are dropped.
    fn without_redundant(&self, wanted: &Criteria) -> Option<Criteria> {
        let selector = self.selectors.iter().find(|s| s.keys.iter().all(|key| wanted.contains_key(key)))?;
        let kept = wanted.iter().filter(|(key, _)| selector.keys.contains(*key));
        Some(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// Selectors live in a tree of their keys, and one that only repeats the beginning of an earlier one does not get
    /// its fallback in.
    fn selector_of(&self, keys: &[&String]) -> Option<&Selector> {
        let begins = |s: &&Selector| !keys.is_empty() && s.keys.iter().take(keys.len()).eq(keys.iter().copied());
        self.selectors.iter().find(begins).filter(|s| s.keys.len() == keys.len())
    }

    /// The subset with exactly these keys and values, where a host is in it.
    fn subset(&self, wanted: &Criteria, members: Members) -> Option<Chosen> {
        let wanted_pairs: Vec<(&String, &Value)> = wanted.iter().collect();
        let mut inside: Vec<usize> = Vec::new();
        let mut single = None;
        let mut order: Vec<usize> = (0..members.hosts.len()).collect();
        order.sort_by_key(|i| members.hosts[*i].priority);
        for i in order {
            for selector in &self.selectors {
                if !wanted.is_empty() && self.pairs(&selector.keys, &members.metadata[i]).contains(&wanted_pairs) {
                    single = single.or(Some(selector.single_host));
                    inside.push(i);
                }
            }
        }
        inside.dedup();
        let first = *inside.first()?;
        let subset = format!("the subset {}", shown(wanted));
        if single == Some(true) {
            // One host, whatever its health.
            let eligible = (0..members.hosts.len()).map(|i| i == first).collect();
            return Some(Chosen { spread: Spread { eligible, without_host: 0.0, panic: false }, subset });
        }
        Some(Chosen { spread: self.within(&inside, members), subset })
    }

    /// `extractSubsetMetadata`: the subsets of a host by one selector. A list counts as each of its values where that
    /// is asked for.
    fn pairs<'a>(&self, keys: &'a BTreeSet<String>, metadata: &'a Criteria) -> Vec<Vec<(&'a String, &'a Value)>> {
        let mut all: Vec<Vec<(&String, &Value)>> = Vec::new();
        for key in keys {
            let Some(value) = metadata.get(key) else { return Vec::new() };
            let values: Vec<&Value> = match &value.kind {
                Some(Kind::ListValue(list)) if self.list_as_any => list.values.iter().collect(),
                _ => vec![value],
            };
            if all.is_empty() {
                all = values.into_iter().map(|v| vec![(key, v)]).collect();
                continue;
            }
            let extended = |kvs: &Vec<(&'a String, &'a Value)>| -> Vec<Vec<(&'a String, &'a Value)>> {
                values.iter().map(|v| kvs.iter().copied().chain([(key, *v)]).collect()).collect()
            };
            all = all.iter().flat_map(extended).collect();
        }
        all
    }

    fn default_subset(&self, members: Members, wanted: &Criteria) -> Chosen {
        let meets = |metadata: &Criteria| {
            self.default_subset.iter().all(|(key, value)| {
                metadata.get(key).is_some_and(|own| match &own.kind {
                    Some(Kind::ListValue(list)) if self.list_as_any => list.values.contains(value),
                    _ => own == value,
                })
            })
        };
        let inside: Vec<usize> = (0..members.hosts.len()).filter(|i| meets(&members.metadata[*i])).collect();
        let subset = format!("{}the default subset", instead(wanted));
        Chosen { spread: self.within(&inside, members), subset }
    }

    fn any(&self, members: Members, wanted: &Criteria) -> Chosen {
        let all: Vec<usize> = (0..members.hosts.len()).collect();
        Chosen { spread: self.within(&all, members), subset: format!("{}any endpoint", instead(wanted)) }
    }

    /// Balances over some of the hosts, with their own health and panic.
    fn within(&self, inside: &[usize], members: Members) -> Spread {
        let hosts: Vec<Host> = inside.iter().map(|i| members.hosts[*i].clone()).collect();
        let policy = Policy { locality_weights: self.weights(&hosts, members), ..members.policy.clone() };
        let spread = load::spread(&hosts, &policy);
        let mut eligible = vec![false; members.hosts.len()];
        for (i, usable) in inside.iter().zip(&spread.eligible) {
            eligible[*i] = *usable;
        }
        Spread { eligible, ..spread }
    }

    /// The localities' weights within a subset: none, the cluster's, or the cluster's by what is left of each.
    fn weights(&self, inside: &[Host], members: Members) -> Option<BTreeMap<(u32, String), u32>> {
        let weights = members.policy.locality_weights.as_ref().filter(|_| self.locality_weight_aware)?;
        if !self.scale_locality_weight {
            return Some(weights.clone());
        }
        let count = |hosts: &[Host], at: &(u32, String)| {
            hosts.iter().filter(|h| h.priority == at.0 && h.locality == at.1).count() as u64
        };
        let scaled = |(at, weight): (&(u32, String), &u32)| {
            let (left, all) = (count(inside, at), count(members.hosts, at).max(1));
            // Rounded half up, as `std::round` does with what is not negative.
            let weight = (2 * u64::from(*weight) * left + all) / (2 * all);
            (at.clone(), u32::try_from(weight).unwrap_or(u32::MAX))
        };
        Some(weights.iter().map(scaled).collect())
    }
}

impl Chosen {
    /// What is left without a host tries the next.
    fn else_try(self, next: Self) -> Self {
        let eligible = self.spread.eligible.iter().zip(&next.spread.eligible).map(|(a, b)| *a || *b).collect();
        let spread = Spread {
            eligible,
            without_host: self.spread.without_host * next.spread.without_host,
            panic: self.spread.panic || next.spread.panic,
        };
        let subset = if self.spread.without_host >= 1.0 { next.subset } else { self.subset };
        Self { spread, subset }
    }
}

fn none(members: Members, subset: String) -> Chosen {
    let spread = Spread { eligible: vec![false; members.hosts.len()], without_host: 1.0, panic: false };
    Chosen { spread, subset }
}

fn instead(wanted: &Criteria) -> String {
    if wanted.is_empty() { String::new() } else { format!("no host is in the subset {}, so ", shown(wanted)) }
}

/// `version=v1, stage=prod`.
pub fn shown(criteria: &Criteria) -> String {
    let value = |value: &Value| match &value.kind {
        Some(Kind::StringValue(text)) => text.clone(),
        _ => serde_json::to_value(value).map(|v| v.to_string()).unwrap_or_default(),
    };
    let pairs: Vec<String> = criteria.iter().map(|(key, v)| format!("{key}={}", value(v))).collect();
    pairs.join(", ")
}
