//! What stops the request next, once what stops it is repaired: two faults in a row, made of scenarios that have one.

#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{Files, answer, change, scenarios, snapshot, with_member};
use mesh_why::render::Format;
use mesh_why::verdict::{Certainty, Guard, Outcome, Verdict};
use mesh_why::walk::Question;
use serde_json::{Value, json};

/// The cluster of all pods of B's, and one of a subset that nobody defines.
const WHOLE: &str = "outbound|8082||product-service.shop.svc.cluster.local";
const SUBSET: &str = "outbound|8082|v3|product-service.shop.svc.cluster.local";

/// The answer to a scenario's question, with its files changed.
fn changed(name: &str, changes: impl FnOnce(&mut Files)) -> Verdict {
    let scenario = scenarios().into_iter().find(|s| s.name == name).unwrap();
    let mut files = scenario.files();
    changes(&mut files);
    answer(&scenario.case.ask, &mut snapshot(files))
}

/// A's route leads to the subset.
fn to_the_subset(files: &mut Files) {
    change(files, "source/config_dump.json", |dump| {
        let mut actions = Vec::new();
        with_member(dump, "cluster", &mut actions);
        for action in actions.into_iter().filter(|action| action["cluster"] == WHOLE) {
            action["cluster"] = json!(SUBSET);
        }
    });
}

/// Every host of A's has this flag, and the cluster does not panic.
fn unhealthy(files: &mut Files) {
    change(files, "source/clusters.json", |clusters| {
        let mut hosts = Vec::new();
        with_member(clusters, "health_status", &mut hosts);
        for host in hosts {
            host["health_status"]["failed_active_health_check"] = json!(true);
        }
    });
    change(files, "source/config_dump.json", |dump| {
        let mut clusters = Vec::new();
        with_member(dump, "eds_cluster_config", &mut clusters);
        for cluster in clusters {
            cluster["common_lb_config"] = json!({"healthy_panic_threshold": {}});
        }
    });
}

/// A's proxy knows one host: the pod whose proxy was read.
fn only_the_pod_that_was_read(files: &mut Files) {
    change(files, "source/clusters.json", |clusters| {
        let mut statuses = Vec::new();
        with_member(clusters, "host_statuses", &mut statuses);
        for status in statuses {
            let hosts = status["host_statuses"].as_array_mut().unwrap();
            hosts.retain(|host| host.to_string().contains("\"10.244.0.4\""));
        }
    });
}

/// What the screen says of it, a line.
fn said(verdict: &Verdict) -> String {
    let text = common::print(verdict, &Format::Text);
    let mut lines = text.lines().skip_while(|line| !line.starts_with("then "));
    let first = lines.next().and_then(|line| line.strip_prefix("then ")).unwrap_or_default();
    let rest = lines.take_while(|line| line.starts_with("       "));
    std::iter::once(first).chain(rest).map(str::trim).collect::<Vec<_>>().join(" ")
}

/// The stops that are taken as repaired on each way, with the findings that explain them, and how it ends.
type Ends = Vec<(Vec<(&'static str, Option<&'static str>)>, Outcome)>;

fn ends(verdict: &Verdict) -> Ends {
    let stops =
        |guard: &Guard| if let Guard::Repaired { stop, finding } = guard { Some((*stop, *finding)) } else { None };
    let of = |branch: &mesh_why::verdict::Branch| (branch.guards.iter().filter_map(stops).collect(), branch.outcome);
    verdict.behind.branches.iter().map(of).collect()
}

#[test]
fn behind_an_undefined_subset_stands_a_denial() {
    let verdict = changed("destination-denies-the-request", to_the_subset);
    assert_eq!(verdict.outcome, Outcome::Fails);
    assert_eq!(verdict.response.as_ref().unwrap().flags, ["NC"]);
    let ids: Vec<&str> = verdict.findings.iter().map(|finding| finding.id).collect();
    assert_eq!(ids, ["subset-not-defined"]);
    assert_eq!(
        said(&verdict),
        "With this repaired, the next stop, likely: the proxy of pod shop/product-service-v1-798587bd96-vlgg7 ends 50 % of \
         requests (403): denied by policy ns[shop]-policy[deny-reads]-rule[0]. denied-by-policy (likely): a policy denies it \
         With that repaired too, it reaches product-service:8082 if the missing cluster gets some of the Service's \
         endpoints, as far as product-service's proxies were read."
    );
    let subset = ("cluster_not_found", Some("subset-not-defined"));
    let denial = ("rbac_access_denied", Some("denied-by-policy"));
    assert_eq!(
        ends(&verdict),
        [(vec![subset], Outcome::Fails), (vec![subset], Outcome::Reaches), (vec![subset, denial], Outcome::Reaches),]
    );
    let (finding, before) = &verdict.behind.findings[0];
    assert_eq!((finding.id, finding.certainty, *before), ("denied-by-policy", Certainty::Likely, "subset-not-defined"));
}

