//! Clusters whose hosts' health Envoy finds out by itself: by probes, and by what they answer.

use serde_json::{Value, json};

use super::Unit;
use super::rng::Rng;

/// One whose hosts are probed before it serves. A host that keeps silent must not get a request, nor one that refuses
/// beside others: no panic, then.
pub(super) fn by_probes(rng: &mut Rng, unit: &mut Unit) -> String {
    let mut endpoints = Vec::new();
    for _ in 0..rng.between(1, 4) {
        let host = rng.word(&["$a", "$a", "$b", "$c", "$broken", "$silent", "$refused"]);
        if !endpoints.iter().any(|endpoint: &Value| endpoint["at"] == host) {
            endpoints.push(json!({"at": host, "health": rng.word(&["HEALTHY", "HEALTHY", "DEGRADED", "UNHEALTHY"])}));
        }
    }
    let is_sound = |endpoint: &Value| endpoint["at"] != "$silent" && endpoint["at"] != "$refused";
    let may_panic = endpoints.iter().all(is_sound);
    // What the first probe finds has to hold until the last request; on a busy machine an answer takes long. For the
    // one that keeps silent, Envoy waits all of it before it serves.
    let keeps_silent = endpoints.iter().any(|endpoint| endpoint["at"] == "$silent");
    let timeout = if keeps_silent { "5s" } else { "60s" };
    let mut check = json!({"timeout": timeout, "interval": "3600s", "no_traffic_interval": "3600s"});
    check["unhealthy_threshold"] = json!(1);
    check["healthy_threshold"] = json!(1);
    // One that accepts connections and never answers is sound to a probe of TCP.
    if may_panic && rng.chance(40) {
        check["tcp_health_check"] = json!({});
    } else {
        check["http_health_check"] = json!({"path": "/"});
    }
    let threshold = if may_panic { *rng.pick(&[0, 50, 80]) } else { 0 };
    let policy = rng.word(&["ROUND_ROBIN", "RANDOM", "LEAST_REQUEST"]);
    unit.own_cluster(json!({
        "eds": rng.chance(50),
        "endpoints": endpoints,
        "health_checks": [check],
        "common_lb_config": {"healthy_panic_threshold": {"value": threshold}},
        "lb_policy": policy,
    }))
}

/// One that throws out a host with its first failure. Which are out must be settled before the question is asked, so
/// it has few.
pub(super) fn by_answers(rng: &mut Rng, unit: &mut Unit) -> String {
    unit.warm = true;
    let hosts: &[&str] = rng.pick::<&[&str]>(&[&["$broken"], &["$broken", "$a"], &["$broken", "$broken-b"]]);
    let threshold = *rng.pick(&[0, 30, 50, 80]);
    let mut detection = json!({"consecutive_5xx": 1, "interval": "3600s", "base_ejection_time": "3600s"});
    if rng.chance(85) {
        detection["max_ejection_percent"] = json!(*rng.pick(&[0, 50, 100, 100]));
    }
    unit.own_cluster(json!({
        "endpoints": hosts,
        // Else the next one stays for a second.
        "common_lb_config": {"healthy_panic_threshold": {"value": threshold}, "update_merge_window": "0s"},
        "outlier_detection": detection,
    }))
}
