//! Kubernetes objects: which GET answers a need, and what its answer means.

use serde_json::{Value, json};

use super::cluster::{ApiError, Cluster};
use super::query::segment;
use crate::snapshot::{Answer, Kind, Need};

/// Versions of an API, the newest first: clusters serve those that their mesh's release had.
const OLDER: &[(&str, &[&str])] = &[
    ("networking.istio.io", &["v1beta1", "v1alpha3"]),
    ("security.istio.io", &["v1beta1"]),
    ("gateway.networking.k8s.io", &["v1beta1"]),
];

/// Answers a need for objects. The error is kubectl's.
pub(super) async fn answer(cluster: &Cluster, need: &Need) -> Result<Answer, String> {
    let (kind, rest) = if let Need::Object(kind, namespace, name) = need {
        if ![namespace, name].iter().all(|text| is_name(text)) {
            return Err(format!("`{namespace}/{name}` is no object's name"));
        }
        (*kind, format!("/namespaces/{}/{}/{}", segment(namespace), kind.plural(), segment(name)))
    } else if let Need::Objects(kind, ..) = need {
        (*kind, need.query()[root(*kind, &kind.api_version()).len()..].to_owned())
    } else if let Need::PodsAt(_) = need {
        let kind = Kind::Pod;
        (kind, need.query()[root(kind, &kind.api_version()).len()..].to_owned())
    } else {
        return Err(format!("{need} is not in Kubernetes"));
    };
    let versions = OLDER.iter().find(|(group, _)| *group == kind.group()).map_or(&[][..], |row| row.1);
    let older = versions.iter().map(|version| format!("{}/{version}", kind.group()));
    for api_version in std::iter::once(kind.api_version()).chain(older) {
        match cluster.get(&format!("{}{rest}", root(kind, &api_version))).await {
            Ok(value) => return Ok(taken(need, kind, value)),
            Err(error) if is_unknown_kind(&error) => {}
            Err(error) if error.code == 404 => return Ok(Answer::Nothing),
            Err(error) => return Err(error.words),
        }
    }
    // No version of the kind is served: there can be no such object.
    Ok(Answer::Nothing)
}

/// The items of a list, each with its kind and version: the API leaves them out.
pub(super) fn items(mut list: Value, kind: Kind) -> Vec<Value> {
    let api_version = list["apiVersion"].as_str().map(str::to_owned);
    let Value::Array(mut items) = list["items"].take() else {
        return Vec::new();
    };
    for item in &mut items {
        if let (Some(version), true) = (&api_version, item["apiVersion"].is_null()) {
            item["apiVersion"] = json!(version);
        }
        name_kind(item, kind);
    }
    items
}

/// Says of an object what kind it is, where it does not say so itself.
pub(super) fn name_kind(object: &mut Value, kind: Kind) {
    if object["kind"].is_null() {
        object["kind"] = json!(kind.name());
    }
    if object["apiVersion"].is_null() {
        object["apiVersion"] = json!(kind.api_version());
    }
}

/// Whether this can be one segment of an API path, as Kubernetes has it: names come from Envoy's metadata too.
fn is_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains(['/', '%'])
}

fn root(kind: Kind, api_version: &str) -> String {
    if kind.group().is_empty() { format!("/api/{api_version}") } else { format!("/apis/{api_version}") }
}

fn taken(need: &Need, kind: Kind, mut value: Value) -> Answer {
    if matches!(need, Need::Objects(..) | Need::PodsAt(_)) {
        return Answer::Objects(items(value, kind));
    }
    name_kind(&mut value, kind);
    Answer::Object(value)
}

/// Whether the server does not know the kind, as against the object.
fn is_unknown_kind(error: &ApiError) -> bool {
    error.code == 404
        && (error.message.contains("the server could not find the requested resource")
            || error.message.contains("404 page not found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_say_what_they_are() {
        let list = json!({"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {"name": "a"}}]});
        let items = items(list, Kind::Pod);
        assert_eq!((items[0]["kind"].as_str(), items[0]["apiVersion"].as_str()), (Some("Pod"), Some("v1")));
        let list = json!({"apiVersion": "networking.istio.io/v1beta1", "items": [{"kind": "Sidecar"}]});
        assert_eq!(super::items(list, Kind::Sidecar)[0]["apiVersion"], "networking.istio.io/v1beta1");
        assert!(super::items(json!({}), Kind::Pod).is_empty());
    }

    #[test]
    fn a_kind_that_is_not_installed_is_no_error() {
        let error = |code, message: &str| ApiError { code, message: message.to_owned(), words: String::new() };
        assert!(is_unknown_kind(&error(404, "the server could not find the requested resource")));
        assert!(is_unknown_kind(&error(404, "404 page not found")));
        assert!(!is_unknown_kind(&error(404, "pods \"a\" not found")));
    }
}
