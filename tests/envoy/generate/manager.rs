//! What a connection manager says besides its filters and routes; every layer with HTTP takes some of it.

use serde_json::{Value, json};

use super::draft::Draft;
use super::rng::Rng;

/// Headers that are too many for `MOST_HEADERS`, whatever else a client sends.
const MANY_HEADERS: usize = 45;
const MOST_HEADERS: usize = 40;
/// Headers that are too large for `MOST_KILOBYTES`, in less than a hundred.
const LARGE_HEADERS: usize = 85;
const MOST_KILOBYTES: usize = 8;

/// Sets some fields; each `divisor` times less often than where they are what the unit is about.
pub(super) fn options(rng: &mut Rng, http: &mut Value, divisor: usize) {
    let internal = json!({"cidr_ranges": [{"address_prefix": "10.244.0.0", "prefix_len": 16}]});
    let slashes = rng.word(&["KEEP_UNCHANGED", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"]);
    let codec = rng.word(&["HTTP1", "HTTP1", "HTTP2", "AUTO"]);
    for (field, value, percent) in [
        ("normalize_path", json!(true), 25),
        ("merge_slashes", json!(true), 25),
        ("use_remote_address", json!(true), 8),
        ("path_with_escaped_slashes_action", json!(slashes), 8),
        ("upgrade_configs", json!([{"upgrade_type": "websocket", "enabled": rng.chance(70)}]), 8),
        ("generate_request_id", json!(false), 8),
        ("preserve_external_request_id", json!(true), 8),
        ("add_user_agent", json!(true), 3),
        ("append_x_forwarded_port", json!(true), 8),
        ("via", json!("envoy"), 8),
        ("forward_client_cert_details", json!("ALWAYS_FORWARD_ONLY"), 6),
        ("internal_address_config", internal, 5),
        ("xff_num_trusted_hops", json!(rng.between(1, 2)), 5),
        ("codec_type", json!(codec), 6),
        ("local_reply_config", local_replies(rng), 8),
        ("common_http_protocol_options", json!({"headers_with_underscores_action": "REJECT_REQUEST"}), 5),
        ("common_http_protocol_options", json!({"headers_with_underscores_action": "DROP_HEADER"}), 5),
        ("common_http_protocol_options", json!({"max_headers_count": MOST_HEADERS}), 5),
        ("http_protocol_options", json!({"allow_custom_methods": true}), 8),
        ("max_request_headers_kb", json!(MOST_KILOBYTES), 5),
    ] {
        if rng.below(100 * divisor) < percent {
            http[field] = value;
        }
    }
}

/// Replies in other words, and sometimes with another status.
fn local_replies(rng: &mut Rng) -> Value {
    let least = *rng.pick(&[400, 404, 503]);
    let filter = json!({"status_code_filter": {"comparison": {
        "op": rng.word(&["GE", "EQ"]),
        "value": {"default_value": least, "runtime_key": "local_replies.least"},
    }}});
    let mut mapper = json!({"filter": filter, "body": {"inline_string": "other words"}});
    if rng.chance(30) {
        mapper["status_code"] = json!(*rng.pick(&[410, 418, 502]));
    }
    json!({"mappers": [mapper]})
}

/// What a request may ask of a manager besides: another protocol, a path with escaped slashes, a client's address.
pub(super) fn asks(rng: &mut Rng, draft: &mut Draft) {
    if draft.protocol == "http1" && rng.chance(4) {
        draft.set("connection", &rng.word(&["Upgrade", "keep-alive, Upgrade"]));
        draft.set("upgrade", &rng.word(&["websocket", "WebSocket", "other"]));
    }
    if rng.chance(4) {
        draft.set("x-forwarded-for", &rng.word(&["203.0.113.9", "203.0.113.9, 10.244.0.9", "10.244.0.8", "nonsense"]));
    }
    if rng.chance(4) {
        draft.path = format!("{}{}", draft.path, rng.word(&["%2fx", "%5Cx", "%2F..%2f"]));
    }
}

/// Headers that such a manager may not take, once in a while.
pub(super) fn overload(rng: &mut Rng, http: &Value, draft: &mut Draft) {
    let bounds_count = http["common_http_protocol_options"]["max_headers_count"].is_number();
    let bounds_bytes = http["max_request_headers_kb"].is_number();
    if !(bounds_count || bounds_bytes) || !rng.chance(20) {
        return;
    }
    let count = if bounds_bytes { LARGE_HEADERS } else { MANY_HEADERS };
    let value = "v".repeat(if rng.chance(70) { 110 } else { 1 });
    draft.headers.extend((0..count).map(|number| (format!("x-many-{number}"), value.clone())));
}
