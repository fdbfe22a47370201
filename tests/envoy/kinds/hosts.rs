//! Virtual hosts and requests by chance, made of the same few words, so that they meet.

use mesh_why::envoy::classes::Request;
use serde_json::{Map, Value, json};

use crate::generate::rng::Rng;

/// What B answers.
pub(crate) const LIVE: u16 = 299;

const RBAC: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
const RBAC_OF_ROUTE: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute";
const FAULT: &str = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
const CORS: &str = "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors";
const CORS_POLICY: &str = "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy";
const CSRF: &str = "type.googleapis.com/envoy.extensions.filters.http.csrf.v3.CsrfPolicy";
const JWT: &str = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";
const JWT_OF_ROUTE: &str = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig";
/// A public key; nobody signs anything with its other half.
const KEYS: &str = r#"{"keys": [{"kty": "RSA", "kid": "k", "alg": "RS256", "e": "AQAB", "n": "xAE7eB6qugXyCAG3yhh7pkDkT65pHymX-P7KfIupjf59vsdo91bSP9C8H07pSAGQO1MV_xFj9VswgsCg4R6otmg5PV2He95lZdHtOcU5DXIg_pbhLdKXbi66GlVeK6ABZOUW3WYtnNHD-91gVuoeJT_DwtGGcp4ignkgXfkiEm4sw-4sfb4qdt5oLbyVpmW6x9cfa7vs2WTfURiCrBoUqgBo_-4WTiULmmHSGZHOjzwa8WtrtOQGsAFjIbno85jp6MnGGGZPYZbDAa_b3y5u-YpW7ypZrvD8BgtKVjgtQgZhLAGezMt0ua3DRrWnKqTZ0BJ_EyxOGuHJrLsn00fnMQ"}]}"#;
const HEALTH_CHECK: &str = "type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck";

const PATHS: &[&str] = &[
    "/",
    "/a",
    "/a/",
    "/a/b",
    "/A/b",
    "/a/b/c",
    "/api",
    "/api/v1",
    "/api/v1/x",
    "/api/v2",
    "/ab",
    "/b",
    "/a.b",
    "/apix",
];
const ENDINGS: &[&str] = &["", "", "", "/", "/x", "x", "/1", "/b", "?q=1", "?q", "?r=2&q=1"];
const REGEXES: &[&str] = &[
    "/a.*",
    "/a/[a-z]+",
    "/(a|b)/.*",
    r"/x/\d+",
    "/api/v[12](/.*)?",
    ".*",
    "/[^/]*",
    "(?i)/api/.*",
    "/a/?",
    r"/.*\.b",
];
const NAMES: &[&str] = &["x-a", "x-b", "x-c", "origin", "access-control-request-method", "cookie"];
const METHODS: &[&str] = &["GET", "GET", "GET", "POST", "PUT", "DELETE", "OPTIONS"];
const VALUES: &[&str] = &["v", "w", "vw", "1", "5", "v,w", "V", "GET", "http://a", "c=1"];
const VALUE_REGEXES: &[&str] = &["v.*", "[0-9]+", ".*w", "(v|w)+", ".*", "(?i)V", "[^v]*"];

/// The filters of all hosts; most are configured by the hosts and their routes.
pub(crate) fn filters() -> Value {
    let health = json!({"@type": HEALTH_CHECK, "pass_through_mode": false, "headers": [
        {"name": ":path", "string_match": {"exact": "/healthz"}},
    ]});
    let provider = json!({"issuer": "i", "local_jwks": {"inline_string": KEYS}});
    let jwt = json!({"@type": JWT, "providers": {"p": provider}, "bypass_cors_preflight": true, "rules": [
        {"match": {"prefix": "/api/v2"}, "requires": {"provider_name": "p"}},
        {"match": {"path": "/secret"}},
    ]});
    json!([
        {"name": "health", "typed_config": health},
        {"name": "cors", "typed_config": {"@type": CORS}},
        {"name": "csrf", "typed_config": {"@type": CSRF, "filter_enabled": {"default_value": {"numerator": 0}}}},
        {"name": "fault", "typed_config": {"@type": FAULT}},
        {"name": "jwt", "typed_config": jwt},
        {"name": "deny", "typed_config": {"@type": RBAC}},
        {"name": "rbac", "typed_config": {"@type": RBAC}},
    ])
}

/// A virtual host with its routes.
pub(crate) fn host(rng: &mut Rng, number: usize) -> Value {
    let mut routes = Vec::new();
    for place in 0..rng.between(1, 9) {
        let mut route = action(rng, place);
        route["match"] = wanted(rng);
        if rng.chance(12) {
            route["typed_per_filter_config"] = per_filter(rng);
        }
        routes.push(route);
    }
    if rng.chance(60) {
        routes.push(json!({"match": {"prefix": "/"}, "route": {"cluster": "live"}}));
    }
    let mut host = json!({"name": format!("host-{number}"), "domains": [format!("host-{number}")], "routes": routes});
    if rng.chance(50) {
        host["typed_per_filter_config"] = per_filter(rng);
    }
    host
}

/// Each route of a host ends in a way of its own, as far as there are such.
fn action(rng: &mut Rng, place: usize) -> Value {
    match rng.below(5) {
        0 => json!({"direct_response": {"status": 210 + place}}),
        1 => json!({"redirect": {"path_redirect": "/moved", "response_code": rng.word(&["FOUND", "SEE_OTHER"])}}),
        2 => {
            json!({"route": {"cluster": format!("missing-{place}"), "cluster_not_found_response_code": rng.word(&["NOT_FOUND", "INTERNAL_SERVER_ERROR"])}})
        }
        _ => json!({"route": {"cluster": "live"}}),
    }
}

