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

use crate::diagnose::{
    Case, Found, Proved, advice, as_egress, certain, egress_host, in_field, mtls_mode, named, policy_part, ref_of,
    remove, replace, set, show,
};
use crate::mesh::injected::has_proxy;
use crate::mesh::istio::{ClusterName, config_of};
use crate::snapshot::{Evidence, Kind, Node};
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
    let sender = sender(case);
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

/// What makes A's side send plaintext.
struct Sender {
    words: String,
    object: Option<ObjectRef>,
    fix: Option<Fix>,
    evidence: Option<Evidence>,
}

impl Sender {
    fn of(words: &str, object: Option<ObjectRef>, fix: Option<Fix>) -> Self {
        Self { words: words.to_owned(), object, fix, evidence: None }
    }
}

fn sender(case: &Case) -> Sender {
    let Some(cluster) = &case.in_source().cluster else { return past_the_proxy(case) };
    if cluster.name == "PassthroughCluster" {
        return passed_through(case);
    }
    if let Some(rule) = cluster.cluster.as_ref().and_then(config_of).map(|(object, _)| object) {
        let rule = in_field(&rule, "spec.trafficPolicy.tls.mode");
        let fix = speak_mutual(case, &rule, &cluster.name);
        let said = fix.object.clone().filter(|_| fix.op == Op::Replace);
        let object = said.unwrap_or_else(|| in_field(&rule, "spec.trafficPolicy.tls"));
        return Sender::of("A's proxy speaks plaintext to it", Some(object), Some(fix));
    }
    hidden_by_an_entry(case).unwrap_or_else(|| Sender::of("A's proxy speaks plaintext to it", None, None))
}

/// The connection never meets a proxy of A's: there is none, or an annotation keeps it from it.
fn past_the_proxy(case: &Case) -> Sender {
    let Some(pod) = case.source_pod() else {
        return Sender::of("the request leaves A without going through a proxy of A's", None, None);
    };
    let read = case.read(&pod);
    if let Some(kept) = case.keeping_annotation() {
        let field = kept.place();
        let text = format!("{}, {field}: take port {} out of it", named(&pod), case.request().port);
        let object = in_field(&pod, field);
        let fix = replace(&object, Some(&kept), None, text);
        let evidence = Some(kept.evidence());
        let words = "an annotation of A's pod keeps the connection from its proxy, which would speak it".to_owned();
        return Sender { words, object: Some(object), fix: Some(fix), evidence };
    }
    if read.is_none_or(|pod| !has_proxy(&pod)) {
        let text = format!(
            "give {} a proxy, which speaks mutual TLS for it: label namespace {} with istio-injection=enabled (or istio.io/rev), and start its pods anew",
            named(&pod),
            pod.namespace
        );
        let namespace = label_of_injection(&pod.namespace);
        let fix = Fix { want: Some(json!({"istio-injection": "enabled"})), ..replace(&namespace, None, None, text) };
        let fix = Fix { op: Op::Add, ..fix };
        return Sender::of("A has no proxy that would speak it", Some(pod), Some(fix));
    }
    let text = format!("find what keeps the connections of {} from its proxy", named(&pod));
    let words = "the request leaves A without going through its proxy";
    Sender::of(words, Some(pod), Some(advice(Op::Replace, text)))
}

/// Where a namespace says that its pods get proxies.
fn label_of_injection(namespace: &str) -> ObjectRef {
    let (api_version, kind) = ("v1".to_owned(), "Namespace".to_owned());
    let field = "metadata.labels".to_owned();
    ObjectRef { api_version, kind, namespace: String::new(), name: namespace.to_owned(), field }
}

/// A's proxy does not know where the connection goes, and passes it through.
fn passed_through(case: &Case) -> Sender {
    let request = case.request();
    let plain = "passes the connection through in plaintext";
    let Some(service) = case.asked_service() else {
        let words = format!("A's proxy knows no Service with this address, and {plain}");
        let text = "ask by the name of a Service: for a pod's own address A's proxy has no mutual TLS";
        return Sender::of(&words, None, Some(advice(Op::Replace, text)));
    };
    let scopes = case.sidecar().filter(|sidecar| sidecar.at("spec.egress").is_some());
    let name = service.text("metadata.name").unwrap_or_default();
    let namespace = service.text("metadata.namespace").unwrap_or_default();
    let host = format!("{name}.{namespace}.svc.");
    let is_known = case.has_virtual_host_of(&host);
    if let (Some(sidecar), false) = (&scopes, is_known) {
        let object = ref_of(Kind::Sidecar, sidecar, "spec.egress");
        let host = as_egress(service);
        let text = format!("{}, spec.egress[].hosts: add {host}", named(&object));
        let words = format!("this Sidecar keeps the Service from A's proxy, which {plain}");
        return Sender::of(&words, Some(object), Some(egress_host(sidecar, &host, text)));
    }
    if is_known {
        let words = format!(
            "the Host {} is in no virtual host of port {}, so that A's proxy {plain}",
            request.host, request.port
        );
        let text = format!(
            "let the client send the Host {} (nginx: proxy_set_header Host …), or add {} to the hosts of a VirtualService",
            request.target, request.host
        );
        return Sender::of(&words, None, Some(advice(Op::Replace, text)));
    }
    let words = format!("A's proxy does not know the Service, and {plain}");
    let text =
        format!("let A's proxy see {name}.{namespace}: exportTo of the Service, a Sidecar's spec.egress[].hosts");
    Sender::of(&words, None, Some(advice(Op::Add, text)))
}

/// A `ServiceEntry` of a Service's own host: its endpoints do not say that they take mutual TLS.
fn hidden_by_an_entry(case: &Case) -> Option<Sender> {
    let host = ClusterName::parse(&case.in_source().cluster.as_ref()?.name)?.host;
    case.service_of_source()?;
    let entries = case.objects(Kind::ServiceEntry, None, &[])?;
    let (entry, at) = entries.into_iter().find_map(|entry| {
        let at = entry.list("spec.hosts").into_iter().find(|at| at.value().as_str() == Some(host.as_str()))?;
        Some((entry, at))
    })?;
    let object = ref_of(Kind::ServiceEntry, &entry, &at.place());
    let text = format!("{}, {}: take {host} out, which is a Service's own host", named(&object), object.field);
    let words = format!(
        "{} names the same host, so that A's proxy does not know that its endpoints take mutual TLS",
        named(&object)
    );
    let fix = Some(remove(&object, Some(&at), text));
    Some(Sender { words, object: Some(object), fix, evidence: Some(at.evidence()) })
}

/// A `DestinationRule` that lets A's proxy speak plaintext.
fn speak_mutual(case: &Case, rule: &ObjectRef, cluster: &str) -> Fix {
    let read = case.read(rule);
    let policy = read.as_ref().zip(ClusterName::parse(cluster));
    let policy = policy.and_then(|(read, name)| policy_part(read, &name, "tls"));
    let mutual = Some(json!("ISTIO_MUTUAL"));
    let text = |place: &str| format!("{}, {place}: ISTIO_MUTUAL, or leave tls out", named(rule));
    match &policy {
        Some(policy) => {
            let place = format!("{}.mode", policy.place());
            set(rule, Some(policy), "mode", mutual, text(&place))
        }
        None => set(rule, read.as_ref(), &rule.field, mutual, text(&rule.field)),
    }
}
