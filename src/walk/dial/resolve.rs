//! From B to what A dials: the Host, the port and the addresses.
//!
//! A name is resolved as a pod of A's namespace would resolve it. Without Kubernetes the proxy itself knows names:
//! a virtual host lists its addresses, and a cluster's name says whose it is.

use std::net::IpAddr;

use crate::mesh::istio::{ClusterName, declared_protocol, service_of_host};
use crate::snapshot::{Evidence, Kind, Listening, Lookup, Need, Node};
use crate::verdict::{self, Mark, Stage};

use crate::walk::Port;
use crate::walk::Protocol;
use crate::walk::dial::external::external;
use crate::walk::way::path::Path;
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::{Got, Walker};

/// What A dials, and what it says.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::walk) struct Dial {
    /// The address; `None` stands for one that no listener names.
    pub(in crate::walk) ip: Option<IpAddr>,
    pub(in crate::walk) port: u16,
    /// The Host header.
    pub(in crate::walk) host: String,
    pub(in crate::walk) protocol: Protocol,
}

/// Where a name leads.
pub(in crate::walk) enum Resolved {
    /// To these, each of which A may dial.
    To(Vec<Dial>),
    /// Nowhere: the path has ended.
    Ended,
}

/// Resolves the question. Rows and ends go to `path`.
pub(in crate::walk) fn resolve(walker: &Walker, path: &mut Path) -> Resolved {
    let question = walker.question;
    if let Some(ip) = question.ip() {
        let Some(port) = number(&question.port) else {
            return ended(path, walker, "a port name needs a Service", Stop::NoSuchPort, Vec::new());
        };
        return found(walker, path, &[Some(ip)], port, None, Vec::new());
    }
    match service(walker) {
        None if has_kubernetes(walker) => member_or_external(walker, path),
        None => of_proxy(walker, path),
        Some(Lookup::Found(service)) => of_service(walker, path, &service),
        Some(Lookup::Absent(evidence)) if is_bare(&question.host) || is_service_name(&question.host) => {
            path.trail.near = near_services(walker);
            ended(path, walker, "there is no such Service", Stop::NoSuchService, vec![evidence])
        }
        Some(Lookup::Absent(_)) => member_or_external(walker, path),
        Some(Lookup::Unread(need)) if walker.is_refused(&need) => of_proxy(walker, path),
        Some(Lookup::Unread(need)) => {
            walker.want(need);
            pending(path, walker)
        }
    }
}

/// Whether Kubernetes can be asked: it answered before, or was not yet asked what `external` asks first.
fn has_kubernetes(walker: &Walker) -> bool {
    walker.snapshot.has_objects() || !walker.is_refused(&Need::Objects(Kind::ServiceEntry, None, Vec::new()))
}

/// The row of a question that could not get further yet, or at all.
pub(in crate::walk) fn pending(path: &mut Path, walker: &Walker) -> Resolved {
    path.unknown(Stage::Request, &subject(walker), "");
    Resolved::Ended
}

/// B's Service, by every form of its name; `None` where no Service can have such a name.
fn service(walker: &Walker) -> Option<Lookup<Node>> {
    let host = walker.question.host.trim_end_matches('.');
    let labels: Vec<&str> = host.split('.').collect();
    let (namespace, name) = match labels[..] {
        [name] => (namespace(walker), name),
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
        [pod, service] => (pod, service, namespace(walker)),
        [pod, service, namespace] | [pod, service, namespace, "svc", ..] => (pod, service, namespace.to_owned()),
        _ => return None,
    };
    Some((pod.to_owned(), service.to_owned(), namespace))
}

fn member_or_external(walker: &Walker, path: &mut Path) -> Resolved {
    let Some((pod, name, namespace)) = member(walker) else { return external(walker, path) };
    match walker.snapshot.object(Kind::Service, &namespace, &name) {
        Lookup::Found(service) if is_headless(&service) => {
            path.trail.service = Some(service.clone());
            let Some(port) = port_of(walker, &service) else {
                let by_number = number(&walker.question.port).is_some();
                return if by_number { undeclared(walker, path, &service) } else { no_port(walker, path, &service) };
            };
            headless(walker, path, &service, &port, Some(&pod))
        }
        Lookup::Unread(need) if !walker.is_refused(&need) => {
            walker.want(need);
            pending(path, walker)
        }
        Lookup::Found(_) | Lookup::Absent(_) | Lookup::Unread(_) => external(walker, path),
    }
}

