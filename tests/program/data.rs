//! What other programs read: the answer as JSON, live and replayed.

use serde_json::{Value, json};

use crate::api::{Api, World, owner, pod};
use crate::tool::Tool;

fn mesh() -> World {
    World::new(vec![pod("a-1", "istio-proxy"), owner("Deployment", "order-service"), owner("Service", "products")])
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}:\n{text}"))
}

#[test]
fn a_replay_names_the_cluster_that_was_read() {
    let api = Api::start(mesh());
    let tool = Tool::new();
    let config = tool.file("config", api.kubeconfig());
    let live = tool.run(&["a-1", "products:8080", "--kubeconfig", &config, "--save", "kept", "-o", "json"]);
    let answer = parsed(&live.out);
    assert_eq!(answer["cluster"], json!({"context": "test", "namespace": "shop"}));
    assert_eq!(answer["tool"], env!("CARGO_PKG_VERSION"));
    assert!(answer["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{}", answer["time"]);
    assert_eq!(answer["proxies"][0]["pod"], "shop/a-1");
    drop(api);
    let again = tool.run(&["--snapshot", "kept", "-o", "json"]);
    assert_eq!((again.code, parsed(&again.out)), (live.code, answer));
}

#[test]
fn where_no_cluster_was_read_none_is_named() {
    let tool = Tool::new();
    tool.file(".kube/config", Api::start(mesh()).kubeconfig());
    let run = tool.run(&["--demo", "-o", "json"]);
    assert_eq!(parsed(&run.out)["cluster"], json!({"context": null, "namespace": null}));
}
