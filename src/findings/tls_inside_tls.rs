//! The client's own TLS goes into TLS that A's proxy adds.
//!
//! The application speaks TLS to its proxy, which passes it on as it is; and a `DestinationRule` has the proxy put TLS of
//! its own around that. A server ends the outer TLS, finds another handshake where a request should begin, and closes the
//! connection or answers with nonsense (`wrong version number`).
//!
//! How it comes about: A `DestinationRule` with `tls.mode` SIMPLE or MUTUAL for a host that clients already ask by `https://`,
//! mostly a `ServiceEntry` with a port of HTTPS.
//!
//! How to confirm it: `istioctl proxy-config cluster POD --fqdn HOST -o json` at A has a `transport_socket`, and the
//! application asks for `https://`. The same request as plain `http://` works.
//!
//! How to fix it: Let the application speak plain HTTP and the proxy speak TLS, or take `tls` out of the `DestinationRule`.

use crate::diagnose::{Case, Found, Proved, advice, certain, in_field, named, policy_of, remove, show};
use crate::verdict::{Op, Stage};
use crate::walk::TLS_IN_TLS;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if case.stop().is_some() {
        return None;
    }
    let condition = case.conditions().find(|condition| condition.subject == TLS_IN_TLS)?;
    let cluster = case.in_source().cluster.as_deref()?;
    let (rule, tls) = policy_of(case, cluster, "tls")?;
    let object = in_field(&rule, tls.place());
    let mode = tls.text("mode").unwrap_or_default();
    let by = named(&object);
    let undo = format!("{by}, {}: take it away, where clients speak TLS themselves", object.field);
    let mut evidence = vec![tls.evidence()];
    evidence.extend(condition.evidence.iter().cloned());
    Some(Found {
        certainty: certain(Proved::No),
        stage: Stage::Endpoints,
        title: "the proxy puts TLS around the client's own TLS".to_owned(),
        why: format!(
            "The client speaks TLS to {}, and {by} has A's proxy speak TLS ({mode}) on top: B ends the outer one, and gets another handshake where a request should begin.",
            case.request().target
        ),
        fix: vec![
            remove(&object, Some(&tls), undo),
            advice(Op::Replace, "let the client speak plain HTTP, to a port that is HTTP, and the proxy TLS"),
        ],
        next: show(&object),
        objects: vec![object],
        codes: &[],
        evidence,
    })
}
