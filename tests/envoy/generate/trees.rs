//! Layer: matcher trees in place of routes and of filter chain matches, and paths that meet a template.

use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::rng::Rng;
use super::{Layer, Spot, Unit, manager, text};

const ROUTE: &str = "type.googleapis.com/envoy.config.route.v3.Route";
const ROUTES: &str = "type.googleapis.com/envoy.config.route.v3.RouteList";
const HEADER: &str = "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput";
const NETWORK: &str = "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3";
const ADDRESSES: &str = "type.googleapis.com/xds.type.matcher.v3.IPMatcher";
const NAME: &str = "type.googleapis.com/google.protobuf.StringValue";
const TEMPLATE: &str = "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";
const PATHS: &[&str] = &["/", "/a", "/a/b", "/a/b/c", "/b", "/b/x.y", "/ab"];
const CHAINS: usize = 3;

/// One listener: with trees for chains, or for routes, or with templates.
pub(super) fn unit(rng: &mut Rng, at: &Spot) -> Unit {
    match rng.below(3) {
        0 => chains(rng, at),
        1 => templates(rng, at),
        _ => hosts(rng, at),
    }
}

/// What is at the end of a branch.
type Leaf<'a> = &'a mut dyn FnMut(&mut Rng) -> Value;

/// Inputs, and for each the values that requests bring.
#[derive(Clone, Copy)]
struct Inputs<'a> {
    all: &'a [(Value, Vec<String>)],
    addresses: Option<&'a str>,
}

fn named(input: &Value) -> Value {
    json!({"name": "input", "typed_config": input})
}

fn matcher(rng: &mut Rng, inputs: Inputs<'_>, leaf: Leaf<'_>, depth: usize) -> Value {
    let mut matcher = match (rng.below(5), inputs.addresses) {
        (0, Some(subnet)) => json!({"matcher_tree": by_address(rng, inputs, subnet, leaf, depth)}),
        (0..=2, _) => json!({"matcher_list": list(rng, inputs, leaf, depth)}),
        _ => json!({"matcher_tree": tree(rng, inputs, leaf, depth)}),
    };
    if rng.chance(40) {
        matcher["on_no_match"] = on_match(rng, inputs, leaf, depth);
    }
    matcher
}

fn on_match(rng: &mut Rng, inputs: Inputs<'_>, leaf: Leaf<'_>, depth: usize) -> Value {
    if depth < 2 && rng.chance(35) {
        return json!({"matcher": matcher(rng, inputs, leaf, depth + 1)});
    }
    json!({"action": {"name": "action", "typed_config": leaf(rng)}})
}

fn tree(rng: &mut Rng, inputs: Inputs<'_>, leaf: Leaf<'_>, depth: usize) -> Value {
    let (input, values) = rng.pick(inputs.all).clone();
    let mut map = Map::new();
    for _ in 0..rng.between(1, 3) {
        let value = rng.pick(&values).clone();
        let value: String = if rng.chance(30) { value.chars().take(2).collect() } else { value };
        if !value.is_empty() {
            map.insert(value, on_match(rng, inputs, leaf, depth));
        }
    }
    if map.is_empty() {
        map.insert("nothing".to_owned(), on_match(rng, inputs, leaf, depth));
    }
    let field = rng.word(&["exact_match_map", "prefix_match_map"]);
    json!({"input": named(&input), field: {"map": map}})
}

fn by_address(rng: &mut Rng, inputs: Inputs<'_>, subnet: &str, leaf: Leaf<'_>, depth: usize) -> Value {
    let mut ranges = Vec::new();
    for _ in 0..rng.between(1, 3) {
        let (prefix, length) = *rng.pick(&[("1", 32), ("2", 32), ("0", 24), ("2", 31)]);
        let mut range = json!({
            "ranges": [{"address_prefix": format!("{subnet}.{prefix}"), "prefix_len": length}],
            "on_match": on_match(rng, inputs, leaf, depth),
        });
        if rng.chance(20) {
            range["exclusive"] = json!(true);
        }
        ranges.push(range);
    }
    let by = json!({"@type": ADDRESSES, "range_matchers": ranges});
    json!({
        "input": named(&json!({"@type": format!("{NETWORK}.DestinationIPInput")})),
        "custom_match": {"name": "ip", "typed_config": by},
    })
}

fn list(rng: &mut Rng, inputs: Inputs<'_>, leaf: Leaf<'_>, depth: usize) -> Value {
    let matchers: Vec<Value> = (0..rng.between(1, 3))
        .map(|_| {
            let predicate = predicate(rng, inputs, 0);
            json!({"predicate": predicate, "on_match": on_match(rng, inputs, leaf, depth)})
        })
        .collect();
    json!({"matchers": matchers})
}

