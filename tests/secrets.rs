//! No secret is kept, and none is shown: secrets are planted all over a snapshot and its question, and are looked for in
//! everything that the program writes. What is saved then answers as what was read.
//!
//! Every scenario is planted; `MESH_WHY_BANK` and `MESH_WHY_CORPUS` add theirs.

#![expect(clippy::print_stdout, reason = "what was planted is counted")]
#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{Files, answer, none, print, snapshot, snapshot_files};
use mesh_why::render::Format;
use mesh_why::snapshot::{AskRecord, LogRecord};
use mesh_why::verdict::Verdict;
use serde_json::{Value, json};

/// What every planted secret holds.
const SECRET: &str = "SEKRIT";

#[test]
fn planted_secrets_are_nowhere_to_be_found() {
    let mut complaints = Vec::new();
    let mut planted = 0;
    for (name, ask, files) in inputs() {
        let judges_tokens = files.values().any(|bytes| String::from_utf8_lossy(bytes).contains("jwt_authn.v3"));
        let tokens = tokens().into_iter().take(if judges_tokens { usize::MAX } else { 1 });
        for token in tokens {
            for how in [Planted::Beside, Planted::OnTheWay] {
                let (ask, files, count) = plant(&ask, files.clone(), how, &token);
                planted += count;
                complaints.extend(leaks(&ask, &files, how).into_iter().map(|leak| format!("{name}: {leak}")));
            }
        }
    }
    println!("{planted} secrets planted");
    none(&complaints);
}

/// Whether what is planted may decide what becomes of the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Planted {
    /// It may not: a replay comes to the same.
    Beside,
    /// It may: matchers look for secrets, scripts run.
    OnTheWay,
}

/// Credentials of every kind that Envoy tells apart.
fn tokens() -> Vec<String> {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = || part(json!({"alg": "RS256", "kid": "k", "jku": "SEKRIT"}));
    let claims = |issuer: &str, exp: u64| part(json!({"iss": issuer, "aud": "a", "exp": exp, "email": "SEKRIT"}));
    vec![
        "SEKRIT-opaque".to_owned(),
        format!("{}.{}.{}", header(), claims("https://issuer.example.com", 1), URL_SAFE_NO_PAD.encode("SEKRIT")),
        format!("{}.{}.{}", header(), claims("nobody", 4_000_000_000), URL_SAFE_NO_PAD.encode("SEKRIT")),
        "SEKRIT.SEKRIT.SEKRIT".to_owned(),
    ]
}

/// Every question about every snapshot that is at hand.
fn inputs() -> Vec<(String, AskRecord, Files)> {
    let mut all: Vec<(String, AskRecord, Files)> =
        common::scenarios().into_iter().map(|s| (s.name.clone(), s.case.ask.clone(), s.files())).collect();
    let mut folders = Vec::new();
    let scratch = tempfile::tempdir().unwrap();
    if let Some(bank) = std::env::var_os("MESH_WHY_BANK") {
        let archive = Path::new(&bank).join("examples.tar.xz");
        Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(scratch.path()).assert().success();
        folders.extend(with_file(scratch.path(), "case.json"));
    } else {
        println!("skipped: MESH_WHY_BANK is not set");
    }
    for folder in folders {
        let case: Value = serde_json::from_slice(&std::fs::read(folder.join("case.json")).unwrap()).unwrap();
        let Ok(ask) = serde_json::from_value(case["ask"].clone()) else { continue };
        all.push((folder.display().to_string(), ask, snapshot_files(&folder)));
    }
    if let Some(corpus) = std::env::var_os("MESH_WHY_CORPUS") {
        for folder in with_file(Path::new(&corpus), "config_dump.json") {
            let kept = ["config_dump.json", "clusters.json", "clusters.txt"];
            let files: Files =
                snapshot_files(&folder).into_iter().filter(|(f, _)| kept.contains(&f.as_str())).collect();
            let ask = AskRecord { to: "reviews:9080".into(), path: Some("/".into()), ..AskRecord::default() };
            all.push((folder.display().to_string(), ask, files));
        }
    } else {
        println!("skipped: MESH_WHY_CORPUS is not set");
    }
    all
}

fn with_file(folder: &Path, file: &str) -> Vec<PathBuf> {
    if folder.join(file).is_file() {
        return vec![folder.to_owned()];
    }
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.is_dir()).flat_map(|path| with_file(&path, file)).collect();
    found.sort();
    found
}

