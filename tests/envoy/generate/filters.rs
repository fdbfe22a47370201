//! Layer: filters that answer, and at which level they are configured.

use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::rng::Rng;
use super::{Layer, Spot, Unit, manager, matches, text};

const FAULT: &str = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
const WRAPPER: &str = "type.googleapis.com/envoy.config.route.v3.FilterConfig";
const NAMES: &[&str] = &["fault", "second"];

/// One listener with filters, two virtual hosts, several routes.
pub(super) fn unit(rng: &mut Rng, at: &Spot) -> Unit {
    let mut unit = Unit::new(Layer::Filters, at);
    let mut wanted = Vec::new();
    let mut filters: Vec<Value> = Vec::new();
    for name in NAMES.iter().take(rng.between(1, 2)) {
        let mut filter = json!({"name": name, "typed_config": fault(rng, &mut unit, &mut wanted)});
        if rng.chance(20) {
            filter["disabled"] = json!(true);
        }
        filters.push(filter);
    }
    if rng.chance(15) {
        let cors = json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors"});
        filters.push(json!({"name": "cors", "typed_config": cors}));
    }
    rng.shuffle(&mut filters);
    let hosts: Vec<Value> =
        ["a.com", "*"].into_iter().map(|domain| host(rng, &mut unit, &mut wanted, domain)).collect();
    let mut http = json!({"http_filters": filters, "virtual_hosts": hosts});
    if let Some(overrides) = overrides(rng, &mut unit, &mut wanted, 25) {
        http["route_config"] = json!({"typed_per_filter_config": overrides});
    }
    manager::options(rng, &mut http, 4);
    unit.listen(json!({"http": http}));
    for _ in 0..rng.between(10, 14) {
        let draft = request(rng, at, &wanted);
        unit.ask(draft);
    }
    unit
}

fn host(rng: &mut Rng, unit: &mut Unit, wanted: &mut Vec<(String, String)>, domain: &str) -> Value {
    let mut routes = Vec::new();
    for index in 0..3 {
        let mut route = match rng.below(6) {
            0 => json!({"direct_response": {"status": 201}}),
            1 => json!({"redirect": {"path_redirect": "/new"}}),
            2 => json!({"route": {"weighted_clusters": weighted(rng, unit, wanted)}}),
            3 => json!({"route": {"cluster": unit.missing()}}),
            _ => json!({"route": {"cluster": unit.live(rng)}}),
        };
        route["match"] = json!({"prefix": format!("/r{index}")});
        if let Some(overrides) = overrides(rng, unit, wanted, 45) {
            route["typed_per_filter_config"] = overrides;
        }
        routes.push(route);
    }
    let mut host = json!({"name": if domain == "*" { "any" } else { domain }, "domains": [domain], "routes": routes});
    if let Some(overrides) = overrides(rng, unit, wanted, 30) {
        host["typed_per_filter_config"] = overrides;
    }
    host
}

fn weighted(rng: &mut Rng, unit: &mut Unit, wanted: &mut Vec<(String, String)>) -> Value {
    let mut entries = Vec::new();
    for host in ["a", "b"].into_iter().take(rng.between(1, 2)) {
        let name = unit.cluster(&format!("live-{host}"), json!([format!("${host}")]));
        let mut entry = json!({"name": name, "weight": *rng.pick(&[1, 1, 3])});
        if let Some(overrides) = overrides(rng, unit, wanted, 30) {
            entry["typed_per_filter_config"] = overrides;
        }
        entries.push(entry);
    }
    json!({"clusters": entries})
}

/// Entries for some of the filters, in each of the forms that there are.
fn overrides(rng: &mut Rng, unit: &mut Unit, wanted: &mut Vec<(String, String)>, percent: usize) -> Option<Value> {
    let mut entries = Map::new();
    for name in NAMES {
        if !rng.chance(percent) {
            continue;
        }
        let entry = match rng.below(6) {
            0 | 1 => json!({"@type": WRAPPER, "disabled": true}),
            2 => json!({"@type": WRAPPER, "config": fault(rng, unit, wanted)}),
            _ => fault(rng, unit, wanted),
        };
        entries.insert((*name).to_owned(), entry);
    }
    (!entries.is_empty()).then_some(Value::Object(entries))
}

fn percentage(rng: &mut Rng) -> Value {
    let (numerator, of) = *rng.pick(&[
        (100, "HUNDRED"),
        (100, "HUNDRED"),
        (100, "HUNDRED"),
        (0, "HUNDRED"),
        (30, "HUNDRED"),
        (1_000_000, "MILLION"),
        (2500, "TEN_THOUSAND"),
    ]);
    json!({"numerator": numerator, "denominator": of})
}

