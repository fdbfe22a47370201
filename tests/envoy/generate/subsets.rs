//! Layer: hosts chosen by their metadata, and clusters that stand for others.

use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::rng::Rng;
use super::{Layer, Spot, Unit, Version, health};

const POLICIES: &str = "type.googleapis.com/envoy.extensions.load_balancing_policies";
const AGGREGATE: &str = "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig";
const KEYS: &[&str] = &["version", "stage", "zone"];

/// One listener, a route for each cluster and what it asks for.
pub(super) fn unit(rng: &mut Rng, at: &Spot, version: Version) -> Unit {
    let mut unit = Unit::new(Layer::Subsets, at);
    let mut clusters = Vec::new();
    for _ in 0..rng.between(2, 3) {
        let short = cluster(rng);
        clusters.push(unit.own_cluster(short));
    }
    for _ in 0..rng.between(1, 2) {
        clusters.push(aggregate(rng, &mut unit, version));
    }
    let mut routes = Vec::new();
    for index in 0..rng.between(8, 11) {
        let criteria = criteria(rng);
        let mut route = if rng.chance(20) {
            let first = rng.pick(&clusters).clone();
            let second = rng.pick(&clusters).clone();
            let own = metadata(&self::criteria(rng));
            let entries = json!([{"name": first, "weight": 1, "metadata_match": own}, {"name": second, "weight": 1}]);
            json!({"weighted_clusters": {"clusters": entries}})
        } else {
            json!({"cluster": rng.pick(&clusters)})
        };
        if rng.chance(80) {
            route["metadata_match"] = metadata(&criteria);
        }
        routes.push(json!({"match": {"prefix": format!("/r{index}/")}, "route": route}));
        let mut draft = Draft::new(&at.address(80));
        draft.path = format!("/r{index}/");
        unit.ask(draft);
    }
    unit.listen(json!({"http": {"routes": routes}}));
    unit
}

fn value(rng: &mut Rng, key: &str) -> Value {
    match key {
        "version" => json!(rng.word(&["v1", "v1", "v2", "v3"])),
        "stage" if rng.chance(10) => json!(1),
        "stage" => json!(rng.word(&["prod", "test"])),
        _ if rng.chance(20) => json!(["a", "b"]),
        _ => json!(rng.word(&["a", "b"])),
    }
}

fn criteria(rng: &mut Rng) -> Map<String, Value> {
    let mut criteria = Map::new();
    for key in KEYS {
        if rng.chance(45) {
            criteria.insert((*key).to_owned(), value(rng, key));
        }
    }
    if rng.chance(8) {
        criteria.insert("other".to_owned(), json!("x"));
    }
    criteria
}

/// What a route or a proxy wants of its host, by chance.
pub(super) fn wanted(rng: &mut Rng) -> Value {
    let criteria = criteria(rng);
    metadata(&criteria)
}

fn metadata(criteria: &Map<String, Value>) -> Value {
    json!({"filter_metadata": {"envoy.lb": criteria}})
}

/// A cluster of several hosts, chosen by keys.
pub(super) fn cluster(rng: &mut Rng) -> Value {
    let mut endpoints = Vec::new();
    for number in 0..rng.between(2, 6) {
        let states = ["HEALTHY", "HEALTHY", "HEALTHY", "UNHEALTHY", "DEGRADED"];
        let mut host = json!({"at": format!("$h{number}"), "health": rng.word(&states)});
        if rng.chance(90) {
            host["metadata"] = metadata(&criteria(rng));
        }
        endpoints.push(host);
    }
    let mut cluster = json!({"eds": rng.chance(60)});
    let mut subsets = subsets(rng);
    let by_weight = subsets.get("locality_weight_aware").is_some();
    place(rng, &mut cluster, endpoints, by_weight);
    let mut common = Map::new();
    if rng.chance(30) {
        common.insert("healthy_panic_threshold".to_owned(), json!({"value": *rng.pick(&[0, 30, 50, 100])}));
    }
    let by_extension = rng.chance(30);
    if by_weight && !by_extension {
        // Without it Envoy does not take the cluster, and beside an extension it does not take it.
        common.insert("locality_weighted_lb_config".to_owned(), json!({}));
    }
    if !common.is_empty() {
        cluster["common_lb_config"] = Value::Object(common);
    }
    if by_extension {
        let inner = rng.word(&["round_robin.v3.RoundRobin", "random.v3.Random", "least_request.v3.LeastRequest"]);
        subsets["@type"] = json!(format!("{POLICIES}.subset.v3.Subset"));
        let mut inner = json!({"@type": format!("{POLICIES}.{inner}")});
        if by_weight {
            inner["locality_lb_config"] = json!({"locality_weighted_lb_config": {}});
        }
        subsets["subset_lb_policy"] = policy("inner", &inner);
        if rng.chance(30) {
            subsets["allow_redundant_keys"] = json!(true);
        }
        cluster["load_balancing_policy"] = policy("subset", &subsets);
    } else {
        cluster["lb_subset_config"] = subsets;
        cluster["lb_policy"] = json!(rng.word(&["ROUND_ROBIN", "RANDOM", "LEAST_REQUEST", "RING_HASH"]));
    }
    cluster
}

