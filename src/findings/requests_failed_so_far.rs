//! Every request that was counted failed.
//!
//! The host counters of A's proxy count what it sent: `rq_total` requests, of which none was answered well
//! (`rq_success` is 0). Connections succeeded, so somebody listens.
//!
//! How it comes about: Usually the two sides speak different protocols (HTTP/2 to a server of HTTP/1.1: 502 UPE; gRPC
//! to a cluster of HTTP/1.1; plaintext to a port of TLS: 503 UC), the answer takes longer than the route's timeout
//! (504 UT), or the application answers every request with an error of its own (5xx).
//!
//! How to confirm it: The access log's flags and details tell these apart. `curl` from a pod to B's pod directly shows
//! what the application answers.
//!
//! How to fix it: Name the port for its protocol, raise the route's timeout, or mend the application.

use serde_json::json;

use crate::diagnose::{
    Case, Found, Proved, advice, certain, in_field, named, no_upgrade, only, port_entry, protocol_field, ref_of,
    replace, rules_field, service_logs, show,
};
use crate::mesh::istio::{ClusterName, declared_protocol};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Command, Fix, ObjectRef, Op, Stage};
use crate::walk::{ClusterTrail, HostTrail, RequestKind, SocketKind};

/// Where a cluster says which version of HTTP it speaks.
const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
/// How long a route waits for an answer where it says nothing.
const TIMEOUT: &str = "15s";

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if case.stop().is_some() {
        return None;
    }
    let fails = |cluster: &&ClusterTrail| cluster.failed_so_far() > 0 && !cluster.ever_succeeded();
    let of_source = case.in_source().cluster.as_deref().filter(fails);
    let cluster = of_source.or_else(|| case.cluster().filter(fails))?;
    let whose = if of_source.is_some() { "A's" } else { "B's" };
    let failing: Vec<&HostTrail> = cluster.always_failing().collect();
    let total = cluster.failed_so_far();
    let late: u64 = failing.iter().map(|trail| trail.host.counters.rq_timeout).sum();
    let stats = failing.iter().take(3).filter_map(|trail| trail.at.as_ref()?.get("stats"));
    let mut evidence: Vec<Evidence> = stats.map(|stats| stats.evidence()).collect();
    let of_tls = declared_as_tls(case, cluster).filter(|_| late != total);
    let Suspect { title, why, advice: text, at } = match &of_tls {
        Some((port, at)) => plaintext_to(port, at),
        None => suspect(case, cluster, (late, total)),
    };
    evidence.extend(at.iter().map(Node::evidence));
    // A timeout is the route's, all else the cluster's.
    let mended = if late == total {
        other_timeout(case)
    } else {
        no_upgrade(case, cluster, "where B takes HTTP/1.1 only").or_else(|| no_http2(case, cluster))
    };
    let object = match &mended {
        Some(fix) => fix.object.clone(),
        None if late == total => {
            let route = case.in_source().route.as_ref();
            route.and_then(|route| case.object_of_route(route)).map(|(owner, _)| in_field(&owner, rules_field(&owner)))
        }
        None => Case::object_of_cluster(cluster).map(|(rule, _)| rule),
    };
    let mut objects: Vec<ObjectRef> = object.into_iter().collect();
    objects.extend(of_tls.iter().map(|(port, _)| port.clone()));
    let service = case.asked_service().map(|service| ref_of(Kind::Service, service, ""));
    objects.extend(service.clone().filter(|service| objects.iter().all(|known| known.kind != service.kind)));
    let at = failing.iter().take(3).map(|trail| trail.host.address.as_str()).collect::<Vec<_>>().join(", ");
    let next = match (&service, objects.first()) {
        (Some(service), _) => service_logs(&service.namespace, &service.name),
        (None, Some(object)) => show(object),
        (None, None) => Command::default(),
    };
    Some(Found {
        certainty: certain(Proved::No),
        stage: Stage::Endpoints,
        title,
        why: format!(
            "{whose} proxy counted {total} requests to {at} since it knows the endpoints, and all of them failed, although connections succeeded. {why}"
        ),
        fix: mended.into_iter().chain([advice(Op::Replace, text)]).collect(),
        next,
        objects,
        codes: &[],
        evidence,
    })
}

/// The rule of the route's object that says how long an answer may take.
fn other_timeout(case: &Case) -> Option<Fix> {
    let (owner, _) = case.in_source().route.as_ref().and_then(|route| case.object_of_route(route))?;
    let rules = case.read(&owner)?.list(rules_field(&owner));
    let at =
        only(rules.iter().filter_map(|rule| rule.get("timeout").or_else(|| rule.at("timeouts.request"))).collect())?;
    let object = in_field(&owner, at.place());
    let text = format!("{}, {}: longer than {}", named(&object), object.field, at.shown());
    Some(replace(&object, Some(&at), None, text))
}

/// The part of a Service's port that makes HTTP/2 of it.
fn no_http2(case: &Case, cluster: &ClusterTrail) -> Option<Fix> {
    // An inbound cluster bears the port of the Service, too; which Service it is, the question says.
    let service = case.service_of_source().or_else(|| case.asked_service().cloned())?;
    let entry = port_entry(&service, ClusterName::parse(&cluster.name).map_or(case.request().port, |name| name.port))?;
    let protocol = declared_protocol(&entry)?;
    if !["grpc", "grpc-web", "http2"].contains(&protocol.as_str()) || case.kind() == RequestKind::Grpc {
        return None;
    }
    let at = protocol_field(&entry)?;
    let object = ref_of(Kind::Service, &service, &at.place());
    let text =
        format!("{}, {}: not {protocol}, where the pods take HTTP/1.1 only: \"http\"", named(&object), object.field);
    Some(replace(&object, Some(&at), Some(json!("http")), text))
}

