//! What other people's Envoys did: configurations of public bug reports, and in the shape of known meshes and gateways,
//! each written anew and measured on Envoy 1.40.0 (see `tests/reported/README.md`).
//!
//! An answer is right where its outcome, its status and its flags are Envoy's; it is fair where it says what Envoy did
//! under a condition that it names, or where it warns of what only the application knows.

#![expect(clippy::unwrap_used, reason = "a test")]
#![expect(clippy::print_stdout, reason = "the figures are what the test is for")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// Flags of answers that only the endpoint's own doing brings: it speaks something else, is slow, or closes.
const OF_THE_ENDPOINT: [&str; 3] = ["UPE", "UT", "UC"];

/// What cannot be told from a configuration, and why: how long an application takes, or what it speaks, where others of
/// the same cluster were answered well.
const UNTOLD: [&str; 3] =
    ["reports/gateway-stream-timeout#0", "reports/grpc-timeout-header#3", "reports/upstream-protocol-choice#3"];

/// Floors: they may only rise.
const RIGHT: usize = 775;
const UNKNOWN: usize = 26;
const SAME: usize = 740;

/// What was kept of `/clusters`.
const CLUSTERS: [&str; 2] = ["--clusters", "clusters.json"];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Judgment {
    Right,
    Fair,
    Unknown,
    Wrong,
}

#[test]
fn what_was_reported_is_answered_as_envoy_did() {
    let mut found: Vec<(String, Judgment, String)> = Vec::new();
    for folder in folders() {
        let case: Value = serde_json::from_slice(&fs::read(folder.join("case.json")).unwrap()).unwrap();
        for (place, ask) in case["asks"].as_array().unwrap().iter().enumerate() {
            let (judgment, why) = judged(&folder, ask);
            found.push((format!("{}#{place}", name(&folder)), judgment, why));
        }
    }
    let count = |wanted: Judgment| found.iter().filter(|(_, judgment, _)| *judgment == wanted).count();
    let (right, fair, unknown, wrong) =
        (count(Judgment::Right), count(Judgment::Fair), count(Judgment::Unknown), count(Judgment::Wrong));
    println!("{} questions: {right} right, {fair} fair, {unknown} unknown, {wrong} wrong", found.len());
    let untold: BTreeSet<&str> = UNTOLD.into_iter().collect();
    let complaints: Vec<String> = found
        .iter()
        .filter(|(name, judgment, _)| *judgment == Judgment::Wrong && !untold.contains(name.as_str()))
        .map(|(name, _, why)| format!("{name}: {why}"))
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(right >= RIGHT && unknown <= UNKNOWN, "{right} right, {unknown} unknown");
}

/// Without `/clusters` the dump's own endpoints stand for a cluster's hosts. What happened to their connections is not
/// in them: who says `reaches` then says that this was not looked at.
#[test]
fn the_dump_alone_says_the_same_or_leaves_it_open() {
    let (mut same, mut complaints) = (0, Vec::new());
    for folder in folders() {
        let case: Value = serde_json::from_slice(&fs::read(folder.join("case.json")).unwrap()).unwrap();
        for (place, ask) in case["asks"].as_array().unwrap().iter().enumerate() {
            let (Ok(whole), Ok(dump)) = (asked(&folder, ask, &CLUSTERS), asked(&folder, ask, &[])) else { continue };
            if let Some(what) = lacking(&whole) {
                complaints.push(format!("{}#{place}: {}: {what}", name(&folder), whole["summary"]));
            }
            let counts = ["UF", "UO"].iter().any(|flag| flags(&whole["response"]).contains(flag));
            let by_counters = counts || whole["outcome"] == "unknown";
            let looked = !dump["unchecked"].to_string().contains("/clusters was not read");
            if dump["outcome"] == whole["outcome"] && flags(&dump["response"]) == flags(&whole["response"]) {
                same += 1;
            } else if dump["outcome"] != "unknown" && !(by_counters && dump["outcome"] == "reaches" && !looked) {
                complaints.push(format!("{}#{place}: {} {}", name(&folder), whole["summary"], dump["summary"]));
            }
        }
    }
    println!("{same} answers are the same without /clusters");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(same >= SAME, "{same}");
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reported");
    let below = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let kinds = ["reports", "shapes"].into_iter().map(|kind| root.join(kind));
    let mut all: Vec<PathBuf> = kinds.flat_map(below).collect();
    all.sort();
    all
}

