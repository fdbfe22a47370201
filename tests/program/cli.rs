//! The command line: every mistake is one clear error, with its exit code and nothing on standard output.

use std::io::Write as _;

use crate::api::{Api, Forward, World, owner, pod};
use crate::tool::{Run, Tool};
use flate2::Compression;
use flate2::write::GzEncoder;

const DUMP: &str = r#"{"configs": [
  {"@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump",
   "dynamic_listeners": [{"name": "l", "active_state": {"listener": {"name": "l"}}}]}]}"#;

/// Runs against a cluster, whose kubeconfig is the one in the home folder.
fn in_cluster(world: World, arguments: &[&str]) -> Run {
    let api = Api::start(world);
    let tool = Tool::new();
    tool.file(".kube/config", api.kubeconfig());
    tool.run(arguments)
}

fn mesh() -> World {
    World::new(vec![pod("a-1", "istio-proxy"), owner("Deployment", "order-service"), owner("Service", "products")])
}

fn archive(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, text) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

// --- the arguments: exit code 2 --------------------------------------------------------------

#[test]
fn what_is_missing_is_named() {
    let tool = Tool::new();
    tool.run(&[]).fails(2, &["B:PORT is missing", "kubectl mesh-why A B:PORT"]);
    tool.run(&["orders"]).fails(2, &["B:PORT is missing", "kubectl mesh-why orders B:PORT"]);
    tool.run(&["products:80"]).fails(2, &["A is missing", "kubectl mesh-why A products:80"]);
    tool.run(&["--clusters", "x"]).fails(2, &["goes with `-f FILE`"]);
}

#[test]
fn a_destination_needs_a_port() {
    let tool = Tool::new();
    tool.run(&["orders", "products"]).fails(2, &["`products` has no port", "write `products:PORT`"]);
    for port in ["0", "65536", "-1", "99999999999", "a b"] {
        tool.run(&["orders", &format!("products:{port}")]).fails(2, &[&format!("`{port}` is not a port")]);
    }
    tool.run(&["orders", ":80"]).fails(2, &["`:80` is not a destination"]);
}

#[test]
fn a_destination_without_a_port_is_told_those_of_the_service() {
    let run = in_cluster(mesh(), &["order-service", "products"]);
    run.fails(2, &["`products` has no port", "the service has `products:8080`, `products:9090`"]);
    let tool = Tool::new();
    tool.run(&["product-service.shop", "--demo"]).fails(2, &["`product-service.shop:8082`"]);
}

#[test]
fn a_request_has_to_be_one() {
    let tool = Tool::new();
    let with = |arguments: &[&str]| tool.run(&[&["orders", "products:80"], arguments].concat());
    with(&["-H", "no colon"]).fails(2, &["`no colon` is not a header"]);
    with(&["-H", "a b: c"]).fails(2, &["is not a header"]);
    with(&["-H", ": c"]).fails(2, &["is not a header"]);
    with(&["--path", "items"]).fails(2, &["`items` is not a path"]);
    with(&["--method", "G T"]).fails(2, &["`G T` is not a method"]);
    with(&["--protocol", "udp"]).fails(2, &["`udp` is not a protocol", "http1"]);
    with(&["-o", "nonsense"]).fails(2, &["`nonsense` is not an output format", "jsonpath=EXPR"]);
    with(&["--color", "sometimes"]).fails(2, &["there are auto, always, never"]);
    with(&["--request-timeout", "soon"]).fails(2, &["--request-timeout", "30s"]);
    with(&["--admin-port", "0"]).fails(2, &["--admin-port"]);
    with(&["--nonsense"]).fails(2, &["--nonsense", "`kubectl mesh-why -h`"]);
    with(&["-l", "app=a"]).fails(2, &["A is named twice"]);
    with(&["--demo", "--snapshot", "x"]).fails(2, &["cannot go together"]);
    with(&["--as-user-extra", "x"]).fails(2, &["KEY=VALUE"]);
    tool.run(&["shop/orders", "products:80"]).fails(2, &["A is not a `shop`", "deploy"]);
    tool.run(&["products:80", "orders"]).fails(2, &["`products:80` is not a source", "the source goes first"]);
    tool.run(&["a b", "products:80"]).fails(2, &["`a b` is not a source"]);
    tool.run(&["-f", "-", "--clusters", "-", "b:80"]).fails(2, &["standard input cannot be both"]);
    tool.run(&["--demo", "-o", "jsonpath={.a["]).fails(2, &["is not a JSONPath"]);
}

