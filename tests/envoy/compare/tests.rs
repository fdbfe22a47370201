//! The comparison itself: it is silent when both agree, and every planted error is found.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Difference, compare};
use crate::ask::Said;
use crate::chance::Level;
use crate::observed::{Observed, Place};

/// Two thirds of the requests reach `live`; for the rest the cluster is missing.
fn observed(times: u64) -> Vec<Observed> {
    (0..times).flat_map(|id| if id % 3 == 0 { missing(id) } else { reached(id) }).collect()
}

fn reached(id: u64) -> Vec<Observed> {
    let host = format!("127.0.0.1:{}", 80 + id % 2);
    let line = json!({"cluster": "live", "host": host, "status": 200, "details": "via_upstream"});
    one(id, line, "answered-by=a;")
}

fn missing(id: u64) -> Vec<Observed> {
    one(id, json!({"status": 503, "flags": "NC", "details": "cluster_not_found"}), "")
}

fn one(id: u64, mut line: Value, answer: &str) -> Vec<Observed> {
    let request = json!({"kind": "request", "route": "r", "route_config": "rc", "listener": "l", "connection": id});
    line.as_object_mut().expect("an object").extend(request.as_object().expect("an object").clone());
    let connection = json!({"kind": "connection", "client_port": 7, "listener": "l", "connection": id});
    Observed::all(&format!("{line}\n{connection}\n"), &[(7, answer.as_bytes().to_vec())]).expect("a connection")
}

fn verdict() -> Value {
    let response = json!({"status": 503, "flags": ["NC"], "details": "cluster_not_found", "grpc_status": null});
    json!({
        "outcome": "partial",
        "summary": "a reaches b only in part: 33.3 % of requests fail, the cluster is missing (503 NC)",
        "response": response,
        "decision": {
            "listener": "l", "filter_chain": "", "route_config": "rc", "virtual_host": "v", "route": "r",
            "route_index": 3,
            "clusters": [
                {"name": "live", "share": 0.667, "outcome": "reaches", "response": null, "endpoints": [
                    {"address": "10.0.0.1:80", "eligible": true},
                    {"address": "10.0.0.1:81", "eligible": true},
                    {"address": "10.0.0.1:82", "eligible": false},
                ]},
                {"name": "gone", "share": 0.333, "outcome": "fails", "response": response, "endpoints": []},
            ],
        },
        "branches": [
            {"share": 0.667, "outcome": "reaches", "response": null},
            {"share": 0.333, "outcome": "fails", "response": response},
        ],
    })
}

fn differences(verdict: Value, exit_code: i32) -> Vec<Difference> {
    judged(&observed(300), verdict, exit_code, Level::First)
}

fn judged(observed: &[Observed], verdict: Value, exit_code: i32, level: Level) -> Vec<Difference> {
    let place = Place { route_config: "rc".to_owned(), virtual_host: "v".to_owned(), index: Some(3) };
    let places = BTreeMap::from([("r".to_owned(), place)]);
    compare(observed, &places, &Said::of(verdict, Some(exit_code), String::new()), level)
}

#[test]
fn what_agrees_is_silent() {
    assert_eq!(differences(verdict(), 1), []);
}

#[test]
fn every_planted_error_is_found() {
    let planted = [
        ("outcome", "/outcome", json!("fails")),
        ("listener", "/decision/listener", json!("other")),
        ("filter_chain", "/decision/filter_chain", json!(null)),
        ("route_config", "/decision/route_config", json!(null)),
        ("virtual_host", "/decision/virtual_host", json!("other")),
        ("route", "/decision/route", json!("other")),
        ("route_index", "/decision/route_index", json!(2)),
        ("status", "/response/status", json!(404)),
        ("status", "/response", json!(null)),
        ("flags", "/response/flags", json!(["UH"])),
        ("flags", "/response/flags", json!(["NC", "UH"])),
        ("details", "/response/details", json!("no_healthy_upstream")),
        ("grpc_status", "/response/grpc_status", json!(14)),
        ("cluster", "/decision/clusters/0/name", json!("other")),
        ("cluster", "/decision/clusters/1/response/flags", json!(["UH"])),
        ("share of live", "/decision/clusters/0/share", json!(0.5)),
        ("share of missing ones", "/decision/clusters/1/share", json!(0.5)),
        ("hosts of live", "/decision/clusters/0/endpoints/1/eligible", json!(false)),
        ("hosts of live", "/decision/clusters/0/endpoints/2/eligible", json!(true)),
        ("branch reaches", "/branches/0/share", json!(0.4)),
        ("summary", "/summary", json!("a reaches b only in part: 50 % of requests fail, x (503 NC)")),
        ("summary", "/summary", json!("a reaches b only in part: at least 50 % of requests fail, x (503 NC)")),
        ("summary", "/summary", json!("a reaches b only in part: at least 15 % of requests fail, x (503 NC)")),
        ("summary", "/summary", json!("a reaches b only in part: 33 % of requests are answered on the way, x (301)")),
        ("summary", "/summary", json!("a never reaches b: 33.3 % of requests fail, 66.7 % are answered, x (503 NC)")),
    ];
    for (of, pointer, value) in planted {
        let mut wrong = verdict();
        *wrong.pointer_mut(pointer).expect("a field of the verdict") = value.clone();
        let found = differences(wrong, 1);
        assert!(found.iter().any(|each| each.of == of), "{pointer} = {value}: {found:?}");
    }
}

