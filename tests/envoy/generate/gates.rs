//! Layer: filters that let a request through by what it brings: tokens, origins, the path of a health check.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::rng::Rng;
use super::{Layer, Spot, Unit, manager, matches, text};

const FILTERS: &str = "type.googleapis.com/envoy.extensions.filters.http";
const WRAPPER: &str = "type.googleapis.com/envoy.config.route.v3.FilterConfig";
const ROUTES: usize = 4;
/// The public half of a key whose other half nobody has.
const KEYS: &str = r#"{"keys": [{"kty": "RSA", "kid": "k", "alg": "RS256", "e": "AQAB", "n": "xAE7eB6qugXyCAG3yhh7pkDkT65pHymX-P7KfIupjf59vsdo91bSP9C8H07pSAGQO1MV_xFj9VswgsCg4R6otmg5PV2He95lZdHtOcU5DXIg_pbhLdKXbi66GlVeK6ABZOUW3WYtnNHD-91gVuoeJT_DwtGGcp4ignkgXfkiEm4sw-4sfb4qdt5oLbyVpmW6x9cfa7vs2WTfURiCrBoUqgBo_-4WTiULmmHSGZHOjzwa8WtrtOQGsAFjIbno85jp6MnGGGZPYZbDAa_b3y5u-YpW7ypZrvD8BgtKVjgtQgZhLAGezMt0ua3DRrWnKqTZ0BJ_EyxOGuHJrLsn00fnMQ"}]}"#;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gate {
    Jwt,
    Cors,
    Csrf,
    HealthCheck,
    RateLimit,
}

impl Gate {
    const ALL: &[Self] = &[Self::Jwt, Self::Jwt, Self::Cors, Self::Csrf, Self::HealthCheck, Self::RateLimit];

    fn name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Cors => "cors",
            Self::Csrf => "csrf",
            Self::HealthCheck => "health",
            Self::RateLimit => "limit",
        }
    }

    /// What stands in the connection manager.
    fn config(self, rng: &mut Rng) -> Value {
        match self {
            Self::Jwt => jwt(rng),
            Self::Cors => json!({"@type": format!("{FILTERS}.cors.v3.Cors")}),
            Self::Csrf => csrf(rng),
            Self::HealthCheck => health_check(rng),
            Self::RateLimit => rate_limit(rng),
        }
    }

    /// What a virtual host or a route may say of it.
    fn own(self, rng: &mut Rng) -> Option<Value> {
        if rng.chance(15) {
            return Some(json!({"@type": WRAPPER, "disabled": true}));
        }
        match self {
            Self::Jwt => {
                let mut own = json!({"@type": format!("{FILTERS}.jwt_authn.v3.PerRouteConfig")});
                if rng.chance(40) {
                    own["disabled"] = json!(true);
                } else {
                    own["requirement_name"] = json!(rng.word(&["named", "named", "open", "unknown"]));
                }
                Some(own)
            }
            Self::Cors => Some(cors(rng)),
            Self::Csrf => Some(csrf(rng)),
            Self::HealthCheck => None,
            Self::RateLimit => Some(rate_limit(rng)),
        }
    }
}

/// The configuration of some gate whose answer rests on the request alone.
pub(super) fn config(rng: &mut Rng) -> Value {
    let gate = *rng.pick(&[Gate::Jwt, Gate::Cors, Gate::Csrf, Gate::HealthCheck]);
    gate.config(rng)
}

