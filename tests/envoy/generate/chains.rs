//! Layer: which filter chain of a listener takes the connection.

use serde_json::{Value, json};

use super::draft::Draft;
use super::rng::Rng;
use super::{Layer, Spot, Unit, text};

const LISTENER_FILTERS: &str = "type.googleapis.com/envoy.extensions.filters.listener";
const NAMES: &[&str] = &["a.com", "x.a.com", "*.a.com", "*.com", "y.x.a.com", "B.org", "a", "*.x.a.com"];

/// One listener on several addresses, several chains.
pub(super) fn unit(rng: &mut Rng, at: &Spot) -> Unit {
    let mut unit = Unit::new(Layer::Chains, at);
    let http = rng.chance(40);
    let mut chains: Vec<Value> = Vec::new();
    for index in 0..rng.between(1, 6) {
        let wanted = criteria(rng, at);
        if chains.iter().any(|chain| chain["match"] == wanted) {
            continue;
        }
        chains.push(chain(rng, &mut unit, http, &format!("c{index}"), Some(wanted)));
    }
    let mut listener = json!({"chains": chains});
    if rng.chance(40) {
        listener["default_chain"] = chain(rng, &mut unit, http, "default", None);
    }
    let inspect: &[&str] = match rng.below(6) {
        0 => &[],
        1 => &["http"],
        2 | 3 => &["tls"],
        _ => &["tls", "http"],
    };
    if rng.chance(35) {
        let filters: Vec<Value> = inspect.iter().map(|kind| inspector(rng, at, kind)).collect();
        listener["listener_filters"] = json!(filters);
    } else if !inspect.is_empty() {
        listener["inspect"] = json!(inspect);
    }
    if rng.chance(15) {
        listener["deprecated_v1"] = json!({"bind_to_port": rng.chance(50)});
    }
    let port = at.own_port();
    let wildcard = rng.chance(50);
    if wildcard && rng.chance(30) {
        // The other family's, which takes these only where it says so; else a second address does.
        let compat = rng.chance(75);
        listener["address"] = json!({"socket_address": {"address": "::", "port_value": port, "ipv4_compat": compat}});
        if !compat {
            listener["additional_addresses"] = json!([format!("0.0.0.0:{port}")]);
        }
    } else if wildcard {
        listener["address"] = json!(format!("0.0.0.0:{port}"));
    } else {
        let more = [at.address(81), format!("{}:80", at.ip(2)), format!("{}:8080", at.ip(3))];
        listener["additional_addresses"] = json!(more);
    }
    unit.listen(listener);
    for _ in 0..rng.between(10, 14) {
        let mut draft = Draft::new(&dialed(rng, at, wildcard.then_some(port)));
        speak(rng, &mut draft, http);
        unit.ask(draft);
    }
    unit
}

/// A listener filter that is off for some connections.
fn inspector(rng: &mut Rng, at: &Spot, kind: &str) -> Value {
    let name = if kind == "tls" { "tls_inspector.v3.TlsInspector" } else { "http_inspector.v3.HttpInspector" };
    let mut filter = json!({"name": kind, "typed_config": {"@type": format!("{LISTENER_FILTERS}.{name}")}});
    if rng.chance(75) {
        filter["filter_disabled"] = connections(rng, at, 0);
    }
    filter
}

/// A `ListenerFilterChainMatchPredicate`.
fn connections(rng: &mut Rng, at: &Spot, depth: usize) -> Value {
    let two = |rng: &mut Rng| -> Vec<Value> { (0..2).map(|_| connections(rng, at, depth + 1)).collect() };
    match rng.below(if depth < 2 { 11 } else { 5 }) {
        0 => json!({"any_match": true}),
        5 | 6 => json!({"not_match": connections(rng, at, depth + 1)}),
        7 | 8 => json!({"or_match": {"rules": two(rng)}}),
        9 | 10 => json!({"and_match": {"rules": two(rng)}}),
        _ => {
            let start = *rng.pick(&[80, 81, 8079, 8080, at.own_port() - 1, at.own_port()]);
            json!({"destination_port_range": {"start": start, "end": start + *rng.pick(&[1, 2])}})
        }
    }
}

