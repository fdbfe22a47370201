//! What a cluster does with a request: its hosts, and who of them would get it.

pub(super) mod aggregate;
pub(super) mod assignment;
pub(super) mod balance;
pub(super) mod cluster;
pub(super) mod policy;