// --- the cluster: exit code 3 ----------------------------------------------------------------

#[test]
fn no_kubeconfig_is_said_to_be_none() {
    let tool = Tool::new();
    tool.run(&["orders", "products:80"]).fails(3, &["there is no kubeconfig", "--snapshot"]);
    tool.run(&["orders", "products:80", "--kubeconfig", "gone"]).fails(3, &["cannot read gone", "no such file"]);
    tool.file("broken", "a: [");
    tool.run(&["orders", "products:80", "--kubeconfig", "broken"]).fails(3, &["broken is not a kubeconfig"]);
}

#[test]
fn a_context_that_is_not_there_is_named_with_those_that_are() {
    let run = in_cluster(mesh(), &["orders", "products:80", "--context", "prod"]);
    run.fails(3, &["the kubeconfig has no context `prod`", "there is test"]);
}

#[test]
fn a_cluster_that_is_not_there_is_told_as_kubectl_does() {
    let tool = Tool::new();
    let run = tool.run(&["orders", "products:80", "-s", "http://127.0.0.1:1"]);
    let words = "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?";
    run.fails(3, &[words]);
}

#[test]
fn a_source_that_is_not_there_has_near_names() {
    let run = in_cluster(mesh(), &["ordr-service", "products:8080"]);
    run.fails(3, &["`ordr-service` was not found in namespace shop", "did you mean `order-service`?"]);
}

#[test]
fn a_source_that_can_be_two_things_is_an_error() {
    let mut world = mesh();
    world.objects.push(owner("StatefulSet", "order-service"));
    let run = in_cluster(world, &["order-service", "products:8080"]);
    run.fails(3, &["deploy/order-service or sts/order-service"]);
}

#[test]
fn what_is_forbidden_is_told_as_kubectl_does() {
    let mut world = mesh();
    world.forbidden = vec!["pods"];
    in_cluster(world, &["pod/a-1", "products:8080"]).fails(
        3,
        &["Error from server (Forbidden): pods is forbidden: User \"dev\" cannot get resource \"pods\"", "`get`"],
    );
    let mut world = mesh();
    world.forward = Forward::Forbidden("create");
    in_cluster(world, &["a-1", "products:8080"]).fails(
        3,
        &["cannot read the proxy of pod shop/a-1", "cannot create resource \"pods/portforward\"", "`get` and `create`"],
    );
}

#[test]
fn credentials_that_do_not_count_are_said_not_to() {
    let mut world = mesh();
    world.token = Some("right");
    in_cluster(world, &["a-1", "products:8080", "--token", "wrong"])
        .fails(3, &["You must be logged in to the server (Unauthorized)"]);
}

#[test]
fn an_admin_port_that_is_closed_is_named() {
    let mut world = mesh();
    world.forward = Forward::Closed;
    let run = in_cluster(world, &["a-1", "products:8080"]);
    run.fails(3, &["nothing listens on port 15000 in the pod", "connection refused", "--admin-port"]);
}

#[test]
fn an_admin_url_that_answers_nothing_is_named() {
    let tool = Tool::new();
    tool.run(&["products:80", "--admin", "http://127.0.0.1:1"])
        .fails(3, &["cannot read http://127.0.0.1:1", "refused"]);
    tool.run(&["products:80", "--admin", "https://x"]).fails(3, &["--admin https://x", "plain HTTP"]);
    let api = Api::start(mesh());
    let url = format!("{}/api/v1/namespaces/shop/pods", api.url());
    tool.run(&["products:80", "--admin", &url]).fails(3, &["GET /server_info"]);
}

