//! Every citation of every scenario is looked up again: the query is answered from the snapshot's files as Envoy or
//! the API server would have answered it, the path is run on that, and the value must be the one that was cited.
//!
//! The answers are made here, by other code than the product's.

#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{Scenario, answer, none, print, scenarios, snapshot};
use jsonpath_rust::JsonPath as _;
use mesh_why::render::Format;
use regex::Regex;
use serde_json::{Map, Value, json};

#[test]
fn every_citation_of_every_scenario_holds() {
    let citations = citations();
    let complaints: Vec<String> = citations.iter().filter_map(|(s, citation)| check(s, citation)).collect();
    none(&complaints);
    assert!(citations.len() > 100, "{} citations", citations.len());
}

/// "No match" proves nothing where the path could never match. In what the proxy said as a whole, the same path with
/// its selectors opened finds something.
#[test]
fn what_is_cited_as_missing_could_be_there() {
    let selector = Regex::new(r"\[\?@\.([\w.]+)==.*?'\]|\[\d+\]").unwrap();
    let mut complaints = Vec::new();
    for (scenario, citation) in citations() {
        let (query, path) = (citation["query"].as_str().unwrap(), citation["path"].as_str().unwrap());
        let file = match query.split('?').next().unwrap() {
            "/config_dump" => "config_dump.json",
            "/clusters" => "clusters.json",
            _ => continue,
        };
        let whole = scenario.json(&format!("{}/{file}", citation["from"].as_str().unwrap()));
        let open = selector.replace_all(path, |found: &regex::Captures| {
            let field = found.get(1).map(|field| format!(".{}", field.as_str()));
            format!("[*]{}", field.unwrap_or_default())
        });
        if citation["value"].is_null() && select(whole.as_ref(), &open) == Ok(Vec::new()) {
            complaints.push(format!("{}: {path} as {open}", scenario.name));
        }
    }
    none(&complaints);
}

/// Every citation of every scenario.
fn citations() -> Vec<(Scenario, Value)> {
    let mut citations = Vec::new();
    for scenario in scenarios() {
        let verdict = answer(&scenario.case.ask, &mut snapshot(scenario.files()));
        let document: Value = serde_json::from_str(&print(&verdict, &Format::Json)).unwrap();
        let cited = document["evidence"].as_array().unwrap().iter();
        citations.extend(cited.map(|citation| (scenario.clone(), citation.clone())));
    }
    citations
}

/// What is wrong with a citation, if anything.
fn check(scenario: &Scenario, citation: &Value) -> Option<String> {
    let text = |field: &str| citation[field].as_str().unwrap();
    let cited: Vec<Value> = Some(&citation["value"]).filter(|value| !value.is_null()).into_iter().cloned().collect();
    let found = |folder: &str| match folder {
        "kubernetes" => api_body(scenario, text("query")).map_err(str::to_owned),
        "control-plane" => sync_body(scenario, text("query")).map(Some),
        folder => admin_body(scenario, folder, text("query")).map(Some),
    };
    // Which of B's pods a proxy is of, its branch says.
    let folders = [text("from").to_owned(), format!("{}-2", text("from")), format!("{}-3", text("from"))];
    let values: Vec<Result<Vec<Value>, String>> =
        folders.iter().map(|folder| found(folder).and_then(|body| select(body.as_ref(), text("path")))).collect();
    let holds = values.iter().any(|values| values.as_ref() == Ok(&cited));
    (!holds).then(|| format!("{}: {citation:#}\nfound {values:?}", scenario.name))
}

/// What a path selects in a body. Nothing is selected where there is no body.
fn select(body: Option<&Value>, path: &str) -> Result<Vec<Value>, String> {
    let Some(body) = body else {
        return Ok(Vec::new());
    };
    let found = body.query(path).map_err(|e| e.to_string())?;
    Ok(found.into_iter().cloned().collect())
}

