//! What a listener's filters see of a connection, one after the other, before a filter chain is chosen.
//!
//! Each looks at what the one before left: where the PROXY protocol's filter comes second, the TLS inspector before it
//! sees the PROXY header, which is no TLS.

use crate::envoy::any::JsonAny;
use crate::envoy::filter_chain::Connection;
use crate::envoy::harmless;
use crate::envoy::pb::envoy::config::core::v3::proxy_protocol_config::Version;
use crate::envoy::pb::envoy::config::listener::v3::ListenerFilterChainMatchPredicate as Predicate;
use crate::envoy::pb::envoy::config::listener::v3::listener_filter::ConfigType;
use crate::envoy::pb::envoy::config::listener::v3::listener_filter_chain_match_predicate::Rule;
use crate::envoy::pb::envoy::extensions::filters::listener::proxy_protocol::v3::ProxyProtocol as Config;
use crate::snapshot::{Node, Origin};
use crate::walk::listen::listener::Active;
use crate::walk::listen::listener_filter::{Kind, short_type};
use crate::walk::way::dial::{Dial, Layer, Restored};
use crate::walk::way::protocol::Protocol;
use crate::walk::way::question::ProxyProtocol;
use crate::walk::way::walker::Walker;

/// A connection after the listener's filters.
pub(in crate::walk) struct Inspected {
    /// What filter chains are chosen by.
    pub(in crate::walk) connection: Connection,
    /// What the chosen chain gets.
    pub(in crate::walk) dial: Dial,
    /// What is not modeled.
    pub(in crate::walk) odd: Vec<String>,
    /// A filter closes the connection.
    pub(in crate::walk) closed: Option<Closed>,
}

/// A connection that a listener filter closes.
pub(in crate::walk) struct Closed {
    pub(in crate::walk) filter: String,
    pub(in crate::walk) note: String,
    pub(in crate::walk) at: Option<Node>,
}

/// Whether an inspector of TLS is told to close the other connections (`source/extensions/filters/listener/tls_inspector`).
fn closes_what_is_no_tls(any: &JsonAny) -> bool {
    let value: serde_json::Value = serde_json::from_slice(&any.json).unwrap_or_default();
    value["close_connection_on_client_hello_parsing_errors"].as_bool() == Some(true)
}

/// Asks the listener's filters in their order.
pub(in crate::walk) fn inspect(walker: &Walker, active: &Active, dial: &Dial) -> Inspected {
    let header = walker.question.proxy_protocol.filter(|_| matches!(walker.origin, Origin::Source(_)));
    let restored = if active.is_redirected() { Restored::Yes } else { dial.restored };
    let mut bytes = Bytes {
        walker,
        listener: &active.listener.name,
        header,
        dial: Dial { restored, ..dial.clone() },
        connection: Connection {
            destination: dial.ip,
            port: dial.port,
            transport_protocol: "raw_buffer",
            source: walker.peer(dial),
            ..Connection::default()
        },
        odd: Vec::new(),
    };
    for (place, filter) in active.listener.listener_filters.iter().enumerate() {
        if filter.filter_disabled.as_ref().is_some_and(|predicate| is_disabled(predicate, dial.port)) {
            continue;
        }
        let any = filter.config_type.as_ref().map(|ConfigType::TypedConfig(any)| any);
        let at = active.node.get("listener_filters").and_then(|list| list.index(place));
        if let Some(note) = bytes.meet(&filter.name, any) {
            let closed = Some(Closed { filter: filter.name.clone(), note, at });
            return Inspected { connection: bytes.connection, dial: bytes.dial, odd: bytes.odd, closed };
        }
    }
    // The filter of the PROXY protocol in its old form comes last; the first chain alone is asked.
    let first = active.listener.filter_chains.first().and_then(|chain| chain.use_proxy_proto.as_ref());
    if first.is_some_and(|set| set.value)
        && let Some(note) = bytes.meet("proxy_protocol", None)
    {
        let at = active.node.get("filter_chains").and_then(|chains| chains.index(0)?.get("use_proxy_proto"));
        let closed = Some(Closed { filter: "use_proxy_proto".to_owned(), note, at });
        return Inspected { connection: bytes.connection, dial: bytes.dial, odd: bytes.odd, closed };
    }
    bytes.arrive()
}

/// What comes on the connection, as far as the filters have read it.
struct Bytes<'a> {
    walker: &'a Walker<'a>,
    /// The listener's name.
    listener: &'a str,
    /// A PROXY header that nobody has taken off yet.
    header: Option<ProxyProtocol>,
    dial: Dial,
    connection: Connection,
    odd: Vec<String>,
}

