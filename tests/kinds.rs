//! A question that says nothing of the request is about every kind of request that routes and policies tell apart.

mod common;

use common::{Files, answer, change, print, scenarios, snapshot, with_member};
use mesh_why::render::Format;
use mesh_why::snapshot::AskRecord;
use mesh_why::verdict::{Guard, Outcome, Verdict};
use serde_json::{Value, json};

const RBAC: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
const FAULT: &str = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";

/// The routes of a service whose one route, as it was captured, leads to a subset that is not defined.
fn verdict(routes: &dyn Fn(&Value) -> Value) -> Verdict {
    let ask = AskRecord { to: "product-service:8082".to_owned(), ..AskRecord::default() };
    answer(&ask, &mut snapshot(files(routes)))
}

fn files(routes: &dyn Fn(&Value) -> Value) -> Files {
    let scenario = scenarios().into_iter().find(|scenario| scenario.name == "subset-is-not-defined");
    let mut files = scenario.expect("the scenario").files();
    let dump = files.get_mut("source/config_dump.json").expect("a dump");
    let mut value: Value = serde_json::from_slice(dump).expect("JSON");
    replace(&mut value, routes);
    *dump = serde_json::to_vec(&value).expect("JSON");
    files
}

fn replace(value: &mut Value, routes: &dyn Fn(&Value) -> Value) {
    match value {
        Value::Object(fields) => {
            if let Some(own) = fields.get_mut("routes").filter(|own| own.to_string().contains("|v3|")) {
                *own = routes(&own[0]);
            }
            fields.values_mut().for_each(|field| replace(field, routes));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, routes)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A route to the service itself.
fn healthy(route: &Value, wanted: Value) -> Value {
    let mut healthy: Value = serde_json::from_str(&route.to_string().replace("|v3|", "||")).expect("JSON");
    healthy["match"] = wanted;
    healthy
}

/// The captured route, for these requests.
fn broken(route: &Value, wanted: Value) -> Value {
    let mut broken = route.clone();
    broken["match"] = wanted;
    broken
}

/// What becomes of requests, and which they are.
fn ways(verdict: &Verdict) -> Vec<(Outcome, Vec<String>)> {
    let kinds = |guard: &Guard| match guard {
        Guard::Asked(kinds) => kinds.iter().map(|kind| kind.predicate.clone()).collect(),
        Guard::Drawn { .. } | Guard::Address(_) | Guard::Pod(..) | Guard::Provided { .. } | Guard::Repaired { .. } => {
            Vec::new()
        }
    };
    verdict.branches.iter().map(|b| (b.outcome, b.guards.iter().flat_map(kinds).collect())).collect()
}

#[test]
fn line_one_names_the_worst_kind_and_the_screen_lists_all() {
    let verdict = verdict(&|route| {
        let abort = json!({"http_status": 555, "percentage": {"numerator": 100}});
        let canary = json!({"prefix": "/", "headers": [{"name": "x-canary", "string_match": {"exact": "true"}}]});
        let mut canary = healthy(route, canary);
        canary["typed_per_filter_config"] = json!({"envoy.filters.http.fault": {"@type": FAULT, "abort": abort}});
        json!([broken(route, json!({"prefix": "/api"})), canary, healthy(route, json!({"prefix": "/"}))])
    });
    assert_eq!(verdict.outcome, Outcome::Partial);
    assert_eq!(verdict.summary, r#"product-service:8082 fails for /api…: subset "v3" is not defined (503 NC)"#);
    assert_eq!(verdict.request.path, None);
    assert_eq!(verdict.findings[0].id, "subset-not-defined");
    let canary = r#"header x-canary is "true", but not where path begins with /api"#;
    let rest = r#"any request, but not where path begins with /api, nor where header x-canary is "true""#;
    let named = |words: &str| vec![words.to_owned()];
    let all = [
        (Outcome::Fails, named("path begins with /api")),
        (Outcome::Fails, named(canary)),
        (Outcome::Reaches, named(rest)),
    ];
    assert_eq!(ways(&verdict), all);
    let screen = print(&verdict, &Format::Text);
    assert!(screen.contains("\nrequests\n  fails (503 NC)  path begins with /api\n"), "{screen}");
    assert!(screen.contains("GET /api "), "{screen}");
}

#[test]
fn what_is_meant_to_end_does_not_make_a_host_fail_in_part() {
    let verdict = verdict(&|route| {
        let mut moved = healthy(route, json!({"prefix": "/old"}));
        moved.as_object_mut().expect("a route").remove("route");
        moved["redirect"] = json!({"path_redirect": "/new"});
        let own = healthy(route, json!({"prefix": "/shop"}));
        json!([moved, own])
    });
    assert_eq!(verdict.outcome, Outcome::Reaches, "{}", verdict.summary);
    assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
    let screen = print(&verdict, &Format::Text);
    assert!(screen.contains("what no route takes"), "{screen}");
    assert!(screen.contains("path begins with /old"), "{screen}");
}

#[test]
fn where_no_kind_counts_all_do() {
    let verdict = verdict(&|route| {
        let mut gone = healthy(route, json!({"prefix": "/old"}));
        gone.as_object_mut().expect("a route").remove("route");
        gone["direct_response"] = json!({"status": 410});
        json!([gone])
    });
    assert_eq!(verdict.outcome, Outcome::Fails);
}

#[test]
fn one_kind_needs_no_words() {
    let verdict = verdict(&|route| json!([healthy(route, json!({"prefix": "/"}))]));
    assert_eq!(ways(&verdict), [(Outcome::Reaches, Vec::new())]);
    let screen = print(&verdict, &Format::Text);
    assert!(screen.contains("any request ") && !screen.contains("\nrequests\n"), "{screen}");
}

#[test]
fn a_route_that_gets_no_request_is_said() {
    let routes =
        |route: &Value| json!([healthy(route, json!({"prefix": "/"})), broken(route, json!({"prefix": "/api"}))]);
    let verdict = verdict(&routes);
    assert_eq!(verdict.outcome, Outcome::Reaches);
    let screen = print(&verdict, &Format::Text);
    assert!(screen.split_whitespace().collect::<Vec<_>>().join(" ").contains("gets no request"), "{screen}");
}

#[test]
fn a_hundred_clusters_are_not_all_looked_at() {
    let verdict = verdict(&|route| {
        let one = |n: usize| {
            let mut one = healthy(route, json!({"prefix": format!("/{n}/")}));
            one["route"]["cluster"] = json!(format!("outbound|8082||s{n}.shop.svc.cluster.local"));
            one
        };
        (0..100).map(one).chain([healthy(route, json!({"prefix": "/"}))]).collect()
    });
    let why = verdict.conditions.iter().find(|condition| condition.why.contains("more than 64")).expect("a condition");
    assert!(why.why.contains("37 of its kinds"), "{}", why.why);
    let known = verdict.branches.iter().filter(|branch| branch.outcome == Outcome::Fails).count();
    assert_eq!(known, 1, "missing clusters end alike: {:?}", ways(&verdict));
}

#[test]
fn policies_of_b_tell_requests_apart_too() {
    let scenario = scenarios().into_iter().find(|scenario| scenario.name == "destination-denies-the-request");
    let ask = AskRecord { to: "product-service:8082".to_owned(), ..AskRecord::default() };
    let verdict = answer(&ask, &mut snapshot(scenario.expect("the scenario").files()));
    assert!(verdict.summary.contains(":8082 fails where method is GET"), "{}", verdict.summary);
    let others = "any request, but not where method is GET".to_owned();
    assert!(ways(&verdict).contains(&(Outcome::Reaches, vec![others])), "{:?}", ways(&verdict));
}

#[test]
fn policies_of_b_tell_requests_apart_that_pass_no_proxy_of_a() {
    let scenario = scenarios().into_iter().find(|scenario| scenario.name == "source-has-no-proxy");
    let mut files = scenario.expect("the scenario").files();
    change(&mut files, "destination/config_dump.json", |dump| {
        let mut lists = Vec::new();
        with_member(dump, "http_filters", &mut lists);
        let wanted = json!({"header": {"name": ":method", "string_match": {"exact": "DELETE"}}});
        let policy = json!({"permissions": [wanted], "principals": [{"any": true}]});
        let rules = json!({"action": "DENY", "policies": {"no-deletes": policy}});
        let filter = json!({"name": "deny", "typed_config": {"@type": RBAC, "rules": rules}});
        for with_filters in lists {
            with_filters["http_filters"].as_array_mut().expect("filters").insert(0, filter.clone());
        }
    });
    let ask = AskRecord { to: "product-service.shop:8082".to_owned(), ..AskRecord::default() };
    let verdict = answer(&ask, &mut snapshot(files));
    let denied = (Outcome::Fails, vec!["method is DELETE".to_owned()]);
    assert!(ways(&verdict).contains(&denied), "{:?} {}", ways(&verdict), verdict.summary);
}
