//! From B to what A dials, and whether that gets to a proxy.

mod by_proxy;
pub(super) mod capture;
mod dialed;
mod external;
mod gateway;
mod own_names;
pub(super) mod resolve;
pub(super) mod service;
