//! Listeners whose last version a proxy did not take: what the findings about them have in common.

use super::{Case, Found, Proved, advice, certain, named, proxy_status, ref_of, replace, show};
use crate::snapshot::{Kind, Node};
use crate::verdict::{Command, Fix, ObjectRef, Op, Side, Stage};

/// So much of Envoy's reason is told.
const MOST: usize = 240;

/// So many objects are blamed, of those that change the proxy's listeners.
const MOST_BLAMED: usize = 3;

/// A listener that was sent and not taken.
pub(crate) struct Rejected {
    /// Whose proxy it is.
    pub(crate) side: Side,
    /// The listener's name.
    pub(crate) name: String,
    /// Envoy's reason, `error_state.details` in the dump.
    pub(crate) details: Node,
}

impl Rejected {
    /// The finding about it; `instead` says what the proxy goes by.
    pub(crate) fn found(&self, case: &Case, proved: Proved, instead: &str) -> Found {
        let filters = filters(case, self.side);
        let pod = case.source_pod().filter(|_| self.side == Side::Source);
        Found {
            certainty: certain(proved),
            stage: Stage::Listener,
            title: format!("the proxy rejected its listener {}", self.name),
            why: format!(
                "The control plane sent listener {}, and the proxy did not take it: {}. {instead}",
                self.name,
                shortened(&self.details)
            ),
            next: match (filters.first(), &pod) {
                (Some(object), _) => show(object),
                (None, Some(pod)) => proxy_status(pod),
                (None, None) => Command::default(),
            },
            fix: mends(&filters),
            objects: filters,
            codes: &[],
            evidence: vec![self.details.evidence()],
        }
    }
}

/// The `EnvoyFilter` objects that are for the proxy: what most often makes a listener that is not taken.
fn filters(case: &Case, side: Side) -> Vec<ObjectRef> {
    let all = case.objects_for_proxy_of(side, Kind::EnvoyFilter).into_iter();
    let with_patches = all.filter(|filter| filter.at("spec.configPatches").is_some());
    with_patches.map(|filter| ref_of(Kind::EnvoyFilter, &filter, "spec.configPatches")).take(MOST_BLAMED).collect()
}

/// What would mend a refusal: the patches that are to blame, else what the reason names.
pub(crate) fn mends(filters: &[ObjectRef]) -> Vec<Fix> {
    if filters.is_empty() {
        let what = "mend what the reason names: a certificate, a field that this version of the proxy does not know";
        return vec![advice(Op::Replace, what)];
    }
    // What the patches hold is not repeated: it may be a script of any length.
    let mend = |object: &ObjectRef| {
        replace(object, None, None, format!("{}, spec.configPatches: what the reason names", named(object)))
    };
    filters.iter().map(mend).collect()
}

/// Envoy's reason, as much of it as is told.
pub(crate) fn shortened(details: &Node) -> String {
    let text = details.value().as_str().unwrap_or_default().trim().trim_end_matches('.');
    let cut: String = text.chars().take(MOST).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}