// --- files: exit code 3 ----------------------------------------------------------------------

#[test]
fn a_dump_that_is_none_is_said_to_be_none() {
    let tool = Tool::new();
    let dump = |text: &str| tool.run(&["b:80", "-f", &tool.file("dump", text)]);
    dump("").fails(3, &["is not a config dump", "the file is empty"]);
    dump(&DUMP[..DUMP.len() / 2]).fails(3, &["the JSON is cut off at line"]);
    dump("{\"a\": 1}").fails(3, &["is not a config dump", "it has no `configs`"]);
    dump("hello").fails(3, &["not JSON"]);
    let large = format!("{}{DUMP}", "\n".repeat(2 << 20));
    dump(&large[..large.len() - 9]).fails(3, &["the JSON is cut off at line 20"]);
    assert_eq!(dump(&large).code, dump(DUMP).code);
    tool.run(&["b:80", "-f", "gone"]).fails(3, &["cannot read gone", "no such file or directory"]);
    let dump = tool.file("dump", DUMP);
    tool.run(&["b:80", "-f", &tool.home().display().to_string()]).fails(3, &["it is a folder", "--snapshot"]);
    let packed = tool.file("packed", archive(&[("a", "")]));
    tool.run(&["b:80", "-f", &packed]).fails(3, &["an archive", "--snapshot"]);
    let swapped = tool.file("swapped", "{\n \"cluster_statuses\": []}");
    tool.run(&["b:80", "-f", &swapped]).fails(3, &["it is an answer of /clusters", "--clusters"]);
    let clusters = tool.file("clusters", "hello");
    tool.run(&["b:80", "-f", &dump, "--clusters", &clusters])
        .fails(3, &["clusters is not an answer of Envoy's /clusters"]);
}

#[test]
fn a_snapshot_that_is_none_is_said_to_be_none() {
    let tool = Tool::new();
    let snapshot = |path: &str| tool.run(&["b:80", "--snapshot", path]);
    snapshot("gone").fails(3, &["cannot read gone"]);
    snapshot(&tool.home().display().to_string())
        .fails(3, &["is not a snapshot", "neither snapshot.json nor config_dump.json"]);
    snapshot(&tool.file("empty.tar.gz", "")).fails(3, &["empty.tar.gz is not a snapshot", "the file is empty"]);
    snapshot(&tool.file("text.tar.gz", "hello")).fails(3, &["neither a folder nor a .tar.gz", "-f FILE"]);
    let whole = archive(&[("snapshot.json", "{}")]);
    snapshot(&tool.file("cut.tar.gz", &whole[..whole.len() / 2])).fails(3, &["the archive is damaged"]);
    let deep = archive(&[("1/2/3/4/5/6/7/8/9/10/snapshot.json", "{}")]);
    snapshot(&tool.file("deep.tar.gz", deep)).fails(3, &["folders deep"]);
    let other = archive(&[("notes/hello.txt", "hello")]);
    snapshot(&tool.file("other.tar.gz", other)).fails(3, &["neither snapshot.json nor config_dump.json"]);
    let newer = archive(&[("x/snapshot.json", "{\"schema\": \"mesh-why-snapshot/v9\"}")]);
    snapshot(&tool.file("newer.tar.gz", newer)).fails(3, &["mesh-why-snapshot/v1"]);
}

#[test]
fn a_snapshot_is_not_written_over_other_things() {
    let tool = Tool::new();
    tool.file("mine/letter.txt", "dear");
    let run = tool.run(&["--demo", "--save", "mine"]);
    run.fails(3, &["cannot save the snapshot to mine", "the folder is not empty"]);
    tool.run(&["--demo", "--save", "/dev/null/x"]).fails(3, &["cannot save the snapshot"]);
}

