//! B's side: who gets the request, and what reaches the proxy there.

pub(super) mod destination;
pub(super) mod probe;
pub(super) mod sent;
pub(super) mod targets;
