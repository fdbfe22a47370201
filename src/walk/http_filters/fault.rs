//! Faults that are injected: aborts and delays (`source/extensions/filters/http/fault/fault_filter.cc`).

use crate::envoy::fraction;
use crate::envoy::matcher::Match;
use crate::envoy::pb::envoy::extensions::filters::http::fault::v3::{HttpFault, fault_abort::ErrorType};
use crate::walk::stop::{Abort, Stop};
use crate::walk::walker::Walker;

use super::{Answer, Applied, Ask, Effect, is_weighted, percent, single_cluster};

const FAULT: &str = "envoy.extensions.filters.http.fault.v3.HTTPFault";

pub(super) fn effects(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let (walker, http) = (ask.walker, ask.http);
    let fault: HttpFault = match applied.any.unpack() {
        Ok(fault) => fault,
        Err(why) => {
            return vec![Effect::Unknown(format!("the fault filter's configuration could not be read: {why}"))];
        }
    };
    if let Some(what) = Walker::unmodeled(&applied.node, FAULT, &[]) {
        return vec![Effect::Unknown(what)];
    }
    let header = |name: &str| http.headers.iter().any(|(k, _)| k == name);
    let cluster = single_cluster(ask.chosen);
    if !fault.upstream_cluster.is_empty() && cluster.is_none() && is_weighted(ask.chosen) {
        return vec![Effect::Unknown("a fault of one of several weighted clusters is not modeled".to_owned())];
    }
    let of_cluster = fault.upstream_cluster.is_empty() || cluster == Some(fault.upstream_cluster.as_str());
    let node = ask.first("x-envoy-downstream-service-node");
    let of_node = fault.downstream_nodes.is_empty() || fault.downstream_nodes.iter().any(|wanted| wanted == node);
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
    if header("x-envoy-fault-abort-request") || header("x-envoy-fault-abort-grpc-request") {
        return vec![Effect::Unknown("faults that headers ask for are not modeled".to_owned())];
    }
    [delay(walker, &fault, applied), abort(walker, &fault, applied)].into_iter().flatten().collect()
}

fn delay(walker: &Walker, fault: &HttpFault, applied: &Applied) -> Option<Effect> {
    let delay = fault.delay.as_ref()?;
    let node = applied.node.get("delay").unwrap_or_else(|| applied.node.clone());
    if delay.header_delay.is_some() {
        return None;
    }
    let key = named_or(&fault.delay_percent_runtime, "fault.http.delay.fixed_delay_percent");
    match walker.runtime_percent(key).unwrap_or_else(|| Ok(fraction::share(delay.percentage.as_ref()))) {
        Ok(share) if share > 0.0 => Some(Effect::Delays(share, node)),
        Ok(_) => None,
        Err(why) => Some(Effect::Unknown(why)),
    }
}

fn abort(walker: &Walker, fault: &HttpFault, applied: &Applied) -> Option<Effect> {
    let abort = fault.abort.as_ref()?;
    let key = named_or(&fault.abort_percent_runtime, "fault.http.abort.abort_percent");
    let share = match walker.runtime_percent(key).unwrap_or_else(|| Ok(fraction::share(abort.percentage.as_ref()))) {
        Ok(share) => share,
        Err(why) => return Some(Effect::Unknown(why)),
    };
    let with = match abort.error_type.as_ref()? {
        ErrorType::HttpStatus(status) => Abort::Http(u16::try_from(*status).ok()?),
        ErrorType::GrpcStatus(status) => Abort::Grpc(u8::try_from(*status).ok()?),
        ErrorType::HeaderAbort(_) => return None,
    };
    for (key, default) in [
        (&fault.abort_http_status_runtime, "fault.http.abort.http_status"),
        (&fault.abort_grpc_status_runtime, "fault.http.abort.grpc_status"),
    ] {
        let key = named_or(key, default);
        if walker.runtime_value(key).is_some() {
            return Some(Effect::Unknown(format!("the runtime key {key} overrides the fault's status")));
        }
    }
    let node = applied.node.get("abort").unwrap_or_else(|| applied.node.clone());
    let note = format!("aborts {} of requests", percent(share));
    let answer = Answer { share, stop: Stop::FaultAbort(with), by: "fault filter", note, node: Some(node) };
    (share > 0.0).then_some(Effect::Answers(answer))
}

fn named_or<'a>(key: &'a str, default: &'a str) -> &'a str {
    if key.is_empty() { default } else { key }
}
