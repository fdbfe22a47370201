//! The meshes that are known, and which of them a proxy is of.

use crate::snapshot::{Node, Origin, Snapshot};

use super::conventions::Mesh;
use super::node_id::NodeId;
use super::signs::Signs;
use super::{istio, osm, plain};

/// Those that are known. The first that a proxy is of counts, so the one that takes any comes last.
pub const MESHES: &[&Mesh] = &[&istio::MESH, &osm::MESH, &plain::MESH];

/// The mesh of the proxy that answers there, as far as what was read of it tells.
pub fn of(snapshot: &Snapshot, origin: Origin) -> &'static Mesh {
    let signs = Signs::of(snapshot, origin);
    MESHES.iter().copied().find(|mesh| (mesh.is_of)(&signs)).unwrap_or(&plain::MESH)
}

/// Who a proxy of this node id is, whatever its mesh.
pub fn node_id(id: &str) -> Option<NodeId> {
    MESHES.iter().find_map(|mesh| mesh.node_id(id))
}

/// `istio 1.29.1`, where a proxy says so of itself.
pub fn release(identity: &Node) -> Option<String> {
    MESHES.iter().find_map(|mesh| mesh.release(identity))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;
    use crate::snapshot::{Answer, Need};

    const ORIGIN: Origin = Origin::Source(0);

    fn of_answer(need: &Need, body: &str) -> &'static str {
        let mut snapshot = Snapshot::default();
        snapshot.answer(need, Answer::Body(body.as_bytes().to_vec())).unwrap();
        of(&snapshot, ORIGIN).name
    }

    #[test]
    fn a_proxy_is_known_by_what_it_calls_itself() {
        let of = |body| of_answer(&Need::Identity(ORIGIN), body);
        assert_eq!(of(r#"{"node": {"id": "sidecar~10.244.0.2~orders-x.shop~shop.svc.cluster.local"}}"#), "istio");
        assert_eq!(of(r#"{"node": {"id": "mine", "metadata": {"ISTIO_VERSION": "1.29.1"}}}"#), "istio");
        let osm = r#"{"node": {"id": "38cf2479-bfea-4c1e-a961-f8f8e2b2e8cb.sidecar.books.shop.cluster.local"}}"#;
        assert_eq!(of(osm), "osm");
        assert_eq!(of(r#"{"node": {"id": "envoy-1"}}"#), "plain");
    }

    #[test]
    fn a_proxy_is_known_by_its_listeners() {
        let of = |name: &str| {
            let address = r#"{"socket_address": {"address": "0.0.0.0", "port_value": 15001}}"#;
            let body = format!(r#"{{"listener_statuses": [{{"name": "{name}", "local_address": {address}}}]}}"#);
            of_answer(&Need::Listeners(ORIGIN), &body)
        };
        assert_eq!(of("virtualOutbound"), "istio");
        assert_eq!(of("outbound_listener:127.0.0.1:15001"), "plain");
    }

    #[test]
    fn what_was_not_read_tells_nothing() {
        assert_eq!(of(&Snapshot::default(), ORIGIN).name, "plain");
    }
}
