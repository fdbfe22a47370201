//! Whether A's proxy has what istiod sent: istiod is asked where that could explain a failure, and nowhere else.

use serde_json::{Value, json};

use crate::api::{self, Answer, Api, World, pod};
use crate::tool::Tool;

const CLUSTERS: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

/// What istiod says of the proxies of namespace shop: A's refused its clusters.
fn rows() -> Value {
    let row = |proxy: &str| {
        json!({"cluster_id": "Kubernetes", "proxy": proxy, "proxy_type": "sidecar", "istio_version": "1.29.1",
            "cluster_sent": "2026-01-02T00:00:00Z/b", "cluster_acked": "2026-01-01T00:00:00Z/a",
            "resources": {CLUSTERS: {"sent": "2026-01-02T00:00:00Z/b", "acked": "2026-01-01T00:00:00Z/a",
                "sentTime": "2026-01-02T00:00:01Z",
                "lastError": "Error adding/updating cluster(s) c: no such field: 'lb_polcy'"}}})
    };
    json!([row("a-1.shop"), row("other-1.shop")])
}

/// An Envoy whose listener hands connections to a cluster; `cluster` says whether that is there.
fn envoy(path: &str, cluster: &Value, stats: &Value) -> Answer {
    let address = json!({"socket_address": {"address": "10.0.0.1", "port_value": 80}});
    let tcp = json!({"@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "x", "cluster": "c"});
    let listener = json!({"name": "l", "address": address,
        "filter_chains": [{"filters": [{"name": "tcp", "typed_config": tcp}]}]});
    let body = match path {
        _ if path.contains("bootstrap.node.metadata") => json!({"configs": [{"bootstrap": {"node": {"metadata": {
            "ISTIO_VERSION": "1.27.3", "ENVIRONMENT": "SEKRIT",
            "PROXY_CONFIG": {"discoveryAddress": "istiod.istio-system.svc:15012", "binaryPath": "x"}}}}}]}),
        _ if path.contains("bootstrap") => return api::envoy(path),
        _ if path.starts_with("/debug/syncz") => rows(),
        _ if path.starts_with("/stats") => stats.clone(),
        _ if path.starts_with("/listeners") => json!({"listener_statuses": [{"name": "l", "local_address": address}]}),
        _ if path.starts_with("/clusters") => json!({"cluster_statuses": [{"name": "c", "host_statuses": [
            {"address": {"socket_address": {"address": "10.0.0.9", "port_value": 80}}}]}]}),
        _ if path.contains("resource=dynamic_listeners") => {
            json!({"configs": [{"active_state": {"last_updated": "t"}}]})
        }
        _ if path.contains("resource=") => json!({}),
        _ if path.contains("listeners") => json!({"configs": [{"dynamic_listeners": [
            {"name": "l", "active_state": {"listener": listener, "last_updated": "t"}}]}]}),
        _ if path.contains("clusters") => cluster.clone(),
        _ => return api::envoy(path),
    };
    (200, body.to_string())
}

fn streams(count: u64) -> Value {
    json!({"stats": [{"name": "cluster.xds-grpc;.upstream_rq_active", "value": count},
        {"name": "cluster_manager.cds.update_rejected", "value": 3}]})
}

fn without_cluster(path: &str) -> Answer {
    envoy(path, &json!({"configs": []}), &streams(1))
}

fn world(admin: fn(&str) -> Answer) -> World {
    let of = |namespace: &str, mut object: Value| {
        object["metadata"]["namespace"] = json!(namespace);
        object
    };
    let mut istiod = of("istio-system", pod("istiod-1", "discovery"));
    istiod["metadata"]["labels"] = json!({"app": "istiod"});
    istiod["spec"]["containers"][1]["image"] = json!("docker.io/istio/pilot:1.29.1-distroless");
    let service = json!({"kind": "Service", "apiVersion": "v1", "metadata": {"namespace": "istio-system", "name": "istiod"},
        "spec": {"selector": {"app": "istiod"}, "ports": [{"port": 15012}]}});
    let filter = |name: &str, to: &str| {
        json!({"kind": "EnvoyFilter", "apiVersion": "networking.istio.io/v1alpha3",
            "metadata": {"namespace": "shop", "name": name}, "spec": {"configPatches": [{"applyTo": to}]}})
    };
    let filters = [filter("of-clusters", "CLUSTER"), filter("of-routes", "HTTP_ROUTE")];
    let mut world = World::new([pod("a-1", "istio-proxy"), istiod, service].into_iter().chain(filters).collect());
    world.admin = admin;
    world
}

fn ask(api: &Api, more: &[&str]) -> Value {
    let tool = Tool::new();
    let config = api.kubeconfig_file();
    let mut arguments = vec!["a-1", "10.0.0.1:80", "--protocol", "tcp", "--kubeconfig", &config, "-o", "json"];
    arguments.extend(more);
    let run = tool.run(&arguments);
    serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}", run.err))
}

fn finding<'a>(verdict: &'a Value, id: &str) -> Option<&'a Value> {
    verdict["findings"].as_array().unwrap().iter().find(|finding| finding["id"] == id)
}

