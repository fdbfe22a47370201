//! Which listener takes the connection: `source/common/listener_manager/connection_handler_impl.cc`.
//!
//! A's connections are redirected to one accepting listener, which hands them over by their original destination:
//! to the listener of exactly that address, else the wildcard of that family and port, else it keeps them. A
//! gateway's clients dial its listeners directly.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::Value;

use crate::envoy::address;
use crate::envoy::pb::envoy::config::listener::v3::Listener;
use crate::mesh::conventions::Redirected;
use crate::snapshot::{Evidence, Listening, Node};
use crate::verdict::{Mark, Stage};
use crate::walk::listen::listener_filter::asks_for_the_original;
use crate::walk::listen::spoken::{protocols, takes_tls};
use crate::walk::way::course::Told;
use crate::walk::way::dial::Dial;
use crate::walk::way::guard::Condition;
use crate::walk::way::log::{Fact, Row};
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::{Gap, Got, Walker};

/// A listener's active configuration.
#[derive(Clone)]
pub(in crate::walk) struct Active {
    pub(in crate::walk) name: String,
    pub(in crate::walk) listener: Listener,
    pub(in crate::walk) node: Node,
    evidence: Vec<Evidence>,
    arrival: Arrival,
}

/// How connections come to a listener.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arrival {
    /// They are redirected there, or handed over by their original destination.
    Redirected,
    /// It is dialed itself.
    Dialed,
}

impl Active {
    /// Whether its connections were dialed to another address, which it knows.
    pub(in crate::walk) fn is_redirected(&self) -> bool {
        self.arrival == Arrival::Redirected
    }

    fn redirected(self) -> Self {
        Self { arrival: Arrival::Redirected, ..self }
    }
}

/// Finds the listener.
pub(in crate::walk) fn find(walker: &Walker, dial: &Dial) -> Told<Active> {
    let statuses = match walker.ask(walker.snapshot.listeners(walker.origin)) {
        Got::Found(statuses) => statuses,
        Got::Absent(_) => return unread("", "the listeners were not read", None),
        Got::Gap(gap) => return unread("", "the listeners were not read", Some(&gap)),
    };
    let accepting = match accepting(walker, &statuses) {
        Got::Found(accepting) => accepting,
        Got::Absent(_) => return unread("", UNREAD_ACCEPTING, None),
        Got::Gap(gap) => return unread("", UNREAD_ACCEPTING, Some(&gap)),
    };
    let loopback = dial.ip.is_some_and(|ip| ip.is_loopback());
    let Some(accepting) = accepting else { return direct(walker, &statuses, dial) };
    if let Some(status) = bound_to(walker, &statuses, dial).filter(|status| status.name != accepting.name) {
        return active(walker, status).then(&|active| passed(active, dial));
    }
    if loopback {
        return within_the_pod(walker, &statuses, dial);
    }
    let hands_off = restores(&accepting);
    let target = if hands_off { look_up(&statuses, dial.ip, dial.port) } else { None };
    let target = match target {
        None if hands_off && dial.ip.is_none_or(|ip| ip.is_ipv4()) => ipv4_compat(walker, &statuses, dial.port),
        target => target,
    };
    match target.filter(|status| status.name != accepting.name) {
        Some(status) => active(walker, status).then(&|active: Active| passed(active.redirected(), dial)),
        None => passed(accepting.redirected(), dial),
    }
}

const UNREAD_ACCEPTING: &str = "the listener that accepts A's connections was not read";

/// A listener of which too little was read.
fn unread<T>(name: &str, note: &str, gap: Option<&Gap>) -> Told<T> {
    let why = gap.map_or_else(|| note.to_owned(), |gap| gap.words(note));
    let condition = Condition::withheld(Stage::Listener, name, &why);
    let condition = condition.provided_that("a listener of the proxy takes the connection");
    let condition = Condition { need: gap.map(|gap| gap.need.clone()), ..condition };
    Told::open(condition).row(Row::unknown(Stage::Listener, name, note))
}

