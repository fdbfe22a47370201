//! What a cluster does with a request: its hosts, and who of them would get it.

mod aggregate;
mod assignment;
mod balance;
mod between;
mod breaker;
pub(super) mod cluster;
pub(super) mod evaluated;
mod forward_proxy;
mod hosts;
mod mending;
mod original_dst;
mod policy;
mod straight;
mod untold;