/// Plants secrets, and counts them.
fn plant(ask: &AskRecord, files: Files, how: Planted, token: &str) -> (AskRecord, Files, usize) {
    let mut ask = ask.clone();
    ask.headers.extend([
        format!("Authorization: Bearer {token}"),
        "Proxy-Authorization: Basic SEKRIT".to_owned(),
        "Cookie: session=SEKRIT; a=SEKRIT".to_owned(),
        "X-Api-Key: SEKRIT".to_owned(),
        "x-note: password=SEKRIT".to_owned(),
    ]);
    let path = ask.path.unwrap_or_else(|| "/".to_owned());
    let and = if path.contains('?') { '&' } else { '?' };
    ask.path = Some(format!("{path}{and}access_token={token}&api_key=SEKRIT"));
    let mut count = 7;
    let planted = files.into_iter().map(|(name, bytes)| {
        let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) else { return (name, bytes) };
        if name.ends_with("config_dump.json") {
            count += plant_config(&mut value, how);
        } else if name == "objects.json" {
            count += plant_objects(&mut value);
        }
        (name, value.to_string().into_bytes())
    });
    (ask, planted.collect(), count)
}

/// In each part of a dump that can hold one.
fn plant_config(value: &mut Value, how: Planted) -> usize {
    let mut count = 0;
    if let Some(object) = value.as_object_mut() {
        if object.contains_key("virtual_hosts") || object.contains_key("domains") {
            object.insert(
                "request_headers_to_add".to_owned(),
                json!([
                    {"header": {"key": "Authorization", "value": "Basic SEKRIT"}},
                    {"header": {"key": "x-internal-token", "value": "SEKRIT"}},
                    {"header": {"key": "x-note", "value": "Bearer SEKRIT"}},
                ]),
            );
            count += 3;
        }
        if object.contains_key("http_filters") {
            object.insert(
                "access_log".to_owned(),
                json!([{"name": "log", "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
                    "log_format": {"text_format_source": {"inline_string": "SEKRIT %REQ(authorization)%"}},
                }}]),
            );
            count += 1;
        }
        if how == Planted::OnTheWay {
            count += plant_on_the_way(object);
        }
        count += object.values_mut().map(|inner| plant_config(inner, how)).sum::<usize>();
    } else if let Some(items) = value.as_array_mut() {
        count += items.iter_mut().map(|inner| plant_config(inner, how)).sum::<usize>();
    }
    count
}

fn plant_on_the_way(object: &mut serde_json::Map<String, Value>) -> usize {
    let mut count = 0;
    if let Some(routes) = object.get_mut("routes").and_then(Value::as_array_mut) {
        for wanted in [json!({"exact": "Bearer SEKRIT-other"}), json!({"safe_regex": {"regex": "SEKRIT.*"}})] {
            routes.insert(
                0,
                json!({
                    "match": {"prefix": "/", "headers": [{"name": "authorization", "string_match": wanted}],
                        "query_parameters": [{"name": "token", "string_match": {"exact": "SEKRIT"}}]},
                    "direct_response": {"status": 418},
                }),
            );
            count += 2;
        }
    }
    if let Some(filters) = object.get_mut("http_filters").and_then(Value::as_array_mut) {
        filters.insert(
            0,
            json!({"name": "lua", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                "default_source_code": {"inline_string": "local key = 'SEKRIT'"},
            }}),
        );
        filters.insert(0, json!({"name": "ext_authz", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            "grpc_service": {"envoy_grpc": {"cluster_name": "x"}, "initial_metadata": [{"key": "k", "value": "SEKRIT"}]},
        }}));
        count += 2;
    }
    count
}

