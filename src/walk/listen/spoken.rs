//! What the clients of a listener speak to it, in a word: for whoever dialed a port that no listener takes.

use crate::envoy::address::is_udp;
use crate::envoy::pb::envoy::config::listener::v3::{Filter, FilterChain, Listener, filter};

/// `HTTP`, `HTTPS`, `TLS`, `TCP`, `UDP`; `HTTPS or TCP` where its filter chains differ.
pub(super) fn protocols(listener: &Listener) -> String {
    if listener.address.as_ref().is_some_and(is_udp) {
        return "UDP".to_owned();
    }
    let mut words: Vec<&str> = Vec::new();
    for word in chains(listener).map(protocol) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(" or ")
}

/// Whether a listener ends TLS, or passes it on by its server name.
pub(super) fn takes_tls(listener: &Listener) -> bool {
    chains(listener).any(is_tls)
}

fn chains(listener: &Listener) -> impl Iterator<Item = &FilterChain> {
    listener.filter_chains.iter().chain(&listener.default_filter_chain)
}

fn protocol(chain: &FilterChain) -> &'static str {
    match (chain.filters.last().is_some_and(is_manager), is_tls(chain)) {
        (true, true) => "HTTPS",
        (true, false) => "HTTP",
        (false, true) => "TLS",
        (false, false) => "TCP",
    }
}

fn is_tls(chain: &FilterChain) -> bool {
    let wants = chain.filter_chain_match.as_ref();
    chain.transport_socket.is_some()
        || wants.is_some_and(|wants| wants.transport_protocol == "tls" || !wants.server_names.is_empty())
}

/// Whether a filter is an HTTP connection manager; those that end a chain otherwise move bytes.
fn is_manager(filter: &Filter) -> bool {
    match &filter.config_type {
        Some(filter::ConfigType::TypedConfig(any)) => any.type_name.ends_with(".HttpConnectionManager"),
        None => filter.name.ends_with("http_connection_manager"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::json;

    use super::*;

    #[test]
    fn each_protocol_once() {
        let manager = json!({"name": "http", "typed_config": {"@type":
            "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"}});
        let proxy = json!({"name": "tcp", "typed_config":
            {"@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"}});
        let socket = json!({"name": "envoy.transport_sockets.tls"});
        let of = |chains: serde_json::Value| {
            let listener: Listener = serde_json::from_value(json!({"filter_chains": chains})).unwrap();
            (protocols(&listener), takes_tls(&listener))
        };
        assert_eq!(of(json!([])), (String::new(), false));
        assert_eq!(of(json!([{"filters": [manager]}])), ("HTTP".into(), false));
        assert_eq!(of(json!([{"filters": [manager], "transport_socket": socket}])), ("HTTPS".into(), true));
        let by_name = json!({"filters": [proxy], "filter_chain_match": {"server_names": ["a.test"]}});
        assert_eq!(of(json!([by_name, by_name])), ("TLS".into(), true));
        let mixed = json!([{"filters": [manager], "transport_socket": socket}, {"filters": [proxy]}]);
        assert_eq!(of(mixed), ("HTTPS or TCP".into(), true));
    }
}
