//! Layer: which hosts of a cluster can get the request.

use serde_json::{Value, json};

use super::draft::Draft;
use super::rng::Rng;
use super::{Layer, Spot, Unit, VERSION_OF_WRR_LOCALITY, Version, checked};

const LB: &str = "type.googleapis.com/envoy.extensions.load_balancing_policies";

/// Names the host outright, where a policy reads it.
const HOST_HEADER: &str = "x-host";

/// One listener, a route for each cluster.
pub(super) fn unit(rng: &mut Rng, at: &Spot, version: Version) -> Unit {
    let mut unit = Unit::new(Layer::Health, at);
    let mut routes = Vec::new();
    for index in 0..rng.between(6, 9) {
        let name = match rng.below(10) {
            0 => checked::by_probes(rng, &mut unit),
            1 => checked::by_answers(rng, &mut unit),
            _ => {
                let short = cluster(rng, version);
                unit.own_cluster(short)
            }
        };
        routes.push(json!({"match": {"prefix": format!("/r{index}")}, "route": {"cluster": name}}));
        let mut draft = Draft::new(&at.address(80));
        draft.path = format!("/r{index}");
        // Where the balancer reads it, the answer is open.
        if rng.chance(12) {
            draft.headers.push((rng.word(&[HOST_HEADER, "x-host2", "x-hos", "host2"]), "127.0.0.1:1".to_owned()));
        }
        draft.maybe_http2(rng);
        unit.ask(draft);
    }
    unit.listen(json!({"http": {"routes": routes}}));
    unit
}

/// A cluster of several hosts in all states.
pub(super) fn cluster(rng: &mut Rng, version: Version) -> Value {
    let mut cluster = json!({"eds": rng.chance(70)});
    if cluster["eds"] == true && rng.chance(20) {
        cluster["service_name"] = json!(format!("service-{}", rng.below(1_000_000)));
    }
    if rng.chance(10) {
        cluster["metadata"] = json!({"filter_metadata": {"istio": {"services": [{"host": "a.com"}]}}});
    }
    let mut next = 0;
    let zones = rng.chance(30);
    let levels = rng.between(1, 3);
    let bias = rng.between(0, 3);
    let mut localities = Vec::new();
    for priority in 0..levels {
        for zone in 0..if zones { rng.between(1, 3) } else { 1 } {
            let endpoints = endpoints(rng, &mut next, bias);
            let mut locality = json!({"endpoints": endpoints});
            if priority > 0 {
                locality["priority"] = json!(priority);
            }
            if zones {
                if rng.chance(20) {
                    let place = json!({"region": "r", "zone": "z0", "sub_zone": format!("s{zone}")});
                    locality["locality"] = place;
                } else {
                    locality["zone"] = json!(format!("z{zone}"));
                }
                if rng.chance(75) {
                    locality["weight"] = json!(rng.between(1, 4));
                }
            }
            localities.push(locality);
        }
    }
    if localities.len() == 1 && !zones {
        cluster["endpoints"] = localities.remove(0)["endpoints"].take();
    } else {
        cluster["localities"] = json!(localities);
    }
    balancing(rng, &mut cluster, zones, version);
    assignment_policy(rng, &mut cluster);
    cluster
}

fn endpoints(rng: &mut Rng, next: &mut usize, bias: usize) -> Vec<Value> {
    let mut endpoints = Vec::new();
    for _ in 0..*rng.pick(&[0, 1, 1, 2, 2, 3, 4]) {
        if *next >= 10 {
            break;
        }
        let states: &[&str] = match bias {
            0 => &["HEALTHY", "HEALTHY", "UNHEALTHY"],
            1 => &["HEALTHY", "UNHEALTHY", "UNHEALTHY", "DRAINING", "TIMEOUT"],
            2 => &["HEALTHY", "DEGRADED", "UNHEALTHY", "DEGRADED"],
            _ => &["HEALTHY", "UNHEALTHY", "DEGRADED", "DRAINING", "UNKNOWN"],
        };
        let mut endpoint = json!({"at": format!("$h{next}"), "health": rng.word(states)});
        if rng.chance(20) {
            endpoint["weight"] = json!(rng.between(1, 5));
        }
        if rng.chance(10) {
            endpoint["hostname"] = json!(format!("h{next}.example"));
        }
        endpoints.push(endpoint);
        *next += 1;
    }
    endpoints
}

