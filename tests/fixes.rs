//! What every scenario's answer would change: each fix is held against the object that it is about, as the snapshot has it.

#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{Scenario, answer, none, print, scenarios, snapshot};
use jsonpath_rust::JsonPath as _;
use mesh_why::render::Format;
use serde_json::Value;

/// Every fix of every scenario.
fn fixes() -> Vec<(Scenario, Value)> {
    let mut fixes = Vec::new();
    for scenario in scenarios() {
        let verdict = answer(&scenario.case.ask, &mut snapshot(scenario.files()));
        let document: Value = serde_json::from_str(&print(&verdict, &Format::Json)).unwrap();
        let findings = document["findings"].as_array().unwrap().iter();
        let all = findings.flat_map(|finding| finding["fix"].as_array().unwrap());
        fixes.extend(all.map(|fix| (scenario.clone(), fix.clone())));
    }
    fixes
}

/// Fails with what each fix has against it.
fn hold(rule: impl Fn(&Scenario, &Value) -> Option<String>) {
    let all = fixes();
    assert!(all.len() > 50, "{} fixes", all.len());
    let complaints = all.iter().filter_map(|(scenario, fix)| {
        rule(scenario, fix).map(|complaint| format!("{}: {complaint}\n{fix:#}", scenario.name))
    });
    none(&complaints.collect::<Vec<_>>());
}

/// The object of a fix, where the snapshot has it.
fn object_of(scenario: &Scenario, fix: &Value) -> Option<Value> {
    let wanted = &fix["object"];
    let objects = scenario.json("objects.json")?;
    let group = |object: &Value| {
        let version = object["apiVersion"].as_str().unwrap();
        version.rsplit_once('/').map_or(String::new(), |(group, _)| group.to_owned())
    };
    let is_it = |object: &&Value| {
        let metadata = &object["metadata"];
        group(object) == group(wanted)
            && object["kind"] == wanted["kind"]
            && metadata["namespace"] == wanted["namespace"]
            && metadata["name"] == wanted["name"]
    };
    let found = if wanted.is_null() { None } else { objects["items"].as_array().unwrap().iter().find(is_it) };
    found.cloned()
}

#[test]
fn a_field_is_one_that_the_object_has_and_holds_what_is_said() {
    hold(|scenario, fix| {
        let object = object_of(scenario, fix)?;
        let field = fix["field"].as_str().filter(|field| !field.is_empty())?;
        let found = object.query(&format!("$.{field}")).unwrap_or_default();
        let [held] = found[..] else { return Some(format!("{field} is there {} times", found.len())) };
        (!fix["now"].is_null() && fix["now"] != *held).then(|| format!("{field} holds {held}"))
    });
}

#[test]
fn what_is_not_there_is_said_to_hold_nothing() {
    hold(|scenario, fix| {
        let is_there = object_of(scenario, fix).is_some();
        let is_new = fix["op"] == "add";
        (!fix["now"].is_null() && (!is_there || is_new)).then(|| "it holds something".to_owned())
    });
}

#[test]
fn an_object_that_is_to_be_made_is_not_there_and_one_that_is_to_go_is() {
    hold(|scenario, fix| {
        let is_whole = fix["field"] == "";
        let wanted = if object_of(scenario, fix).is_some() { "remove" } else { "add" };
        (is_whole && fix["op"] != wanted).then(|| "the whole object is meant".to_owned())
    });
}

#[test]
fn what_concerns_no_object_has_no_field_and_no_values() {
    hold(|_, fix| {
        let is_none = ["field", "now", "want"].iter().all(|part| fix[*part].is_null());
        (fix["object"].is_null() != fix["field"].is_null() || (fix["object"].is_null() && !is_none))
            .then(|| "the parts do not go together".to_owned())
    });
}

#[test]
fn what_is_to_go_is_not_wanted() {
    hold(|_, fix| (fix["op"] == "remove" && !fix["want"].is_null()).then(|| "it is wanted".to_owned()));
}

#[test]
fn a_text_stands_alone() {
    let leaning = ["or ", "then ", "and ", "first "];
    hold(|_, fix| {
        let text = fix["text"].as_str().unwrap();
        let leans = leaning.iter().any(|word| text.starts_with(word));
        let name = fix["object"]["name"].as_str().unwrap_or_default();
        // Of what Sidecars show and what policies allow, and of a Service to make, the text says so in its own words.
        let is_own = fix["op"] == "add";
        (leans || text.is_empty() || (!is_own && !text.contains(name))).then(|| "it does not stand alone".to_owned())
    });
}

/// What was read is not only named: most of the fixes that change something say what it holds.
#[test]
fn what_was_read_is_said() {
    let all = fixes();
    let changes = |fix: &&Value| fix["op"] != "add" && !fix["object"].is_null();
    let (known, unknown): (Vec<_>, Vec<_>) =
        all.iter().map(|(_, fix)| fix).filter(changes).partition(|fix| !fix["now"].is_null());
    assert!(known.len() > 25 && unknown.len() * 10 < known.len(), "{} known, {} not", known.len(), unknown.len());
}

/// Findings that are certain and whose first fix changes no object, each with why it cannot.
const ADVISE: &[(&str, &str)] = &[
    ("all-endpoints-ejected", "the application answers with errors"),
    ("application-does-not-listen", "the application is not there, or listens elsewhere"),
    ("connections-fail", "the application is not there, or something drops its packets"),
    ("mtls-required", "a client that asks for a pod's own address has to ask for a name"),
    ("no-filter-chain", "the client has to speak TLS"),
    ("no-such-port", "another port is to be asked for"),
    ("update-still-warming", "the secret that it waits for is not read, and whose it is the proxy does not say"),
    ("token-rejected", "the client has to send another token"),
    ("no-such-service", "another name is to be asked for"),
];

/// What is certain says where to change it: an object, a field that it has, and a command that shows the same object.
#[test]
fn what_is_certain_names_an_object_its_field_and_a_command_for_it() {
    let mut complaints = Vec::new();
    for scenario in scenarios() {
        let verdict = answer(&scenario.case.ask, &mut snapshot(scenario.files()));
        let document: Value = serde_json::from_str(&print(&verdict, &Format::Json)).unwrap();
        let findings = document["findings"].as_array().unwrap().iter();
        for finding in findings.filter(|finding| finding["certainty"] == "certain") {
            let id = finding["id"].as_str().unwrap();
            let (first, object) = (&finding["fix"][0], &finding["fix"][0]["object"]);
            let next = finding["next"].as_str().unwrap_or_default();
            // What is to be made is looked for where it would be.
            let shown = if first["field"] == "" { &object["namespace"] } else { &object["name"] };
            let is_shown = shown.as_str().is_some_and(|name| !name.is_empty() && next.contains(name));
            if object.is_null() && ADVISE.iter().all(|(of, _)| *of != id) || !object.is_null() && !is_shown {
                complaints.push(format!("{}: {id}: {next}\n{first:#}", scenario.name));
            }
        }
    }
    none(&complaints);
}
