//! A snapshot folder of a running Envoy, made by hand: it is the program's public input.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
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

/// Writes the folder.
pub(crate) fn save(files: &BTreeMap<String, Vec<u8>>, folder: &Path) {
    for side in ["source", "destination"] {
        fs::create_dir_all(folder.join(side)).expect("a folder");
    }
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).expect("a file of the snapshot");
    }
}

/// Reads the Envoy: the files of the folder by name. Where it is B's proxy too, the same is its destination.
pub(crate) fn files(envoy: &Envoy, pod: Option<IpAddr>) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for (path, file) in BODIES {
        let mut body = envoy.get_json(path);
        in_a_mesh::rewrite(&mut body);
        leave_out_bootstrap(&mut body);
        if pod.is_some() {
            files.insert(format!("destination/{file}"), bytes(&body));
        }
        files.insert(format!("source/{file}"), bytes(&body));
    }
    let paths: Vec<_> = BODIES.iter().map(|(path, _)| path).collect();
    let mut manifest = json!({
        "schema": "mesh-why-snapshot/v1",
        "tool": "differential test",
        "time": jiff::Timestamp::now().to_string(),
        "read": {"source": {"paths": paths}},
        "unread": [],
    });
    if let Some(ip) = pod {
        let name = json!({"kind": "Pod", "namespace": "shop", "name": "b"});
        let labels = json!({"security.istio.io/tlsMode": "istio"});
        let metadata = json!({"namespace": "shop", "name": "b", "labels": labels});
        let status = json!({"podIP": in_a_mesh::ip(ip), "phase": "Running"});
        let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}, "status": status});
        files.insert("objects.json".to_owned(), bytes(&json!({"items": [object]})));
        manifest["destination"] = name;
        manifest["read"]["destination"] = json!({"paths": paths});
        manifest["read"]["kubernetes"] = json!({"kinds": ["pods", "services", "endpointslices"]});
    }
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