fn wanted(rng: &mut Rng) -> Value {
    let path = rng.word(PATHS);
    let mut wanted = match rng.below(10) {
        0..=3 => json!({"prefix": path}),
        4 | 5 => json!({"path": path}),
        6 => json!({"path_separated_prefix": if path == "/" { "/a" } else { path.trim_end_matches('/') }}),
        7 | 8 => json!({"safe_regex": {"regex": rng.word(REGEXES)}}),
        _ => json!({"prefix": "/"}),
    };
    let is_folded = wanted.get("safe_regex").is_none() && rng.chance(10);
    if is_folded {
        wanted["case_sensitive"] = json!(false);
    }
    if rng.chance(35) {
        wanted["headers"] = (0..rng.between(1, 2)).map(|_| header(rng)).collect();
    }
    if rng.chance(10) {
        wanted["query_parameters"] = json!([{"name": "q", "string_match": {"exact": "1"}}]);
    }
    if rng.chance(8) {
        let percent = json!({"numerator": *rng.pick(&[0, 100, 100, 50])});
        wanted["runtime_fraction"] = json!({"default_value": percent});
    }
    wanted
}

fn header(rng: &mut Rng) -> Value {
    let value = rng.word(VALUES);
    if rng.chance(25) {
        return json!({"name": ":method", "string_match": {"exact": rng.word(METHODS)}});
    }
    let mut header = match rng.below(7) {
        0 => json!({"present_match": rng.chance(70)}),
        1 => json!({"string_match": {"prefix": value}}),
        2 => json!({"string_match": {"suffix": value, "ignore_case": rng.chance(30)}}),
        3 => json!({"string_match": {"safe_regex": {"regex": rng.word(VALUE_REGEXES)}}}),
        4 => json!({"range_match": {"start": "1", "end": "6"}}),
        _ => json!({"string_match": {"exact": value}}),
    };
    header["name"] = json!(rng.word(NAMES));
    if rng.chance(15) {
        header["invert_match"] = json!(true);
    }
    header
}

/// What a route or a host says to some of the filters.
fn per_filter(rng: &mut Rng) -> Value {
    let mut all = Map::new();
    if rng.chance(50) {
        let action = rng.word(&["ALLOW", "DENY"]);
        let rbac = json!({"@type": RBAC_OF_ROUTE, "rbac": {"rules": rules(rng, &action)}});
        all.insert(rng.word(&["deny", "rbac"]), rbac);
    }
    if rng.chance(30) {
        let abort = json!({"http_status": 555, "percentage": {"numerator": 100}});
        let headers: Vec<Value> = (0..rng.between(1, 2)).map(|_| header(rng)).collect();
        all.insert("fault".to_owned(), json!({"@type": FAULT, "abort": abort, "headers": headers}));
    }
    if rng.chance(20) {
        let origins = json!([{"exact": rng.word(VALUES)}, {"prefix": "http"}]);
        let forwards = rng.chance(50);
        let policy = json!({"@type": CORS_POLICY, "allow_origin_string_match": origins, "allow_methods": "GET", "forward_not_matching_preflights": forwards});
        all.insert("cors".to_owned(), policy);
    }
    if rng.chance(15) {
        all.insert("csrf".to_owned(), json!({"@type": CSRF, "filter_enabled": {"default_value": {"numerator": 100}}}));
    }
    if rng.chance(20) {
        all.insert("jwt".to_owned(), json!({"@type": JWT_OF_ROUTE, "disabled": true}));
    }
    Value::Object(all)
}

fn rules(rng: &mut Rng, action: &str) -> Value {
    let mut policies = Map::new();
    for name in ["p", "q"].iter().take(rng.between(1, 2)) {
        let permissions: Vec<Value> = (0..rng.between(1, 2)).map(|_| permission(rng, 2)).collect();
        let principal = match rng.below(5) {
            0 => json!({"header": header(rng)}),
            1 => json!({"not_id": {"authenticated": {}}}),
            2 => json!({"authenticated": {}}),
            _ => json!({"any": true}),
        };
        policies.insert((*name).to_owned(), json!({"permissions": permissions, "principals": [principal]}));
    }
    json!({"action": action, "policies": policies})
}

fn permission(rng: &mut Rng, depth: usize) -> Value {
    let inner = |rng: &mut Rng| -> Vec<Value> { (0..2).map(|_| permission(rng, depth - 1)).collect() };
    match rng.below(if depth == 0 { 5 } else { 8 }) {
        0 | 1 => json!({"url_path": {"path": {"prefix": rng.word(PATHS)}}}),
        2 => json!({"url_path": {"path": {"exact": rng.word(PATHS)}}}),
        3 => json!({"header": header(rng)}),
        4 => json!({"destination_port": 80}),
        5 => json!({"and_rules": {"rules": inner(rng)}}),
        6 => json!({"or_rules": {"rules": inner(rng)}}),
        _ => json!({"not_rule": permission(rng, depth - 1)}),
    }
}

/// A request that may meet what a host asks for.
pub(crate) fn request(rng: &mut Rng) -> Request {
    let path = if rng.chance(3) { "/healthz".to_owned() } else { rng.word(PATHS) + &rng.word(ENDINGS) };
    let mut headers: Vec<(String, String)> = Vec::new();
    for _ in 0..*rng.pick(&[0, 0, 1, 1, 2, 3]) {
        let name = rng.word(NAMES);
        if !headers.iter().any(|(other, _)| *other == name) {
            headers.push((name, rng.word(VALUES)));
        }
    }
    Request { method: rng.word(METHODS), path, headers }
}