fn lines(verdict: &Value) -> String {
    verdict["unchecked"].to_string()
}

#[test]
fn istiod_tells_what_the_proxy_refused_and_whose_patch_it_was() {
    let api = Api::start(world(without_cluster));
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved").display().to_string();
    let verdict = ask(&api, &["--save", &saved]);
    let found = finding(&verdict, "proxy-out-of-sync").unwrap_or_else(|| panic!("{verdict:#}"));
    assert_eq!(found["certainty"], "certain");
    assert!(found["why"].as_str().unwrap().contains("lb_polcy"), "{found:#}");
    let objects: Vec<&Value> = found["objects"].as_array().unwrap().iter().map(|object| &object["name"]).collect();
    assert_eq!(objects, ["of-clusters", "a-1"]);
    assert!(lines(&verdict).contains("a-1's proxy is of Istio 1.27.3, and istiod of 1.29.1"), "{}", lines(&verdict));
    let forwards: Vec<String> =
        api.seen().api.iter().filter(|path| path.contains("istiod-1/portforward")).cloned().collect();
    assert!(matches!(&forwards[..], [one] if one.ends_with("ports=15014")), "{forwards:?}");
    // The snapshot has the row of A's proxy and no other, and nothing else of the metadata.
    let file = |name: &str| std::fs::read_to_string(format!("{saved}/{name}")).unwrap();
    let kept: Value = serde_json::from_str(&file("controlplane/syncz.json")).unwrap();
    assert_eq!(kept.as_array().unwrap().iter().map(|row| &row["proxy"]).collect::<Vec<_>>(), ["a-1.shop"]);
    assert!(!file("source/server_info.json").contains("SEKRIT"));
    let again = Tool::new().run(&["--snapshot", &saved, "-o", "json"]);
    let again: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!((&again["findings"], &again["unchecked"]), (&verdict["findings"], &verdict["unchecked"]));
}

#[test]
fn a_healthy_answer_asks_nothing_more() {
    fn there(path: &str) -> Answer {
        envoy(
            path,
            &json!({"configs": [{"dynamic_active_clusters": [{"cluster": {"name": "c", "type": "STATIC"}}]}]}),
            &streams(1),
        )
    }
    let api = Api::start(world(there));
    assert_eq!(ask(&api, &[])["outcome"], "reaches");
    let seen = api.seen();
    let asked: Vec<&String> = seen.admin.iter().flatten().chain(&seen.api).collect();
    let more = ["/stats", "/debug", "metadata", "istiod"];
    assert!(!asked.iter().any(|path| more.iter().any(|part| path.contains(part))), "{asked:?}");
}

#[test]
fn without_the_right_to_ask_istiod_there_is_a_line_and_no_error() {
    let refusals: [(&[&'static str], &[&'static str]); 2] = [(&["istio-system"], &[]), (&[], &["services"])];
    for (unforwarded, forbidden) in refusals {
        let mut world = world(without_cluster);
        world.unforwarded = unforwarded.to_vec();
        world.forbidden = forbidden.to_vec();
        let verdict = ask(&Api::start(world), &[]);
        assert_eq!(verdict["outcome"], "fails");
        assert!(finding(&verdict, "proxy-out-of-sync").is_none(), "{verdict:#}");
        let line = "'s proxy has what istiod sent it: ";
        assert_eq!(lines(&verdict).matches(line).count(), 1, "{}", lines(&verdict));
        assert!(lines(&verdict).contains("it refused 3 updates of clusters since it started"), "{}", lines(&verdict));
    }
}

#[test]
fn a_proxy_without_a_stream_and_without_a_row_has_lost_istiod() {
    fn lost(path: &str) -> Answer {
        if path.starts_with("/debug/syncz") {
            (200, "null".to_owned())
        } else {
            envoy(path, &json!({"configs": []}), &streams(0))
        }
    }
    let verdict = ask(&Api::start(world(lost)), &[]);
    let found = finding(&verdict, "control-plane-lost").unwrap_or_else(|| panic!("{verdict:#}"));
    assert!(found["why"].as_str().unwrap().contains("istiod knows of no such proxy"), "{found:#}");
}

#[test]
fn the_port_of_old_releases_is_tried_too() {
    fn old(path: &str) -> Answer {
        if path.starts_with("/debug/syncz") { (404, "404 page not found".to_owned()) } else { without_cluster(path) }
    }
    let api = Api::start(world(old));
    let verdict = ask(&api, &[]);
    assert!(lines(&verdict).contains("pod istio-system/istiod-1 answered 404"), "{}", lines(&verdict));
    let seen = api.seen();
    for port in [15014, 8080] {
        let ending = format!("ports={port}");
        assert!(seen.api.iter().any(|path| path.contains("istiod-1/portforward") && path.ends_with(&ending)), "{port}");
    }
}
