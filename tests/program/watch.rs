//! `--watch`: the question is asked again until its answer is another one.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::{Api, World, owner, pod};
use crate::tool::{Run, Tool};
use crate::{moving, raw};

/// An admin endpoint whose only host is healthy from the fourth time on that it is asked. The second and the third time
/// somebody else answers.
pub(crate) fn recovering() -> String {
    let rounds = AtomicUsize::new(0);
    raw::serve(move |path| {
        let round = rounds.fetch_add(usize::from(path.contains("bootstrap.node.id")), Ordering::SeqCst);
        let round = round + usize::from(path.contains("bootstrap.node.id"));
        if (2..4).contains(&round) {
            return raw::json(503, "{}");
        }
        raw::json(200, &answer(path, round).to_string())
    })
}

fn answer(path: &str, round: usize) -> Value {
    let health = if round < 4 { json!({"failed_active_health_check": true}) } else { json!({}) };
    match path {
        _ if path.starts_with("/clusters") => json!({"cluster_statuses": [{"name": "c", "host_statuses": [
            {"address": {"socket_address": {"address": "10.0.0.9", "port_value": 80}}, "health_status": health,
                "stats": [{"name": "cx_total", "value": round.to_string()}]}]}]}),
        _ if path.contains("mask=dynamic_active_clusters") => json!({"configs": [{"dynamic_active_clusters": [
            {"last_updated": "t", "cluster": {"name": "c", "type": "STATIC",
                "common_lb_config": {"healthy_panic_threshold": {"value": 0}}}}]}]}),
        _ => moving::body(path, "t"),
    }
}

fn watched(arguments: &[&str]) -> Run {
    let url = recovering();
    Tool::new().run(&[&["10.0.0.1:80", "--admin", &url, "--protocol", "tcp", "--watch"], arguments].concat())
}

/// A program that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

#[test]
fn an_endpoint_that_recovers_ends_it_with_the_new_answer() {
    let run = watched(&[]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.starts_with("✗ "), "{}", run.out);
    let (_, changed) = run.out.split_once("\n\nchanged at ").unwrap_or_else(|| panic!("{}", run.out));
    let (report, screen) = changed.split_once("\n\n").unwrap();
    assert!(report.lines().next().unwrap().ends_with("Z, asked 4 times"), "{report}");
    let words = report.split_whitespace().collect::<Vec<_>>().join(" ");
    for change in [
        "outcome fails → reaches",
        "endpoint 10.0.0.9:80: failed the health check (failed_active_health_check) → healthy",
    ] {
        assert!(words.contains(change), "{report}");
    }
    assert!(screen.starts_with("✓ "), "{screen}");
    // Twice it could not be read, which is said once.
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
    let said = "Z cannot read ";
    assert!(run.err.contains(said) && run.err.ends_with("; trying again\n"), "{}", run.err);
}

#[test]
fn data_follows_each_other_and_nothing_else_is_said() {
    let run = watched(&["-o", "json"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let outcomes: Vec<Value> = serde_json::Deserializer::from_str(&run.out)
        .into_iter::<Value>()
        .map(|document| document.unwrap()["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["fails", "reaches"]);
    let run = watched(&["-o", "yaml"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let outcomes =
        run.out.split("\n---\n").map(|text| serde_saphyr::from_str::<Value>(text).unwrap()["outcome"].clone());
    assert_eq!(outcomes.collect::<Vec<_>>(), ["fails", "reaches"]);
    let run = watched(&["-q"]);
    assert_eq!((run.code, run.err.as_str(), run.out.lines().count()), (0, "", 2));
}

#[test]
fn one_document_is_no_series() {
    let tool = Tool::new();
    for format in ["html", "junit", "sarif", "mermaid"] {
        let run = tool.run(&["a", "b:80", "--watch", "-o", format]);
        run.fails(2, &["--watch prints one answer after another", "text, wide, markdown"]);
    }
    for other in ["--demo", "--all-pods", "--save=x", "--snapshot=x", "-f=x", "--from-log=-"] {
        tool.run(&["a", "b:80", "-w", other]).fails(2, &["cannot go together"]);
    }
}

#[test]
fn a_pod_that_is_replaced_is_no_answer_and_a_service_that_is_gone_is() {
    let all = [owner("Deployment", "order-service"), owner("Service", "products")];
    let mut world = World::new([&[pod("a-1", "istio-proxy")], &all[..]].concat());
    world.unserved = vec!["networking.istio.io/v1"];
    let later = Arc::clone(&world.later);
    let api = Api::start(world);
    let tool = Tool::new();
    tool.file(".kube/config", api.kubeconfig());
    let child = Command::new(env!("CARGO_BIN_EXE_kubectl-mesh_why"))
        .args(["deploy/order-service", "products:8080", "--watch", "--exact"])
        .env_clear()
        .env("HOME", tool.home())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Ended(child);
    let asked = |pod: &str| {
        let path = format!("GET /api/v1/namespaces/shop/pods/{pod}/portforward");
        let began = Instant::now();
        while !api.seen().api.iter().any(|asked| asked.starts_with(&path)) {
            assert!(began.elapsed() < Duration::from_secs(30), "{:?}", api.seen().api);
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    asked("a-1");
    std::thread::sleep(Duration::from_secs(1));
    *later.lock().unwrap() = Some([&[pod("a-2", "istio-proxy")], &all[..]].concat());
    asked("a-2");
    std::thread::sleep(Duration::from_secs(1));
    *later.lock().unwrap() = Some(vec![pod("a-2", "istio-proxy"), all[0].clone()]);
    let code = child.0.wait().unwrap().code();
    let (mut out, mut err) = (String::new(), String::new());
    child.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.0.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(out.matches("\nchanged at ").count(), 1, "{out}{err}");
    assert_eq!(code, Some(1), "{out}{err}");
    assert_eq!(err.lines().count(), 1, "{err}");
    assert!(err.ends_with("Z asking pod/a-2 from now on\n"), "{err}");
}
