//! The messages of a configuration: where each stands, and which it is.

use serde_json::Value;

use crate::api::{Api, Field, Holds, Times};
use crate::config::ACCEPTING;

/// A step on the way to a value within a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// Which resource of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    Listener(usize),
    Cluster(usize),
    Routes(usize),
    Assignment(usize),
}

/// A message that stands somewhere.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) root: Root,
    pub(crate) path: Vec<Step>,
    /// Its name.
    pub(crate) message: String,
}

/// What the harness itself rests on, or what would reach out of the machine.
const LEFT_ALONE: &[&str] = &[
    // The log tells what Envoy did.
    "access_log",
    "access_log_options",
    "access_log_flush_interval",
    "access_logs",
    // Where files are, and servers of names.
    "filename",
    "path_prefix",
    "watched_directory",
    "config_source",
    "eds_config",
    "typed_dns_resolver_config",
    "dns_resolvers",
    "dns_resolution_config",
    "google_grpc",
    "api_config_source",
    "http_header_name",
    "environment_variable",
];

const MANAGER: &str = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// Fields of one message that are left alone.
const LEFT_ALONE_IN: &[(&str, &str)] = &[
    ("envoy.config.listener.v3.Listener", "name"),
    ("envoy.config.listener.v3.Listener", "address"),
    ("envoy.config.listener.v3.Listener", "additional_addresses"),
    ("envoy.config.listener.v3.Listener", "bind_to_port"),
    ("envoy.config.listener.v3.Listener", "api_listener"),
    ("envoy.config.route.v3.Route", "name"),
    // The log has it as a constant.
    ("envoy.config.route.v3.RouteConfiguration", "name"),
    (MANAGER, "route_config"),
    (MANAGER, "rds"),
    (MANAGER, "scoped_routes"),
    // Where nobody listens, which is nothing that a configuration says.
    ("envoy.config.endpoint.v3.Endpoint", "address"),
    ("envoy.config.core.v3.SocketAddress", "address"),
    ("envoy.config.core.v3.SocketAddress", "port_value"),
];

/// Whether this field is set by no mutation.
pub(crate) fn is_left_alone(message: &str, field: &str) -> bool {
    LEFT_ALONE.contains(&field) || LEFT_ALONE_IN.contains(&(message, field))
}

/// All messages of a resource.
pub(crate) fn of(api: &Api, root: Root, value: &Value) -> Vec<Place> {
    let message = match root {
        Root::Listener(_) if value["name"] == ACCEPTING => return Vec::new(),
        Root::Listener(_) => "envoy.config.listener.v3.Listener",
        Root::Cluster(_) => "envoy.config.cluster.v3.Cluster",
        Root::Routes(_) => "envoy.config.route.v3.RouteConfiguration",
        Root::Assignment(_) => "envoy.config.endpoint.v3.ClusterLoadAssignment",
    };
    let mut found = Vec::new();
    let mut seen = |path: &[Step], message: &str, _: &Value| {
        found.push(Place { root, path: path.to_vec(), message: message.to_owned() });
    };
    each(api, message, value, &mut Vec::new(), &mut seen);
    found
}

/// Goes through all messages of a value of this one.
pub(crate) fn each(
    api: &Api,
    message: &str,
    value: &Value,
    path: &mut Vec<Step>,
    seen: &mut impl FnMut(&[Step], &str, &Value),
) {
    let Value::Object(fields) = value else { return };
    let message = match fields.get("@type").and_then(Value::as_str) {
        Some(url) => url.rsplit('/').next().unwrap_or_default(),
        None => message,
    };
    let Some(known) = api.message(message) else { return };
    seen(path, message, value);
    for (key, inner) in fields {
        let named = known.fields.iter().find(|field| field.name == *key);
        let Some(field) = named.filter(|_| !LEFT_ALONE.contains(&key.as_str())) else { continue };
        path.push(Step::Key(key.clone()));
        within(api, field, inner, path, seen);
        path.pop();
    }
}

fn within(api: &Api, field: &Field, value: &Value, path: &mut Vec<Step>, seen: &mut impl FnMut(&[Step], &str, &Value)) {
    let (Holds::Message(inner) | Holds::Map(inner)) = &field.holds else { return };
    match (field.times, value) {
        (Times::List, Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                path.push(Step::Index(index));
                each(api, inner, item, path, seen);
                path.pop();
            }
        }
        (Times::Map, Value::Object(entries)) => {
            for (key, entry) in entries {
                path.push(Step::Key(key.clone()));
                each(api, inner, entry, path, seen);
                path.pop();
            }
        }
        (Times::Once | Times::List | Times::Map, _) => each(api, inner, value, path, seen),
    }
}

/// What stands there.
pub(crate) fn at<'a>(value: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(*index),
    })
}
