//! The mesh lets nothing out to unknown hosts.
//!
//! The mesh lets requests out only to hosts that it knows. Any other host gets 502 from A's own proxy, or for TCP a
//! closed connection (UH at `BlackHoleCluster`).
//!
//! How it comes about: `outboundTrafficPolicy: REGISTRY_ONLY` is set in a Sidecar or for the whole mesh. The host is
//! not registered; or a Sidecar's `egress` or `exportTo` leaves it out for A; or the Host header is another's.
//!
//! How to confirm it: The virtual host is `block_all` in `istioctl proxy-config routes POD -o json`. `istioctl
//! proxy-config clusters POD --fqdn HOST` has nothing.
//!
//! How to fix it: Declare the host in a `ServiceEntry`; or add it to the Sidecar's `egress` where one leaves it out;
//! or correct the Host header.

use serde_json::json;

use crate::diagnose::{
    CalledHttp, Case, Found, Hides, Proved, ROOT_NAMESPACE, add_item, advice, certain, create_entry, egress_host,
    hidden, in_field, named, only, ref_of, replace, show,
};
use crate::envoy::domains::without_port;
use crate::mesh::istio::binding::takes;
use crate::mesh::visibility::is_exported;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op, Stage};
use crate::walk::{Form, Stop};

pub(crate) const YIELDS_TO: &[&str] = &["listener-rejected"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let at = blocked(case)?;
    let own = case.namespace();
    let (sidecar, mode) = policy(case).unzip();
    let by = sidecar.as_ref().map_or("The mesh configuration".to_owned(), named);
    let certainty = certain(if sidecar.is_some() { Proved::Yes } else { Proved::No });
    let object = sidecar.unwrap_or_else(mesh_config);
    let host = &case.request().host;
    let entry = if case.asked_service().is_some() { Entry::of_http(case) } else { Entry::of(case) };
    let at_entry = entry.as_ref().map(|entry| entry.evidence.clone());
    let evidence = [at].into_iter().chain(at_entry).chain(mode.as_ref().map(Node::evidence)).collect();
    let (says, known, first) = match entry {
        Some(Entry { object, says, fix, .. }) => {
            (format!(" {} names it, but {says}.", named(&object)), Some(object), fix)
        }
        None if let Some(service) = case.asked_service() => {
            let (says, fix) = show_service(case, service, host);
            (says, fix.object.clone(), fix)
        }
        None => {
            let name = without_port(host);
            let text = format!("a ServiceEntry for {name} in namespace {own}");
            (String::new(), None, create_entry(&own, name, case.request(), text))
        }
    };
    Some(Found {
        certainty,
        stage: if case.stop() == Some(&Stop::NoHealthyUpstream(Form::Tcp)) { Stage::Cluster } else { Stage::Route },
        title: format!("REGISTRY_ONLY, and {} is not known", case.this_host(host)),
        why: format!(
            "{by} sets outboundTrafficPolicy REGISTRY_ONLY, and A's proxy knows no host {host} on this port.{says} The proxy replies itself; nothing is sent."
        ),
        fix: vec![
            first,
            advice(Op::Replace, "send the Host header of a service that the mesh knows"),
            let_out(&object, mode.as_ref(), &by),
        ],
        next: show(known.as_ref().unwrap_or(&object)),
        objects: known.into_iter().chain([object]).collect(),
        codes: &[],
        evidence,
    })
}

/// A `ServiceEntry` that names the host, and why A's proxy has nothing of it on the port.
struct Entry {
    object: ObjectRef,
    says: String,
    fix: Fix,
    evidence: Evidence,
}

impl Entry {
    fn of(case: &Case) -> Option<Self> {
        let host = without_port(&case.request().host);
        let has = |entry: &Node| {
            entry.list("spec.hosts").iter().filter_map(|name| name.value().as_str()).any(|name| takes(name, host))
        };
        let entries = case.objects(Kind::ServiceEntry, None, &[])?;
        let entry = entries.iter().find(|entry| has(entry))?;
        Self::of_another_port(case, entry)
            .or_else(|| Self::not_exported(case, entry))
            .or_else(|| Self::left_out(case, entry))
    }

    /// B's Service says that the port is HTTP, and what comes is none: only HTTP has a host that is known there.
    fn of_http(case: &Case) -> Option<Self> {
        let request = case.request();
        let called = CalledHttp::of(case).filter(|_| ["tcp", "tls"].contains(&request.protocol))?;
        Some(Self {
            says: format!("calls port {} {}, and what comes is not HTTP", request.port, called.declared),
            fix: called.as_tcp("where clients speak no HTTP"),
            evidence: called.at.evidence(),
            object: called.object,
        })
    }

