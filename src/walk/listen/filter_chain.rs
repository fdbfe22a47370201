//! Which of the listener's filter chains takes the connection, and what ends the chain.

use crate::envoy::any::JsonAny;
use crate::envoy::filter_chain::{self, Chosen, Connection};
use crate::envoy::harmless;
use crate::envoy::pb::envoy::config::listener::v3::listener_filter::ConfigType as ListenerFilterConfig;
use crate::envoy::pb::envoy::config::listener::v3::listener_filter_chain_match_predicate::Rule;
use crate::envoy::pb::envoy::config::listener::v3::{
    Filter, FilterChain, ListenerFilter, ListenerFilterChainMatchPredicate as Predicate, filter,
};
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::envoy::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
use crate::envoy::re2::Charset;
use crate::envoy::xds_matcher::{Asked, Led};
use crate::snapshot::{Evidence, Node, Origin};
use crate::verdict::{Mark, Stage};

use crate::walk::Protocol;
use crate::walk::dial::resolve::Dial;
use crate::walk::listen::listener::Active;
use crate::walk::listen::network_filters::{self, Passage};
use crate::walk::way::path::Path;
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

/// What ends a chain.
pub(in crate::walk) enum Terminal {
    /// HTTP.
    Http(Box<HttpConnectionManager>, Node),
    /// Bytes.
    Tcp(Box<TcpProxy>, Node),
}

const LISTENER: &str = "envoy.config.listener.v3.Listener";
const CHAIN: &str = "envoy.config.listener.v3.FilterChain";

/// Chooses the chain and finds its terminal filter; `None` when the path ended.
pub(in crate::walk) fn choose(walker: &Walker, path: &mut Path, active: &Active, dial: &Dial) -> Option<Terminal> {
    let except = ["filter_chains", "default_filter_chain", "filter_chain_matcher", "listener_filters"];
    if let Some(what) = Walker::unmodeled(&active.node, LISTENER, &except) {
        return unknown(walker, path, &active.name, &what);
    }
    let connection = match connection(walker, active, dial) {
        Ok(connection) => connection,
        Err(what) => return unknown(walker, path, &active.name, &what),
    };
    let chains = &active.listener.filter_chains;
    let by_matches = by_matches(active, &connection);
    let chosen = match by_matches.unwrap_or_else(|| by_matcher(walker, active, &connection)) {
        Ok(chosen) => chosen,
        Err(what) => return unknown(walker, path, &active.name, &what),
    };
    let (chain, node) = match chosen {
        Chosen::Chain(i) => (chains.get(i)?, active.node.get("filter_chains")?.index(i)?),
        Chosen::Default => {
            let Some(chain) = &active.listener.default_filter_chain else {
                let evidence = near_matches(active, dial);
                path.stop(Stage::FilterChain, &active.name, "no filter chain matches", Stop::NoFilterChain, evidence);
                return None;
            };
            (chain, active.node.get("default_filter_chain")?)
        }
        Chosen::Missing => {
            let evidence = active.node.get("filter_chain_matcher").map(|n| n.evidence()).into_iter().collect();
            let note = "its matcher names a filter chain that is not there";
            path.stop(Stage::FilterChain, &active.name, note, Stop::NoFilterChain, evidence);
            return None;
        }
        Chosen::Unknown(what) => {
            return unknown(
                walker,
                path,
                &active.name,
                &format!("the filter chains of {} differ in {what}", active.name),
            );
        }
    };
    path.decision.filter_chain = Some(chain.name.clone());
    path.trail.filter_chain = Some(node.clone());
    let evidence = node.get("filter_chain_match").map(|n| n.evidence()).into_iter().collect();
    path.step(Stage::FilterChain, Mark::Passed, &chain.name, "", evidence);
    if let Some(what) = Walker::unmodeled(&node, CHAIN, &["filters", "filter_chain_match"]) {
        return unknown(walker, path, &chain.name, &what);
    }
    let is_source = matches!(walker.origin, Origin::Source(_));
    match (&chain.transport_socket, walker.downstream.tls) {
        (Some(_), _) if is_source => {
            return unknown(walker, path, &chain.name, "TLS that the chain terminates is not modeled");
        }
        (Some(_), true) | (None, false) => {}
        (Some(_), false) => {
            let evidence = node.at("transport_socket.name").map(|n| n.evidence()).into_iter().collect();
            path.stop(Stage::FilterChain, &chain.name, "it takes TLS only", Stop::PlaintextOnTls, evidence);
            return None;
        }
        (None, true) => walker.ciphertext.set(true),
    }
    terminal(walker, path, (chain, &node), dial, &connection)
}

