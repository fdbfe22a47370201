//! Kubernetes objects: which GET answers a need, and what its answer means.

use serde_json::{Value, json};

use super::cluster::{ApiError, Cluster};
use super::pages;
use super::query::segment;
use crate::snapshot::{Answer, Kind, Need};

/// Versions of an API, the newest first: clusters serve those that their mesh's release had.
const OLDER: &[(&str, &[&str])] = &[
    ("networking.istio.io", &["v1beta1", "v1alpha3"]),
    ("security.istio.io", &["v1beta1"]),
    ("gateway.networking.k8s.io", &["v1beta1"]),
];

/// The same of kinds that became stable later than others of their group.
const YOUNGER: &[(Kind, &[&str])] = &[(Kind::TcpRoute, &["v1alpha2"]), (Kind::TlsRoute, &["v1alpha3", "v1alpha2"])];

/// Answers a need for objects. The error is kubectl's.
pub(super) async fn answer(cluster: &Cluster, need: &Need) -> Result<Answer, String> {
    let (kind, rest) = if let Need::Object(kind, namespace, name) = need {
        if ![namespace, name].iter().all(|text| is_name(text)) {
            return Err(format!("`{namespace}/{name}` is not an object's name"));
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
    let of_group = OLDER.iter().find(|(group, _)| *group == kind.group()).map(|row| row.1);
    let of_kind = YOUNGER.iter().find(|row| row.0 == kind).map(|row| row.1);
    let versions = of_kind.or(of_group).unwrap_or_default();
    let older = versions.iter().map(|version| format!("{}/{version}", kind.group()));
    for api_version in std::iter::once(kind.api_version()).chain(older) {
        let path = format!("{}{rest}", root(kind, &api_version));
        let got =
            if let Need::Objects(..) = need { pages::whole(cluster, &path).await } else { cluster.get(&path).await };
        match got {
            Ok(value) => return taken(need, kind, value),
            Err(error) if is_unknown_kind(&error) => {}
            Err(error) if error.code == 404 => return Ok(Answer::Nothing),
            Err(error) => return Err(error.words),
        }
    }
    // No version of the kind is served: there can be no such object.
    Ok(Answer::Nothing)
}

/// The items of a list, each with its kind and version: the API leaves them out. An empty list may leave out `items`
/// too; what is no list shows of nothing that it is not there.
pub(super) fn items(mut list: Value, kind: Kind) -> Result<Vec<Value>, String> {
    let says = |field: &str| list.get(field).and_then(Value::as_str).map(str::to_owned);
    let api_version = says("apiVersion").unwrap_or_else(|| kind.api_version());
    let is_list = says("kind").is_some_and(|kind| kind.ends_with("List"));
    let mut items = match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        None | Some(Value::Null) if is_list => Vec::new(),
        None | Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            return Err(format!("the answer is not a list of {}", kind.plural()));
        }
    };
    if items.iter().all(Value::is_object) {
        for item in &mut items {
            name_as(item, kind, &api_version);
        }
        Ok(items)
    } else {
        Err(format!("the list of {} holds what is not an object", kind.plural()))
    }
}

/// Says of an object what kind it is, where it does not say so itself.
pub(super) fn name_kind(object: &mut Value, kind: Kind) {
    name_as(object, kind, &kind.api_version());
}

fn name_as(object: &mut Value, kind: Kind, api_version: &str) {
    let Some(fields) = object.as_object_mut() else { return };
    for (field, value) in [("kind", kind.name()), ("apiVersion", api_version)] {
        if fields.get(field).is_none_or(Value::is_null) {
            fields.insert(field.to_owned(), json!(value));
        }
    }
}

/// Whether this can be one segment of an API path, as Kubernetes has it: names come from Envoy's metadata too.
pub(super) fn is_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains(['/', '%'])
}

fn root(kind: Kind, api_version: &str) -> String {
    if kind.group().is_empty() { format!("/api/{api_version}") } else { format!("/apis/{api_version}") }
}

fn taken(need: &Need, kind: Kind, mut value: Value) -> Result<Answer, String> {
    if matches!(need, Need::Objects(..) | Need::PodsAt(_)) {
        return items(value, kind).map(Answer::Objects);
    }
    name_kind(&mut value, kind);
    Ok(Answer::Object(value))
}

/// Whether the server does not know the kind, as against the object.
fn is_unknown_kind(error: &ApiError) -> bool {
    error.code == 404
        && (error.message.contains("the server could not find the requested resource")
            || error.message.contains("404 page not found"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn items_say_what_they_are() {
        let list = json!({"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {"name": "a"}}]});
        let items = items(list, Kind::Pod).unwrap();
        assert_eq!((items[0]["kind"].as_str(), items[0]["apiVersion"].as_str()), (Some("Pod"), Some("v1")));
        let list = json!({"apiVersion": "networking.istio.io/v1beta1", "items": [{"kind": "Sidecar"}]});
        assert_eq!(super::items(list, Kind::Sidecar).unwrap()[0]["apiVersion"], "networking.istio.io/v1beta1");
    }

    #[test]
    fn what_is_no_list_of_objects_shows_nothing() {
        let of = |list: Value| super::items(list, Kind::Pod);
        assert_eq!(of(json!({"kind": "PodList"})), Ok(Vec::new()));
        assert_eq!(of(json!({"kind": "PodList", "items": null})), Ok(Vec::new()));
        for list in [json!({}), json!([]), json!({"kind": "PodList", "items": {}}), json!({"kind": "Pod"})] {
            assert_eq!(of(list.clone()), Err("the answer is not a list of pods".to_owned()), "{list}");
        }
        for item in [json!(1), json!([]), json!("x"), json!(true), Value::Null] {
            let words = "the list of pods holds what is not an object";
            assert_eq!(of(json!({"items": [{}, item]})), Err(words.to_owned()));
        }
        let mut number = json!(1);
        name_kind(&mut number, Kind::Pod);
        assert_eq!(number, json!(1));
    }

    #[test]
    fn a_kind_that_is_not_installed_is_no_error() {
        let error = |code, message: &str| ApiError { code, message: message.to_owned(), words: String::new() };
        assert!(is_unknown_kind(&error(404, "the server could not find the requested resource")));
        assert!(is_unknown_kind(&error(404, "404 page not found")));
        assert!(!is_unknown_kind(&error(404, "pods \"a\" not found")));
    }
}
