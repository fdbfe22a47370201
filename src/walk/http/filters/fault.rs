//! Faults that are injected: aborts and delays (`source/extensions/filters/http/fault/fault_filter.cc`).

use crate::envoy::fraction;
use crate::envoy::matcher::Match;
use crate::envoy::pb::envoy::extensions::filters::http::fault::v3::{FaultAbort, HttpFault, fault_abort::ErrorType};
use crate::envoy::pb::envoy::r#type::v3::FractionalPercent;
use crate::verdict::percent;
use crate::walk::way::apart::{Asking, Entry};
use crate::walk::way::stop::{Abort, Stop};
use crate::walk::way::walker::Walker;

use super::ask::{Answer, Applied, Ask, Effect, cluster_name};

/// Says of which node the client is.
const OF_NODE: &str = "x-envoy-downstream-service-node";
/// Says of which cluster the client is.
const OF_CLUSTER: &str = "x-envoy-downstream-service-cluster";

const FAULT: &str = "envoy.extensions.filters.http.fault.v3.HTTPFault";

pub(super) fn effects(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let http = ask.http;
    let fault: HttpFault = match applied.any.unpack() {
        Ok(fault) => fault,
        Err(why) => {
            return vec![Effect::Unknown(format!("the fault filter's configuration could not be read: {why}"))];
        }
    };
    if let Some(what) = Walker::unmodeled(&applied.node, FAULT, &[]) {
        return vec![Effect::Unknown(what)];
    }
    if fault.delay.is_none() && fault.abort.is_none() {
        return Vec::new();
    }
    let of_cluster = match fault.upstream_cluster.as_str() {
        "" => true,
        wanted => match cluster_name(ask.chosen, http) {
            Ok(cluster) => cluster == Some(wanted),
            Err(why) => return vec![Effect::Unknown(format!("whether the fault filter takes the request: {why}"))],
        },
    };
    let node = ask.first(OF_NODE);
    if of_cluster && is_open(ask, OF_NODE, !node.is_empty()) && !fault.downstream_nodes.is_empty() {
        let why = format!("whether the fault filter takes the request: a proxy may change the header {OF_NODE}");
        return vec![Effect::Unknown(why)];
    }
    let of_node = fault.downstream_nodes.is_empty() || fault.downstream_nodes.iter().any(|wanted| wanted == node);
    let key = named_or(&fault.max_active_faults_runtime, "fault.http.max_active_faults");
    if ask.walker.runtime_value(key).is_some() {
        return vec![Effect::Unknown(format!("the runtime key {key} bounds the faults that are active"))];
    }
    let active = fault.max_active_faults.as_ref().is_none_or(|m| m.value > 0);
    let of_headers = fault.headers.iter().fold(Match::Yes, |all, h| all.and(ask.header(h)));
    match of_headers {
        Match::Unknown(why) => {
            return vec![Effect::Unknown(format!("whether the fault filter takes the request: {why}"))];
        }
        Match::No | Match::Share(_) => return Vec::new(),
        Match::Yes => {}
    }
    if !(of_cluster && of_node && active) {
        return Vec::new();
    }
    [delay(ask, &fault, applied), abort(ask, &fault, applied)].into_iter().flatten().collect()
}

/// The requests that a fault is for.
pub(super) fn lists(applied: &Applied) -> Result<Vec<Asking>, String> {
    let fault: HttpFault = applied.any.unpack()?;
    let is_one = fault.delay.is_some() || fault.abort.is_some();
    Ok(if is_one { vec![vec![Entry::of_headers(&fault.headers)].into()] } else { Vec::new() })
}

/// The number that the client gives in a header (`fault_config.cc`, `absl::SimpleAtoi`); `None` where it is none.
fn asked(ask: &Ask, header: &str) -> Result<Option<u64>, String> {
    if ask.before.headers_changed {
        return Err(format!(
            "whether the request asks for a fault (`{header}`): headers may have been changed by then"
        ));
    }
    Ok(ask.first(header).trim().parse().ok())
}

/// The configured percentage, of which the client may ask for less.
fn percentage(ask: &Ask, header: &str, configured: Option<&FractionalPercent>) -> Result<f64, String> {
    let (Some(numerator), Some(most)) = (asked(ask, header)?, configured) else {
        return Ok(fraction::share(configured));
    };
    let numerator = u32::try_from(numerator).map_or(most.numerator, |wanted| wanted.min(most.numerator));
    Ok(fraction::share(Some(&FractionalPercent { numerator, ..*most })))
}

