//! `--from-log`: a line of an access log is the question, and then is compared with now.

use std::path::Path;

use serde_json::Value;

use crate::tool::{Run, Tool};

const UH: &str = r#"[2026-08-22T14:02:11.123Z] "GET / HTTP/1.1" 503 UH no_healthy_upstream - "-" 0 19 0 - "-" "curl/8.5.0" "4f1c" "product-service:8082" "-" outbound|8082|v3|product-service.shop.svc.cluster.local - 10.96.247.237:8082 10.244.0.9:41234 - -"#;
const REFUSED: &str = r#"[2026-08-22T14:02:11.123Z] "GET / HTTP/1.1" 503 URX,UF upstream_reset_before_response_started{remote_connection_failure,delayed_connect_error:_111} - "delayed_connect_error:_111" 0 152 31 - "-" "curl/8.5.0" "4f1c" "product-service:8082" "10.244.7.7:8082" outbound|8082||product-service.shop.svc.cluster.local - 10.96.247.237:8082 10.244.0.9:41234 - default"#;

fn scenario(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(name).display().to_string()
}

fn asked(name: &str, arguments: &[&str]) -> Run {
    Tool::new().run(&[&["--snapshot", &scenario(name)], arguments].concat())
}

/// The block under `log`.
fn block(run: &Run) -> String {
    let (_, rest) = run.out.split_once("\nlog\n").unwrap_or_else(|| panic!("{}{}", run.out, run.err));
    rest.split("\n\n").next().unwrap().to_owned()
}

fn log(run: &Run) -> Value {
    serde_json::from_str::<Value>(&run.out).unwrap()["log"].clone()
}

#[test]
fn a_line_that_still_holds_is_said_to_be_the_same() {
    let run = asked("subset-selects-no-pods", &["--from-log", UH]);
    assert_eq!(run.code, 1);
    assert_eq!(
        block(&run),
        "  then       503 UH at 2026-08-22T14:02:11.123Z; the source's proxy wrote it
  cluster    outbound|8082|v3|product-service.shop.svc.cluster.local
  UH         no host of the cluster could be chosen: there is none, or none is
             healthy
  details    no_healthy_upstream: no host of the cluster could be chosen
  now        the same: 503 UH, no_healthy_upstream, by order-service's proxy"
    );
}

#[test]
fn what_is_mended_is_said_to_be() {
    let run = asked("reaches-a-service", &["--from-log", UH]);
    assert_eq!(run.code, 0);
    let block = block(&run);
    assert!(block.contains("now        the request is handed over: what was wrong is not there any more"), "{block}");
    assert!(block.contains("changed    cluster: now outbound|8082||product-service."), "{block}");
    let json = log(&asked("reaches-a-service", &["--from-log", UH, "-o", "json"]));
    assert_eq!((json["compared"].as_str(), json["side"].as_str()), (Some("differs"), Some("source")));
    assert_eq!((json["status"].as_u64(), &json["flags"]), (Some(503), &serde_json::json!(["UH"])));
    assert_eq!(json["changes"][0]["now"], "outbound|8082||product-service.shop.svc.cluster.local");
}

#[test]
fn an_endpoint_that_went_away_is_said_to_have_gone() {
    let run = asked("reaches-a-service", &["--from-log", REFUSED]);
    let block = block(&run);
    assert!(block.contains("now        the request is handed over, and not to that endpoint"), "{block}");
    assert!(block.contains("changed    endpoint: now not in the cluster any more"), "{block}");
    assert!(block.contains("failed: nothing\n    listens at the host's address"), "{block}");
}

#[test]
fn what_only_a_log_can_tell_is_explained_with_where_to_look() {
    let line = REFUSED.replace("10.244.7.7", "10.244.0.4").replace("URX,UF", "UC,ODD");
    let line = line.replace("remote_connection_failure,delayed_connect_error:_111", "connection_termination");
    let run = asked("reaches-a-service", &["--from-log", &line]);
    let block = block(&run);
    assert_eq!(run.code, 0);
    assert!(block.contains("only traffic shows whether ODD,UC"), "{block}");
    assert!(block.contains("ODD        a flag that is not known here"), "{block}");
    assert!(block.ends_with("look at\n    kubectl -n shop logs service/product-service --since=10m"), "{block}");
}

#[test]
fn a_line_of_bs_proxy_is_compared_with_bs_answer() {
    let inside = |status: &str, cluster: &str| {
        format!(
            r#"[2026-08-22T14:02:11.123Z] "GET / HTTP/1.1" {status} - "-" 0 19 1 - "-" "curl/8.5.0" "4f1c" "product-service:8082" "{cluster}" inbound|8082|| 127.0.0.6:1 10.244.0.4:8082 10.244.0.9:41234 outbound_.8082_._.product-service.shop.svc.cluster.local default"#
        )
    };
    let run = asked("reaches-a-service", &["--from-log", &inside("200 - via_upstream", "10.244.0.4:8082")]);
    let fine = block(&run);
    assert!(
        fine.contains("the destination's proxy wrote it") && fine.contains("the same: the request is handed over"),
        "{fine}"
    );
    let denied = inside("403 - rbac_access_denied_matched_policy[none]", "-");
    let run = asked("reaches-a-service", &["--from-log", &denied]);
    let said = block(&run).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("now the request is handed over: it is not answered by the proxy any more"), "{said}");
    let run = asked("reaches-a-service", &["--no-destination", "--from-log", &denied]);
    assert!(block(&run).contains("product-service's proxy was not read, and it wrote the line"), "{}", block(&run));
    Tool::new().run(&["--from-log", &denied]).fails(2, &["A is missing", "B's proxy wrote the line"]);
}

