//! Wrong input, as people type it: one error that says what is wrong, and a hint with what to type. `mistakes.txt` has each
//! command line and all that it prints; `UPDATE_EXPECT=1` writes it anew, and the diff is the review.

use std::fmt::Write as _;
use std::path::Path;

use super::api::{Api, World, owner, pod};
use super::tool::Tool;

const FILE: &str = "tests/program/mistakes.txt";

/// The messages that say themselves what to type.
const NEED_NO_HINT: &[&str] =
    &["is not a port: a number", "`Name: value`", "v1 or v2", "a `{` is not closed", "no such file or directory"];

fn table() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)).unwrap()
}

/// The command lines of the table, each a line that begins with `$`.
fn commands(table: &str) -> Vec<&str> {
    table.lines().filter_map(|line| line.strip_prefix("$ kubectl mesh-why")).map(str::trim).collect()
}

#[test]
fn each_mistake_has_one_error_and_a_hint() {
    let table = table();
    let mesh = vec![pod("a-1", "istio-proxy"), owner("Deployment", "order-service"), owner("Service", "products")];
    let api = Api::start(World::new(mesh));
    let tool = Tool::new();
    tool.file(".kube/config", api.kubeconfig());
    tool.file("orders.tar.gz", b"");
    tool.file("dump.json", b"{}");
    tool.file("notes/readme.txt", b"");
    let mut told =
        table.lines().take_while(|line| line.starts_with('#')).fold(String::new(), |text, line| text + line + "\n");
    let commands = commands(&table);
    assert!(commands.len() >= 60, "{} mistakes", commands.len());
    let mut without = Vec::new();
    for line in commands {
        let words = shlex::split(line).unwrap();
        let run = tool.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        run.fails(run.code, &[]);
        assert!(matches!(run.code, 2 | 3), "{line}: {}", run.code);
        let has_hint = run.err.contains("\nhint: ") || NEED_NO_HINT.iter().any(|words| run.err.contains(words));
        if !has_hint {
            without.push(format!("{line}: {}", run.err));
        }
        let _ = write!(told, "\n$ kubectl mesh-why {line}\n{}[{}]\n", run.err.replace("\n\n", "\n"), run.code);
    }
    assert!(without.is_empty(), "without a hint:\n{}", without.join("\n"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE), &told).unwrap();
    } else {
        assert_eq!(told, table, "UPDATE_EXPECT=1 writes {FILE} anew");
    }
}