fn balancing(rng: &mut Rng, cluster: &mut Value, zones: bool, version: Version) {
    let mut common = json!({});
    if rng.chance(45) {
        common["healthy_panic_threshold"] = json!({"value": *rng.pick(&[0, 0, 1, 20, 40, 50, 66, 80, 100])});
    }
    let by_locality = zones && rng.chance(60);
    if rng.chance(25) {
        cluster["load_balancing_policy"] = extension(rng, by_locality, version);
    } else {
        let policy = rng.word(&["ROUND_ROBIN", "ROUND_ROBIN", "LEAST_REQUEST", "RANDOM", "RING_HASH", "MAGLEV"]);
        if by_locality {
            common["locality_weighted_lb_config"] = json!({});
        } else if rng.chance(15) {
            common["zone_aware_lb_config"] = json!({"fail_traffic_on_panic": rng.chance(70)});
        }
        cluster["lb_policy"] = json!(policy);
    }
    if common.as_object().is_some_and(|fields| !fields.is_empty()) {
        cluster["common_lb_config"] = common;
    }
}

/// The policy as an extension; some wrap another.
fn extension(rng: &mut Rng, by_locality: bool, version: Version) -> Value {
    let named =
        |config: Value| json!({"policies": [{"typed_extension_config": {"name": "own", "typed_config": config}}]});
    let name = rng.word(&[
        "round_robin.v3.RoundRobin",
        "random.v3.Random",
        "least_request.v3.LeastRequest",
        "ring_hash.v3.RingHash",
        "maglev.v3.Maglev",
    ]);
    let mut config = json!({"@type": format!("{LB}.{name}")});
    if by_locality && version >= VERSION_OF_WRR_LOCALITY && rng.chance(60) {
        let inner = json!({"@type": format!("{LB}.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin")});
        config = json!({"@type": format!("{LB}.wrr_locality.v3.WrrLocality"), "endpoint_picking_policy": named(inner)});
    } else if name.starts_with("ring") || name.starts_with("maglev") {
        if by_locality {
            config["locality_weighted_lb_config"] = json!({});
        }
    } else if by_locality {
        config["locality_lb_config"] = json!({"locality_weighted_lb_config": {}});
    } else if rng.chance(30) {
        config["locality_lb_config"] = json!({"zone_aware_lb_config": {"fail_traffic_on_panic": true}});
    }
    if rng.chance(25) {
        let sources = json!([{"header": HOST_HEADER}]);
        let kind = format!("{LB}.override_host.v3.OverrideHost");
        config = json!({"@type": kind, "override_host_sources": sources, "fallback_policy": named(config)});
    }
    named(config)
}

fn assignment_policy(rng: &mut Rng, cluster: &mut Value) {
    let mut policy = json!({});
    if rng.chance(20) {
        policy["overprovisioning_factor"] = json!(*rng.pick(&[100, 120, 200, 300, 1000]));
    }
    if rng.chance(10) {
        policy["weighted_priority_health"] = json!(true);
    }
    if rng.chance(12) {
        let (numerator, of) = *rng.pick(&[(100, "HUNDRED"), (30, "HUNDRED"), (5000, "TEN_THOUSAND"), (0, "HUNDRED")]);
        let drop = json!({"category": "c", "drop_percentage": {"numerator": numerator, "denominator": of}});
        policy["drop_overloads"] = json!([drop]);
    }
    if policy.as_object().is_some_and(|fields| !fields.is_empty()) {
        cluster["policy"] = policy;
    }
}
