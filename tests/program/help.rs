//! `-h` is short, `--help` is whole, and each command that they show runs.

use super::api::{Api, World, owner, pod};
use super::tool::Tool;

/// The commands of a help text, in its order.
fn commands(help: &str) -> Vec<Vec<String>> {
    let (_, examples) = help.split_once("Examples:").unwrap();
    let lines = examples.lines().map(str::trim).filter_map(|line| line.strip_prefix("kubectl mesh-why "));
    lines.map(|line| shlex::split(line).unwrap()).collect()
}

#[test]
fn every_example_runs() {
    let api = Api::start(World::new(vec![
        pod("a-1", "istio-proxy"),
        owner("Deployment", "orders"),
        owner("Service", "products"),
    ]));
    let tool = Tool::new();
    tool.file(".kube/config", api.kubeconfig());
    let long = commands(&tool.run(&["--help"]).out);
    let short = commands(&tool.run(&["-h"]).out);
    assert!(long.len() > short.len() && short.len() >= 5, "{} and {}", long.len(), short.len());
    // What one example saves, another reads.
    for words in long.iter().chain(&short) {
        let mut command = tool.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
        command.write_stdin(
            "[2026-01-01T00:00:00.000Z] \"GET /api HTTP/1.1\" 503 UH no_healthy_upstream - \"-\" 0 19 0 - \"-\" \"curl\" \
             \"id\" \"products:8080\" \"-\" outbound|8080||products.shop.svc.cluster.local - 10.0.0.9:8080 10.0.0.1:1 - -\n",
        );
        let run = Tool::finish(&mut command);
        assert!(matches!(run.code, 0 | 1 | 3) && !run.out.is_empty(), "{words:?}: {} {}", run.code, run.err);
        assert!(!run.err.contains("error: "), "{words:?}: {}", run.err);
    }
}

#[test]
fn the_short_help_is_short() {
    let tool = Tool::new();
    let (short, long) = (tool.run(&["-h"]).out, tool.run(&["--help"]).out);
    assert!(short.lines().count() <= 64, "{short}");
    assert!(short.lines().all(|line| line.chars().count() <= 100), "{short}");
    for flag in ["--path", "-H, --header", "--from-log", "--snapshot", "-o, --output", "--context", "-n, --namespace"] {
        assert!(short.contains(flag) && long.contains(flag), "{flag}");
    }
    for rare in ["--as-user-extra", "--max-read", "--sni"] {
        assert!(!short.contains(rare) && long.contains(rare), "{rare}");
    }
}
