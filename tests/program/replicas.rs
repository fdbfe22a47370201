//! `--all-pods` of many pods: what they have in common is asked once, and what one of them lacks is its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::api::{Answer, Api, World};
use crate::captured::{self, failing, healthy};
use crate::tool::{Run, Tool};

const ASKED: [&str; 4] = ["order-service", "product-service:8082", "--exact", "--all-pods"];

fn replicas(count: usize) -> World {
    captured::replicas(healthy(), count)
}

fn asked(api: &Api, more: &[&str]) -> Run {
    let kubeconfig = api.kubeconfig_file();
    Tool::new().run(&[&ASKED[..], more, &["--kubeconfig", &kubeconfig, "-n", "shop"]].concat())
}

fn verdicts(run: &Run) -> Vec<Value> {
    let told: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}", run.err));
    told["verdicts"].as_array().unwrap().clone()
}

/// How often each thing was asked of the API server, and how many requests proxies got.
fn counted(count: usize) -> (BTreeMap<String, usize>, usize) {
    let api = Api::start(replicas(count));
    let told = verdicts(&asked(&api, &["-o", "json"]));
    assert_eq!((told.len(), told[0]["pods"].as_array().unwrap().len()), (1, count), "{told:#?}");
    let seen = api.seen();
    let mut all = BTreeMap::new();
    for request in &seen.api {
        *all.entry(request.split("/portforward").next().unwrap().to_owned()).or_default() += 1;
    }
    (all, seen.admin.iter().map(Vec::len).sum())
}

#[test]
fn what_pods_have_in_common_is_asked_once() {
    let [(few, of_few), (more, of_more), (many, of_many)] = [5, 10, 20].map(counted);
    let service = "GET /api/v1/namespaces/shop/services/product-service";
    assert_eq!(many[service], 1, "{many:#?}");
    // The Service of A's name is looked for to find A. Nothing but that is asked twice, and no pod of A's or B's has two
    // port-forwards.
    let twice: Vec<_> = many.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{twice:#?}");
    // A pod more is one port-forward more, and what is asked of its own proxy.
    assert_eq!((more.len() - few.len(), many.len() - more.len()), (5, 10), "{many:#?}");
    let each = (of_more - of_few) / 5;
    assert_eq!((of_more - of_few, of_many - of_more), (5 * each, 10 * each));
    let forwards = many.keys().filter(|request| request.contains("/pods/product-service-")).count();
    assert_eq!(forwards, 2, "{many:#?}");
}

#[test]
fn what_was_read_is_counted_as_it_was_asked() {
    let api = Api::start(replicas(12));
    let run = asked(&api, &["-v"]);
    let total = run.err.lines().last().unwrap().to_owned();
    let seen = api.seen();
    let objects = seen.api.iter().filter(|request| !request.contains("/portforward")).count();
    let all = objects + seen.admin.iter().map(Vec::len).sum::<usize>();
    let forwards = seen.api.len() - objects;
    let expected = format!("total: {all} reads, {objects} of them the API server's, {forwards} port-forwards, ");
    assert!(total.starts_with(&expected), "{total}");
}

#[test]
fn the_error_of_one_pod_is_its_own() {
    let broken = |pod: &str, path: &str| -> Answer {
        if pod.ends_with("49b26-3") { (500, String::new()) } else { captured::well(pod, path) }
    };
    let api = Api::start(World { proxies: Some(broken), ..replicas(5) });
    let told = verdicts(&asked(&api, &["-o", "json"]));
    assert_eq!((told.len(), told[0]["pods"].as_array().unwrap().len()), (1, 4), "{told:#?}");
    let unchecked = told[0]["unchecked"].as_array().unwrap();
    let of_pod = unchecked.iter().filter(|line| line.as_str().unwrap().starts_with("pod order-service-")).count();
    assert_eq!(of_pod, 1, "{unchecked:#?}");
}

#[test]
fn a_failure_of_all_pods_is_looked_into_once() {
    let [few, many] = [2, 8].map(|count| {
        let api = Api::start(captured::replicas(failing(), count));
        let told = verdicts(&asked(&api, &["-o", "json"]));
        assert_eq!((told.len(), told[0]["pods"].as_array().unwrap().len()), (1, count), "{told:#?}");
        assert_eq!(told[0]["findings"][0]["id"], "subset-not-defined", "{told:#?}");
        let is_object = |request: &&String| !request.contains("/portforward");
        let mut objects: Vec<String> = api.seen().api.iter().filter(is_object).cloned().collect();
        objects.sort();
        objects
    });
    assert!(many.iter().any(|request| request.contains("destinationrules")), "{many:#?}");
    assert_eq!(few, many);
}

/// Whether this asks for the last update of a part of B's proxy.
fn looks_again(pod: &str, path: &str) -> bool {
    pod.starts_with("product-service") && path.contains("resource=") && path.contains("last_updated")
}

fn moved((code, text): Answer) -> Answer {
    (code, text.replace("\"last_updated\":\"2", "\"last_updated\":\"3"))
}

#[test]
fn whoever_rests_on_what_has_moved_is_asked_again() {
    static LOOKED: AtomicUsize = AtomicUsize::new(0);
    let once = |pod: &str, path: &str| {
        let answer = captured::well(pod, path);
        if looks_again(pod, path) && LOOKED.fetch_add(1, Ordering::SeqCst) == 0 { moved(answer) } else { answer }
    };
    let api = Api::start(World { proxies: Some(once), ..replicas(6) });
    let told = verdicts(&asked(&api, &["-o", "json"]));
    assert_eq!((told.len(), told[0]["pods"].as_array().unwrap().len()), (1, 6), "{told:#?}");
    assert!(LOOKED.load(Ordering::SeqCst) > 1);
    let of_a = api.seen().api.iter().filter(|request| request.contains("/pods/order-service-")).count();
    assert_eq!(of_a, 12, "each of them again: {:#?}", api.seen().api);
}

#[test]
fn what_does_not_stand_still_is_told_of_no_pod() {
    static LOOKED: AtomicUsize = AtomicUsize::new(0);
    let ever = |pod: &str, path: &str| {
        let answer = captured::well(pod, path);
        if !looks_again(pod, path) {
            return answer;
        }
        LOOKED.fetch_add(1, Ordering::SeqCst);
        moved(answer)
    };
    let api = Api::start(World { proxies: Some(ever), ..replicas(3) });
    let told = verdicts(&asked(&api, &["-o", "json"]));
    assert_eq!((told.len(), &told[0]["outcome"]), (1, &Value::from("unknown")), "{told:#?}");
    assert!(told[0].to_string().contains("was another at each"), "{told:#?}");
    assert!(LOOKED.load(Ordering::SeqCst) >= 3);
}
