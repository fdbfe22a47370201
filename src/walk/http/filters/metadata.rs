//! Filters that write dynamic metadata: the choice of a subset of hosts goes by it, and access control may.
//!
//! `source/extensions/filters/http/{set_metadata,header_to_metadata}`.

use serde_json::Value;

use crate::envoy::subset::{self, Criteria};
use crate::snapshot::Node;

use super::ask::{Applied, Ask, Effect};

/// Where headers are written to when a rule names no place.
const OWN: &str = "envoy.filters.http.header_to_metadata";

/// Fixed values.
pub(super) fn set(applied: &Applied) -> Vec<Effect> {
    let mut written: Vec<(String, Criteria)> = Vec::new();
    let old = applied.node.get("value").map(|value| (applied.node.text("metadata_namespace"), value, true));
    let entries = applied.node.list("metadata").into_iter().filter_map(|entry| {
        let overwrites = entry.get("allow_overwrite").is_some_and(|b| b.value().as_bool() == Some(true));
        Some((entry.text("metadata_namespace"), entry.get("value")?, overwrites))
    });
    for (name, value, overwrites) in old.into_iter().chain(entries) {
        let name = name.unwrap_or_default();
        let Some(values) = values(&value) else { return vec![Effect::SetsMetadata("*".to_owned())] };
        match written.iter_mut().find(|(other, _)| *other == name) {
            Some((_, before)) if overwrites => before.extend(values),
            Some(_) => {}
            None => written.push((name, values)),
        }
    }
    written.into_iter().map(|(name, values)| Effect::Writes(name, values)).collect()
}

fn values(node: &Node) -> Option<Criteria> {
    let fields: pbjson_types::Struct = serde_json::from_value(node.value().clone()).ok()?;
    Some(subset::criteria(Some(&fields)))
}

/// Values of headers and cookies, rule by rule. A header may be taken away.
pub(super) fn of_headers(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let rules = applied.node.list("request_rules");
    let mut effects: Vec<Effect> = rules.iter().flat_map(|rule| of_rule(ask, rule)).collect();
    let removes = |rule: &Node| rule.get("remove").is_some_and(|r| r.value().as_bool() == Some(true));
    if rules.iter().any(removes) {
        effects.push(Effect::ChangesHeaders);
    }
    effects
}

fn of_rule(ask: &Ask, rule: &Node) -> Vec<Effect> {
    let header = rule.text("header").unwrap_or_default();
    let open = |written: &Node| vec![Effect::SetsMetadata(place(written))];
    let either = || {
        let both = ["on_header_present", "on_header_missing"].into_iter().filter_map(|field| rule.get(field));
        both.flat_map(|written| open(&written)).collect()
    };
    // A cookie, and a header that is not known, may be there or not.
    if header.is_empty() || ask.is_open(&header) {
        return either();
    }
    let given = ask.http.values(&header);
    let (field, own) = match given.as_slice() {
        [] => ("on_header_missing", None),
        values => ("on_header_present", Some(values.join(","))),
    };
    let Some(written) = rule.get(field) else { return Vec::new() };
    if ["encode", "regex_value_rewrite"].iter().any(|field| written.get(field).is_some()) {
        return open(&written);
    }
    let fixed = written.text("value").filter(|value| !value.is_empty());
    let value = match (fixed.or(own), written.text("type").as_deref()) {
        (None, _) => return Vec::new(),
        (Some(text), _) if text.is_empty() => return Vec::new(),
        (Some(text), None | Some("STRING")) => Value::String(text),
        (Some(text), Some("NUMBER")) => match text.parse::<f64>() {
            Ok(number) => Value::from(number),
            Err(_) => return Vec::new(),
        },
        (Some(_), Some(_)) => return open(&written),
    };
    let key = written.text("key").unwrap_or_default();
    match serde_json::from_value(value) {
        Ok(value) => vec![Effect::Writes(place(&written), Criteria::from([(key, value)]))],
        Err(_) => open(&written),
    }
}

fn place(written: &Node) -> String {
    written.text("metadata_namespace").filter(|name| !name.is_empty()).unwrap_or_else(|| OWN.to_owned())
}