// --- Envoy -----------------------------------------------------------------------------------

/// The body of an admin query.
fn admin_body(scenario: &Scenario, folder: &str, query: &str) -> Result<Value, String> {
    let (path, parameters) = query.split_once('?').unwrap_or((query, ""));
    let parameter = |name: &str| {
        parameters.split('&').find_map(|p| p.split_once('=').filter(|(key, _)| *key == name)).map(|(_, value)| value)
    };
    let file = |name: &str| {
        let file = format!("{folder}/{name}");
        scenario.json(&file).ok_or_else(|| format!("there is no {file}"))
    };
    match path {
        "/config_dump" => {
            let mask = parameter("mask").ok_or("a whole dump is cited")?;
            let name = parameter("name_regex").ok_or("a whole section is cited")?;
            Ok(dump(&file("config_dump.json")?, mask, name))
        }
        "/clusters" => Ok(statuses(&file("clusters.json")?, parameter("filter").unwrap_or(""))),
        "/listeners" => file("listeners.json"),
        "/server_info" => file("server_info.json"),
        "/runtime" => file("runtime.json"),
        "/stats" => Ok(stats(&file("stats.json")?, parameters.split_once("filter=").ok_or("all stats are cited")?.1)),
        _ => Err("there is no such admin path".to_owned()),
    }
}

/// `/config_dump?mask=…&name_regex=…`: the lists of the mask, in them what has a name that matches whole. A section
/// that has none of the lists is left out.
fn dump(whole: &Value, mask: &str, name: &str) -> Value {
    let name = Regex::new(&format!("^(?:{name})$")).unwrap();
    let lists: Vec<&str> = mask.split(',').collect();
    let sections = whole["configs"].as_array().unwrap().iter().filter_map(|section| {
        let section = section.as_object().unwrap();
        let kept: Map<String, Value> = section
            .iter()
            .filter(|(field, _)| lists.contains(&field.as_str()))
            .map(|(field, list)| (field.clone(), named(list, &name)))
            .filter(|(_, list)| list != &json!([]))
            .collect();
        let is_there = section.keys().any(|field| lists.contains(&field.as_str()));
        is_there.then(|| with_type(kept, section))
    });
    json!({"configs": sections.collect::<Vec<_>>()})
}

fn with_type(mut kept: Map<String, Value>, section: &Map<String, Value>) -> Value {
    kept.insert("@type".to_owned(), section["@type"].clone());
    Value::Object(kept)
}

/// The elements of a list whose resource has a name that matches.
fn named(list: &Value, name: &Regex) -> Value {
    let elements = list.as_array().unwrap().iter();
    let matches = |element: &&Value| name_of(element).is_some_and(|found| name.is_match(found));
    Value::Array(elements.filter(matches).cloned().collect())
}

/// The name of an element's resource, in whichever member that is.
fn name_of(element: &Value) -> Option<&str> {
    let resource = ["route_config", "cluster", "endpoint_config", "listener"]
        .into_iter()
        .find_map(|member| element.get(member).filter(|inner| inner.is_object()))
        .unwrap_or(element);
    resource.get("name").or(resource.get("cluster_name"))?.as_str()
}

/// `/clusters?format=json&filter=…`: the clusters in whose name the pattern is found.
fn statuses(whole: &Value, filter: &str) -> Value {
    let filter = Regex::new(filter).unwrap();
    let clusters = whole["cluster_statuses"].as_array().unwrap().iter();
    let kept: Vec<&Value> = clusters.filter(|cluster| filter.is_match(cluster["name"].as_str().unwrap())).collect();
    if kept.is_empty() { json!({}) } else { json!({ "cluster_statuses": kept }) }
}

/// `/stats?format=json&filter=…`: what has a name in which the pattern is found.
fn stats(whole: &Value, filter: &str) -> Value {
    let filter = Regex::new(filter).unwrap();
    let stats = whole["stats"].as_array().unwrap().iter();
    let kept: Vec<&Value> =
        stats.filter(|stat| stat["name"].as_str().is_some_and(|name| filter.is_match(name))).collect();
    json!({ "stats": kept })
}