/// In each object, and as objects of their own.
fn plant_objects(list: &mut Value) -> usize {
    let items = list["items"].as_array_mut().unwrap();
    let patch = json!({"typed_config": {"inlineCode": "SEKRIT", "headers": {"x-api-key": "SEKRIT"}}});
    let mut count = items.len() * 7;
    for item in &mut *items {
        // A patch may be named as what is to change.
        for patched in item["spec"]["configPatches"].as_array_mut().into_iter().flatten() {
            patched["patch"]["value"] = patch.clone();
            count += 2;
        }
        item["metadata"]["annotations"]["vault.example/token"] = json!("SEKRIT");
        item["metadata"]["annotations"]["note.istio.io/x"] = json!("password: SEKRIT");
        item["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = json!("SEKRIT");
        for spec in ["/spec", "/spec/template/spec"] {
            let containers = item.pointer_mut(&format!("{spec}/containers")).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                container["args"] = json!(["--password=SEKRIT"]);
                container["command"] = json!(["SEKRIT"]);
                container["env"] = json!([{"name": "A", "value": "SEKRIT"}]);
                container["livenessProbe"] = json!({"httpGet": {"httpHeaders": [{"name": "x", "value": "SEKRIT"}]}});
            }
        }
    }
    let object = |kind: &str, api: &str, spec: Value| json!({"apiVersion": api, "kind": kind, "metadata": {"name": "planted", "namespace": "elsewhere"}, "spec": spec});
    items.push(object(
        "EnvoyFilter",
        "networking.istio.io/v1alpha3",
        json!({"configPatches": [{"patch": {"value": patch}}]}),
    ));
    items.push(object("RequestAuthentication", "security.istio.io/v1", json!({"jwtRules": [{"jwks": "SEKRIT"}]})));
    let to_add = json!({"headers": {"request": {"set": {"authorization": "Bearer SEKRIT"}}}, "match": [{"headers": {"cookie": {"exact": "a=SEKRIT"}}}]});
    items.push(object(
        "VirtualService",
        "networking.istio.io/v1",
        json!({"hosts": ["planted.example"], "http": [to_add]}),
    ));
    let when = json!([{"key": "request.headers[x-api-key]", "values": ["SEKRIT"]}]);
    items.push(object("AuthorizationPolicy", "security.istio.io/v1", json!({"rules": [{"when": when}]})));
    count + 6
}

/// Where secrets are found, and where a replay differs.
fn leaks(ask: &AskRecord, files: &Files, how: Planted) -> Vec<String> {
    let mut found = Vec::new();
    let mut read = snapshot(files.clone());
    read.ask = Some(ask.clone());
    read.log = Some(line(ask));
    let verdict = answer(ask, &mut read);
    let saved = read.files("test");
    let printed = [Format::Text, Format::Wide, Format::Json, Format::Yaml, Format::Quiet].map(|f| print(&verdict, &f));
    let texts =
        printed.iter().map(String::as_str).chain(saved.values().map(|bytes| std::str::from_utf8(bytes).unwrap()));
    let encoded = [SECRET.to_owned(), URL_SAFE_NO_PAD.encode(SECRET)];
    for text in texts {
        if let Some(at) = encoded.iter().find_map(|secret| text.find(secret)) {
            let from = (0..=at.saturating_sub(120)).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
            found.push(format!("{how:?}: …{}", text[from..].chars().take(200).collect::<String>()));
        }
    }
    let mut again = snapshot(saved);
    let kept = again.ask.clone().unwrap();
    let replayed = answer(&kept, &mut again);
    let same =
        |verdict: &Verdict| (verdict.outcome, verdict.response.clone(), verdict.summary.clone(), verdict.log.clone());
    if how == Planted::Beside && same(&verdict) != same(&replayed) {
        found.push(format!("the replay differs: {:?}, {:?}", same(&verdict), same(&replayed)));
    }
    found
}

/// What an access log has of such a request: everything in it may hold a secret.
fn line(ask: &AskRecord) -> LogRecord {
    let some = |text: &str| Some(text.to_owned());
    LogRecord {
        time: some("2026-08-22T14:02:11.123Z"),
        method: some("GET"),
        path: ask.path.clone(),
        protocol: some("HTTP/1.1"),
        status: Some(503),
        flags: vec!["UC".to_owned(), "password=SEKRIT".to_owned()],
        details: some("upstream_reset_before_response_started{password=SEKRIT}"),
        termination: some("token: SEKRIT"),
        transport_failure: some("http://user:SEKRIT@10.0.0.1/"),
        authority: some("password=SEKRIT"),
        upstream_host: some("10.0.0.1:80"),
        upstream_cluster: some("outbound|80||a.b.svc.cluster.local"),
        route: some("Bearer SEKRIT"),
        server_name: some("api_key=SEKRIT"),
        forwarded_for: some("token=SEKRIT"),
        user_agent: some("Bearer SEKRIT"),
        ..LogRecord::default()
    }
}