/// One listener with a gate or two, a virtual host, several routes.
pub(super) fn unit(rng: &mut Rng, at: &Spot) -> Unit {
    let mut unit = Unit::new(Layer::Gates, at);
    let mut gates = Vec::new();
    for _ in 0..rng.between(1, 2) {
        let gate = *rng.pick(Gate::ALL);
        if !gates.contains(&gate) {
            gates.push(gate);
        }
    }
    let filters: Vec<Value> = gates
        .iter()
        .map(|gate| {
            let mut filter = json!({"name": gate.name(), "typed_config": gate.config(rng)});
            if rng.chance(8) {
                filter["disabled"] = json!(true);
            }
            filter
        })
        .collect();
    let routes: Vec<Value> = (0..ROUTES)
        .map(|index| {
            let mut route = match rng.below(5) {
                0 => json!({"direct_response": {"status": 201}}),
                1 => json!({"redirect": {"path_redirect": "/new"}}),
                2 => json!({"route": {"cluster": unit.missing()}}),
                _ => json!({"route": {"cluster": unit.live(rng)}}),
            };
            route["match"] = json!({"prefix": format!("/r{index}")});
            with_overrides(rng, &mut route, &gates, 40);
            route
        })
        .collect();
    let mut host = json!({"name": "host", "domains": ["*"], "routes": routes});
    with_overrides(rng, &mut host, &gates, 30);
    let mut http = json!({"http_filters": filters, "virtual_hosts": [host]});
    manager::options(rng, &mut http, 4);
    unit.runtime();
    unit.listen(json!({"http": http}));
    for _ in 0..rng.between(10, 14) {
        let draft = request(rng, at, &gates);
        unit.ask(draft);
    }
    unit
}

fn with_overrides(rng: &mut Rng, of: &mut Value, gates: &[Gate], percent: usize) {
    let mut entries = Map::new();
    for gate in gates {
        if rng.chance(percent) {
            entries.extend(gate.own(rng).map(|own| (gate.name().to_owned(), own)));
        }
    }
    if !entries.is_empty() {
        of["typed_per_filter_config"] = Value::Object(entries);
    }
}

fn request(rng: &mut Rng, at: &Spot, gates: &[Gate]) -> Draft {
    let mut draft = Draft::new(&at.address(80));
    draft.host = rng.word(&["a.com", "a.com", "a.com:80", "b.com"]);
    draft.path = format!("/r{}", rng.below(ROUTES + 1));
    for gate in gates {
        match gate {
            Gate::Jwt => bring_token(rng, &mut draft),
            Gate::Cors => preflight(rng, &mut draft),
            Gate::Csrf => change(rng, &mut draft),
            Gate::HealthCheck if rng.chance(60) => {
                draft.path = rng.word(&["/healthz", "/healthz", "/healthz/x", "/r0"]);
                if rng.chance(40) {
                    draft.headers.push(("x-health".to_owned(), rng.word(&["1", "2"])));
                }
            }
            Gate::HealthCheck | Gate::RateLimit => {}
        }
    }
    if rng.chance(20) {
        draft.miss(rng);
    }
    draft.maybe_http2(rng);
    draft
}

fn fraction(rng: &mut Rng) -> Value {
    let (numerator, of) = *rng.pick(&[(100, "HUNDRED"), (100, "HUNDRED"), (0, "HUNDRED"), (1_000_000, "MILLION")]);
    let mut fraction = json!({"default_value": {"numerator": numerator, "denominator": of}});
    super::overridden(rng, &mut fraction);
    fraction
}

fn origins(rng: &mut Rng) -> Value {
    (0..rng.between(1, 2))
        .map(|_| {
            let origin = rng.word(&["http://a.com", "http://b.com", "https://x.com:81", "null"]);
            if rng.chance(10) { json!({"exact": "*"}) } else { text::string_match(rng, &origin).0 }
        })
        .collect()
}

fn cors(rng: &mut Rng) -> Value {
    let mut cors = json!({"@type": format!("{FILTERS}.cors.v3.CorsPolicy")});
    if rng.chance(90) {
        cors["allow_origin_string_match"] = origins(rng);
    }
    if rng.chance(20) {
        cors["filter_enabled"] = fraction(rng);
    }
    if rng.chance(30) {
        cors["forward_not_matching_preflights"] = json!(rng.chance(30));
    }
    cors
}

