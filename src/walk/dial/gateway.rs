//! A gateway as A: its clients dial its Service, which leads to a port of its pod.

use crate::mesh::kubernetes::selects;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Mark, Stage};
use crate::walk::dial::dialed::{Resolved, ended, found, subject};
use crate::walk::dial::service::{is_headless, number_of, ports_of};
use crate::walk::way::log::{Fact, Row};
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

/// The port that a gateway's clients dial, through the gateway's Service to the listener's.
pub(in crate::walk) fn of_gateway(walker: &Walker, port: u16) -> Resolved {
    let port = if let Target::Port(target) = target(walker, port) { target } else { port };
    found(walker, &[None], port, None, Vec::new())
}

/// The same of a host outside of the cluster: what no Service of the gateway has, its clients cannot dial.
pub(in crate::walk) fn of_clients(walker: &Walker, port: u16) -> Resolved {
    match target(walker, port) {
        Target::Port(port) => found(walker, &[None], port, None, Vec::new()),
        Target::OfNobody(selectors) => {
            let note = "no Service selects the gateway's pod: only who dials the pod itself comes here";
            let row = Row::new(Stage::Request, Mark::Warned, &subject(walker), note).citing(selectors.clone());
            let told = found(walker, &[None], port, None, Vec::new());
            told.last(Fact::More(row)).met(Fact::Absence(selectors))
        }
        Target::OfNoService(service) => {
            let name = service.text("metadata.name").unwrap_or_default();
            let note = format!("the gateway's Service {name} has {}", ports_of(&service).join(", "));
            let ports = service.at("spec.ports").map_or_else(|| service.lacks("spec.ports"), |ports| ports.evidence());
            ended(walker, &note, Stop::NoSuchPort, vec![ports]).met(Fact::Service(service))
        }
    }
}

/// Where the port that is dialed leads.
enum Target {
    /// To this port of the pod.
    Port(u16),
    /// There are Services of the pod, this is the first, and none has the port.
    OfNoService(Node),
    /// No Service selects the pod: what those of its namespace select.
    OfNobody(Vec<Evidence>),
}

fn target(walker: &Walker, port: u16) -> Target {
    let Some(pod) = walker.source_pod() else { return Target::Port(port) };
    let namespace = pod.text("metadata.namespace").unwrap_or_default();
    let services = walker.glance(walker.snapshot.objects(Kind::Service, Some(&namespace), &[]));
    let Some(services) = services else { return Target::Port(port) };
    let labels = pod.labels("metadata.labels");
    let own: Vec<&Node> = services.iter().filter(|service| selects(service, &labels)).collect();
    let entries: Vec<Node> = own.iter().flat_map(|service| service.list("spec.ports")).collect();
    if let Some(entry) = entries.iter().find(|entry| number_of(entry) == port) {
        return Target::Port(pod_port(&pod, entry).unwrap_or(port));
    }
    // The listener's own port may have been asked for, or the pod is dialed past its Services.
    let is_target = entries.iter().any(|entry| pod_port(&pod, entry) == Some(port));
    let is_direct = is_dialed_itself(&pod, port) || own.iter().any(|service| is_headless(service));
    match own.first() {
        Some(service) if !is_target && !is_direct => Target::OfNoService((*service).clone()),
        None if !is_direct => {
            let selectors = services.iter().filter_map(|service| service.at("spec.selector"));
            let found: Vec<Evidence> = selectors.take(3).map(|selector| selector.evidence()).collect();
            let nothing = || vec![walker.snapshot.nothing_listed(Kind::Service, &namespace)];
            Target::OfNobody(if found.is_empty() { nothing() } else { found })
        }
        Some(_) | None => Target::Port(port),
    }
}

/// The port of the pod that a Service's port leads to.
fn pod_port(pod: &Node, entry: &Node) -> Option<u16> {
    let Some(target) = entry.get("targetPort") else { return Some(number_of(entry)) };
    match (target.value().as_u64(), target.value().as_str()) {
        (Some(number), _) => u16::try_from(number).ok(),
        (None, Some(name)) => container_port(pod, name),
        (None, None) => None,
    }
}

/// Whether the node's address leads to this port of the pod.
fn is_dialed_itself(pod: &Node, port: u16) -> bool {
    let is_of_host = pod.at("spec.hostNetwork").is_some_and(|own| own.value().as_bool() == Some(true));
    let ports = pod.list("spec.containers").into_iter().flat_map(|container| container.list("ports"));
    let mut of_host = ports.filter_map(|port| port.get("hostPort")?.value().as_u64());
    is_of_host || of_host.any(|own| own == u64::from(port))
}

fn container_port(pod: &Node, name: &str) -> Option<u16> {
    let containers = pod.list("spec.containers");
    let ports = containers.iter().flat_map(|c| c.list("ports"));
    let mut named = ports.filter(|p| p.text("name").as_deref() == Some(name));
    named.find_map(|p| u16::try_from(p.get("containerPort")?.value().as_u64()?).ok())
}
