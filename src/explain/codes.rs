//! Codes of analyzers that bear on whether a request gets through.
//!
//! Analyzers read objects, not proxies: what they warn of may have no effect on this request, and what they do not see may.

mod istio;
mod kiali;

use super::topic::Entry;

/// Every code, in the order of their names.
pub(super) fn all() -> impl Iterator<Item = &'static Entry> {
    [istio::ISTIO, kiali::KIALI].into_iter().flatten()
}
