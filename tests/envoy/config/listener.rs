//! Listeners, filter chains and what stands in them.
//!
//! A listener is `{name, address, …}` with `chains` and `default_chain`, or with one chain's own fields. A chain
//! is `{name, match, filters}` and then `http` (a connection manager, see [`route`], where `router` has fields of its last
//! filter) or `tcp` (a cluster name, or a TCP proxy's fields). `inspect: [tls, http]` puts the inspectors in front. A listener named as the
//! accepting one gets its address and what restores the original destination; the others are not bound, as in a
//! mesh.

use serde_json::{Map, Value, json};

use super::{ACCEPTING, address, extension, items, object, route, take};
use crate::access_log;

/// The listener in full.
pub(crate) fn expand(mut short: Map<String, Value>) -> Value {
    let name = take(&mut short, "name").as_str().expect("listener name").to_owned();
    let mut chains = items(take(&mut short, "chains"));
    let single = single_chain(&mut short);
    if !single.is_empty() {
        chains.push(Value::Object(single));
    }
    let chains: Vec<_> = chains.into_iter().map(|each| chain(&name, object(each))).collect();
    let mut listener = object(json!({
        "name": name,
        "access_log": [access_log::connection(&name)],
        "filter_chains": chains,
        "listener_filters": listener_filters(&name, &mut short),
    }));
    if let Some(default) = short.remove("default_chain") {
        listener.insert("default_filter_chain".to_owned(), chain(&name, object(default)));
    }
    let bound = take(&mut short, "bound") == json!(true);
    for (key, value) in place(&name, &mut short).into_iter().chain(short) {
        listener.insert(key, value);
    }
    if bound {
        // B's: its connections are not those that are looked for in the log.
        listener.remove("access_log");
        listener.remove("bind_to_port");
    }
    Value::Object(listener)
}

fn single_chain(short: &mut Map<String, Value>) -> Map<String, Value> {
    ["http", "tcp", "filters"].into_iter().filter_map(|key| Some((key.to_owned(), short.remove(key)?))).collect()
}

/// Where the listener stands: bound and handing over, or there only to be handed connections.
fn place(name: &str, short: &mut Map<String, Value>) -> Map<String, Value> {
    if name == ACCEPTING {
        return object(json!({"address": address("127.0.0.1:0"), "use_original_dst": true}));
    }
    let at = take(short, "address");
    let mut place = object(json!({"address": at.as_str().map_or(at.clone(), address), "bind_to_port": false}));
    let more: Vec<_> = items(take(short, "additional_addresses"))
        .iter()
        .map(|each| json!({"address": address(each.as_str().expect("additional address"))}))
        .collect();
    if !more.is_empty() {
        place.insert("additional_addresses".to_owned(), Value::Array(more));
    }
    place
}

fn listener_filters(name: &str, short: &mut Map<String, Value>) -> Vec<Value> {
    let restore = (name == ACCEPTING).then_some("proxy_protocol.v3.ProxyProtocol");
    let inspectors = items(take(short, "inspect")).into_iter().map(|kind| match kind.as_str() {
        Some("tls") => "tls_inspector.v3.TlsInspector",
        Some("http") => "http_inspector.v3.HttpInspector",
        _ => panic!("no inspector is called {kind}"),
    });
    restore.into_iter().chain(inspectors).map(listener_filter).collect()
}

fn listener_filter(type_name: &str) -> Value {
    let (kind, _) = type_name.split_once('.').expect("package and message");
    extension(
        &format!("envoy.filters.listener.{kind}"),
        &format!("envoy.extensions.filters.listener.{type_name}"),
        Map::new(),
    )
}

fn chain(listener: &str, mut short: Map<String, Value>) -> Value {
    let name = take(&mut short, "name");
    let mut filters = items(take(&mut short, "filters"));
    match (take(&mut short, "http"), take(&mut short, "tcp")) {
        (Value::Null, Value::Null) => {}
        (Value::Null, tcp) => filters.push(tcp_proxy(tcp)),
        (http, _) => {
            let routes = name.as_str().map_or_else(|| listener.to_owned(), |name| format!("{listener}-{name}"));
            filters.push(connection_manager(listener, &routes, object(http)));
        }
    }
    let mut chain = object(json!({"filters": filters}));
    if let Some(criteria) = short.remove("match") {
        chain.insert("filter_chain_match".to_owned(), criteria);
    }
    if !name.is_null() {
        chain.insert("name".to_owned(), name);
    }
    chain.extend(short);
    Value::Object(chain)
}

fn tcp_proxy(short: Value) -> Value {
    let mut fields = object(json!({"stat_prefix": "tcp"}));
    let own = if short.is_string() { json!({"cluster": short}) } else { short };
    fields.extend(object(own));
    extension("envoy.filters.network.tcp_proxy", "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", fields)
}

fn connection_manager(listener: &str, routes_name: &str, mut short: Map<String, Value>) -> Value {
    let (key, source) = route::source(routes_name, &mut short);
    let routes = source["name"].as_str().or(source["route_config_name"].as_str()).unwrap_or_default().to_owned();
    let mut filters = items(take(&mut short, "http_filters"));
    let router = object(take(&mut short, "router"));
    filters.push(extension("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router", router));
    let mut fields = object(json!({
        "stat_prefix": "http",
        "access_log": [access_log::request(listener, &routes)],
        "http_filters": filters,
        key: source,
    }));
    fields.extend(short);
    extension(
        "envoy.filters.network.http_connection_manager",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        fields,
    )
}
