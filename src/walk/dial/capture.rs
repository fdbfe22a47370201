//! Whether A's connection gets to A's proxy at all: pods without one, and what a pod's annotations exclude.
//!
//! `tools/istio-iptables/pkg/capture/run.go`. This is decided outside the proxy, so objects decide it.

use ipnet::IpNet;

use crate::snapshot::{Node, PodRecord};
use crate::verdict::{Mark, Stage};

use crate::walk::dial::resolve::{Dial, Resolved, source_pod};
use crate::walk::way::path::{End, Path};
use crate::walk::way::walker::Walker;

const PREFIX: &str = "traffic.sidecar.istio.io/";

/// A has no proxy: the request leaves as it is, and what becomes of it is up to B's side.
pub(in crate::walk) fn without_proxy(walker: &Walker, path: &mut Path, pod: &PodRecord) -> Resolved {
    let resolved = crate::walk::dial::resolve::resolve(walker, path);
    if !matches!(resolved, Resolved::To(_)) {
        return resolved;
    }
    let name = format!("{}/{}", pod.namespace, pod.name);
    path.step(Stage::Capture, Mark::Passed, &name, "has no proxy: the request leaves it as it is", Vec::new());
    leaves(path);
    resolved
}

/// Whether annotations of A's pod keep this connection from its proxy.
pub(in crate::walk) fn bypasses(walker: &Walker, path: &mut Path, dial: &Dial) -> bool {
    let Some(pod) = source_pod(walker) else { return false };
    let Some(annotations) = pod.at("metadata.annotations") else {
        return false;
    };
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
    let Some((node, items)) = excluded else { return false };
    let note = format!("port {} bypasses the proxy ({})", dial.port, items.join(","));
    path.step(
        Stage::Capture,
        Mark::Warned,
        &pod.text("metadata.name").unwrap_or_default(),
        &note,
        vec![node.evidence()],
    );
    leaves(path);
    true
}

/// The request goes to B as it is. What B's side makes of it is seen next; by itself this is no answer.
fn leaves(path: &mut Path) {
    path.bare = true;
    path.leg(1.0, "", Stage::Capture, End::Unknown);
}