fn fault(rng: &mut Rng, unit: &mut Unit, wanted: &mut Vec<(String, String)>) -> Value {
    let mut fault = json!({"@type": FAULT});
    if rng.chance(85) {
        let mut abort = match rng.below(8) {
            0 => json!({"grpc_status": *rng.pick(&[0, 5, 14])}),
            1 | 2 if rng.chance(60) => json!({"header_abort": {}}),
            _ => json!({"http_status": *rng.pick(&[200, 201, 302, 400, 418, 429, 500, 503, 555])}),
        };
        if rng.chance(92) {
            abort["percentage"] = percentage(rng);
        }
        fault["abort"] = abort;
    }
    if rng.chance(15) {
        fault["delay"] = json!({"percentage": {"numerator": *rng.pick(&[0, 100])}});
        let by_header = rng.chance(30);
        fault["delay"][if by_header { "header_delay" } else { "fixed_delay" }] =
            if by_header { json!({}) } else { json!("0.002s") };
    }
    if rng.chance(30) {
        let (matcher, name, fits) = matches::header_matcher(rng);
        wanted.extend(fits.map(|value| (name, value)));
        fault["headers"] = json!([matcher]);
    }
    if rng.chance(12) {
        fault["upstream_cluster"] = json!(if rng.chance(60) { unit.live(rng) } else { "other".to_owned() });
    }
    if rng.chance(4) {
        fault["max_active_faults"] = json!(*rng.pick(&[0, 5]));
    }
    if rng.chance(5) {
        fault["downstream_nodes"] = json!(["node"]);
    }
    runtime(rng, unit, &mut fault);
    fault
}

/// Keys with which runtime overrides the fault, where it knows them. What it makes of a status, or of how many faults
/// are active, is open.
fn runtime(rng: &mut Rng, unit: &mut Unit, fault: &mut Value) {
    for (field, known, values) in [
        ("abort_percent_runtime", 60, [0, 100, 40]),
        // Whether a part is held up shows in a flag that the answer has not.
        ("delay_percent_runtime", 60, [0, 100, 100]),
        ("abort_http_status_runtime", 4, [418, 503, 200]),
        ("abort_grpc_status_runtime", 4, [5, 14, 0]),
        ("max_active_faults_runtime", 4, [0, 1, 5]),
    ] {
        if rng.chance(8) {
            let key = format!("{}.{field}", unit.name);
            fault[field] = json!(key);
            if rng.chance(known) {
                unit.insert("runtime", &key, json!(*rng.pick(&values)));
            }
        }
    }
}

fn request(rng: &mut Rng, at: &Spot, wanted: &[(String, String)]) -> Draft {
    let mut draft = Draft::new(&at.address(80));
    draft.path = format!("/r{}", rng.below(4));
    draft.host = rng.word(&["a.com", "b.com"]);
    if !wanted.is_empty() && rng.chance(60) {
        let (name, value) = rng.pick(wanted).clone();
        draft.set(&name, &value);
        if !draft.path.starts_with("/r") {
            draft.path = "/r0".to_owned();
        }
        if rng.chance(30) {
            draft.miss(rng);
        }
    }
    match rng.below(30) {
        0 => draft.headers.push(("origin".to_owned(), "http://x.com".to_owned())),
        1 => draft.headers.push(("x-envoy-downstream-service-node".to_owned(), text::near(rng, "node"))),
        2..=4 => asks_for_a_fault(rng, &mut draft),
        _ => {}
    }
    draft.maybe_http2(rng);
    draft
}

fn asks_for_a_fault(rng: &mut Rng, draft: &mut Draft) {
    const HEADERS: &[(&str, &[&str])] = &[
        ("x-envoy-fault-abort-request", &["404", "199", "600", "no", "", "+418", "503"]),
        ("x-envoy-fault-abort-grpc-request", &["5", "0", "x"]),
        ("x-envoy-fault-abort-request-percentage", &["0", "700000", "many"]),
        ("x-envoy-fault-delay-request", &["1", "0", "soon"]),
        ("x-envoy-fault-delay-request-percentage", &["0", "100"]),
        ("x-envoy-downstream-service-cluster", &["c", ""]),
    ];
    for (name, values) in HEADERS {
        if rng.chance(45) {
            draft.headers.push(((*name).to_owned(), (*rng.pick(values)).to_owned()));
        }
    }
}
