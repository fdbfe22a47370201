//! What comes to a pod of B's: its own proxy sees what A's really sends, plaintext or TLS with A's identity, and the
//! path and Host as A's route rewrote them.

use std::net::IpAddr;
use std::sync::Arc;

use crate::envoy::certificate::Names;
use crate::mesh::injected;
use crate::snapshot::{Need, Node, Origin};
use crate::walk::beyond::sent::{as_sent, name_of_host, names_by_host, upstream_protocol};
use crate::walk::beyond::targets::Group;
use crate::walk::way::dial::{Dial, Layer, Restored};
use crate::walk::way::forwarded::Handed;
use crate::walk::way::met::{Socket, SocketKind, Visit};
use crate::walk::way::open_headers::OpenHeaders;
use crate::walk::way::question::Question;
use crate::walk::way::walker::{Downstream, Got, Walker};

/// What comes of handing the request to a pod.
pub(in crate::walk) enum Arrival {
    /// Its proxy gets it.
    Proxy(Box<Arrived>),
    /// It has no proxy, or none that the connection goes through, or what that gets is not modeled.
    Past,
    /// Its proxy was not read: what would have to be. Nobody was asked for it.
    Unread(Need),
    /// Its proxy could not be read: what would have to be, and why it was not.
    Refused(Need, String),
}

/// What a pod's proxy gets.
pub(in crate::walk) struct Arrived {
    pub(in crate::walk) visit: Arc<Visit>,
    pub(in crate::walk) question: Question,
    pub(in crate::walk) dial: Dial,
    pub(in crate::walk) headers: OpenHeaders,
    /// How A's proxy speaks to it.
    pub(in crate::walk) socket: Socket,
}

impl Arrived {
    /// The same, where A's proxy speaks to it so.
    pub(in crate::walk) fn spoken_to(&self, socket: Socket) -> Self {
        Self {
            visit: Arc::new(Visit { socket: socket.kind, ..(*self.visit).clone() }),
            question: self.question.clone(),
            dial: self.dial.clone(),
            headers: self.headers.clone(),
            socket,
        }
    }
}

/// What the pod of a group gets.
pub(in crate::walk) fn arrive(walker: &Walker, handed: &Handed, group: &Group) -> Arrival {
    let text = |path: &str| group.pod.text(path).unwrap_or_default();
    let (namespace, name) = (text("metadata.namespace"), text("metadata.name"));
    let Some(socket) = group.target.socket.as_deref() else { return past(walker, &group.pod) };
    let (origin, record) = match walker.ask(walker.snapshot.destination(&namespace, &name)) {
        Got::Found(record) => record,
        Got::Absent(_) => return past(walker, &group.pod),
        Got::Gap(gap) => {
            let arrival = past(walker, &group.pod);
            return if let Arrival::Past = arrival { Arrival::Unread(gap.need) } else { arrival };
        }
    };
    if record.without_proxy || !walker.snapshot.has_proxy(origin) {
        walker.unchecked(format!("pod {namespace}/{name} has no proxy: what its application does is not known"));
        return past(walker, &group.pod);
    }
    if walker.mesh.annotations.keeps_inbound(&group.pod, group.target.at.port()) {
        walker.unchecked(format!("annotations of pod {namespace}/{name} keep the connection from its proxy"));
        return past(walker, &group.pod);
    }
    match arrived(walker, handed, (group, origin), socket) {
        Ok(arrived) => Arrival::Proxy(Box::new(arrived)),
        Err(why) => {
            walker.unchecked(format!("B's side was not walked: {why}"));
            past(walker, &group.pod)
        }
    }
}

