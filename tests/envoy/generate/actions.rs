//! Layer: what the route does with the request.

use serde_json::{Value, json};

use super::draft::Draft;
use super::rng::Rng;
use super::{Layer, Spot, Unit, left, manager, sockets, text};

/// One listener, a route for each action.
pub(super) fn unit(rng: &mut Rng, at: &Spot) -> Unit {
    let mut unit = Unit::new(Layer::Actions, at);
    let count = rng.between(5, 8);
    let mut routes = Vec::new();
    for index in 0..count {
        let mut route = action(rng, &mut unit);
        route["match"] = json!({"prefix": format!("/r{index}")});
        if rng.chance(10) {
            route["metadata"] = left::of_route(rng);
        }
        routes.push(route);
    }
    let mut host = json!({"name": "host", "domains": ["*"], "routes": routes});
    if rng.chance(20) {
        host["retry_policy"] = retries(rng);
    }
    let mut http = json!({"virtual_hosts": [host]});
    manager::options(rng, &mut http, 3);
    unit.listen(json!({"http": http}));
    for index in 0..count {
        for _ in 0..rng.between(1, 3) {
            let draft = request(rng, at, index);
            unit.ask(draft);
        }
    }
    unit
}

fn action(rng: &mut Rng, unit: &mut Unit) -> Value {
    match rng.below(10) {
        0 => {
            json!({"direct_response": {"status": *rng.pick(&[200, 201, 204, 302, 400, 403, 404, 418, 429, 500, 502, 503, 504, 599])}})
        }
        1 | 2 => json!({"redirect": redirect(rng)}),
        3 if rng.chance(30) => json!({"non_forwarding_action": {}}),
        4..=6 => json!({"route": forward(rng, unit, "weighted_clusters")}),
        7 => json!({"route": forward(rng, unit, "cluster_header")}),
        _ => json!({"route": forward(rng, unit, "cluster")}),
    }
}

fn retries(rng: &mut Rng) -> Value {
    let names = ["5xx", "connect-failure", "reset", "gateway-error", "reset-before-request", "refused-stream", " x"];
    let on: Vec<String> = (0..rng.below(3)).map(|_| rng.word(&names)).collect();
    let mut policy = json!({"retry_on": on.join(",")});
    if rng.chance(60) {
        policy["num_retries"] = json!(rng.below(3));
    }
    if rng.chance(15) {
        policy["retriable_request_headers"] = json!([{"name": "x-cluster", "present_match": rng.chance(50)}]);
    }
    policy
}

fn redirect(rng: &mut Rng) -> Value {
    let mut redirect = json!({});
    match rng.below(6) {
        0 => redirect["https_redirect"] = json!(true),
        1 => redirect["scheme_redirect"] = json!(rng.word(&["https", "http", "ftp"])),
        _ => {}
    }
    if rng.chance(40) {
        redirect["host_redirect"] = json!(rng.word(&["other.com", "other.com:81"]));
    }
    if rng.chance(25) {
        redirect["port_redirect"] = json!(8443);
    }
    match rng.below(5) {
        0 => redirect["path_redirect"] = json!(rng.word(&["/new", "/new?q=2"])),
        1 => redirect["prefix_rewrite"] = json!("/new"),
        2 => redirect["regex_rewrite"] = json!({"pattern": {"regex": "^/r([0-9])"}, "substitution": "/n\\1"}),
        _ => {}
    }
    if rng.chance(60) {
        let code = ["MOVED_PERMANENTLY", "FOUND", "SEE_OTHER", "TEMPORARY_REDIRECT", "PERMANENT_REDIRECT"];
        redirect["response_code"] = json!(rng.word(&code));
    }
    if rng.chance(20) {
        redirect["strip_query"] = json!(true);
    }
    redirect
}

fn forward(rng: &mut Rng, unit: &mut Unit, specifier: &str) -> Value {
    let mut route = match specifier {
        "cluster" => json!({"cluster": single_cluster(rng, unit)}),
        "cluster_header" => json!({"cluster_header": rng.word(&["x-cluster", "X-Cluster", ":authority"])}),
        _ => json!({"weighted_clusters": weighted(rng, unit)}),
    };
    if rng.chance(30) {
        let code = rng.word(&["SERVICE_UNAVAILABLE", "NOT_FOUND", "INTERNAL_SERVER_ERROR"]);
        route["cluster_not_found_response_code"] = json!(code);
    }
    let extras = [
        ("timeout", json!("60s")),
        ("retry_policy", retries(rng)),
        ("priority", json!("HIGH")),
        ("prefix_rewrite", json!("/rewritten")),
        ("host_rewrite_literal", json!("rewritten")),
        ("idle_timeout", json!("60s")),
    ];
    for (field, value) in extras {
        if rng.chance(if field == "retry_policy" { 40 } else { 12 }) {
            route[field] = value;
        }
    }
    route
}

