//! B takes mutual TLS only, and plaintext comes.
//!
//! A `PeerAuthentication` with mode STRICT makes B's proxy accept mutual TLS and nothing else. It has no filter chain
//! for a plaintext connection and closes it: A's proxy then answers 503 UC, and a client without a proxy sees a reset.
//!
//! How it comes about: Plaintext is sent when A has no proxy, when annotations keep the connection from it, when A's
//! proxy does not know the Host and passes the connection through, when a `DestinationRule` turns TLS off, or when a
//! `ServiceEntry` of the same host hides that B takes mutual TLS.
//!
//! How to confirm it: B's log has `NR filter_chain_not_found`. `istioctl proxy-config cluster POD --fqdn HOST -o json`
//! at A has no `transport_socket_matches`. `istioctl x describe pod POD` at B shows the mode.
//!
//! How to fix it: Mend what sends plaintext: inject A, drop `mode: DISABLE`, let A see the Service. PERMISSIVE lets
//! everybody in without a certificate, so it comes last.

use serde_json::json;

use crate::diagnose::{Case, Found, Proved, Sender, advice, certain, in_field, mtls_mode, named, replace, set, show};
use crate::snapshot::{Evidence, Node};
use crate::verdict::{Fix, ObjectRef, Op, Stage};
use crate::walk::{SocketKind, Stop, Visit};

pub(crate) const YIELDS_TO: &[&str] = &["listener-rejected"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let there = case.destination()?;
    let closed = matches!(case.own_stop(), Some(Stop::NoFilterChain | Stop::PlaintextOnTls));
    if there.socket != SocketKind::Plaintext || !closed {
        return None;
    }
    let policy = policy(case, there);
    let sender = Sender::of(case);
    let by = policy.as_ref().map_or_else(|| format!("The proxy of pod {}", there.name), |(object, _)| named(object));
    let objects: Vec<ObjectRef> = sender.object.into_iter().chain(policy.iter().map(|(o, _)| o.clone())).collect();
    let mut evidence: Vec<Evidence> =
        case.trail().listener.as_ref().and_then(|l| l.get("name")).map(|n| n.evidence()).into_iter().collect();
    evidence.extend(policy.iter().map(|(_, mode)| mode.evidence()));
    evidence.extend(sender.evidence);
    let permissive = |field: &str| format!("{by}, {field}: PERMISSIVE; then anybody may come without a certificate");
    let permissive = match &policy {
        Some((object, mode)) => replace(object, Some(mode), Some(json!("PERMISSIVE")), permissive(&object.field)),
        None => advice(Op::Replace, permissive("spec.mtls.mode")),
    };
    let misnumbered = policy.as_ref().and_then(|(object, _)| Misnumbered::of(case, object, there.port));
    let objects: Vec<ObjectRef> =
        misnumbered.iter().map(|other| in_field(&other.policy, other.at.place())).chain(objects).collect();
    evidence.extend(misnumbered.iter().map(|other| other.at.evidence()));
    let counts = misnumbered.as_ref().map(Misnumbered::says).unwrap_or_default();
    Some(Found {
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage: Stage::FilterChain,
        title: "plaintext is sent to strict mTLS".to_owned(),
        why: format!(
            "{by} lets port {} take nothing but mutual TLS, and {}.{counts} B's proxy has no filter chain for plaintext and closes the connection.",
            there.port, sender.words
        ),
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        fix: misnumbered.iter().map(Misnumbered::fix).chain(sender.fix).chain([permissive]).collect(),
        codes: &[],
        evidence,
    })
}

/// The policy that asks for mutual TLS (of the workload, of the namespace, of the mesh), and the mode that does.
fn policy(case: &Case, there: &Visit) -> Option<(ObjectRef, Node)> {
    mtls_mode(case, there).filter(|(_, mode)| mode.value().as_str() == Some("STRICT"))
}

/// A mode for a port that the policy means by the number that the Service has.
///
/// `portLevelMtls` counts ports of the pod: <https://istio.io/latest/docs/reference/config/security/peer_authentication/>.
struct Misnumbered {
    policy: ObjectRef,
    read: Node,
    /// The entry of `spec.portLevelMtls`.
    at: Node,
    /// The Service's port, and the pod's.
    ports: (u16, u16),
}

impl Misnumbered {
    fn of(case: &Case, policy: &ObjectRef, port: u16) -> Option<Self> {
        let asked = case.request().target.rsplit_once(':').and_then(|(_, asked)| asked.parse().ok());
        let asked: u16 = asked.filter(|asked| *asked != port)?;
        case.asked_service()?;
        let read = case.read(policy)?;
        let at = read.at("spec.portLevelMtls")?.get(&asked.to_string())?;
        let is_softer = at.text("mode").is_some_and(|mode| mode == "PERMISSIVE" || mode == "DISABLE");
        is_softer.then(|| Self { policy: policy.clone(), at, read, ports: (asked, port) })
    }

    fn says(&self) -> String {
        let (asked, port) = self.ports;
        format!(
            " Its spec.portLevelMtls is for port {asked}, which is the Service's: it counts ports of the pod, and the Service leads to {port}."
        )
    }

    fn fix(&self) -> Fix {
        let field = format!("spec.portLevelMtls.{}", self.ports.1);
        let text = format!("{}, {field}: what port {} has there", named(&self.policy), self.ports.0);
        set(&self.policy, Some(&self.read), &field, Some(self.at.value().clone()), text)
    }
}
