//! The cluster and the proxies of a scenario, as they would answer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::api::{Answer, World};

/// Scenarios, by name.
static KNOWN: Mutex<BTreeMap<&'static str, &'static Scenario>> = Mutex::new(BTreeMap::new());

struct Scenario {
    source: String,
    proxies: [Proxy; 2],
}

struct Proxy {
    dump: Value,
    documents: BTreeMap<&'static str, Value>,
}

fn read(path: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(path);
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|_| b"{}".to_vec())).unwrap()
}

fn proxy(folder: &str) -> Proxy {
    let files = [
        ("/server_info", "server_info"),
        ("/listeners", "listeners"),
        ("/clusters", "clusters"),
        ("/runtime", "runtime"),
        ("/stats", "stats"),
    ];
    let documents = files.map(|(path, file)| (path, read(&format!("{folder}/{file}.json"))));
    Proxy { dump: read(&format!("{folder}/config_dump.json")), documents: documents.into() }
}

fn scenario(name: &'static str) -> &'static Scenario {
    KNOWN.lock().unwrap().entry(name).or_insert_with(|| {
        let source = read(&format!("{name}/snapshot.json"))["source"]["name"].as_str().unwrap().to_owned();
        // Where B's was not captured, it is as it is where all is well.
        let of = |side: &str| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(name).join(side);
        let from = |side: &str| if of(side).exists() { name } else { "reaches-a-service" };
        let proxies = ["source", "destination"].map(|side| proxy(&format!("{}/{side}", from(side))));
        Box::leak(Box::new(Scenario { source, proxies }))
    })
}

/// A cluster in which all is well.
pub(crate) fn healthy() -> World {
    static OBJECTS: OnceLock<Vec<Value>> = OnceLock::new();
    let objects = OBJECTS.get_or_init(|| read("reaches-a-service/objects.json")["items"].as_array().unwrap().clone());
    World { proxies: Some(well), ..World::new(objects.clone()) }
}

/// What its proxies answer.
pub(crate) fn well(pod: &str, path: &str) -> Answer {
    answer("reaches-a-service", pod, path)
}

/// Such a cluster with so many pods of A's: each has a name of its own, and what the captured one has.
pub(crate) fn replicas(mut world: World, count: usize) -> World {
    let is_a = |object: &Value| object["kind"] == "Pod" && object["metadata"]["labels"]["app"] == "order-service";
    let captured = world.objects.iter().find(|object| is_a(object)).unwrap().clone();
    world.objects.retain(|object| !is_a(object));
    for number in 0..count {
        let mut pod = captured.clone();
        let name = format!("{}-{number}", captured["metadata"]["name"].as_str().unwrap());
        pod["metadata"]["name"] = json!(name);
        world.objects.push(pod);
    }
    world
}

/// A cluster in which a route names a subset that nothing defines.
pub(crate) fn failing() -> World {
    let objects = read("subset-is-not-defined/objects.json")["items"].as_array().unwrap().clone();
    World { proxies: Some(|pod, path| answer("subset-is-not-defined", pod, path)), ..World::new(objects) }
}

fn answer(name: &'static str, pod: &str, path: &str) -> Answer {
    let scenario = scenario(name);
    let proxy = &scenario.proxies[usize::from(!pod.starts_with(&scenario.source))];
    let (path, parameters) = path.split_once('?').unwrap_or((path, ""));
    let parameter = |name: &str| {
        let of = parameters.split('&').find_map(|one| one.strip_prefix(name)?.strip_prefix('='));
        of.map(|value| percent_decode_str(value).decode_utf8().unwrap().into_owned())
    };
    let body = match (path, parameter("name_regex"), parameter("filter")) {
        ("/config_dump", Some(regex), _) => {
            let fields = parameter("resource").or_else(|| parameter("mask")).unwrap();
            named(&proxy.dump, &fields, &regex, parameters.contains("resource="))
        }
        ("/config_dump", None, _) => {
            json!({"configs": [{"bootstrap": {"node": proxy.documents["/server_info"]["node"]}}]})
        }
        ("/clusters", _, Some(regex)) => {
            let all = proxy.documents["/clusters"]["cluster_statuses"].as_array().unwrap();
            let found = all.iter().filter(|one| takes(&regex, one["name"].as_str().unwrap()));
            json!({"cluster_statuses": found.collect::<Vec<_>>()})
        }
        (path, ..) => proxy.documents.get(path).cloned().unwrap_or_default(),
    };
    (200, body.to_string())
}

/// The elements of lists that have a name that a pattern takes, as Envoy gives them.
fn named(dump: &Value, fields: &str, regex: &str, is_bare: bool) -> Value {
    let is_it = |element: &Value| {
        let inner = ["cluster", "route_config", "secret", "endpoint_config", "listener"];
        let named = [element].into_iter().chain(inner.iter().map(|field| &element[*field]));
        let mut names = named.flat_map(|one| [&one["name"], &one["cluster_name"]]);
        names.any(|name| name.as_str().is_some_and(|name| takes(regex, name)))
    };
    let mut configs = Vec::new();
    for section in dump["configs"].as_array().unwrap() {
        let mut kept = serde_json::Map::new();
        for field in fields.split(',') {
            let Some(list) = section[field].as_array() else { continue };
            let found: Vec<&Value> = list.iter().filter(|element| is_it(element)).collect();
            configs.extend(found.iter().filter(|_| is_bare).map(|one| (*one).clone()));
            kept.insert(field.to_owned(), json!(found));
        }
        if !kept.is_empty() && !is_bare {
            configs.push(Value::Object(kept));
        }
    }
    json!({ "configs": configs })
}

/// Whether a pattern of the tool's takes a name: all of it, or its end.
fn takes(regex: &str, name: &str) -> bool {
    let plain = |text: &str| text.replace('\\', "");
    match regex.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')) {
        Some(whole) => plain(whole) == name,
        None => name.ends_with(&plain(regex.trim_start_matches(".*"))),
    }
}
