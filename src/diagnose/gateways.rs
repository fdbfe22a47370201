//! A gateway that has no route for a request's host: what the findings about it have in common.

use super::{Case, Found, Proved, certain, named, show};
use crate::envoy::domains::without_port;
use crate::mesh::injected::has_proxy;
use crate::mesh::istio;
use crate::mesh::istio::binding::{self, ServerHost};
use crate::mesh::kubernetes::has_labels;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef, Stage};
use crate::walk::Stop;

/// A request that a gateway has no virtual host for, or only the one that stands in where there is none, or not even a
/// listener.
pub(crate) struct Unrouted {
    /// Its Host, without a port.
    pub(crate) host: String,
    /// The port of the Gateway's server.
    pub(crate) port: u16,
    /// The gateway's pod.
    pub(crate) pod: Node,
    /// It listens on the port.
    pub(crate) is_open: bool,
    /// The virtual hosts that there are, or the listeners.
    pub(crate) evidence: Vec<Evidence>,
}

/// What keeps an object that has the host from the gateway.
pub(crate) struct Unbound {
    /// The object to change, with its field.
    pub(crate) object: ObjectRef,
    /// Why it is not bound, as the rest of a sentence about the object that has the host.
    pub(crate) why: String,
    /// What would bind it.
    pub(crate) fix: Vec<Fix>,
    /// The codes of analyzers that say the same.
    pub(crate) codes: &'static [&'static str],
    /// What shows it.
    pub(crate) evidence: Evidence,
}

/// The servers of Istio's Gateways that are for a request at a gateway, each behind its Gateway: for its pod, with the port
/// and the host that are asked for.
pub(crate) fn servers_of(case: &Case) -> Vec<(Node, Node)> {
    let Some(pod) = case.proxy_pod() else { return Vec::new() };
    let labels = pod.labels("metadata.labels");
    let request = case.request();
    let host = without_port(&request.host);
    let port = asked_port(case);
    let is_it = |server: &Node| {
        let hosts = server.list("hosts");
        let mut patterns = hosts.iter().filter_map(|entry| Some(ServerHost::of(entry.value().as_str()?, "").pattern));
        has_port(server, port) && patterns.any(|pattern| binding::takes(&pattern, host))
    };
    let gateways = case.objects(Kind::Gateway, None, &[]).unwrap_or_default().into_iter();
    let selecting = gateways.filter(|gateway| has_labels(&labels, gateway.at("spec.selector").as_ref()));
    let servers = selecting.flat_map(|gateway| {
        let servers = gateway.list("spec.servers").into_iter().filter(&is_it);
        servers.map(|server| (gateway.clone(), server)).collect::<Vec<_>>()
    });
    servers.collect()
}

/// Whether a server of a Gateway is for a port.
pub(crate) fn has_port(server: &Node, port: u16) -> bool {
    server.at("port.number").and_then(|number| number.value().as_u64()) == Some(u64::from(port))
}

/// The port that was asked for. The pods of a gateway listen on another than the Gateway's server has: a Service leads there.
fn asked_port(case: &Case) -> u16 {
    let request = case.request();
    request.target.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(request.port)
}

impl Unrouted {
    /// The request, where it ends so.
    pub(crate) fn of(case: &Case) -> Option<Self> {
        let stop = case.own_stop()?;
        let is_open = *stop != Stop::NoListener;
        if is_open {
            if *stop != Stop::NoVirtualHost && (*stop != Stop::NoRoute || case.trail().missed.is_some()) {
                return None;
            }
            istio::port_of_route_config(&case.trail().route_config.as_ref()?.node().text("name")?)?;
        }
        let pod = case.proxy_pod().filter(|pod| is_open || has_proxy(pod))?;
        let request = case.request();
        let host = without_port(&request.host).to_owned();
        let evidence = case.last_step().map(|step| step.evidence).unwrap_or_default();
        Some(Self { host, port: asked_port(case), pod, is_open, evidence })
    }

    /// Whether an object of Istio's that selects pods is for the gateway's.
    pub(crate) fn is_for_the_pod(&self, gateway: &Node) -> bool {
        has_labels(&self.pod.labels("metadata.labels"), gateway.at("spec.selector").as_ref())
    }

    /// The first of the patterns in a list that takes the host; an empty pattern takes every host.
    pub(crate) fn taken_by(&self, patterns: &[Node]) -> Option<Node> {
        let takes = |node: &&Node| node.value().as_str().is_some_and(|pattern| binding::takes(pattern, &self.host));
        patterns.iter().find(takes).cloned()
    }

    /// The finding that an object has the host and is not bound; `title` is for a gateway that listens on the port.
    pub(crate) fn found(
        self,
        case: &Case,
        (title, by): (String, &ObjectRef),
        unbound: Unbound,
        more: Option<&Node>,
    ) -> Found {
        let Unbound { object, why, fix, codes, evidence } = unbound;
        let ends = if self.is_open { case.answers() } else { "The connection is refused".to_owned() };
        let of_more = more.map(Node::evidence);
        let is_its_own = (&object.kind, &object.name) == (&by.kind, &by.name);
        Found {
            certainty: certain(Proved::Yes),
            stage: Stage::Route,
            title: if self.is_open {
                title
            } else {
                format!("no Gateway opens port {} on the gateway's pods", self.port)
            },
            why: format!("{} has the host {}, and {why}. {ends}.", named(by), self.host),
            next: show(&object),
            objects: if is_its_own { vec![object] } else { vec![object, by.clone()] },
            fix,
            codes,
            evidence: [evidence].into_iter().chain(of_more).chain(self.evidence).collect(),
        }
    }

    /// The gateway's pod by name.
    pub(crate) fn pod_name(&self) -> String {
        self.pod.text("metadata.name").unwrap_or_default()
    }
}
