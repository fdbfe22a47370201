//! What is said on standard error: text of others steers no terminal and begins no line.

use crate::api::{World, pod};
use crate::raw;
use crate::tool::{Run, Tool};

/// What somebody wrote who wants to be taken for the program.
const FORGED: &str = "\u{1b}[2J\u{1b}]52;c;eA==\u{7}\r\nerror: FORGED\u{202e}\u{9b}1m\u{2028}";

/// Nothing of it is on the screen as it is, and no line is its own.
#[track_caller]
fn is_safe(run: &Run) {
    assert!(run.err.contains(r"\u001b[2J"), "{}", run.err);
    for line in run.err.lines() {
        assert!(!line.starts_with("error: FORGED"), "{}", run.err);
        let steers = |c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{2028}');
        assert!(!line.contains(steers), "{line:?}");
    }
}

#[test]
fn names_of_files_and_kubeconfigs_are_text() {
    let tool = Tool::new();
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_gnu();
    let name = format!("../{FORGED}");
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    builder.append(&header, std::io::empty()).unwrap();
    let archive = tool.file("a.tar.gz", builder.into_inner().unwrap().finish().unwrap());
    is_safe(&tool.run(&["b:80", "--snapshot", &archive]));
    // YAML takes such characters as escapes alone.
    let escapes: Vec<String> = FORGED.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let name = format!("\"{}\"", escapes.concat());
    let config = tool.file("config", format!("{{current-context: {name}}}"));
    is_safe(&tool.run(&["a", "b:80", "--kubeconfig", &config]));
    let known = tool.file("known", format!("{{contexts: [{{name: {name}, context: {{cluster: x}}}}]}}"));
    is_safe(&tool.run(&["a", "b:80", "--kubeconfig", &known]));
    is_safe(&tool.run(&["b:80", "--snapshot", FORGED]));
    tool.file(&format!("{FORGED}/x"), "");
    is_safe(&tool.run(&["--demo", "--save", FORGED]));
}

#[test]
fn words_of_an_api_server_are_text() {
    for reason in ["Forbidden", FORGED] {
        let url = raw::serve(move |_| raw::status(403, reason, FORGED));
        is_safe(&Tool::new().run(&["pod/a", "b:80", "-s", &url, "-v"]));
    }
    let running = |phase: &str| {
        serde_json::json!({"kind": "Pod", "metadata": {"name": FORGED, "namespace": FORGED}, "status": {"phase": phase},
            "spec": {"containers": [{"name": "istio-proxy"}]}})
    };
    for phase in ["Running", FORGED] {
        let pod = running(phase).to_string();
        let url = raw::serve(move |_| raw::json(200, &pod));
        is_safe(&Tool::new().run(&["pod/a", "b:80", "-s", &url, "-v"]));
    }
    let mut world = World::new(vec![pod("a-1", "istio-proxy"), pod("a-2", "istio-proxy")]);
    for pod in &mut world.objects {
        pod["metadata"]["name"] = FORGED.into();
    }
    world.objects.push(crate::api::owner("Deployment", "a"));
    let api = crate::api::Api::start(world);
    let tool = Tool::new();
    let config = tool.file("config", api.kubeconfig());
    let run = tool.run(&["a", "b:80", "--kubeconfig", &config]);
    assert!(run.err.starts_with("asking pod/\\u001b[2J"), "{}", run.err);
    is_safe(&run);
}

#[test]
fn arguments_that_clap_quotes_are_text() {
    let tool = Tool::new();
    is_safe(&tool.run(&["a", "b:80", FORGED]));
    is_safe(&tool.run(&["a", "b:80", "--color", FORGED]));
    is_safe(&tool.run(&["a", "b:80", &format!("--{FORGED}")]));
    is_safe(&tool.run(&["a", "b:80", "-o", FORGED]));
    is_safe(&tool.run(&["a", &format!("b:{FORGED}")]));
    is_safe(&tool.run(&["a", "b:80", "--request-timeout", FORGED]));
}

#[test]
fn a_long_name_does_not_hide_the_rest() {
    let tool = Tool::new();
    let run = tool.run(&[&format!("no/{}", "x".repeat(5000)), "b:80"]);
    assert!(run.err.len() < 1000, "{}", run.err);
    let run = tool.run(&["a", &format!("{}:0", "x".repeat(5000))]);
    assert!(run.err.len() < 1000, "{}", run.err);
    let run = tool.run(&["a", "b:80", "--kubeconfig", &"x".repeat(5000)]);
    assert!(run.err.contains('…') && run.err.len() < 1000, "{}", run.err);
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_is_not_written_whole_is_an_error() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [&["--demo"][..], &["--demo", "-o", "json"], &["--demo", "-q"], &["--help"], &["version"]] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-mesh_why"));
        let output = command.args(arguments).env_clear().stdout(full()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {said}");
        let expected = if arguments.contains(&"json") {
            r#"{
  "schema": "mesh-why/v1",
  "error": {
    "message": "cannot write the answer",
    "causes": [
      "no space left on device"
    ],
    "hint": null,
    "exit": 3
  }
}
"#
        } else {
            "error: cannot write the answer\n  caused by: no space left on device\n"
        };
        assert_eq!(said, expected);
    }
}

#[test]
fn a_malformed_question_of_a_snapshot_is_the_snapshots_fault() {
    let tool = Tool::new();
    let ask = |ask: &str| {
        let manifest = format!(r#"{{"schema": "mesh-why-snapshot/v1", "ask": {ask}}}"#);
        tool.file("s/snapshot.json", manifest);
        tool.file("s/source/config_dump.json", r#"{"configs": []}"#);
    };
    for (question, words) in [
        (r#"{"to": "b:80", "path": "x", "method": "GET", "headers": []}"#, "`x` is not a path"),
        (r#"{"to": "b:80", "path": "/", "method": "G T", "headers": []}"#, "`G T` is not a method"),
        (r#"{"to": "b:80", "path": "/", "method": "GET", "headers": ["x"]}"#, "`x` is not a header"),
        (r#"{"to": "b", "path": "/", "method": "GET", "headers": []}"#, "`b` has no port"),
        (r#"{"to": 5, "path": "/", "method": "GET", "headers": []}"#, "snapshot.json"),
        ("5", "snapshot.json"),
    ] {
        ask(question);
        tool.run(&["--snapshot", "s"]).fails(3, &["s is not a snapshot", words]);
    }
    ask(r#"{"to": "b:80", "path": "x", "method": "GET", "headers": []}"#);
    tool.run(&["--snapshot", "s", "--method", "G T"]).fails(2, &["`G T` is not a method"]);
    assert!(!tool.run(&["--snapshot", "s", "--path", "/y", "-q"]).out.is_empty());
    assert!(!tool.run(&["b:80", "--snapshot", "s", "-q"]).out.is_empty());
}
