//! Long lists of the API server's, a page at a time: it need not have all of one in memory at once.

use serde_json::Value;

use super::cluster::{ApiError, Cluster};
use super::query::segment;

/// The most objects of a page: as many as kubectl asks for.
const MOST: usize = 500;

/// A server that cannot go on with a list says so: it is another one by now.
const GONE: u16 = 410;

/// The whole list at a path that has no parameters, as if it had come at once. All of its pages are of one moment.
///
/// A list by labels or fields is asked for at once: it is short, and servers answer it out of what they have in memory only
/// where it has no limit (1.31 to 1.33).
pub(super) async fn whole(cluster: &Cluster, path: &str) -> Result<Value, ApiError> {
    if path.contains('?') {
        return cluster.get(path).await;
    }
    let (mut list, mut size) = cluster.get_sized(&format!("{path}?limit={MOST}")).await?;
    while let Some(token) = next(&list) {
        let page = cluster.get_sized(&format!("{path}?limit={MOST}&continue={}", segment(&token))).await;
        let (page, more) = match page {
            Err(error) if error.code == GONE => return cluster.get(path).await,
            page => page?,
        };
        size += more;
        if size > cluster.limits().max_read {
            return Err(ApiError::local(format!("GET {path}: {}", cluster.limits().too_large())));
        }
        append(&mut list, page);
    }
    Ok(list)
}

/// Where the list goes on, if it does.
fn next(list: &Value) -> Option<String> {
    list["metadata"]["continue"].as_str().filter(|token| !token.is_empty()).map(str::to_owned)
}

/// Appends a page, and what it says of where the list goes on.
fn append(list: &mut Value, mut page: Value) {
    list["metadata"] = page["metadata"].take();
    if let (Some(items), Value::Array(more)) = (list["items"].as_array_mut(), page["items"].take()) {
        items.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_make_one_list() {
        let mut list = json!({"kind": "PodList", "metadata": {"continue": "a"}, "items": [1, 2]});
        assert_eq!(next(&list).as_deref(), Some("a"));
        append(&mut list, json!({"kind": "PodList", "metadata": {"resourceVersion": "7"}, "items": [3]}));
        assert_eq!((next(&list), &list["items"]), (None, &json!([1, 2, 3])));
        append(&mut list, json!({"metadata": {"continue": ""}, "items": null}));
        assert_eq!((next(&list), &list["items"]), (None, &json!([1, 2, 3])));
    }
}
