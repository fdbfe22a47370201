//! No connection to any endpoint succeeded.
//!
//! The host counters of A's proxy show it: every connection to every endpoint that can take the request failed, so no
//! request was sent: 503 UF.
//!
//! How it comes about: A connection is refused (nothing listens there), it times out (something on the way drops it),
//! or the TLS handshake fails. The counters do not tell these apart.
//!
//! How to confirm it: The access log does: `Connection_refused`, `connection_timeout` or `TLS_error` in the details,
//! or in `%UPSTREAM_TRANSPORT_FAILURE_REASON%`. `kubectl exec POD -- ss -ltn` at B shows what listens.
//!
//! How to fix it: Refused: let the application listen on 0.0.0.0, and correct `targetPort`. Timed out: allow the
//! connection in the `NetworkPolicy` or the firewall. TLS: let both sides agree on whether TLS is spoken.

use serde_json::json;

use crate::diagnose::{
    Case, Found, Proved, advice, certain, entry_of, failures_of, in_field, logs, named, other_endpoints,
    other_target_port, pods_of, policy_of, ref_of, replace, show, workload,
};
use crate::mesh::injected::has_proxy;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Command, Fix, ObjectRef, Op, Stage};
use crate::walk::{HostTrail, Socket, Stop};

pub(crate) const YIELDS_TO: &[&str] = &[
    "application-does-not-listen",
    "certificate-of-another-name",
    "endpoints-are-stale",
    "mutual-tls-to-plaintext",
    "network-policy-in-the-way",
    "tls-of-the-rule-fails",
];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if !matches!(case.stop(), Some(Stop::ConnectFailure(_))) || case.destination().is_some() {
        return None;
    }
    let cluster = case.cluster()?;
    let addresses: Vec<String> = cluster.eligible().map(|HostTrail { host, .. }| host.address.clone()).collect();
    let pods = pods_of(case, cluster);
    let found = refused(case, &addresses, &pods, failures_of(cluster));
    Some(match probed(case, &addresses, &pods) {
        Some((says, probes)) => Found {
            why: format!("{} {says}", found.why),
            evidence: found.evidence.into_iter().chain(probes).collect(),
            ..found
        },
        None => found,
    })
}

/// What came of connecting to the applications of pods without a proxy, where that was done at each.
fn probed(case: &Case, addresses: &[String], pods: &[Node]) -> Option<(String, Vec<Evidence>)> {
    let port = addresses.first()?.rsplit_once(':')?.1.parse().ok()?;
    let probes: Vec<Node> =
        pods.iter().map(|pod| if has_proxy(pod) { None } else { case.probe(pod, port) }).collect::<Option<_>>()?;
    let listen = probes.iter().filter(|connected| connected.value().as_bool() == Some(true)).count();
    let says = match (listen, probes.len()) {
        (_, 0) => return None,
        (0, _) => {
            format!("Nothing accepts connections on the pods' own loopback, port {port}, either: nothing listens.")
        }
        (some, all) if some == all => format!(
            "The applications accept connections on loopback, port {port}: they listen there alone, or something on the way drops what A sends."
        ),
        (some, all) => format!("On loopback, port {port}, {some} of {all} applications accept connections."),
    };
    Some((says, probes.iter().map(Node::evidence).collect()))
}

fn refused(case: &Case, addresses: &[String], pods: &[Node], evidence: Vec<Evidence>) -> Found {
    let mut objects: Vec<ObjectRef> = pods.iter().map(|p| ref_of(Kind::Pod, p, "")).collect();
    objects.extend(pods.iter().filter_map(|p| workload(case, p)));
    objects.dedup();
    objects.extend(case.service().map(|s| ref_of(Kind::Service, &s, "spec.ports[].targetPort")));
    let tls = tls_of_the_rule(case).filter(|_| pods.is_empty());
    objects.extend(tls.iter().map(|(rule, _)| rule.clone()));
    let entry = entry_of(case).map(|entry| other_endpoints(&entry, "an address and a port that take connections"));
    let (entry, elsewhere) = entry.unzip();
    objects.splice(0..0, entry);
    let count = addresses.len();
    let noun = if count == 1 { "the endpoint" } else { "every endpoint" };
    let at = addresses.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    let port = addresses.first().and_then(|a| a.rsplit_once(':')).map_or("", |(_, port)| port);
    let sealed = speaks_tls(case);
    let (also, speaks) = if sealed { (", or the TLS handshake fails", " and speaks TLS there") } else { ("", "") };
    let listens =
        advice(Op::Replace, format!("see that the application listens on port {port}, on all addresses{speaks}"));
    let let_through = advice(Op::Replace, "let the NetworkPolicy or firewall between A and B through");
    let replies = case.answers();
    Found {
        // Whether it is the address or the TLS of a rule, the counters do not tell.
        certainty: certain(if objects.is_empty() || tls.is_some() { Proved::No } else { Proved::Yes }),
        stage: Stage::Endpoints,
        title: format!("connections to {noun} fail"),
        why: format!(
            "Every connection that A's proxy tried to {at} failed, and none succeeded: nothing listens there, or something on the way drops it{also}. {replies}."
        ),
        fix: if let Some(elsewhere) = elsewhere {
            tls.iter().map(speak_none).chain([elsewhere, listens, let_through]).collect()
        } else {
            let port = case.cluster_name().map_or(case.request().port, |name| name.port);
            vec![listens, other_target_port(case.service().as_ref(), port), let_through]
        },
        next: match objects.first() {
            Some(pod) if pod.kind == "Pod" => logs(pod),
            Some(object) => show(object),
            None => Command::default(),
        },
        objects,
        codes: &[],
        evidence,
    }
}

/// Whether A's proxy speaks TLS to an endpoint.
fn speaks_tls(case: &Case) -> bool {
    case.cluster().is_some_and(|cluster| {
        let sockets = cluster.hosts.iter().filter_map(|host| host.socket.as_deref());
        sockets.chain(cluster.own_socket.as_deref()).any(Socket::is_tls)
    })
}

/// The `DestinationRule` that has A's proxy speak TLS to the endpoints, and where it does.
fn tls_of_the_rule(case: &Case) -> Option<(ObjectRef, Node)> {
    let (rule, tls) = policy_of(case, case.cluster()?, "tls")?;
    let mode = tls.get("mode").filter(|mode| mode.value().as_str() != Some("DISABLE"))?;
    Some((in_field(&rule, mode.place()), mode))
}

/// The rule should speak no TLS, where its endpoints take none.
fn speak_none((rule, mode): &(ObjectRef, Node)) -> Fix {
    let text = format!("{}, {}: DISABLE, if the endpoints take no TLS", named(rule), rule.field);
    replace(rule, Some(mode), Some(json!("DISABLE")), text)
}
