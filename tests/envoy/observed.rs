//! What Envoy did with one request, from its access logs and from the answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::config::Config;
use crate::{backend, in_a_mesh};

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// A backend got it.
    Reached,
    /// The proxy answered below 400.
    Answered,
    /// Neither.
    Failed,
}

/// The proxy's own answer, comparable.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reply {
    /// 0 for a connection without an HTTP answer.
    pub(crate) status: u64,
    pub(crate) grpc_status: Option<u64>,
    pub(crate) flags: BTreeSet<String>,
    /// What stands before the reason in braces.
    pub(crate) details: String,
}

/// One request's way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Observed {
    pub(crate) fate: Fate,
    pub(crate) listener: String,
    /// `None` when no chain matched, or none was looked for.
    pub(crate) filter_chain: Option<String>,
    /// `None` when no request was seen.
    pub(crate) route_config: Option<String>,
    pub(crate) route: Option<String>,
    /// The cluster that the request went to; `None` on NC, for then the log has no name.
    pub(crate) cluster: Option<String>,
    /// As in a mesh.
    pub(crate) host: Option<String>,
    pub(crate) reply: Reply,
    /// Where a redirect points, as in a mesh; of HTTP/1 only.
    pub(crate) location: Option<String>,
    /// The lines of the log.
    pub(crate) log: Vec<Value>,
}

impl Observed {
    /// Pairs the connections of the log, by the client's port, with the bytes that their clients got.
    pub(crate) fn all(log: &str, answers: &[(u16, Vec<u8>)]) -> Result<Vec<Self>, String> {
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
        let (connections, requests): (Vec<Value>, Vec<Value>) =
            lines.into_iter().partition(|line| line["kind"] == "connection");
        let by = |lines: Vec<Value>, key: &str| -> BTreeMap<u64, Value> {
            lines.into_iter().filter_map(|line| Some((line[key].as_u64()?, line))).collect()
        };
        let (mut connections, mut requests) = (by(connections, "client_port"), by(requests, "connection"));
        answers
            .iter()
            .map(|(port, answer)| {
                let connection = connections.remove(&u64::from(*port)).ok_or("a connection is not in the log")?;
                let request = connection["connection"].as_u64().and_then(|id| requests.remove(&id));
                Ok(Self::of(request.into_iter().chain([connection]).collect(), answer))
            })
            .collect()
    }

    fn of(log: Vec<Value>, answer: &[u8]) -> Self {
        let connection = log.iter().find(|line| line["kind"] == "connection").expect("the connection's line");
        let request = log.iter().find(|line| line["kind"] == "request");
        let line = request.unwrap_or(connection);
        let text = |key: &str| line[key].as_str().map(str::to_owned);
        let reply = Reply {
            status: line["status"].as_u64().unwrap_or(0),
            grpc_status: line["grpc_status"].as_u64(),
            flags: flags(line["flags"].as_str()),
            details: details(line["details"].as_str().or_else(|| termination(line)).unwrap_or_default()),
        };
        // What a cache could not get, the log tells as an answer of the cluster's.
        let by_cache = || reply.status == 503 && line["host"].is_null();
        let fate = if backend::named_in(answer).is_some() || (reply.details == "via_upstream" && !by_cache()) {
            Fate::Reached
        } else if (100..400).contains(&reply.status) && reply.grpc_status.unwrap_or(0) == 0 {
            Fate::Answered
        } else {
            Fate::Failed
        };
        // A listener filter that closes a connection says nothing of it.
        let by_filter = request.is_none() && fate == Fate::Failed && reply.flags.is_empty() && reply.details.is_empty();
        // TLS is a chain's.
        let handshakes = line["downstream_failure"].as_str().is_some_and(|why| why.starts_with("TLS_error"));
        let goes_on = !by_filter || !line["cluster"].is_null() || handshakes;
        let chosen = reply.details != "filter_chain_not_found" && goes_on;
        Self {
            fate,
            listener: text("listener").expect("a listener"),
            filter_chain: text("filter_chain").or_else(|| chosen.then(String::new)),
            route_config: text("route_config"),
            route: text("route"),
            // A fault that is injected comes before the cluster is asked for; the log names the route's all the same.
            cluster: text("cluster").filter(|_| reply.details != "fault_filter_abort"),
            host: line["host"].as_str().map(in_a_mesh::text),
            reply,
            location: location(answer),
            log,
        }
    }
}

/// Why a filter closed the connection, where one did.
fn termination(line: &Value) -> Option<&str> {
    line["termination"].as_str().filter(|text| text.starts_with("rbac_access_denied"))
}

/// The `Location` of an answer. Where no Host was given, it is the address, which is another in a mesh.
fn location(answer: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(answer);
    let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with("location:"))?;
    let (scheme, rest) = line.get(9..)?.trim().split_once("://")?;
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = if host.starts_with("127.") { in_a_mesh::text(host) } else { host.to_owned() };
    Some(format!("{scheme}://{host}{path}"))
}

/// A set, as both sides write it: a list, or one text with commas.
pub(crate) fn flags<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let single = texts.into_iter().flat_map(|text| text.split(','));
    single.filter(|flag| !matches!(*flag, "" | "-")).map(str::to_owned).collect()
}

/// Why a connection fails, where that is foretold.
const FORETOLD: [&str; 2] = ["{overflow}", "{connection_termination}"];

/// Details, comparable: what a token lacks is said, how a connection failed is the system's word.
pub(crate) fn details(text: &str) -> String {
    let whole = text.starts_with("jwt_authn_access_denied") || FORETOLD.iter().any(|reset| text.ends_with(reset));
    let compared = if whole { text } else { text.split('{').next().unwrap_or_default() };
    compared.replace(' ', "_")
}

/// Where a route stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) route_config: String,
    pub(crate) virtual_host: String,
    /// None where a matcher leads to it.
    pub(crate) index: Option<usize>,
}

/// The places of all routes of a configuration, by the routes' names.
pub(crate) fn places(config: &Config) -> BTreeMap<String, Place> {
    let mut places = BTreeMap::new();
    let discovered = config.route_configs.iter().filter_map(|(_, routes)| routes.as_ref());
    config.listeners.iter().chain(discovered).for_each(|value| add_places(value, &mut places));
    places
}

fn add_places(value: &Value, places: &mut BTreeMap<String, Place>) {
    match value {
        Value::Object(fields) if fields.contains_key("virtual_hosts") => {
            for host in fields["virtual_hosts"].as_array().into_iter().flatten() {
                let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
                let own = host["routes"].as_array().into_iter().flatten().enumerate();
                let mut routes: Vec<_> = own.map(|(index, route)| (Some(index), route)).collect();
                routes_of_matcher(&host["matcher"], &mut routes);
                for (index, route) in routes {
                    let place = Place { route_config: name(value), virtual_host: name(host), index };
                    let before = places.insert(name(route), place);
                    assert!(before.is_none(), "two routes have the name {}", name(route));
                }
            }
        }
        Value::Object(fields) => fields.values().for_each(|field| add_places(field, places)),
        Value::Array(items) => items.iter().for_each(|item| add_places(item, places)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The routes to which a matcher leads: whatever has a `match`.
fn routes_of_matcher<'a>(value: &'a Value, routes: &mut Vec<(Option<usize>, &'a Value)>) {
    match value {
        Value::Object(fields) if fields.contains_key("match") => routes.push((None, value)),
        Value::Object(fields) => fields.values().for_each(|field| routes_of_matcher(field, routes)),
        Value::Array(items) => items.iter().for_each(|item| routes_of_matcher(item, routes)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
