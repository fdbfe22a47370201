//! What each HTTP filter of a connection manager is configured with, wherever that stands.
//!
//! In the manager itself; delivered apart (`config_discovery`, ECDS); or nowhere, where old Envoys knew a filter by its
//! name alone. Some control planes write a configuration as a `TypedStruct`, which stands for another type.

use crate::envoy::any::JsonAny;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, HttpFilter, http_filter::ConfigType,
};
use crate::snapshot::Node;
use crate::walk::way::typed_struct::plain;
use crate::walk::way::walker::{Got, Walker};

/// A filter's own configuration, and where it stands; or why there is none.
pub(in crate::walk) type Configured = Result<(JsonAny, Node), String>;

/// The configurations of all filters, in their order.
pub(in crate::walk) fn configured(walker: &Walker, manager: &HttpConnectionManager, node: &Node) -> Vec<Configured> {
    let place = |i: usize| node.get("http_filters").and_then(|filters| filters.index(i));
    let one = |(i, filter): (usize, &HttpFilter)| {
        let node = place(i).ok_or_else(|| format!("HTTP filter {} is not where it was decoded", filter.name))?;
        match &filter.config_type {
            Some(ConfigType::TypedConfig(any)) => {
                let at = node.get("typed_config").ok_or("a filter is not where it was decoded")?;
                Ok(plain(any.clone(), at))
            }
            None if node.get("config_discovery").is_some() => delivered(walker, filter, &node),
            None => by_name(filter, node),
        }
    };
    manager.http_filters.iter().enumerate().map(one).collect()
}

/// What ECDS delivered, else what is to be taken until it does.
fn delivered(walker: &Walker, filter: &HttpFilter, node: &Node) -> Configured {
    let name = &filter.name;
    let by_default = || {
        let at = node.at("config_discovery.default_config")?;
        Some(plain(at.decode().ok()?, at))
    };
    match walker.ask(walker.snapshot.extension(walker.origin, name)) {
        Got::Found(entry) => match entry.at("ecds_filter.typed_config") {
            Some(at) => Ok(plain(at.decode()?, at)),
            None => Err(format!("what was delivered for HTTP filter {name} (ECDS) is not in the dump")),
        },
        Got::Absent(_) => {
            by_default().ok_or_else(|| format!("the configuration of HTTP filter {name} (ECDS) was never delivered"))
        }
        Got::Gap(_) => Err(format!("the configuration of HTTP filter {name}, which comes by ECDS, was not read")),
    }
}

/// Old names, and those that say it all, with the type that they stand for.
const BY_NAME: [(&str, &str); 8] = [
    ("router", "envoy.extensions.filters.http.router.v3.Router"),
    ("cors", "envoy.extensions.filters.http.cors.v3.Cors"),
    ("fault", "envoy.extensions.filters.http.fault.v3.HTTPFault"),
    ("grpc_web", "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb"),
    ("grpc_http1_bridge", "envoy.extensions.filters.http.grpc_http1_bridge.v3.Config"),
    ("grpc_stats", "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig"),
    ("rbac", "envoy.extensions.filters.http.rbac.v3.RBAC"),
    ("buffer", "envoy.extensions.filters.http.buffer.v3.Buffer"),
];

fn by_name(filter: &HttpFilter, node: Node) -> Configured {
    let name = &filter.name;
    let short = name.strip_prefix("envoy.filters.http.").or_else(|| name.strip_prefix("envoy.")).unwrap_or(name);
    match BY_NAME.iter().find(|(known, _)| *known == short) {
        Some((_, type_name)) => {
            // All that it is configured with is its name.
            let at = node.get("name").unwrap_or(node);
            Ok((JsonAny { type_name: (*type_name).to_owned(), json: b"{}".to_vec() }, at))
        }
        None => Err(format!("HTTP filter {name} has no configuration")),
    }
}
