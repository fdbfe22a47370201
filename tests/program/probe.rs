//! `--probe`: B's application is connected to through a port-forward, nothing is sent, and without the flag there is no
//! connection.

use serde_json::Value;

use crate::api::{Api, Forward, World};
use crate::tool::Tool;

const PORT: u16 = 8086;
/// Where nothing ever listens.
const NOBODYS: u16 = 1;

/// A real mesh in which no connection to the application of B's pod ever came about.
const SCENARIO: &str = "tests/scenarios/application-does-not-listen";

struct Asked {
    verdict: Value,
    /// The port-forwards that were asked for.
    forwards: Vec<String>,
    /// What came through each of them.
    sent: Vec<Vec<String>>,
}

/// The question of the scenario, with a cluster at hand.
fn ask(world: World, more: &[&str]) -> Asked {
    let api = Api::start(world);
    let tool = Tool::new();
    let snapshot = format!("{}/{SCENARIO}", env!("CARGO_MANIFEST_DIR"));
    let config = api.kubeconfig_file();
    let mut arguments = vec!["--snapshot", &snapshot, "--kubeconfig", &config, "-o", "json"];
    arguments.extend(more);
    let run = tool.run(&arguments);
    let verdict = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}", run.err));
    let seen = api.seen();
    let forwards = seen.api.iter().filter(|path| path.contains("portforward")).cloned().collect();
    Asked { verdict, forwards, sent: seen.admin.clone() }
}

/// A cluster whose port-forwards tell that nothing listens on these ports.
fn with_refusals(ports: &[u16]) -> World {
    let mut world = World::new(Vec::new());
    world.refused = ports.to_vec();
    world
}

fn first(verdict: &Value) -> &Value {
    &verdict["findings"][0]
}

#[test]
fn without_the_flag_nothing_connects() {
    let asked = ask(World::new(Vec::new()), &[]);
    assert_eq!(first(&asked.verdict)["id"], "application-does-not-listen");
    assert!(asked.forwards.is_empty(), "{:?}", asked.forwards);
    assert!(!asked.verdict.to_string().contains("probe"), "{:#}", asked.verdict);
}

#[test]
fn one_connection_is_opened_and_nothing_is_sent_on_it() {
    let asked = ask(with_refusals(&[NOBODYS]), &["--probe"]);
    let [control, one] = &asked.forwards[..] else { panic!("{:?}", asked.forwards) };
    assert!(control.contains("/pods/mailer-") && control.ends_with("ports=1"), "{control}");
    assert!(one.contains("/pods/mailer-") && one.ends_with("ports=8086"), "{one}");
    assert!(asked.sent.iter().all(Vec::is_empty), "{:?}", asked.sent);
    let found = first(&asked.verdict);
    assert_eq!(
        (found["id"].as_str(), found["certainty"].as_str()),
        (Some("application-listens-on-loopback-only"), Some("likely"))
    );
}

#[test]
fn what_is_refused_on_loopback_listens_nowhere() {
    let world = with_refusals(&[NOBODYS, PORT]);
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved").display().to_string();
    let asked = ask(world, &["--probe", "--save", &saved]);
    let found = first(&asked.verdict);
    assert_eq!(
        (found["id"].as_str(), found["certainty"].as_str()),
        (Some("application-does-not-listen"), Some("certain"))
    );
    assert!(found["why"].as_str().unwrap().contains("on loopback either"), "{found:#}");
    // The snapshot keeps what came of it, and a replay says it again.
    let again: Value = serde_json::from_str(&Tool::new().run(&["--snapshot", &saved, "-o", "json"]).out).unwrap();
    assert_eq!((&again["findings"], &again["walk"]), (&asked.verdict["findings"], &asked.verdict["walk"]));
}

#[test]
fn where_silence_says_nothing_nothing_is_said() {
    let asked = ask(World::new(Vec::new()), &["--probe"]);
    assert_eq!(first(&asked.verdict)["id"], "application-does-not-listen");
    let lines = asked.verdict["unchecked"].to_string();
    assert!(lines.contains("do not tell whether anything listens"), "{lines}");
}

#[test]
fn a_probe_that_is_not_permitted_is_a_line_and_no_error() {
    let mut world = World::new(Vec::new());
    world.forward = Forward::Forbidden("create");
    let asked = ask(world, &["--probe"]);
    assert_eq!(first(&asked.verdict)["id"], "application-does-not-listen");
    let lines = asked.verdict["unchecked"].to_string();
    assert!(lines.contains("whether the application of pod shop/mailer-"), "{lines}");
}
