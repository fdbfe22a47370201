//! B's address without Kubernetes: what the proxy's own listeners and routes say of the name.

use std::net::{IpAddr, SocketAddr};

use crate::snapshot::Listening;
use crate::verdict::Stage;
use crate::walk::dial::dialed::{Resolved, found, pending, subject};
use crate::walk::dial::service::number;
use crate::walk::way::course::Told;
use crate::walk::way::guard::Condition;
use crate::walk::way::walker::{Got, Walker};

/// Without Kubernetes: what the proxy's own listeners and routes say of the name.
pub(in crate::walk) fn of_proxy(walker: &Walker) -> Resolved {
    let Some(port) = number(&walker.question.port) else {
        walker.unchecked("a port's name needs Kubernetes, which was not read".to_owned());
        return pending(walker);
    };
    if walker.is_gateway() || walker.question.address.is_some() {
        return found(walker, &[None], port, None, Vec::new());
    }
    let statuses = match walker.ask(walker.snapshot.listeners(walker.origin)) {
        Got::Found(statuses) => statuses,
        Got::Absent(_) | Got::Gap(_) => return pending(walker),
    };
    let at_port: Vec<&Listening> = statuses.iter().filter(|s| s.addresses.iter().any(|a| a.port() == port)).collect();
    let mut ips: Vec<Option<IpAddr>> = Vec::new();
    let mut complete = true;
    for status in &at_port {
        match listener_is_of(walker, status, port) {
            Some(of) => ips.extend(of.into_iter().map(Some)),
            None => complete = false,
        }
    }
    if !complete {
        return pending(walker);
    }
    ips.sort();
    ips.dedup();
    if ips.is_empty() {
        let particular = particular(&at_port);
        if !particular.is_empty() && !known_by_name(walker, &at_port) {
            return one_of(walker, port, particular);
        }
        ips.push(None);
    }
    found(walker, &ips, port, None, Vec::new())
}

/// The listeners that take a particular address, with that.
fn particular<'a>(at_port: &[&'a Listening]) -> Vec<(&'a Listening, IpAddr)> {
    let own =
        |s: &&'a Listening| s.addresses.iter().map(SocketAddr::ip).find(|ip| !ip.is_unspecified()).map(|ip| (*s, ip));
    at_port.iter().filter_map(own).collect()
}

/// The most listeners of which each may be the one: a screen has room for a few.
const MOST: usize = 16;

/// B's address was not read: it is one that a listener takes, or another.
fn one_of(walker: &Walker, port: u16, particular: Vec<(&Listening, IpAddr)>) -> Resolved {
    let host = &walker.question.host;
    let name = particular.first().map_or("", |(status, _)| status.name.as_str());
    let why = format!("which address {host} has was not read, and listener {name} takes a particular one on this port");
    let condition = Condition::withheld(Stage::Request, &subject(walker), &why);
    let condition = condition.provided_that(&format!("{host} has that address"));
    let at =
        |(_, ip): (&Listening, IpAddr)| (format!("{host} is {ip}"), found(walker, &[Some(ip)], port, None, Vec::new()));
    let more = (particular.len() > MOST).then(|| Told::and_others(&condition));
    let other = (format!("{host} has another address"), found(walker, &[None], port, None, Vec::new()));
    Told::alternatives(condition, particular.into_iter().take(MOST).map(at).chain([other]).chain(more).collect())
}

/// Whether a virtual host of the port's wildcard listener goes by B's name: then the address does not matter.
fn known_by_name(walker: &Walker, at_port: &[&Listening]) -> bool {
    let configs = at_port.iter().filter_map(|s| walker.glance(walker.snapshot.listener(walker.origin, &s.name)));
    let names = configs.flat_map(|listener| names_below(listener.value()));
    let mut route_configs = names.filter_map(|name| match name {
        Name::RouteConfig(name) => Some(name),
        Name::Cluster(_) => None,
    });
    route_configs.any(|name| takes_host(walker, &name))
}

fn takes_host(walker: &Walker, route_config: &str) -> bool {
    let table = walker.glance(walker.snapshot.route_config(walker.origin, route_config));
    table.is_some_and(|table| table.is_ok_and(|table| table.domains().exact(&walker.question.host).is_some()))
}

/// The addresses under which a listener takes requests for B; `None` when it was not read.
fn listener_is_of(walker: &Walker, status: &Listening, port: u16) -> Option<Vec<IpAddr>> {
    let listener = match walker.ask(walker.snapshot.listener(walker.origin, &status.name)) {
        Got::Found(listener) => listener,
        Got::Absent(_) => return Some(Vec::new()),
        Got::Gap(_) => return None,
    };
    let mut ips = Vec::new();
    let own: Vec<IpAddr> =
        status.addresses.iter().map(std::net::SocketAddr::ip).filter(|ip| !ip.is_unspecified()).collect();
    for name in names_below(listener.value()) {
        match name {
            Name::Cluster(name) if walker.names(&walker.mesh.host_of_cluster(&name).unwrap_or_default()) => {
                ips.extend(&own);
            }
            Name::RouteConfig(name) => {
                let host = walker.mesh.host_of_route_config(&name).unwrap_or_default();
                if walker.names(host) {
                    ips.extend(&own);
                } else if own.is_empty() {
                    ips.extend(virtual_host_ips(walker, &name, port)?);
                }
            }
            Name::Cluster(_) => {}
        }
    }
    Some(ips)
}

/// A name that a listener's filters lead to.
enum Name {
    Cluster(String),
    RouteConfig(String),
}

fn names_below(value: &serde_json::Value) -> Vec<Name> {
    let mut names = Vec::new();
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            serde_json::Value::Object(object) => {
                for (key, inner) in object {
                    match (key.as_str(), inner.as_str()) {
                        ("cluster", Some(name)) => names.push(Name::Cluster(name.to_owned())),
                        ("route_config_name" | "routeConfigName", Some(name)) => {
                            names.push(Name::RouteConfig(name.to_owned()));
                        }
                        _ => left.push(inner),
                    }
                }
            }
            serde_json::Value::Array(items) => left.extend(items),
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::String(_) => {}
        }
    }
    names
}

/// The addresses among the domains of the virtual host that takes B; `None` when the configuration was not read.
fn virtual_host_ips(walker: &Walker, route_config: &str, port: u16) -> Option<Vec<IpAddr>> {
    let table = match walker.ask(walker.snapshot.route_config(walker.origin, route_config)) {
        Got::Found(Ok(table)) => table,
        Got::Found(Err(_)) | Got::Absent(_) => return Some(Vec::new()),
        Got::Gap(_) => return None,
    };
    let host = walker.question.host.as_str();
    let named = [host, &format!("{host}:{port}")];
    let host = named.into_iter().filter_map(|name| table.domains().exact(name)).min();
    let domains = host.and_then(|i| table.host(i).ok()).map(|host| host.node().list("domains")).unwrap_or_default();
    Some(domains.iter().filter_map(|d| d.value().as_str()?.parse().ok()).collect())
}
