//! `/clusters` in its text form, as the JSON form would have said it.
//!
//! A line is `CLUSTER::ADDRESS::KEY::VALUE` for a host and `CLUSTER::KEY::VALUE[::…]` for the cluster itself.
//! Addresses of IPv6 hosts hold `::` too, so lines are taken apart from the right.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What the keys of a host line are in the JSON form.
const COUNTERS: &[&str] = &["cx_connect_fail", "cx_total", "rq_error", "rq_success", "rq_timeout", "rq_total"];
const GAUGES: &[&str] = &["cx_active", "rq_active", "rq_pending_active"];

/// The statuses, by cluster name; `None` if this is not the text form of `/clusters`.
pub(super) fn parse(text: &str) -> Option<BTreeMap<String, Value>> {
    let mut clusters: BTreeMap<String, Value> = BTreeMap::new();
    let mut hosts: BTreeMap<(String, String), BTreeMap<String, String>> = BTreeMap::new();
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        let (rest, value) = line.rsplit_once("::")?;
        let (subject, key) = rest.rsplit_once("::").unwrap_or((rest, ""));
        if let Some((cluster, address)) = subject.split_once("::").filter(|(_, address)| is_address(address)) {
            let host = hosts.entry((cluster.to_owned(), address.to_owned())).or_default();
            host.insert(key.to_owned(), value.to_owned());
            continue;
        }
        let name = line.split("::").next().unwrap_or_default();
        let status = clusters.entry(name.to_owned()).or_insert_with(|| json!({ "name": name }));
        if key == "added_via_api" {
            status["added_via_api"] = json!(value == "true");
        }
        if key == "eds_service_name" {
            status["eds_service_name"] = json!(value);
        }
    }
    for ((cluster, address), keys) in hosts {
        let status = clusters.entry(cluster.clone()).or_insert_with(|| json!({ "name": cluster }));
        if status.get("host_statuses").is_none() {
            status["host_statuses"] = json!([]);
        }
        if let Some(list) = status["host_statuses"].as_array_mut() {
            list.push(host_status(&address, &keys));
        }
    }
    (!clusters.is_empty()).then_some(clusters)
}

fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
        || text.starts_with('/')
        || text.starts_with("envoy://")
}

fn host_status(address: &str, keys: &BTreeMap<String, String>) -> Value {
    let number = |key: &str| keys.get(key).and_then(|v| v.parse::<u64>().ok()).unwrap_or(0);
    let metric = |key: &&str, gauge: bool| {
        let mut metric = json!({"name": key, "value": number(key).to_string()});
        if gauge {
            metric["type"] = json!("GAUGE");
        }
        metric
    };
    let mut stats: Vec<Value> = COUNTERS.iter().map(|key| metric(key, false)).collect();
    stats.extend(GAUGES.iter().map(|key| metric(key, true)));
    let mut status = json!({
        "address": host_address(address),
        "stats": stats,
        "health_status": health(keys.get("health_flags").map_or("healthy", String::as_str)),
        "weight": number("weight"),
        "priority": number("priority"),
        "locality": {},
    });
    for key in ["region", "zone", "sub_zone"] {
        if let Some(value) = keys.get(key).filter(|v| !v.is_empty()) {
            status["locality"][key] = json!(value);
        }
    }
    if let Some(hostname) = keys.get("hostname").filter(|v| !v.is_empty()) {
        status["hostname"] = json!(hostname);
    }
    status
}

fn host_address(address: &str) -> Value {
    if let Some(rest) = address.strip_prefix("envoy://") {
        let (listener, id) = rest.split_once('/').unwrap_or((rest, ""));
        return json!({"envoy_internal_address": {"server_listener_name": listener, "endpoint_id": id}});
    }
    match address.rsplit_once(':') {
        Some((ip, port)) if !address.starts_with('/') => {
            let ip = ip.trim_start_matches('[').trim_end_matches(']');
            json!({"socket_address": {"address": ip, "port_value": port.parse::<u16>().unwrap_or(0)}})
        }
        _ => json!({"pipe": {"path": address}}),
    }
}

/// `/failed_outlier_check/eds_status_draining` or `healthy`.
fn health(flags: &str) -> Value {
    let mut status = json!({"eds_health_status": "HEALTHY"});
    for flag in flags.split('/').filter(|f| !f.is_empty() && *f != "healthy") {
        match flag {
            "failed_active_hc" => status["failed_active_health_check"] = json!(true),
            "degraded_active_hc" => status["failed_active_degraded_check"] = json!(true),
            "degraded_outlier_detection" => status["failed_degraded_outlier_detection"] = json!(true),
            "failed_eds_health" => status["eds_health_status"] = json!("UNHEALTHY"),
            "degraded_eds_health" => status["eds_health_status"] = json!("DEGRADED"),
            "eds_status_draining" => status["eds_health_status"] = json!("DRAINING"),
            other => status[other] = json!(true),
        }
    }
    status
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn hosts_of_both_families_and_their_flags() {
        let text = "a::observability_name::a\na::default_priority::max_connections::1024\na::added_via_api::true\n\
                    a::[::1]:80::cx_total::3\na::[::1]:80::health_flags::/failed_outlier_check\n\
                    a::10.0.0.1:80::health_flags::healthy\na::10.0.0.1:80::zone::z1\nempty::added_via_api::false\n";
        let clusters = parse(text).unwrap();
        let hosts = clusters["a"]["host_statuses"].as_array().unwrap();
        assert_eq!(hosts[0]["address"]["socket_address"]["address"], "10.0.0.1");
        assert_eq!(hosts[0]["locality"]["zone"], "z1");
        assert_eq!(hosts[1]["address"]["socket_address"]["address"], "::1");
        assert_eq!(hosts[1]["health_status"]["failed_outlier_check"], true);
        assert_eq!(hosts[1]["stats"][1]["value"], "3");
        assert!(clusters["empty"].get("host_statuses").is_none());
        assert!(parse("hello").is_none());
    }
}