    fn of_another_port(case: &Case, entry: &Node) -> Option<Self> {
        let wanted = case.request().port;
        let ports = ports_of_entry(entry);
        if ports.contains(&u64::from(wanted)) {
            return None;
        }
        let at = entry.at("spec.ports").filter(|at| at.items().next().is_some());
        let numbers = at.as_ref().map(|at| at.items().filter_map(|port| port.get("number")).collect::<Vec<_>>());
        let one = numbers.and_then(only);
        let object =
            ref_of(Kind::ServiceEntry, entry, &one.as_ref().map_or_else(|| "spec.ports".to_owned(), Node::place));
        let shown: Vec<String> = ports.iter().map(u64::to_string).collect();
        let says = match &shown[..] {
            [] => "it has no port".to_owned(),
            shown => format!("its ports are {}, and this is {wanted}", shown.join(", ")),
        };
        let text = format!("{}, {}: {wanted}", named(&object), object.field);
        let port = json!({"number": wanted, "name": format!("http-{wanted}"), "protocol": "HTTP"});
        let fix = one.as_ref().map_or_else(
            || add_item(&object, Some(entry), "spec.ports", Some(port), text.clone()),
            |one| replace(&object, Some(one), Some(json!(wanted)), text.clone()),
        );
        let evidence = entry.at("spec.ports").map_or_else(|| entry.lacks("spec.ports"), |at| at.evidence());
        Some(Self { object, says, fix, evidence })
    }

    fn not_exported(case: &Case, entry: &Node) -> Option<Self> {
        let own = case.namespace();
        let at = entry.at("spec.exportTo").filter(|_| !is_exported(entry, &own))?;
        let object = ref_of(Kind::ServiceEntry, entry, "spec.exportTo");
        let text = format!("{}, spec.exportTo: add \"{own}\"", named(&object));
        Some(Self {
            says: format!("its exportTo is {}, which leaves out namespace {own}", at.shown()),
            fix: add_item(&object, Some(entry), "spec.exportTo", Some(json!(own)), text),
            evidence: at.evidence(),
            object,
        })
    }

    fn left_out(case: &Case, entry: &Node) -> Option<Self> {
        let sidecar = case.sidecar().filter(|sidecar| sidecar.at("spec.egress").is_some())?;
        let object = ref_of(Kind::ServiceEntry, entry, "spec.hosts");
        let by = named(&ref_of(Kind::Sidecar, &sidecar, "spec.egress"));
        let namespace = entry.text("metadata.namespace")?;
        let text = format!("{by}, spec.egress[].hosts: add \"{namespace}/*\", or this host of it, if it leaves it out");
        Some(Self {
            says: format!("A's proxy has nothing of it; {by} chooses what it sees"),
            fix: egress_host(&sidecar, &format!("{namespace}/*"), text),
            evidence: entry.at("spec.hosts")?.evidence(),
            object,
        })
    }
}

fn ports_of_entry(entry: &Node) -> Vec<u64> {
    entry.list("spec.ports").iter().filter_map(|port| port.get("number")?.value().as_u64()).collect()
}

/// A's proxy should see a Service that there is.
fn show_service(case: &Case, service: &Node, host: &str) -> (String, Fix) {
    match hidden(case, service) {
        Some(Hides { words, fix, object, .. }) if object.kind == Kind::Service.name() => {
            (format!(" {words} from it."), fix)
        }
        Some(Hides { fix, .. }) => (String::new(), fix),
        None => {
            (String::new(), advice(Op::Add, format!("let exportTo of {host} include namespace {}", case.namespace())))
        }
    }
}

/// The policy should let unknown hosts pass. That of the mesh is a line in a text.
fn let_out(object: &ObjectRef, mode: Option<&Node>, by: &str) -> Fix {
    let text = format!("{by}, outboundTrafficPolicy.mode: ALLOW_ANY");
    match mode {
        Some(mode) => replace(object, Some(mode), Some(json!("ALLOW_ANY")), text),
        None => replace(&in_field(object, "data.mesh"), None, None, text),
    }
}

/// Where the proxy says so: Istio's catch-all virtual host, or its cluster without endpoints.
fn blocked(case: &Case) -> Option<Evidence> {
    let stop = case.stop()?;
    if *stop == Stop::DirectResponse(502) {
        let name = case.trail().virtual_host.as_ref()?.get("name")?;
        return (name.value().as_str() == Some("block_all")).then(|| name.evidence());
    }
    let cluster = case.cluster().filter(|c| case.lacks_host() && c.name == "BlackHoleCluster")?;
    Some(cluster.cluster.as_ref()?.get("name")?.evidence())
}

/// The Sidecar that sets the policy for A; where there is none, the mesh's configuration does.
fn policy(case: &Case) -> Option<(ObjectRef, Node)> {
    let sidecar = case.sidecar()?;
    let mode = sidecar.at("spec.outboundTrafficPolicy.mode")?;
    let only = mode.value().as_str() == Some("REGISTRY_ONLY");
    only.then(|| (ref_of(Kind::Sidecar, &sidecar, "spec.outboundTrafficPolicy.mode"), mode))
}

fn mesh_config() -> ObjectRef {
    ObjectRef {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: ROOT_NAMESPACE.to_owned(),
        name: "istio".to_owned(),
        field: "data.mesh, outboundTrafficPolicy.mode".to_owned(),
    }
}