#[test]
fn what_is_wrong_of_a_share_or_a_host_is_found_in_the_end_too() {
    let many = observed(15_000);
    assert_eq!(judged(&many, verdict(), 1, Level::Last), []);
    for (of, pointer, value) in [
        ("share of live", "/decision/clusters/0/share", json!(0.63)),
        ("hosts of live", "/decision/clusters/0/endpoints/2/eligible", json!(true)),
        ("branch reaches", "/branches/0/share", json!(0.7)),
        ("summary", "/summary", json!("a reaches b only in part: 30 % of requests fail, x (503 NC)")),
    ] {
        let mut wrong = verdict();
        *wrong.pointer_mut(pointer).expect("a field of the verdict") = value.clone();
        let found = judged(&many, wrong, 1, Level::Last);
        assert!(found.iter().any(|each| each.of == of), "{pointer} = {value}: {found:?}");
    }
}

/// A fault answers all requests, each half its way.
#[test]
fn two_equal_shares_have_no_main_answer() {
    let answer =
        |id, status| one(id, json!({"cluster": "live", "status": status, "details": "fault_filter_abort"}), "");
    let both = |twos: u64| (0..600).flat_map(|id| answer(id, if id < twos { 302 } else { 201 })).collect::<Vec<_>>();
    let response = |status: u16| json!({"status": status, "flags": [], "details": "fault_filter_abort"});
    let branch = |status: u16| json!({"share": 0.5, "outcome": "answered", "response": response(status)});
    for named in [201, 302] {
        let mut verdict = verdict();
        verdict["outcome"] = json!("answered");
        verdict["summary"] = json!("");
        verdict["response"] = response(named);
        verdict["branches"] = json!([branch(201), branch(302)]);
        verdict["decision"]["clusters"] = json!([]);
        for twos in [264, 300, 336] {
            assert_eq!(judged(&both(twos), verdict.clone(), 1, Level::First), [], "{named} of {twos}");
        }
        let few = judged(&both(if named == 302 { 60 } else { 540 }), verdict, 1, Level::Last);
        assert!(few.iter().any(|each| each.of == "status"), "{few:?}");
    }
}

/// A hundredth fails, and no draw hit it.
#[test]
fn a_small_share_may_stay_away_in_the_end_but_is_waited_for() {
    let all = (0..300).flat_map(reached).collect::<Vec<_>>();
    let mut rare = verdict();
    rare["summary"] = json!("a reaches b only in part: 1 % of requests fail, x (503 NC)");
    for (place, share) in [("/branches/0/share", 0.99), ("/branches/1/share", 0.01)] {
        *rare.pointer_mut(place).expect("a share") = json!(share);
    }
    for (cluster, share) in [("/decision/clusters/0/share", 0.99), ("/decision/clusters/1/share", 0.01)] {
        *rare.pointer_mut(cluster).expect("a share") = json!(share);
    }
    assert_eq!(judged(&all, rare.clone(), 1, Level::Last), []);
    let waited: Vec<String> = judged(&all, rare, 1, Level::First).into_iter().map(|each| each.of).collect();
    assert_eq!(waited, ["outcome", "response"]);
}

#[test]
fn the_exit_code_follows_from_the_outcome() {
    assert_eq!(differences(verdict(), 0).first().map(|each| each.of.as_str()), Some("exit code"));
}

#[test]
fn an_unknown_verdict_may_leave_open_what_it_does_not_say_wrong() {
    let branch = |listener: &str| {
        json!({
            "guards": [{"kind": "provided", "condition": 1}], "share": 1.0, "outcome": "reaches", "response": null,
            "decision": {"listener": listener, "clusters": [{"name": "live", "endpoints": []}]},
        })
    };
    let condition = |power: &str| json!([{"id": 1, "power": [power], "why": "lua"}]);
    let open = |listener, power| json!({"outcome": "unknown", "decision": null, "branches": [branch(listener)], "conditions": condition(power)});
    assert_eq!(differences(open("l", "refuse"), 3), []);
    assert_eq!(differences(open("other", "refuse"), 3).len(), 1);
    assert_eq!(differences(open("other", "rewrite"), 3), []);
    let mut unnamed = open("l", "refuse");
    unnamed["conditions"] = json!([]);
    assert_eq!(differences(unnamed, 3).len(), 1);
}

#[test]
fn what_can_only_refuse_never_serves_what_is_said_to_fail() {
    let mut fails = verdict();
    fails["outcome"] = json!("fails");
    fails["conditions"] = json!([{"id": 1, "power": ["refuse"], "why": "ext_authz"}]);
    assert_eq!(differences(fails, 1).len(), 1);
}
