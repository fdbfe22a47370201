//! The unified matcher: lists of predicates and trees of keys that lead to an action (`source/common/matcher/`).
//!
//! What a matcher does not decide is tried further: a branch whose own matcher leads nowhere counts as no match.

use std::net::IpAddr;

use super::address;
use super::any::JsonAny;
use super::matcher::{self, Match};
use super::pb::envoy::config::core::v3::CidrRange;
use super::pb::envoy::r#type::matcher::v3::{RegexMatcher, StringMatcher, string_matcher};
use super::pb::xds::core::v3::TypedExtensionConfig;
use super::pb::xds::r#type::matcher::v3::matcher::matcher_list::{FieldMatcher, Predicate, predicate};
use super::pb::xds::r#type::matcher::v3::matcher::{
    MatcherList, MatcherTree, MatcherType, OnMatch, matcher_tree, on_match,
};
use super::pb::xds::r#type::matcher::v3::{
    IpMatcher, Matcher, StringMatcher as XdsString, string_matcher as xds_string,
};
use super::re2::Charset;
use super::redacted;

/// What an input gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Data {
    /// A text.
    Text(String),
    /// Nothing: no predicate holds of it, and no key is it.
    Absent,
    /// It cannot be told, and why.
    Unknown(String),
}

/// Where a matcher leads.
#[derive(Clone, PartialEq, Debug)]
pub enum Led {
    /// To this action, which stands there below the matcher.
    To(JsonAny, Vec<Place>),
    /// Nowhere.
    Nowhere,
    /// It cannot be told, and why.
    Unknown(String),
}

/// A step down from a matcher.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// The field or key of this name.
    Name(String),
    /// The element at this index.
    Index(usize),
}

/// The request or connection that is matched.
pub struct Asked<'a> {
    /// What an input of this type gives.
    pub input: &'a dyn Fn(&JsonAny) -> Data,
    /// How regular expressions read it.
    pub charset: Charset,
}

