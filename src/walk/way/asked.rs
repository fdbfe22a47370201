//! The request as the verdict shows it.

use std::net::IpAddr;

use crate::verdict;

use super::dial::Dial;
use super::protocol::Protocol;
use super::question::{Asks, ProxyProtocol, Question};
use super::target::Port;
use super::walker::Walker;

/// The request as the verdict shows it.
pub(in crate::walk) fn shown(walker: &Walker, dial: Option<&Dial>) -> verdict::Request {
    let question = walker.question;
    let source = walker.snapshot.source.as_ref().map(|pod| verdict::SourcePod {
        namespace: pod.namespace.clone(),
        name: pod.name.clone(),
        proxy: pod.proxy.clone().filter(|_| !pod.without_proxy),
    });
    let of_node = walker.node.as_ref().filter(|n| !n.pod.is_empty()).map(|n| verdict::SourcePod {
        namespace: n.namespace.clone(),
        name: n.pod.clone(),
        proxy: None,
    });
    let source = source.or(of_node);
    let name = source.as_ref().map(|s| s.name.clone());
    verdict::Request {
        source_name: if question.from.is_empty() {
            name.unwrap_or_else(|| verdict::Request::UNNAMED.to_owned())
        } else {
            question.from.clone()
        },
        source,
        target: question.target.clone(),
        host: dial
            .map(|d| d.host.clone())
            .or_else(|| question.authority.clone())
            .unwrap_or_else(|| question.target.clone()),
        port: dial.map(|d| d.port).or_else(|| of_number(&question.port)).unwrap_or(0),
        address: dial.and_then(|d| d.ip).map(|ip| ip.to_string()),
        protocol: dial.map(|d| d.protocol).or(question.protocol).unwrap_or(Protocol::Http1).word(),
        path: (question.asks == Asks::One).then(|| question.path.clone()),
        method: (question.asks == Asks::One).then(|| question.method.clone()),
        headers: question.headers.clone(),
        connection: connection(question),
    }
}

fn connection(question: &Question) -> verdict::Asked {
    let text = |ip: Option<IpAddr>| ip.map(|ip| ip.to_string());
    verdict::Asked {
        protocol: question.protocol.map(Protocol::word),
        tls: question.tls,
        sni: question.sni.clone(),
        address: text(question.address),
        from_address: text(question.from_address),
        proxy_protocol: question.proxy_protocol.map(ProxyProtocol::word),
    }
}

fn of_number(port: &Port) -> Option<u16> {
    match port {
        Port::Number(number) => Some(*number),
        Port::Name(_) => None,
    }
}
