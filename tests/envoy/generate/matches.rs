//! Layer: which route of a virtual host takes the request.

use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::rng::Rng;
use super::{Layer, Unit, VERSION_OF_COOKIES, Version, left, manager, text};

const PATHS: &[&str] = &["/", "/a", "/a/", "/a/b", "/A/b", "/a/b/c", "/api/v1", "/api/v1/x", "/ab", "/b", "/a.b", ""];
const NAMES: &[&str] = &["x-a", "x-b", "x-a", "x-b", "x_d", "X-C", "content-type", "user-agent", "cookie"];

/// A route's match, and what makes a request fit.
struct Wanted {
    matcher: Map<String, Value>,
    /// A request that fits, but for what no request can help.
    draft: Draft,
}

/// One listener, one virtual host, several routes.
pub(super) fn unit(rng: &mut Rng, at: &super::Spot, version: Version) -> Unit {
    let mut unit = Unit::new(Layer::Matches, at);
    let mut drafts = Vec::new();
    let mut routes = Vec::new();
    for index in 0..rng.between(3, 8) {
        let wanted = wanted(rng, at, version);
        drafts.push(wanted.draft);
        let mut route = json!({"match": wanted.matcher});
        if rng.chance(8) {
            route["metadata"] = left::of_route(rng);
        }
        if rng.chance(70) {
            route["direct_response"] = json!({"status": 200 + index});
        } else if rng.chance(40) {
            route["route"] = json!({"weighted_clusters": {"clusters": [
                {"name": unit.live(rng), "weight": *rng.pick(&[1, 10, 50])},
                {"name": unit.live(rng), "weight": *rng.pick(&[1, 2, 50, 90])},
            ]}});
        } else {
            route["route"] = json!({"cluster": unit.live(rng)});
        }
        routes.push(route);
    }
    let mut http = json!({"routes": routes});
    manager::options(rng, &mut http, 1);
    if rng.chance(12) {
        http["route_config"] = json!({"ignore_path_parameters_in_path_matching": true});
    }
    unit.runtime();
    unit.listen(json!({"http": http}));
    for _ in 0..rng.between(10, 16) {
        let mut draft = rng.pick(&drafts).clone();
        for _ in 0..*rng.pick(&[0, 0, 1, 1, 1, 2, 3]) {
            draft.miss(rng);
        }
        draft.maybe_http2(rng);
        manager::asks(rng, &mut draft);
        manager::overload(rng, &http, &mut draft);
        unit.ask(draft);
    }
    unit
}

fn wanted(rng: &mut Rng, at: &super::Spot, version: Version) -> Wanted {
    let mut wanted = Wanted { matcher: Map::new(), draft: Draft::new(&at.address(80)) };
    path(rng, &mut wanted);
    for _ in 0..*rng.pick(&[0, 0, 1, 1, 2]) {
        header(rng, &mut wanted);
    }
    if rng.chance(20) {
        query(rng, &mut wanted);
    }
    if rng.chance(15) && version >= VERSION_OF_COOKIES {
        cookie(rng, &mut wanted);
    }
    if rng.chance(5) {
        wanted.matcher.insert("grpc".to_owned(), json!({}));
        wanted.draft.set("content-type", &rng.word(&["application/grpc", "application/grpc+proto"]));
    }
    if rng.chance(8) {
        let (field, value) = (rng.word(&["presented", "validated"]), rng.chance(50));
        wanted.matcher.insert("tls_context".to_owned(), json!({field: value}));
    }
    if rng.chance(6) {
        wanted
            .matcher
            .insert("dynamic_metadata".to_owned(), json!([left::metadata(rng, &["envoy.filters.http.fault", "f"])]));
    }
    if rng.chance(4) {
        wanted.matcher.insert("filter_state".to_owned(), json!([left::filter_state(rng, "k")]));
    }
    if rng.chance(8) {
        let (numerator, of) = *rng.pick(&[
            (0, "HUNDRED"),
            (100, "HUNDRED"),
            (40, "HUNDRED"),
            (2500, "TEN_THOUSAND"),
            (1_000_000, "MILLION"),
        ]);
        let mut fraction = json!({"default_value": {"numerator": numerator, "denominator": of}});
        super::overridden(rng, &mut fraction);
        wanted.matcher.insert("runtime_fraction".to_owned(), fraction);
    }
    wanted
}

fn push(map: &mut Map<String, Value>, key: &str, value: Value) {
    if let Value::Array(items) = map.entry(key).or_insert_with(|| json!([])) {
        items.push(value);
    }
}

