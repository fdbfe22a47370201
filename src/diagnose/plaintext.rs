//! Why A's side sends plaintext where mutual TLS is wanted.

use serde_json::json;

use super::case::{Case, named, ref_of};
use super::fix::{advice, as_egress, delete, egress_host, in_field, remove, replace, set};
use super::rules::policy_part;
use crate::mesh::injected::{as_the_proxys_user, has_proxy};
use crate::mesh::istio::{ClusterName, config_of};
use crate::mesh::visibility::{SERVICE_EXPORTED_TO, is_exported};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op};

/// What makes A's side send plaintext.
pub(crate) struct Sender {
    /// How that reads: `it` is mutual TLS.
    pub(crate) words: String,
    /// The object that does it.
    pub(crate) object: Option<ObjectRef>,
    /// What would let A's side speak mutual TLS.
    pub(crate) fix: Option<Fix>,
    /// What shows it.
    pub(crate) evidence: Option<Evidence>,
}

impl Sender {
    /// Why A's side sends plaintext, where it does.
    pub(crate) fn of(case: &Case) -> Self {
        let Some(cluster) = &case.in_source().cluster else { return past_the_proxy(case) };
        if cluster.name == "PassthroughCluster" {
            return passed_through(case);
        }
        if let Some(rule) = cluster.cluster.as_ref().and_then(config_of).map(|(object, _)| object) {
            let rule = in_field(&rule, "spec.trafficPolicy.tls.mode");
            let fix = speak_mutual(case, &rule, &cluster.name);
            let said = fix.object.clone().filter(|_| fix.op == Op::Replace);
            let object = said.unwrap_or_else(|| in_field(&rule, "spec.trafficPolicy.tls"));
            return Self::told("A's proxy speaks plaintext to it", Some(object), Some(fix));
        }
        hidden_by_an_entry(case).unwrap_or_else(|| {
            let text = format!(
                "let A's proxy speak mutual TLS: see that meshConfig.enableAutoMtls is not false and B's pods have the label \
                 security.istio.io/tlsMode=istio, or add a DestinationRule of {} with tls.mode ISTIO_MUTUAL",
                case.request().target.rsplit_once(':').map_or("its host", |(host, _)| host)
            );
            Self::told("A's proxy speaks plaintext to it", None, Some(advice(Op::Add, text)))
        })
    }

    fn told(words: &str, object: Option<ObjectRef>, fix: Option<Fix>) -> Self {
        Self { words: words.to_owned(), object, fix, evidence: None }
    }
}

/// The connection never meets a proxy of A's: there is none, or an annotation keeps it from it.
fn past_the_proxy(case: &Case) -> Sender {
    let Some(pod) = case.source_pod() else {
        let text = "let A send through a proxy of the mesh, which speaks mutual TLS for it".to_owned();
        let words = "the request leaves A without going through a proxy of A's";
        return Sender::told(words, None, Some(advice(Op::Replace, text)));
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
    if let Some(user) = read.as_ref().and_then(|pod| as_the_proxys_user(pod).into_iter().next()) {
        let object = in_field(&pod, user.place());
        let text = format!(
            "{}, {}: another user than the proxy's; it is in the template of the pod's workload",
            named(&object),
            object.field
        );
        let fix = replace(&object, Some(&user), None, text);
        let evidence = Some(user.evidence());
        let words = "A's application runs as the user of its proxy, so that its connections go past it".to_owned();
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
        return Sender::told("A has no proxy that would speak it", Some(pod), Some(fix));
    }
    let text = format!("find what keeps the connections of {} from its proxy", named(&pod));
    let words = "the request leaves A without going through its proxy";
    Sender::told(words, Some(pod), Some(advice(Op::Replace, text)))
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
        return Sender::told(&words, None, Some(advice(Op::Replace, text)));
    };
    let name = service.text("metadata.name").unwrap_or_default();
    let namespace = service.text("metadata.namespace").unwrap_or_default();
    let host = format!("{name}.{namespace}.svc.");
    let is_known = case.has_virtual_host_of(&host);
    if let (Some(hides), false) = (hidden(case, service), is_known) {
        let Hides { words, object, fix, evidence } = hides;
        let words = format!("{words} from A's proxy, which {plain}");
        return Sender { words, object: Some(object), fix: Some(fix), evidence };
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
        return Sender::told(&words, None, Some(advice(Op::Replace, text)));
    }
    let words = format!("A's proxy does not know the Service, and {plain}");
    let text =
        format!("let A's proxy see {name}.{namespace}: exportTo of the Service, a Sidecar's spec.egress[].hosts");
    Sender::told(&words, None, Some(advice(Op::Add, text)))
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
    let words = format!(
        "{} names the same host, so that A's proxy does not know that its endpoints take mutual TLS",
        named(&object)
    );
    // An entry has a host.
    let fix = if entry.list("spec.hosts").len() == 1 {
        delete(&object, format!("delete {}: its only host is a Service's own", named(&object)))
    } else {
        let text = format!("{}, {}: take {host} out, which is a Service's own host", named(&object), object.field);
        remove(&object, Some(&at), text)
    };
    let fix = Some(fix);
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

/// What keeps a Service from A's proxy.
pub(crate) struct Hides {
    /// How that reads: `from A's proxy` follows.
    pub(crate) words: String,
    /// The object that does it.
    pub(crate) object: ObjectRef,
    /// What would show the Service.
    pub(crate) fix: Fix,
    /// What says it.
    pub(crate) evidence: Option<Evidence>,
}

/// What keeps a Service from A's proxy: that it is not exported to A's namespace, or else a Sidecar.
pub(crate) fn hidden(case: &Case, service: &Node) -> Option<Hides> {
    let own = case.namespace();
    let exported = service.at("metadata.annotations").and_then(|all| all.get(SERVICE_EXPORTED_TO));
    if let Some(at) = exported.filter(|_| !is_exported(service, &own)) {
        let object = ref_of(Kind::Service, service, &at.place());
        let wider = format!("{},{own}", at.value().as_str().unwrap_or_default());
        let text = format!("{}, annotation {SERVICE_EXPORTED_TO}: \"{wider}\"", named(&object));
        let words = format!("{SERVICE_EXPORTED_TO} ({}) keeps the Service", at.shown());
        return Some(Hides {
            words,
            fix: replace(&object, Some(&at), Some(json!(wider)), text),
            evidence: Some(at.evidence()),
            object,
        });
    }
    let sidecar = case.sidecar().filter(|sidecar| sidecar.at("spec.egress").is_some())?;
    let object = ref_of(Kind::Sidecar, &sidecar, "spec.egress");
    let host = as_egress(service);
    let text = format!("{}, spec.egress[].hosts: add {host}, if it leaves it out", named(&object));
    Some(Hides {
        words: "this Sidecar keeps the Service".to_owned(),
        fix: egress_host(&sidecar, &host, text),
        evidence: sidecar.at("spec.egress").map(|at| at.evidence()),
        object,
    })
}
