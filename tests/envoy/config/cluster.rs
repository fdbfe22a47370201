//! Clusters and their endpoints.
//!
//! `[a, b]` is a STATIC cluster of two endpoints. The long form has Envoy's own fields and, in place of
//! `load_assignment`: `endpoints`, or `priorities` (a list of endpoints each), or `localities`; `policy`; and
//! `eds: true` to deliver them by discovery, which without any answers that there is nothing. An endpoint is an
//! address or `{at, health, weight, hostname, metadata}`. `service_name` is what discovery is asked for.

use serde_json::{Map, Value, json};

use super::{address, discovered_from, discovery_file, items, object, take};

/// The cluster that connects to the original destination.
pub(crate) const PASSTHROUGH: &str = "PassthroughCluster";

/// The cluster behind what no listener takes, as Istio configures it.
pub(crate) fn passthrough() -> Value {
    json!({"name": PASSTHROUGH, "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED"})
}

/// What discovery answers when it is asked for the endpoints of this name.
pub(crate) type Discovered = (String, Option<Value>);

/// The cluster, and its endpoints when these are discovered.
pub(crate) fn expand(name: &str, short: Value) -> (Value, Option<Discovered>) {
    let mut short = if short.is_array() { object(json!({"endpoints": short})) } else { object(short) };
    let discovered = take(&mut short, "eds") == json!(true);
    let service = take(&mut short, "service_name");
    let assignment = assignment(service.as_str().unwrap_or(name), &mut short);
    let mut cluster = object(json!({"name": name}));
    if !short.contains_key("type") && !short.contains_key("cluster_type") {
        cluster.insert("type".to_owned(), json!(if discovered { "EDS" } else { "STATIC" }));
    }
    if discovered {
        let source = discovered_from(&discovery_file(name));
        cluster.insert("eds_cluster_config".to_owned(), json!({"eds_config": source, "service_name": service}));
    } else if let Some(assignment) = &assignment {
        cluster.insert("load_assignment".to_owned(), assignment.clone());
    }
    cluster.extend(short);
    (Value::Object(cluster), discovered.then(|| (name.to_owned(), assignment)))
}

fn assignment(name: &str, short: &mut Map<String, Value>) -> Option<Value> {
    let localities = match (take(short, "endpoints"), take(short, "priorities"), take(short, "localities")) {
        (Value::Null, Value::Null, Value::Null) => return None,
        (Value::Null, Value::Null, localities) => items(localities),
        (Value::Null, priorities, _) => items(priorities)
            .into_iter()
            .enumerate()
            .map(|(priority, endpoints)| json!({"priority": priority, "endpoints": endpoints}))
            .collect(),
        (endpoints, ..) => vec![json!({"endpoints": endpoints})],
    };
    let endpoints: Vec<_> = localities.into_iter().map(locality).collect();
    let mut assignment = object(json!({"cluster_name": name, "endpoints": endpoints}));
    if let Some(policy) = short.remove("policy") {
        assignment.insert("policy".to_owned(), policy);
    }
    Some(Value::Object(assignment))
}

/// `{priority, zone, weight, endpoints}` as `LocalityLbEndpoints`.
fn locality(short: Value) -> Value {
    let mut short = object(short);
    let endpoints: Vec<_> = items(take(&mut short, "endpoints")).into_iter().map(endpoint).collect();
    let mut long = object(json!({"lb_endpoints": endpoints}));
    for (key, value) in short {
        match key.as_str() {
            "zone" => long.insert("locality".to_owned(), json!({"region": "r", "zone": value})),
            "weight" => long.insert("load_balancing_weight".to_owned(), value),
            _ => long.insert(key, value),
        };
    }
    Value::Object(long)
}

fn endpoint(short: Value) -> Value {
    let mut short = if short.is_string() { object(json!({"at": short})) } else { object(short) };
    let at = take(&mut short, "at");
    let mut long = object(json!({"endpoint": {"address": address(at.as_str().expect("endpoint address"))}}));
    for key in ["hostname", "health_check_config", "additional_addresses", "observability_name"] {
        if let Some(value) = short.remove(key) {
            long["endpoint"][key] = value;
        }
    }
    for (key, value) in short {
        let key = match key.as_str() {
            "health" => "health_status",
            "weight" => "load_balancing_weight",
            other => other,
        };
        long.insert(key.to_owned(), value);
    }
    Value::Object(long)
}
