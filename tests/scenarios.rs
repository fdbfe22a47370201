//! Every scenario: a snapshot of a real mesh, its question, and the answer to the byte.
//!
//! `UPDATE_EXPECT=1 cargo test --test scenarios` writes the goldens anew; `tests/scenarios/trim.py` makes a scenario.

#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Logged, Scenario, against_golden, answer, none, print, scenarios, snapshot};
use mesh_why::render::Format;
use mesh_why::snapshot::{AskRecord, LogRecord};
use mesh_why::verdict::{Compared, Outcome};
use serde_json::Value;

#[test]
fn every_scenario_is_answered_to_the_byte() {
    let mut complaints = Vec::new();
    for scenario in scenarios() {
        let verdict = answer(&scenario.case.ask, &mut snapshot(scenario.files()));
        let mut goldens = vec![("expect.txt", Format::Text), ("expect.json", Format::Json)];
        if scenario.folder.join("expect.wide.txt").exists() {
            goldens.push(("expect.wide.txt", Format::Wide));
        }
        for (golden, format) in goldens {
            let text = without_tool(&print(&verdict, &format));
            complaints.extend(against_golden(&scenario.folder.join(golden), &text));
        }
    }
    none(&complaints);
}

/// A new version does not ask for new goldens.
fn without_tool(json: &str) -> String {
    json.replace(concat!("\"tool\": \"", env!("CARGO_PKG_VERSION"), "\""), "\"tool\": \"\"")
}

#[test]
fn the_question_is_the_one_that_the_snapshot_holds() {
    for scenario in scenarios() {
        assert_eq!(snapshot(scenario.files()).ask.as_ref(), Some(&scenario.case.ask), "{}", scenario.name);
    }
}

#[test]
fn every_scenario_is_answered_as_it_was_measured() {
    let mut complaints = Vec::new();
    for scenario in scenarios() {
        let contradictions = contradictions(&scenario, &document(&scenario));
        match &scenario.case.differs {
            None => complaints.extend(contradictions),
            Some(why) if contradictions.is_empty() => {
                complaints.push(format!(
                    "{}: it is answered as measured now, although {why}: take `differs` out of case.json",
                    scenario.name
                ));
            }
            Some(_) => {}
        }
    }
    none(&complaints);
}

/// A finding that says nothing where it has nothing to say is as good as one that speaks: each is examined on all.
#[test]
fn only_the_findings_that_belong_to_a_scenario_speak() {
    let mut complaints = Vec::new();
    for scenario in scenarios() {
        let answer = document(&scenario);
        // What stops the request only once another fault is repaired is no part of the answer.
        let own = items(&answer["findings"]).filter(|finding| finding.get("behind").is_none());
        let said: Vec<&str> = own.map(|f| f["id"].as_str().unwrap()).collect();
        let case = &scenario.case;
        let expected: Vec<&str> = case.finding.iter().chain(&case.also).map(String::as_str).collect();
        if said != expected {
            complaints.push(format!("{}: said {said:?}, expected {expected:?}", scenario.name));
        }
        let blames = case.blame.is_empty() || items(&answer["findings"]).any(|f| names_blamed(&scenario, f));
        if case.finding.is_some() && case.differs.is_none() && !blames {
            complaints.push(format!("{}: no finding names an object that is to blame", scenario.name));
        }
    }
    none(&complaints);
}

#[test]
fn every_finding_comes_first_in_a_scenario() {
    let first: BTreeSet<String> = scenarios().into_iter().filter_map(|s| s.case.finding).collect();
    let missing: Vec<&str> =
        mesh_why::diagnose::roster().iter().map(|rule| rule.id).filter(|id| !first.contains(*id)).collect();
    assert!(missing.is_empty(), "no scenario for {missing:?}");
}