impl Asked<'_> {
    /// Follows a matcher.
    pub fn follow(&self, matcher: &Matcher) -> Led {
        self.matcher(matcher, &[])
    }

    fn matcher(&self, matcher: &Matcher, at: &[Place]) -> Led {
        let led = match &matcher.matcher_type {
            Some(MatcherType::MatcherList(list)) => self.list(list, &below(at, &["matcher_list", "matchers"])),
            Some(MatcherType::MatcherTree(tree)) => self.tree(tree, &below(at, &["matcher_tree"])),
            None => Led::Nowhere,
        };
        match (led, &matcher.on_no_match) {
            (Led::Nowhere, Some(otherwise)) => self.on_match(otherwise, &below(at, &["on_no_match"])),
            (led, _) => led,
        }
    }

    fn on_match(&self, on_match: &OnMatch, at: &[Place]) -> Led {
        if on_match.keep_matching {
            return Led::Unknown("`keep_matching` of a matcher is not modeled".to_owned());
        }
        match &on_match.on_match {
            Some(on_match::OnMatch::Matcher(inner)) => self.matcher(inner, &below(at, &["matcher"])),
            Some(on_match::OnMatch::Action(action)) => match &action.typed_config {
                Some(any) => Led::To(any.clone(), below(at, &["action", "typed_config"])),
                None => Led::Unknown(format!("the action {} of a matcher has no configuration", action.name)),
            },
            None => Led::Nowhere,
        }
    }

    fn list(&self, list: &MatcherList, at: &[Place]) -> Led {
        for (i, FieldMatcher { predicate, on_match }) in list.matchers.iter().enumerate() {
            let holds = predicate.as_ref().map_or(Match::Yes, |p| self.predicate(p));
            match holds {
                Match::No => continue,
                Match::Yes => {}
                Match::Share(_) => return Led::Unknown("a matcher by chance is not modeled".to_owned()),
                Match::Unknown(why) => return Led::Unknown(why),
            }
            let mut here = at.to_vec();
            here.push(Place::Index(i));
            let led = on_match.as_ref().map_or(Led::Nowhere, |m| self.on_match(m, &below(&here, &["on_match"])));
            if led != Led::Nowhere {
                return led;
            }
        }
        Led::Nowhere
    }

    fn predicate(&self, predicate: &Predicate) -> Match {
        let all =
            |list: &predicate::PredicateList| list.predicate.iter().map(|p| self.predicate(p)).collect::<Vec<_>>();
        match &predicate.match_type {
            Some(predicate::MatchType::SinglePredicate(single)) => self.single(single),
            Some(predicate::MatchType::OrMatcher(list)) => all(list).into_iter().fold(Match::No, Match::or),
            Some(predicate::MatchType::AndMatcher(list)) => all(list).into_iter().fold(Match::Yes, Match::and),
            Some(predicate::MatchType::NotMatcher(inner)) => !self.predicate(inner),
            None => Match::Unknown("a predicate of a kind that is not modeled".to_owned()),
        }
    }

    fn single(&self, single: &predicate::SinglePredicate) -> Match {
        let value = match self.data(single.input.as_ref().and_then(|i| i.typed_config.as_ref())) {
            Data::Unknown(why) => return Match::Unknown(why),
            Data::Absent => None,
            Data::Text(text) => Some(text),
        };
        match (&single.matcher, value) {
            (Some(predicate::single_predicate::Matcher::ValueMatch(wanted)), Some(value)) => {
                matcher::string_in(&plain(wanted), &value, self.charset)
            }
            (Some(predicate::single_predicate::Matcher::ValueMatch(_)), None) => Match::No,
            (Some(predicate::single_predicate::Matcher::CustomMatch(custom)), value) if is_ip_matcher(custom) => {
                match ranges_of(custom) {
                    Ok(ranges) => {
                        let ip = value.and_then(|value| value.parse().ok());
                        ip.is_some_and(|ip| ranges.iter().any(|range| address::holds(range, ip))).into()
                    }
                    Err(why) => Match::Unknown(why),
                }
            }
            (Some(predicate::single_predicate::Matcher::CustomMatch(custom)), _) => {
                Match::Unknown(format!("the matcher {} is not modeled", custom.name))
            }
            (None, _) => Match::Unknown("a predicate of a kind that is not modeled".to_owned()),
        }
    }

    fn tree(&self, tree: &MatcherTree, at: &[Place]) -> Led {
        let value = match self.data(tree.input.as_ref().and_then(|i| i.typed_config.as_ref())) {
            Data::Unknown(why) => return Led::Unknown(why),
            Data::Absent => return Led::Nowhere,
            Data::Text(text) if redacted::is_in(&text) => {
                return Led::Unknown(redacted::OPEN.to_owned());
            }
            Data::Text(text) => text,
        };
        let entry = |field: &str, key: &String| {
            let mut here = below(at, &[field, "map"]);
            here.push(Place::Name(key.clone()));
            here
        };
        match &tree.tree_type {
            Some(matcher_tree::TreeType::ExactMatchMap(map)) => match map.map.get(&value) {
                Some(on_match) => self.on_match(on_match, &entry("exact_match_map", &value)),
                None => Led::Nowhere,
            },
            Some(matcher_tree::TreeType::PrefixMatchMap(map)) => {
                let mut hits: Vec<_> =
                    map.map.iter().filter(|(prefix, _)| value.starts_with(prefix.as_str())).collect();
                hits.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
                let mut led = hits.iter().map(|(key, hit)| self.on_match(hit, &entry("prefix_match_map", key)));
                led.find(|led| *led != Led::Nowhere).unwrap_or(Led::Nowhere)
            }
            Some(matcher_tree::TreeType::CustomMatch(custom)) => match &custom.typed_config {
                Some(any) if any.type_name == "xds.type.matcher.v3.IPMatcher" => match any.unpack() {
                    Ok(ranges) => self.ranges(&ranges, &value, &below(at, &["custom_match", "typed_config"])),
                    Err(why) => Led::Unknown(why),
                },
                Some(_) | None => Led::Unknown(format!("the matcher {} is not modeled", custom.name)),
            },
            None => Led::Nowhere,
        }
    }

    /// The longest range first; a range that is `exclusive` counts only as the first
    /// (`source/extensions/common/matcher/ip_range_matcher.h`).
    fn ranges(&self, matcher: &IpMatcher, value: &str, at: &[Place]) -> Led {
        let Ok(ip) = value.parse::<IpAddr>() else { return Led::Nowhere };
        let mut hits: Vec<(u8, usize)> = Vec::new();
        for (i, range) in matcher.range_matchers.iter().enumerate() {
            let nets = range.ranges.iter().filter_map(|range| {
                address::net_of(&range.address_prefix, range.prefix_len.as_ref().map_or(0, |length| length.value))
            });
            hits.extend(nets.filter(|net| net.contains(&ip)).map(|net| (net.prefix_len(), i)));
        }
        hits.sort_by_key(|(length, i)| (std::cmp::Reverse(*length), *i));
        for (n, (_, i)) in hits.iter().enumerate() {
            let Some(range) = matcher.range_matchers.get(*i) else { continue };
            if n > 0 && range.exclusive {
                continue;
            }
            let mut here = below(at, &["range_matchers"]);
            here.push(Place::Index(*i));
            let led = range.on_match.as_ref().map_or(Led::Nowhere, |m| self.on_match(m, &below(&here, &["on_match"])));
            if led != Led::Nowhere {
                return led;
            }
        }
        Led::Nowhere
    }

    fn data(&self, input: Option<&JsonAny>) -> Data {
        input.map_or_else(|| Data::Unknown("a matcher without an input".to_owned()), |any| (self.input)(any))
    }
}