fn name(folder: &Path) -> String {
    let parts: Vec<_> = folder.iter().rev().take(2).map(|part| part.to_string_lossy().into_owned()).collect();
    format!("{}/{}", parts[1], parts[0])
}

/// What an answer that does not reach lacks: a cause, or something to do next.
fn lacking(answer: &Value) -> Option<&'static str> {
    let lacks = |of: &str, field: &str| answer[of].as_array().unwrap().iter().any(|one| text(one, field).is_empty());
    match text(answer, "outcome") {
        "reaches" => None,
        "unknown" => lacks("conditions", "settle").then_some("a condition without what would settle it"),
        _ if answer["findings"].as_array().unwrap().is_empty() => Some("it stops without a cause"),
        _ => lacks("findings", "next").then_some("a finding without a next step"),
    }
}

/// Asks as it was asked then, and holds the answer against what was measured.
fn judged(folder: &Path, ask: &Value) -> (Judgment, String) {
    asked(folder, ask, &CLUSTERS).map_or_else(|why| (Judgment::Wrong, why), |answer| held(&answer, ask))
}

/// What is said of the dump, and of `more` beside it.
fn asked(folder: &Path, ask: &Value, more: &[&str]) -> Result<Value, String> {
    let words = ask["ask"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().replace('@', "127.0.0.1"));
    let mut words: Vec<String> = words.collect();
    // What says nothing of the request was measured with a plain one.
    if !["--path", "--method", "-H"].iter().any(|flag| words.iter().any(|word| word == flag)) {
        words.push("--exact".to_owned());
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-mesh_why"));
    command.args(["-f", "config_dump.json", "-o", "json"]).args(more).args(&words);
    let output = command.current_dir(folder).output().unwrap();
    serde_json::from_slice(&output.stdout).map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())
}

fn held(answer: &Value, truth: &Value) -> (Judgment, String) {
    let (said, wanted) = (text(answer, "outcome"), text(truth, "outcome"));
    if said == "unknown" {
        let fits = |branch: &Value| {
            let status = &branch["response"]["status"];
            text(branch, "outcome") == wanted && (wanted == "reaches" || status.as_u64() == truth["status"].as_u64())
        };
        let fits = answer["branches"].as_array().unwrap().iter().any(fits);
        let named = !answer["conditions"].as_array().unwrap().is_empty();
        return (if fits && named { Judgment::Fair } else { Judgment::Unknown }, String::new());
    }
    let (own, envoys) = (flags(&answer["response"]), flags(truth));
    let of_the_endpoint = OF_THE_ENDPOINT.iter().any(|flag| envoys.contains(*flag));
    if wanted == "fails" && said == "reaches" && of_the_endpoint {
        let warns = |row: &Value| text(row, "mark") == "warned";
        let warned = answer["walk"].as_array().unwrap().iter().any(warns);
        let late = envoys.contains("UT") && answer["unchecked"].to_string().contains("whether an answer comes within ");
        let judgment = if warned || late { Judgment::Fair } else { Judgment::Wrong };
        return (judgment, "reaches without a word".to_owned());
    }
    if said != wanted && !(wanted == "fails" && said == "partial") {
        return (Judgment::Wrong, format!("{said}, Envoy: {wanted} {}", truth["status"]));
    }
    let status = &answer["response"]["status"];
    if wanted != "reaches" && truth["status"].as_u64().unwrap_or(0) != 0 && *status != truth["status"] {
        return (Judgment::Wrong, format!("status {status}, Envoy: {}", truth["status"]));
    }
    if wanted != "reaches" && !envoys.is_empty() && own != envoys && !envoys.contains("DC") {
        return (Judgment::Wrong, format!("flags {own:?}, Envoy: {envoys:?}"));
    }
    (Judgment::Right, String::new())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn flags(value: &Value) -> BTreeSet<&str> {
    let list = value["flags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    list.filter(|flag| *flag != "-").collect()
}
