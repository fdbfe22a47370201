//! What filters may leave behind for those after them, and matchers of it.

use serde_json::{Value, json};

use super::rng::Rng;
use super::text;

/// A `MetadataMatcher` of metadata under one of these names.
pub(super) fn metadata(rng: &mut Rng, names: &[&str]) -> Value {
    let string = text::string_match(rng, "v").0;
    let value = match rng.below(6) {
        0 => json!({"present_match": true}),
        1 => json!({"present_match": false}),
        2 => json!({"null_match": {}}),
        3 => json!({"bool_match": rng.chance(50)}),
        4 => json!({"or_match": {"value_matchers": [{"null_match": {}}, {"string_match": string}]}}),
        _ => json!({"string_match": string}),
    };
    let path: Vec<Value> = ["k", "l"].iter().take(rng.between(1, 2)).map(|key| json!({"key": key})).collect();
    let mut matcher = json!({"filter": rng.word(names), "path": path, "value": value});
    if rng.chance(40) {
        matcher["invert"] = json!(true);
    }
    matcher
}

/// A `FilterStateMatcher` of this key.
pub(super) fn filter_state(rng: &mut Rng, key: &str) -> Value {
    let wanted = text::string_match(rng, "spiffe://cluster.local/ns/a/sa/b").0;
    json!({"key": key, "string_match": wanted})
}

/// Metadata of a route, which filters may read.
pub(super) fn of_route(rng: &mut Rng) -> Value {
    json!({"filter_metadata": {rng.word(&["envoy.filters.http.rbac", "f"]): {"k": rng.word(&["v", "w"])}}})
}
