//! Completion: the values that the program knows, and the scripts that ask it.

use std::path::Path;
use std::process::Command;

use super::api::{Api, World, owner, pod};
use super::tool::Tool;

fn mesh() -> (Api, Tool) {
    let api = Api::start(World::new(vec![
        pod("a-1", "istio-proxy"),
        owner("Deployment", "orders"),
        owner("Service", "orders"),
        owner("Service", "products"),
    ]));
    let tool = Tool::new();
    tool.file(".kube/config", api.kubeconfig());
    (api, tool)
}

/// The values that the last of the words can have.
fn found(tool: &Tool, words: &[&str]) -> Vec<String> {
    let run = tool.run(&[&["__complete"], words].concat());
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{words:?}");
    let (values, directive) = run.out.trim_end().rsplit_once('\n').unwrap_or(("", run.out.trim_end()));
    assert!(directive == ":4" || directive == ":6", "{}", run.out);
    values.lines().map(|line| line.split('\t').next().unwrap().to_owned()).filter(|word| !word.is_empty()).collect()
}

#[test]
fn names_come_from_the_cluster() {
    let (_api, tool) = mesh();
    assert_eq!(found(&tool, &[""]), ["a-1", "orders", "products", "explain", "completion"]);
    assert_eq!(found(&tool, &["or"]), ["orders"]);
    assert_eq!(found(&tool, &["deploy/"]), ["deploy/orders"]);
    assert_eq!(found(&tool, &["orders", "pro"]), ["products:8080", "products:9090"]);
    assert_eq!(found(&tool, &["orders", "products:9"]), ["products:9090"]);
    assert_eq!(found(&tool, &["orders", "products.s"]), ["products.shop:8080", "products.shop:9090"]);
    assert_eq!(found(&tool, &["-l", "app=a", "pro"]), ["products:8080", "products:9090"]);
    assert_eq!(found(&tool, &["orders", "products:8080", "--context", ""]), ["test"]);
}

#[test]
fn words_come_from_the_program() {
    let tool = Tool::new();
    assert_eq!(found(&tool, &["a", "b:1", "-o", "m"]), ["markdown", "mermaid"]);
    assert_eq!(found(&tool, &["a", "b:1", "--output=js"]), ["--output=json", "--output=jsonpath="]);
    assert_eq!(found(&tool, &["a", "b:1", "--metho"]), ["--method"]);
    assert_eq!(found(&tool, &["a", "b:1", "--color", "n"]), ["never"]);
    assert_eq!(found(&tool, &["completion", ""]), ["bash", "zsh", "fish", "kubectl"]);
    assert!(found(&tool, &["explain", "subset-"]).contains(&"subset-selects-no-pods".to_owned()));
    tool.file("orders.tar.gz", "");
    assert_eq!(found(&tool, &["--snapshot", "ord"]), ["orders.tar.gz"]);
}

#[test]
fn without_a_cluster_it_is_silent() {
    let tool = Tool::new();
    assert_eq!(found(&tool, &["or"]), Vec::<String>::new());
    assert_eq!(found(&tool, &["orders", "pro"]), Vec::<String>::new());
    assert_eq!(found(&tool, &["--demo", ""]), Vec::<String>::new());
    assert_eq!(found(&tool, &["orders", "b:1", "-n", ""]), Vec::<String>::new());
    tool.file(".kube/config", "a: [");
    assert_eq!(found(&tool, &["or"]), Vec::<String>::new());
    assert_eq!(found(&tool, &["a", "b:1", "--context", ""]), Vec::<String>::new());
    for odd in [&[][..], &["--nonsense", "x"], &["--", "x"], &["a", "b", "c", ""], &["-o"], &["\u{1b}[2J"]] {
        found(&tool, odd);
    }
}

#[test]
fn what_may_not_be_read_is_not_suggested() {
    let mut world = World::new(vec![pod("a-1", "istio-proxy"), owner("Service", "products")]);
    world.forbidden = vec!["services"];
    let api = Api::start(world);
    let tool = Tool::new();
    tool.file(".kube/config", api.kubeconfig());
    assert_eq!(found(&tool, &["a"]), ["a-1"]);
    assert_eq!(found(&tool, &["a-1", ""]), Vec::<String>::new());
}

/// Bash, as it completes the line that was typed so far.
fn in_bash(tool: &Tool, line: &str) -> Vec<String> {
    let script = tool.file("completion.bash", tool.run(&["completion", "bash"]).out);
    let folder = Path::new(env!("CARGO_BIN_EXE_kubectl-mesh_why")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let ask = format!(
        "source '{script}'; COMP_LINE=$1 COMP_POINT=${{#1}}; _kubectl_mesh_why; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let output = Command::new("bash")
        .args(["--norc", "-c", &ask, "bash", line])
        .env_clear()
        .envs([("PATH", path.as_str()), ("HOME", &tool.home().display().to_string())])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap().lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_what_stands_behind_a_colon() {
    let (_api, tool) = mesh();
    assert_eq!(in_bash(&tool, "kubectl-mesh_why or"), ["orders"]);
    assert_eq!(in_bash(&tool, "kubectl-mesh_why orders pro"), ["products:8080", "products:9090"]);
    assert_eq!(in_bash(&tool, "kubectl-mesh_why orders products:9"), ["9090"]);
    assert_eq!(in_bash(&tool, "kubectl-mesh_why orders products:8080 --output=y"), ["yaml"]);
    assert_eq!(in_bash(&tool, "kubectl-mesh_why orders products:8080 -o y"), ["yaml"]);
}

#[expect(clippy::print_stderr, reason = "what is skipped is said")]
/// Other shells read their scripts, where they are installed.
#[test]
fn scripts_are_scripts() {
    let tool = Tool::new();
    for (shell, checks) in [("bash", "bash -n"), ("zsh", "zsh -n"), ("fish", "fish --no-execute"), ("kubectl", "sh -n")]
    {
        let script = tool.run(&["completion", shell]);
        assert_eq!(script.code, 0);
        let file = tool.file(&format!("{shell}.script"), &script.out);
        let (program, flag) = checks.split_once(' ').unwrap();
        match Command::new(program).args([flag, &file]).output() {
            Ok(output) => assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => eprintln!("{shell}'s script is not checked: {program}: {error}"),
        }
    }
    tool.run(&["completion"]).fails(2, &["needs a shell", "there are bash, zsh, fish, kubectl"]);
    tool.run(&["completion", "bsh"]).fails(2, &["no completion for `bsh`", "did you mean `bash`?"]);
}
