//! Layer: which virtual host takes the Host.

use serde_json::{Value, json};

use super::draft::Draft;
use super::rng::Rng;
use super::{Layer, Spot, Unit, VERSION_OF_VHOST_HEADER, Version, manager, text};

const DOMAINS: &[&str] = &[
    "a.com",
    "b.com",
    "x.a.com",
    "*.a.com",
    "*.com",
    "*com",
    "a.*",
    "a.b*",
    "*",
    "*",
    "A.org",
    "a.com:80",
    "a.com:8080",
    "*:80",
    "a*b.com",
    "*-a.com",
    "[2001:db8::1]",
    "[2001:db8::1]:80",
    "a.com.*",
    "*.x.a.com",
    "localhost",
    "10.1.2.3",
    "a",
    "*.a.com:80",
    "a.com.",
];

/// One listener, several virtual hosts.
pub(super) fn unit(rng: &mut Rng, at: &Spot, version: Version) -> Unit {
    let mut unit = Unit::new(Layer::Hosts, at);
    let mut used: Vec<String> = Vec::new();
    let mut hosts = Vec::new();
    for index in 0..rng.between(1, 6) {
        let mut domains = Vec::new();
        for _ in 0..rng.between(1, 3) {
            let domain = rng.word(DOMAINS);
            if !used.contains(&domain.to_ascii_lowercase()) {
                used.push(domain.to_ascii_lowercase());
                domains.push(domain);
            }
        }
        if !domains.is_empty() {
            hosts.push(virtual_host(rng, &mut unit, index, &domains));
        }
    }
    let mut http = json!({});
    let mut config = json!({});
    for (field, percent) in
        [("strip_any_host_port", 20), ("strip_matching_host_port", 15), ("strip_trailing_host_dot", 15)]
    {
        if rng.chance(percent) && (field != "strip_matching_host_port" || http.get("strip_any_host_port").is_none()) {
            http[field] = json!(true);
        }
    }
    if rng.chance(20) {
        config["ignore_port_in_host_matching"] = json!(true);
    }
    if rng.chance(10) && version >= VERSION_OF_VHOST_HEADER {
        config["vhost_header"] = json!("x-host");
    }
    manager::options(rng, &mut http, 4);
    source(rng, &mut unit, &mut http, config, &hosts);
    unit.listen(json!({"http": http}));
    for _ in 0..rng.between(10, 14) {
        let draft = request(rng, at, &used);
        unit.ask(draft);
    }
    unit
}

/// The routes stand in the connection manager, or are discovered, or never come.
fn source(rng: &mut Rng, unit: &mut Unit, http: &mut Value, mut config: Value, hosts: &[Value]) {
    if rng.chance(75) {
        http["virtual_hosts"] = json!(hosts);
        http["route_config"] = config;
        return;
    }
    let name = format!("{}-routes", unit.name);
    http["rds"] = json!(name);
    config["virtual_hosts"] = json!(hosts);
    let gone = rng.chance(10);
    unit.insert("route_configs", &name, if gone { Value::Null } else { config });
}

fn virtual_host(rng: &mut Rng, unit: &mut Unit, index: usize, domains: &[String]) -> Value {
    let route = match rng.below(5) {
        0 => json!({"match": {"path": "/only"}, "direct_response": {"status": 200}}),
        1 => json!({"match": {"prefix": "/"}, "route": {"cluster": unit.live(rng)}}),
        _ => json!({"match": {"prefix": "/"}, "direct_response": {"status": 210}}),
    };
    let mut host = json!({"name": format!("h{index}"), "domains": domains, "routes": [route]});
    if rng.chance(12) {
        host["require_tls"] = json!(rng.word(&["ALL", "EXTERNAL_ONLY", "NONE"]));
    }
    if rng.chance(8) {
        host["retry_policy"] = json!({"retry_on": "5xx", "num_retries": 1});
    }
    if rng.chance(5) {
        host["routes"] = json!([]);
    }
    host
}

fn request(rng: &mut Rng, at: &Spot, domains: &[String]) -> Draft {
    let mut draft = Draft::new(&at.address(80));
    let domain = if domains.is_empty() { "a.com".to_owned() } else { rng.pick(domains).clone() };
    let filled = domain.replace('*', &rng.word(&["x", "x", "a", "", "x.y", "y.x"]));
    draft.host = near_host(rng, &filled);
    if rng.chance(20) {
        draft.path = rng.word(&["/only", "/other"]);
    }
    if rng.chance(15) {
        draft.headers.push(("x-host".to_owned(), near_host(rng, &filled)));
    }
    if rng.chance(8) {
        draft.headers.push(("x-forwarded-proto".to_owned(), rng.word(&["https", "http"])));
    }
    draft.maybe_http2(rng);
    draft
}

fn near_host(rng: &mut Rng, host: &str) -> String {
    let without = host.rsplit_once(':').filter(|(_, port)| !port.contains(']')).map_or(host, |(name, _)| name);
    match rng.below(14) {
        0 => format!("{without}:80"),
        1 => format!("{without}:8080"),
        2 => without.to_owned(),
        3 => text::flip_case(rng, host),
        4 => format!("{without}."),
        5 => format!("{without}.:80"),
        6 => format!("x.{host}"),
        7 => format!("{host}x"),
        8 => format!("x{host}"),
        9 => host.strip_prefix("x.").unwrap_or(host).to_owned(),
        10 => rng.word(&["other.org", "a.com", "b.com", "a"]),
        _ => host.to_owned(),
    }
}
