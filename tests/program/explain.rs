//! `explain`: words and lists, in every format, and what is no word.

use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::api::{Api, World, owner, pod};
use crate::tool::Tool;
use serde_json::Value;

#[test]
fn a_word_is_explained_without_a_cluster() {
    let tool = Tool::new();
    for word in ["UH", "nohealthyupstream", "subset-not-defined", "cluster_not_found", "ist0101", "-"] {
        let run = tool.run(&["explain", word]);
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{word}");
        assert!(run.out.lines().count() > 3 && run.out.lines().all(|line| line.chars().count() <= 80), "{}", run.out);
    }
    let both = tool.run(&["explain", "UF,URX"]).out;
    assert!(both.starts_with("UF, response flag") && both.contains("\n\nURX, response flag"), "{both}");
}

#[test]
fn without_a_word_all_are_listed() {
    let run = Tool::new().run(&["explain"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    for text in ["findings\n", "\nresponse flags\n", "\ndetails of a response\n", "\nanalyzer codes\n", "  IST0173  "] {
        assert!(run.out.contains(text), "{text:?} is not in:\n{}", run.out);
    }
    assert!(run.out.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn what_stands_in_braces_is_explained() {
    let details = "upstream_reset_before_response_started{connection_failure,delayed_connect_error:_111}";
    let run = Tool::new().run(&["explain", details]);
    assert_eq!(run.code, 0);
    assert!(run.out.contains("nothing listens on the port"), "{}", run.out);
}

#[test]
fn an_unknown_word_is_an_error_with_near_ones() {
    let tool = Tool::new();
    let wrong = ["error: `no_helthy_upstream` is not a finding", "\n\nhint: did you mean `no_healthy_upstream`?"];
    tool.run(&["explain", "no_helthy_upstream"]).fails(2, &wrong);
    tool.run(&["explain", "qqqqqqqqqqq"]).fails(2, &["\n\nhint: ", "lists all words"]);
    tool.run(&["explain", "products"]).fails(2, &["`products` is not a finding", "explain B:PORT"]);
    tool.run(&["explain", "503"]).fails(2, &["\n\nhint: many things end with one status"]);
    tool.run(&["explain", "UF,qqqqqqqqqqqq"]).fails(2, &["`qqqqqqqqqqqq`"]);
    tool.run(&["explain", ""]).fails(2, &["`` is not a finding"]);
    let run = tool.run(&["explain", "\u{1b}[2Jqqqqqqq\nINJECTED"]);
    run.fails(2, &["\\u001b"]);
    assert!(!run.err.contains('\u{1b}') && !run.err.contains("\nINJECTED"), "{}", run.err);
    let long = "a".repeat(100_000);
    tool.run(&["explain", &long]).fails(2, &["is not a finding"]);
}

#[test]
fn an_error_is_data_where_the_answer_would_be() {
    let run = Tool::new().run(&["explain", "no_helthy_upstream", "-o", "json"]);
    let error: Value = serde_json::from_str(&run.err).unwrap();
    assert_eq!((run.code, &error["error"]["exit"]), (2, &Value::from(2)));
}

#[test]
fn an_explanation_is_data() {
    let tool = Tool::new();
    let one: Value = serde_json::from_str(&tool.run(&["explain", "UH", "-o", "json"]).out).unwrap();
    assert_eq!(one["schema"], "mesh-why/v1");
    assert_eq!(one["explanations"][0]["kind"], "flag");
    assert_eq!(one["explanations"][0]["also"][0], "NoHealthyUpstream");
    let all: Value = serde_json::from_str(&tool.run(&["explain", "-o", "json"]).out).unwrap();
    assert!(all["explanations"].as_array().unwrap().len() > 150);
    let name = tool.run(&["explain", "UH", "-o", "jsonpath={.explanations[0].also[0]}"]);
    assert_eq!(name.out, "NoHealthyUpstream");
    for format in ["markdown", "mermaid", "html", "junit", "sarif"] {
        tool.run(&["explain", "UH", "-o", format]).fails(2, &["explanations are given as text"]);
    }
    let quiet = tool.run(&["explain", "UH,UF", "-q"]).out;
    assert_eq!(quiet.lines().count(), 2, "{quiet}");
    tool.run(&["explain", "UH", "-o", "nonsense"]).fails(2, &["is not an output format"]);
    tool.run(&["explain", "UH", "-o", "jsonpath={.a["]).fails(2, &["is not a JSONPath"]);
}

#[test]
fn color_is_a_choice() {
    let tool = Tool::new();
    assert!(tool.run(&["explain", "UH", "--color", "always"]).out.contains('\u{1b}'));
    assert!(!tool.run(&["explain", "UH"]).out.contains('\u{1b}'));
}

#[test]
fn what_is_for_a_question_is_not_for_a_word() {
    let tool = Tool::new();
    tool.run(&["explain", "--demo"]).fails(2, &["`--demo` cannot go with `explain`"]);
    tool.run(&["explain", "UH", "-n", "shop"]).fails(2, &["`--namespace` cannot go with `explain`"]);
    tool.run(&["explain", "UH", "UF"]).fails(2, &["UF"]);
}

#[test]
fn a_pod_may_be_called_so() {
    let api = Api::start(World::new(vec![pod("a-1", "istio-proxy"), owner("Service", "products")]));
    let tool = Tool::new();
    tool.file(".kube/config", api.kubeconfig());
    for destination in ["products:8080", "products:http", "10.0.0.1:80", "http://products/"] {
        tool.run(&["explain", destination]).fails(3, &["`explain` was not found in namespace shop"]);
    }
}

#[test]
fn whoever_closes_the_pipe_has_read_enough() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-mesh_why"))
        .args(["explain", "-o", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut first).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