fn preflight(rng: &mut Rng, draft: &mut Draft) {
    if rng.chance(75) {
        "OPTIONS".clone_into(&mut draft.method);
    }
    if rng.chance(85) {
        let origin = rng.word(&["http://a.com", "http://b.com", "https://x.com:81", "null", ""]);
        draft.set("origin", &text::near(rng, &origin));
    }
    if rng.chance(80) {
        draft.set("access-control-request-method", &rng.word(&["GET", "PUT", ""]));
    }
}

fn csrf(rng: &mut Rng) -> Value {
    let mut csrf = json!({"@type": format!("{FILTERS}.csrf.v3.CsrfPolicy"), "filter_enabled": fraction(rng)});
    if rng.chance(15) {
        csrf["shadow_enabled"] = fraction(rng);
    }
    if rng.chance(40) {
        let origin = rng.word(&["b.com", "x.com:81", "a.com"]);
        csrf["additional_origins"] = json!([text::string_match(rng, &origin).0]);
    }
    csrf
}

fn change(rng: &mut Rng, draft: &mut Draft) {
    draft.method = rng.word(&["POST", "PUT", "DELETE", "PATCH", "GET", "OPTIONS"]);
    for header in ["origin", "referer"] {
        if rng.chance(55) {
            let host = rng.word(&["a.com", "b.com", "a.com:80", "x.com:81"]);
            let from = match rng.below(8) {
                0 => host,
                1 => format!("https://{host}"),
                2 => format!("http://{host}/page?x=1"),
                3 => "null".to_owned(),
                4 => String::new(),
                _ => format!("http://{host}"),
            };
            draft.set(header, &from);
        }
    }
}

fn health_check(rng: &mut Rng) -> Value {
    let mut headers = vec![json!({"name": ":path", "string_match": text::string_match(rng, "/healthz").0})];
    if rng.chance(30) {
        headers.push(json!({"name": "x-health", "string_match": {"exact": "1"}, "invert_match": rng.chance(30)}));
    }
    if rng.chance(15) {
        let (matcher, _, _) = matches::header_matcher(rng);
        headers = vec![matcher];
    }
    let passes = rng.chance(25);
    json!({"@type": format!("{FILTERS}.health_check.v3.HealthCheck"), "pass_through_mode": passes, "headers": headers})
}

fn rate_limit(rng: &mut Rng) -> Value {
    let mut limit = json!({"@type": format!("{FILTERS}.local_ratelimit.v3.LocalRateLimit"), "stat_prefix": "limit"});
    if rng.chance(80) {
        limit["token_bucket"] = json!({"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"});
    }
    // Both at once would leave open what is in the bucket.
    match rng.below(8) {
        0 => {
            limit["filter_enabled"] = fraction(rng);
            limit["filter_enforced"] = fraction(rng);
        }
        1..=3 => limit["filter_enabled"] = fraction(rng),
        4 | 5 => limit["filter_enforced"] = fraction(rng),
        _ => {}
    }
    limit
}

fn jwt(rng: &mut Rng) -> Value {
    let mut providers = Map::new();
    for name in ["p", "q"].into_iter().take(rng.between(1, 2)) {
        providers.insert(name.to_owned(), provider(rng, name));
    }
    let names: Vec<String> = providers.keys().cloned().collect();
    let mut rules = Vec::new();
    for _ in 0..rng.between(1, 3) {
        let path = rng.word(&["/", "/r", "/r0", "/r1", "/r2"]);
        let mut rule = json!({"match": match rng.below(5) {
            0 => json!({"path": path}),
            1 => json!({"safe_regex": {"regex": text::regex(rng, &path).0}}),
            2 => json!({"prefix": path, "headers": [matches::header_matcher(rng).0]}),
            _ => json!({"prefix": path}),
        }});
        match rng.below(8) {
            0 => {}
            1 => rule["requirement_name"] = json!(rng.word(&["named", "open"])),
            _ => rule["requires"] = requirement(rng, &names, 0),
        }
        rules.push(rule);
    }
    let named = json!({"named": requirement(rng, &names, 0), "open": {"allow_missing_or_failed": {}}});
    let mut jwt = json!({
        "@type": format!("{FILTERS}.jwt_authn.v3.JwtAuthentication"),
        "providers": providers,
        "rules": rules,
        "requirement_map": named,
    });
    if rng.chance(25) {
        jwt["bypass_cors_preflight"] = json!(true);
    }
    jwt
}

