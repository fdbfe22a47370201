//! Which filter chain takes a connection: `source/common/listener_manager/filter_chain_manager_impl.cc`.
//!
//! The levels are tried in a fixed order and never backtracked: what a level chose stays chosen, even when no
//! chain below it fits.

use std::net::IpAddr;

use ipnet::IpNet;

use super::address;
use super::any::JsonAny;
use super::pb::envoy::config::core::v3::CidrRange;
use super::pb::envoy::config::listener::v3::FilterChainMatch;
use super::pb::envoy::config::listener::v3::filter_chain_match::ConnectionSourceType;
use super::xds_matcher::Data;

/// What a listener knows of a connection when it chooses a chain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Connection {
    /// The restored destination; `None` when only its port is known.
    pub destination: Option<IpAddr>,
    /// The restored destination port.
    pub port: u16,
    /// The TLS server name that an inspector saw, lower case; empty without one.
    pub server_name: String,
    /// `tls` or `raw_buffer`.
    pub transport_protocol: &'static str,
    /// What the client or an inspector offered, in the client's order.
    pub application_protocols: Vec<String>,
    /// The peer's address; `None` when it is not known.
    pub source: Option<IpAddr>,
    /// The peer's port; `None` when it is not known.
    pub source_port: Option<u16>,
}

/// The chain that was chosen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Chosen {
    /// The chain at this index.
    Chain(usize),
    /// None fits: the default filter chain, where there is one.
    Default,
    /// One that is not there; the default filter chain does not stand in for it.
    Missing,
    /// Chains differ in something that is not known of the connection.
    Unknown(&'static str),
}

/// Chooses among chains with these matches; a chain without one matches everything.
pub fn choose(chains: &[Option<FilterChainMatch>], connection: &Connection) -> Chosen {
    let all: Vec<(usize, FilterChainMatch)> =
        chains.iter().enumerate().map(|(i, m)| (i, m.clone().unwrap_or_default())).collect();
    let left = by_port(all, connection.port);
    let destinations = |m: &FilterChainMatch| ranges(&m.prefix_ranges);
    let destination = connection.destination.map_or(Ip::Unread("the destination address"), Ip::Known);
    let left = match by_prefix(left, destinations, destination) {
        Ok(left) => left,
        Err(what) => return Chosen::Unknown(what),
    };
    let left = by_server_name(left, &connection.server_name);
    let left = by_exact(left, |m| &m.transport_protocol, connection.transport_protocol);
    let left = by_application_protocol(left, &connection.application_protocols);
    by_source(left, connection)
}

/// Every choice that what is not known of a connection can lead to, each once; none where that cannot be told.
///
/// Each range that a chain asks for is tried by its first and its last address, and an address of no range besides.
pub fn possible(chains: &[Option<FilterChainMatch>], connection: &Connection) -> Vec<Chosen> {
    let of_port = chains.iter().map(|m| m.clone().unwrap_or_default()).enumerate().collect();
    let left: Vec<FilterChainMatch> = by_port(of_port, connection.port).into_iter().map(|(_, m)| m).collect();
    let mut found: Vec<Chosen> = Vec::new();
    for destination in tried(connection.destination, &left, |m| ranges(&m.prefix_ranges)) {
        let by_source =
            |m: &FilterChainMatch| [ranges(&m.direct_source_prefix_ranges), ranges(&m.source_prefix_ranges)].concat();
        // Whoever is asked for by the type of the source can be the destination itself.
        for source in tried(connection.source, &left, by_source).into_iter().chain([destination]) {
            for port in ports(connection.source_port, &left) {
                let known = Connection { destination, source, source_port: port, ..connection.clone() };
                let chosen = choose(chains, &known);
                if let Chosen::Unknown(_) = chosen {
                    return Vec::new();
                }
                if !found.contains(&chosen) {
                    found.push(chosen);
                }
            }
        }
    }
    found
}

/// The most addresses that are tried: a listener can have thousands of chains.
const MOST_TRIED: usize = 256;

/// The address that is known, else those that make a difference.
fn tried(
    known: Option<IpAddr>,
    left: &[FilterChainMatch],
    of: impl Fn(&FilterChainMatch) -> Vec<IpNet>,
) -> Vec<Option<IpAddr>> {
    if known.is_some() {
        return vec![known];
    }
    let nets: Vec<IpNet> = left.iter().flat_map(of).collect();
    let elsewhere = ["203.0.113.77", "2001:db8::77"].iter().filter_map(|ip| ip.parse().ok());
    let edges = nets.iter().flat_map(|net| [net.network(), net.broadcast()]).take(MOST_TRIED);
    let mut addresses: Vec<IpAddr> = edges.chain(elsewhere).collect();
    addresses.sort();
    addresses.dedup();
    addresses.into_iter().map(Some).collect()
}