/// All in one place, or in two: zones that have weights, or priorities.
fn place(rng: &mut Rng, cluster: &mut Value, mut endpoints: Vec<Value>, by_weight: bool) {
    if by_weight {
        let rest = endpoints.split_off(endpoints.len() / 2);
        let mut zone = |zone: &str, endpoints: Vec<Value>| json!({"zone": zone, "weight": rng.between(1, 3), "endpoints": endpoints});
        cluster["localities"] = json!([zone("y", endpoints), zone("z", rest)]);
    } else if rng.chance(25) {
        let rest = endpoints.split_off(endpoints.len() / 2);
        cluster["priorities"] = json!([endpoints, rest]);
    } else {
        cluster["endpoints"] = json!(endpoints);
    }
}

fn policy(name: &str, config: &Value) -> Value {
    json!({"policies": [{"typed_extension_config": {"name": name, "typed_config": config}}]})
}

fn subsets(rng: &mut Rng) -> Value {
    let fallbacks = ["NO_FALLBACK", "ANY_ENDPOINT", "DEFAULT_SUBSET"];
    let mut subsets = json!({"fallback_policy": rng.word(&fallbacks)});
    let mut selectors: Vec<Value> = Vec::new();
    for _ in 0..rng.between(1, 3) {
        let keys: Vec<&str> = KEYS.iter().copied().filter(|_| rng.chance(50)).collect();
        if keys.is_empty() || selectors.iter().any(|selector| selector["keys"] == json!(keys)) {
            continue;
        }
        let mut selector = json!({"keys": keys});
        match rng.below(8) {
            0 => selector["fallback_policy"] = json!(rng.word(&fallbacks)),
            1 if keys.len() > 1 => {
                selector["fallback_policy"] = json!("KEYS_SUBSET");
                selector["fallback_keys_subset"] = json!([keys[0]]);
            }
            2 if keys.len() == 1 => selector["single_host_per_subset"] = json!(true),
            _ => {}
        }
        selectors.push(selector);
    }
    subsets["subset_selectors"] = json!(selectors);
    if rng.chance(60) {
        subsets["default_subset"] = Value::Object(criteria(rng));
    }
    for field in ["panic_mode_any", "list_as_any", "scale_locality_weight", "locality_weight_aware"] {
        if rng.chance(15) {
            subsets[field] = json!(true);
        }
    }
    if rng.chance(10) {
        subsets["metadata_fallback_policy"] = json!("FALLBACK_LIST");
    }
    subsets
}

/// A cluster whose hosts are those of others.
fn aggregate(rng: &mut Rng, unit: &mut Unit, version: Version) -> String {
    let mut members: Vec<String> = Vec::new();
    for _ in 0..rng.between(1, 3) {
        let member = match rng.below(6) {
            0 => unit.cluster("empty", json!([])),
            1 => unit.missing(),
            2 => unit.live(rng),
            _ => {
                let short = health::cluster(rng, version);
                unit.own_cluster(short)
            }
        };
        if !members.contains(&member) {
            members.push(member);
        }
    }
    let config = json!({"@type": AGGREGATE, "clusters": members});
    let mut short = json!({
        "lb_policy": "CLUSTER_PROVIDED",
        "cluster_type": {"name": "envoy.clusters.aggregate", "typed_config": config},
    });
    if rng.chance(30) {
        short["common_lb_config"] = json!({"healthy_panic_threshold": {"value": *rng.pick(&[0, 20, 80])}});
    }
    unit.own_cluster(short)
}
