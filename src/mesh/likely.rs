//! What an answer is likely to need, told from names before it is known: it is asked for beside what is needed, and decides
//! nothing. Whatever does not come true costs the bytes of its answer.

use crate::snapshot::{Kind, Lookup, Need, Node, Origin, PodRecord, Snapshot};

use super::kubernetes::is_ready;
use super::service_port::ServicePort;
use super::{injected, istio};

/// The most pods of B's whose proxies are foreseen: one of each owner.
const OWNERS: usize = 3;

/// The label that most charts and samples give the pods of a name.
const APP: &str = "app";

/// What is asked, as far as names can be made of it.
#[derive(Clone, Debug)]
pub struct Likely {
    /// B's name.
    pub host: String,
    /// B's port: its number, or else its name.
    pub port: Result<u16, String>,
    /// Whether B's own proxy is read, too.
    pub beyond: bool,
    /// Whether it can be about a request, and not only about bytes.
    pub http: bool,
}

impl Likely {
    /// B's Service, its pods, and the pods of B's whose proxies are read; and where the control plane is, once somebody wants
    /// to know more of it.
    pub fn objects(&self, seen: &[&Snapshot], wanted: &[Need]) -> Vec<Need> {
        let mut needs = istio::likely::of_control_plane(seen, wanted);
        let Some((namespace, name)) = self.service(seen) else { return needs };
        needs.push(Need::Object(Kind::Service, namespace.clone(), name.clone()));
        if !self.beyond {
            return needs;
        }
        let by_name = vec![(APP.to_owned(), name.clone())];
        let service = object(seen, Kind::Service, &namespace, &name);
        let selector = service.as_ref().map(|service| service.labels("spec.selector")).unwrap_or_default();
        let by_name_is_enough = selector.is_empty() || by_name.iter().all(|label| selector.contains(label));
        let labels = if by_name_is_enough { by_name } else { selector.clone() };
        needs.push(Need::Objects(Kind::Pod, Some(namespace.clone()), labels));
        if !selector.is_empty() {
            needs.extend(destinations(seen, &namespace, &selector));
        }
        needs
    }

    /// What a proxy is likely to be asked.
    pub fn of_proxy(&self, seen: &[&Snapshot], origin: Origin, pod: &PodRecord, wanted: &[Need]) -> Vec<Need> {
        let found = object(seen, Kind::Pod, &pod.namespace, &pod.name);
        let mut needs = vec![Need::Listeners(origin), Need::Runtime(origin)];
        let is_istios = |container: &Node| container.text("name").as_deref() == Some(istio::PROXY);
        let containers = |pod: &Node| [pod.list("spec.containers"), pod.list("spec.initContainers")].concat();
        let is_sidecar = |pod: &Node| containers(pod).iter().any(is_istios) && !injected::applications(pod).is_empty();
        if found.is_some_and(|pod| is_sidecar(&pod)) {
            needs.extend(istio::likely::of_sidecar(seen, self.target(seen).as_ref(), origin, wanted));
        }
        needs.retain(|need| self.http || !matches!(need, Need::RouteConfig(..)));
        needs
    }

    /// B's Service, by the name that a pod of A's namespace has for it: namespace and name.
    fn service(&self, seen: &[&Snapshot]) -> Option<(String, String)> {
        let own = || seen.iter().find_map(|snapshot| snapshot.source.as_ref().map(|pod| pod.namespace.clone()));
        let labels: Vec<&str> = self.host.trim_end_matches('.').split('.').collect();
        let (namespace, name) = match labels[..] {
            [name] => (own()?, name),
            [name, namespace] | [name, namespace, "svc"] | [name, namespace, "svc", ..] => (namespace.to_owned(), name),
            _ => return None,
        };
        (!name.is_empty() && !namespace.is_empty() && self.host.parse::<std::net::IpAddr>().is_err())
            .then(|| (namespace, name.to_owned()))
    }

    fn target(&self, seen: &[&Snapshot]) -> Option<ServicePort> {
        let (namespace, name) = self.service(seen)?;
        let service = object(seen, Kind::Service, &namespace, &name)?;
        let is_meant = |port: &Node| match &self.port {
            Ok(number) => port.get("port").and_then(|p| p.value().as_u64()) == Some(u64::from(*number)),
            Err(name) => port.text("name").as_ref() == Some(name),
        };
        let port = service.list("spec.ports").into_iter().find(is_meant)?;
        let number = u16::try_from(port.get("port")?.value().as_u64()?).ok()?;
        Some(ServicePort { namespace, name, service, port, number })
    }
}

/// Of each owner's pods that are ready the first.
fn destinations(seen: &[&Snapshot], namespace: &str, selector: &[(String, String)]) -> Vec<Need> {
    let mut owners: Vec<String> = Vec::new();
    let mut needs = Vec::new();
    let pods = seen.iter().flat_map(|snapshot| snapshot.known(Kind::Pod, namespace));
    for pod in pods.filter(|pod| is_ready(pod) && injected::has_proxy(pod)) {
        let labels = pod.labels("metadata.labels");
        let owner = pod.at("metadata.ownerReferences").and_then(|owners| owners.index(0)?.text("uid"));
        let (Some(owner), Some(name)) = (owner.or_else(|| pod.text("metadata.name")), pod.text("metadata.name")) else {
            continue;
        };
        if selector.iter().all(|label| labels.contains(label)) && !owners.contains(&owner) && owners.len() < OWNERS {
            owners.push(owner);
            needs.push(Need::Destination(namespace.to_owned(), name));
        }
    }
    needs
}

/// An object that somebody saw.
fn object(seen: &[&Snapshot], kind: Kind, namespace: &str, name: &str) -> Option<Node> {
    seen.iter().find_map(|snapshot| match snapshot.object(kind, namespace, name) {
        Lookup::Found(object) => Some(object),
        Lookup::Absent(_) | Lookup::Unread(_) => None,
    })
}
