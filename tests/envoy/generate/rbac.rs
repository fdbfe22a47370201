//! Layer: access control, for requests and for connections.

use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::rng::Rng;
use super::{Layer, Spot, Unit, left, manager, matches, text};

const FILTER: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
const OF_ROUTE: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute";
const NETWORK: &str = "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC";
const WRAPPER: &str = "type.googleapis.com/envoy.config.route.v3.FilterConfig";
const PATHS: &[&str] = &["/a", "/a/b", "/api/v1", "/r0"];

const TEMPLATE: &str = "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";
/// Of filters that are not there, so that nothing sets it; that of access control itself is open, and seldom asked.
const METADATA: &[&str] = &[
    "envoy.filters.http.jwt_authn",
    "envoy.filters.http.jwt_authn",
    "envoy.filters.http.fault",
    "envoy.filters.http.header_to_metadata",
    "istio_authn",
    "istio_authn",
    "envoy.filters.http.rbac",
];

/// What the rules are about, so that requests can be about it too.
type Wanted = Vec<(String, String)>;

/// One listener with rules.
pub(super) fn unit(rng: &mut Rng, at: &Spot) -> Unit {
    let mut unit = Unit::new(Layer::Rbac, at);
    let mut wanted = Wanted::new();
    if rng.chance(20) {
        let rules = rules(rng, at, &mut wanted, false);
        let filter = json!({"@type": NETWORK, "stat_prefix": "rbac", "rules": rules});
        let tcp = unit.live(rng);
        unit.listen(json!({
            "inspect": ["tls"],
            "chains": [{"filters": [{"name": "rbac", "typed_config": filter}], "tcp": tcp}],
        }));
        for _ in 0..8 {
            let mut draft = Draft::new(&at.address(80));
            draft.protocol = *rng.pick::<&str>(&["tcp", "tls", "http1"]);
            draft.sni = (draft.protocol == "tls" && rng.chance(70)).then(|| rng.word(&["a.com", "b.com", "x.a.com"]));
            unit.ask(draft);
        }
        return unit;
    }
    let mut filters = Vec::new();
    for name in ["deny", "allow"].iter().take(rng.between(1, 2)) {
        let mut config = json!({"@type": FILTER});
        if rng.chance(92) {
            config["rules"] = rules(rng, at, &mut wanted, true);
        }
        if rng.chance(10) {
            config["shadow_rules"] = rules(rng, at, &mut wanted, true);
        }
        let mut filter = json!({"name": name, "typed_config": config});
        if rng.chance(10) {
            filter["disabled"] = json!(true);
        }
        filters.push(filter);
    }
    let mut routes = Vec::new();
    for path in ["/a", "/"] {
        let mut route = match rng.below(3) {
            0 => json!({"direct_response": {"status": 201}}),
            _ => json!({"route": {"cluster": unit.live(rng)}}),
        };
        route["match"] = json!({"prefix": path});
        if rng.chance(20) {
            route["metadata"] = left::of_route(rng);
        }
        if rng.chance(30) {
            route["typed_per_filter_config"] = of_route(rng, at, &mut wanted);
        }
        routes.push(route);
    }
    let mut http = json!({"http_filters": filters, "routes": routes});
    if rng.chance(15) {
        http["normalize_path"] = json!(true);
    }
    manager::options(rng, &mut http, 4);
    unit.listen(json!({"http": http}));
    for _ in 0..rng.between(10, 14) {
        let draft = request(rng, at, &wanted);
        unit.ask(draft);
    }
    unit
}

fn of_route(rng: &mut Rng, at: &Spot, wanted: &mut Wanted) -> Value {
    let mut entries = Map::new();
    for name in ["deny", "allow"] {
        if rng.chance(60) {
            let entry = match rng.below(4) {
                0 => json!({"@type": WRAPPER, "disabled": true}),
                1 => json!({"@type": OF_ROUTE}),
                2 => {
                    json!({"@type": WRAPPER, "config": {"@type": OF_ROUTE, "rbac": {"rules": rules(rng, at, wanted, true)}}})
                }
                _ => json!({"@type": OF_ROUTE, "rbac": {"rules": rules(rng, at, wanted, true)}}),
            };
            entries.insert(name.to_owned(), entry);
        }
    }
    Value::Object(entries)
}

fn rules(rng: &mut Rng, at: &Spot, wanted: &mut Wanted, http: bool) -> Value {
    let mut policies = Map::new();
    for index in 0..*rng.pick(&[0, 1, 1, 1, 2, 2, 3]) {
        let permissions: Vec<Value> = (0..rng.between(1, 2)).map(|_| permission(rng, at, wanted, http, 2)).collect();
        let principals: Vec<Value> = (0..rng.between(1, 2)).map(|_| principal(rng, wanted, http, 2)).collect();
        let name = format!("{}{index}", rng.pick(&["p", "a b", "Z", "ns[x]-policy[y]-rule"]));
        policies.insert(name, json!({"permissions": permissions, "principals": principals}));
    }
    let action = rng.word(&["ALLOW", "ALLOW", "DENY", "DENY", "LOG"]);
    json!({"action": action, "policies": policies})
}