#[test]
fn a_snapshot_without_a_question_needs_one() {
    let tool = Tool::new();
    tool.run(&["-f", &tool.file("dump", DUMP)]).fails(2, &["B:PORT is missing"]);
}

// --- answers ---------------------------------------------------------------------------------

#[test]
fn the_demo_answers_and_is_no_failure() {
    let tool = Tool::new();
    let run = tool.run(&["--demo"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert!(run.out.contains("product-service:8082"), "{}", run.out);
    let quiet = tool.run(&["--demo", "-q"]);
    assert_eq!(quiet.out.lines().count(), 1);
    // On a screen, line 1 may be wrapped.
    let screen = run.out.replace("\n  ", " ");
    assert!(screen.starts_with(quiet.out.trim_end()), "{}", quiet.out);
}

#[test]
fn files_and_snapshots_and_pods_are_answered_alike() {
    let tool = Tool::new();
    let dump = tool.file("dump", DUMP);
    let run = tool.run(&["b:80", "-f", &dump, "-o", "json"]);
    // Whichever listener the port leads to, nobody takes the connection.
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.out.contains("\"mesh-why/v1\""), "{}", run.out);
    let piped = Tool::finish(tool.command(&["b:80", "-f", "-", "-o", "json"]).write_stdin(DUMP));
    assert_eq!((piped.code, piped.out), (1, run.out));
    let api = Api::start(mesh());
    tool.file(".kube/config", api.kubeconfig());
    let run = tool.run(&["order-service", "products:8080", "--save", "kept.tar.gz", "-v"]);
    assert!(run.err.contains(": GET /listeners?format=json\n"), "{}", run.err);
    drop(api);
    let again = tool.run(&["--snapshot", "kept.tar.gz"]);
    assert_eq!((again.code, again.out, again.err.as_str()), (run.code, run.out, ""));
}

#[test]
fn the_choice_of_a_pod_is_told_unless_it_is_to_be_quiet() {
    let two = || {
        let mut world = mesh();
        world.objects.push(pod("a-2", "istio-proxy"));
        world
    };
    let run = in_cluster(two(), &["order-service", "products:8080"]);
    assert_eq!(run.err, "asking pod/a-2, one of 2 that run\n");
    assert_eq!(in_cluster(two(), &["order-service", "products:8080", "-q"]).err, "");
    assert_eq!(in_cluster(mesh(), &["order-service", "products:8080"]).err, "");
}

#[test]
fn every_pod_is_asked_and_those_with_one_answer_stand_together() {
    let three = || {
        let mut world = mesh();
        world.objects.push(pod("a-2", "istio-proxy"));
        // Its application has no proxy: the request leaves it as it is.
        world.objects.push(pod("a-3", "other"));
        world
    };
    let run = in_cluster(three(), &["order-service", "products:8080", "--all-pods", "-o", "json"]);
    let told: serde_json::Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}", run.err));
    assert_eq!(told["schema"], "mesh-why/v1");
    let pods: Vec<&serde_json::Value> = told["verdicts"].as_array().unwrap().iter().map(|one| &one["pods"]).collect();
    assert_eq!(pods, [&serde_json::json!(["a-2", "a-1"]), &serde_json::json!(["a-3"])], "{}", run.out);
    assert_eq!(told["verdicts"][0]["schema"], "mesh-why/v1");
    assert_eq!(run.err, "");
    let text = in_cluster(three(), &["order-service", "products:8080", "--all-pods"]);
    assert_eq!(text.code, run.code);
    assert!(text.out.starts_with("2 of 3 pods: a-2 and 1 more\n"), "{}", text.out);
    assert!(text.out.contains("\n1 of 3 pods: a-3\n"), "{}", text.out);
    let quiet = in_cluster(three(), &["order-service", "products:8080", "--all-pods", "-q"]);
    assert_eq!(quiet.out.lines().count(), 4, "{}", quiet.out);
    let alone = in_cluster(mesh(), &["order-service", "products:8080", "--all-pods"]);
    assert!(alone.out.starts_with("pod a-1\n"), "{}", alone.out);
    let tool = Tool::new();
    tool.run(&["a", "b:80", "--all-pods", "--demo"]).fails(2, &["--all-pods", "--demo"]);
}

