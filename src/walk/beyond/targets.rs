//! Who gets the request: the pods behind the addresses that it is handed to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::mesh::kubernetes::service_of_host;
use crate::snapshot::{Evidence, Kind, Lookup, Need, Node};
use crate::walk::way::forwarded::Handed;
use crate::walk::way::met::{HostTrail, Socket, SocketKind};
use crate::walk::way::service::is_ready;
use crate::walk::way::walker::Walker;

/// Who gets a request.
pub(in crate::walk) struct Recipients<'a> {
    pub(in crate::walk) walker: &'a Walker<'a>,
    /// What is handed over.
    pub(in crate::walk) handed: &'a Handed,
    /// B's Service, where B is one.
    pub(in crate::walk) service: Option<&'a Node>,
}

/// An address that requests are handed to.
#[derive(Clone)]
pub(in crate::walk) struct Target {
    pub(in crate::walk) at: SocketAddr,
    pub(in crate::walk) socket: Option<Arc<Socket>>,
    /// The name that was resolved to the address; empty where there is none.
    hostname: String,
}

/// Pods that are alike, by one of them.
pub(in crate::walk) struct Group {
    pub(in crate::walk) pod: Node,
    pub(in crate::walk) target: Target,
    pub(in crate::walk) count: usize,
}

impl Recipients<'_> {
    /// The pods that get requests, those that are alike together.
    pub(in crate::walk) fn groups(&self) -> Vec<Group> {
        let targets = self.targets();
        if targets.is_empty() {
            return Vec::new();
        }
        let Some(pods) = self.pods(&targets) else { return Vec::new() };
        let mut groups: Vec<Group> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        // Of several pods at one address the first.
        let by_ip = pods.iter().rev().filter_map(|pod| Some((address(pod)?, pod)));
        let by_ip: BTreeMap<IpAddr, &Node> = by_ip.collect();
        for target in targets {
            let Some(pod) = by_ip.get(&target.at.ip()).copied() else { continue };
            let owner = pod.at("metadata.ownerReferences").and_then(|o| o.index(0)?.text("uid"));
            let kind = target.socket.as_ref().map_or("", |s| s.kind.word());
            let key = format!("{}/{kind}", owner.or_else(|| pod.text("metadata.name")).unwrap_or_default());
            let place = *places.entry(key).or_insert(groups.len());
            match groups.get_mut(place) {
                Some(group) => group.count += 1,
                None => groups.push(Group { pod: pod.clone(), target, count: 1 }),
            }
        }
        groups
    }

    /// The proof that nothing is behind the Service's address that is dialed: its slices, which have no ready endpoint.
    pub(in crate::walk) fn nothing_behind(&self) -> Option<Vec<Evidence>> {
        let service = self.service?;
        let direct = self.direct();
        let is_empty = |target: &Target| self.behind(target).is_some_and(|endpoints| endpoints.is_empty());
        if direct.is_empty() || !direct.iter().all(is_empty) {
            return None;
        }
        let namespace = service.text("metadata.namespace")?;
        let labels = [("kubernetes.io/service-name".to_owned(), service.text("metadata.name")?)];
        match self.walker.snapshot.objects(Kind::EndpointSlice, Some(&namespace), &labels) {
            Lookup::Found(slices) => {
                let listed = |slice: &Node| slice.get("endpoints").filter(|list| !list.value().is_null());
                let shown = |slice: &Node| listed(slice).or_else(|| slice.at("metadata.name"));
                Some(slices.iter().filter_map(shown).map(|at| at.evidence()).collect())
            }
            Lookup::Absent(proof) => Some(vec![proof]),
            Lookup::Unread(_) => None,
        }
    }

    /// Why B's pods could not be read, where their proxies take mutual TLS and somebody was asked for them.
    pub(in crate::walk) fn why_refused(&self) -> Option<(Need, String)> {
        let snapshot = self.walker.snapshot;
        let (namespace, name) = self.walker.mesh.service_of_cluster(&self.handed.cluster.as_ref()?.name)?;
        let is_mutual = |target: &Target| target.socket.as_ref().is_some_and(|s| s.kind == SocketKind::Mutual);
        if !self.targets().iter().any(is_mutual) {
            return None;
        }
        let service = Need::Object(Kind::Service, namespace.clone(), name.clone());
        let labels = match snapshot.object(Kind::Service, &namespace, &name) {
            Lookup::Found(service) => service.labels("spec.selector"),
            Lookup::Absent(_) | Lookup::Unread(_) => Vec::new(),
        };
        let pods = Need::Objects(Kind::Pod, Some(namespace.clone()), labels);
        let (need, why) = [service, pods]
            .into_iter()
            .find_map(|need| Some((need.clone(), snapshot.why_refused(&need)?.to_owned())))?;
        let why = format!("the proxies of {name}.{namespace} may deny the request, and they could not be read: {why}");
        Some((need, why))
    }

    /// The addresses that requests are handed to. A Service's own address stands for its endpoints.
    fn targets(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        // An address that is listed again stands for the same endpoints.
        let mut services = BTreeSet::new();
        for target in self.direct() {
            if services.contains(&target.at) {
                continue;
            }
            match self.behind(&target) {
                Some(endpoints) => {
                    services.insert(target.at);
                    targets.extend(endpoints);
                }
                None => targets.push(target),
            }
        }
        targets
    }

    fn direct(&self) -> Vec<Target> {
        let dial = &self.handed.dial;
        let of_host = |host: &HostTrail| {
            Some(Target {
                at: host.host.address.parse().ok()?,
                socket: host.socket.clone(),
                hostname: host.host.hostname.clone(),
            })
        };
        match &self.handed.cluster {
            Some(cluster) if cluster.hosts.is_empty() => {
                let listed = cluster.endpoints.iter().filter_map(|endpoint| endpoint.address.parse().ok());
                listed.map(|at| Target { at, socket: cluster.own_socket.clone(), hostname: String::new() }).collect()
            }
            Some(cluster) => cluster.eligible().filter_map(of_host).collect(),
            None => {
                let plaintext = || Some(Arc::new(Socket::plaintext()));
                let at = dial.ip.map(|ip| SocketAddr::new(ip, dial.port));
                at.map(|at| Target { at, socket: plaintext(), hostname: String::new() }).into_iter().collect()
            }
        }
    }

    /// The endpoints behind an address of B's Service, or of the Service by whose name it was resolved (an egress
    /// gateway, as an endpoint of a host outside); `None` where it is none of them.
    fn behind(&self, target: &Target) -> Option<Vec<Target>> {
        let named = match self.service {
            Some(_) => None,
            None => self.named(target),
        };
        let service = self.service.or(named.as_ref())?;
        let ips = service.at("spec.clusterIPs")?;
        ips.items().find(|ip| ip.value().as_str().is_some_and(|ip| ip.parse() == Ok(target.at.ip())))?;
        let ports = service.at("spec.ports")?;
        let number = |p: &Node| p.get("port").and_then(|n| n.value().as_u64()) == Some(u64::from(target.at.port()));
        let name = ports.items().find(number)?.text("name").unwrap_or_default();
        let namespace = service.text("metadata.namespace")?;
        let labels = [("kubernetes.io/service-name".to_owned(), service.text("metadata.name")?)];
        let slices = self.walker.snapshot.objects(Kind::EndpointSlice, Some(&namespace), &labels);
        let slices = self.walker.glance(slices).unwrap_or_default();
        let mut found = Vec::new();
        for slice in slices {
            let ports = slice.list("ports");
            let port = ports.iter().find(|p| p.text("name").unwrap_or_default() == name);
            let Some(port) = port.and_then(|p| u16::try_from(p.get("port")?.value().as_u64()?).ok()) else { continue };
            let endpoints = slice.list("endpoints");
            for address in endpoints.iter().filter(|e| is_ready(e)).filter_map(|e| e.get("addresses")?.index(0)) {
                let ip: Option<IpAddr> = address.value().as_str().and_then(|ip| ip.parse().ok());
                found.extend(ip.map(|ip| Target { at: SocketAddr::new(ip, port), ..target.clone() }));
            }
        }
        Some(found)
    }

    /// The Service by whose name a host of a cluster was resolved.
    fn named(&self, target: &Target) -> Option<Node> {
        let (namespace, name) = service_of_host(&target.hostname)?;
        self.walker.glance(self.walker.snapshot.object(Kind::Service, &namespace, &name))
    }

    /// The pods that the Service behind the cluster selects; where there is no Service, those at the addresses.
    fn pods(&self, targets: &[Target]) -> Option<Vec<Node>> {
        let walker = self.walker;
        let cluster = self.handed.cluster.as_ref();
        let service = match cluster.and_then(|cluster| walker.mesh.service_of_cluster(&cluster.name)) {
            Some((namespace, name)) => walker.glance(walker.snapshot.object(Kind::Service, &namespace, &name))?,
            None => match self.service {
                Some(service) => service.clone(),
                None => return Some(pods_at(walker, targets)),
            },
        };
        let namespace = service.text("metadata.namespace")?;
        let labels = service.labels("spec.selector");
        if labels.is_empty() {
            return Some(pods_at(walker, targets));
        }
        let pods = walker.glance(walker.snapshot.objects(Kind::Pod, Some(&namespace), &labels))?;
        let known: BTreeSet<IpAddr> = pods.iter().filter_map(address).collect();
        let name = service.text("metadata.name").unwrap_or_default();
        for ip in targets.iter().map(|target| target.at.ip()).filter(|ip| !known.contains(ip)) {
            walker.unchecked(format!("who has the endpoint {ip}: no pod that Service {name} selects"));
        }
        Some(pods)
    }
}

fn address(pod: &Node) -> Option<IpAddr> {
    pod.text("status.podIP")?.parse().ok()
}

/// The pods at addresses that no Service stands for: one that was asked for, or a few that can be a pod's.
fn pods_at(walker: &Walker, targets: &[Target]) -> Vec<Node> {
    const FEW: usize = 4;
    let is_asked = |ip: &IpAddr| walker.question.ip() == Some(*ip);
    let ips = targets.iter().map(|t| t.at.ip()).filter(|ip| is_asked(ip) || is_private(*ip));
    let pods = ips.take(FEW).filter_map(|ip| walker.glance(walker.snapshot.pods_at(ip))).flatten();
    pods.filter(has_it_alone).collect()
}

/// Whether a pod's address is its own, and still is: not its node's, and not of one that has ended.
fn has_it_alone(pod: &Node) -> bool {
    let of_node = pod.at("spec.hostNetwork").is_some_and(|n| n.value().as_bool() == Some(true));
    !of_node && !matches!(pod.text("status.phase").as_deref(), Some("Succeeded" | "Failed"))
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || (ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64),
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}
