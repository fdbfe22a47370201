//! What came of a name: the addresses that A may dial, or why there is none.

use std::net::IpAddr;

use crate::snapshot::{Evidence, Node};
use crate::verdict::Stage;
use crate::walk::dial::service::number;
use crate::walk::way::course::Told;
use crate::walk::way::dial::{Dial, Layer, Restored};
use crate::walk::way::guard::Condition;
use crate::walk::way::log::{Fact, Row};
use crate::walk::way::protocol::Protocol;
use crate::walk::way::question::Asks;
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

/// Where a name leads: to these, each of which A may dial.
pub(in crate::walk) type Resolved = Told<Vec<Dial>>;

/// The row of a question that could not get further yet, or at all.
pub(in crate::walk) fn pending(walker: &Walker) -> Resolved {
    let subject = subject(walker);
    let host = &walker.question.host;
    let condition = Condition::withheld(Stage::Request, &subject, &format!("what {host} stands for was not read"));
    let condition = condition.provided_that(&format!("{host} has an address that leads to it"));
    Told::open(condition).row(Row::unknown(Stage::Request, &subject, ""))
}

pub(in crate::walk) fn subject(walker: &Walker) -> String {
    let question = walker.question;
    let from = walker
        .snapshot
        .source
        .as_ref()
        .map_or_else(|| format!("to {}", question.target), |pod| format!("from pod {}/{}", pod.namespace, pod.name));
    match question.asks {
        Asks::Open => format!("any request {from}"),
        Asks::One => format!("{} {} {from}", question.method, question.path),
        Asks::Class | Asks::Kind => {
            let headers = question.headers.iter().map(|(name, value)| format!("{name}: {value}"));
            let with = headers.collect::<Vec<_>>().join(", ");
            let with = if with.is_empty() { with } else { format!(" with {with}") };
            format!("{} {}{with} {from}", question.method, question.path)
        }
    }
}

/// The question ends before anything is dialed.
pub(in crate::walk) fn ended(walker: &Walker, note: &str, stop: Stop, evidence: Vec<Evidence>) -> Resolved {
    let row = Row::stopped(Stage::Request, &subject(walker), note).citing(evidence.clone());
    Told::ends(stop).row(row).met(Fact::Absence(evidence))
}

pub(in crate::walk) fn found(
    walker: &Walker,
    ips: &[Option<IpAddr>],
    port: u16,
    service_port: Option<&Node>,
    evidence: Vec<Evidence>,
) -> Resolved {
    let question = walker.question;
    let declared = service_port.and_then(|port| walker.mesh.declared_protocol(port));
    let (protocol, declared_layer) = protocol_of(declared.as_deref());
    // A path, a method or headers are of HTTP, whatever the port is called.
    let speaks = if protocol == Protocol::Tcp && question.asks == Asks::One { Protocol::Http1 } else { protocol };
    let protocol = question.protocol.unwrap_or(speaks);
    let layer = match (question.protocol, question.tls) {
        (_, true) | (Some(Protocol::Tls), _) => Layer::Sealed,
        (Some(_), false) => Layer::Clear,
        (None, false) => declared_layer,
    };
    let host = question.authority.clone().unwrap_or_else(|| {
        let default_port = if layer == Layer::Sealed { 443 } else { 80 };
        let typed = question.target.rsplit_once(':').map_or(question.target.as_str(), |(host, _)| host);
        // What the client dials, where a gateway's Service leads it to another port.
        let dialed = number(&question.port).unwrap_or(port);
        if dialed == default_port { typed.to_owned() } else { format!("{typed}:{dialed}") }
    });
    let row = Row::passed(Stage::Request, &subject(walker), "").citing(evidence);
    let said = [question.address];
    let ips = if question.address.is_some() { &said } else { ips };
    let (layer, restored) = (&layer, Restored::No);
    let dial = |ip: &Option<IpAddr>| Dial {
        ip: *ip,
        port,
        host: host.clone(),
        protocol,
        layer: layer.clone(),
        restored,
        announced: None,
    };
    Told::goes(ips.iter().map(dial).collect()).row(row)
}

/// What a client of this port speaks, as the Service declares it.
fn protocol_of(declared: Option<&str>) -> (Protocol, Layer) {
    match declared {
        Some("tcp" | "mongo" | "redis" | "mysql") => (Protocol::Tcp, Layer::Clear),
        Some("tls" | "https") => (Protocol::Tls, Layer::Sealed),
        Some("grpc") => (Protocol::Grpc, Layer::Clear),
        Some("http2") => (Protocol::Http2, Layer::Clear),
        _ => (Protocol::Http1, Layer::Clear),
    }
}
