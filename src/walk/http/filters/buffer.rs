//! The buffer filter: a request that is larger than its buffer is refused
//! (`source/extensions/filters/http/buffer/buffer_filter.cc`).

use crate::walk::way::stop::Stop;
use crate::walk::way::unfit::Unfit;

use super::ask::{Answer, Applied, Ask, Effect};

/// A request has no body unless it says how long one is.
pub(super) fn effects(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let most = applied.node.get("max_request_bytes").or_else(|| applied.node.at("buffer.max_request_bytes"));
    let length: u64 = ask.first("content-length").parse().unwrap_or(0);
    let Some((most, at)) = most.and_then(|at| Some((at.value().as_u64()?, at))) else { return Vec::new() };
    if length <= most {
        return Vec::new();
    }
    let note = format!("it takes requests of up to {most} bytes, and this one has {length}");
    vec![Answer::to_all(Stop::Unfit(Unfit::PayloadTooLarge), "buffer", note, at)]
}
