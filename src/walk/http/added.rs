//! Headers that a route adds to requests.

use crate::snapshot::Node;

/// The headers that these levels of a route add, names in lower case: an empty one where it is to be kept.
pub(in crate::walk) fn to_requests(levels: &[Node]) -> Vec<(String, String)> {
    let added = levels.iter().flat_map(|level| level.list("request_headers_to_add"));
    let set = |option: Node| {
        let value = option.text("header.value").unwrap_or_default();
        let is_added = !value.is_empty() || option.get("keep_empty_value").is_some_and(|keep| *keep.value() == true);
        Some((option.text("header.key").filter(|_| is_added)?.to_lowercase(), value))
    };
    added.filter_map(set).collect()
}
