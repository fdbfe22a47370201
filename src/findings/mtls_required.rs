//! B takes mutual TLS only, and plaintext comes to it.
//!
//! A `PeerAuthentication` with mode STRICT makes B's proxy accept mutual TLS and nothing else, so it has no filter chain
//! for a plaintext connection and closes it: A's proxy then answers 503 UC, and a client without a proxy sees a reset.
//! Plaintext is sent when A has no proxy, when annotations keep the connection from it, when A's proxy does not know the
//! service and passes the connection through, or when a `DestinationRule` turns TLS off.

use serde_json::json;

use crate::diagnose::{
    Case, Found, Proved, advice, certain, egress_host, in_field, named, policy_part, ref_of, replace, set, show,
};
use crate::mesh::istio::{ClusterName, config_of};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op, Stage};
use crate::walk::{SocketKind, Stop, Visit};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let there = case.destination()?;
    let closed = matches!(case.own_stop(), Some(Stop::NoFilterChain | Stop::PlaintextOnTls));
    if there.socket != SocketKind::Plaintext || !closed {
        return None;
    }
    let policy = policy(case, there);
    let sender = sender(case);
    let why_plain = sender.words;
    let by = policy.as_ref().map_or_else(|| format!("The proxy of pod {}", there.name), |(object, _)| named(object));
    let mut objects: Vec<ObjectRef> = policy.iter().map(|(object, _)| object.clone()).collect();
    objects.extend(sender.object);
    let mut evidence: Vec<Evidence> =
        case.trail().listener.as_ref().and_then(|l| l.get("name")).map(|n| n.evidence()).into_iter().collect();
    evidence.extend(policy.iter().map(|(_, mode)| mode.evidence()));
    let permissive = match &policy {
        Some((object, mode)) => {
            let text = format!("{by}, {}: PERMISSIVE", object.field);
            replace(object, Some(mode), Some(json!("PERMISSIVE")), text)
        }
        None => advice(Op::Replace, format!("{by}, spec.mtls.mode: PERMISSIVE")),
    };
    Some(Found {
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage: Stage::FilterChain,
        title: "B takes mutual TLS only, and plaintext is sent".to_owned(),
        why: format!(
            "{by} takes mutual TLS only on port {}, and {why_plain}. B's proxy has no filter chain for plaintext and closes the connection.",
            there.port
        ),
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        fix: sender.fix.into_iter().chain([permissive]).collect(),
        codes: &[],
        evidence,
    })
}

/// The policy that asks for mutual TLS (of the workload, of the namespace, of the mesh), and the mode that does.
fn policy(case: &Case, there: &Visit) -> Option<(ObjectRef, Node)> {
    let port = there.port.to_string();
    // The nearest that sets a mode decides; UNSET leaves it to the next. Ports count only beside a selector.
    let mode = |policy: &Node| {
        let set = |mode: &Node| mode.value().as_str().is_some_and(|mode| mode != "UNSET");
        let of_port = policy.at("spec.selector").and_then(|_| policy.at("spec.portLevelMtls")?.get(&port)?.get("mode"));
        let of_port = of_port.filter(set);
        let field = match &of_port {
            Some(_) => format!("spec.portLevelMtls.{port}.mode"),
            None => "spec.mtls.mode".to_owned(),
        };
        let mode = of_port.or_else(|| policy.at("spec.mtls.mode").filter(set))?;
        Some((ref_of(Kind::PeerAuthentication, policy, &field), mode))
    };
    let (object, mode) = case.nearest_for_the_proxy(Kind::PeerAuthentication).iter().find_map(mode)?;
    (mode.value().as_str() == Some("STRICT")).then_some((object, mode))
}

/// What makes A's side send plaintext.
struct Sender {
    words: &'static str,
    object: Option<ObjectRef>,
    fix: Option<Fix>,
}

fn sender(case: &Case) -> Sender {
    let text = |object: &ObjectRef| format!("{}: let A's proxy speak mutual TLS", named(object));
    let Some(cluster) = &case.in_source().cluster else {
        let object = case.source_pod();
        let fix = object.as_ref().map(|pod| advice(Op::Replace, text(pod)));
        return Sender { words: "the request leaves A without going through a proxy of A's", object, fix };
    };
    if cluster.name == "PassthroughCluster" {
        let scopes = case.sidecar().filter(|sidecar| sidecar.at("spec.egress").is_some());
        let object = scopes.as_ref().map(|sidecar| ref_of(Kind::Sidecar, sidecar, "spec.egress"));
        let fix = scopes.zip(object.as_ref()).map(|(sidecar, object)| egress_host(&sidecar, text(object)));
        let words = "A's proxy does not know the service and passes the connection through in plaintext";
        return Sender { words, object, fix };
    }
    let rule = cluster.cluster.as_ref().and_then(config_of).map(|(object, _)| object);
    let object = rule.map(|object| in_field(&object, "spec.trafficPolicy.tls"));
    let fix = object.as_ref().map(|rule| speak_mutual(case, rule, &cluster.name, text(rule)));
    Sender { words: "A's proxy speaks plaintext to it", object, fix }
}

/// A `DestinationRule` that lets A's proxy speak plaintext.
fn speak_mutual(case: &Case, rule: &ObjectRef, cluster: &str, text: String) -> Fix {
    let read = case.read(rule);
    let policy = read.as_ref().zip(ClusterName::parse(cluster));
    let policy = policy.and_then(|(read, name)| policy_part(read, &name, "tls"));
    let mutual = Some(json!("ISTIO_MUTUAL"));
    let field = "spec.trafficPolicy.tls.mode";
    match &policy {
        Some(policy) => set(&in_field(rule, field), Some(policy), "mode", mutual, text),
        None => set(&in_field(rule, field), read.as_ref(), field, mutual, text),
    }
}