#[test]
fn a_connection_is_compared_too() {
    let line = r#"[2026-08-22T14:02:11.123Z] "- - -" 0 UH - - "-" 0 0 0 - "-" "-" "-" "-" "-" outbound|5672||mq.shop.svc.cluster.local - 192.0.2.9:5672 10.244.0.9:41234 - -"#;
    let run = asked("tcp-deployment-is-scaled-to-zero", &["mq:5672", "--from-log", line]);
    let said = block(&run);
    assert!(
        said.contains("closed UH at") && said.contains("now        the same: closed UH, by order-service's proxy"),
        "{said}"
    );
    let dialed = asked("tcp-deployment-is-scaled-to-zero", &["--from-log", line]);
    let said = block(&dialed).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("to the address that was dialed, which the proxy does not know"), "{said}");
}

#[test]
fn standard_input_has_a_line_somewhere() {
    let piped = |arguments: &[&str], text: &str| {
        let snapshot = scenario("subset-selects-no-pods");
        let all = [&["--snapshot", snapshot.as_str(), "--from-log", "-"], arguments].concat();
        Tool::finish(Tool::new().command(&all).write_stdin(text.to_owned()))
    };
    let run = piped(&[], &format!("\nEnvoy proxy is ready\n{UH}\n{REFUSED}\n"));
    assert_eq!((run.code, run.err.as_str()), (1, "asking about line 3 of standard input\n"));
    assert!(block(&run).contains("503 UH"));
    assert_eq!(piped(&["-o", "json"], UH).err, "");
    piped(&[], "").fails(2, &["standard input has no line of an access log: it is empty"]);
    piped(&[], "nothing\n").fails(2, &["standard input has no line of an access log", "kubectl logs"]);
    piped(&[], "a\nb\n").fails(2, &["none of the 2 lines of standard input is an access log's"]);
    let tool = Tool::new();
    let twice = "standard input cannot be both --from-log and a file";
    tool.run(&["-f", "-", "--from-log", "-"]).fails(2, &[twice]);
    tool.run(&["-f", "x", "--clusters", "-", "--from-log", "-"]).fails(2, &[twice]);
}

#[test]
fn what_is_no_line_or_names_too_little_is_one_error() {
    let tool = Tool::new();
    for (line, words) in [
        ("", "it is empty"),
        ("503 UH", "neither Envoy's text format"),
        (&UH[..40], "it begins as an access log does and is cut off"),
        ("{\"response_code\":503", "it begins as JSON and is cut off"),
        ("{\"level\":\"info\"}", "it is JSON without the members of an access log"),
    ] {
        tool.run(&["orders", "--from-log", line]).fails(2, &[words, "single quotes"]);
    }
    tool.run(&["orders", "--exact", "--from-log", UH]).fails(2, &["--exact"]);
    tool.run(&["--from-log", UH]).fails(2, &["A is missing", "which pod wrote it"]);
    tool.run(&["products:80", "--from-log", UH]).fails(2, &["A is missing"]);
    let nowhere = r#"[2026-08-22T14:02:11.123Z] "GET / HTTP/1.1" 400 DPE 0 11 0 - "-" "-" "-" "-" "-""#;
    tool.run(&["orders", "--from-log", nowhere]).fails(2, &["B:PORT is missing", "the line has no Host"]);
    let broken = UH.replace("GET /", "G@T /");
    tool.run(&["orders", "--from-log", &broken]).fails(2, &["`G@T` is not a method"]);
}

#[test]
fn the_command_line_wins_over_the_line_and_says_so() {
    let run = asked("reaches-a-service", &["product-service:8082", "--path", "/other", "--from-log", UH]);
    let said = block(&run);
    assert!(said.contains("note       the question's path is /other, and the line's is /"), "{said}");
    let run = asked("reaches-a-service", &["order-service.shop", "elsewhere:90", "--from-log", UH]);
    let said = block(&run).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("the question is about elsewhere:90, and the line about product-service:8082"), "{said}");
}

#[test]
fn a_replay_prints_the_same_and_holds_no_secret() {
    let tool = Tool::new();
    let line = UH.replace("GET / ", "GET /x?token=SEKRIT ").replace("curl/8.5.0", "password=SEKRIT");
    let (from, to) = (scenario("subset-selects-no-pods"), tool.home().join("kept").display().to_string());
    let first = tool.run(&["--snapshot", &from, "--from-log", &line, "--save", &to]);
    let again = tool.run(&["--snapshot", &to]);
    assert_eq!((first.code, &first.out), (again.code, &again.out));
    let kept = std::fs::read_to_string(Path::new(&to).join("snapshot.json")).unwrap();
    assert!(!kept.contains("SEKRIT") && !first.out.contains("SEKRIT"), "{kept}");
    assert!(kept.contains("\"log\"") && !kept.contains("4f1c"), "{kept}");
    let other = tool.run(&["--snapshot", &to, "--path", "/other"]);
    assert!(!other.out.contains("\nlog\n"), "another question is not the line's");
}

#[test]
fn a_line_steers_no_terminal() {
    let hostile = UH.replace("no_healthy_upstream", "a\u{1b}[2J\u{202e}b").replace("|v3|", "|\u{9b}31m|");
    let run = asked("reaches-a-service", &["--from-log", &hostile]);
    assert!(run.out.contains(r"a\u001b[2J\u202eb"), "{}", run.out);
    assert!(!run.out.contains(['\u{1b}', '\u{202e}', '\u{9b}']));
}
