//! Which proxies were read: whose they are, which Envoy each is, and of which mesh.

use crate::envoy::version::Version;
use crate::snapshot::{Lookup, Node, Origin, PodRecord, Snapshot};
use crate::verdict::{Proxy, Side};

use super::meshes::{node_id, release};

/// The proxies that were read: A's, then B's.
pub fn proxies(snapshot: &Snapshot) -> Vec<Proxy> {
    let read = snapshot.proxies().into_iter();
    read.filter_map(|(origin, pod)| Some(proxy(side(origin)?, pod, identity(snapshot, origin).as_ref()))).collect()
}

/// The Envoy release, from what a proxy says of itself.
pub fn envoy_version(identity: &Node) -> Option<Version> {
    // Before 1.13 a node had its build in one text, and a while after under the name of deprecated fields.
    let texts = ["version", "node.build_version", "node.hidden_envoy_deprecated_build_version"];
    let of_text = texts.iter().find_map(|path| Version::of_server_info(&identity.text(path)?));
    of_text.or_else(|| {
        let build = identity.at("node.user_agent_build_version.version")?;
        let number = |key: &str| build.get(key).and_then(|n| n.value().as_u64()).unwrap_or(0);
        Version::parse(&format!("{}.{}.{}", number("major_number"), number("minor_number"), number("patch")))
    })
}

/// What A's proxy is, where it is older than any that can be read: Envoys before 1.18 may speak API v2.
pub fn too_old(snapshot: &Snapshot) -> Option<String> {
    let origin = Origin::Source(0);
    let version = identity(snapshot, origin).as_ref().and_then(envoy_version);
    match version {
        Some(version) if version < Version::OLDEST_READ => Some(format!("Envoy {version}")),
        None if snapshot.has_old_forms(origin) => Some("an Envoy that speaks API v2".to_owned()),
        Some(_) | None => None,
    }
}

fn side(origin: Origin) -> Option<Side> {
    match origin {
        Origin::Source(_) => Some(Side::Source),
        Origin::Destination(_) => Some(Side::Destination),
        Origin::Kubernetes | Origin::ControlPlane => None,
    }
}

fn identity(snapshot: &Snapshot, origin: Origin) -> Option<Node> {
    match snapshot.server_info(origin) {
        Lookup::Found(info) => Some(info),
        Lookup::Absent(_) | Lookup::Unread(_) => None,
    }
}

fn proxy(side: Side, pod: Option<&PodRecord>, identity: Option<&Node>) -> Proxy {
    let id = identity.and_then(|info| info.text("node.id")).filter(|id| !id.is_empty());
    let named = id.as_deref().and_then(node_id).filter(|node| !node.pod.is_empty());
    let of_record = pod.map(|pod| format!("{}/{}", pod.namespace, pod.name));
    Proxy {
        side,
        pod: of_record.or_else(|| named.map(|node| format!("{}/{}", node.namespace, node.pod))),
        id,
        envoy: identity.and_then(envoy_version).map(|version| version.to_string()),
        mesh: identity.and_then(release),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;
    use crate::snapshot::{Answer, Need};

    fn read(identity: &str) -> Vec<Proxy> {
        let mut snapshot = Snapshot::default();
        let origin = Origin::Destination(0);
        snapshot.answer(&Need::Identity(origin), Answer::Body(identity.as_bytes().to_vec())).unwrap();
        proxies(&snapshot)
    }

    #[test]
    fn a_proxy_says_who_it_is() {
        let identity = r#"{"version": "9e558093/1.38.3/Clean/RELEASE/BoringSSL", "node": {
            "id": "sidecar~10.244.0.2~orders-x.shop~shop.svc.cluster.local", "metadata": {"ISTIO_VERSION": "1.29.1"}}}"#;
        let text = |text: &str| Some(text.to_owned());
        let expected = Proxy {
            side: Side::Destination,
            pod: text("shop/orders-x"),
            id: text("sidecar~10.244.0.2~orders-x.shop~shop.svc.cluster.local"),
            envoy: text("1.38.3"),
            mesh: text("istio 1.29.1"),
        };
        assert_eq!(read(identity), [expected]);
    }

    #[test]
    fn what_a_proxy_does_not_say_is_not_known() {
        let build = r#"{"node": {"user_agent_build_version": {"version": {"major_number": 1, "minor_number": 40}}}}"#;
        let envoy = Some("1.40.0".to_owned());
        assert_eq!(read(build), [Proxy { side: Side::Destination, pod: None, id: None, envoy, mesh: None }]);
    }
}
