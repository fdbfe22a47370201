//! The network filters before the one that ends a chain.

use std::sync::Arc;

use crate::envoy::any::JsonAny;
use crate::envoy::harmless;
use crate::envoy::pb::envoy::config::listener::v3::{Filter, filter};
use crate::envoy::pb::envoy::extensions::filters::network::rbac::v3::Rbac;
use crate::envoy::rbac::Judgment;
use crate::snapshot::Node;
use crate::verdict::{Power, Stage};
use crate::walk::way::accepted::{Denial, Sight, Terminal};
use crate::walk::way::access::{ground, judge, words};
use crate::walk::way::course::Told;
use crate::walk::way::dial::Dial;
use crate::walk::way::guard::{ANYTHING, Condition};
use crate::walk::way::log::{Fact, Row};
use crate::walk::way::typed_struct::plain;
use crate::walk::way::walker::Walker;

const RBAC: &str = "envoy.extensions.filters.network.rbac.v3.RBAC";

/// What a network filter does with the connection.
pub(in crate::walk) enum Passage {
    /// Passes it on.
    Passes,
    /// Lets the TLS server name choose the cluster.
    NamesCluster,
    /// Closes it when its first byte comes.
    Closes(Denial),
    /// Ends the chain.
    Ends(Terminal),
    /// It is not known.
    Open(Condition),
}

/// What a filter of a chain does, which stands at `at`.
pub(in crate::walk) fn part(
    walker: &Walker,
    (dial, sight): (&Dial, Sight),
    filter: &Filter,
    at: Option<&Node>,
) -> Passage {
    let anything = |why: String| Passage::Open(Condition::of(Stage::FilterChain, &filter.name, ANYTHING, &why));
    let (Some(filter::ConfigType::TypedConfig(any)), Some(at)) = (&filter.config_type, at) else {
        if harmless::network_filter(&filter.name).is_some() {
            return Passage::Passes;
        }
        return anything(format!("the configuration of network filter {} is not in the listener", filter.name));
    };
    let (any, at) = &plain(any.clone(), at.clone());
    let unread = |why: String| anything(format!("network filter {} could not be read: {why}", filter.name));
    match any.type_name.rsplit('.').next().unwrap_or_default() {
        "HttpConnectionManager" => {
            any.unpack().map_or_else(unread, |m| Passage::Ends(Terminal::Http(Arc::new(m), at.clone())))
        }
        "SniCluster" => Passage::NamesCluster,
        "TcpProxy" => any.unpack().map_or_else(unread, |p| Passage::Ends(Terminal::Tcp(Box::new(p), at.clone()))),
        "LocalRateLimit" => limited(walker, filter, at),
        "ConnectionLimit" => counted(walker, filter, at),
        _ if is_harmless(filter, &any.type_name) => Passage::Passes,
        _ if any.type_name == RBAC => access(walker, (dial, sight), filter, any, at),
        type_name => anything(format!("network filter {} ({type_name}) is not modeled", filter.name)),
    }
}

fn is_harmless(filter: &Filter, type_name: &str) -> bool {
    harmless::network_filter(type_name).is_some() || harmless::network_filter(&filter.name).is_some()
}

/// A limit of new connections, whose bucket has room for one at least. How many tokens are left is not known; a connection
/// that finds none is closed (`source/extensions/filters/network/local_ratelimit/local_ratelimit.cc`).
fn limited(walker: &Walker, filter: &Filter, at: &Node) -> Passage {
    if is_enabled(walker, at) == Some(false) {
        return Passage::Passes;
    }
    let tokens = at.at("token_bucket.max_tokens").map(|n| n.value().to_string()).unwrap_or_default();
    let name = &filter.name;
    let why =
        format!("{name} closes connections once its bucket of {tokens} tokens is empty; what is left is not known");
    Passage::Open(Condition::of(Stage::FilterChain, name, &[Power::Refuse], &why))
}

/// A limit of connections at once, one at least, so that a single connection does not meet it
/// (`source/extensions/filters/network/connection_limit/connection_limit.cc`).
fn counted(walker: &Walker, filter: &Filter, at: &Node) -> Passage {
    if is_enabled(walker, at) != Some(false) {
        let most = at.get("max_connections").map(|n| n.value().to_string()).unwrap_or_default();
        let most = most.trim_matches('"');
        walker.unchecked(format!("whether {most} other connections are open, which is the limit of {}", filter.name));
    }
    Passage::Passes
}

/// Whether a filter is switched on: it is, unless `runtime_enabled` or runtime says otherwise; `None` where that is not a
/// plain word.
fn is_enabled(walker: &Walker, at: &Node) -> Option<bool> {
    let Some(flag) = at.get("runtime_enabled") else { return Some(true) };
    let key = flag.text("runtime_key").unwrap_or_default();
    match walker.runtime_value(&key).as_deref() {
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => None,
        None => Some(flag.get("default_value").is_none_or(|value| value.value().as_bool() != Some(false))),
    }
}

/// Access control of connections.
fn access(walker: &Walker, seen: (&Dial, Sight), filter: &Filter, any: &JsonAny, at: &Node) -> Passage {
    let open = |why: String| Passage::Open(Condition::of(Stage::FilterChain, &filter.name, &[Power::Refuse], &why));
    let config: Rbac = match any.unpack() {
        Ok(config) => config,
        Err(why) => return open(format!("network filter {} could not be read: {why}", filter.name)),
    };
    if let Some(what) = Walker::unmodeled(at, RBAC, &["rules"]) {
        return open(what);
    }
    let (Some(rules), Some(node)) = (&config.rules, at.get("rules")) else {
        return Passage::Passes;
    };
    match judge(walker, seen, rules, &node, None) {
        Judgment::Allowed => Passage::Passes,
        Judgment::Denied(policy) => {
            let node = ground(&node, policy.as_deref());
            Passage::Closes(Denial { filter: filter.name.clone(), policy, node })
        }
        Judgment::Unknown(why) => open(format!("whether access control lets the connection through: {why}")),
    }
}

/// The connection ends: where HTTP would have begun, or once a TCP proxy has connected to a host. Access control looks
/// when the first byte is read, and a TCP proxy chooses and connects to a host before.
pub(in crate::walk) fn closed<T>(denial: &Denial) -> Told<T> {
    let note = words(denial.policy.as_deref(), "connection");
    let row = Row::stopped(Stage::FilterChain, &denial.filter, &note).citing([denial.node.evidence()]);
    Told::ends_at(denial.stop(), &denial.filter).row(row).met(Fact::Denial(denial.node.clone()))
}

/// The connection goes on, as the denial is taken as repaired.
pub(in crate::walk) fn passed<T>(told: Told<T>, denial: &Denial) -> Told<T> {
    let note = words(denial.policy.as_deref(), "connection");
    let row = Row::stopped(Stage::FilterChain, &denial.filter, &note).citing([denial.node.evidence()]);
    told.repaired(&denial.stop(), &denial.filter, row)
}
