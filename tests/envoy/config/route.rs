//! Where a connection manager's routes come from, and route configurations.
//!
//! A connection manager has `rds: NAME`, or `scoped_routes` as Envoy has them, or `virtual_hosts`, or just `routes` (of one
//! virtual host for `*`); `route_config` adds further fields of the route configuration. Every route gets a name, for
//! Envoy's log tells routes apart by nothing else.

use serde_json::{Map, Value, json};

use super::{discovered_from, discovery_file, items, object, take};

/// The field of the connection manager and its value.
pub(crate) fn source(name: &str, manager: &mut Map<String, Value>) -> (&'static str, Value) {
    if let Some(wanted) = manager.remove("rds") {
        let source = discovered_from(&discovery_file(wanted.as_str().expect("a name")));
        return ("rds", json!({"route_config_name": wanted, "config_source": source}));
    }
    if let Some(scopes) = manager.remove("scoped_routes") {
        return ("scoped_routes", scopes);
    }
    let mut fields = object(take(manager, "route_config"));
    for key in ["virtual_hosts", "routes"] {
        fields.extend(manager.remove(key).map(|value| (key.to_owned(), value)));
    }
    ("route_config", configuration(name, fields))
}

/// What discovery answers; null is nothing.
pub(crate) fn discovered(name: &str, short: Value) -> Option<Value> {
    (!short.is_null()).then(|| configuration(name, object(short)))
}

/// The route configuration in full. Unknown clusters are allowed, as they are in a discovered one.
pub(crate) fn configuration(name: &str, mut short: Map<String, Value>) -> Value {
    let mut hosts = items(take(&mut short, "virtual_hosts"));
    if let Some(routes) = short.remove("routes") {
        hosts.push(json!({"domains": ["*"], "routes": routes}));
    }
    let hosts: Vec<_> = hosts.into_iter().map(|host| virtual_host(name, object(host))).collect();
    let mut long = object(json!({"name": name, "validate_clusters": false, "virtual_hosts": hosts}));
    long.extend(short);
    Value::Object(long)
}

fn virtual_host(configuration: &str, mut host: Map<String, Value>) -> Value {
    let name = host.remove("name").unwrap_or_else(|| host["domains"][0].clone());
    let name = name.as_str().expect("a name").to_owned();
    let routes = items(take(&mut host, "routes"));
    let routes: Vec<_> = routes
        .into_iter()
        .enumerate()
        .map(|(index, route)| {
            let mut named = object(json!({"name": format!("{configuration}/{name}/{index}")}));
            named.extend(object(route));
            Value::Object(named)
        })
        .collect();
    let mut long = object(json!({"name": name}));
    if !routes.is_empty() {
        long.insert("routes".to_owned(), Value::Array(routes));
    }
    long.extend(host);
    Value::Object(long)
}
