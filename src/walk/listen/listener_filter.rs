//! Which filter of a listener is which.

use crate::envoy::any::JsonAny;
use crate::envoy::pb::envoy::config::listener::v3::Listener;
use crate::envoy::pb::envoy::config::listener::v3::listener_filter::ConfigType;

/// Whether a listener asks for the address that its connections were dialed to before they were redirected.
pub(in crate::walk) fn asks_for_the_original(listener: &Listener) -> bool {
    listener.listener_filters.iter().any(|filter| {
        let any = filter.config_type.as_ref().map(|ConfigType::TypedConfig(any)| any);
        matches!(Kind::of(any, &filter.name), Kind::OriginalDst)
    })
}

/// The filters that are modeled.
pub(in crate::walk) enum Kind {
    Tls,
    Http,
    ProxyHeader,
    OriginalDst,
    Other,
}

impl Kind {
    /// By the type of its configuration; by its name, of now or of old, where it has none.
    pub(in crate::walk) fn of(any: Option<&JsonAny>, name: &str) -> Self {
        match (short_type(any), name.strip_prefix("envoy.filters.listener.").unwrap_or(name)) {
            ("TlsInspector", _) | ("", "tls_inspector" | "envoy.listener.tls_inspector") => Self::Tls,
            ("HttpInspector", _) | ("", "http_inspector" | "envoy.listener.http_inspector") => Self::Http,
            ("ProxyProtocol", _) | ("", "proxy_protocol" | "envoy.listener.proxy_protocol") => Self::ProxyHeader,
            ("OriginalDst", _) | ("", "original_dst" | "envoy.listener.original_dst") => Self::OriginalDst,
            _ => Self::Other,
        }
    }
}

/// The last word of a configuration's type; empty where there is none.
pub(in crate::walk) fn short_type(any: Option<&JsonAny>) -> &str {
    any.map_or("", |any| any.type_name.rsplit('.').next().unwrap_or_default())
}
