//! One side does not take the other's certificate.
//!
//! In mutual TLS each side holds the other's certificate against the authorities that it trusts, the date, and the
//! names that it expects. One side refuses: 503 UF where A does, or B under TLS 1.2; 503 UC where B does under TLS
//! 1.3.
//!
//! How it comes about: A certificate has expired, as its pod's proxy could not renew it at istiod. The two sides have
//! different roots or trust domains. A `DestinationRule` names certificates of its own (`mode: MUTUAL`) or none
//! (`mode: SIMPLE`), so that A's proxy shows those, or none, to a B that takes the mesh's only. Or `subjectAltNames`
//! expects another name.
//!
//! How to confirm it: `istioctl proxy-config secret POD` on both sides: dates, issuers, names. The words of the
//! library are in the details: `CERTIFICATE_VERIFY_FAILED`, `SAN matcher`, `certificate has expired`.
//!
//! How to fix it: `mode: ISTIO_MUTUAL`, or no `tls` at all, shows the mesh's certificate. Correct the names or the
//! root that are expected. Restart a pod whose certificate is not renewed, and look why its agent does not reach
//! istiod.

use serde_json::json;

use crate::diagnose::{
    Case, Found, Proved, advice, certain, in_field, named, object_ref, proxy_secret, ref_of, replace, set, show,
};
use crate::envoy::certificate::{Distrust, date};
use crate::snapshot::{Kind, Node};
use crate::verdict::{Command, Fix, ObjectRef, Op, Side, Stage};
use crate::walk::{Handshake, Stop};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let Some(Stop::Handshake(handshake)) = case.stop() else { return None };
    if is_of_another_account(case, handshake) {
        return None;
    }
    let theirs = object_ref(Kind::Pod, &handshake.pod.0, &handshake.pod.1, "");
    let ours = case.source_pod();
    let (shows, asks) = match handshake.by {
        Side::Source => (Some(theirs), ours),
        Side::Destination => (ours, Some(theirs)),
    };
    let rule = rule(case);
    let pod = |of: Option<&ObjectRef>, side: &str| of.map_or_else(|| format!("{side}'s pod"), named);
    let (shower, asker) = match handshake.by {
        Side::Source => (pod(shows.as_ref(), "B"), pod(asks.as_ref(), "A")),
        Side::Destination => (pod(shows.as_ref(), "A"), pod(asks.as_ref(), "B")),
    };
    let by_terms = matches!(handshake.why, Distrust::Authority | Distrust::Name);
    let chosen = rule.as_ref().filter(|_| handshake.by == Side::Destination || by_terms);
    let mut objects: Vec<ObjectRef> = chosen.iter().map(|(rule, _)| rule.clone()).collect();
    objects.extend(shows.clone());
    let answers = if case.is_over_http() { "A's proxy replies itself" } else { "The connection is closed" };
    let mut fix: Vec<Fix> = chosen.iter().map(|(rule, mode)| of_rule(rule, mode)).collect();
    if chosen.is_none() {
        fix.extend(of_pod(case, handshake, shows.as_ref(), &shower));
    }
    let at = shows.as_ref().filter(|_| handshake.why != Distrust::Missing);
    Some(Found {
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage: Stage::Endpoints,
        title: handshake.words(),
        why: format!("{} {answers}.", because(handshake, &shower, &asker)),
        fix,
        next: match (at, objects.first()) {
            (Some(pod), _) if chosen.is_none() => proxy_secret(pod),
            (_, Some(object)) => show(object),
            (_, None) => Command::default(),
        },
        objects,
        codes: &[],
        evidence: handshake.evidence.iter().cloned().chain(rule.iter().map(|(_, mode)| mode.evidence())).collect(),
    })
}

/// Whether B's pod runs as another service account than A expects, of which `connections-fail` tells.
fn is_of_another_account(case: &Case, handshake: &Handshake) -> bool {
    let pod = || case.object(Kind::Pod, &handshake.pod.0, &handshake.pod.1);
    let refuses = |pod| {
        case.cluster().is_some_and(|c| c.hosts.iter().filter_map(|host| host.socket.as_ref()).any(|s| s.refuses(&pod)))
    };
    handshake.by == Side::Source && handshake.why == Distrust::Name && pod().is_some_and(refuses)
}

/// The `DestinationRule` that says how A's proxy speaks, and the mode, where it leaves the mesh's own way.
fn rule(case: &Case) -> Option<(ObjectRef, Node)> {
    let (rule, _) = case.cluster_object()?;
    let read = case.object(Kind::DestinationRule, &rule.namespace, &rule.name)?;
    let mode = read.at("spec.trafficPolicy.tls.mode").filter(|mode| mode.value() != "ISTIO_MUTUAL")?;
    Some((ref_of(Kind::DestinationRule, &read, "spec.trafficPolicy.tls"), mode))
}

fn because(handshake: &Handshake, shower: &str, asker: &str) -> String {
    match handshake.why {
        Distrust::Expired(at) => {
            format!(
                "The certificate of {shower}, or one of its authorities, expired at {}, and {asker} takes none that has.",
                date(at)
            )
        }
        Distrust::NotYetValid(at) => {
            format!(
                "The certificate of {shower}, or one of its authorities, is valid from {} on, and {asker} takes none before its time.",
                date(at)
            )
        }
        Distrust::Authority => {
            format!("None of the authorities that {asker} trusts has signed the certificate of {shower}.")
        }
        Distrust::Usage => format!(
            "The certificate of {shower} is made for the other side of a connection, so {asker} does not take it."
        ),
        Distrust::Missing => format!("{asker} takes no connection without a certificate, and {shower} shows none."),
        Distrust::Name => {
            let names = handshake.names.iter().take(2).cloned().collect::<Vec<_>>().join(", ");
            let names = if names.is_empty() { "no name".to_owned() } else { names };
            format!("The certificate of {shower} is of {names}, and {asker} expects another name.")
        }
        Distrust::Version => format!("{shower} and {asker} have no version of TLS in common."),
    }
}

fn of_rule(rule: &ObjectRef, mode: &Node) -> Fix {
    let text = format!(
        "{}, {}: mode ISTIO_MUTUAL, or no tls at all, so that both sides go by the mesh's certificates",
        named(rule),
        rule.field
    );
    replace(rule, Some(mode), Some(json!("ISTIO_MUTUAL")), text)
}

fn of_pod(case: &Case, handshake: &Handshake, shows: Option<&ObjectRef>, shower: &str) -> Option<Fix> {
    match handshake.why {
        Distrust::Expired(_) | Distrust::NotYetValid(_) => Some(advice(
            Op::Replace,
            format!(
                "restart {shower}, and see why its proxy gets no new certificate: istiod's log, and the machines' clocks"
            ),
        )),
        Distrust::Authority => Some(advice(
            Op::Replace,
            format!("restart {shower}, so that its proxy gets a certificate of the authority that the mesh has now"),
        )),
        Distrust::Name => {
            let field = "spec.serviceAccountName";
            let text = format!("{shower}, {field}, or the mesh's trust domain and its aliases");
            Some(match shows {
                Some(pod) => set(&in_field(pod, field), case.read(pod).as_ref(), field, None, text),
                None => advice(Op::Replace, text),
            })
        }
        Distrust::Usage | Distrust::Missing | Distrust::Version => None,
    }
}
