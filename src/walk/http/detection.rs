//! The client's address where extensions look for it (`original_ip_detection_extensions`), and who is refused without one.
//!
//! `source/extensions/http/original_ip_detection/{custom_header,xff}`; the first that finds it, or refuses, counts.

use std::net::IpAddr;

use crate::envoy::any::JsonAny;
use crate::envoy::fields;
use crate::envoy::pb::envoy::config::core::v3::TypedExtensionConfig;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::envoy::pb::envoy::extensions::http::original_ip_detection::custom_header::v3::CustomHeaderConfig;
use crate::envoy::pb::envoy::extensions::http::original_ip_detection::xff::v3::XffConfig;
use crate::walk::http::forwarded_for;

/// What extensions make of the headers.
pub(in crate::walk) enum Detected {
    /// The client's address.
    At(IpAddr),
    /// None of them finds one: that of the connection counts.
    Nowhere,
    /// The request is refused with this status.
    Refused(u16),
    /// It is not known, and why.
    Open(String),
}

/// What the manager's extensions make of the headers.
pub(in crate::walk) fn detect(manager: &HttpConnectionManager, headers: &[(String, String)]) -> Detected {
    let each = manager.original_ip_detection_extensions.iter().map(|extension| by(extension, headers));
    each.into_iter().find(|found| !matches!(found, Detected::Nowhere)).unwrap_or(Detected::Nowhere)
}

fn by(extension: &TypedExtensionConfig, headers: &[(String, String)]) -> Detected {
    let Some(any) = &extension.typed_config else {
        return Detected::Open(format!("the extension {}, which is empty", extension.name));
    };
    let package = any.type_name.strip_prefix("envoy.extensions.http.original_ip_detection.").unwrap_or_default();
    let detected = match package {
        "custom_header.v3.CustomHeaderConfig" => any.unpack().map(|config| by_header(&config, headers)),
        "xff.v3.XffConfig" => any.unpack().map(|config| by_forwarded(any, config, headers)),
        _ => Err("it is not modeled".to_owned()),
    };
    detected.unwrap_or_else(|why| Detected::Open(format!("the extension {}: {why}", extension.name)))
}

fn by_header(config: &CustomHeaderConfig, headers: &[(String, String)]) -> Detected {
    let given = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(&config.header_name));
    if let Some(ip) = given.and_then(|(_, value)| value.parse().ok()) {
        return Detected::At(ip);
    }
    // What is no failure is refused as forbidden.
    let refused = |status: i32| u16::try_from(status).ok().filter(|status| *status >= 400).unwrap_or(403);
    config.reject_with_status.as_ref().map_or(Detected::Nowhere, |status| Detected::Refused(refused(status.code)))
}

fn by_forwarded(any: &JsonAny, config: XffConfig, headers: &[(String, String)]) -> Detected {
    let value = serde_json::from_slice(&any.json).unwrap_or_default();
    if let Some(field) = fields::deciding(&value, &any.type_name, &[]).first() {
        return Detected::Open(format!("`{field}` of `x-forwarded-for`"));
    }
    let hops = usize::try_from(config.xff_num_trusted_hops).unwrap_or(usize::MAX);
    match forwarded_for::address(headers, hops) {
        Ok(Some(ip)) => Detected::At(ip),
        Ok(None) => Detected::Nowhere,
        Err(why) => Detected::Open(why),
    }
}