/// By what each chain asks for; `None` where a matcher chooses, for then that does not count.
fn by_matches(active: &Active, connection: &Connection) -> Option<Result<Chosen, String>> {
    if active.listener.filter_chain_matcher.is_some() {
        return None;
    }
    if let Some(what) = unmodeled_matches(active) {
        return Some(Err(what));
    }
    let matches: Vec<_> = active.listener.filter_chains.iter().map(|c| c.filter_chain_match.clone()).collect();
    Some(Ok(filter_chain::choose(&matches, connection)))
}

/// By the listener's own matcher, which leads to the name of a chain.
fn by_matcher(walker: &Walker, active: &Active, connection: &Connection) -> Result<Chosen, String> {
    let matcher = active.listener.filter_chain_matcher.as_ref().ok_or("a matcher that is not there")?;
    let input = |any: &JsonAny| filter_chain::input(any, connection);
    let asked = Asked { input: &input, charset: Charset::of(walker.version) };
    match asked.follow(matcher) {
        Led::Nowhere => Ok(Chosen::Default),
        Led::Unknown(why) => Err(why),
        Led::To(any, _) if any.type_name == "google.protobuf.StringValue" => {
            let value: serde_json::Value = serde_json::from_slice(&any.json).unwrap_or_default();
            let name = value.get("value").and_then(serde_json::Value::as_str).unwrap_or_default();
            let at = active.listener.filter_chains.iter().position(|chain| chain.name == name);
            Ok(at.map_or(Chosen::Missing, Chosen::Chain))
        }
        Led::To(any, _) => Err(format!("the action {} of a matcher is not modeled", any.type_name)),
    }
}

/// What the chains of the port that was dialed ask for; the listener's name where there is none.
fn near_matches(active: &Active, dial: &Dial) -> Vec<Evidence> {
    let chains = active.node.list("filter_chains");
    let of_port = |m: &Node| {
        let port = m.get("destination_port").and_then(|p| p.value().as_u64());
        port.is_none_or(|p| p == u64::from(dial.port))
    };
    let matches = chains.iter().filter_map(|c| c.get("filter_chain_match")).filter(of_port);
    let mut evidence: Vec<Evidence> = matches.map(|m| m.evidence()).collect();
    evidence.truncate(4);
    if evidence.is_empty() {
        evidence.extend(active.node.get("name").map(|n| n.evidence()));
    }
    evidence
}

/// Walks the network filters up to the one that ends the chain.
fn terminal(
    walker: &Walker,
    path: &mut Path,
    (chain, node): (&FilterChain, &Node),
    dial: &Dial,
    connection: &Connection,
) -> Option<Terminal> {
    for (i, filter) in chain.filters.iter().enumerate() {
        let at = node.get("filters")?.index(i)?.get("typed_config");
        let (type_name, any) = match &filter.config_type {
            Some(filter::ConfigType::TypedConfig(any)) => (any.type_name.as_str(), any),
            None => {
                return unknown(walker, path, &filter.name, &format!("network filter {} is not modeled", filter.name));
            }
        };
        let unread = |why: String| format!("network filter {} could not be read: {why}", filter.name);
        match type_name.rsplit('.').next().unwrap_or_default() {
            "HttpConnectionManager" => match any.unpack() {
                Ok(manager) => match path.denied.take() {
                    Some(denial) => {
                        network_filters::close(path, denial);
                        return None;
                    }
                    None => return Some(Terminal::Http(Box::new(manager), at?)),
                },
                Err(why) => return unknown(walker, path, &filter.name, &unread(why)),
            },
            // The server name names the cluster.
            "SniCluster" if !connection.server_name.is_empty() => {
                path.cluster = Some(connection.server_name.clone());
            }
            "SniCluster" => {}
            "TcpProxy" => match any.unpack() {
                Ok(proxy) => return Some(Terminal::Tcp(Box::new(proxy), at?)),
                Err(why) => return unknown(walker, path, &filter.name, &unread(why)),
            },
            _ if is_harmless(filter, type_name) => {}
            _ => match network_filters::passage(walker, dial, &filter.name, any, &at?) {
                Passage::Passes => {}
                Passage::Closes(denial) => drop(path.denied.get_or_insert(denial)),
                Passage::Unknown(what) => return unknown(walker, path, &filter.name, &what),
                Passage::Unmodeled => {
                    let what = format!("network filter {} ({type_name}) is not modeled", filter.name);
                    return unknown(walker, path, &filter.name, &what);
                }
            },
        }
    }
    unknown(walker, path, &chain.name, "the chain has no filter that ends it")
}

