//! What becomes of one request.

use super::course::Told;
use super::dial::Dial;
use super::stop::RequestKind;

/// What becomes of one request.
#[derive(Clone)]
pub(in crate::walk) struct Followed {
    pub(in crate::walk) told: Told<()>,
    /// The same through other addresses of B that lead to the same decisions.
    pub(in crate::walk) alike: Vec<Told<()>>,
    /// What A dials, where that is known.
    pub(in crate::walk) dial: Option<Dial>,
    /// Whether local replies to it are wrapped for gRPC.
    pub(in crate::walk) kind: RequestKind,
}