fn dialed(rng: &mut Rng, at: &Spot, port: Option<u16>) -> String {
    match port {
        Some(port) => {
            format!("{}:{port}", rng.pick(&[at.ip(1), at.ip(2), at.ip(200), format!("127.2.{}.1", at.number)]))
        }
        None => {
            rng.word(&[&at.address(80), &at.address(81), &format!("{}:80", at.ip(2)), &format!("{}:8080", at.ip(3))])
        }
    }
}

fn speak(rng: &mut Rng, draft: &mut Draft, http: bool) {
    match rng.below(if http { 4 } else { 10 }) {
        0..=2 => {}
        3 => draft.protocol = "http2",
        4 | 5 => draft.protocol = "tcp",
        _ => {
            draft.protocol = "tls";
            let name = rng.word(NAMES).replace('*', "z");
            draft.sni = match rng.below(8) {
                0 => None,
                1 => Some(text::flip_case(rng, &name)),
                2 => Some(format!("q.{name}")),
                3 => Some(name.trim_start_matches("z.").to_owned()),
                _ => Some(name),
            };
        }
    }
}

fn chain(rng: &mut Rng, unit: &mut Unit, http: bool, name: &str, wanted: Option<Value>) -> Value {
    let mut chain = json!({"name": name});
    if http {
        let status = 200 + rng.between(0, 4);
        chain["http"] = json!({"routes": [{"match": {"prefix": "/"}, "direct_response": {"status": status}}]});
    } else {
        chain["tcp"] = json!(unit.live(rng));
    }
    if let Some(wanted) = wanted {
        chain["match"] = wanted;
    }
    chain
}

fn range(text: &str) -> Value {
    let (prefix, length) = text.split_once('/').expect("a length");
    json!({"address_prefix": prefix, "prefix_len": length.parse::<u32>().expect("a length")})
}

fn criteria(rng: &mut Rng, at: &Spot) -> Value {
    let mut wanted = json!({});
    let some = |rng: &mut Rng, from: &[&str]| -> Vec<String> {
        let mut chosen: Vec<String> = (0..rng.between(1, 2)).map(|_| rng.word(from)).collect();
        chosen.sort();
        chosen.dedup();
        chosen
    };
    if rng.chance(20) {
        wanted["destination_port"] = json!(*rng.pick(&[80, 81, 8080, usize::from(at.own_port())]));
    }
    if rng.chance(30) {
        let ranges = [
            format!("{}/32", at.ip(1)),
            format!("{}/24", at.ip(0)),
            format!("{}/31", at.ip(2)),
            "127.1.0.0/16".to_owned(),
            "127.2.0.0/15".to_owned(),
        ];
        let mut ranges: Vec<&str> = ranges.iter().map(String::as_str).collect();
        // Beside an unset range, Envoy takes either: seldom, then.
        if rng.chance(3) {
            ranges = vec!["0.0.0.0/0"];
        }
        wanted["prefix_ranges"] = some(rng, &ranges).iter().map(|text| range(text)).collect();
    }
    if rng.chance(35) {
        wanted["server_names"] = json!(some(rng, NAMES));
    }
    if rng.chance(30) {
        wanted["transport_protocol"] = json!(rng.word(&["tls", "tls", "raw_buffer", "quic"]));
    }
    if rng.chance(30) {
        wanted["application_protocols"] = json!(some(rng, &["h2", "http/1.1", "http/1.0", "h2c", "istio"]));
    }
    if rng.chance(12) {
        wanted["source_type"] = json!(rng.word(&["ANY", "SAME_IP_OR_LOOPBACK", "EXTERNAL"]));
    }
    if rng.chance(20) {
        let ranges = ["10.244.0.9/32", "10.244.0.0/16", "10.0.0.0/8", "192.168.0.0/16", "0.0.0.0/0"];
        wanted["source_prefix_ranges"] = some(rng, &ranges).iter().map(|text| range(text)).collect();
    }
    if rng.chance(15) {
        // The peer's own address, and the one that a PROXY header gives, are in the same of these.
        let mut ranges = ["0.0.0.0/1", "0.0.0.0/1", "128.0.0.0/1", "192.168.0.0/16"];
        if rng.chance(5) {
            ranges[0] = "0.0.0.0/0";
        }
        wanted["direct_source_prefix_ranges"] = some(rng, &ranges).iter().map(|text| range(text)).collect();
    }
    if rng.chance(2) {
        wanted["source_ports"] = json!([1111]);
    }
    wanted
}