/// `envoy.extensions.matching.input_matchers.ip.v3.Ip`
fn is_ip_matcher(custom: &TypedExtensionConfig) -> bool {
    custom.typed_config.as_ref().is_some_and(|any| any.type_name == "envoy.extensions.matching.input_matchers.ip.v3.Ip")
}

fn ranges_of(custom: &TypedExtensionConfig) -> Result<Vec<CidrRange>, String> {
    #[derive(serde::Deserialize)]
    struct Ip {
        #[serde(default, alias = "cidrRanges")]
        cidr_ranges: Vec<CidrRange>,
    }
    let any = custom.typed_config.as_ref().ok_or("a matcher without a configuration")?;
    any.unpack::<Ip>().map(|ip| ip.cidr_ranges)
}

fn below(at: &[Place], names: &[&str]) -> Vec<Place> {
    at.iter().cloned().chain(names.iter().map(|name| Place::Name((*name).to_owned()))).collect()
}

/// xDS has its own copy of the message.
fn plain(matcher: &XdsString) -> StringMatcher {
    use string_matcher::MatchPattern;
    let match_pattern = matcher.match_pattern.as_ref().map(|pattern| match pattern {
        xds_string::MatchPattern::Exact(text) => MatchPattern::Exact(text.clone()),
        xds_string::MatchPattern::Prefix(text) => MatchPattern::Prefix(text.clone()),
        xds_string::MatchPattern::Suffix(text) => MatchPattern::Suffix(text.clone()),
        xds_string::MatchPattern::Contains(text) => MatchPattern::Contains(text.clone()),
        xds_string::MatchPattern::SafeRegex(regex) => {
            MatchPattern::SafeRegex(RegexMatcher { regex: regex.regex.clone() })
        }
    });
    StringMatcher { match_pattern, ignore_case: matcher.ignore_case }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::{Value, json};

    use super::*;

    fn action(name: &str) -> Value {
        json!({"action": {"name": name, "typed_config": {"@type": "x/google.protobuf.StringValue", "value": name}}})
    }

    fn led(matcher: Value, value: &str) -> String {
        let input = |_: &JsonAny| Data::Text(value.to_owned());
        let asked = Asked { input: &input, charset: Charset::Latin1 };
        match asked.follow(&serde_json::from_value(matcher).unwrap()) {
            Led::To(any, _) => {
                serde_json::from_slice::<Value>(&any.json).unwrap()["value"].as_str().unwrap().to_owned()
            }
            Led::Nowhere => "nowhere".to_owned(),
            Led::Unknown(why) => why,
        }
    }

    #[test]
    fn a_longer_prefix_that_leads_nowhere_gives_way_to_a_shorter_one() {
        let input = json!({"name": "i", "typed_config": {"@type": "x/I"}});
        let inner = json!({"matcher": {"matcher_tree": {"input": input, "exact_match_map": {"map": {"/a/b": action("exact")}}}}});
        let matcher = json!({
            "matcher_tree": {"input": input, "prefix_match_map": {"map": {"/a": action("short"), "/a/b": inner}}},
            "on_no_match": action("none"),
        });
        assert_eq!(led(matcher.clone(), "/a/b"), "exact");
        assert_eq!(led(matcher.clone(), "/a/b/c"), "short");
        assert_eq!(led(matcher, "/c"), "none");
    }

    #[test]
    fn a_predicate_whose_branch_leads_nowhere_lets_the_next_try() {
        let input = json!({"name": "i", "typed_config": {"@type": "x/I"}});
        let single = |m: Value| json!({"single_predicate": {"input": input, "value_match": m}});
        let matcher = json!({"matcher_list": {"matchers": [
            {"predicate": single(json!({"prefix": "a"})), "on_match": {"matcher": {"matcher_list": {"matchers": []}}}},
            {"predicate": {"and_matcher": {"predicate": [single(json!({"prefix": "a"})), {"not_matcher": single(json!({"exact": "ab"}))}]}}, "on_match": action("second")},
        ]}});
        assert_eq!(led(matcher.clone(), "ac"), "second");
        assert_eq!(led(matcher, "ab"), "nowhere");
    }
}