/// The port that is known, else those that make a difference.
fn ports(known: Option<u16>, left: &[FilterChainMatch]) -> Vec<Option<u16>> {
    if known.is_some() {
        return vec![known];
    }
    let listed = left.iter().flat_map(|m| &m.source_ports).filter_map(|port| u16::try_from(*port).ok());
    let mut ports: Vec<u16> = listed.take(MOST_TRIED).chain([0]).collect();
    ports.sort_unstable();
    ports.dedup();
    ports.into_iter().map(Some).collect()
}

/// What an input of a listener's matcher gives of the connection (`source/extensions/matching/network/common/inputs.h`).
pub fn input(any: &JsonAny, connection: &Connection) -> Data {
    let text = |text: &str| if text.is_empty() { Data::Absent } else { Data::Text(text.to_owned()) };
    let ip = |ip: Option<IpAddr>, what: &str| {
        ip.map_or_else(|| Data::Unknown(format!("{what} is not known")), |ip| Data::Text(ip.to_string()))
    };
    let package = any.type_name.strip_prefix("envoy.extensions.matching.common_inputs.network.v3.");
    match package.unwrap_or_default() {
        "DestinationIPInput" => ip(connection.destination, "the address that was dialed"),
        "DestinationPortInput" => Data::Text(connection.port.to_string()),
        "SourceIPInput" | "DirectSourceIPInput" => ip(connection.source, "the source address"),
        "SourcePortInput" => Data::Unknown("the source port is not known".to_owned()),
        "SourceTypeInput" => match connection.is_local() {
            Some(true) => Data::Text("local".to_owned()),
            Some(false) => Data::Absent,
            None => Data::Unknown("the source address is not known".to_owned()),
        },
        "ServerNameInput" => text(&connection.server_name),
        "TransportProtocolInput" => text(connection.transport_protocol),
        "ApplicationProtocolInput" => {
            let quoted: Vec<String> = connection.application_protocols.iter().map(|p| format!("'{p}'")).collect();
            text(&quoted.join(","))
        }
        _ => Data::Unknown(format!("the input {} of a matcher is not modeled", any.type_name)),
    }
}

impl Connection {
    /// Whether it comes from its own destination, or from exactly `127.0.0.1` or `::1`; `None` where that is not known.
    fn is_local(&self) -> Option<bool> {
        let source = self.source?;
        let loopback = ["127.0.0.1", "::1"].iter().any(|ip| source.to_string() == *ip);
        Some(loopback || self.destination == Some(source))
    }
}

type Left = Vec<(usize, FilterChainMatch)>;

fn by_port(left: Left, port: u16) -> Left {
    let wants = |m: &FilterChainMatch| m.destination_port.as_ref().map(|p| p.value);
    let exact = left.iter().any(|(_, m)| wants(m) == Some(u32::from(port)));
    left.into_iter().filter(|(_, m)| wants(m) == exact.then_some(u32::from(port))).collect()
}

/// An address that may not be known.
#[derive(Clone, Copy)]
enum Ip {
    Known(IpAddr),
    Unread(&'static str),
}

/// Keeps the chains with the longest range that holds the address.
fn by_prefix(left: Left, of: impl Fn(&FilterChainMatch) -> Vec<IpNet>, ip: Ip) -> Result<Left, &'static str> {
    let longest = |m: &FilterChainMatch| -> Option<i16> {
        let nets = of(m);
        if nets.is_empty() {
            return Some(-1);
        }
        let holds = |net: &IpNet| match ip {
            Ip::Known(ip) => net.contains(&ip),
            Ip::Unread(_) => net.prefix_len() == 0,
        };
        nets.iter().filter(|net| holds(net)).map(|net| i16::from(net.prefix_len())).max()
    };
    if let Ip::Unread(what) = ip
        && left.iter().any(|(_, m)| of(m).iter().any(|net| net.prefix_len() > 0))
    {
        return Err(what);
    }
    // An unset range is 0.0.0.0/0 and ::/0, so it ties with those; which of the two Envoy takes is the luck of a hash.
    let rank = |m: &FilterChainMatch| longest(m).map(|n| n.max(0));
    let best = left.iter().filter_map(|(_, m)| rank(m)).max();
    let is_there = |length: i16| left.iter().any(|(_, m)| longest(m) == Some(length));
    if best == Some(0) && is_there(0) && is_there(-1) {
        return Err("address ranges, of which one is unset and another is /0: Envoy takes either");
    }
    Ok(left.into_iter().filter(|(_, m)| best.is_some() && rank(m) == best).collect())
}

