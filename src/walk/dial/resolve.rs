//! From B to what A dials: the Host, the port and the addresses.
//!
//! A name is resolved as a pod of A's namespace would resolve it. Without Kubernetes the proxy itself knows names:
//! a virtual host lists its addresses, and a cluster's name says whose it is.

use std::net::IpAddr;

use crate::mesh::kubernetes::service_of_host;
use crate::snapshot::{Evidence, Kind, Lookup, Need, Node};
use crate::verdict::{Power, Stage};
use crate::walk::dial::by_proxy::of_proxy;
use crate::walk::dial::dialed::{Resolved, ended, found, pending, subject};
use crate::walk::dial::external::external;
use crate::walk::dial::gateway::of_gateway;
use crate::walk::dial::own_names::{Searched, in_file_of_hosts, of_other_servers, searched};
use crate::walk::dial::service::{
    cluster_ips, is_bare, is_headless, is_service_name, near_services, number, number_of, port_number, port_of,
    ports_of,
};
use crate::walk::way::guard::Condition;
use crate::walk::way::log::Fact;
use crate::walk::way::service::is_ready;
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::{Got, Walker};

/// Resolves the question.
pub(in crate::walk) fn resolve(walker: &Walker) -> Resolved {
    let literal = walker.question.ip().map(|ip| (ip, None));
    if let Some((ip, evidence)) = literal.or_else(|| in_file_of_hosts(walker)) {
        let Some(port) = number(&walker.question.port) else {
            return ended(walker, "a port name needs a Service", Stop::NoSuchPort, Vec::new());
        };
        return found(walker, &[Some(ip)], port, None, evidence.into_iter().collect());
    }
    by_name(walker).under(of_other_servers(walker).filter(|_| is_of_the_cluster(walker)))
}

/// Whether B's name is one that the cluster's DNS has, or would have.
fn is_of_the_cluster(walker: &Walker) -> bool {
    let host = &walker.question.host;
    service(walker).is_some_and(|of| matches!(of, Lookup::Found(_)) || is_bare(host) || is_service_name(host))
}

fn by_name(walker: &Walker) -> Resolved {
    let question = walker.question;
    match service(walker) {
        None if has_kubernetes(walker) => member_or_external(walker),
        None => of_proxy(walker),
        Some(Lookup::Found(service)) => of_service(walker, &service),
        Some(Lookup::Absent(evidence)) if is_bare(&question.host) || is_service_name(&question.host) => {
            absent(walker, evidence)
        }
        Some(Lookup::Absent(_)) => member_or_external(walker),
        Some(Lookup::Unread(need)) if walker.is_refused(&need) => of_proxy(walker),
        Some(Lookup::Unread(need)) => {
            walker.want(need);
            pending(walker)
        }
    }
}

/// No Service has the name; the pod's own search domains may lead to another.
fn absent(walker: &Walker, evidence: Evidence) -> Resolved {
    let is_bare = is_bare(&walker.question.host);
    // A gateway's clients ask a DNS of their own, and send it any Host.
    if is_bare && walker.is_gateway() {
        return external(walker);
    }
    match if is_bare { searched(walker) } else { Searched::Nowhere } {
        Searched::Service(service) => of_service(walker, &service),
        Searched::Outside => external(walker),
        Searched::Pending => pending(walker),
        Searched::Nowhere => {
            let near = Fact::Near(near_services(walker));
            ended(walker, "there is no such Service", Stop::NoSuchService, vec![evidence]).met(near)
        }
    }
}

/// Whether Kubernetes can be asked: it answered before, or was not yet asked what `external` asks first.
fn has_kubernetes(walker: &Walker) -> bool {
    walker.snapshot.has_objects() || !walker.is_refused(&Need::Objects(Kind::ServiceEntry, None, Vec::new()))
}

/// B's Service, by every form of its name; `None` where no Service can have such a name.
fn service(walker: &Walker) -> Option<Lookup<Node>> {
    let host = walker.question.host.trim_end_matches('.');
    let labels: Vec<&str> = host.split('.').collect();
    let (namespace, name) = match labels[..] {
        [name] => (walker.namespace(), name),
        [name, namespace] | [name, namespace, "svc"] | [name, namespace, "svc", ..] => (namespace.to_owned(), name),
        _ => return None,
    };
    Some(walker.snapshot.object(Kind::Service, &namespace, name))
}

/// A pod of a Service without an address goes by a name of its own: `db-0.db`, and more of it.
fn member(walker: &Walker) -> Option<(String, String, String)> {
    let host = walker.question.host.trim_end_matches('.');
    let labels: Vec<&str> = host.split('.').collect();
    let (pod, service, namespace) = match labels[..] {
        [pod, service] => (pod, service, walker.namespace()),
        [pod, service, namespace] | [pod, service, namespace, "svc", ..] => (pod, service, namespace.to_owned()),
        _ => return None,
    };
    Some((pod.to_owned(), service.to_owned(), namespace))
}

