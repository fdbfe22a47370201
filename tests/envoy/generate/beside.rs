//! What is said to change nothing, beside what a unit is about: fields that `envoy::harmless` has a reason for, with values
//! that are not their defaults. The answer has to stay what Envoy does. What sends all requests of one client to one of the
//! hosts that are shown (`hash_policy`) is left out: too few of them are seen then.

use serde_json::{Map, Value, json};

use super::Unit;
use super::rng::Rng;

/// So many of a hundred fields of each place are set.
const SHARE: usize = 7;

/// Fields and values of one place. Of those whose names a row has besides the first, one at most is there.
type Rows = &'static [(&'static [&'static str], &'static str)];

const HEADERS: &str = r#"[{"header": {"key": "x-beside", "value": "b"}}]"#;
const GONE: &str = r#"["x-beside-gone"]"#;
const MIRRORS: &str = r#"[{"cluster": "live-c"}]"#;
const METADATA: &str = r#"{"filter_metadata": {"beside": {"a": "b"}}}"#;
const LIMITS: &str = r#"[{"actions": [{"remote_address": {}}, {"generic_key": {"descriptor_value": "v"}}]}]"#;

const LISTENER: Rows = &[
    (&["stat_prefix"], r#""s""#),
    (&["metadata"], METADATA),
    (&["traffic_direction"], r#""INBOUND""#),
    (&["per_connection_buffer_limit_bytes"], "65536"),
    (&["drain_type"], r#""MODIFY_ONLY""#),
    (&["freebind"], "true"),
    (&["connection_balance_config"], r#"{"exact_balance": {}}"#),
    (&["enable_reuse_port"], "false"),
    (&["tcp_backlog_size"], "5"),
    (&["max_connections_to_accept_per_socket_event"], "1"),
    (&["ignore_global_conn_limit"], "true"),
    (&["bypass_overload_manager"], "true"),
    (&["listener_filters_timeout"], r#""60s""#),
    (&["continue_on_listener_filters_timeout"], "true"),
];

const CHAIN: Rows = &[(&["metadata"], METADATA), (&["transport_socket_connect_timeout"], r#""60s""#)];

const MANAGER: Rows = &[
    (&["server_name"], r#""s""#),
    (&["server_header_transformation"], r#""PASS_THROUGH""#),
    (&["always_set_request_id_in_response"], "true"),
    (&["set_current_client_cert_details"], r#"{"subject": true, "uri": true}"#),
    (&["proxy_100_continue"], "true"),
    (&["represent_ipv4_remote_address_as_ipv4_mapped_ipv6"], "true"),
    (&["skip_xff_append"], "true"),
    (&["proxy_status_config"], r#"{"remove_details": true, "use_node_id": true}"#),
    (&["append_local_overload"], "true"),
    (&["add_proxy_protocol_connection_state"], "false"),
    (&["stream_idle_timeout"], r#""60s""#),
    (&["stream_flush_timeout"], r#""60s""#),
    (&["request_timeout"], r#""60s""#),
    (&["request_headers_timeout"], r#""60s""#),
    (&["drain_timeout"], r#""1s""#),
    (&["delayed_close_timeout"], r#""2s""#),
    (&["stream_error_on_invalid_http_message"], "true"),
    (&["tracing"], r#"{"random_sampling": {"value": 1}}"#),
    (&["http2_protocol_options"], r#"{"max_concurrent_streams": 1, "allow_metadata": true}"#),
];

const CONFIGURATION: Rows = &[
    (&["response_headers_to_add"], HEADERS),
    (&["response_headers_to_remove"], GONE),
    (&["request_headers_to_add"], HEADERS),
    (&["request_headers_to_remove"], GONE),
    (&["most_specific_header_mutations_wins"], "true"),
    (&["max_direct_response_body_size_bytes"], "10000"),
    (&["request_mirror_policies"], MIRRORS),
];

const HOST: Rows = &[
    (&["request_headers_to_add"], HEADERS),
    (&["request_headers_to_remove"], GONE),
    (&["response_headers_to_add"], HEADERS),
    (&["response_headers_to_remove"], GONE),
    (&["include_request_attempt_count"], "true"),
    (&["include_attempt_count_in_response"], "true"),
    (&["include_is_timeout_retry_header"], "true"),
    (&["virtual_clusters"], r#"[{"name": "v", "headers": [{"name": ":path", "string_match": {"prefix": "/"}}]}]"#),
    (&["rate_limits"], LIMITS),
    (&["request_body_buffer_limit", "per_request_buffer_limit_bytes"], "1"),
    (&["per_request_buffer_limit_bytes", "request_body_buffer_limit"], "1"),
    (&["request_mirror_policies"], MIRRORS),
    (&["hedge_policy"], r#"{"hedge_on_per_try_timeout": true}"#),
];

const ROUTE: Rows = &[
    (&["decorator"], r#"{"operation": "o"}"#),
    (&["tracing"], r#"{"random_sampling": {"numerator": 1}}"#),
    (&["stat_prefix"], r#""s""#),
    (&["request_headers_to_add"], HEADERS),
    (&["request_headers_to_remove"], GONE),
    (&["response_headers_to_add"], HEADERS),
    (&["response_headers_to_remove"], GONE),
    (&["request_body_buffer_limit", "per_request_buffer_limit_bytes"], "1"),
];

const ACTION: Rows = &[
    (PATHS, r#""/beside""#),
    (HOSTS, r#""beside""#),
    (&["append_x_forwarded_host"], "true"),
    (&["timeout"], r#""60s""#),
    (&["idle_timeout"], r#""60s""#),
    (&["max_stream_duration"], r#"{"max_stream_duration": "60s", "grpc_timeout_header_max": "60s"}"#),
    (&["request_mirror_policies"], MIRRORS),
    (&["rate_limits"], LIMITS),
    (&["flush_timeout"], r#""60s""#),
    (&["internal_redirect_policy"], r#"{"max_internal_redirects": 1}"#),
    (&["hedge_policy"], r#"{"hedge_on_per_try_timeout": true}"#),
];

const PATHS: &[&str] = &["prefix_rewrite", "regex_rewrite", "path_rewrite_policy", "path_rewrite"];
const HOSTS: &[&str] =
    &["host_rewrite_literal", "auto_host_rewrite", "host_rewrite_header", "host_rewrite_path_regex", "host_rewrite"];

const CLUSTER: Rows = &[
    (&["alt_stat_name"], r#""s""#),
    (&["track_cluster_stats"], r#"{"timeout_budgets": true, "request_response_sizes": true}"#),
    (&["connect_timeout"], r#""60s""#),
    (&["close_connections_on_host_health_failure"], "true"),
    (&["connection_pool_per_downstream_connection"], "true"),
    (&["upstream_connection_options"], r#"{"tcp_keepalive": {"keepalive_time": 60}}"#),
    (&["per_connection_buffer_limit_bytes"], "65536"),
    (&["ignore_health_on_host_removal"], "true"),
    (&["metadata"], METADATA),
];

const TCP: Rows = &[
    (&["idle_timeout"], r#""60s""#),
    (&["downstream_idle_timeout"], r#""60s""#),
    (&["upstream_idle_timeout"], r#""60s""#),
    (&["backoff_options"], r#"{"base_interval": "0.001s"}"#),
    (&["access_log_options"], r#"{"access_log_flush_interval": "600s"}"#),
    (&["max_downstream_connection_duration"], r#""60s""#),
];

/// Sets some in every part of the unit.
pub(super) fn into(rng: &mut Rng, unit: &mut Unit) {
    let mut short = std::mem::take(&mut unit.short);
    let mut mirrors = Mirrors::None;
    for listener in items(short.get_mut("listeners")) {
        set(rng, listener, LISTENER);
        content(rng, listener, &mut mirrors);
        items(listener.get_mut("chains")).for_each(|one| chain(rng, one, &mut mirrors));
        listener.get_mut("default_chain").into_iter().for_each(|one| chain(rng, one, &mut mirrors));
    }
    for config in fields(short.get_mut("route_configs")) {
        configuration(rng, config, &mut mirrors);
        hosts(rng, config, &mut mirrors);
    }
    for (name, cluster) in short.get_mut("clusters").and_then(Value::as_object_mut).into_iter().flatten() {
        // The others are shared with other units.
        if name.starts_with(&format!("{}.", unit.name)) {
            set(rng, cluster, CLUSTER);
        }
    }
    unit.short = short;
    if mirrors == Mirrors::Some {
        unit.cluster("live-c", json!(["$c"]));
    }
}

/// Whether the cluster that requests are mirrored to is named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mirrors {
    None,
    Some,
}

fn chain(rng: &mut Rng, chain: &mut Value, mirrors: &mut Mirrors) {
    set(rng, chain, CHAIN);
    content(rng, chain, mirrors);
}

/// What stands in a chain, or in a listener that has but one.
fn content(rng: &mut Rng, chain: &mut Value, mirrors: &mut Mirrors) {
    if let Some(tcp) = chain.get_mut("tcp") {
        set(rng, tcp, TCP);
    }
    let Some(http) = chain.get_mut("http") else { return };
    set(rng, http, MANAGER);
    if http.get("rds").is_none()
        && let Value::Object(fields) = http
    {
        configuration(rng, fields.entry("route_config").or_insert_with(|| json!({})), mirrors);
    }
    hosts(rng, http, mirrors);
}

fn configuration(rng: &mut Rng, config: &mut Value, mirrors: &mut Mirrors) {
    set(rng, config, CONFIGURATION);
    note(config, mirrors);
}

/// Virtual hosts, and routes of which there is but one host.
fn hosts(rng: &mut Rng, holder: &mut Value, mirrors: &mut Mirrors) {
    routes(rng, holder, mirrors);
    for host in items(holder.get_mut("virtual_hosts")) {
        set(rng, host, HOST);
        note(host, mirrors);
        routes(rng, host, mirrors);
    }
}

fn routes(rng: &mut Rng, holder: &mut Value, mirrors: &mut Mirrors) {
    for route in items(holder.get_mut("routes")) {
        set(rng, route, ROUTE);
        if let Some(action) = route.get_mut("route") {
            set(rng, action, ACTION);
            note(action, mirrors);
        }
    }
}

fn note(holder: &Value, mirrors: &mut Mirrors) {
    if holder["request_mirror_policies"].is_array() {
        *mirrors = Mirrors::Some;
    }
}

/// Some of the rows, where nothing speaks against it.
fn set(rng: &mut Rng, value: &mut Value, rows: Rows) {
    let Value::Object(fields) = value else { return };
    for (names, text) in rows {
        if rng.chance(SHARE) && !names.iter().any(|name| fields.contains_key(*name)) {
            insert(fields, names[0], text);
        }
    }
}

fn insert(fields: &mut Map<String, Value>, name: &str, text: &str) {
    let value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    fields.insert(name.to_owned(), value);
}

fn items(list: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    list.and_then(Value::as_array_mut).into_iter().flatten()
}

fn fields(map: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    map.and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut())
}
