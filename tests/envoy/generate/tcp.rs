//! Layer: what a TCP proxy does with the connection.

use serde_json::{Value, json};

use super::draft::Draft;
use super::rng::Rng;
use super::{Layer, Spot, Unit, health};

/// Several listeners, a TCP proxy each.
pub(super) fn unit(rng: &mut Rng, at: &Spot) -> Unit {
    let mut unit = Unit::new(Layer::Tcp, at);
    for index in 0..u16::try_from(rng.between(4, 6)).expect("a few") {
        let tcp = proxy(rng, &mut unit);
        let name = if index == 0 { unit.name.clone() } else { format!("{}-{index}", unit.name) };
        let mut listener = json!({"name": name, "address": at.address(80 + index), "tcp": tcp});
        if rng.chance(20) {
            listener["inspect"] = json!(["tls"]);
        }
        unit.listen(listener);
        for _ in 0..rng.between(2, 3) {
            let mut draft = Draft::new(&at.address(80 + index));
            match rng.below(6) {
                0 => {}
                1 => {
                    draft.protocol = "tls";
                    draft.sni = rng.chance(70).then(|| "a.com".to_owned());
                }
                _ => draft.protocol = "tcp",
            }
            unit.ask(draft);
        }
    }
    unit
}

fn proxy(rng: &mut Rng, unit: &mut Unit) -> Value {
    let mut tcp = if rng.chance(60) {
        json!({"cluster": cluster(rng, unit)})
    } else {
        let mut entries: Vec<Value> = Vec::new();
        for _ in 0..rng.between(1, 3) {
            let name = cluster(rng, unit);
            if !entries.iter().any(|entry| entry["name"] == name) {
                entries.push(json!({"name": name, "weight": *rng.pick(&[1, 1, 2, 5, 20])}));
            }
        }
        json!({"weighted_clusters": {"clusters": entries}})
    };
    for (field, value) in [("max_connect_attempts", json!(2)), ("idle_timeout", json!("30s"))] {
        if rng.chance(10) {
            tcp[field] = value;
        }
    }
    tcp
}

fn cluster(rng: &mut Rng, unit: &mut Unit) -> String {
    match rng.below(12) {
        0 => unit.cluster("empty", json!([])),
        1 => unit.missing(),
        2 => unit.refusing(),
        3 | 4 => {
            let short = health::cluster(rng);
            unit.own_cluster(short)
        }
        5 => {
            let field = rng.word(&["max_connections", "max_requests", "max_pending_requests", "max_retries"]);
            let priority = rng.word(&["DEFAULT", "DEFAULT", "HIGH"]);
            let thresholds = json!({"thresholds": [{"priority": priority, field: *rng.pick(&[0, 0, 1000])}]});
            unit.own_cluster(json!({"endpoints": ["$b"], "circuit_breakers": thresholds}))
        }
        _ => unit.live(rng),
    }
}