fn by_server_name(left: Left, name: &str) -> Left {
    // Exact, then the longest wildcard (`*.b.c` for `a.b.c`), then chains that name none.
    let mut keys = vec![name.to_owned()];
    let mut from = 0;
    while let Some(dot) = name.get(from..).and_then(|rest| rest.find('.')) {
        keys.push(format!("*{}", &name[from + dot..]));
        from += dot + 1;
    }
    let has = |m: &FilterChainMatch, key: &String| m.server_names.iter().any(|n| n.eq_ignore_ascii_case(key));
    let hit = keys.into_iter().filter(|k| !k.is_empty()).find(|key| left.iter().any(|(_, m)| has(m, key)));
    match hit {
        Some(key) => left.into_iter().filter(|(_, m)| has(m, &key)).collect(),
        None => left.into_iter().filter(|(_, m)| asks_for_none(&m.server_names)).collect(),
    }
}

fn by_exact(left: Left, of: impl Fn(&FilterChainMatch) -> &String, value: &str) -> Left {
    let hit = left.iter().any(|(_, m)| of(m) == value);
    left.into_iter().filter(|(_, m)| if hit { of(m) == value } else { of(m).is_empty() }).collect()
}

fn by_application_protocol(left: Left, offered: &[String]) -> Left {
    let hit = offered.iter().find(|p| left.iter().any(|(_, m)| m.application_protocols.contains(p)));
    match hit {
        Some(protocol) => left.into_iter().filter(|(_, m)| m.application_protocols.contains(protocol)).collect(),
        None => left.into_iter().filter(|(_, m)| asks_for_none(&m.application_protocols)).collect(),
    }
}

/// An empty name stands where those stand that name nothing (`FilterChainManagerImpl::addFilterChainForServerNames`).
fn asks_for_none(names: &[String]) -> bool {
    names.is_empty() || names.iter().any(String::is_empty)
}

/// The last levels: who connects.
fn by_source(left: Left, connection: &Connection) -> Chosen {
    let source = connection.source.map_or(Ip::Unread("the source address"), Ip::Known);
    let left = match by_prefix(left, |m| ranges(&m.direct_source_prefix_ranges), source) {
        Ok(left) => left,
        Err(what) => return Chosen::Unknown(what),
    };
    let left = match by_source_type(left, connection) {
        Ok(left) => left,
        Err(what) => return Chosen::Unknown(what),
    };
    let left = match by_prefix(left, |m| ranges(&m.source_prefix_ranges), source) {
        Ok(left) => left,
        Err(what) => return Chosen::Unknown(what),
    };
    let left = match by_source_port(left, connection.source_port) {
        Ok(left) => left,
        Err(what) => return Chosen::Unknown(what),
    };
    left.first().map_or(Chosen::Default, |(i, _)| Chosen::Chain(*i))
}

fn by_source_port(left: Left, port: Option<u16>) -> Result<Left, &'static str> {
    if left.iter().all(|(_, m)| m.source_ports.is_empty()) {
        return Ok(left);
    }
    let port = u32::from(port.ok_or("the source port")?);
    let hit = left.iter().any(|(_, m)| m.source_ports.contains(&port));
    let fits = |m: &FilterChainMatch| if hit { m.source_ports.contains(&port) } else { m.source_ports.is_empty() };
    Ok(left.into_iter().filter(|(_, m)| fits(m)).collect())
}

fn by_source_type(left: Left, connection: &Connection) -> Result<Left, &'static str> {
    let of = |m: &FilterChainMatch| m.source_type();
    if left.iter().all(|(_, m)| of(m) == ConnectionSourceType::Any) {
        return Ok(left);
    }
    let local = connection.is_local().ok_or("the source address")?;
    let wanted = if local { ConnectionSourceType::SameIpOrLoopback } else { ConnectionSourceType::External };
    let hit = left.iter().any(|(_, m)| of(m) == wanted);
    let wanted = if hit { wanted } else { ConnectionSourceType::Any };
    Ok(left.into_iter().filter(|(_, m)| of(m) == wanted).collect())
}

