//! The circuit breaker has no room for one more.
//!
//! Each proxy counts what it has under way to a cluster, and answers what goes beyond by itself: 503 UO, with
//! `x-envoy-overloaded`. Thresholds are each proxy's own, so that one pod of A can be at its limit while others are
//! not.
//!
//! How it comes about: `connectionPool` of a `DestinationRule` sets a threshold that is too low for the load, or 0,
//! which lets nothing through, ever. Or B answers so slowly that requests pile up.
//!
//! How to confirm it: The counters `upstream_rq_pending_overflow` and `upstream_cx_overflow` of the cluster in
//! `/stats` grow; `/clusters` has the thresholds and the gauges.
//!
//! How to fix it: Raise the threshold that is met (`http2MaxRequests`, `http1MaxPendingRequests`,
//! `tcp.maxConnections`, `maxRetries`), or make B faster.

use serde_json::json;

use crate::diagnose::{Case, Found, Proved, advice, certain, ref_of, service_logs, set_policy, show};
use crate::envoy::circuit_breaker::{Overflow, Threshold};
use crate::snapshot::{Evidence, Kind};
use crate::verdict::{Command, Fix, ObjectRef, Op, Stage};

/// What Istio writes where nobody limits anything.
const ROOM: u32 = 1024;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let cluster = case.cluster()?;
    let Overflow { threshold, limit, in_use } = cluster.overflow?;
    let field = pool_field(threshold);
    let rule = case.cluster_object();
    let service = case.service().map(|service| ref_of(Kind::Service, &service, ""));
    let place = format!("spec.trafficPolicy.connectionPool.{field}");
    let mut objects: Vec<ObjectRef> =
        rule.iter().map(|(rule, _)| ObjectRef { field: place.clone(), ..rule.clone() }).collect();
    objects.extend(service.clone());
    let mut evidence: Vec<Evidence> = cluster.overflow_evidence();
    evidence.extend(rule.iter().map(|(_, at)| at.clone()));
    let mut fix: Vec<Fix> = rule.iter().map(|(rule, _)| allow_more(case, rule, field)).collect();
    if rule.is_none() {
        fix.push(advice(
            Op::Replace,
            format!("A's proxy, circuit_breakers of {}: a higher {}", cluster.name, threshold.name()),
        ));
    }
    let name = threshold.name();
    let (title, why) = if limit == 0 {
        let why = format!("It is 0, so A's proxy replies itself to every request to {}.", cluster.name);
        (format!("{name} 0 lets nothing through"), why)
    } else {
        fix.push(advice(Op::Replace, "B: find out why what it was asked takes so long, or give it more pods"));
        let why = format!(
            "A's proxy may have {} to {} at a time ({name}), and had {in_use} when it was read. It refuses all others by \
             itself until one of these is done; B does not see them. Other pods of A have a limit of their own.",
            counted(threshold, limit),
            cluster.name
        );
        (format!("{name} is used up ({in_use} of {limit})"), why)
    };
    let next = match (&service, objects.first()) {
        (Some(service), _) if limit > 0 => service_logs(&service.namespace, &service.name),
        (_, Some(object)) => show(object),
        (_, None) => Command::default(),
    };
    Some(Found {
        certainty: certain(if limit == 0 { Proved::Yes } else { Proved::No }),
        stage: Stage::Cluster,
        title,
        why,
        objects,
        fix,
        next,
        codes: &[],
        evidence,
    })
}

/// Where a `DestinationRule`'s connection pool has the threshold.
fn pool_field(threshold: Threshold) -> &'static str {
    match threshold {
        Threshold::Connections => "tcp.maxConnections",
        Threshold::PendingRequests => "http.http1MaxPendingRequests",
        Threshold::Requests => "http.http2MaxRequests",
    }
}

/// So many of what a threshold counts.
fn counted(threshold: Threshold, limit: u32) -> String {
    let what = match threshold {
        Threshold::Connections => "connection",
        Threshold::PendingRequests => "waiting request",
        Threshold::Requests => "request",
    };
    format!("{limit} {what}{}", if limit == 1 { "" } else { "s" })
}

fn allow_more(case: &Case, rule: &ObjectRef, field: &str) -> Fix {
    let words = "as many as A needs at a time (without the field there is no limit)";
    set_policy(case, rule, ("connectionPool", field), Some(json!(ROOM)), words)
}
