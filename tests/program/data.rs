//! What other programs read: answers and errors as JSON, live and replayed.

use serde_json::{Value, json};

use crate::api::{Api, World, owner, pod};
use crate::raw;
use crate::tool::{Run, Tool};

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

/// Runs that fail: each kind of mistake, and of what cannot be read.
const FAILING: &[&[&str]] = &[
    &[],
    &["orders"],
    &["products:80", "orders"],
    &["orders", "products"],
    &["orders", "products:0"],
    &["orders", "products:80", "-H", "x"],
    &["orders", "products:80", "--protocol", "http7"],
    &["orders", "products:80", "--nonsense"],
    &["orders", "products:80", "--color", "sometimes"],
    &["orders", "products:80", "--max-read", "much"],
    &["--demo", "--snapshot", "x"],
    &["--clusters", "x"],
    &["orders", "products:80"],
    &["orders", "products:80", "--kubeconfig", "gone"],
    &["orders", "products:80", "-s", "http://127.0.0.1:1"],
    &["products:80", "--admin", "http://127.0.0.1:1"],
    &["products:80", "-f", "gone"],
    &["products:80", "--snapshot", "gone"],
    &["banana", "products:80", "--demo"],
    &["--demo", "--save", "/dev/null/x"],
];

#[test]
fn an_error_is_the_same_as_text_and_as_data() {
    let tool = Tool::new();
    for arguments in FAILING {
        let plain = tool.run(arguments);
        for more in [&["-o", "json"][..], &["-o=json"], &["-qojson"], &["--output", "json"], &["-o", "yaml"]] {
            let run = tool.run(&[more, arguments].concat());
            assert_eq!((run.code, run.out.as_str()), (plain.code, ""), "{arguments:?}: {}", run.err);
            let document = if more.contains(&"yaml") {
                serde_saphyr::from_str(&run.err).unwrap()
            } else {
                assert!(run.err.starts_with("{\n  \"schema\": \"mesh-why/v1\",\n  \"error\": {\n    \"message\": "));
                parsed(&run.err)
            };
            says_the_same(&document, &plain, arguments);
        }
    }
}

#[track_caller]
fn says_the_same(document: &Value, plain: &Run, arguments: &[&str]) {
    let error = document["error"].as_object().unwrap();
    assert_eq!(error.keys().collect::<Vec<_>>(), ["causes", "exit", "hint", "message"]);
    assert_eq!(error["exit"], plain.code);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let causes = error["causes"].as_array().unwrap().iter().map(|cause| cause.as_str().unwrap());
    let said = ["error: ", error["message"].as_str().unwrap()].concat();
    let said = std::iter::once(said.as_str()).chain(causes).collect::<Vec<_>>().join(" caused by: ");
    let plain = words(&plain.err);
    assert!(plain.starts_with(&said), "{arguments:?}: {said:?}\n{plain}");
    let hint = error["hint"].as_str().unwrap_or_default();
    assert!(plain.ends_with(hint) || plain.contains(&format!("tip: {hint}")), "{arguments:?}: {hint:?}\n{plain}");
    assert_eq!(error["hint"].is_null(), plain == said, "{arguments:?}: {hint:?}\n{plain}");
}

#[test]
fn an_error_as_data_is_all_that_is_said() {
    let mut world = mesh();
    world.objects.push(pod("a-2", "istio-proxy"));
    let api = Api::start(world);
    let tool = Tool::new();
    let config = tool.file("config", api.kubeconfig());
    let arguments = ["order-service", "products:8080", "--kubeconfig", &config];
    let with = |format: &str| tool.run(&[&arguments[..], &["-o", format]].concat());
    assert!(with("text").err.starts_with("asking pod/"));
    assert_eq!((with("json").err, with("yaml").err), (String::new(), String::new()));
    // Another format is an error for people.
    tool.run(&["orders", "-o", "jsonpath=$.error"]).fails(2, &["B:PORT is missing"]);
}

#[test]
fn an_error_as_data_holds_no_secret_and_steers_no_terminal() {
    let url = raw::serve(|_| raw::status(403, "Forbidden", "\u{1b}[2J password=SEKRIT\u{202e}"));
    let tool = Tool::new();
    for run in [
        tool.run(&["pod/a", "b:80", "-s", &url, "-o", "json"]),
        tool.run(&["a", "b:80", "-o", "json", "\u{1b}[2J\u{202e}Bearer eyJhbGciOiJSUzI1NiJ9.e30.SEKRIT"]),
    ] {
        assert!(parsed(&run.err)["error"]["message"].is_string());
        assert!(!run.err.contains("SEKRIT") && !run.err.contains(['\u{1b}', '\u{202e}']), "{}", run.err);
    }
}
