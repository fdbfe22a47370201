//! Services and their ports, as a pod of A's namespace would name them.

use std::net::IpAddr;

use crate::mesh::kubernetes::service_of_host;
use crate::snapshot::{Kind, Node};
use crate::walk::way::target::Port;
use crate::walk::way::walker::Walker;

pub(in crate::walk) fn number_of(port: &Node) -> u16 {
    port.get("port").and_then(|p| u16::try_from(p.value().as_u64()?).ok()).unwrap_or(0)
}

pub(in crate::walk) fn is_headless(service: &Node) -> bool {
    service.text("spec.clusterIP").as_deref() == Some("None")
}

pub(in crate::walk) fn is_bare(host: &str) -> bool {
    !host.contains('.')
}

/// `x.y.svc` and `x.y.svc.…` can only be Services.
pub(in crate::walk) fn is_service_name(host: &str) -> bool {
    service_of_host(host.trim_end_matches('.')).is_some()
}

pub(in crate::walk) fn number(port: &Port) -> Option<u16> {
    match port {
        Port::Number(number) => Some(*number),
        Port::Name(_) => None,
    }
}

/// The entry of `spec.ports` that is meant.
pub(in crate::walk) fn port_of(walker: &Walker, service: &Node) -> Option<Node> {
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

pub(in crate::walk) fn port_number(walker: &Walker, service: &Node) -> Option<u16> {
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

pub(in crate::walk) fn cluster_ips(service: &Node) -> Vec<IpAddr> {
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
    let own = walker.namespace();
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
