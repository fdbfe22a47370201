//! Layer: which filter chain of a listener takes the connection.

use serde_json::{Value, json};

use super::draft::Draft;
use super::rng::Rng;
use super::{Layer, Spot, Unit, text};

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
    if !inspect.is_empty() {
        listener["inspect"] = json!(inspect);
    }
    let port = at.own_port();
    let wildcard = rng.chance(50);
    if wildcard {
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
    if rng.chance(2) {
        wanted["source_ports"] = json!([1111]);
    }
    wanted
}