fn arrived(
    walker: &Walker,
    handed: &Handed,
    (group, origin): (&Group, Origin),
    socket: &Socket,
) -> Result<Arrived, String> {
    let question = as_sent(walker.question, &handed.over)?;
    let by_host = |field: &str| socket.is_tls() && names_by_host(handed, field);
    if by_host("override_auto_sni_header") {
        let field = "override_auto_sni_header";
        return Err(format!("the TLS server name that A's proxy takes from a header (`{field}`) is not modeled"));
    }
    // An address is no server name.
    let named = || Some(name_of_host(&question, &handed.dial)).filter(|name| name.parse::<IpAddr>().is_err());
    let server_name = if by_host("auto_sni") { named() } else { None };
    let server_name = server_name.unwrap_or_else(|| socket.server_name.clone());
    let over_http = handed.over.http();
    let protocol = match over_http {
        Some(_) => upstream_protocol(handed).ok_or("which HTTP it is spoken to (`auto_config`) is not modeled")?,
        None => handed.dial.protocol,
    };
    let host = question.authority.clone().unwrap_or_else(|| handed.dial.host.clone());
    let at = group.target.at;
    let text = |path: &str| group.pod.text(path).unwrap_or_default();
    let visit = Visit {
        namespace: text("metadata.namespace"),
        name: text("metadata.name"),
        pod: group.pod.clone(),
        origin,
        port: at.port(),
        socket: socket.kind,
    };
    Ok(Arrived {
        visit: Arc::new(visit),
        dial: Dial {
            ip: Some(at.ip()),
            port: at.port(),
            host,
            protocol,
            layer: if over_http.is_some() { Layer::Clear } else { handed.dial.layer.passed_on() },
            restored: Restored::No,
            announced: None,
        },
        headers: over_http.map_or_else(OpenHeaders::after_bytes, OpenHeaders::after),
        socket: Socket { server_name, ..socket.clone() },
        question,
    })
}

/// No proxy of the pod's is walked: it has none, or it could not be read, where it has one and somebody was asked for it.
fn past(walker: &Walker, pod: &Node) -> Arrival {
    let text = |path: &str| pod.text(path).unwrap_or_default();
    let (namespace, name) = (text("metadata.namespace"), text("metadata.name"));
    let need = Need::Destination(namespace.clone(), name.clone());
    match walker.snapshot.why_refused(&need).filter(|_| injected::has_proxy(pod)) {
        Some(why) => {
            let why =
                format!("the proxy of pod {namespace}/{name} may deny the request, and it could not be read: {why}");
            Arrival::Refused(need, why)
        }
        None => Arrival::Past,
    }
}

/// The connection as B's proxy sees it, where A shows these names.
pub(in crate::walk) fn downstream(walker: &Walker, handed: &Handed, arrived: &Arrived, names: Names) -> Downstream {
    let socket = &arrived.socket;
    let ip = |node: &Node| node.text("status.podIP")?.parse().ok();
    let source = walker.node.as_ref().and_then(|n| n.ip.parse().ok());
    let names = if socket.kind == SocketKind::Mutual { names } else { Names::default() };
    Downstream {
        tls: socket.is_tls(),
        peer_uris: names.uris,
        peer_dns: names.dns,
        server_name: if socket.is_tls() { socket.server_name.clone() } else { String::new() },
        alpn: if socket.is_tls() { offered(walker, handed, arrived) } else { Vec::new() },
        source: source.or_else(|| walker.source_pod().as_ref().and_then(ip)),
        destination: arrived.dial.ip,
        port: arrived.dial.port,
    }
}

/// What A's proxy offers in TLS: the cluster's own list, or what a filter of the mesh's puts in its place.
fn offered(walker: &Walker, handed: &Handed, arrived: &Arrived) -> Vec<String> {
    let cluster = handed.cluster.as_ref().and_then(|cluster| cluster.cluster.as_ref());
    let kept = cluster.is_some_and(|cluster| walker.mesh.keeps_alpn(cluster));
    let overrides = handed.over.http().filter(|_| !kept).map(|taken| taken.alpn_override.as_slice());
    let spoken = arrived.dial.protocol.http();
    let put = overrides.unwrap_or_default().iter().find(|(over, _)| Some(*over) == spoken);
    put.map_or_else(|| arrived.socket.alpn.clone(), |(_, words)| words.clone())
}