/// The listener that A's redirected connections arrive at, if there is one.
fn accepting(walker: &Walker, statuses: &[Listening]) -> Got<Option<Active>> {
    let which = walker.redirected();
    let captures: Vec<&Listening> = statuses.iter().filter(|status| walker.mesh.takes(which, status)).collect();
    if captures.is_empty() && which == Redirected::Inbound {
        return Got::Found(None);
    }
    let candidates = if captures.is_empty() { statuses.iter().collect() } else { captures.clone() };
    let mut gap = None;
    for status in candidates {
        match configuration(walker, status) {
            Got::Found(Some(active)) => {
                if (restores(&active) || !captures.is_empty()) && is_bound(&active.listener) {
                    return Got::Found(Some(active));
                }
            }
            Got::Found(None) | Got::Absent(_) => {}
            Got::Gap(one) => gap = gap.or(Some(one)),
        }
    }
    gap.map_or(Got::Found(None), Got::Gap)
}

/// Envoy's look-up of an original destination.
fn look_up(statuses: &[Listening], ip: Option<IpAddr>, port: u16) -> Option<&Listening> {
    let has = |status: &&Listening, wanted: SocketAddr| status.addresses.contains(&wanted);
    let at = |ip: IpAddr| SocketAddr::new(ip, port);
    if let Some(ip) = ip
        && let Some(exact) = statuses.iter().find(|s| has(s, at(ip)))
    {
        return Some(exact);
    }
    let v4 = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let v6 = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let families = match ip {
        Some(IpAddr::V4(_)) => vec![v4],
        Some(IpAddr::V6(_)) => vec![v6],
        None => vec![v4, v6],
    };
    families.into_iter().find_map(|family| statuses.iter().find(|s| has(s, at(family))))
}

/// `[::]:port` takes IPv4 connections too where it says so; `/listeners` does not.
fn ipv4_compat<'a>(walker: &Walker, statuses: &'a [Listening], port: u16) -> Option<&'a Listening> {
    let any = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
    let compat = |status: &&Listening| match configuration(walker, status) {
        Got::Found(Some(active)) => {
            let more = active.listener.additional_addresses.iter().filter_map(|a| a.address.as_ref());
            active.listener.address.iter().chain(more).any(address::ipv4_compat)
        }
        Got::Found(None) | Got::Absent(_) | Got::Gap(_) => false,
    };
    statuses.iter().filter(|s| s.addresses.contains(&any)).find(compat)
}

/// A listener that is bound to just this address: whoever dials it comes straight there.
fn bound_to<'a>(walker: &Walker, statuses: &'a [Listening], dial: &Dial) -> Option<&'a Listening> {
    let at = SocketAddr::new(dial.ip?, dial.port);
    let is_bound = |status: &&Listening| match configuration(walker, status) {
        Got::Found(Some(active)) => is_bound(&active.listener),
        Got::Found(None) | Got::Absent(_) | Got::Gap(_) => false,
    };
    statuses.iter().find(|status| status.addresses.contains(&at)).filter(is_bound)
}

/// A connection within A's own pod, which is never redirected: a listener of the proxy may be there, or another process.
fn within_the_pod(walker: &Walker, statuses: &[Listening], dial: &Dial) -> Told<Active> {
    // A listener that only takes redirected connections has no socket.
    let has_socket = |status: &&Listening| match configuration(walker, status) {
        Got::Found(Some(active)) => is_bound(&active.listener),
        Got::Found(None) | Got::Absent(_) | Got::Gap(_) => true,
    };
    let is_there = |status: &&Listening| status.addresses.iter().any(|address| address.port() == dial.port);
    let sockets: Vec<Listening> = statuses.iter().filter(is_there).filter(has_socket).cloned().collect();
    if let Some(status) = look_up(&sockets, dial.ip, dial.port) {
        return active(walker, status).then(&|active| passed(active, dial));
    }
    let why = "it stays within A's pod, and goes by the proxy";
    let condition = Condition::withheld(Stage::Listener, &format!("port {}", dial.port), why);
    let condition = condition.provided_that("a process of A's pod listens there");
    let condition = Condition { need: walker.need_of_source_pod(), ..condition };
    Told::open(condition).row(Row::unknown(Stage::Listener, &format!("port {}", dial.port), why))
}

/// A listener that is dialed itself: a gateway's, or one on loopback.
fn direct(walker: &Walker, statuses: &[Listening], dial: &Dial) -> Told<Active> {
    let is_v4 = dial.ip.is_none_or(|ip| ip.is_ipv4());
    let named = look_up(statuses, dial.ip, dial.port);
    let named = named.or_else(|| if is_v4 { ipv4_compat(walker, statuses, dial.port) } else { None });
    let at_port: Vec<&Listening> =
        statuses.iter().filter(|s| s.addresses.iter().any(|a| a.port() == dial.port)).collect();
    let only = if let ([only], None) = (&at_port[..], dial.ip) { Some(*only) } else { None };
    let Some(status) = named.or(only) else {
        return nobody(walker, statuses, dial);
    };
    active(walker, status).then(&|active| passed(active, dial))
}