/// One of those that a route can name alone. What refuses must have refused before the question is asked; where chance
/// draws the cluster, it might not have.
fn single_cluster(rng: &mut Rng, unit: &mut Unit) -> String {
    match rng.below(5) {
        0 => sockets::refusing(rng, unit),
        1 => sockets::answering(rng, unit),
        _ => any_cluster(rng, unit),
    }
}

/// One of those that a route can name: there, empty, refusing, in maintenance, limited, or not there at all.
fn any_cluster(rng: &mut Rng, unit: &mut Unit) -> String {
    match rng.below(12) {
        0 | 1 => unit.cluster("empty", json!([])),
        2 => unit.missing(),
        3 => unit.refusing(),
        4 => {
            let name = unit.cluster("resting", json!(["$a"]));
            let percent = *rng.pick(&[100, 100, 0]);
            unit.insert("runtime", &format!("upstream.maintenance_mode.{name}"), json!(percent));
            name
        }
        5 => {
            let field = rng.word(&["max_requests", "max_pending_requests", "max_connections", "max_retries"]);
            let priority = rng.word(&["DEFAULT", "HIGH"]);
            let thresholds = json!({"thresholds": [{"priority": priority, field: *rng.pick(&[0, 0, 1000])}]});
            unit.own_cluster(json!({"endpoints": ["$b"], "circuit_breakers": thresholds}))
        }
        6 => unit.cluster("broken", json!(["$broken"])),
        _ => unit.live(rng),
    }
}

fn weighted(rng: &mut Rng, unit: &mut Unit) -> Value {
    let mut entries: Vec<Value> = Vec::new();
    for _ in 0..rng.between(1, 4) {
        let weight = *rng.pick(&[0, 1, 1, 3, 10, 50, 100]);
        let mut entry = json!({"weight": weight});
        if rng.chance(8) {
            entry["cluster_header"] = json!("x-cluster");
        } else {
            let name = any_cluster(rng, unit);
            if entries.iter().any(|other| other["name"] == name) {
                continue;
            }
            entry["name"] = json!(name);
        }
        entries.push(entry);
    }
    if entries.iter().all(|entry| entry["weight"] == 0) {
        entries[0]["weight"] = json!(1);
    }
    let names: Vec<String> = entries.iter().filter_map(|entry| entry["name"].as_str()).map(str::to_owned).collect();
    let mut weighted = json!({"clusters": entries});
    match rng.below(20) {
        0..=3 => weighted["header_name"] = json!("x-random"),
        // Which cluster a hash draws is open.
        4 => weighted["use_hash_policy"] = json!(rng.chance(15)),
        5..=8 => {
            weighted["runtime_key_prefix"] = json!(format!("weights.{}", unit.name));
            for name in names {
                if rng.chance(40) {
                    unit.insert("runtime", &format!("weights.{}.{name}", unit.name), json!(*rng.pick(&[1, 5, 20])));
                }
            }
        }
        _ => {}
    }
    weighted
}

fn request(rng: &mut Rng, at: &Spot, index: usize) -> Draft {
    let mut draft = Draft::new(&at.address(80));
    draft.path = format!("/r{index}{}", rng.pick(&["", "", "/x", "?q=1"]));
    if rng.chance(8) {
        draft.path = text::near_path(rng, &draft.path);
    }
    if rng.chance(35) {
        let value = rng.word(&["live-a", "live-b", "missing", "empty", "LIVE-A", ""]);
        draft.headers.push((rng.word(&["x-cluster", "X-CLUSTER"]), value));
        if rng.chance(15) {
            draft.headers.push(("x-cluster".to_owned(), "live-b".to_owned()));
        }
    }
    if rng.chance(30) {
        draft.headers.push((
            "x-random".to_owned(),
            rng.word(&["0", "1", "7", "42", "130", "-1", "x", "18446744073709551615", ""]),
        ));
        if rng.chance(15) {
            draft.headers.push(("x-random".to_owned(), "3".to_owned()));
        }
    }
    if rng.chance(15) {
        draft.method = rng.word(&["POST", "HEAD", "PUT"]);
    }
    draft.maybe_http2(rng);
    draft
}