fn predicate(rng: &mut Rng, inputs: Inputs<'_>, depth: usize) -> Value {
    let two = |rng: &mut Rng| -> Value { (0..2).map(|_| predicate(rng, inputs, depth + 1)).collect() };
    match rng.below(if depth < 2 { 9 } else { 6 }) {
        6 => json!({"and_matcher": {"predicate": two(rng)}}),
        7 => json!({"or_matcher": {"predicate": two(rng)}}),
        8 => json!({"not_matcher": predicate(rng, inputs, depth + 1)}),
        _ => {
            let (input, values) = rng.pick(inputs.all).clone();
            let value = rng.pick(&values).clone();
            // What an extension makes of it is open.
            if rng.chance(1) {
                return json!({"single_predicate": {"input": named(&input), "custom_match": by_extension()}});
            }
            let (mut string, _) = text::string_match(rng, &value);
            if let Some(regex) = string.get_mut("safe_regex") {
                regex["google_re2"] = json!({});
            }
            json!({"single_predicate": {"input": named(&input), "value_match": string}})
        }
    }
}

fn by_extension() -> Value {
    json!({"name": "ip", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.matching.input_matchers.ip.v3.Ip",
        "cidr_ranges": [{"address_prefix": "10.244.0.0", "prefix_len": 16}],
        "stat_prefix": "ip",
    }})
}

fn hosts(rng: &mut Rng, at: &Spot) -> Unit {
    let mut unit = Unit::new(Layer::Trees, at);
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let header = |name: &str| json!({"@type": HEADER, "header_name": name});
    let inputs = [
        (header(":path"), words(PATHS)),
        (header("x-a"), words(&["v", "w", "v,w", "v1"])),
        (header(":method"), words(&["GET", "POST"])),
        (header(":authority"), words(&["a.com", "b.com"])),
    ];
    let mut count = 0;
    let mut leaf = |rng: &mut Rng| {
        let mut one = |rng: &mut Rng| {
            count += 1;
            let path = rng.word(&["/", "/", "/", "/a", "/b"]);
            let mut route = match rng.below(4) {
                0 => json!({"route": {"cluster": unit.live(rng)}}),
                1 => json!({"redirect": {"path_redirect": "/new"}}),
                _ => json!({"direct_response": {"status": *rng.pick(&[201, 202, 203, 403])}}),
            };
            route["name"] = json!(format!("{}.r{count}", unit.name));
            route["match"] = json!({rng.word(&["prefix", "prefix", "path"]): path});
            if rng.chance(10) {
                route["match"]["headers"] = json!([{"name": "x-b"}]);
            }
            route
        };
        if rng.chance(20) {
            let routes: Vec<Value> = (0..2).map(|_| one(rng)).collect();
            return json!({"@type": ROUTES, "routes": routes});
        }
        let mut route = one(rng);
        route["@type"] = json!(ROUTE);
        route
    };
    let mut hosts = Vec::new();
    for domain in ["a.com", "*"] {
        let all = Inputs { all: &inputs, addresses: None };
        hosts.push(
            json!({"name": format!("host {domain}"), "domains": [domain], "matcher": matcher(rng, all, &mut leaf, 0)}),
        );
    }
    let mut http = json!({"virtual_hosts": hosts});
    manager::options(rng, &mut http, 4);
    unit.listen(json!({"http": http}));
    for _ in 0..rng.between(10, 14) {
        let mut draft = Draft::new(&at.address(80));
        draft.host = rng.word(&["a.com", "b.com"]);
        draft.path = rng.word(PATHS);
        draft.method = rng.word(&["GET", "GET", "POST"]);
        for name in ["x-a", "x-b"] {
            if rng.chance(50) {
                draft.set(name, &rng.word(&["v", "w", "v,w", "v1"]));
            }
        }
        if rng.chance(40) {
            draft.miss(rng);
        }
        draft.maybe_http2(rng);
        unit.ask(draft);
    }
    unit
}