/// No listener of the proxy has the port. A gateway's clients dial its Service, whose port leads to one of the listeners;
/// else nobody takes the connection.
fn nobody(walker: &Walker, statuses: &[Listening], dial: &Dial) -> Told<Active> {
    let subject = format!("port {}", dial.port);
    let why = format!("no listener takes it{}", there_are(walker, statuses));
    let names_gateway = walker.question.ip().is_none() && walker.question.address.is_none();
    if let Some((status, why)) = stands_for(walker, statuses, dial).filter(|_| names_gateway) {
        let note = format!("taken for that of {}: {why}", status.name);
        let row = Row::new(Stage::Listener, Mark::Warned, &subject, &note);
        return active(walker, status).then(&|active| passed(active, dial)).row(row);
    }
    if let Some(told) = redirected_there(walker, statuses, dial) {
        return told;
    }
    let at = |status: &Listening| walker.snapshot.listening_at(walker.origin, status);
    let evidence = statuses.iter().take(MOST_NAMED).filter_map(at);
    Told::ends(Stop::NoListener).row(Row::stopped(Stage::Listener, &subject, &why).citing(evidence))
}

/// A listener that asks for the address that was dialed before a redirection is there for redirected connections;
/// whether those to this address are is the business of the network around the proxy.
fn redirected_there(walker: &Walker, statuses: &[Listening], dial: &Dial) -> Option<Told<Active>> {
    let asks = |status: &&Listening| match configuration(walker, status) {
        Got::Found(Some(active)) => is_bound(&active.listener) && asks_for_the_original(&active.listener),
        Got::Found(None) | Got::Absent(_) | Got::Gap(_) => false,
    };
    let asking: Vec<&Listening> = statuses.iter().filter(asks).collect();
    let names: Vec<&str> = asking.iter().map(|status| status.name.as_str()).collect();
    let condition = |what: &str| {
        let subject = names.join(", ");
        let condition = Condition::withheld(
            Stage::Listener,
            &subject,
            "it takes what is redirected to it, and no configuration says what is",
        );
        condition.provided_that(&format!("connections to port {} are redirected to {what}", dial.port))
    };
    match &asking[..] {
        [] => None,
        [only] => {
            let rest = active(walker, only).then(&|active: Active| passed(active.redirected(), dial));
            Some(rest.under([condition(&only.name)]))
        }
        [_, ..] => Some(Told::open(condition("one of them"))),
    }
}

/// The listener that a port of a gateway's Service leads to, and how that is known: by the names of its routes, by the
/// ports that are usual, or as the only one of its protocol.
fn stands_for<'a>(walker: &Walker, statuses: &'a [Listening], dial: &Dial) -> Option<(&'a Listening, &'static str)> {
    let configs = statuses.iter().filter_map(|status| match configuration(walker, status) {
        Got::Found(Some(active)) => Some((status, active)),
        Got::Found(None) | Got::Absent(_) | Got::Gap(_) => None,
    });
    let configs: Vec<(&Listening, Active)> = configs.filter(|(_, active)| is_bound(&active.listener)).collect();
    let has_port = |name: &str| walker.mesh.port_of_route_config(name) == Some(dial.port);
    let by_name = configs.iter().find(|(_, active)| route_configs(active.node.value()).iter().any(|n| has_port(n)));
    if let Some((status, _)) = by_name {
        return Some((status, "its routes are named after the port"));
    }
    let usual: Vec<_> = configs.iter().filter(|(status, _)| is_usual(status, dial.port)).collect();
    if let [(only, _)] = &usual[..] {
        return Some((only, "gateways without rights listen above 1024"));
    }
    let speaks_tls = match dial.port {
        443 => true,
        80 => false,
        _ => return None,
    };
    let alike: Vec<_> = configs.iter().filter(|(_, active)| takes_tls(&active.listener) == speaks_tls).collect();
    match &alike[..] {
        [(only, _)] => Some((only, if speaks_tls { "no other takes TLS" } else { "no other takes plaintext" })),
        _ => None,
    }
}