fn path(rng: &mut Rng, wanted: &mut Wanted) {
    let path = rng.word(PATHS);
    let (field, value, fits) = match rng.below(10) {
        0..=2 => ("path", json!(path), path.clone()),
        3..=5 => ("prefix", json!(path), format!("{path}{}", rng.pick(&["", "", "/x", "x"]))),
        6 | 7 if path.len() > 1 && !path.ends_with('/') => {
            ("path_separated_prefix", json!(path), format!("{path}{}", rng.pick(&["", "/", "/x"])))
        }
        8 | 9 => {
            let (regex, taken) = text::regex(rng, &path);
            ("safe_regex", json!({"regex": regex}), taken)
        }
        _ if rng.chance(15) => ("connect_matcher", json!({}), path.clone()),
        _ => ("prefix", json!("/"), path.clone()),
    };
    wanted.matcher.insert(field.to_owned(), value);
    if rng.chance(25) {
        wanted.matcher.insert("case_sensitive".to_owned(), json!(rng.chance(20)));
    }
    wanted.draft.path = if fits.starts_with('/') { fits } else { format!("/{fits}") };
}

/// A `HeaderMatcher` in a route; the request gets what fits.
fn header(rng: &mut Rng, wanted: &mut Wanted) {
    let (matcher, name, fits) = header_matcher(rng);
    push(&mut wanted.matcher, "headers", matcher);
    if let Some(value) = fits {
        wanted.draft.set(&name, &value);
    }
}

/// A `HeaderMatcher`, the header's name, and a value that fits.
pub(super) fn header_matcher(rng: &mut Rng) -> (Value, String, Option<String>) {
    let (name, value) = match rng.below(20) {
        0 => (":method".to_owned(), rng.word(&["GET", "POST", "HEAD"])),
        1 => (":path".to_owned(), rng.word(&["/a", "/a/b?q=1", "/a?q"])),
        2 => (rng.word(&[":authority", "host"]), rng.word(&["a.com", "A.com", "a.com:80"])),
        3 => (rng.word(&[":scheme", "x-forwarded-proto"]), "http".to_owned()),
        4 if rng.chance(20) => ("x-request-id".to_owned(), text::value(rng)),
        _ => (rng.word(NAMES), text::value(rng)),
    };
    let cut = rng.between(0, value.len());
    let (mut matcher, fits) = match rng.below(16) {
        0 => (json!({}), value),
        1 => (json!({"present_match": true}), value),
        2 => (json!({"present_match": false}), value),
        3 => (json!({"exact_match": value}), value),
        4 if cut > 0 => (json!({"prefix_match": value[..cut]}), value),
        5 if cut < value.len() => (json!({"suffix_match": value[cut..]}), value),
        6 if cut > 0 => (json!({"contains_match": value[..cut]}), value),
        7 => {
            let (regex, taken) = text::regex(rng, &value);
            (json!({"safe_regex_match": {"regex": regex}}), taken)
        }
        8 | 9 => {
            let start: i64 = *rng.pick(&[-5, 0, 5, 7]);
            let end = start + *rng.pick(&[1, 5, 10]);
            (json!({"range_match": {"start": start.to_string(), "end": end.to_string()}}), start.to_string())
        }
        _ => {
            let value = if rng.chance(5) { String::new() } else { value };
            let (string, taken) = text::string_match(rng, &value);
            (json!({"string_match": string}), taken)
        }
    };
    matcher["name"] = json!(name);
    let invert = rng.chance(20);
    if invert {
        matcher["invert_match"] = json!(true);
    }
    if rng.chance(15) {
        matcher["treat_missing_header_as_empty"] = json!(true);
    }
    (matcher, name, (!invert || rng.chance(50)).then_some(fits))
}

fn query(rng: &mut Rng, wanted: &mut Wanted) {
    let name = rng.word(&["q", "r", "Q", "x"]);
    let value = text::value(rng);
    let (mut matcher, fits) = match rng.below(6) {
        0 => (json!({}), Some(name.clone())),
        1 => (json!({"present_match": true}), Some(format!("{name}="))),
        2 => (json!({"present_match": false}), None),
        _ => {
            let (string, taken) = text::string_match(rng, &value);
            (json!({"string_match": string}), Some(format!("{name}={taken}")))
        }
    };
    matcher["name"] = json!(name);
    push(&mut wanted.matcher, "query_parameters", matcher);
    wanted.draft.query.extend(fits);
}

fn cookie(rng: &mut Rng, wanted: &mut Wanted) {
    let name = rng.word(&["c", "d", "session"]);
    let value = rng.word(&["v", "w", "1", "abc"]);
    let (string, taken) = text::string_match(rng, &value);
    let mut matcher = json!({"name": name, "string_match": string});
    if rng.chance(25) {
        matcher["invert_match"] = json!(true);
    }
    push(&mut wanted.matcher, "cookies", matcher);
    let line = match rng.below(4) {
        0 => format!("other=1; {name}={taken}"),
        1 => format!("{name}=\"{taken}\""),
        2 => format!("{name}={taken}; {name}=x"),
        _ => format!("{name}={taken}"),
    };
    wanted.draft.set("cookie", &line);
}