// --- the control plane -----------------------------------------------------------------------

/// The rows of istiod's `/debug/syncz?namespace=…`.
fn sync_body(scenario: &Scenario, query: &str) -> Result<Value, String> {
    let namespace = query.strip_prefix("/debug/syncz?namespace=").ok_or("there is no such path of istiod's")?;
    let rows = scenario.json("controlplane/syncz.json").ok_or("there is no controlplane/syncz.json")?;
    let ending = format!(".{namespace}");
    let rows = rows.as_array().unwrap().iter();
    Ok(rows.filter(|row| row["proxy"].as_str().unwrap().ends_with(&ending)).cloned().collect())
}

// --- Kubernetes ------------------------------------------------------------------------------

/// An API path, taken apart.
struct ApiPath<'a> {
    group: &'a str,
    namespace: Option<&'a str>,
    plural: &'a str,
    name: Option<&'a str>,
    labels: Vec<(&'a str, &'a str)>,
    address: Option<&'a str>,
}

/// The body of an API path: an object (none: it is not there), a list, or what came of connecting to a port.
fn api_body(scenario: &Scenario, query: &str) -> Result<Option<Value>, &'static str> {
    if query.contains("/portforward?ports=") {
        let manifest = scenario.json("snapshot.json").ok_or("there is no snapshot.json")?;
        return manifest["probes"].get(query).cloned().map(Some).ok_or("nobody connected");
    }
    let path = ApiPath::parse(query).ok_or("it is not an API path")?;
    let objects = scenario.json("objects.json").ok_or("there is no objects.json")?;
    let mut found: Vec<&Value> =
        objects["items"].as_array().unwrap().iter().filter(|object| path.takes(object)).collect();
    let text = |object: &Value, field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    found.sort_by_key(|object| (text(object, "namespace"), text(object, "name")));
    Ok(match path.name {
        Some(_) => found.first().map(|object| (*object).clone()),
        None => Some(json!({"kind": "List", "items": found})),
    })
}

impl<'a> ApiPath<'a> {
    fn parse(query: &'a str) -> Option<Self> {
        let (path, parameters) = query.split_once('?').unwrap_or((query, ""));
        let labels = match parameters.strip_prefix("labelSelector=") {
            Some(selector) => selector.split(',').map(|l| l.split_once('=')).collect::<Option<_>>()?,
            None => Vec::new(),
        };
        let address = parameters.strip_prefix("fieldSelector=status.podIP=");
        if labels.is_empty() && address.is_none() && !parameters.is_empty() {
            return None;
        }
        let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let (group, rest) = match parts.as_slice() {
            ["api", "v1", rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] => (Some(*namespace), rest),
            _ => (None, rest),
        };
        let (plural, name) = match rest {
            [plural] => (*plural, None),
            [plural, name] => (*plural, Some(*name)),
            _ => return None,
        };
        Some(Self { group, namespace, plural, name, labels, address })
    }

    fn takes(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let group = object["apiVersion"].as_str().unwrap().rsplit_once('/');
        group.map_or("", |(group, _)| group) == self.group
            && plural(object["kind"].as_str().unwrap()) == self.plural
            && self.namespace.is_none_or(|n| metadata["namespace"] == n)
            && self.name.is_none_or(|n| metadata["name"] == n)
            && self.address.is_none_or(|ip| object["status"]["podIP"] == ip)
            && self.labels.iter().all(|(k, v)| metadata["labels"][*k] == *v)
    }
}

/// A kind as an API path has it.
fn plural(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    match lower.strip_suffix('y') {
        Some(stem) if !stem.ends_with('a') => format!("{stem}ies"),
        _ => format!("{lower}s"),
    }
}
