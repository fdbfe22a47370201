//! Layer: the original destination as the cluster's host. The listener is at the address of a server of its own.

use serde_json::{Value, json};

use super::draft::Draft;
use super::rng::Rng;
use super::{Layer, Spot, Unit};

const OWN_HEADER: &str = "x-dst";
const HEADER: &str = "x-envoy-original-dst-host";

/// One listener of HTTP or TCP, and where it sends what it takes.
pub(super) fn unit(rng: &mut Rng, at: &Spot) -> Unit {
    let mut unit = Unit::new(Layer::Tcp, at);
    let to = format!("${}-here", unit.name);
    if rng.chance(30) {
        let short = cluster(rng, &unit.name);
        let name = unit.own_cluster(short);
        unit.listen(json!({"address": to, "tcp": name}));
        for _ in 0..2 {
            let mut draft = Draft::new(&to);
            draft.protocol = *rng.pick::<&str>(&["tcp", "tcp", "http1"]);
            unit.ask(draft);
        }
        return unit;
    }
    let (mut routes, mut named) = (Vec::new(), Vec::new());
    let count = rng.between(3, 5);
    for index in 0..count {
        let short = cluster(rng, &unit.name);
        // Nobody listens on another port of it, which only trying would show.
        let is_overridden = short.pointer("/original_dst_lb_config/upstream_port_override").is_some();
        named.push(if is_overridden { "127.0.0.1:1" } else { "nonsense" });
        let name = unit.own_cluster(short);
        routes.push(json!({"match": {"prefix": format!("/r{index}")}, "route": {"cluster": name}}));
    }
    unit.listen(json!({"address": to, "http": {"routes": routes}}));
    for (index, address) in named.into_iter().enumerate() {
        for _ in 0..2 {
            let mut draft = Draft::new(&to);
            draft.path = format!("/r{index}");
            if rng.chance(12) {
                let name = rng.word(&[HEADER, OWN_HEADER, "X-Dst", "x-dst2"]);
                draft.headers.push((name, address.to_owned()));
            }
            draft.maybe_http2(rng);
            unit.ask(draft);
        }
    }
    unit
}

fn cluster(rng: &mut Rng, unit: &str) -> Value {
    let mut config = json!({});
    if rng.chance(35) {
        config["upstream_port_override"] = json!(format!("${unit}-there.port"));
    }
    if rng.chance(35) {
        config["use_http_header"] = json!(true);
    }
    if rng.chance(35) {
        config["http_header_name"] = json!(OWN_HEADER);
    }
    let mut short = json!({"type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED"});
    if rng.chance(85) {
        short["original_dst_lb_config"] = config;
    }
    short
}