#[test]
fn behind_an_undefined_subset_stands_a_port_that_takes_mutual_tls_only() {
    let verdict = changed("plaintext-is-sent-to-strict", to_the_subset);
    assert_eq!(verdict.response.as_ref().unwrap().flags, ["NC"]);
    assert_eq!(
        said(&verdict),
        "With this repaired, the next stop, likely: the proxy of pod shop/product-service-v1-798587bd96-bz2vw ends 50 % of \
         requests (503 UC): no filter chain matches. mtls-required (likely): plaintext is sent to strict mTLS \
         With that repaired too (order-service speaks mutual TLS), it reaches product-service:8082 if the missing cluster gets some of the Service's \
         endpoints, as far as product-service's proxies were read."
    );
}

#[test]
fn behind_unhealthy_endpoints_no_more_is_promised_than_what_the_proxy_of_b_does() {
    let verdict = changed("destination-denies-the-request", |files| {
        unhealthy(files);
        only_the_pod_that_was_read(files);
    });
    assert_eq!(verdict.response.as_ref().unwrap().flags, ["UH"]);
    assert_eq!(
        said(&verdict),
        "With this repaired, the next stop, likely: the proxy of pod shop/product-service-v1-798587bd96-vlgg7 ends it (403): \
         denied by policy ns[shop]-policy[deny-reads]-rule[0]. denied-by-policy (likely): a policy denies it \
         With that repaired too, product-service's proxy would let it pass if one of its endpoints is well again."
    );
    // Of a pod that was not read nothing is promised.
    let verdict = changed("destination-denies-the-request", unhealthy);
    assert!(!said(&verdict).contains("With that repaired too"), "{}", said(&verdict));
    // Where B's proxy was not read, there is nothing to say.
    let verdict = changed("destination-denies-the-request", |files| {
        unhealthy(files);
        files.retain(|name, _| !name.starts_with("destination"));
        change(files, "snapshot.json", |record| record.as_object_mut().unwrap().remove("destination").map_or((), drop));
    });
    assert_eq!(verdict.response.as_ref().unwrap().flags, ["UH"]);
    assert_eq!(verdict.behind, mesh_why::verdict::Behind::default());
}

/// What still lacks something may reach: nothing is read for its sake before.
#[test]
fn nothing_is_asked_for_behind_a_stop_before_the_answer_has_all_that_it_needs() {
    let scenario = scenarios().into_iter().find(|s| s.name == "subset-is-not-defined").unwrap();
    let question = Question::parse(&scenario.case.ask).unwrap();
    let mut files = scenario.files();
    change(&mut files, "snapshot.json", |record| record["read"]["kubernetes"] = json!({"kinds": [], "queries": []}));
    files.remove("objects.json");
    let mut shot = snapshot(files);
    let walk = mesh_why::walk::walk(&shot, &question);
    assert!(walk.behind.is_empty() && !walk.needs.is_empty());
    for need in &walk.needs {
        shot.pass_over(need, "it is not in the snapshot");
    }
    let walk = mesh_why::walk::walk(&shot, &question);
    assert!(!walk.behind.is_empty() || walk.needs.iter().any(|need| !shot.is_tried(need)));
}

/// What stops the request next is no part of the answer.
#[test]
fn what_stands_behind_a_stop_counts_for_nothing() {
    for scenario in scenarios() {
        let verdict = answer(&scenario.case.ask, &mut snapshot(scenario.files()));
        let name = &scenario.name;
        let is_repaired = |guard: &&Guard| matches!(guard, Guard::Repaired { .. });
        assert!(!verdict.branches.iter().any(|branch| branch.guards.iter().any(|g| is_repaired(&g))), "{name}");
        let behind = &verdict.behind;
        let repaired = |branch: &mesh_why::verdict::Branch| branch.guards.iter().filter(is_repaired).count();
        assert!(behind.branches.iter().all(|branch| (1..=2).contains(&repaired(branch))), "{name}");
        assert!(behind.findings.iter().all(|(finding, _)| finding.certainty == Certainty::Likely), "{name}");
        assert!(behind.findings.is_empty() || !verdict.findings.is_empty(), "{name}");
        assert!(verdict.branches.len() + behind.branches.len() <= 64, "{name}");
        if verdict.outcome == Outcome::Reaches {
            assert_eq!(*behind, mesh_why::verdict::Behind::default(), "{name}");
        }
        let json: Value = serde_json::from_str(&common::print(&verdict, &Format::Json)).unwrap();
        let listed = |key: &str| json[key].as_array().unwrap().len();
        assert_eq!(listed("branches"), verdict.branches.len() + behind.branches.len(), "{name}");
        assert_eq!(listed("findings"), verdict.findings.len() + behind.findings.len(), "{name}");
        assert_eq!(listed("conditions"), verdict.conditions.len() + behind.conditions.len(), "{name}");
    }
}
