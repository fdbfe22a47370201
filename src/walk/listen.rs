//! What a proxy does with a connection: listener, filter chain, network filters.

pub(super) mod filter_chain;
mod inspect;
pub(super) mod listener;
mod listener_filter;
pub(super) mod network_filters;
mod spoken;
pub(super) mod tcp_proxy;
mod termination;
