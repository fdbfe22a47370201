//! Istio's ALPN filter: what it would offer B, by the upstream protocol.

use serde_json::Value;

use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_filter::ConfigType;
use crate::mesh::conventions::Offers;

/// What the filters of a connection manager would offer.
pub(super) fn overrides(manager: &HttpConnectionManager) -> Offers {
    let configs = manager.http_filters.iter().filter_map(|filter| match &filter.config_type {
        Some(ConfigType::TypedConfig(any)) if any.type_name.ends_with("alpn.v2alpha1.FilterConfig") => {
            serde_json::from_slice::<Value>(&any.json).ok()
        }
        Some(ConfigType::TypedConfig(_)) | None => None,
    });
    let entries = configs.flat_map(|c| c.get("alpn_override").and_then(|o| o.as_array().cloned()).unwrap_or_default());
    let words = |v: &Value| -> Vec<String> {
        v.as_array().into_iter().flatten().filter_map(|w| w.as_str().map(str::to_owned)).collect()
    };
    entries
        .map(|e| {
            let protocol = e.get("upstream_protocol").and_then(Value::as_str).unwrap_or("HTTP10");
            (protocol.to_owned(), e.get("alpn_override").map(words).unwrap_or_default())
        })
        .collect()
}
