//! Configurations that somebody made large: an answer takes time that grows as they do. Where it grew with the square,
//! these took many minutes; the bound is generous, for machines that do other work.

#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use std::time::{Duration, Instant};

use common::{Files, Scenario, answer, change, print, scenarios, snapshot, with_member};
use mesh_why::render::Format;
use mesh_why::verdict::Verdict;
use serde_json::{Value, json};

const BOUND: Duration = Duration::from_secs(120);

fn scenario(name: &str) -> Scenario {
    scenarios().into_iter().find(|scenario| scenario.name == name).unwrap()
}

fn is_answered_in_time(scenario: &Scenario, files: Files) -> Verdict {
    let began = Instant::now();
    let verdict = answer(&scenario.case.ask, &mut snapshot(files));
    for format in [Format::Text, Format::Wide, Format::Json, Format::Yaml] {
        print(&verdict, &format);
    }
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    verdict
}

/// The route of a scenario, with as many weighted clusters that are not there.
fn weighted(entry: impl Fn(usize) -> Value, count: usize) {
    let scenario = scenario("half-goes-to-an-undefined-subset");
    let mut files = scenario.files();
    change(&mut files, "source/config_dump.json", |dump| {
        let mut routes = Vec::new();
        with_member(dump, "weighted_clusters", &mut routes);
        for route in routes {
            route["weighted_clusters"]["clusters"] = (0..count).map(&entry).collect();
        }
    });
    let verdict = is_answered_in_time(&scenario, files);
    let left_out = format!("what causes {} of the {count} ways that do not get to product-service", count - 100);
    assert!(verdict.unchecked.contains(&left_out), "{:?}", verdict.unchecked);
}

#[test]
fn thousands_of_weighted_clusters() {
    weighted(|i| json!({"name": format!("none{i}"), "weight": 1}), 8000);
}

#[test]
fn thousands_of_weighted_clusters_that_a_filter_tells_apart() {
    let fault = json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"});
    let filters = json!({"envoy.filters.http.fault": fault});
    weighted(|i| json!({"name": format!("none{i}"), "weight": 1, "typed_per_filter_config": filters}), 3000);
}

#[test]
fn an_address_that_is_listed_ten_thousand_times() {
    let scenario = scenario("reaches-a-service");
    let mut files = scenario.files();
    let repeat = |list: &mut Value| {
        let first = list[0].clone();
        *list = std::iter::repeat_n(first, 10_000).collect();
    };
    for (file, member) in [("source/clusters.json", "host_statuses"), ("source/config_dump.json", "lb_endpoints")] {
        change(&mut files, file, |value| {
            let mut lists = Vec::new();
            with_member(value, member, &mut lists);
            let of_b = |list: &&mut Value| list.to_string().contains("product") || list.get("lb_endpoints").is_some();
            lists.into_iter().filter(of_b).take(2).for_each(|list| repeat(&mut list[member]));
        });
    }
    is_answered_in_time(&scenario, files);
}

#[test]
fn one_word_of_megabytes() {
    let scenario = scenario("reaches-a-service");
    let mut verdict = answer(&scenario.case.ask, &mut snapshot(scenario.files()));
    verdict.steps[0].subject = "x.".repeat(2_000_000);
    verdict.unchecked = vec!["y".repeat(4_000_000)];
    let began = Instant::now();
    assert!(print(&verdict, &Format::Text).len() < 20_000);
    assert!(print(&verdict, &Format::Wide).len() < 50_000);
    assert!(print(&verdict, &Format::Json).len() > 8_000_000);
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
}