#[test]
fn a_finding_yields_to_others_that_there_are() {
    let known: BTreeSet<&str> = mesh_why::diagnose::roster().iter().map(|rule| rule.id).collect();
    let named = mesh_why::diagnose::roster().iter().flat_map(|rule| rule.yields_to);
    let unknown: Vec<&&str> = named.filter(|id| **id != "*" && !known.contains(**id)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn a_snapshot_that_was_saved_is_answered_with_the_same_bytes() {
    let mut complaints = Vec::new();
    for scenario in scenarios() {
        let mut first = snapshot(scenario.files());
        let before = answer(&scenario.case.ask, &mut first);
        let mut saved = snapshot(first.files("a test"));
        let again = first.files("a test");
        if again != saved.files("a test") {
            complaints.push(format!("{}: what is saved twice differs", scenario.name));
        }
        let after = answer(&scenario.case.ask, &mut saved);
        for format in [Format::Wide, Format::Json] {
            let (before, after) = (print(&before, &format), print(&after, &format));
            if before != after {
                complaints.push(format!("{}\n{}", scenario.name, common::difference(&before, &after)));
            }
        }
    }
    none(&complaints);
}

/// Failures that were logged and are not foretold: the time that a host takes, what a client did, and a connection that
/// A's proxy tries to an address without that port.
const ONLY_LOGGED: &[&str] = &["route-times-out UT", "route-times-out DC", "service-has-no-such-port UF,URX"];

/// What the proxies logged when a scenario was captured, held against its answer.
#[test]
fn what_was_logged_is_said_to_be_the_same_now() {
    let (mut complaints, mut count) = (Vec::new(), 0);
    for scenario in scenarios() {
        let failures = scenario.case.measured.logged.iter().filter(|logged| logged.flags.len() > 1);
        for logged in failures.filter(|_| scenario.case.measured.outcome == "fails") {
            let mut snapshot = snapshot(scenario.files());
            snapshot.log = Some(LogRecord {
                status: Some(logged.status),
                flags: logged.flags.split(',').map(str::to_owned).collect(),
                details: Some(logged.details.clone()).filter(|details| details != "-"),
                ..LogRecord::default()
            });
            let log = answer(&scenario.case.ask, &mut snapshot).log.unwrap();
            let name = format!("{} {}", scenario.name, logged.flags);
            if (log.compared == Compared::Same) == ONLY_LOGGED.contains(&name.as_str()) {
                complaints.push(format!("{name}: {:?}, {}, {:?}", log.compared, log.now, log.changes));
            }
            count += 1;
        }
    }
    none(&complaints);
    assert!(count > 20, "{count} failures were compared");
}

/// What istiod sends to a stock sidecar or gateway is modeled or known to be harmless, all of it. A case that is not
/// answered as measured yet says why itself.
#[test]
fn no_part_of_what_istiod_sends_is_unmodeled() {
    let mut complaints = BTreeMap::new();
    for scenario in scenarios().into_iter().filter(|s| s.case.differs.is_none()) {
        for to in destinations(&scenario) {
            let ask = AskRecord { to, ..scenario.case.ask.clone() };
            let verdict = answer(&ask, &mut snapshot(scenario.files()));
            for line in verdict.unchecked.iter().filter(|line| line.contains("is not modeled")) {
                complaints.insert(line.clone(), format!("{} {}", scenario.name, ask.to));
            }
        }
    }
    let complaints: Vec<String> = complaints.iter().map(|(line, at)| format!("{line} ({at})")).collect();
    none(&complaints);
}

/// The JSON answer of a scenario.
fn document(scenario: &Scenario) -> Value {
    let verdict = answer(&scenario.case.ask, &mut snapshot(scenario.files()));
    serde_json::from_str(&print(&verdict, &Format::Json)).unwrap()
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn names_blamed(scenario: &Scenario, finding: &Value) -> bool {
    items(&finding["objects"]).any(|object| {
        let blamed = &scenario.case.blame;
        blamed.iter().any(|b| {
            object["kind"] == b.kind.as_str()
                && object["namespace"] == b.namespace.as_str()
                && object["name"] == b.name.as_str()
        })
    })
}

/// How an answer differs from what was measured.
fn contradictions(scenario: &Scenario, answer: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let outcome = answer["outcome"].as_str().unwrap();
    let allowed = allowed_outcomes(scenario);
    if !allowed.iter().any(|o| o == outcome) {
        found.push(format!("outcome {outcome}, measured {allowed:?}"));
    }
    found.extend(wrong_response(scenario, answer, outcome));
    found.extend(wrong_hosts(scenario, answer, outcome));
    found.iter().map(|what| format!("{}: {what}", scenario.name)).collect()
}

/// A proxy that answers by itself below 400 was measured as a failure: no application saw the request.
fn allowed_outcomes(scenario: &Scenario) -> Vec<String> {
    let measured = &scenario.case.measured;
    let by_itself = measured.details == "direct_response" && (1..400).contains(&measured.status);
    if !scenario.case.outcomes.is_empty() {
        scenario.case.outcomes.clone()
    } else if measured.outcome == "fails" && by_itself {
        vec!["answered".to_owned()]
    } else {
        vec![measured.outcome.clone()]
    }
}

/// Status, flags and details of a response, in one form for logs and answers.
type Said = (u64, BTreeSet<String>, String);

fn wrong_response(scenario: &Scenario, answer: &Value, outcome: &str) -> Option<String> {
    let measured = &scenario.case.measured;
    if !["answered", "fails", "partial"].contains(&outcome) || measured.from == "none" {
        return None;
    }
    let clusters = items(&answer["decision"]["clusters"]).map(|c| &c["response"]);
    let said: Vec<Said> =
        std::iter::once(&answer["response"]).chain(clusters).filter(|response| !response.is_null()).map(said).collect();
    let wanted: Vec<Said> = measured.logged.iter().map(logged).collect();
    let agree = |a: &Said, b: &Said| {
        let is_blank = b.2.is_empty() || (a.2.is_empty() && b.0 == 0);
        a.0 == b.0 && a.1 == b.1 && (a.2 == b.2 || is_blank)
    };
    let agrees = said.iter().any(|s| wanted.iter().any(|w| agree(s, w)));
    (!agrees).then(|| format!("response {said:?}, measured {wanted:?}"))
}

fn said(response: &Value) -> Said {
    let flags = items(&response["flags"]).map(|f| f.as_str().unwrap().to_owned());
    let details = response["details"].as_str().unwrap();
    (response["status"].as_u64().unwrap(), flags.collect(), plain(details))
}

fn logged(line: &Logged) -> Said {
    let flags = line.flags.split(',').filter(|flag| !["-", ""].contains(flag));
    let details = plain(&line.details);
    (u64::from(line.status), flags.map(str::to_owned).collect(), details)
}

/// Details without their particulars: Envoy and its log write the spaces in different ways.
fn plain(details: &str) -> String {
    let end = details.find(['{', '|', ':', '[']).unwrap_or(details.len());
    let words = details[..end].split([' ', '_', '-']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_").to_ascii_lowercase()
}

/// Every cluster and host that a request took is one of those that the answer has.
fn wrong_hosts(scenario: &Scenario, answer: &Value, outcome: &str) -> Vec<String> {
    let clusters: Vec<&Value> = items(&answer["decision"]["clusters"]).collect();
    if outcome == "unknown" || clusters.is_empty() {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for used in &scenario.case.measured.used {
        let Some(cluster) = clusters.iter().find(|c| c["name"] == used.cluster.as_str()) else {
            wrong.push(format!("cluster {} was used", used.cluster));
            continue;
        };
        let mut endpoints = items(&cluster["endpoints"]).peekable();
        let is_open = endpoints.peek().is_none() || used.host == "-";
        if !is_open && !endpoints.any(|e| e["eligible"] == true && e["address"] == used.host.as_str()) {
            wrong.push(format!("host {} of {} was used", used.host, used.cluster));
        }
    }
    wrong
}

/// Every destination that a route configuration of A's proxy has: its domains, with its port.
fn destinations(scenario: &Scenario) -> BTreeSet<String> {
    let Some(dump) = scenario.json("source/config_dump.json") else {
        return BTreeSet::new();
    };
    let routes = items(&dump["configs"]).flat_map(|c| items(&c["dynamic_route_configs"]));
    let hosts = routes.flat_map(|r| items(&r["route_config"]["virtual_hosts"]).map(move |v| (r, v)));
    hosts
        .flat_map(|(route, host)| items(&host["domains"]).map(move |domain| (route, domain)))
        .filter_map(|(route, domain)| {
            let name = route["route_config"]["name"].as_str().unwrap();
            destination(name, domain.as_str().unwrap(), &scenario.case.ask.to)
        })
        .collect()
}

/// A domain with the port of its route configuration: `8082`, `host:8082`; a gateway's clients dial the asked one.
fn destination(route_config: &str, domain: &str, asked: &str) -> Option<String> {
    let is_gateway = route_config.starts_with("http.");
    let of = if is_gateway { asked } else { route_config };
    let port: u16 = of.rsplit(':').next()?.parse().ok()?;
    let host = match domain.rsplit_once(':') {
        Some((host, digits)) if digits.parse::<u16>().is_ok() => host,
        _ => domain,
    };
    let host = if host.starts_with('*') { "unknown.example" } else { host };
    (!host.contains(':')).then(|| format!("{host}:{port}"))
}

/// B's proxy denies the request, and whoever asks may not read it: that the request reaches B is not said.
#[test]
fn where_b_may_deny_and_was_not_read_nothing_is_said_to_reach() {
    let denied = scenarios().into_iter().find(|s| s.name == "destination-denies-the-request").unwrap();
    let mut complaints = Vec::new();
    for (reason, expected) in [
        ("the port-forward was refused: Error from server (Forbidden): no", Outcome::Unknown),
        ("no cluster is at hand", Outcome::Reaches),
    ] {
        let mut files: common::Files =
            denied.files().into_iter().filter(|(path, _)| !path.starts_with("destination/")).collect();
        let mut manifest: Value = serde_json::from_slice(&files["snapshot.json"]).unwrap();
        let pod = manifest.as_object_mut().unwrap().remove("destination").unwrap();
        let (namespace, name) = (pod["namespace"].as_str().unwrap(), pod["name"].as_str().unwrap());
        manifest["read"].as_object_mut().unwrap().remove("destination");
        let query = format!("/api/v1/namespaces/{namespace}/pods/{name}/portforward");
        manifest["unread"] = serde_json::json!([{"from": "kubernetes", "query": query, "reason": reason}]);
        files.insert("snapshot.json".to_owned(), manifest.to_string().into_bytes());
        let verdict = answer(&denied.case.ask, &mut common::snapshot(files));
        let says_why =
            verdict.outcome == Outcome::Reaches || verdict.conditions.iter().any(|open| open.why.contains("Forbidden"));
        if verdict.outcome != expected || !says_why {
            complaints.push(format!("{reason}: {:?}, {}", verdict.outcome, verdict.summary));
        }
    }
    none(&complaints);
}
