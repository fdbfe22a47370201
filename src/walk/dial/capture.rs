//! Whether A's connection gets to A's proxy at all: pods without one, what a pod's annotations exclude, and applications
//! that run as the proxy's user.
//!
//! This is decided outside the proxy, so objects decide it.

use crate::mesh::annotations::Kept;
use crate::mesh::injected::{self, NodeProxy, applications, node_proxy};
use crate::snapshot::{Evidence, Node};
use crate::verdict::{Mark, Power, Stage};
use crate::walk::way::course::Told;
use crate::walk::way::dial::Dial;
use crate::walk::way::guard::Condition;
use crate::walk::way::log::{Fact, Row};
use crate::walk::way::walker::Walker;

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
        let told = Told::goes(Capture::Leaves).met(Fact::Leaves);
        return match walker.source_pod().and_then(|pod| node_proxy(&pod)) {
            Some(carrier) => told.under([carried(&name, &carrier)]),
            None => told.row(row),
        };
    }
    match bypasses(walker, dial) {
        Some(row) => Told::goes(Capture::Leaves).row(row).met(Fact::Leaves),
        None => as_the_proxys_user(walker),
    }
}

/// What A's applications send as the user of its proxy goes past it.
fn as_the_proxys_user(walker: &Walker) -> Told<Capture> {
    let taken = Told::goes(Capture::Taken);
    let Some(pod) = walker.source_pod() else { return taken };
    let (name, users) = (pod.text("metadata.name").unwrap_or_default(), injected::as_the_proxys_user(&pod));
    let Some(user) = users.first() else { return taken };
    let evidence: Vec<Evidence> = users.iter().map(Node::evidence).collect();
    if users.len() < applications(&pod).len() {
        let why =
            format!("what a container of pod {name} sends as user {}, the proxy's own, bypasses it", user.shown());
        let condition = Condition::withheld(Stage::Capture, &name, &why).provided_that("another container sends it");
        return taken.under([Condition { evidence, ..condition }]);
    }
    let note = format!("its application runs as user {}, the proxy's own, and bypasses it", user.shown());
    let row = Row::new(Stage::Capture, Mark::Warned, &name, &note).citing(evidence);
    Told::goes(Capture::Leaves).row(row).met(Fact::Leaves)
}

/// A proxy of A's node takes what leaves A. It is no Envoy, and is not read.
fn carried(pod: &str, NodeProxy { name, at }: &NodeProxy) -> Condition {
    let why = format!("pod {pod} has no proxy of its own: {name}, the proxy of its node, carries what it sends");
    let condition = Condition::of(Stage::Capture, name, &[Power::Refuse], &why);
    Condition { evidence: vec![at.evidence()], ..condition }
}

/// The row of a connection that annotations of A's pod keep from its proxy.
fn bypasses(walker: &Walker, dial: &Dial) -> Option<Row> {
    let pod = walker.source_pod()?;
    let Kept { at, items } = walker.mesh.annotations.outbound(&pod, dial.ip, dial.port)?;
    let note = format!("port {} bypasses the proxy ({})", dial.port, items.join(","));
    let name = pod.text("metadata.name").unwrap_or_default();
    Some(Row::new(Stage::Capture, Mark::Warned, &name, &note).citing([at.evidence()]))
}
