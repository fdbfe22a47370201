//! A configuration for Envoy, as the resources it is made of.
//!
//! Case files write Envoy's own fields and leave out what carries no meaning (type URLs, socket address
//! objects, the router filter, access logs). The submodules put that in; everything else passes through as it
//! is written. A generator of configurations builds the same short forms and calls the same functions.

pub(crate) mod cluster;
pub(crate) mod listener;
pub(crate) mod route;

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Map, Value, json};

/// The listener that accepts every connection and hands it to the listener at its destination.
pub(crate) const ACCEPTING: &str = "virtualOutbound";

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 9);

/// The resources of one Envoy.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Listeners, the accepting one among them.
    pub(crate) listeners: Vec<Value>,
    /// Clusters.
    pub(crate) clusters: Vec<Value>,
    /// Route configurations that connection managers ask for, by name; `None` where discovery has none.
    pub(crate) route_configs: Vec<(String, Option<Value>)>,
    /// Endpoints of the clusters of type EDS, likewise.
    pub(crate) assignments: Vec<(String, Option<Value>)>,
    /// Clusters that arrive, or arrive anew, when everything else has been serving already.
    pub(crate) late_clusters: Vec<Value>,
    /// The runtime layer.
    pub(crate) runtime: Value,
    /// The address of the pod that the client and this Envoy are in. Nothing is ever sent to it.
    pub(crate) client: Ipv4Addr,
    /// The address of the pod whose proxy this Envoy is too: B's.
    pub(crate) pod: Option<IpAddr>,
    /// All in the bootstrap, nothing by discovery.
    pub(crate) in_bootstrap: bool,
}

impl Config {
    /// Expands the short forms of a case file.
    pub(crate) fn new(short: &mut Map<String, Value>) -> Self {
        let mut config = Self {
            listeners: Vec::new(),
            clusters: Vec::new(),
            route_configs: Vec::new(),
            assignments: Vec::new(),
            late_clusters: Vec::new(),
            runtime: take(short, "runtime"),
            client: take(short, "client").as_str().map_or(CLIENT, |ip| ip.parse().expect("a client address")),
            pod: take(short, "pod").as_str().map(|ip| ip.parse().expect("a pod's address")),
            in_bootstrap: take(short, "static") == json!(true),
        };
        for (key, late) in [("clusters", false), ("late_clusters", true)] {
            for (name, cluster) in entries(take(short, key)) {
                let (cluster, assignment) = cluster::expand(&name, cluster);
                if late { &mut config.late_clusters } else { &mut config.clusters }.push(cluster);
                config.assignments.extend(assignment);
            }
        }
        for (name, routes) in entries(take(short, "route_configs")) {
            config.route_configs.push((name.clone(), route::discovered(&name, routes)));
        }
        let listeners = match items(take(short, "listeners")) {
            none if none.is_empty() => vec![Value::Object(single_listener(short))],
            listeners => listeners,
        };
        config.listeners = listeners.into_iter().map(|each| listener::expand(object(each))).collect();
        if !config.listeners.iter().any(|listener| listener["name"] == ACCEPTING) {
            config.listeners.push(listener::expand(default_accepting()));
            config.clusters.push(cluster::passthrough());
        }
        config
    }
}

/// The one listener of a file that describes none: its connection manager stands at the top.
fn single_listener(short: &mut Map<String, Value>) -> Map<String, Value> {
    let mut listener = object(json!({"name": "web", "address": "127.1.0.1:80"}));
    for key in ["http", "tcp", "chains", "default_chain", "inspect"] {
        if let Some(value) = short.remove(key) {
            listener.insert(key.to_owned(), value);
        }
    }
    listener
}

/// As Istio configures it: what no other listener takes goes where it wanted to go.
fn default_accepting() -> Map<String, Value> {
    object(json!({"name": ACCEPTING, "tcp": cluster::PASSTHROUGH}))
}

/// `IP:PORT`, `[IP]:PORT` or `envoy://LISTENER` as an `Address`.
pub(crate) fn address(text: &str) -> Value {
    if let Some(listener) = text.strip_prefix("envoy://") {
        return json!({"envoy_internal_address": {"server_listener_name": listener}});
    }
    let (host, port) = text.rsplit_once(':').unwrap_or_else(|| panic!("no port in address {text:?}"));
    let port: u16 = port.parse().unwrap_or_else(|_| panic!("no port number in address {text:?}"));
    json!({"socket_address": {"address": host.trim_matches(['[', ']']), "port_value": port}})
}

/// A named extension with its configuration.
pub(crate) fn extension(name: &str, type_name: &str, config: Map<String, Value>) -> Value {
    let mut typed = object(json!({"@type": format!("type.googleapis.com/{type_name}")}));
    typed.extend(config);
    json!({"name": name, "typed_config": typed})
}

/// Where a resource that is discovered by its name is written. Envoy wants a file for each.
pub(crate) fn discovery_file(name: &str) -> String {
    format!("./{}.discovered.json", name.replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
}

/// A `ConfigSource`.
pub(crate) fn discovered_from(file: &str) -> Value {
    json!({"path_config_source": {"path": file}, "resource_api_version": "V3"})
}

/// Removes a field; null when it is not there.
pub(crate) fn take(from: &mut Map<String, Value>, key: &str) -> Value {
    from.remove(key).unwrap_or_default()
}

/// The fields of an object; none of null.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    let Value::Object(fields) = value else {
        assert!(value.is_null(), "an object was expected, not {value}");
        return Map::new();
    };
    fields
}

/// The items of a list; none of null.
pub(crate) fn items(value: Value) -> Vec<Value> {
    let Value::Array(items) = value else {
        assert!(value.is_null(), "a list was expected, not {value}");
        return Vec::new();
    };
    items
}

fn entries(value: Value) -> impl Iterator<Item = (String, Value)> {
    object(value).into_iter()
}