fn chains(rng: &mut Rng, at: &Spot) -> Unit {
    let mut unit = Unit::new(Layer::Trees, at);
    let network = |name: &str| json!({"@type": format!("{NETWORK}.{name}")});
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let inputs = [
        (network("DestinationPortInput"), words(&["80", "81", "8080"])),
        (network("ServerNameInput"), words(&["a.com", "x.a.com", "b.com"])),
        (network("TransportProtocolInput"), words(&["tls", "raw_buffer"])),
        (network("ApplicationProtocolInput"), words(&["'h2'", "'http/1.1'", "'h2c'"])),
        (network("SourceIPInput"), words(&["10.244.0.9", "127.0.0.1"])),
    ];
    let mut leaf = |rng: &mut Rng| {
        let chain = if rng.chance(5) { "nobody".to_owned() } else { format!("c{}", rng.below(CHAINS)) };
        json!({"@type": NAME, "value": chain})
    };
    let subnet = at.ip(0);
    let subnet = subnet.strip_suffix(".0").map(str::to_owned);
    let matcher = matcher(rng, Inputs { all: &inputs, addresses: subnet.as_deref() }, &mut leaf, 0);
    let chains: Vec<Value> =
        (0..CHAINS).map(|number| json!({"name": format!("c{number}"), "tcp": unit.live(rng)})).collect();
    let mut listener = json!({"filter_chain_matcher": matcher, "chains": chains});
    if rng.chance(40) {
        listener["default_chain"] = json!({"name": "default", "tcp": unit.live(rng)});
    }
    if rng.chance(75) {
        listener["inspect"] = json!(rng.pick(&[["tls", "http"].as_slice(), &["tls"], &["http"]]));
    }
    listener["additional_addresses"] =
        json!([at.address(81), format!("{}:80", at.ip(2)), format!("{}:8080", at.ip(3))]);
    unit.listen(listener);
    for _ in 0..rng.between(10, 14) {
        let to = [at.address(80), at.address(81), format!("{}:80", at.ip(2)), format!("{}:8080", at.ip(3))];
        let mut draft = Draft::new(rng.pick::<String>(&to));
        match rng.below(6) {
            0 => draft.protocol = "http2",
            1 => draft.protocol = "tcp",
            2..=4 => {
                draft.protocol = "tls";
                let name = rng.word(&["a.com", "x.a.com", "b.com", "A.com"]);
                draft.sni = rng.chance(85).then_some(name);
            }
            _ => {}
        }
        unit.ask(draft);
    }
    unit
}

fn templates(rng: &mut Rng, at: &Spot) -> Unit {
    let mut unit = Unit::new(Layer::Trees, at);
    let all = [
        ("/t/*/x", &["/t/1/x", "/t/1/y", "/t//x", "/t/a%20b/x"][..]),
        ("/u/{a}/x/*/**", &["/u/1/x/2/", "/u/1/x/2/3/4", "/u/1/x/2"]),
        ("/f/**.m3u8", &["/f/a/b.m3u8", "/f/.m3u8", "/f/am3u8"]),
        ("/v/{v=a/*}.js", &["/v/a/b.js", "/v/b/b.js", "/v/a/b/c.js"]),
        ("/h/{v=**}", &["/h/", "/h/a/b", "/h"]),
        ("/l/a.b+c(d)$", &["/l/a.b+c(d)$", "/l/axb+c(d)$"]),
        ("/s/*/", &["/s/1/", "/s/1"]),
        ("/n/{a}/{b}", &["/n/1/2", "/n/1/2/3", "/n/1/"]),
        ("/{any}", &["/x", "/x/", "/"]),
        ("/**", &["/x/y", "/"]),
    ];
    let mut chosen = Vec::new();
    let mut routes = Vec::new();
    for _ in 0..rng.between(2, 5) {
        let (template, paths) = *rng.pick(&all);
        chosen.push(paths);
        let policy = json!({"name": "t", "typed_config": {"@type": TEMPLATE, "path_template": template}});
        let mut wanted = json!({"path_match_policy": policy});
        if rng.chance(15) {
            wanted["headers"] = json!([{"name": "x-a"}]);
        }
        let status = 200 + routes.len();
        routes.push(json!({"match": wanted, "direct_response": {"status": status}}));
    }
    let mut http = json!({"routes": routes});
    if rng.chance(20) {
        http["route_config"] = json!({"ignore_path_parameters_in_path_matching": true});
    }
    unit.listen(json!({"http": http}));
    for _ in 0..rng.between(10, 14) {
        let mut draft = Draft::new(&at.address(80));
        let paths: &[&str] = rng.pick::<&[&str]>(&chosen);
        draft.path = rng.word(paths);
        if rng.chance(30) {
            draft.set("x-a", "1");
        }
        if rng.chance(40) {
            draft.miss(rng);
        }
        draft.maybe_http2(rng);
        unit.ask(draft);
    }
    unit
}
