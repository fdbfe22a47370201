//! Whether A's connection gets to A's proxy at all: pods without one, and what a pod's annotations exclude.
//!
//! `tools/istio-iptables/pkg/capture/run.go`. This is decided outside the proxy, so objects decide it.

use ipnet::IpNet;

use crate::snapshot::Node;
use crate::verdict::{Mark, Stage};
use crate::walk::way::course::Told;
use crate::walk::way::dial::Dial;
use crate::walk::way::log::{Fact, Row};
use crate::walk::way::walker::Walker;

const PREFIX: &str = "traffic.sidecar.istio.io/";

/// Whether a connection of A's gets to A's proxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::walk) enum Capture {
    /// It does.
    Taken,
    /// It leaves A as it is, and what becomes of it is up to B's side.
    Leaves,
}

/// Whether the connection gets to A's proxy.
pub(in crate::walk) fn capture(walker: &Walker, dial: &Dial) -> Told<Capture> {
    if let Some(pod) = walker.snapshot.source.as_ref().filter(|pod| pod.without_proxy) {
        let name = format!("{}/{}", pod.namespace, pod.name);
        let row = Row::passed(Stage::Capture, &name, "has no proxy: the request leaves it as it is");
        return Told::goes(Capture::Leaves).row(row).met(Fact::Leaves);
    }
    bypasses(walker, dial)
        .map_or_else(|| Told::goes(Capture::Taken), |row| Told::goes(Capture::Leaves).row(row).met(Fact::Leaves))
}

/// The row of a connection that annotations of A's pod keep from its proxy.
fn bypasses(walker: &Walker, dial: &Dial) -> Option<Row> {
    let pod = walker.source_pod()?;
    let annotations = pod.at("metadata.annotations")?;
    let list = |name: &str| -> Option<(Node, Vec<String>)> {
        let node = annotations.get(&format!("{PREFIX}{name}"))?;
        let items = node.value().as_str()?.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect();
        Some((node, items))
    };
    let ports = |items: &[String]| items.iter().any(|p| p.parse() == Ok(dial.port));
    let ranges = |items: &[String]| {
        let Some(ip) = dial.ip else { return false };
        items.iter().any(|r| r == "*" || r.parse::<IpNet>().is_ok_and(|net| net.contains(&ip)))
    };
    let excluded = list("excludeOutboundPorts").filter(|(_, items)| ports(items));
    let excluded = excluded.or_else(|| list("excludeOutboundIPRanges").filter(|(_, items)| ranges(items)));
    let included = list("includeOutboundPorts").is_some_and(|(_, items)| ports(&items));
    let excluded = excluded.or_else(|| {
        list("includeOutboundIPRanges")
            .filter(|(_, items)| dial.ip.is_some() && !items.is_empty() && !ranges(items) && !included)
    });
    let (node, items) = excluded?;
    let note = format!("port {} bypasses the proxy ({})", dial.port, items.join(","));
    let name = pod.text("metadata.name").unwrap_or_default();
    Some(Row::new(Stage::Capture, Mark::Warned, &name, &note).citing([node.evidence()]))
}
