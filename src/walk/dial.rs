//! From B to what A dials, and whether that gets to a proxy.

pub(super) mod capture;
pub(super) mod external;
pub(super) mod resolve;
