//! What is read of a cluster, over a real port-forward to a fake API server.

use std::time::Duration;

use crate::api::{Api, Forward, World, owner, pod};
use mesh_why::collect::{
    ClusterFlags, CollectError, Existing, Level, Log, Opened, Options, Place, Probe, Source, open, ports_of, save,
};
use mesh_why::snapshot::{Answer, Kind, Lookup, Need, Origin, Snapshot};
use serde_json::{Value, json};

const A: Origin = Origin::Source(0);

fn options(api: &Api) -> Options {
    // Named, so that no kubeconfig of this machine is read.
    let cluster = ClusterFlags { kubeconfig: Some(api.kubeconfig_file()), ..ClusterFlags::default() };
    Options {
        cluster,
        admin_port: None,
        timeout: Some(Duration::from_secs(10)),
        max_read: 1 << 20,
        log: Log::new(Level::Quiet),
        probe: Probe::Never,
    }
}

fn named(name: &str) -> Place {
    Place::Named(Source::parse(name).unwrap())
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn opened(api: &Api, name: &str) -> Opened {
    run(open(&named(name), &options(api))).unwrap()
}

fn failure(api: &Api, name: &str) -> CollectError {
    run(open(&named(name), &options(api))).err().unwrap()
}

/// The pod that A leads to.
fn chosen(api: &Api, name: &str) -> String {
    opened(api, name).snapshot.source.unwrap().name
}

fn fetch(api: &Api, needs: &[Need]) -> Vec<(Need, Result<Answer, String>)> {
    run(async {
        let mut opened = open(&named("a-1"), &options(api)).await.unwrap();
        opened.collector.as_mut().unwrap().fetch(needs).await
    })
}

fn every_admin_need() -> Vec<Need> {
    let name = || "a|b&c=d?#".to_owned();
    vec![
        Need::Listeners(A),
        Need::Listener(A, name()),
        Need::RouteConfig(A, name()),
        Need::Cluster(A, name()),
        Need::ClustersOfHost(A, name()),
        Need::Hosts(A, name()),
        Need::Endpoints(A, name()),
        Need::Identity(A),
        Need::Runtime(A),
    ]
}

// --- one connection --------------------------------------------------------------------------

#[test]
fn one_connection_serves_the_whole_run() {
    let api = Api::start(World::new(vec![pod("a-1", "istio-proxy")]));
    let answers = fetch(&api, &every_admin_need());
    assert_eq!(answers.len(), 9);
    for (need, answer) in &answers {
        assert!(answer.is_ok(), "{need}: {answer:?}");
    }
    let seen = api.seen();
    let forwards = seen.api.iter().filter(|path| path.contains("/portforward?ports=15000&")).count();
    assert_eq!(forwards, 1, "{:?}", seen.api);
    // The first read and the nine: who it is, is asked again, for it is asked for again.
    assert_eq!(seen.admin.iter().map(Vec::len).sum::<usize>(), 10);
}

#[test]
fn a_connection_that_ends_is_opened_again() {
    let mut world = World::new(vec![pod("a-1", "istio-proxy")]);
    world.forward = Forward::Brief(3);
    let api = Api::start(world);
    let answers = fetch(&api, &every_admin_need());
    assert!(answers.iter().all(|(_, answer)| answer.is_ok()), "{answers:?}");
    let asked: Vec<usize> = api.seen().admin.iter().map(Vec::len).collect();
    assert!(asked.iter().all(|count| *count <= 3) && asked.iter().sum::<usize>() == 10, "{asked:?}");
}

#[test]
fn a_slow_answer_is_not_lost_to_a_half_closed_connection() {
    let mut world = World::new(vec![pod("a-1", "istio-proxy")]);
    world.delay = Duration::from_millis(300);
    let api = Api::start(world);
    let answers = fetch(&api, &[Need::Listeners(A)]);
    assert!(matches!(&answers[0].1, Ok(Answer::Body(body)) if !body.is_empty()), "{answers:?}");
}

#[test]
fn names_are_encoded_on_the_way() {
    let api = Api::start(World::new(vec![pod("a-1", "istio-proxy")]));
    fetch(&api, &[Need::Hosts(A, "a|b&c".to_owned()), Need::Listener(A, "0.0.0.0_80".to_owned())]);
    let seen = api.seen();
    let paths: Vec<String> = seen.admin.concat();
    assert!(paths.contains(&"GET /clusters?format=json&filter=%5Ea%5C%7Cb%26c%24".to_owned()), "{paths:?}");
    let listener = "GET /config_dump?mask=dynamic_listeners,static_listeners&name_regex=%5E0%5C.0%5C.0%5C.0_80%24";
    assert!(paths.contains(&listener.to_owned()), "{paths:?}");
}

// --- what an answer means --------------------------------------------------------------------

#[test]
fn what_is_not_in_the_dump_is_nothing_and_no_error() {
    let api = Api::start(World::new(vec![pod("a-1", "istio-proxy")]));
    let answers = fetch(&api, &[Need::Listener(A, "missing".to_owned())]);
    assert_eq!(answers[0].1, Ok(Answer::Nothing));
}

#[test]
fn an_admin_that_takes_no_mask_is_asked_by_field() {
    fn old(path: &str) -> crate::api::Answer {
        if path.contains("mask=") {
            return (500, "no masks here".to_owned());
        }
        if path.contains("resource=dynamic_listeners") {
            return (200, json!({"configs": [{"@type": "x", "name": "l", "active_state": {}}]}).to_string());
        }
        if path.contains("resource=") {
            return (404, "static_listeners not found in config dump".to_owned());
        }
        crate::api::envoy(path)
    }
    let mut world = World::new(vec![pod("a-1", "istio-proxy")]);
    world.admin = old;
    let api = Api::start(world);
    let need = Need::Listener(A, "l".to_owned());
    let answers = fetch(&api, std::slice::from_ref(&need));
    let mut snapshot = Snapshot::default();
    snapshot.answer(&need, answers[0].1.clone().unwrap()).unwrap();
    assert!(matches!(snapshot.listener(A, "l"), Lookup::Found(_)));
    assert!(matches!(snapshot.listener(A, "other"), Lookup::Unread(_)));
}

#[test]
fn an_admin_that_takes_no_parameters_is_asked_for_all() {
    fn older(path: &str) -> crate::api::Answer {
        if path.contains("mask=") || path.contains("resource=") {
            (400, "no".to_owned())
        } else {
            crate::api::envoy(path)
        }
    }
    let mut world = World::new(vec![pod("a-1", "istio-proxy")]);
    world.admin = older;
    let api = Api::start(world);
    let needs = [Need::Listener(A, "l".to_owned()), Need::RouteConfig(A, "r".to_owned())];
    let answers = fetch(&api, &needs);
    assert!(answers.iter().all(|(_, answer)| matches!(answer, Ok(Answer::Body(_)))), "{answers:?}");
    let whole = api.seen().admin.concat().iter().filter(|path| *path == "GET /config_dump").count();
    assert_eq!(whole, 1, "once in a round");
}

#[test]
fn an_admin_that_is_none_is_said_to_be_none() {
    fn other(_: &str) -> crate::api::Answer {
        (200, "hello".to_owned())
    }
    let mut world = World::new(vec![pod("a-1", "istio-proxy")]);
    world.admin = other;
    let error = failure(&Api::start(world), "a-1");
    assert_eq!(error.to_string(), "cannot read the proxy of pod shop/a-1");
    assert_eq!(error.causes(), ["GET /server_info: the answer is not Envoy's"]);
}

// --- objects ---------------------------------------------------------------------------------

#[test]
fn objects_are_got_listed_and_missed() {
    let mut old = World::new(vec![
        pod("a-1", "istio-proxy"),
        json!({"kind": "DestinationRule", "apiVersion": "networking.istio.io/v1beta1", "metadata": {"namespace": "shop", "name": "d"}}),
    ]);
    old.unserved = vec!["networking.istio.io/v1", "gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"];
    old.forbidden = vec!["services"];
    let api = Api::start(old);
    let shop = || "shop".to_owned();
    let needs = [
        Need::Object(Kind::Pod, shop(), "gone".to_owned()),
        Need::Objects(Kind::Pod, Some(shop()), vec![("app".to_owned(), "a".to_owned())]),
        Need::Objects(Kind::Pod, Some(shop()), vec![("app".to_owned(), "b".to_owned())]),
        Need::Object(Kind::DestinationRule, shop(), "d".to_owned()),
        Need::Objects(Kind::HttpRoute, None, Vec::new()),
        Need::Object(Kind::Service, shop(), "s".to_owned()),
        Need::Object(Kind::Pod, shop(), "..".to_owned()),
        Need::Object(Kind::Pod, shop(), "../secrets/x".to_owned()),
        Need::Objects(Kind::TlsRoute, None, Vec::new()),
    ];
    let answers = fetch(&api, &needs);
    let of = |need: &Need| answers.iter().find(|(n, _)| n == need).unwrap().1.clone();
    assert_eq!(of(&needs[0]), Ok(Answer::Nothing));
    let Ok(Answer::Objects(pods)) = of(&needs[1]) else { panic!("{answers:?}") };
    assert_eq!((pods[0]["kind"].as_str(), pods[0]["apiVersion"].as_str()), (Some("Pod"), Some("v1")));
    assert_eq!(of(&needs[2]), Ok(Answer::Objects(Vec::new())));
    let Ok(Answer::Object(rule)) = of(&needs[3]) else { panic!("{answers:?}") };
    assert_eq!(rule["apiVersion"], "networking.istio.io/v1beta1");
    assert_eq!(of(&needs[4]), Ok(Answer::Nothing));
    let forbidden = "Error from server (Forbidden): services is forbidden: User \"dev\" cannot get resource \
                     \"services\" in API group \"\" in the namespace \"shop\"";
    assert_eq!(of(&needs[5]), Err(forbidden.to_owned()));
    assert!(of(&needs[6]).is_err());
    assert!(of(&needs[7]).is_err());
    // Of an older version, which is served.
    assert_eq!(of(&needs[8]), Ok(Answer::Objects(Vec::new())));
}

// --- A ---------------------------------------------------------------------------------------

#[test]
fn what_envoy_adds_of_rejected_listeners_is_of_no_other_listener() {
    // Envoy 1.40: each listener that it rejected comes with every answer, whichever was asked for.
    let rejected = |name: &str| json!({"name": name, "error_state": {"details": "no"}});
    let active = |name: &str| json!({"name": name, "active_state": {"listener": {"name": name}}});
    let answer = |first: Value, other: &str| {
        let unnamed = json!({"error_state": {"details": "no"}});
        let body = json!({"configs": [{"dynamic_listeners": [first, rejected(other), unnamed]}]});
        Answer::Body(body.to_string().into_bytes())
    };
    let need = |name: &str| Need::Listener(A, name.to_owned());
    let mut snapshot = Snapshot::default();
    snapshot.answer(&need("one"), answer(active("one"), "two")).unwrap();
    assert!(matches!(snapshot.listener(A, "two"), Lookup::Unread(_)));
    snapshot.answer(&need("two"), answer(active("two"), "one")).unwrap();
    for name in ["one", "two"] {
        let Lookup::Found(entry) = snapshot.listener(A, name) else { panic!("{name} is there") };
        assert!(entry.get("active_state").is_some(), "{name}");
    }
}

fn newer(mut pod: Value, created: &str) -> Value {
    pod["metadata"]["creationTimestamp"] = json!(created);
    pod
}

#[test]
fn a_workload_leads_to_its_newest_ready_pod_with_a_proxy() {
    let mut pending = newer(pod("a-pending", "istio-proxy"), "2026-06-01T00:00:00Z");
    pending["status"]["phase"] = json!("Pending");
    let mut leaving = newer(pod("a-leaving", "istio-proxy"), "2026-05-01T00:00:00Z");
    leaving["metadata"]["deletionTimestamp"] = json!("2026-06-01T00:00:00Z");
    let mut unready = newer(pod("a-unready", "istio-proxy"), "2026-04-01T00:00:00Z");
    unready["status"]["conditions"][0]["status"] = json!("False");
    let plain = newer(pod("a-plain", "other"), "2026-04-02T00:00:00Z");
    let world = World::new(vec![
        pod("a-old", "istio-proxy"),
        newer(pod("a-new", "istio-proxy"), "2026-02-01T00:00:00Z"),
        pending,
        leaving,
        unready,
        plain,
        owner("Deployment", "a"),
        owner("Service", "a"),
        owner("StatefulSet", "set"),
        owner("Service", "front"),
    ]);
    let api = Api::start(world);
    for name in ["a", "a.shop", "deploy/a", "deployment/a.shop", "svc/a", "set", "front"] {
        assert_eq!(chosen(&api, name), "a-new", "{name}");
    }
    assert_eq!(chosen(&api, "a-old"), "a-old");
    let place = Place::Selector("app=a".to_owned());
    assert_eq!(run(open(&place, &options(&api))).unwrap().snapshot.source.unwrap().name, "a-new");
    assert_eq!(failure(&api, "a-pending").causes(), ["it is Pending"]);
}

#[test]
fn a_name_with_a_dot_is_first_a_name() {
    let mut dotted = pod("a.b", "istio-proxy");
    let mut other = pod("a", "istio-proxy");
    other["metadata"]["namespace"] = json!("b");
    let api = Api::start(World::new(vec![dotted.clone(), other.clone()]));
    assert_eq!(chosen(&api, "a.b"), "a.b");
    dotted["metadata"]["name"] = json!("other");
    let api = Api::start(World::new(vec![dotted, other]));
    let source = opened(&api, "a.b").snapshot.source.unwrap();
    assert_eq!((source.namespace.as_str(), source.name.as_str()), ("b", "a"));
    let source = opened(&api, "a.b.svc.cluster.local").snapshot.source.unwrap();
    assert_eq!((source.namespace.as_str(), source.name.as_str()), ("b", "a"));
}

#[test]
fn an_address_leads_to_the_pod_that_has_it() {
    let at = |name: &str, more: Value| {
        let mut pod = pod(name, "istio-proxy");
        pod["status"]["podIP"] = json!("10.1.0.7");
        pod["spec"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        pod
    };
    let mut done = at("done", json!({}));
    done["status"]["phase"] = json!("Succeeded");
    let api = Api::start(World::new(vec![at("of-the-node", json!({"hostNetwork": true})), done, at("a", json!({}))]));
    assert_eq!(chosen(&api, "10.1.0.7"), "a");
    assert_eq!(chosen(&api, "pod/10.1.0.7"), "a");
    assert!(matches!(failure(&api, "10.1.0.8"), CollectError::NoPod { .. }));
}

#[test]
fn a_name_of_two_workloads_is_an_error_that_names_both() {
    let api = Api::start(World::new(vec![owner("Deployment", "a"), owner("StatefulSet", "a"), owner("Service", "a")]));
    assert_eq!(failure(&api, "a").to_string(), "`a` can be deploy/a or sts/a");
}

#[test]
fn a_name_of_nothing_is_an_error_with_near_names() {
    let mut elsewhere = owner("Deployment", "ordr-service");
    elsewhere["metadata"]["namespace"] = json!("test");
    let api = Api::start(World::new(vec![owner("Deployment", "order-service"), elsewhere]));
    let error = failure(&api, "ordr-service");
    assert_eq!(error.to_string(), "pod, workload or service `ordr-service` was not found in namespace shop");
    assert_eq!(error.hint().unwrap(), "did you mean `ordr-service.test`, or `order-service`?");
}

#[test]
fn a_workload_without_pods_is_an_error_that_says_so() {
    let mut service = owner("Service", "b");
    service["spec"]["selector"] = Value::Null;
    let api = Api::start(World::new(vec![owner("Deployment", "a"), service]));
    let error = failure(&api, "a");
    assert_eq!(error.to_string(), "deploy/a in namespace shop has no running pod");
    assert_eq!(error.causes(), ["it has no pods"]);
    assert_eq!(failure(&api, "b").causes(), ["it selects no pods"]);
}

#[test]
fn a_pod_without_a_proxy_is_no_error() {
    let api = Api::start(World::new(vec![pod("a-1", "other")]));
    let opened = opened(&api, "a-1");
    let source = opened.snapshot.source.clone().unwrap();
    assert!(source.without_proxy && source.proxy.is_none());
    assert!(opened.snapshot.has_objects() && !opened.snapshot.has_proxy(A));
    assert!(api.seen().admin.is_empty());
    let needs = [Need::Listeners(A)];
    let answers = fetch(&api, &needs);
    assert_eq!(answers[0].1, Err("A's proxy is not at hand".to_owned()));
}

#[test]
fn kinds_that_may_not_be_read_are_not_needed_for_a_pod() {
    let mut world = World::new(vec![pod("a-1", "istio-proxy")]);
    world.forbidden = vec!["deployments", "jobs", "statefulsets", "daemonsets", "replicasets", "services"];
    let api = Api::start(world);
    assert_eq!(chosen(&api, "a-1"), "a-1");
    let error = failure(&api, "a");
    assert!(error.to_string().contains("was not found"));
    assert_eq!(error.causes().len(), 6);
    assert_eq!(error.causes()[0], "services may not be read");
    let mut world = World::new(vec![owner("Deployment", "a")]);
    world.forbidden = vec!["pods", "deployments", "jobs", "statefulsets", "daemonsets", "replicasets", "services"];
    let error = failure(&Api::start(world), "a");
    assert_eq!(error.to_string(), "cannot read pod, workload or service `a` in namespace shop");
    assert!(error.causes()[0].starts_with("Error from server (Forbidden): pods"));
    let error = failure(&api, "deploy/a");
    assert_eq!(error.to_string(), "cannot read deploy `a` in namespace shop");
    assert!(error.causes()[0].starts_with("Error from server (Forbidden): deployments is forbidden: User \"dev\""));
    assert!(error.hint().unwrap().contains("`get` and `list`"));
}

#[test]
fn the_admin_port_is_found_or_given() {
    let mut kuma = pod("a-1", "kuma-sidecar");
    kuma["metadata"]["annotations"] = json!({"kuma.io/envoy-admin-port": "9999"});
    let api = Api::start(World::new(vec![kuma]));
    opened(&api, "a-1");
    run(open(&named("a-1"), &Options { admin_port: Some(4711), ..options(&api) })).unwrap();
    let seen = api.seen();
    let ports: Vec<_> = seen
        .api
        .iter()
        .filter_map(|path| path.split_once("ports="))
        .map(|(_, port)| port.split('&').next().unwrap())
        .collect();
    assert_eq!(ports, ["9999", "4711"]);
}

#[test]
fn pods_of_b_are_read_beside_a() {
    let pods = ["a-1", "b-1", "b-2"].map(|name| pod(name, if name == "b-2" { "x" } else { "istio-proxy" }));
    let api = Api::start(World::new(pods.to_vec()));
    run(async {
        let mut opened = open(&named("a-1"), &options(&api)).await.unwrap();
        let collector = opened.collector.as_mut().unwrap();
        let needs = ["b-3", "b-2", "b-1"].map(|name| Need::Destination("shop".to_owned(), name.to_owned()));
        let mut taken = collector.read_pods(&needs, &mut opened.snapshot).await;
        let of = |name| match opened.snapshot.destination("shop", name) {
            Lookup::Found((origin, record)) => Some((origin, record.proxy)),
            Lookup::Absent(_) | Lookup::Unread(_) => None,
        };
        assert_eq!(of("b-2"), Some((Origin::Destination(0), None)));
        assert_eq!(of("b-1"), Some((Origin::Destination(1), Some("istio-proxy".to_owned()))));
        assert_eq!(of("b-3"), None);
        assert!(taken.split_off(1).iter().all(|(_, taken)| taken.is_ok()));
        let (need, gone) = taken.remove(0);
        assert_eq!((need, gone.unwrap_err().causes()), (needs[0].clone(), vec!["there is no such pod".to_owned()]));
        let answers = collector.fetch(&[Need::Listeners(A), Need::Listeners(Origin::Destination(1))]).await;
        assert!(answers.iter().all(|(_, answer)| answer.is_ok()));
    });
}

#[test]
fn a_pod_that_was_read_already_is_not_asked_for() {
    let api = Api::start(World::new(vec![pod("a-1", "istio-proxy"), pod("b-1", "istio-proxy")]));
    run(async {
        let mut opened = open(&named("a-1"), &options(&api)).await.unwrap();
        let collector = opened.collector.as_mut().unwrap();
        let list = Need::Objects(Kind::Pod, Some("shop".to_owned()), Vec::new());
        for (need, answer) in collector.fetch(&[list]).await {
            opened.snapshot.answer(&need, answer.unwrap()).unwrap();
        }
        let need = Need::Destination("shop".to_owned(), "b-1".to_owned());
        let taken = collector.read_pods(&[need], &mut opened.snapshot).await;
        assert!(taken.iter().all(|(_, taken)| taken.is_ok()) && taken.len() == 1);
    });
    assert!(!api.seen().api.iter().any(|path| path.ends_with("/pods/b-1")), "{:?}", api.seen().api);
}

// --- the port-forward ------------------------------------------------------------------------

fn refused(forward: Forward) -> CollectError {
    let mut world = World::new(vec![pod("a-1", "istio-proxy")]);
    world.forward = forward;
    failure(&Api::start(world), "a-1")
}

#[test]
fn a_missing_right_is_named() {
    for verb in ["get", "create"] {
        let error = refused(Forward::Forbidden(verb));
        assert_eq!(error.to_string(), "cannot read the proxy of pod shop/a-1");
        let words = format!(
            "Error from server (Forbidden): pods \"a-1\" is forbidden: User \"dev\" cannot {verb} resource \
             \"pods/portforward\" in API group \"\" in the namespace \"shop\""
        );
        assert_eq!(error.causes(), ["the port-forward was refused", &words]);
        assert_eq!(
            error.hint().unwrap(),
            "the role needs the verbs `get` and `create` on `pods/portforward` in namespace shop"
        );
    }
}

#[test]
fn a_closed_port_is_named_with_the_kubelets_reason() {
    let error = refused(Forward::Closed);
    assert_eq!(error.causes()[0], "nothing listens on port 15000 in the pod");
    assert!(error.causes()[1].contains("dial tcp4 127.0.0.1:15000: connect: connection refused"), "{error:?}");
    assert!(error.hint().unwrap().contains("--admin-port"));
}

#[test]
fn what_takes_no_websockets_is_said_to_be_in_between() {
    let error = refused(Forward::NoWebSocket);
    assert_eq!(error.causes()[1], "failed to switch protocol: 200 OK");
    assert!(error.hint().unwrap().contains("--admin http://127.0.0.1:15000"));
}

#[test]
fn an_answer_that_does_not_come_ends_in_time() {
    let mut world = World::new(vec![pod("a-1", "istio-proxy")]);
    world.delay = Duration::from_secs(30);
    let api = Api::start(world);
    let options = Options { timeout: Some(Duration::from_secs(2)), ..options(&api) };
    let error = run(open(&named("a-1"), &options)).err().unwrap();
    assert_eq!(error.causes(), ["no answer in 2 s"]);
    assert!(error.hint().unwrap().contains("--request-timeout"));
}

#[test]
fn a_busy_server_is_asked_again_a_few_times() {
    let busy = |requests| {
        let mut world = World::new(vec![pod("a-1", "istio-proxy")]);
        world.busy = requests;
        Api::start(world)
    };
    let api = busy(2);
    assert_eq!(chosen(&api, "pod/a-1"), "a-1");
    let error = failure(&busy(9), "pod/a-1");
    let words = "Error from server (ServiceUnavailable): the server is currently unable to handle the request";
    assert_eq!(error.causes(), [words]);
}

// --- all of it -------------------------------------------------------------------------------

/// Whatever is asked on the way of any run, in the form `verb path`, names left out.
#[test]
fn only_these_things_are_ever_asked() {
    let mut world = World::new(vec![pod("a-1", "istio-proxy"), owner("Deployment", "a"), owner("Service", "b")]);
    world.unserved = vec!["networking.istio.io/v1", "security.istio.io/v1", "gateway.networking.k8s.io/v1"];
    world.admin = |path| {
        if path.contains("mask=") { (500, String::new()) } else { crate::api::envoy(path) }
    };
    let api = Api::start(world);
    let objects = Kind::all().flat_map(|kind| {
        [Need::Object(kind, "shop".to_owned(), "n".to_owned()), Need::Objects(kind, None, Vec::new())]
    });
    let needs: Vec<Need> = every_admin_need().into_iter().chain(objects).collect();
    fetch(&api, &needs);
    opened(&api, "a");
    failure(&api, "nothing");
    run(ports_of("b", &named("a"), &options(&api)));
    let seen = api.seen();
    let admin = seen.admin.iter().flatten().map(|asked| asked.split('?').next().unwrap());
    assert_eq!(
        sorted(admin),
        ["GET /clusters", "GET /config_dump", "GET /listeners", "GET /runtime", "GET /server_info"]
    );
    let verbs = seen.api.iter().map(|asked| asked.split(' ').next().unwrap());
    assert_eq!(sorted(verbs), ["GET"]);
    let groups =
        seen.api.iter().map(|asked| asked.split('?').next().unwrap().split('/').take(4).collect::<Vec<_>>().join("/"));
    let groups: Vec<String> = sorted(groups).into_iter().filter(|path| path.contains("/apis/")).collect();
    assert_eq!(
        groups,
        [
            "GET /apis/apps/v1",
            "GET /apis/batch/v1",
            "GET /apis/discovery.k8s.io/v1",
            "GET /apis/gateway.networking.k8s.io/v1",
            "GET /apis/gateway.networking.k8s.io/v1alpha2",
            "GET /apis/gateway.networking.k8s.io/v1alpha3",
            "GET /apis/gateway.networking.k8s.io/v1beta1",
            "GET /apis/networking.istio.io/v1",
            "GET /apis/networking.istio.io/v1alpha3",
            "GET /apis/networking.istio.io/v1beta1",
            "GET /apis/networking.k8s.io/v1",
            "GET /apis/security.istio.io/v1",
            "GET /apis/security.istio.io/v1beta1",
        ]
    );
    let core = seen.api.iter().filter(|asked| asked.contains(" /api/v1/")).map(|asked| {
        let path = asked.split('?').next().unwrap().trim_start_matches("GET /api/v1/");
        path.trim_start_matches("namespaces/shop/").split('/').next().unwrap().to_owned()
    });
    assert_eq!(sorted(core), ["pods", "services"]);
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort();
    items.dedup();
    items
}

#[test]
fn the_ports_of_b_can_be_suggested() {
    let api = Api::start(World::new(vec![owner("Service", "b")]));
    assert_eq!(run(ports_of("b", &named("a"), &options(&api))), ["8080", "9090"]);
    assert_eq!(run(ports_of("b.shop", &named("a"), &options(&api))), ["8080", "9090"]);
    assert!(run(ports_of("c", &named("a"), &options(&api))).is_empty());
}

#[test]
fn what_was_read_is_saved_and_read_again() {
    let api = Api::start(World::new(vec![pod("a-1", "istio-proxy")]));
    let need = Need::Listener(A, "l".to_owned());
    let snapshot = run(async {
        let mut opened = open(&named("a-1"), &options(&api)).await.unwrap();
        for (need, answer) in opened.collector.as_mut().unwrap().fetch(std::slice::from_ref(&need)).await {
            opened.snapshot.answer(&need, answer.unwrap()).unwrap();
        }
        opened.snapshot
    });
    let folder = tempfile::tempdir().unwrap();
    for name in ["plain", "packed.tar.gz", "packed.tgz"] {
        let path = folder.path().join(name);
        save(&snapshot, &path, Existing::Keep).unwrap();
        assert!(save(&snapshot, &path, Existing::Keep).is_err());
        save(&snapshot, &path, Existing::Replace).unwrap();
        let again = run(open(&Place::Snapshot(path), &options(&api))).unwrap().snapshot;
        assert_eq!(again.time, snapshot.time);
        assert_eq!(again.source.as_ref().unwrap().name, "a-1");
        assert!(again.is_tried(&need));
        assert!(matches!(again.listener(A, "l"), Lookup::Found(_)));
    }
    let path = folder.path().join("plain");
    let alone = Options { cluster: ClusterFlags::default(), ..options(&api) };
    assert!(run(open(&Place::Snapshot(path.clone()), &alone)).unwrap().collector.is_none());
    let services = Need::Objects(Kind::Service, None, Vec::new());
    let answers = run(async {
        let mut opened = open(&Place::Snapshot(path), &options(&api)).await.unwrap();
        opened.collector.as_mut().unwrap().fetch(&[services.clone(), Need::Listeners(A)]).await
    });
    let of = |need: &Need| answers.iter().find(|(n, _)| n == need).unwrap().1.clone();
    assert_eq!(of(&services), Ok(Answer::Objects(Vec::new())));
    assert_eq!(of(&Need::Listeners(A)), Err("A's proxy is not at hand".to_owned()));
    std::fs::write(folder.path().join("mine"), "x").unwrap();
    let error = save(&snapshot, folder.path(), Existing::Replace).unwrap_err();
    assert_eq!(error.causes(), ["the folder is not empty, and it is not a snapshot"]);
}