fn permission(rng: &mut Rng, at: &Spot, wanted: &mut Wanted, http: bool, depth: usize) -> Value {
    let several = |rng: &mut Rng, wanted: &mut Wanted| -> Vec<Value> {
        (0..rng.between(1, 3)).map(|_| permission(rng, at, wanted, http, depth - 1)).collect()
    };
    match rng.below(18) {
        0 if depth > 0 => json!({"and_rules": {"rules": several(rng, wanted)}}),
        1 if depth > 0 => json!({"or_rules": {"rules": several(rng, wanted)}}),
        2 if depth > 0 => json!({"not_rule": permission(rng, at, wanted, http, depth - 1)}),
        3 => json!({"destination_port": *rng.pick(&[80, 81])}),
        4 => json!({"destination_port_range": {"start": *rng.pick(&[1, 79, 80]), "end": *rng.pick(&[81, 82, 9000])}}),
        5 => {
            let (last, length) = *rng.pick(&[(1, 32), (0, 24), (9, 32), (0, 8)]);
            json!({"destination_ip": {"address_prefix": at.ip(last), "prefix_len": length}})
        }
        6 => {
            let (matcher, _) = text::string_match(rng, "a.com");
            json!({"requested_server_name": matcher})
        }
        7..=9 if http => header(rng, wanted),
        10 | 11 if http => url_path(rng, wanted),
        12 if http => json!({"metadata": left::metadata(rng, METADATA)}),
        13 => sourced(rng, http),
        14 if http => template(rng, wanted),
        _ => json!({"any": true}),
    }
}

fn principal(rng: &mut Rng, wanted: &mut Wanted, http: bool, depth: usize) -> Value {
    let several = |rng: &mut Rng, wanted: &mut Wanted| -> Vec<Value> {
        (0..rng.between(1, 3)).map(|_| principal(rng, wanted, http, depth - 1)).collect()
    };
    match rng.below(20) {
        0 if depth > 0 => json!({"and_ids": {"ids": several(rng, wanted)}}),
        1 if depth > 0 => json!({"or_ids": {"ids": several(rng, wanted)}}),
        2 if depth > 0 => json!({"not_id": principal(rng, wanted, http, depth - 1)}),
        3 => json!({"authenticated": {}}),
        4 => json!({"authenticated": {"principal_name": {"exact": "spiffe://cluster.local/ns/a/sa/b"}}}),
        5 => {
            let (address, length) = *rng.pick(&[("10.244.0.9", 32), ("10.244.0.0", 16), ("192.168.0.0", 16)]);
            json!({"remote_ip": {"address_prefix": address, "prefix_len": length}})
        }
        6 | 7 if http => header(rng, wanted),
        8 if http => url_path(rng, wanted),
        9 => json!({rng.word(&["direct_remote_ip", "source_ip"]): peers(rng)}),
        10 => json!({"direct_remote_ip": peers(rng)}),
        11 => json!({"source_ip": peers(rng)}),
        12 => json!({"filter_state": left::filter_state(rng, "io.istio.peer_principal")}),
        13 if http => json!({"metadata": left::metadata(rng, METADATA)}),
        14 => sourced(rng, http),
        _ => json!({"any": true}),
    }
}

/// Where the peer's address is known to be: its own and the one that a PROXY header gives are in the same ranges.
fn peers(rng: &mut Rng) -> Value {
    let (address, length) =
        *rng.pick(&[("0.0.0.0", 0), ("0.0.0.0", 1), ("128.0.0.0", 1), ("192.168.0.0", 16), ("::", 0)]);
    json!({"address_prefix": address, "prefix_len": length})
}

/// Of a connection only the route's metadata can be asked, which it has none of.
fn sourced(rng: &mut Rng, http: bool) -> Value {
    let of_route = !http || rng.chance(10);
    let source = if of_route { "ROUTE" } else { "DYNAMIC" };
    json!({"sourced_metadata": {"metadata_matcher": left::metadata(rng, METADATA), "metadata_source": source}})
}

fn template(rng: &mut Rng, wanted: &mut Wanted) -> Value {
    let (template, path) = *rng.pick(&[
        ("/a/*", "/a/b"),
        ("/a/**", "/a/b/c"),
        ("/{x}/{y=**}", "/api/v1"),
        ("/api/*", "/api/v1"),
        ("/*/v1", "/api/v1"),
        ("/a", "/a"),
    ]);
    wanted.push((":path".to_owned(), path.to_owned()));
    let config = json!({"@type": TEMPLATE, "path_template": template});
    json!({"uri_template": {"name": "envoy.path.match.uri_template.uri_template_matcher", "typed_config": config}})
}

fn header(rng: &mut Rng, wanted: &mut Wanted) -> Value {
    let (matcher, name, fits) = matches::header_matcher(rng);
    wanted.extend(fits.map(|value| (name, value)));
    json!({"header": matcher})
}

fn url_path(rng: &mut Rng, wanted: &mut Wanted) -> Value {
    let path = rng.word(PATHS);
    let (matcher, taken) = text::string_match(rng, &path);
    wanted.push((":path".to_owned(), taken));
    json!({"url_path": {"path": matcher}})
}

fn request(rng: &mut Rng, at: &Spot, wanted: &[(String, String)]) -> Draft {
    let mut draft = Draft::new(&at.address(80));
    draft.path = rng.word(PATHS);
    if !wanted.is_empty() {
        for _ in 0..rng.between(0, 2) {
            let (name, value) = rng.pick(wanted).clone();
            draft.set(&name, &value);
        }
    }
    if rng.chance(40) {
        draft.miss(rng);
    }
    draft.maybe_http2(rng);
    draft
}