fn ranges(cidrs: &[CidrRange]) -> Vec<IpNet> {
    cidrs.iter().filter_map(address::net).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::{Value, json};

    use super::*;

    fn chains(matches: &[Value]) -> Vec<Option<FilterChainMatch>> {
        matches.iter().map(|m| Some(serde_json::from_value(m.clone()).unwrap())).collect()
    }

    fn connection(ip: &str, port: u16, alpn: &[&str]) -> Connection {
        Connection {
            destination: ip.parse().ok(),
            port,
            transport_protocol: "raw_buffer",
            application_protocols: alpn.iter().map(|s| (*s).to_owned()).collect(),
            ..Connection::default()
        }
    }

    #[test]
    fn istio_outbound_sniffs_http() {
        let listener =
            chains(&[json!({"transport_protocol": "raw_buffer", "application_protocols": ["http/1.1", "h2c"]})]);
        assert_eq!(choose(&listener, &connection("10.0.0.1", 80, &["http/1.1"])), Chosen::Chain(0));
        assert_eq!(choose(&listener, &connection("10.0.0.1", 80, &[])), Chosen::Default);
    }

    #[test]
    fn levels_are_never_backtracked() {
        let listener = chains(&[json!({"destination_port": 80, "server_names": ["x"]}), json!({})]);
        assert_eq!(choose(&listener, &connection("10.0.0.1", 80, &[])), Chosen::Default);
        assert_eq!(choose(&listener, &connection("10.0.0.1", 81, &[])), Chosen::Chain(1));
    }

    #[test]
    fn the_longest_prefix_wins() {
        let range = |p: &str, n: u32| json!({"prefix_ranges": [{"address_prefix": p, "prefix_len": n}]});
        let listener = chains(&[json!({}), range("10.0.0.0", 8), range("10.1.0.0", 16)]);
        assert_eq!(choose(&listener, &connection("10.1.2.3", 80, &[])), Chosen::Chain(2));
        assert_eq!(choose(&listener, &connection("10.2.2.3", 80, &[])), Chosen::Chain(1));
        assert_eq!(choose(&listener, &connection("192.0.2.1", 80, &[])), Chosen::Chain(0));
        assert_eq!(choose(&listener, &connection("", 80, &[])), Chosen::Unknown("the destination address"));
    }

    #[test]
    fn server_names_by_longest_suffix() {
        let listener = chains(&[json!({"server_names": ["*.c"]}), json!({"server_names": ["*.b.c"]}), json!({})]);
        let with = |name: &str| Connection { server_name: name.to_owned(), ..connection("10.0.0.1", 443, &[]) };
        assert_eq!(choose(&listener, &with("a.b.c")), Chosen::Chain(1));
        assert_eq!(choose(&listener, &with("x.c")), Chosen::Chain(0));
        assert_eq!(choose(&listener, &with("c")), Chosen::Chain(2));
    }

    #[test]
    fn what_is_not_known_leads_to_each_chain_that_it_can() {
        let range = |p: &str, n: u32| json!({"prefix_ranges": [{"address_prefix": p, "prefix_len": n}]});
        let listener = chains(&[range("10.0.0.1", 32), range("10.0.0.2", 32)]);
        let possible_of = |listener: &[Option<FilterChainMatch>]| possible(listener, &connection("", 80, &[]));
        assert_eq!(possible_of(&listener), [Chosen::Chain(0), Chosen::Chain(1), Chosen::Default]);
        let of_source = |p: &str, n: u32| json!({"source_prefix_ranges": [{"address_prefix": p, "prefix_len": n}]});
        let listener = chains(&[of_source("10.0.0.0", 8), json!({})]);
        assert_eq!(possible_of(&listener), [Chosen::Chain(0), Chosen::Chain(1)]);
        let listener = chains(&[json!({"source_ports": [7]})]);
        let known = Connection { source_port: Some(7), ..connection("10.0.0.1", 80, &[]) };
        assert_eq!(choose(&listener, &known), Chosen::Chain(0));
        assert_eq!(possible_of(&listener), [Chosen::Default, Chosen::Chain(0)]);
    }

    #[test]
    fn a_source_that_is_not_known_is_not_guessed() {
        let listener = chains(&[json!({"source_prefix_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}]})]);
        assert_eq!(choose(&listener, &connection("10.0.0.1", 80, &[])), Chosen::Unknown("the source address"));
        let known = Connection { source: "10.9.9.9".parse().ok(), ..connection("10.0.0.1", 80, &[]) };
        assert_eq!(choose(&listener, &known), Chosen::Chain(0));
    }
}