fn is_harmless(filter: &Filter, type_name: &str) -> bool {
    harmless::network_filter(type_name).is_some() || harmless::network_filter(&filter.name).is_some()
}

fn unmodeled_matches(active: &Active) -> Option<String> {
    let chains = active.node.get("filter_chains")?;
    let matches = chains.items().filter_map(|c| c.get("filter_chain_match"));
    let mut found = matches.filter_map(|m| Walker::unmodeled(&m, "envoy.config.listener.v3.FilterChainMatch", &[]));
    found.next()
}

/// What the listener's filters see of the connection.
fn connection(walker: &Walker, active: &Active, dial: &Dial) -> Result<Connection, String> {
    let question = walker.question;
    let outer = &walker.downstream;
    let is_source = matches!(walker.origin, Origin::Source(_));
    let speaks_tls = question.tls || dial.protocol == Protocol::Tls || outer.tls;
    let own = walker.node.as_ref().and_then(|n| n.ip.parse().ok());
    let mut connection = Connection {
        destination: dial.ip,
        port: dial.port,
        transport_protocol: "raw_buffer",
        source: if is_source { own } else { outer.source },
        ..Connection::default()
    };
    for filter in &active.listener.listener_filters {
        let type_name = match &filter.config_type {
            Some(ListenerFilterConfig::TypedConfig(any)) => any.type_name.rsplit('.').next().unwrap_or_default(),
            None => "",
        };
        let off = filter.filter_disabled.as_ref().is_some_and(|p| is_disabled(p, dial.port));
        match (type_name, filter.name.as_str()) {
            _ if off => {}
            ("TlsInspector", _) | ("", "envoy.filters.listener.tls_inspector") => {
                if outer.tls {
                    connection.transport_protocol = "tls";
                    connection.server_name = outer.server_name.to_ascii_lowercase();
                    connection.application_protocols = outer.alpn.clone();
                } else if speaks_tls {
                    connection.transport_protocol = "tls";
                    connection.server_name = server_name(walker);
                    connection.application_protocols = vec!["h2".to_owned(), "http/1.1".to_owned()];
                }
            }
            ("HttpInspector", _) | ("", "envoy.filters.listener.http_inspector") => {
                if !speaks_tls && let Some(protocol) = sniffed(dial.protocol) {
                    connection.application_protocols = vec![protocol.to_owned()];
                }
            }
            // They restore addresses, which the walk knows already.
            ("OriginalDst" | "OriginalSrc" | "ProxyProtocol", _)
            | ("", "envoy.filters.listener.original_dst" | "envoy.filters.listener.original_src") => {}
            _ if harmless::listener_filter(type_name).is_some() => {}
            _ => return Err(not_modeled(filter)),
        }
    }
    Ok(connection)
}

fn not_modeled(filter: &ListenerFilter) -> String {
    format!("listener filter {} is not modeled", filter.name)
}

/// What the HTTP inspector makes of the first bytes.
fn sniffed(protocol: Protocol) -> Option<&'static str> {
    match protocol {
        Protocol::Http1 => Some("http/1.1"),
        Protocol::Http2 | Protocol::Grpc => Some("h2c"),
        Protocol::Tcp | Protocol::Tls => None,
    }
}

/// A client sends no address as its server name.
fn server_name(walker: &Walker) -> String {
    let question = walker.question;
    match &question.sni {
        Some(name) => name.to_ascii_lowercase(),
        None if question.ip().is_some() => String::new(),
        None => question.host.trim_end_matches('.').to_ascii_lowercase(),
    }
}

fn is_disabled(predicate: &Predicate, port: u16) -> bool {
    match &predicate.rule {
        Some(Rule::OrMatch(set)) => set.rules.iter().any(|p| is_disabled(p, port)),
        Some(Rule::AndMatch(set)) => set.rules.iter().all(|p| is_disabled(p, port)),
        Some(Rule::NotMatch(inner)) => !is_disabled(inner, port),
        Some(Rule::AnyMatch(any)) => *any,
        Some(Rule::DestinationPortRange(range)) => (range.start..range.end).contains(&i32::from(port)),
        None => false,
    }
}

fn unknown(walker: &Walker, path: &mut Path, subject: &str, what: &str) -> Option<Terminal> {
    walker.unchecked(what.to_owned());
    path.unknown(Stage::FilterChain, subject, what);
    None
}
