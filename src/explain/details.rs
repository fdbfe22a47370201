//! Details of a response's code, as Envoy 1.40 writes them into access logs (`%RESPONSE_CODE_DETAILS%`).
//!
//! The words were read in `envoy/stream_info/stream_info.h`, `source/common/http` and the filters, and looked up in the
//! binary of 1.40.

mod checks;
mod codec;
mod core;
mod filters;
mod resets;

use super::topic::Entry;

/// Every table, one after the other.
pub(super) fn all() -> impl Iterator<Item = &'static Entry> {
    [core::CORE, resets::RESETS, checks::CHECKS, codec::CODEC, filters::FILTERS].into_iter().flatten()
}