fn delay(ask: &Ask, fault: &HttpFault, applied: &Applied) -> Option<Effect> {
    let delay = fault.delay.as_ref()?;
    let node = applied.node.get("delay").unwrap_or_else(|| applied.node.clone());
    let own = named_or(&fault.delay_percent_runtime, "fault.http.delay.fixed_delay_percent");
    let by_header = delay.header_delay.is_some();
    let share = || {
        if by_header && asked(ask, "x-envoy-fault-delay-request")?.unwrap_or(0) == 0 {
            return Ok(0.0);
        }
        let configured = delay.percentage.as_ref();
        let key = key_of_cluster(ask, own, "delay.fixed_delay_percent")?;
        ask.walker.runtime_percent(&key).unwrap_or_else(|| {
            if by_header {
                percentage(ask, "x-envoy-fault-delay-request-percentage", configured)
            } else {
                Ok(fraction::share(configured))
            }
        })
    };
    match share() {
        Ok(share) if share > 0.0 => Some(Effect::Delays(share, node)),
        Ok(_) => None,
        Err(why) => Some(Effect::Unknown(why)),
    }
}

fn abort(ask: &Ask, fault: &HttpFault, applied: &Applied) -> Option<Effect> {
    let abort = fault.abort.as_ref()?;
    let (with, share) = match aborts(ask, fault, abort) {
        Ok(Some(aborts)) => aborts,
        Ok(None) => return None,
        Err(why) => return Some(Effect::Unknown(why)),
    };
    if let Some(key) = status_key(ask, fault) {
        return Some(Effect::Unknown(format!("the runtime key {key} overrides the fault's status")));
    }
    let node = applied.node.get("abort").unwrap_or_else(|| applied.node.clone());
    let note = format!("aborts {} % of requests", percent(share));
    let answer = Answer { share, stop: Stop::FaultAbort(with), by: "fault filter", note, node: Some(node) };
    (share > 0.0).then_some(Effect::Answers(answer))
}

/// The runtime key that overrides the status, where one is set: the fault's own, or one of the client's cluster.
fn status_key(ask: &Ask, fault: &HttpFault) -> Option<String> {
    let cluster = ask.http.values(OF_CLUSTER).first().copied();
    let keys = [(&fault.abort_http_status_runtime, "http_status"), (&fault.abort_grpc_status_runtime, "grpc_status")];
    let named = keys.into_iter().flat_map(|(own, what)| {
        let own = if own.is_empty() { format!("fault.http.abort.{what}") } else { own.clone() };
        let of_cluster = cluster.map(|cluster| format!("fault.http.{cluster}.abort.{what}"));
        [Some(own), of_cluster]
    });
    named.flatten().find(|key| ask.walker.runtime_value(key).is_some())
}

/// With what requests are aborted, and which share of them.
fn aborts(ask: &Ask, fault: &HttpFault, abort: &FaultAbort) -> Result<Option<(Abort, f64)>, String> {
    let Some(error_type) = &abort.error_type else { return Ok(None) };
    let own = named_or(&fault.abort_percent_runtime, "fault.http.abort.abort_percent");
    let key = key_of_cluster(ask, own, "abort.abort_percent")?;
    let configured = abort.percentage.as_ref();
    let share = ask.walker.runtime_percent(&key).unwrap_or_else(|| match error_type {
        ErrorType::HeaderAbort(_) => percentage(ask, "x-envoy-fault-abort-request-percentage", configured),
        ErrorType::HttpStatus(_) | ErrorType::GrpcStatus(_) => Ok(fraction::share(configured)),
    })?;
    let with = match error_type {
        ErrorType::HttpStatus(status) => u16::try_from(*status).ok().map(Abort::Http),
        ErrorType::GrpcStatus(status) => Some(with_grpc(*status)?),
        ErrorType::HeaderAbort(_) => asked_abort(ask)?,
    };
    Ok(with.map(|with| (with, share)))
}

/// A status that HTTP knows goes before one of gRPC.
fn asked_abort(ask: &Ask) -> Result<Option<Abort>, String> {
    let http = asked(ask, "x-envoy-fault-abort-request")?.filter(|status| (200..600).contains(status));
    if let Some(status) = http.and_then(|status| u16::try_from(status).ok()) {
        return Ok(Some(Abort::Http(status)));
    }
    asked(ask, "x-envoy-fault-abort-grpc-request")?.map(with_grpc).transpose()
}

fn with_grpc<T: TryInto<u8>>(status: T) -> Result<Abort, String> {
    status.try_into().map(Abort::Grpc).map_err(|_| "this gRPC status is not modeled".to_owned())
}

/// Whether a proxy may have made another header of it.
fn is_open(ask: &Ask, name: &str, given: bool) -> bool {
    ask.before.headers_changed || ask.http.open.why(name, given).is_some()
}

/// The runtime key that is asked for a share: where the request says of which cluster its client is, one of that name in
/// place of the fault's own.
fn key_of_cluster(ask: &Ask, own: &str, what: &str) -> Result<String, String> {
    let given = ask.http.values(OF_CLUSTER).first().copied();
    match given {
        _ if is_open(ask, OF_CLUSTER, given.is_some()) && ask.walker.runtime_value(own).is_some() => {
            Err(format!("whether the runtime key {own} counts: a proxy may change the header {OF_CLUSTER}"))
        }
        Some(cluster) => Ok(format!("fault.http.{cluster}.{what}")),
        None => Ok(own.to_owned()),
    }
}

fn named_or<'a>(key: &'a str, default: &'a str) -> &'a str {
    if key.is_empty() { default } else { key }
}
