//! The listener wants a PROXY header; none comes.
//!
//! The listener filter `proxy_protocol` closes each connection that does not begin with a PROXY header, and nothing is
//! logged of a request.
//!
//! How it comes about: The filter is for a load balancer in front, which says in the header who its client is. Clients
//! inside the cluster send none, and neither does a load balancer that was not told to. Mostly an `EnvoyFilter` or the
//! gateway's annotation `proxyProtocol` brought it.
//!
//! How to confirm it: `istioctl proxy-config listeners POD -o json`: look for `proxy_protocol` among
//! `listener_filters`. `curl --haproxy-protocol` sends the header.
//!
//! How to fix it: Turn the PROXY protocol on at the load balancer, set `allow_requests_without_proxy_protocol`, or
//! remove the filter.

use crate::diagnose::{Case, Found, Proved, advice, certain, named, ref_of, remove, show};
use crate::snapshot::{Kind, Node};
use crate::verdict::{Fix, Op, Stage};
use crate::walk::{Stop, Unfit};

const FILTER: &str = "proxy_protocol";

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if case.own_stop() != Some(&Stop::Unfit(Unfit::NoProxyHeader)) {
        return None;
    }
    let step = case.last_step()?;
    let patch = patch(case);
    let object = patch.as_ref().map(|(object, patch)| ref_of(Kind::EnvoyFilter, object, &patch.place()));
    let mut evidence = step.evidence;
    evidence.extend(patch.as_ref().map(|(_, patch)| patch.evidence()));
    let by = object.as_ref().map_or_else(|| "The listener".to_owned(), named);
    let undo: Option<Fix> = object.as_ref().zip(patch.as_ref()).map(|(object, (_, patch))| {
        let text =
            format!("{by}, {}: take it away, if clients come without a load balancer that sends it", object.field);
        remove(object, Some(patch), text)
    });
    let optional = "allow_requests_without_proxy_protocol: true in the filter, if both kinds of clients come";
    Some(Found {
        certainty: certain(if object.is_some() { Proved::Yes } else { Proved::No }),
        stage: Stage::FilterChain,
        title: "the client lacks the PROXY protocol".to_owned(),
        why: format!(
            "{by} puts the listener filter proxy_protocol in front, which closes each connection that does not begin with a PROXY header; only a load balancer sends one."
        ),
        fix: undo
            .into_iter()
            .chain([
                advice(Op::Replace, optional),
                advice(Op::Replace, "let the client's load balancer send it (asked here with --proxy-protocol v2)"),
            ])
            .collect(),
        next: object.as_ref().map(show).unwrap_or_default(),
        objects: object.into_iter().collect(),
        codes: &[],
        evidence,
    })
}

/// The `EnvoyFilter` for this proxy that brings the filter, and its patch.
fn patch(case: &Case) -> Option<(Node, Node)> {
    case.objects_for_the_proxy(Kind::EnvoyFilter).into_iter().find_map(|object| {
        let patches = object.list("spec.configPatches");
        let patch = patches.into_iter().find(|patch| patch.value().to_string().contains(FILTER))?;
        Some((object, patch))
    })
}