impl Bytes<'_> {
    /// A filter looks; why it closes the connection, where it does.
    fn meet(&mut self, name: &str, any: Option<&JsonAny>) -> Option<String> {
        match Kind::of(any, name) {
            Kind::Tls => {
                self.waits_for_the_client();
                self.inspect_tls();
                if self.connection.transport_protocol != "tls" && any.is_some_and(closes_what_is_no_tls) {
                    self.odd.push(format!("listener filter {name} closes what it does not take for TLS"));
                }
            }
            Kind::Http => {
                self.waits_for_the_client();
                self.inspect_http();
            }
            Kind::ProxyHeader => return self.take_header(name, any),
            Kind::OriginalDst if self.dial.restored == Restored::No => self.dial.restored = Restored::Own,
            Kind::OriginalDst => {}
            Kind::Other => {
                let is_harmless =
                    [short_type(any), name].iter().any(|known| harmless::listener_filter(known).is_some());
                if !is_harmless {
                    self.odd.push(format!("listener filter {name} is not modeled"));
                }
            }
        }
        None
    }

    /// It holds the connection until the client has sent something. To a server that speaks first nobody ever does, and
    /// `listener_filters_timeout` is 0 in Istio
    /// (<https://istio.io/latest/docs/ops/deployment/application-requirements/#server-first-protocols>).
    fn waits_for_the_client(&self) {
        let is_source = matches!(self.walker.origin, Origin::Source(_));
        let is_bytes = self.dial.layer == Layer::Clear && self.dial.protocol == Protocol::Tcp;
        if is_source && is_bytes && self.header.is_none() {
            self.walker.unchecked(format!(
                "whether the server speaks first (MySQL, SMTP, FTP): listener {} waits for what the client sends",
                self.listener
            ));
        }
    }

    fn inspect_tls(&mut self) {
        let outer = &self.walker.downstream;
        if outer.tls {
            self.connection.transport_protocol = "tls";
            self.connection.server_name = outer.server_name.to_ascii_lowercase();
            self.connection.application_protocols.clone_from(&outer.alpn);
        } else if self.dial.layer == Layer::Sealed && self.header.is_none() {
            self.connection.transport_protocol = "tls";
            self.connection.server_name = self.walker.question.server_name();
            self.connection.application_protocols = self.walker.question.alpn();
        }
    }

    fn inspect_http(&mut self) {
        if self.dial.layer == Layer::Clear
            && self.header.is_none()
            && !self.walker.downstream.tls
            && let Some(protocol) = sniffed(self.dial.protocol)
        {
            self.connection.application_protocols = vec![protocol.to_owned()];
        }
    }

    /// `source/extensions/filters/listener/proxy_protocol/proxy_protocol.cc`
    fn take_header(&mut self, name: &str, any: Option<&JsonAny>) -> Option<String> {
        let config: Config = match any.map(JsonAny::unpack).transpose() {
            Ok(config) => config.unwrap_or_default(),
            Err(why) => {
                self.odd.push(format!("listener filter {name} could not be read: {why}"));
                return None;
            }
        };
        let Some(version) = self.header else {
            return (!config.allow_requests_without_proxy_protocol)
                .then(|| "it takes connections with a PROXY header only, and none is sent".to_owned());
        };
        let own = match version {
            ProxyProtocol::V1 => Version::V1,
            ProxyProtocol::V2 => Version::V2,
        };
        if config.disallowed_versions().any(|disallowed| disallowed == own) {
            return Some("it does not take this version of the PROXY header".to_owned());
        }
        self.header = None;
        // What the header says of addresses is what counts from here on.
        self.connection.source = self.walker.question.from_address;
        self.dial.announced = self.walker.question.from_address;
        self.dial.restored = Restored::Yes;
        None
    }

    /// What the chosen chain gets: a PROXY header that nobody took off is part of the bytes.
    fn arrive(self) -> Inspected {
        let Self { header, dial, connection, odd, .. } = self;
        let dial = if header.is_some() { Dial { protocol: Protocol::Tcp, layer: Layer::Clear, ..dial } } else { dial };
        Inspected { connection, dial, odd, closed: None }
    }
}

/// What the HTTP inspector makes of the first bytes.
fn sniffed(protocol: Protocol) -> Option<&'static str> {
    match protocol {
        Protocol::Http10 => Some("http/1.0"),
        Protocol::Http1 => Some("http/1.1"),
        Protocol::Http2 | Protocol::Grpc => Some("h2c"),
        Protocol::Tcp | Protocol::Tls => None,
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