/// Of a Service without an address A dials the pods, and what listens there need not be declared.
fn undeclared(walker: &Walker, path: &mut Path, service: &Node) -> Resolved {
    let what = format!(
        "the Service has the ports {}; it has no address, so its pods are dialed, and whether one listens on another \
         port is not known",
        ports_of(service).join(", ")
    );
    path.unknown(Stage::Request, &subject(walker), &what);
    walker.unchecked(what);
    Resolved::Ended
}

fn no_port(walker: &Walker, path: &mut Path, service: &Node) -> Resolved {
    let ports = service.at("spec.ports").map(|p| p.evidence());
    let note = format!("the Service has the ports {}", ports_of(service).join(", "));
    ended(path, walker, &note, Stop::NoSuchPort, ports.into_iter().collect())
}

fn number_of(port: &Node) -> u16 {
    port.get("port").and_then(|p| u16::try_from(p.value().as_u64()?).ok()).unwrap_or(0)
}

fn is_headless(service: &Node) -> bool {
    service.text("spec.clusterIP").as_deref() == Some("None")
}

fn of_service(walker: &Walker, path: &mut Path, service: &Node) -> Resolved {
    path.trail.service = Some(service.clone());
    let is_gateway = walker.node.as_ref().is_some_and(|n| n.is_gateway);
    let Some(port) = port_of(walker, service) else {
        if is_headless(service) && !is_gateway && number(&walker.question.port).is_some() {
            return undeclared(walker, path, service);
        }
        return no_port(walker, path, service);
    };
    let kind = service.text("spec.type").unwrap_or_default();
    if kind == "ExternalName" {
        return alias(walker, path, service);
    }
    let number = number_of(&port);
    if is_gateway {
        return of_gateway(walker, path, number);
    }
    let ips = cluster_ips(service);
    let evidence = service.at("spec.clusterIP").map(|n| n.evidence());
    if ips.is_empty() {
        return headless(walker, path, service, &port, None);
    }
    let ips: Vec<Option<IpAddr>> = ips.into_iter().map(Some).collect();
    found(walker, path, &ips, number, Some(&port), evidence.into_iter().collect())
}

/// A Service without an address: A dials the endpoints, or the one of this name. The port is not translated.
fn headless(walker: &Walker, path: &mut Path, service: &Node, port: &Node, only: Option<&str>) -> Resolved {
    let name = service.text("metadata.name").unwrap_or_default();
    let namespace = service.text("metadata.namespace").unwrap_or_default();
    let labels = [("kubernetes.io/service-name".to_owned(), name)];
    let slices = match walker.ask(walker.snapshot.objects(Kind::EndpointSlice, Some(&namespace), &labels)) {
        Got::Found(slices) => slices,
        Got::Absent(_) => Vec::new(),
        Got::Gap => return pending(path, walker),
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
        return ended(path, walker, &note, Stop::NoAddress, selector);
    }
    found(walker, path, &ips, number_of(port), Some(port), Vec::new())
}

/// Whether an endpoint of an `EndpointSlice` is ready; one that does not say so is.
pub(in crate::walk) fn is_ready(endpoint: &Node) -> bool {
    endpoint.at("conditions.ready").is_none_or(|r| r.value().as_bool() != Some(false))
}

/// An `ExternalName` is a CNAME: A dials its target, and says the name as it typed it.
fn alias(walker: &Walker, path: &mut Path, service: &Node) -> Resolved {
    let target = service.text("spec.externalName").unwrap_or_default();
    let evidence = service.at("spec.externalName").map(|n| n.evidence()).into_iter().collect();
    let Some(port) = number(&walker.question.port).or_else(|| port_number(walker, service)) else {
        return ended(path, walker, "an ExternalName has no named ports", Stop::NoSuchPort, Vec::new());
    };
    let Some((namespace, name)) = service_of_host(&target) else {
        return found(walker, path, &[None], port, None, evidence);
    };
    match walker.ask(walker.snapshot.object(Kind::Service, &namespace, &name)) {
        Got::Found(target) => {
            path.trail.service = Some(target.clone());
            let ips: Vec<Option<IpAddr>> = cluster_ips(&target).into_iter().map(Some).collect();
            found(walker, path, if ips.is_empty() { &[None] } else { &ips }, port, None, evidence)
        }
        Got::Absent(_) => found(walker, path, &[None], port, None, evidence),
        Got::Gap => pending(path, walker),
    }
}

