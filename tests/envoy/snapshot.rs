//! A snapshot folder of a running Envoy, made by hand: it is the program's public input.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::driver::Envoy;
use crate::in_a_mesh;

/// Admin path and file of each body.
const BODIES: &[(&str, &str)] = &[
    ("/config_dump?include_eds", "config_dump.json"),
    ("/clusters?format=json", "clusters.json"),
    ("/listeners?format=json", "listeners.json"),
    ("/server_info", "server_info.json"),
    ("/runtime", "runtime.json"),
];

/// Reads the Envoy and writes the folder.
pub(crate) fn save(envoy: &Envoy, folder: &Path) {
    fs::create_dir_all(folder.join("source")).expect("a folder");
    for (name, bytes) in files(envoy) {
        fs::write(folder.join(name), bytes).expect("a file of the snapshot");
    }
}

/// Reads the Envoy: the files of the folder by name.
pub(crate) fn files(envoy: &Envoy) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for (path, file) in BODIES {
        let mut body = envoy.get_json(path);
        in_a_mesh::rewrite(&mut body);
        leave_out_bootstrap(&mut body);
        files.insert(format!("source/{file}"), bytes(&body));
    }
    let paths: Vec<_> = BODIES.iter().map(|(path, _)| path).collect();
    let manifest = json!({
        "schema": "mesh-why-snapshot/v1",
        "tool": "differential test",
        "time": "2026-11-01T00:00:00Z",
        "read": {"source": {"paths": paths}},
        "unread": [],
    });
    files.insert("snapshot.json".to_owned(), bytes(&manifest));
    files
}

fn leave_out_bootstrap(body: &mut Value) {
    if let Some(configs) = body.get_mut("configs").and_then(Value::as_array_mut) {
        configs.retain(|section| section.get("bootstrap").is_none());
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("JSON")
}