#[test]
fn pods_of_which_none_can_be_asked_are_an_error() {
    let mut world = mesh();
    world.objects.push(pod("a-2", "istio-proxy"));
    world.forward = Forward::Forbidden("create");
    in_cluster(world, &["order-service", "products:8080", "--all-pods"]).fails(3, &["error: ", "hint: "]);
}

#[test]
fn names_are_understood_as_a_pod_does() {
    let tool = Tool::new();
    let of = |b: &str, member: &str| {
        let run = tool.run(&["--demo", b, "-o", "json"]);
        let verdict: serde_json::Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}", run.err));
        verdict[member].clone()
    };
    // DNS tells no case apart.
    for b in ["PRODUCT-SERVICE:8082", "Product-Service.Shop:8082", "product-service.shop.svc.cluster.local.:8082"] {
        assert_eq!(
            (of(b, "outcome"), &of(b, "findings")[0]["id"]),
            ("fails".into(), &"subset-selects-no-pods".into()),
            "{b}"
        );
    }
    // What A dials in its own pod is never redirected: a listener without a socket does not take it.
    for b in ["localhost:8082", "127.0.0.1:8082", "[::1]:8082"] {
        assert_eq!((of(b, "outcome"), of(b, "findings")), ("unknown".into(), serde_json::json!([])), "{b}");
    }
}