/// The names of the route configurations that a listener's managers ask for, or have.
fn route_configs(listener: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![listener];
    while let Some(value) = left.pop() {
        match value {
            Value::Object(members) => {
                let named = members.get("route_config_name").or(members.get("routeConfigName"));
                let inline = members.get("route_config").or(members.get("routeConfig")).and_then(|own| own.get("name"));
                found.extend(named.into_iter().chain(inline).filter_map(|name| name.as_str().map(str::to_owned)));
                left.extend(members.values());
            }
            Value::Array(items) => left.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found
}

/// Whether gateways listen there for that port of their Service: without rights, on one above 1,024 (Istio, Contour:
/// 8080 for 80; Envoy Gateway: 10080).
fn is_usual(status: &Listening, port: u16) -> bool {
    let ports = [port.checked_add(8000), port.checked_add(10_000)];
    port < 1024 && status.addresses.iter().any(|address| ports.contains(&Some(address.port())))
}

/// So many listeners are named, of a proxy that has not the one that is asked for.
const MOST_NAMED: usize = 4;

/// `; there are ingress (0.0.0.0:8080, HTTP) and 3 more`.
fn there_are(walker: &Walker, statuses: &[Listening]) -> String {
    let names = statuses.iter().take(MOST_NAMED).map(|status| shown(walker, status));
    let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    match (names.is_empty(), statuses.len() - names.len()) {
        (true, _) => String::new(),
        (false, 0) => format!("; there are {}", names.join(", ")),
        (false, more) => format!("; there are {} and {more} more", names.join(", ")),
    }
}

/// A listener by its name, with its first address and what its clients speak, as far as these are known.
fn shown(walker: &Walker, status: &Listening) -> String {
    let speaks = match configuration(walker, status) {
        Got::Found(Some(active)) => protocols(&active.listener),
        Got::Found(None) | Got::Absent(_) | Got::Gap(_) => String::new(),
    };
    let at = status.addresses.first().map_or_else(String::new, ToString::to_string);
    let known = [at, speaks].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ");
    match (status.name.as_str(), known.as_str()) {
        ("", _) => known,
        (name, "") => name.to_owned(),
        (name, known) => format!("{name} ({known})"),
    }
}

/// The configuration that an active listener runs.
fn active(walker: &Walker, status: &Listening) -> Told<Active> {
    match configuration(walker, status) {
        Got::Found(Some(active)) => Told::goes(active),
        Got::Found(None) | Got::Absent(_) => {
            walker.unchecked(format!("listener {} is active, and its configuration is not in the dump", status.name));
            unread(&status.name, "it is active, and its configuration is not in the dump", None)
        }
        Got::Gap(gap) => unread(&status.name, "its configuration was not read", Some(&gap)),
    }
}

fn configuration(walker: &Walker, status: &Listening) -> Got<Option<Active>> {
    let entry = match walker.ask(walker.snapshot.listener(walker.origin, &status.name)) {
        Got::Found(entry) => entry,
        Got::Absent(evidence) => return Got::Absent(evidence),
        Got::Gap(gap) => return Got::Gap(gap),
    };
    let Some(node) = entry.at("active_state.listener").or_else(|| entry.get("listener")) else {
        return Got::Found(None);
    };
    match node.decode::<Listener>() {
        Ok(listener) => {
            let evidence = walker.snapshot.listening_at(walker.origin, status).into_iter().collect();
            Got::Found(Some(Active { name: status.name.clone(), listener, node, evidence, arrival: Arrival::Dialed }))
        }
        Err(why) => {
            walker.unchecked(format!("listener {} could not be read: {why}", status.name));
            Got::Found(None)
        }
    }
}

/// Whether a listener hands connections over by their original destination. Envoys before 1.19 print the field under
/// the name that deprecated fields had.
fn restores(active: &Active) -> bool {
    let old = active.node.get("hidden_envoy_deprecated_use_original_dst");
    active.listener.use_original_dst.as_ref().is_some_and(|b| b.value)
        || old.is_some_and(|b| b.value().as_bool() == Some(true))
}

fn is_bound(listener: &Listener) -> bool {
    let old = listener.deprecated_v1.as_ref().and_then(|v1| v1.bind_to_port.as_ref());
    listener.bind_to_port.as_ref().or(old).is_none_or(|b| b.value)
}

fn passed(active: Active, dial: &Dial) -> Told<Active> {
    let note = dial.ip.map_or_else(String::new, |ip| format!("takes {}", SocketAddr::new(ip, dial.port)));
    let row = Row::passed(Stage::Listener, &active.name, &note).citing(active.evidence.clone());
    let fact = Fact::Listener(active.name.clone(), active.node.clone());
    Told::goes(active).row(row).met(fact)
}