fn member_or_external(walker: &Walker) -> Resolved {
    let Some((pod, name, namespace)) = member(walker) else { return external(walker) };
    match walker.snapshot.object(Kind::Service, &namespace, &name) {
        Lookup::Found(service) if is_headless(&service) => {
            let told = match (port_of(walker, &service), number(&walker.question.port)) {
                (Some(port), _) => headless(walker, &service, (number_of(&port), Some(&port)), Some(&pod)),
                (None, Some(port)) => undeclared(walker, &service, port, Some(&pod)),
                (None, None) => no_port(walker, &service),
            };
            told.met(Fact::Service(service))
        }
        Lookup::Unread(need) if !walker.is_refused(&need) => {
            walker.want(need);
            pending(walker)
        }
        Lookup::Found(_) | Lookup::Absent(_) | Lookup::Unread(_) => external(walker),
    }
}

/// Of a Service without an address A dials the pods, and what listens there need not be declared.
fn undeclared(walker: &Walker, service: &Node, port: u16, only: Option<&str>) -> Resolved {
    let why = format!(
        "the Service has the ports {}; it has no address, so its pods are dialed, and whether one listens on another \
         port is not known",
        ports_of(service).join(", ")
    );
    let condition = Condition::of(Stage::Request, &subject(walker), &[Power::Refuse], &why);
    let condition = condition.provided_that(&format!("a pod of the Service listens on port {port}"));
    headless(walker, service, (port, None), only).under([condition])
}

fn no_port(walker: &Walker, service: &Node) -> Resolved {
    let ports = service.at("spec.ports").map(|p| p.evidence());
    let note = format!("the Service has the ports {}", ports_of(service).join(", "));
    ended(walker, &note, Stop::NoSuchPort, ports.into_iter().collect())
}

fn of_service(walker: &Walker, service: &Node) -> Resolved {
    let is_gateway = walker.is_gateway();
    let asked = number(&walker.question.port);
    let told = match port_of(walker, service) {
        None => match asked.filter(|_| is_headless(service) && !is_gateway) {
            Some(port) => undeclared(walker, service, port, None),
            None => no_port(walker, service),
        },
        Some(_) if service.text("spec.type").as_deref() == Some("ExternalName") => alias(walker, service),
        Some(port) if is_gateway => of_gateway(walker, number_of(&port)),
        Some(port) => {
            let ips: Vec<Option<IpAddr>> = cluster_ips(service).into_iter().map(Some).collect();
            let evidence = service.at("spec.clusterIP").map(|n| n.evidence());
            if ips.is_empty() {
                headless(walker, service, (number_of(&port), Some(&port)), None)
            } else {
                found(walker, &ips, number_of(&port), Some(&port), evidence.into_iter().collect())
            }
        }
    };
    told.met(Fact::Service(service.clone()))
}

/// A Service without an address: A dials the endpoints, or the one of this name. The port is not translated.
fn headless(walker: &Walker, service: &Node, (port, declared): (u16, Option<&Node>), only: Option<&str>) -> Resolved {
    let name = service.text("metadata.name").unwrap_or_default();
    let namespace = service.text("metadata.namespace").unwrap_or_default();
    let labels = [("kubernetes.io/service-name".to_owned(), name)];
    let slices = match walker.ask(walker.snapshot.objects(Kind::EndpointSlice, Some(&namespace), &labels)) {
        Got::Found(slices) => slices,
        Got::Absent(_) => Vec::new(),
        Got::Gap(_) => return pending(walker),
    };
    let mut ips: Vec<Option<IpAddr>> = Vec::new();
    for endpoint in slices.iter().flat_map(|s| s.list("endpoints")) {
        let ready = is_ready(&endpoint) && only.is_none_or(|name| endpoint.text("hostname").as_deref() == Some(name));
        let addresses = endpoint.list("addresses");
        ips.extend(addresses.iter().filter(|_| ready).filter_map(|a| a.value().as_str()?.parse().ok()).map(Some));
    }
    ips.sort();
    ips.dedup();
    if ips.is_empty() && !is_headless(service) {
        // What its address is was not said; a wildcard listener takes any.
        ips.push(None);
    }
    if ips.is_empty() {
        let selector = service.at("spec.selector").map(|n| n.evidence()).into_iter().collect();
        let note = only.map_or_else(
            || "the Service has no address, and none of its pods is ready".to_owned(),
            |pod| format!("none of the Service's ready pods is called {pod}"),
        );
        return ended(walker, &note, Stop::NoAddress, selector);
    }
    found(walker, &ips, port, declared, Vec::new())
}

/// An `ExternalName` is a CNAME: A dials its target, and says the name as it typed it.
fn alias(walker: &Walker, service: &Node) -> Resolved {
    let target = service.text("spec.externalName").unwrap_or_default();
    let evidence = service.at("spec.externalName").map(|n| n.evidence()).into_iter().collect();
    let Some(port) = number(&walker.question.port).or_else(|| port_number(walker, service)) else {
        return ended(walker, "an ExternalName has no named ports", Stop::NoSuchPort, Vec::new());
    };
    let Some((namespace, name)) = service_of_host(&target) else {
        return found(walker, &[None], port, None, evidence);
    };
    match walker.ask(walker.snapshot.object(Kind::Service, &namespace, &name)) {
        Got::Found(target) => {
            let ips: Vec<Option<IpAddr>> = cluster_ips(&target).into_iter().map(Some).collect();
            let ips = if ips.is_empty() { vec![None] } else { ips };
            found(walker, &ips, port, None, evidence).met(Fact::Service(target))
        }
        Got::Absent(_) => found(walker, &[None], port, None, evidence),
        Got::Gap(_) => pending(walker),
    }
}
