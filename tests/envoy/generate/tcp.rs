//! Layer: what a TCP proxy does with the connection.

use serde_json::{Value, json};

use super::draft::Draft;
use super::rng::Rng;
use super::{Layer, Spot, Unit, Version, health, originals, sockets, subsets};

/// Several listeners, a TCP proxy each.
pub(super) fn unit(rng: &mut Rng, at: &Spot, version: Version) -> Unit {
    if rng.chance(25) {
        return originals::unit(rng, at);
    }
    let mut unit = Unit::new(Layer::Tcp, at);
    for index in 0..u16::try_from(rng.between(4, 6)).expect("a few") {
        let tcp = proxy(rng, &mut unit, version);
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

fn proxy(rng: &mut Rng, unit: &mut Unit, version: Version) -> Value {
    let mut tcp = if rng.chance(60) {
        if rng.chance(12) {
            json!({"cluster": sockets::refusing(rng, unit)})
        } else {
            json!({"cluster": cluster(rng, unit, version)})
        }
    } else {
        let mut entries: Vec<Value> = Vec::new();
        for _ in 0..rng.between(1, 3) {
            let name = cluster(rng, unit, version);
            if !entries.iter().any(|entry| entry["name"] == name) {
                let mut entry = json!({"name": name, "weight": *rng.pick(&[1, 1, 2, 5, 20])});
                if rng.chance(25) {
                    entry["metadata_match"] = subsets::wanted(rng);
                }
                entries.push(entry);
            }
        }
        json!({"weighted_clusters": {"clusters": entries}})
    };
    if rng.chance(30) {
        tcp["metadata_match"] = subsets::wanted(rng);
    }
    for (field, value) in [("max_connect_attempts", json!(2)), ("idle_timeout", json!("30s"))] {
        if rng.chance(10) {
            tcp[field] = value;
        }
    }
    tcp
}

fn cluster(rng: &mut Rng, unit: &mut Unit, version: Version) -> String {
    match rng.below(15) {
        0 => unit.cluster("empty", json!([])),
        1 => unit.missing(),
        2 => unit.refusing(),
        3 | 4 => {
            let short = health::cluster(rng, version);
            unit.own_cluster(short)
        }
        5 => {
            let field = rng.word(&["max_connections", "max_requests", "max_pending_requests", "max_retries"]);
            let priority = rng.word(&["DEFAULT", "DEFAULT", "HIGH"]);
            let thresholds = json!({"thresholds": [{"priority": priority, field: *rng.pick(&[0, 0, 1000])}]});
            unit.own_cluster(json!({"endpoints": ["$b"], "circuit_breakers": thresholds}))
        }
        6 | 7 => {
            let short = subsets::cluster(rng);
            unit.own_cluster(short)
        }
        _ => unit.live(rng),
    }
}