/// The demo's mesh, with more in the specification of A's pod.
fn with_pod(tool: &Tool, more: &serde_json::Value) -> String {
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/subset-selects-no-pods");
    for file in ["snapshot.json", "source/config_dump.json", "source/clusters.json", "source/listeners.json"] {
        if let Ok(bytes) = std::fs::read(from.join(file)) {
            tool.file(&format!("mesh/{file}"), bytes);
        }
    }
    let objects = std::fs::read_to_string(from.join("objects.json")).unwrap();
    let mut objects: serde_json::Value = serde_json::from_str(&objects).unwrap();
    for item in objects["items"].as_array_mut().unwrap() {
        if item["metadata"]["name"] == "order-service-5fdf4ddf98-49b26" {
            item["spec"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        }
    }
    tool.file("mesh/objects.json", objects.to_string());
    tool.home().join("mesh").display().to_string()
}

#[test]
fn a_pod_has_names_of_its_own() {
    let of = |more: serde_json::Value, b: &str| {
        let tool = Tool::new();
        let run = tool.run(&[b, "--snapshot", &with_pod(&tool, &more), "-o", "json"]);
        let verdict: serde_json::Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}", run.err));
        let id = verdict["findings"][0]["id"].as_str().unwrap_or_default().to_owned();
        (verdict["outcome"].as_str().unwrap().to_owned(), id, verdict["request"]["address"].clone())
    };
    let is = |outcome: &str, id: &str, address: serde_json::Value| (outcome.to_owned(), id.to_owned(), address);
    let null = serde_json::Value::Null;
    assert_eq!(of(serde_json::json!({}), "db:5432"), is("fails", "no-such-service", null.clone()));
    let aliases = serde_json::json!({"hostAliases": [{"ip": "10.9.9.9", "hostnames": ["x", "db"]}]});
    assert_eq!(of(aliases.clone(), "DB:5432"), is("reaches", "unknown-host-passthrough", "10.9.9.9".into()));
    assert_eq!(of(aliases, "dbx:5432"), is("fails", "no-such-service", null.clone()));
    // A domain of the pod's own leads to a Service of another namespace, or out of the cluster.
    let searches = |domain: &str| serde_json::json!({"dnsConfig": {"searches": [domain]}});
    let found = of(searches("billing.svc.cluster.local"), "payment:8080");
    assert_eq!((found.0 == "fails" && found.1 == "no-such-service", found.2.is_string()), (false, true), "{found:?}");
    assert_ne!(of(searches("corp.example"), "db:5432").1, "no-such-service");
    // Another name server may not know the cluster's names.
    for spec in [
        serde_json::json!({"dnsPolicy": "Default"}),
        serde_json::json!({"hostNetwork": true}),
        serde_json::json!({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.1.1.1"]}}),
    ] {
        assert_eq!(of(spec.clone(), "product-service:8082").0, "unknown");
        // Not known or not, it fails.
        assert_eq!(of(spec, "product-service.shop:8082").0, "fails");
    }
    let whole = serde_json::json!({"hostNetwork": true, "dnsPolicy": "ClusterFirstWithHostNet"});
    assert_eq!(of(whole, "product-service:8082").1, "subset-selects-no-pods");
}

#[test]
fn who_asks_again_asks_the_same() {
    let tool = Tool::new();
    let ask = |arguments: &[&str], format: &str| tool.run(&[&["--demo", "-o", format], arguments].concat()).out;
    for line in [
        "product-service:8082",
        "product-service:8082 --exact",
        "https://product-service:8082/a?b=c",
        "product-service:8082 --tls --sni a.b",
        "grpc://product-service:8082/p.S/M",
        "tcp://product-service:8082",
        "ws://product-service:8082/x",
        "product-service:8082 --protocol http2 -H 'x-user: 7' --host other",
        "Product-Service:8082 --path /items --method POST",
        "product-service:8082 --address 10.9.9.9 --from-address 10.0.0.1 --proxy-protocol v1",
    ] {
        let words = shlex::split(line).unwrap();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let screen = ask(&words, "text");
        let (_, asked) = screen.split_once("\nasked  ").unwrap();
        let asked = shlex::split(asked.replace("\\\n", " ").lines().next().unwrap()).unwrap();
        let again: Vec<&str> = asked.iter().map(String::as_str).skip(2).collect();
        assert_eq!(ask(&again, "json"), ask(&[&[again[0]], &words[..]].concat(), "json"), "{line}: {asked:?}");
    }
}

#[test]
fn values_may_begin_with_a_dash() {
    let tool = Tool::new();
    let run = tool.run(&["--demo", "--host", "-v2.example", "-H", "-a: b", "--sni", "-s", "-o", "json"]);
    let verdict: serde_json::Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}", run.err));
    assert_eq!(verdict["request"]["host"], "-v2.example");
    assert_eq!(verdict["request"]["headers"][0]["name"], "-a");
    tool.run(&["--demo", "--path", "-x"]).fails(2, &["`-x` is not a path"]);
    tool.run(&["--demo", "--protocol", "-tcp"]).fails(2, &["`-tcp` is not a protocol"]);
}

#[test]
fn near_values_are_named() {
    let tool = Tool::new();
    tool.run(&["--demo", "-o", "jsn"]).fails(2, &["`jsn` is not an output format", "did you mean `json`?"]);
    tool.run(&["--demo", "-o", "jsonpath"]).fails(2, &["parts of the answer are `-o jsonpath=EXPR`"]);
    tool.run(&["--demo", "--protocol", "htp1"]).fails(2, &["did you mean `http1`?"]);
    let far = tool.run(&["--demo", "--protocol", "udp"]);
    far.fails(2, &["`udp` is not a protocol: auto, http1.0, http1, http2, grpc, tcp or tls"]);
    assert!(!far.err.contains("did you mean"), "{}", far.err);
    tool.run(&["--demo", "--color", "alwys"]).fails(2, &["did you mean `always`?"]);
}

#[test]
fn quiet_and_verbose_go_together() {
    let run = in_cluster(mesh(), &["order-service", "products:8080", "-q", "-v"]);
    assert_eq!(run.out.lines().count(), 1, "{}", run.out);
    assert!(run.err.contains(": GET /listeners?format=json\n"), "{}", run.err);
}

#[test]
fn help_and_version_are_understood_as_words() {
    let tool = Tool::new();
    for (word, flag) in [("help", "--help"), ("version", "--version")] {
        let run = tool.run(&[word]);
        assert_eq!((run.code, run.out, run.err), (0, tool.run(&[flag]).out, String::new()));
    }
    tool.run(&["help", "products"]).fails(2, &["`products` has no port"]);
}

#[test]
fn an_envoy_without_clusters_is_an_answer() {
    let tool = Tool::new();
    let dump = tool.file("dump", DUMP);
    for none in ["{}", "{\"cluster_statuses\": []}"] {
        let run = tool.run(&["b:80", "-f", &dump, "--clusters", &tool.file("clusters", none)]);
        assert!(!run.out.is_empty() && run.err.is_empty(), "{none}: {}", run.err);
    }
}

#[test]
fn color_follows_the_flag_and_the_environment() {
    let tool = Tool::new();
    let colored = |arguments: &[&str], set: &[(&str, &str)]| {
        let mut command = tool.command(&[&["--demo"], arguments].concat());
        command.envs(set.iter().copied());
        Tool::finish(&mut command).out.contains('\u{1b}')
    };
    assert!(!colored(&[], &[]));
    assert!(colored(&["--color", "always"], &[("NO_COLOR", "1"), ("TERM", "dumb")]));
    assert!(colored(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")]));
    assert!(!colored(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&["-o", "json"], &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let tool = Tool::new();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-mesh_why"));
    command.args(["--demo", "-o", "json"]).env_clear().env("HOME", tool.home());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output =
        command.stdout(writer).stderr(std::process::Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn help_and_version_name_the_plugin() {
    let tool = Tool::new();
    let help = tool.run(&["--help"]);
    assert_eq!(help.code, 0);
    assert!(help.out.contains("Usage: kubectl mesh-why [A] B:PORT"), "{}", help.out);
    let version = tool.run(&["--version"]);
    assert_eq!(version.out, format!("kubectl mesh-why {}\n", env!("CARGO_PKG_VERSION")));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_with_130() {
    let mut world = mesh();
    world.delay = std::time::Duration::from_secs(20);
    let api = Api::start(world);
    let tool = Tool::new();
    let config = tool.file("config", api.kubeconfig());
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-mesh_why"));
    command.args(["a-1", "products:8080", "--kubeconfig", &config]).env_clear().env("HOME", tool.home());
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    while api.seen().admin.is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was interrupted");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let interrupt = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

// --- kubectl's own ways ----------------------------------------------------------------------

#[test]
fn a_missing_file_of_kubeconfig_is_skipped() {
    let api = Api::start(mesh());
    let tool = Tool::new();
    let here = tool.file("here", api.kubeconfig());
    let listed = std::env::join_paths(["gone", &here, "gone-too"]).unwrap();
    let run = Tool::finish(tool.command(&["a-1", "products:8080"]).env("KUBECONFIG", listed));
    assert!(!run.out.is_empty(), "{}", run.err);
}

#[test]
fn the_proxies_of_the_environment_are_not_for_loopback() {
    let api = Api::start(mesh());
    let tool = Tool::new();
    tool.file(".kube/config", api.kubeconfig());
    let mut command = tool.command(&["a-1", "products:8080"]);
    // The empty items of NO_PROXY are what people have there.
    command.env("HTTP_PROXY", "http://127.0.0.1:1").env("NO_PROXY", "localhost,,10.0.0.0/8,");
    let run = Tool::finish(&mut command);
    assert!(!run.out.is_empty(), "{}", run.err);
}

#[test]
fn the_kubeconfigs_own_proxy_is_used_whatever_no_proxy_says() {
    let api = Api::start(mesh());
    let tool = Tool::new();
    let config = api.kubeconfig().replace("server: ", "proxy-url: 'http://127.0.0.1:1', server: ");
    tool.file(".kube/config", config);
    let run = Tool::finish(tool.command(&["a-1", "products:8080"]).env("NO_PROXY", "*"));
    run.fails(3, &["cannot read"]);
    assert!(api.seen().api.is_empty());
}

#[cfg(unix)]
fn script(tool: &Tool, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = tool.file("plugin", "");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(format!("#!/bin/sh\n{text}\n").as_bytes()).unwrap();
    file.set_permissions(std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[cfg(unix)]
fn with_plugin(api: &Api, command: &str) -> String {
    let exec = format!(
        "user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: '{command}', args: [one], \
         interactiveMode: IfAvailable, env: [{{name: EXTRA, value: more}}], installHint: 'get it from the shop'}}}}"
    );
    api.kubeconfig().replace("user: {}", &exec)
}

#[cfg(unix)]
#[test]
fn a_credential_plugin_is_run_once() {
    let mut world = mesh();
    world.token = Some("fresh");
    let api = Api::start(world);
    let tool = Tool::new();
    let plugin = script(
        &tool,
        "echo \"$1 $EXTRA $KUBERNETES_EXEC_INFO\" >> runs\n\
         echo '{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \
         \"status\": {\"token\": \"fresh\", \"expirationTimestamp\": \"2000-01-01T00:00:00Z\"}}'",
    );
    tool.file(".kube/config", with_plugin(&api, &plugin));
    let run = tool.run(&["a-1", "products:8080"]);
    assert!(!run.out.is_empty(), "{}", run.err);
    let runs = std::fs::read_to_string(tool.home().join("runs")).unwrap();
    assert_eq!(runs.lines().count(), 1, "{runs}");
    assert!(runs.starts_with("one more {") && runs.contains("\"interactive\":false"), "{runs}");
}

#[cfg(unix)]
#[test]
fn a_credential_plugin_that_fails_is_told_with_its_hint() {
    let api = Api::start(mesh());
    let tool = Tool::new();
    tool.file(".kube/config", with_plugin(&api, "no-such-plugin"));
    let run = tool.run(&["a-1", "products:8080"]);
    run.fails(
        3,
        &["cannot get credentials from `no-such-plugin`", "it is not installed", "hint: get it from the shop"],
    );
    let plugin = script(&tool, "exit 7");
    tool.file(".kube/config", with_plugin(&api, &plugin));
    tool.run(&["a-1", "products:8080"]).fails(3, &["it ended with exit status: 7"]);
    let plugin = script(&tool, "echo hello");
    tool.file(".kube/config", with_plugin(&api, &plugin));
    tool.run(&["a-1", "products:8080"]).fails(3, &["something else than an ExecCredential"]);
}

// --- whose proxy it is -----------------------------------------------------------------------

/// The folder of a scenario, and whose proxy it holds.
const SCENARIO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/destination-denies-the-request");

#[test]
fn an_a_whose_proxy_was_not_read_is_an_error() {
    let tool = Tool::new();
    for a in ["banana", "order-service.billing", "pod/order-service", "svc/payment"] {
        let run = tool.run(&[a, "product-service:8082", "--snapshot", SCENARIO]);
        run.fails(3, &[&format!("`{a}` is not the proxy that was read"), "pod shop/order-service-5fdf4ddf98-49b26"]);
    }
    tool.run(&["banana", "product-service.shop:8082", "--demo"]).fails(3, &["is not the proxy that was read"]);
    let names = ["order-service", "order-service.shop", "deploy/order-service", "svc/order-service"];
    for a in names.into_iter().chain(["order-service-5fdf4ddf98-49b26", "pod/order-service-5fdf4ddf98-49b26.shop"]) {
        let run = tool.run(&[a, "product-service:8082", "--snapshot", SCENARIO, "-q"]);
        assert_eq!((run.out.lines().count(), run.err.as_str()), (1, ""), "{a}");
    }
    let dump = tool.file("dump.json", DUMP);
    let run = tool.run(&["banana", "x:80", "-f", &dump, "-o", "wide"]);
    assert!(run.out.contains("whether this is banana's proxy"), "{}", run.out);
}