/// The port that a gateway's clients dial, through the gateway's Service to the listener's.
pub(in crate::walk) fn of_gateway(walker: &Walker, path: &mut Path, port: u16) -> Resolved {
    let port = gateway_target(walker, port);
    found(walker, path, &[None], port, None, Vec::new())
}

fn gateway_target(walker: &Walker, port: u16) -> u16 {
    let Some(pod) = source_pod(walker) else { return port };
    let namespace = pod.text("metadata.namespace").unwrap_or_default();
    let services = walker.glance(walker.snapshot.objects(Kind::Service, Some(&namespace), &[])).unwrap_or_default();
    let labels = pod.at("metadata.labels");
    let selects = |service: &Node| {
        let selector = service.at("spec.selector").map(|s| s.members()).unwrap_or_default();
        let has = |(k, v): &(String, Node)| {
            labels.as_ref().and_then(|l| l.value().get(k)).is_some_and(|value| value == v.value())
        };
        !selector.is_empty() && selector.iter().all(has)
    };
    let mut ports = services.iter().filter(|s| selects(s)).flat_map(|s| s.list("spec.ports"));
    let entry = ports.find(|p| p.get("port").and_then(|n| n.value().as_u64()) == Some(u64::from(port)));
    let Some(target) = entry.and_then(|p| p.get("targetPort")) else {
        return port;
    };
    match (target.value().as_u64(), target.value().as_str()) {
        (Some(number), _) => u16::try_from(number).unwrap_or(port),
        (None, Some(name)) => container_port(&pod, name).unwrap_or(port),
        (None, None) => port,
    }
}

fn container_port(pod: &Node, name: &str) -> Option<u16> {
    let containers = pod.list("spec.containers");
    let ports = containers.iter().flat_map(|c| c.list("ports"));
    let mut named = ports.filter(|p| p.text("name").as_deref() == Some(name));
    named.find_map(|p| u16::try_from(p.get("containerPort")?.value().as_u64()?).ok())
}

/// A's own pod, where it was read.
pub(in crate::walk) fn source_pod(walker: &Walker) -> Option<Node> {
    let pod = walker.snapshot.source.as_ref()?;
    walker.glance(walker.snapshot.object(Kind::Pod, &pod.namespace, &pod.name))
}

