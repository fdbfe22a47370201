//! The files that an Envoy reads: its bootstrap, and what it discovers.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::config::{self, Config};
use crate::in_a_mesh;

const CLUSTER: &str = "envoy.config.cluster.v3.Cluster";

/// Writes all of them.
pub(crate) fn write_all(directory: &Path, config: &Config) {
    let write = |name: &str, value: &Value| write(directory, name, value);
    write("bootstrap.json", &bootstrap(config));
    write("listeners.json", &resources("envoy.config.listener.v3.Listener", &config.listeners));
    write("clusters.json", &resources(CLUSTER, &config.clusters));
    for (type_name, each) in [
        ("envoy.config.route.v3.RouteConfiguration", &config.route_configs),
        ("envoy.config.endpoint.v3.ClusterLoadAssignment", &config.assignments),
    ] {
        for (name, resource) in each {
            write(&config::discovery_file(name), &resources(type_name, resource.as_slice()));
        }
    }
}

/// Replaces the clusters: the late ones take the place of those of the same name.
pub(crate) fn write_late_clusters(directory: &Path, config: &Config) {
    let is_late = |each: &&Value| config.late_clusters.iter().any(|late| late["name"] == each["name"]);
    let early = config.clusters.iter().filter(|each| !is_late(each));
    let all: Vec<Value> = early.chain(&config.late_clusters).cloned().collect();
    write(directory, "clusters.json", &resources(CLUSTER, &all));
}

/// In one move, for Envoy watches these files.
fn write(directory: &Path, name: &str, value: &Value) {
    let text = serde_json::to_string_pretty(value).expect("JSON");
    let temporary = directory.join("being-written");
    fs::write(&temporary, text).expect("a configuration file");
    fs::rename(&temporary, directory.join(name)).expect("the file in its place");
}

fn bootstrap(config: &Config) -> Value {
    let mut bootstrap = json!({
        "node": {"id": node_id(config), "cluster": "a"},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
    });
    if config.runtime.is_object() {
        bootstrap["layered_runtime"] = json!({"layers": [
            {"name": "static", "static_layer": config.runtime},
            {"name": "admin", "admin_layer": {}},
        ]});
    }
    if config.in_bootstrap {
        bootstrap["static_resources"] = json!({"listeners": config.listeners, "clusters": config.clusters});
    } else {
        bootstrap["dynamic_resources"] = json!({
            "lds_config": config::discovered_from("./listeners.json"),
            "cds_config": config::discovered_from("./clusters.json"),
        });
    }
    bootstrap
}

/// As Istio names its proxies; the client's address is known from nothing else.
fn node_id(config: &Config) -> String {
    let client = in_a_mesh::ip(config.client.into());
    format!("sidecar~{client}~client.shop~shop.svc.cluster.local")
}

fn resources(type_name: &str, each: &[Value]) -> Value {
    let typed = each.iter().map(|resource| {
        let mut typed = resource.as_object().expect("a resource").clone();
        typed.insert("@type".to_owned(), json!(format!("type.googleapis.com/{type_name}")));
        typed
    });
    json!({"version_info": "1", "resources": typed.collect::<Vec<_>>()})
}
