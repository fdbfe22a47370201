//! Istio's ALPN filter: what it would offer B, by the upstream protocol.
//!
//! `source/extensions/filters/http/alpn/alpn_filter.cc` of istio/proxy.

use serde_json::Value;

use crate::envoy::codec::Spoken;
use crate::envoy::fields::snake;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_filter::ConfigType;
use crate::mesh::conventions::Offers;
use crate::snapshot::Node;

/// What the filters of a connection manager would offer.
pub(super) fn overrides(manager: &HttpConnectionManager) -> Offers {
    let configs = manager.http_filters.iter().filter_map(|filter| match &filter.config_type {
        Some(ConfigType::TypedConfig(any)) if any.type_name.ends_with("alpn.v2alpha1.FilterConfig") => {
            serde_json::from_slice::<Value>(&any.json).ok()
        }
        Some(ConfigType::TypedConfig(_)) | None => None,
    });
    configs.flat_map(|config| list(&config, "alpn_override").iter().filter_map(offer).collect::<Vec<_>>()).collect()
}

/// Whether the filter leaves a cluster alone: Istio says so of those to which a DestinationRule speaks TLS that is not
/// its own (`AddALPNOverrideToMetadata`).
pub(super) fn is_kept(cluster: &Node) -> bool {
    cluster.text("metadata.filter_metadata.istio.alpn_override").as_deref() == Some("false")
}

/// An entry of the filter's; one without words overrides nothing.
fn offer(entry: &Value) -> Option<(Spoken, Vec<String>)> {
    let spoken = match member(entry, "upstream_protocol").and_then(Value::as_str) {
        None | Some("HTTP10") => Spoken::Http10,
        Some("HTTP11") => Spoken::Http11,
        Some("HTTP2") => Spoken::Http2,
        Some(_) => return None,
    };
    let words = list(entry, "alpn_override").iter().filter_map(|word| word.as_str().map(str::to_owned));
    Some((spoken, words.collect())).filter(|(_, words): &(_, Vec<_>)| !words.is_empty())
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    member(value, name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A field, by its name in Envoy's dump or in `istioctl`'s.
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(key, _)| snake(key) == name).map(|(_, inner)| inner)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::json;

    use super::*;
    use crate::snapshot::{Answer, Lookup, Need, Origin, Snapshot};

    fn manager(config: &Value) -> HttpConnectionManager {
        let mut config = config.clone();
        config["@type"] = json!("type.googleapis.com/istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig");
        serde_json::from_value(json!({"http_filters": [{"name": "istio.alpn", "typed_config": config}]})).unwrap()
    }

    #[test]
    fn each_version_of_http_has_its_own_words_in_either_form_of_a_dump() {
        let envoys = json!({"alpn_override": [
            {"alpn_override": ["istio-http/1.0"]},
            {"upstream_protocol": "HTTP11", "alpn_override": ["istio-http/1.1", "istio"]},
            {"upstream_protocol": "HTTP2"},
        ]});
        let istioctls = json!({"alpnOverride": [
            {"alpnOverride": ["istio-http/1.0"]},
            {"upstreamProtocol": "HTTP11", "alpnOverride": ["istio-http/1.1", "istio"]},
            {"upstreamProtocol": "HTTP2"},
        ]});
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let expected =
            [(Spoken::Http10, words(&["istio-http/1.0"])), (Spoken::Http11, words(&["istio-http/1.1", "istio"]))];
        assert_eq!(overrides(&manager(&envoys)), expected);
        assert_eq!(overrides(&manager(&istioctls)), expected);
        assert_eq!(overrides(&HttpConnectionManager::default()), []);
    }

    #[test]
    fn a_cluster_can_keep_its_own() {
        let cluster = |metadata: Value| {
            let cluster = json!({"name": "c", "metadata": {"filter_metadata": {"istio": metadata}}});
            let part = "type.googleapis.com/envoy.admin.v3.ClustersConfigDump";
            let body = json!({"configs": [{"@type": part, "dynamic_active_clusters": [{"cluster": cluster}]}]});
            let (origin, mut snapshot) = (Origin::Source(0), Snapshot::default());
            let answer = Answer::Body(body.to_string().into_bytes());
            snapshot.answer(&Need::Cluster(origin, "c".to_owned()), answer).unwrap();
            match snapshot.cluster(origin, "c") {
                Lookup::Found(entry) => entry.get("cluster").unwrap(),
                Lookup::Absent(_) | Lookup::Unread(_) => panic!("it was read"),
            }
        };
        assert!(is_kept(&cluster(json!({"alpn_override": "false"}))));
        assert!(!is_kept(&cluster(json!({"alpn_override": "true"}))));
        assert!(!is_kept(&cluster(json!({}))));
    }
}
