//! Objects of JSON: the members of Istio's, Envoy Gateway's and Contour's defaults, under whichever spelling; others are
//! left alone.

use serde_json::{Map, Value};

use super::field::{flags, said};
use crate::snapshot::LogRecord;

/// The fields, where there are enough of them to tell that it is an access log's.
pub(super) fn record(object: &Map<String, Value>) -> Option<LogRecord> {
    let field = |names: &[&str]| {
        let member = |name: &&str| object.iter().find(|(key, _)| is_named(key, name));
        names.iter().filter_map(member).find_map(|(_, value)| plain(value))
    };
    let status = field(&["response_code", "status_code", "status"]).and_then(|text| text.parse().ok());
    let set = field(&["response_flags"]);
    let is_flagged = object.keys().any(|key| is_named(key, "response_flags"));
    let record = LogRecord {
        time: field(&["start_time", "timestamp", "@timestamp", "time"]),
        method: field(&["method", "request_method"]),
        path: field(&["x_envoy_original_path", "x_envoy_origin_path", "path", "request_path"]),
        protocol: field(&["protocol", "request_protocol"]),
        status,
        grpc_status: field(&["grpc_status", "grpc_status_number"]),
        flags: set.as_deref().map(flags).unwrap_or_default(),
        details: field(&["response_code_details"]),
        termination: field(&["connection_termination_details"]),
        transport_failure: field(&["upstream_transport_failure_reason"]),
        authority: field(&["authority", "request_authority", "host"]),
        upstream_host: field(&["upstream_host"]),
        upstream_cluster: field(&["upstream_cluster", "upstream_cluster_raw"]),
        upstream_local: field(&["upstream_local_address"]),
        downstream_local: field(&["downstream_local_address"]),
        downstream_remote: field(&["downstream_remote_address"]),
        server_name: field(&["requested_server_name"]),
        route: field(&["route_name"]),
        forwarded_for: field(&["x_forwarded_for"]),
        user_agent: field(&["user_agent"]),
        content_type: field(&["content_type"]),
    };
    let ways = [&record.method, &record.path, &record.authority, &record.upstream_cluster, &record.downstream_local];
    let is_of_envoy = is_flagged || (record.status.is_some() && record.method.is_some());
    (is_of_envoy && ways.iter().any(|way| way.is_some())).then_some(record)
}

/// Whether a member has this name: `:authority`, `x-forwarded-for` and `X_FORWARDED_FOR` are spellings of it.
fn is_named(key: &str, name: &str) -> bool {
    let key = key.trim_start_matches(':');
    key.len() == name.len()
        && key.bytes().zip(name.bytes()).all(|(a, b)| a.eq_ignore_ascii_case(&b) || (b == b'_' && a == b'-'))
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => said(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