/// Without Kubernetes: what the proxy's own listeners and routes say of the name.
fn of_proxy(walker: &Walker, path: &mut Path) -> Resolved {
    let Some(port) = number(&walker.question.port) else {
        walker.unchecked("a port's name needs Kubernetes, which was not read".to_owned());
        return pending(path, walker);
    };
    if walker.node.as_ref().is_some_and(|n| n.is_gateway) {
        return found(walker, path, &[None], port, None, Vec::new());
    }
    let statuses = match walker.ask(walker.snapshot.listeners(walker.origin)) {
        Got::Found(statuses) => statuses,
        Got::Absent(_) | Got::Gap => return pending(path, walker),
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
        return pending(path, walker);
    }
    ips.sort();
    ips.dedup();
    if ips.is_empty() {
        let particular = |s: &&&Listening| s.addresses.iter().all(|a| !a.ip().is_unspecified());
        if let Some(status) = at_port.iter().find(particular).filter(|_| !known_by_name(walker, &at_port)) {
            let what = format!(
                "which address {} has was not read, and listener {} takes a particular one on this port",
                walker.question.host, status.name
            );
            walker.unchecked(what);
            return pending(path, walker);
        }
        ips.push(None);
    }
    found(walker, path, &ips, port, None, Vec::new())
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
        Got::Gap => return None,
    };
    let mut ips = Vec::new();
    let own: Vec<IpAddr> =
        status.addresses.iter().map(std::net::SocketAddr::ip).filter(|ip| !ip.is_unspecified()).collect();
    for name in names_below(listener.value()) {
        match name {
            Name::Cluster(name) if is_named(walker, &ClusterName::parse(&name).map(|c| c.host).unwrap_or_default()) => {
                ips.extend(&own);
            }
            Name::RouteConfig(name) => {
                let host = name.rsplit_once(':').map_or("", |(host, _)| host);
                if is_named(walker, host) {
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
        Got::Gap => return None,
    };
    let host = walker.question.host.as_str();
    let named = [host, &format!("{host}:{port}")];
    let host = named.into_iter().filter_map(|name| table.domains().exact(name)).min();
    let domains = host.and_then(|i| table.host(i).ok()).map(|host| host.node().list("domains")).unwrap_or_default();
    Some(domains.iter().filter_map(|d| d.value().as_str()?.parse().ok()).collect())
}

/// Whether a mesh host is the one that B names, as a pod of A's namespace would say it.
fn is_named(walker: &Walker, host: &str) -> bool {
    let asked = walker.question.host.trim_end_matches('.');
    if host == asked {
        return true;
    }
    let Some((namespace, name)) = service_of_host(host) else {
        return false;
    };
    let own = self::namespace(walker);
    asked == format!("{name}.{namespace}")
        || asked == format!("{name}.{namespace}.svc")
        || (asked == name && namespace == own)
}

/// A's namespace.
pub(in crate::walk) fn namespace(walker: &Walker) -> String {
    let of_pod = walker.snapshot.source.as_ref().map(|p| p.namespace.clone());
    of_pod.or_else(|| walker.node.as_ref().map(|n| n.namespace.clone())).unwrap_or_else(|| "default".to_owned())
}

fn is_bare(host: &str) -> bool {
    !host.contains('.')
}

/// `x.y.svc` and `x.y.svc.…` can only be Services.
fn is_service_name(host: &str) -> bool {
    service_of_host(host.trim_end_matches('.')).is_some()
}

pub(in crate::walk) fn number(port: &Port) -> Option<u16> {
    match port {
        Port::Number(number) => Some(*number),
        Port::Name(_) => None,
    }
}

/// The entry of `spec.ports` that is meant.
fn port_of(walker: &Walker, service: &Node) -> Option<Node> {
    let ports = service.list("spec.ports");
    let is_meant = |port: &Node| match &walker.question.port {
        Port::Number(number) => port.get("port").and_then(|p| p.value().as_u64()) == Some(u64::from(*number)),
        Port::Name(name) => port.text("name").as_deref() == Some(name),
    };
    let not_udp = |port: &Node| port.text("protocol").as_deref() != Some("UDP");
    let found = ports.into_iter().find(|p| is_meant(p) && not_udp(p));
    // An ExternalName needs no ports: any number goes through.
    let external =
        service.text("spec.type").as_deref() == Some("ExternalName") && number(&walker.question.port).is_some();
    found.or_else(|| external.then(|| service.clone()))
}

fn port_number(walker: &Walker, service: &Node) -> Option<u16> {
    u16::try_from(port_of(walker, service)?.get("port")?.value().as_u64()?).ok()
}

/// `8082 (http)` for each port.
pub(crate) fn ports_of(service: &Node) -> Vec<String> {
    let ports = service.list("spec.ports");
    let show = |port: &Node| {
        let number = port.get("port").map(|p| p.value().to_string()).unwrap_or_default();
        port.text("name").filter(|n| !n.is_empty()).map_or(number.clone(), |name| format!("{number} ({name})"))
    };
    ports.iter().map(show).collect()
}

fn cluster_ips(service: &Node) -> Vec<IpAddr> {
    let list = service.list("spec.clusterIPs");
    let mut ips: Vec<IpAddr> = list.iter().filter_map(|ip| ip.value().as_str()?.parse().ok()).collect();
    if ips.is_empty() {
        ips.extend(service.text("spec.clusterIP").and_then(|ip| ip.parse::<IpAddr>().ok()));
    }
    ips.sort_by_key(IpAddr::is_ipv6);
    ips
}

/// The names of Services like the one that is not there.
pub(in crate::walk) fn near_services(walker: &Walker) -> Vec<String> {
    let host = walker.question.host.as_str();
    let asked = host.split('.').next().unwrap_or(host);
    let own = namespace(walker);
    let services = walker.glance(walker.snapshot.objects(Kind::Service, None, &[])).unwrap_or_default();
    let mut near: Vec<(usize, String)> = services
        .iter()
        .filter_map(|s| Some((s.text("metadata.name")?, s.text("metadata.namespace")?)))
        .filter_map(|(name, namespace)| {
            let far = strsim::damerau_levenshtein(asked, &name);
            let shown = if namespace == own { name.clone() } else { format!("{name}.{namespace}") };
            (far <= 1 + asked.len() / 4).then_some((far + usize::from(namespace != own), shown))
        })
        .collect();
    near.sort();
    near.into_iter().map(|(_, name)| name).take(3).collect()
}

fn subject(walker: &Walker) -> String {
    let question = walker.question;
    let from = walker
        .snapshot
        .source
        .as_ref()
        .map_or(String::new(), |pod| format!(" from pod {}/{}", pod.namespace, pod.name));
    format!("{} {} to {}{from}", question.method, question.path, question.target)
}

pub(in crate::walk) fn ended(
    path: &mut Path,
    walker: &Walker,
    note: &str,
    stop: Stop,
    evidence: Vec<Evidence>,
) -> Resolved {
    path.trail.absence.clone_from(&evidence);
    path.stop(Stage::Request, &subject(walker), note, stop, evidence);
    Resolved::Ended
}

pub(in crate::walk) fn found(
    walker: &Walker,
    path: &mut Path,
    ips: &[Option<IpAddr>],
    port: u16,
    service_port: Option<&Node>,
    evidence: Vec<Evidence>,
) -> Resolved {
    let question = walker.question;
    let protocol = question.protocol.unwrap_or_else(|| protocol_of(question.tls, service_port));
    let host = question.authority.clone().unwrap_or_else(|| {
        let default_port = if question.tls { 443 } else { 80 };
        let typed = question.target.rsplit_once(':').map_or(question.target.as_str(), |(host, _)| host);
        // What the client dials, where a gateway's Service leads it to another port.
        let dialed = number(&question.port).unwrap_or(port);
        if dialed == default_port { typed.to_owned() } else { format!("{typed}:{dialed}") }
    });
    path.step(Stage::Request, Mark::Passed, &subject(walker), "", evidence);
    let dial = |ip: &Option<IpAddr>| Dial { ip: *ip, port, host: host.clone(), protocol };
    Resolved::To(ips.iter().map(dial).collect())
}

/// What a client of this port speaks, as the Service declares it.
fn protocol_of(tls: bool, service_port: Option<&Node>) -> Protocol {
    match service_port.and_then(declared_protocol).as_deref() {
        Some("tcp" | "mongo" | "redis" | "mysql") => Protocol::Tcp,
        Some("tls" | "https") => Protocol::Tls,
        Some("grpc") => Protocol::Grpc,
        _ if tls => Protocol::Tls,
        Some("http2") => Protocol::Http2,
        _ => Protocol::Http1,
    }
}

/// The request as the verdict shows it.
pub(in crate::walk) fn shown(walker: &Walker, dial: Option<&Dial>) -> verdict::Request {
    let question = walker.question;
    let source = walker.snapshot.source.as_ref().map(|pod| verdict::SourcePod {
        namespace: pod.namespace.clone(),
        name: pod.name.clone(),
        proxy: pod.proxy.clone().filter(|_| !pod.without_proxy),
    });
    let of_node = walker.node.as_ref().map(|n| verdict::SourcePod {
        namespace: n.namespace.clone(),
        name: n.pod.clone(),
        proxy: None,
    });
    let source = source.or(of_node);
    let name = source.as_ref().map(|s| s.name.clone());
    verdict::Request {
        source_name: if question.from.is_empty() {
            name.unwrap_or_else(|| "the proxy".to_owned())
        } else {
            question.from.clone()
        },
        source,
        target: question.target.clone(),
        host: dial
            .map(|d| d.host.clone())
            .or_else(|| question.authority.clone())
            .unwrap_or_else(|| question.target.clone()),
        port: dial.map(|d| d.port).or_else(|| number(&question.port)).unwrap_or(0),
        address: dial.and_then(|d| d.ip).map(|ip| ip.to_string()),
        protocol: dial.map(|d| d.protocol).or(question.protocol).unwrap_or(Protocol::Http1).word(),
        path: question.path.clone(),
        method: question.method.clone(),
        headers: question.headers.clone(),
    }
}
