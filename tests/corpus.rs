//! Dumps of other people's proxies: each is read, and a question about something in it gets an answer or an honest
//! "unknown", never a crash.
//!
//! `MESH_WHY_CORPUS=FOLDER cargo test --test corpus -- --nocapture` prints a table; FOLDER holds a folder for each
//! capture, with `config_dump.json` and perhaps `clusters.json` or `clusters.txt`. A second table has the fields that
//! somebody sets and nobody here interprets, on a request's path or off it.

#![expect(clippy::unwrap_used, reason = "a test")]
#![expect(clippy::print_stdout, reason = "the table is what the test is for")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use common::none;
use mesh_why::envoy::fields;
use serde_json::Value;

/// The most questions that are asked about one capture.
const QUESTIONS: usize = 12;

/// What a proxy that cannot be asked is told.
const OLDEST: &str = "Envoy 1.18 and newer can be asked";

#[test]
fn every_capture_gets_an_answer_or_an_honest_unknown() {
    let Some(corpus) = std::env::var_os("MESH_WHY_CORPUS") else {
        println!("skipped: MESH_WHY_CORPUS is not set");
        return;
    };
    let mut complaints = Vec::new();
    for capture in captures(Path::new(&corpus)) {
        let name = capture.file_name().unwrap().to_string_lossy();
        for question in questions(&capture) {
            match ask(&capture, &question) {
                Ok(Some(answer)) => println!("{}", row(&name, &question, &answer)),
                Ok(None) => println!("{name:42} {question:60} too old"),
                Err(why) => complaints.push(format!("{name} {question}: {why}")),
            }
        }
    }
    none(&complaints);
}

#[test]
fn fields_that_nobody_interprets_are_known() {
    let Some(corpus) = std::env::var_os("MESH_WHY_CORPUS") else {
        println!("skipped: MESH_WHY_CORPUS is not set");
        return;
    };
    let mut fields: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for capture in captures(Path::new(&corpus)) {
        let name = capture.file_name().unwrap().to_string_lossy().into_owned();
        let mut found = BTreeSet::new();
        uninterpreted(&dump(&capture), &mut found);
        for field in found {
            fields.entry(field).or_default().insert(name.clone());
        }
    }
    let mut rows: Vec<_> = fields.iter().collect();
    rows.sort_by_key(|(_, captures)| std::cmp::Reverse(captures.len()));
    for (field, captures) in rows {
        let first = captures.iter().next().unwrap();
        println!("{:3} captures  {field:90} {first}", captures.len());
    }
}

/// The deciding fields of every message that has its type beside it: resources, and the extensions in them.
fn uninterpreted(value: &Value, found: &mut BTreeSet<String>) {
    let url = value.get("@type").and_then(Value::as_str).unwrap_or_default();
    let message = url.rsplit('/').next().unwrap_or_default();
    let short = message.rsplit('.').next().unwrap_or_default();
    let own = fields::deciding(value, message, &[]).into_iter().filter(|field| !field.contains("typed_config."));
    found.extend(own.map(|field| format!("{short}: {field}")));
    match value {
        Value::Object(members) => members.values().for_each(|inner| uninterpreted(inner, found)),
        Value::Array(elements) => elements.iter().for_each(|inner| uninterpreted(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn dump(capture: &Path) -> Value {
    serde_json::from_slice(&fs::read(capture.join("config_dump.json")).unwrap()).unwrap()
}

/// The folders that hold a dump.
fn captures(corpus: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("config_dump.json").is_file());
    folders.sort();
    folders
}

/// Capture, question, outcome, and line 1: what keeps an answer open stands at its end.
fn row(name: &str, question: &str, answer: &Value) -> String {
    let text = |field: &str| answer[field].as_str().unwrap();
    format!("{name:42} {question:60} {:9} {}", text("outcome"), text("summary"))
}

/// The program's answer, or none to a proxy that is too old to be asked. The error says what is wrong with its behavior.
fn ask(capture: &Path, question: &str) -> Result<Option<Value>, String> {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_kubectl-mesh_why"));
    tool.arg("-f").arg(capture.join("config_dump.json"));
    let clusters = ["clusters.json", "clusters.txt"].map(|file| capture.join(file));
    if let Some(file) = clusters.iter().find(|file| file.is_file()) {
        tool.arg("--clusters").arg(file);
    }
    let output = tool.args([question, "-o", "json"]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    if !matches!(code, Some(0 | 1 | 3)) {
        return Err(format!("exit code {code:?}\n{errors}"));
    }
    if code == Some(3) && output.stdout.is_empty() && errors.contains(OLDEST) {
        return Ok(None);
    }
    let answer: Value = serde_json::from_slice(&output.stdout).map_err(|e| format!("no JSON: {e}\n{errors}"))?;
    let expected = match answer["outcome"].as_str() {
        Some("reaches") => 0,
        Some("unknown") => 3,
        _ => 1,
    };
    if code == Some(expected) { Ok(Some(answer)) } else { Err(format!("exit code {code:?} for {}", answer["outcome"])) }
}

/// What can be asked about a dump: each listener's port with the first domain of each of its virtual hosts.
fn questions(capture: &Path) -> Vec<String> {
    let dump = dump(capture);
    let routes = all(&dump, &["route_config", "routeConfig"]);
    let mut questions = BTreeSet::new();
    for listener in all(&dump, &["listener"]) {
        if any(listener, &["traffic_direction", "trafficDirection"]) == Some(&Value::from("INBOUND")) {
            continue;
        }
        let Some(port) = any(listener, &["address"]).and_then(|a| first(a, &["port_value", "portValue"])) else {
            continue;
        };
        let names = all(listener, &["route_config_name", "routeConfigName"]);
        let delivered = routes.iter().filter(|route| names.contains(&&route["name"]));
        let inline = all(listener, &["route_config", "routeConfig"]);
        for route in delivered.copied().chain(inline) {
            questions.extend(hosts(route).map(|host| format!("{host}:{}", port_of(route, port))));
        }
    }
    if questions.is_empty() {
        questions.insert("unknown.example:80".to_owned());
    }
    questions.into_iter().take(QUESTIONS).collect()
}

/// Istio names a sidecar's route configuration after its port, `80` or `host:80`.
fn port_of(route: &Value, listener: &Value) -> String {
    let name = route["name"].as_str().unwrap_or_default();
    match name.rsplit(':').next().and_then(|end| end.parse::<u16>().ok()) {
        Some(port) => port.to_string(),
        None => listener.to_string(),
    }
}

/// The first domain of each virtual host, without its port.
fn hosts(route: &Value) -> impl Iterator<Item = String> {
    let hosts = any(route, &["virtual_hosts", "virtualHosts"]).and_then(Value::as_array);
    hosts.into_iter().flatten().filter_map(|host| {
        let domain = host["domains"][0].as_str()?;
        let name = domain.rsplit_once(':').map_or(domain, |(name, _)| name);
        Some(if name.starts_with('*') || name.is_empty() { "unknown.example".to_owned() } else { name.to_owned() })
    })
}

/// The member that has one of these names.
fn any<'a>(object: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| object.get(*name))
}

/// The first value of these names, however deep.
fn first<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    all(value, names).first().copied()
}

/// Every value of these names, however deep.
fn all<'a>(value: &'a Value, names: &[&str]) -> Vec<&'a Value> {
    let inner: Vec<&Value> = match value {
        Value::Object(members) => members.values().collect(),
        Value::Array(elements) => elements.iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let mut found: Vec<&Value> = names.iter().filter_map(|name| value.get(*name)).collect();
    found.extend(inner.into_iter().flat_map(|value| all(value, names)));
    found
}