/// What the failures most likely come of.
struct Suspect {
    title: String,
    why: String,
    advice: String,
    /// The part of the configuration that says so.
    at: Option<Node>,
}

/// The Service's port, where it is said to take TLS and HTTP goes to it without: as the proxies hand it over, B's
/// application gets plaintext.
fn declared_as_tls(case: &Case, cluster: &ClusterTrail) -> Option<(ObjectRef, Node)> {
    let sockets = cluster.hosts.iter().filter_map(|host| host.socket.as_deref());
    if !case.is_over_http() || sockets.chain(cluster.own_socket.as_deref()).any(|s| s.kind == SocketKind::Simple) {
        return None;
    }
    let service = case.service_of_source()?;
    let entry = port_entry(&service, ClusterName::parse(&case.in_source().cluster.as_ref()?.name)?.port)?;
    let at = protocol_field(&entry)?;
    let protocol = declared_protocol(&entry)?;
    ["https", "tls"].contains(&protocol.as_str()).then(|| (ref_of(Kind::Service, &service, &at.place()), at))
}

fn plaintext_to(port: &ObjectRef, at: &Node) -> Suspect {
    let by = named(port);
    Suspect {
        title: "plaintext goes to a port that is declared as one of TLS".to_owned(),
        why: format!(
            "{by} says that the port takes TLS ({}: {}), and A's proxy hands the request on as plain HTTP, which a server of TLS ends (503 UC).",
            port.field,
            at.shown()
        ),
        advice: format!(
            "a DestinationRule for {by} with trafficPolicy.tls.mode SIMPLE, so that the proxy speaks TLS to it; or send to a port of plaintext"
        ),
        at: Some(at.clone()),
    }
}

/// Whom to suspect, where of `total` requests `late` waited in vain.
fn suspect(case: &Case, cluster: &ClusterTrail, (late, total): (u64, u64)) -> Suspect {
    let config = cluster.cluster.as_ref();
    let options = config.and_then(|config| config.get("typed_extension_protocol_options")?.get(OPTIONS));
    let http2 = options.as_ref().and_then(|options| options.at("explicit_http_config.http2_protocol_options"));
    let socket = cluster.hosts.iter().find_map(|host| host.socket.as_deref()).or(cluster.own_socket.as_deref());
    let route = case.in_source().route.as_ref();
    if late == total {
        let timeout = route.and_then(|route| route.at("route.timeout"));
        let seconds = timeout.as_ref().and_then(|at| at.value().as_str().map(str::to_owned));
        let seconds = seconds.unwrap_or_else(|| TIMEOUT.to_owned());
        return Suspect {
            title: format!("no answer came within the route's timeout of {seconds}"),
            why: "Each was given up because its answer did not come in time (504 UT).".to_owned(),
            advice: format!("a longer timeout than {seconds} on the route, or find why the application takes so long"),
            at: timeout,
        };
    }
    let speaks = |words: &str, why: &str, advice: &str, at: Option<Node>| Suspect {
        title: words.to_owned(),
        why: why.to_owned(),
        advice: advice.to_owned(),
        at,
    };
    match (http2, socket) {
        (Some(at), Some(socket)) if socket.is_tls() && !socket.alpn.iter().any(|word| word == "h2") => speaks(
            "the proxy speaks HTTP/2 over TLS without saying so (no ALPN)",
            "The cluster speaks HTTP/2 inside of TLS, and its handshake does not offer h2: most servers then speak HTTP/1.1, and the answer is not HTTP/2 (502 UPE).",
            "offer h2 in the cluster's TLS (alpn_protocols), or let it speak HTTP/1.1",
            Some(at),
        ),
        (Some(at), _) => speaks(
            "the proxy speaks HTTP/2, which the endpoints seem not to take",
            "The cluster speaks HTTP/2 without asking; a server that takes HTTP/1.1 only ends each connection (502 UPE).",
            "let the cluster speak HTTP/1.1 (in Istio: h2UpgradePolicy DO_NOT_UPGRADE, or a port name that does not begin with http2 or grpc), or let the server take HTTP/2",
            Some(at),
        ),
        (None, _) if case.kind() == RequestKind::Grpc => speaks(
            "gRPC goes to a cluster that speaks HTTP/1.1",
            "gRPC needs HTTP/2, and the cluster does not speak it.",
            "let the cluster speak HTTP/2 (in Istio: a port whose name begins with grpc, or appProtocol: grpc)",
            options,
        ),
        (None, Some(socket)) if !socket.is_tls() && is_tls_port(cluster) => speaks(
            "plaintext seems to go to a port that takes TLS",
            "The cluster sends plaintext to a port that usually takes TLS; a server of TLS ends each connection (503 UC).",
            "let A's proxy speak TLS to it (in Istio: a DestinationRule with tls.mode SIMPLE), or send to a port of plaintext",
            None,
        ),
        (None, _) => speaks(
            "every request that was counted failed",
            "Either the application answers every request with an error of its own (5xx), or the two sides speak different protocols.",
            "look at what the application writes of these requests",
            None,
        ),
    }
}

/// Whether all hosts are on a port where TLS is the custom.
fn is_tls_port(cluster: &ClusterTrail) -> bool {
    cluster.eligible().all(|trail| {
        let port = trail.host.address.rsplit_once(':').map_or("", |(_, port)| port);
        ["443", "8443", "9443", "6443"].contains(&port)
    })
}