fn provider(rng: &mut Rng, name: &str) -> Value {
    let mut provider = json!({"local_jwks": {"inline_string": KEYS}});
    if rng.chance(85) {
        provider["issuer"] = json!(if name == "p" { "me" } else { "them" });
    }
    if rng.chance(30) {
        provider["audiences"] = json!(["a", "b"]);
    }
    if rng.chance(30) {
        let prefix = rng.word(&["", "T ", "Bearer "]);
        provider["from_headers"] = json!([{"name": rng.word(&["x-token", "authorization"]), "value_prefix": prefix}]);
    }
    if rng.chance(20) {
        provider["from_params"] = json!(["tok"]);
    }
    if rng.chance(15) {
        provider["from_cookies"] = json!(["tok"]);
    }
    if rng.chance(20) {
        provider["forward"] = json!(true);
    }
    if rng.chance(20) {
        provider["clock_skew_seconds"] = json!(*rng.pick(&[1_u32, 60, 4_000_000_000]));
    }
    if rng.chance(20) {
        provider["claim_to_headers"] = json!([{"header_name": format!("x-claim-{name}"), "claim_name": "sub"}]);
    }
    if rng.chance(15) {
        provider["forward_payload_header"] = json!("x-payload");
    }
    if rng.chance(15) {
        provider["failed_status_in_metadata"] = json!("status");
    }
    provider
}

fn requirement(rng: &mut Rng, names: &[String], depth: usize) -> Value {
    let name = rng.pick(names).clone();
    match rng.below(if depth < 2 { 10 } else { 6 }) {
        0 => json!({"allow_missing": {}}),
        1 => json!({"allow_missing_or_failed": {}}),
        2 => json!({"provider_and_audiences": {"provider_name": name, "audiences": [rng.word(&["a", "c"])]}}),
        3..=5 => json!({"provider_name": name}),
        which => {
            let list: Vec<Value> = (0..2).map(|_| requirement(rng, names, depth + 1)).collect();
            let field = if which < 8 { "requires_any" } else { "requires_all" };
            json!({field: {"requirements": list}})
        }
    }
}

/// A token that fails for something else than its signature, or a text that is none.
fn token(rng: &mut Rng) -> String {
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let mut claims = json!({"iss": rng.word(&["me", "them", "you"])});
    match rng.below(5) {
        0 => {}
        1 => claims["aud"] = json!(rng.word(&["c", "a"])),
        2 => claims["aud"] = json!(["c", "d"]),
        _ => claims["exp"] = json!(1000),
    }
    match rng.below(10) {
        0 => "bad".to_owned(),
        1 => "a.b".to_owned(),
        2 => "a..b".to_owned(),
        3 => String::new(),
        _ => format!("{}.{}.c2lnbmF0dXJl", part(json!({"alg": "RS256", "kid": "k"})), part(claims)),
    }
}

fn bring_token(rng: &mut Rng, draft: &mut Draft) {
    let token = token(rng);
    match rng.below(10) {
        0 => draft.query.push(format!("tok={token}")),
        1 => draft.query.push(format!("access_token={token}")),
        2 => draft.set("cookie", &format!("tok={token}")),
        3 => draft.set("x-token", &token),
        4 => draft.set("x-token", &format!("T {token}")),
        5..=7 => {
            let prefix = rng.word(&["Bearer ", "Bearer ", "bearer ", "T ", ""]);
            draft.set("authorization", &format!("{prefix}{token}"));
        }
        _ => {}
    }
    if rng.chance(15) {
        draft.set("authorization", "Bearer other");
    }
    if rng.chance(10) {
        draft.set(&rng.word(&["x-claim-p", "X-Claim-Q", "x-payload"]), "1");
    }
}
