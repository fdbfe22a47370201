//! Verdicts built by hand, and every word that is printed of them.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fmt;

use mesh_why::render::{Format, RenderError, Theme, render};
use mesh_why::snapshot::{Answer, Evidence, Kind, Lookup, Need, Node, Origin, Snapshot};
use mesh_why::verdict::{
    Answerer, Asked, Behind, Branch, Certainty, Change, Cluster, ClusterChoice, Command, Compared, Condition, Decision,
    Destination, Endpoint, Finding, Fix, Guard, Log, Mark, Meaning, Next, ObjectRef, Op, Outcome, Power, Proxy,
    Request, Response, Side, SourcePod, Stage, Step, Verdict,
};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};

const V1: &str = "outbound|8082|v1|product-service.shop.svc.cluster.local";
const V2: &str = "outbound|8082|v2|product-service.shop.svc.cluster.local";
const HOST: &str = "product-service.shop.svc.cluster.local:8082";

// === what was read ===

fn source(need: &Need, body: &Value) -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.answer(need, Answer::Body(body.to_string().into_bytes())).unwrap();
    snapshot
}

fn found<T>(lookup: Lookup<T>) -> T {
    match lookup {
        Lookup::Found(found) => found,
        Lookup::Absent(evidence) => panic!("absent: {evidence:?}"),
        Lookup::Unread(need) => panic!("unread: {need:?}"),
    }
}

fn listener() -> Node {
    let need = Need::Listener(Origin::Source(0), "0.0.0.0_8082".to_owned());
    let listener = json!({"name": "0.0.0.0_8082", "active_state": {"listener": {"name": "0.0.0.0_8082"}}});
    let section = "type.googleapis.com/envoy.admin.v3.ListenersConfigDump";
    let snapshot = source(&need, &json!({"configs": [{"@type": section, "dynamic_listeners": [listener]}]}));
    found(snapshot.listener(Origin::Source(0), "0.0.0.0_8082"))
}

fn route() -> Node {
    let need = Need::RouteConfig(Origin::Source(0), "8082".to_owned());
    let host = json!({"name": HOST, "routes": [{"name": "default", "route": {"cluster": V2}}]});
    let config = json!({"route_config": {"name": "8082", "virtual_hosts": [host]}});
    let section = "type.googleapis.com/envoy.admin.v3.RoutesConfigDump";
    let snapshot = source(&need, &json!({"configs": [{"@type": section, "dynamic_route_configs": [config]}]}));
    found(snapshot.route_config(Origin::Source(0), "8082")).unwrap().host(0).unwrap().whole()
}

fn hosts(origin: Origin, cluster: &str) -> Node {
    let host = json!({"health_status": {"eds_health_status": "HEALTHY", "failed_outlier_check": true}});
    let body = json!({"cluster_statuses": [{"name": cluster, "host_statuses": [host]}]});
    let snapshot = source(&Need::Hosts(origin, cluster.to_owned()), &body);
    found(snapshot.hosts(origin, cluster))
}

fn no_cluster(name: &str) -> Evidence {
    let need = Need::Cluster(Origin::Source(0), name.to_owned());
    match source(&need, &json!({})).cluster(Origin::Source(0), name) {
        Lookup::Absent(evidence) => evidence,
        Lookup::Found(_) | Lookup::Unread(_) => panic!("it is absent"),
    }
}

fn rule() -> Node {
    let need = Need::Object(Kind::DestinationRule, "shop".to_owned(), "product".to_owned());
    let rule = json!({
        "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
        "metadata": {"name": "product", "namespace": "shop"},
        "spec": {"host": "product-service", "subsets": [{"name": "v2", "labels": {"version": "v2"}}]},
    });
    let mut snapshot = Snapshot::default();
    snapshot.answer(&need, Answer::Object(rule)).unwrap();
    found(snapshot.object(Kind::DestinationRule, "shop", "product"))
}

// === what came of it ===

fn step(stage: Stage, mark: Mark, subject: &str, note: &str, evidence: Vec<Evidence>) -> Step {
    Step { side: Side::Source, stage, mark, subject: subject.to_owned(), note: note.to_owned(), evidence }
}

fn unreached(stage: Stage) -> Step {
    step(stage, Mark::NotReached, "", "", Vec::new())
}

fn at_destination(step: Step) -> Step {
    Step { side: Side::Destination, ..step }
}

fn sent(status: u16, flag: &'static str, details: &str) -> Response {
    let flags = vec![flag];
    Response { status, grpc_status: None, flags, details: details.to_owned(), from: Answerer::SourceProxy }
}

fn healthy_host(address: &str) -> Endpoint {
    Endpoint { address: address.to_owned(), priority: 0, eligible: true, health: Vec::new(), tls: Some("mutual") }
}

fn ejected_host(address: &str) -> Endpoint {
    Endpoint { eligible: false, health: vec!["failed_outlier_check".to_owned()], ..healthy_host(address) }
}

fn choice(name: &str, share: f64, outcome: Outcome, endpoints: Vec<Endpoint>) -> ClusterChoice {
    let response = (outcome == Outcome::Fails).then(|| sent(503, "UH", "no_healthy_upstream"));
    ClusterChoice { name: name.to_owned(), share, outcome, response, endpoints }
}

fn decision(clusters: Vec<ClusterChoice>) -> Decision {
    Decision {
        listener: Some("0.0.0.0_8082".to_owned()),
        filter_chain: Some(String::new()),
        route_config: Some("8082".to_owned()),
        virtual_host: Some(HOST.to_owned()),
        route: Some("default".to_owned()),
        route_index: Some(0),
        clusters,
        destinations: Vec::new(),
    }
}

fn request() -> Request {
    let pod = SourcePod {
        namespace: "shop".to_owned(),
        name: "order-service-7c9f6d5b8-x2kqp".to_owned(),
        proxy: Some("istio-proxy".to_owned()),
    };
    Request {
        source: Some(pod),
        source_name: "order-service".to_owned(),
        target: "product-service:8082".to_owned(),
        host: "product-service:8082".to_owned(),
        port: 8082,
        address: Some("10.96.3.7".to_owned()),
        protocol: "http1",
        path: Some("/".to_owned()),
        method: Some("GET".to_owned()),
        headers: Vec::new(),
        connection: Asked::default(),
    }
}

fn before_cluster() -> Vec<Step> {
    let route = route().at("routes").and_then(|routes| routes.index(0)).unwrap();
    let asked = "GET / to product-service:8082 from pod order-service-7c9f6d5b8-x2kqp";
    let evidence = vec![route.at("route.cluster").unwrap().evidence()];
    vec![
        step(Stage::Request, Mark::Passed, asked, "", Vec::new()),
        step(Stage::Capture, Mark::Passed, "redirected to the proxy", "", Vec::new()),
        step(Stage::Listener, Mark::Passed, "0.0.0.0_8082", "", vec![listener().get("name").unwrap().evidence()]),
        step(Stage::FilterChain, Mark::Passed, "default", "", Vec::new()),
        step(Stage::Route, Mark::Passed, HOST, "route \"default\"", evidence),
    ]
}

fn healthy() -> Verdict {
    let flags = hosts(Origin::Source(0), V2).at("host_statuses").and_then(|h| h.index(0)).unwrap();
    let mut steps = before_cluster();
    steps.push(step(Stage::Cluster, Mark::Passed, V2, "", Vec::new()));
    let evidence = vec![flags.at("health_status.eds_health_status").unwrap().evidence()];
    steps.push(step(Stage::Endpoints, Mark::Passed, "2 of 2 can take the request", "", evidence));
    let endpoints = vec![healthy_host("10.244.1.7:8082"), healthy_host("10.244.2.31:8082")];
    Verdict {
        outcome: Outcome::Reaches,
        summary: "order-service reaches product-service:8082: 2 of 2 endpoints can take it".to_owned(),
        response: None,
        request: request(),
        decision: Some(decision(vec![choice(V2, 1.0, Outcome::Reaches, endpoints)])),
        conditions: Vec::new(),
        branches: Vec::new(),
        steps,
        findings: Vec::new(),
        behind: Behind::default(),
        unchecked: vec!["The proxy of product-service was not read (--no-destination).".to_owned()],
        log: None,
        time: "2026-08-22T14:02:11Z".to_owned(),
        cluster: Cluster { context: Some("prod".to_owned()), namespace: Some("shop".to_owned()) },
        proxies: vec![proxy_of_a()],
    }
}

fn proxy_of_a() -> Proxy {
    Proxy {
        side: Side::Source,
        pod: Some("shop/order-service-7c9f6d5b8-x2kqp".to_owned()),
        id: Some("sidecar~10.244.0.2~order-service-7c9f6d5b8-x2kqp.shop~shop.svc.cluster.local".to_owned()),
        envoy: Some("1.38.3".to_owned()),
        mesh: Some("istio 1.29.1".to_owned()),
    }
}

fn subset_finding() -> Finding {
    let subset = rule().at("spec.subsets").and_then(|subsets| subsets.index(0)).unwrap();
    Finding {
        id: "subset-selects-no-pods",
        certainty: Certainty::Certain,
        stage: Stage::Endpoints,
        title: "subset \"v2\" selects no pods".to_owned(),
        why: "DestinationRule shop/product defines subset \"v2\" as the pods with version=v2, and no pod of \
              Service shop/product-service has that label. The cluster has no endpoints, so Envoy answers 503 itself; \
              product-service never sees the request."
            .to_owned(),
        objects: vec![
            object("networking.istio.io/v1", "DestinationRule", "product", "spec.subsets[0].labels"),
            object("v1", "Service", "product-service", ""),
        ],
        fix: vec![
            Fix {
                object: Some(object("networking.istio.io/v1", "DestinationRule", "product", "spec.subsets[0].labels")),
                op: Op::Replace,
                now: Some(json!({"version": "v2"})),
                want: Some(json!({"version": "v1"})),
                text: "DestinationRule shop/product, spec.subsets[0].labels: what a pod has, version: v1".to_owned(),
            },
            Fix {
                object: None,
                op: Op::Add,
                now: None,
                want: None,
                text: "label the pods that are meant: in their workload, spec.template.metadata.labels, version=v2"
                    .to_owned(),
            },
        ],
        next: command("kubectl -n shop get pods -l app=product-service --show-labels"),
        codes: &["IST0173", "KIA0203"],
        evidence: vec![subset.at("labels").unwrap().evidence()],
    }
}

fn command(plain: &str) -> Command {
    Command::of(plain.split(' ').map(str::to_owned).collect())
}

fn object(api_version: &str, kind: &str, name: &str, field: &str) -> ObjectRef {
    ObjectRef {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        field: field.to_owned(),
    }
}

fn subset_selects_no_pods() -> Verdict {
    let none = hosts(Origin::Source(0), V2).lacks("no_hosts");
    let mut steps = before_cluster();
    steps.push(step(Stage::Cluster, Mark::Passed, V2, "", Vec::new()));
    steps.push(step(Stage::Endpoints, Mark::Stopped, "0 endpoints", "the cluster is empty", vec![none.clone()]));
    let mut finding = subset_finding();
    finding.evidence.push(none);
    let mut also = subset_finding();
    also.id = "route-has-no-timeout";
    also.certainty = Certainty::Likely;
    also.title = "the route waits 15s for an answer".to_owned();
    also.evidence = vec![listener().evidence()];
    Verdict {
        outcome: Outcome::Fails,
        summary: "order-service cannot reach product-service:8082: subset \"v2\" selects no pods (503 UH)".to_owned(),
        response: Some(sent(503, "UH", "no_healthy_upstream")),
        decision: Some(decision(vec![choice(V2, 1.0, Outcome::Fails, Vec::new())])),
        steps,
        findings: vec![finding, also],
        behind: Behind::default(),
        unchecked: vec!["Quotas and rate limits of a service outside the mesh.".to_owned()],
        ..healthy()
    }
}

fn half_ejected() -> Verdict {
    let mut steps = before_cluster();
    let flags = hosts(Origin::Source(0), V2).at("host_statuses").and_then(|h| h.index(0)).unwrap();
    let flag = flags.at("health_status.failed_outlier_check").unwrap().evidence();
    steps.push(step(Stage::Cluster, Mark::Passed, "2 clusters by weight", "", Vec::new()));
    steps.push(step(Stage::Endpoints, Mark::Warned, "differ by cluster", "", vec![flag]));
    let good = vec![healthy_host("10.244.1.7:8082")];
    let bad = vec![ejected_host("10.244.1.8:8082"), ejected_host("10.244.1.9:8082")];
    let branch = |share, outcome, by: &str, response| Branch {
        guards: vec![Guard::Drawn { by: by.to_owned(), share }],
        share,
        outcome,
        response,
        decision: None,
        steps: Vec::new(),
        findings: Vec::new(),
    };
    Verdict {
        outcome: Outcome::Partial,
        summary: "order-service reaches product-service:8082 with 90% of its requests (10%: 503 UH)".to_owned(),
        response: Some(sent(503, "UH", "no_healthy_upstream")),
        decision: Some(decision(vec![choice(V1, 0.9, Outcome::Reaches, good), choice(V2, 0.1, Outcome::Fails, bad)])),
        branches: vec![
            branch(0.9, Outcome::Reaches, &format!("weighted cluster {V1}"), None),
            branch(
                0.1,
                Outcome::Fails,
                &format!("weighted cluster {V2}"),
                Some(sent(503, "UH", "no_healthy_upstream")),
            ),
        ],
        steps,
        ..healthy()
    }
}

fn wasm_in_the_way() -> Verdict {
    let mut steps = before_cluster();
    steps.insert(
        4,
        step(Stage::HttpFilters, Mark::Unknown, "acme.auth", "a WebAssembly filter", vec![listener().evidence()]),
    );
    steps.extend([unreached(Stage::Cluster), unreached(Stage::Endpoints)]);
    steps[5].mark = Mark::NotReached;
    Verdict {
        outcome: Outcome::Unknown,
        summary: "order-service to product-service:8082: filter \"acme.auth\" may decide, and is not known here".to_owned(),
        steps,
        behind: Behind::default(),
        unchecked: vec!["HTTP filter \"acme.auth\" of listener 0.0.0.0_8082: type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm is not modeled.".to_owned()],
        decision: None,
        ..healthy()
    }
}

/// B's proxy refuses what A's proxy hands over.
fn denied() -> Verdict {
    let mut verdict = healthy();
    let cluster = "inbound|8082||";
    let flags = hosts(Origin::Destination(0), cluster).at("host_statuses").and_then(|h| h.index(0)).unwrap();
    let filter = step(
        Stage::HttpFilters,
        Mark::Stopped,
        "envoy.filters.http.rbac",
        "no policy allows it",
        vec![flags.evidence()],
    );
    let rows = [
        step(Stage::Listener, Mark::Passed, "virtualInbound", "", Vec::new()),
        filter,
        unreached(Stage::Route),
        unreached(Stage::Cluster),
    ];
    verdict.steps.extend(rows.map(at_destination));
    verdict.outcome = Outcome::Fails;
    verdict.summary = "order-service cannot reach product-service:8082: its proxy denies it (403)".to_owned();
    let inbound = Endpoint { tls: Some("plaintext"), ..healthy_host("10.244.1.7:8082") };
    let decision = decision(vec![choice(cluster, 1.0, Outcome::Reaches, vec![inbound])]);
    let there = Destination { pod: "shop/product-service-v2-5d9c7b6f4-lq8zt".to_owned(), decision };
    verdict.decision.as_mut().unwrap().destinations.push(there);
    verdict
}

/// Names as long as Kubernetes allows, some of them wider than a screen.
fn long_names() -> Verdict {
    let service = "the-service-that-somebody-gave-a-name-of-sixty-three-characters";
    let namespace = "a-team-with-a-namespace-of-many-words";
    let cluster = format!("outbound|8082|canary-2026|{service}.{namespace}.svc.cluster.local");
    let mut verdict = subset_selects_no_pods();
    verdict.summary =
        format!("{service} cannot reach {service}.{namespace}:8082: subset \"canary-2026\" selects no pods (503 UH)");
    for step in verdict.steps.iter_mut().filter(|s| s.stage == Stage::Cluster) {
        step.subject.clone_from(&cluster);
        step.evidence = vec![no_cluster(&cluster)];
        step.mark = Mark::Warned;
    }
    let mut hosts: Vec<Endpoint> = (1..9).map(|i| healthy_host(&format!("10.244.2.{i}:8082"))).collect();
    hosts[6] = ejected_host("[2001:0db8:85a3:0000:0000:8a2e:0370:7334]:8082");
    hosts[6].health.push("failed_active_hc".to_owned());
    verdict.decision = Some(decision(vec![choice(&cluster, 1.0, Outcome::Fails, hosts)]));
    let finding = &mut verdict.findings[0];
    finding.why = format!("Service {namespace}/{service} has the name {namespace}/{service} and in Envoy {cluster}");
    finding.objects[0].namespace = namespace.to_owned();
    finding.objects[0].name = service.to_owned();
    finding.next = Command::of(
        ["kubectl", "-n", namespace, "get", "--raw"]
            .map(str::to_owned)
            .into_iter()
            .chain([
                format!("/api/v1/namespaces/{namespace}/services/{service} ?x"),
                "-o".to_owned(),
                "yaml".to_owned(),
            ])
            .collect(),
    );
    verdict
}

fn unicode() -> Verdict {
    let mut verdict = healthy();
    verdict.summary = "注文サービス reaches 製品サービス:8082".to_owned();
    verdict.steps[0].subject =
        "GET /製品/一覧?言語=日本語&並び=価格の安い順 to 製品サービス:8082 from pod 注文サービス".to_owned();
    verdict.unchecked = vec!["An escape \u{1b}[31m and a bell \u{7} in a name.".to_owned()];
    verdict
}

fn text(verdict: &Verdict) -> String {
    render(verdict, &Format::Text, &Theme::default(), 80).unwrap()
}

/// The screen, and nothing wider than it but what is verbatim.
fn check(verdict: &Verdict, format: &Format, theme: &Theme, expected: &str) {
    let screen = render(verdict, format, theme, 80).unwrap();
    assert_eq!(screen, expected, "\n{screen}");
}

#[test]
fn a_healthy_way() {
    check(
        &healthy(),
        &Format::Text,
        &Theme::default(),
        r#"✓ order-service reaches product-service:8082: 2 of 2 endpoints can take it

  ✓ request    GET / to product-service:8082 from pod
               order-service-7c9f6d5b8-x2kqp
  ✓ listener   0.0.0.0_8082
  ✓ route      product-service.shop.svc.cluster.local:8082, route "default"
  ✓ cluster    outbound|8082|v2|product-service.shop.svc.cluster.local
  ✓ endpoints  10.244.1.7:8082, 10.244.2.31:8082, healthy

but    not checked: The proxy of product-service was not read
more   -o wide: 3 facts
asked  kubectl mesh-why order-service product-service:8082 --exact \
         --context=prod --namespace=shop
       2026-08-22T14:02:11Z, mesh-why 0.1.0
"#,
    );
}

#[test]
fn a_subset_that_selects_no_pods() {
    check(
        &subset_selects_no_pods(),
        &Format::Text,
        &Theme::default(),
        r#"✗ order-service cannot reach product-service:8082: subset "v2" selects no pods (503 UH)

  ✓ request    GET / to product-service:8082 from pod
               order-service-7c9f6d5b8-x2kqp
  ✓ listener   0.0.0.0_8082
  ✓ route      product-service.shop.svc.cluster.local:8082, route "default"
  ✓ cluster    outbound|8082|v2|product-service.shop.svc.cluster.local
  ✗ endpoints  0 endpoints, the cluster is empty

why    DestinationRule shop/product defines subset "v2" as the pods with
       version=v2, and no pod of Service shop/product-service has that label.
       The cluster has no endpoints, so Envoy answers 503 itself;
       product-service never sees the request.
fix    DestinationRule shop/product, spec.subsets[0].labels (now version=v2):
       what a pod has, version: v1
or     label the pods that are meant: in their workload,
       spec.template.metadata.labels, version=v2
also   the route waits 15s for an answer (route-has-no-timeout, likely)

next   kubectl -n shop get pods -l app=product-service --show-labels
more   kubectl mesh-why explain subset-selects-no-pods; -o wide: 5 facts, 1
       unchecked
asked  kubectl mesh-why order-service product-service:8082 --exact \
         --context=prod --namespace=shop
       2026-08-22T14:02:11Z, mesh-why 0.1.0
"#,
    );
}

#[test]
fn wide_shows_every_row_and_all_evidence_with_the_same_numbers() {
    check(
        &subset_selects_no_pods(),
        &Format::Wide,
        &Theme::default().ascii(),
        r#"x order-service cannot reach product-service:8082: subset "v2" selects no pods (503 UH)

  + request       GET / to product-service:8082 from pod
                  order-service-7c9f6d5b8-x2kqp
  + capture       redirected to the proxy
  + listener      0.0.0.0_8082                                               [3]
  + filter-chain  default
  + route         product-service.shop.svc.cluster.local:8082                [4]
                  route "default"
  + cluster       outbound|8082|v2|product-service.shop.svc.cluster.local
  x endpoints     0 endpoints, the cluster is empty                          [1]

evidence
  [1] kubectl -n shop exec order-service-7c9f6d5b8-x2kqp -c istio-proxy -- pilot-agent request GET 'clusters?format=json&filter=^outbound\|8082\|v2\|product-service\.shop\.svc\.cluster\.local$' | jq -c '.cluster_statuses[0].no_hosts'
    = no match
  [2] kubectl get --raw /apis/networking.istio.io/v1/namespaces/shop/destinationrules/product | jq -c '.spec.subsets[0].labels'
    = {"version":"v2"}
  [3] kubectl -n shop exec order-service-7c9f6d5b8-x2kqp -c istio-proxy -- pilot-agent request GET 'config_dump?mask=dynamic_listeners,static_listeners&name_regex=^0\.0\.0\.0_8082$' | jq -c '.configs[0].dynamic_listeners[0].name'
    = "0.0.0.0_8082"
  [4] kubectl -n shop exec order-service-7c9f6d5b8-x2kqp -c istio-proxy -- pilot-agent request GET 'config_dump?mask=dynamic_route_configs&name_regex=^8082$' | jq -c '.configs[0].dynamic_route_configs[0].route_config.virtual_hosts[0].routes[0].route.cluster'
    = "outbound|8082|v2|product-service.shop.svc.cluster.local"
  [5] kubectl -n shop exec order-service-7c9f6d5b8-x2kqp -c istio-proxy -- pilot-agent request GET 'config_dump?mask=dynamic_listeners,static_listeners&name_regex=^0\.0\.0\.0_8082$' | jq -c '.configs[0].dynamic_listeners[0]'
    = {"active_state":{"listener":{"name":"0.0.0.0_8082"}},"name":"0.0.0.0_8082"}

why    DestinationRule shop/product defines subset "v2" as the pods with
       version=v2, and no pod of Service shop/product-service has that label.
       The cluster has no endpoints, so Envoy answers 503 itself;        [1] [2]
       product-service never sees the request.
fix    DestinationRule shop/product, spec.subsets[0].labels (now version=v2):
       what a pod has, version: v1
or     label the pods that are meant: in their workload,
       spec.template.metadata.labels, version=v2
also   the route waits 15s for an answer (route-has-no-timeout, likely)      [5]

but    not checked: Quotas and rate limits of a service outside the mesh.
next   kubectl -n shop get pods -l app=product-service --show-labels
more   kubectl mesh-why explain subset-selects-no-pods
asked  kubectl mesh-why order-service product-service:8082 --exact \
         --context=prod --namespace=shop
       2026-08-22T14:02:11Z, mesh-why 0.1.0
"#,
    );
}

#[test]
fn weighted_clusters_have_a_line_each() {
    check(
        &half_ejected(),
        &Format::Text,
        &Theme::default(),
        r#"! order-service reaches product-service:8082 with 90% of its requests (10%: 503 UH)

  ✓ request    GET / to product-service:8082 from pod
               order-service-7c9f6d5b8-x2kqp
  ✓ listener   0.0.0.0_8082
  ✓ route      product-service.shop.svc.cluster.local:8082, route "default"
  ✓ cluster    2 clusters by weight
               90%  outbound|8082|v1|product-service.shop.svc.cluster.local
                    reaches: 1 endpoint can take the request
               10%  outbound|8082|v2|product-service.shop.svc.cluster.local
                    fails (503 UH): none of 2 endpoints can take the request
  ! endpoints  differ by cluster

but    not checked: The proxy of product-service was not read
more   -o wide: 3 facts
asked  kubectl mesh-why order-service product-service:8082 --exact \
         --context=prod --namespace=shop
       2026-08-22T14:02:11Z, mesh-why 0.1.0
"#,
    );
}

#[test]
fn branches_that_the_rows_do_not_tell_have_a_block() {
    let mut verdict = half_ejected();
    verdict.branches[1].guards = vec![Guard::Drawn { by: "fault filter".to_owned(), share: 0.4 }];
    verdict.branches[1].response = Some(sent(503, "FI", "fault_filter_abort"));
    let screen = text(&verdict);
    assert!(
        screen.contains(
            "
branches
  90%  reaches         outbound|8082|v1|product-service.shop.svc.cluster.local
  10%  fails (503 FI)  fault filter
"
        ),
        "{screen}"
    );
}

#[test]
fn what_is_not_known_is_said() {
    check(
        &wasm_in_the_way(),
        &Format::Text,
        &Theme::default(),
        r#"? order-service to product-service:8082: filter "acme.auth" may decide, and is not known here

  ✓ request       GET / to product-service:8082 from pod
                  order-service-7c9f6d5b8-x2kqp
  ✓ listener      0.0.0.0_8082
  ? http-filters  acme.auth, a WebAssembly filter
  · route         product-service.shop.svc.cluster.local:8082
                  not reached; route "default"

but    not checked: HTTP filter "acme.auth" of listener 0.0.0.0_8082
more   -o wide: 3 facts
asked  kubectl mesh-why order-service product-service:8082 --exact \
         --context=prod --namespace=shop
       2026-08-22T14:02:11Z, mesh-why 0.1.0
"#,
    );
}

#[test]
fn the_proxy_of_the_destination_has_its_own_rows() {
    check(
        &denied(),
        &Format::Wide,
        &Theme::default(),
        r#"✗ order-service cannot reach product-service:8082: its proxy denies it (403)

  ✓ request       GET / to product-service:8082 from pod
                  order-service-7c9f6d5b8-x2kqp
  ✓ capture       redirected to the proxy
  ✓ listener      0.0.0.0_8082                                               [2]
  ✓ filter-chain  default
  ✓ route         product-service.shop.svc.cluster.local:8082                [3]
                  route "default"
  ✓ cluster       outbound|8082|v2|product-service.shop.svc.cluster.local
  ✓ endpoints     2 of 2 can take the request                                [4]
                  10.244.1.7:8082   healthy, priority 0, mutual TLS
                  10.244.2.31:8082  healthy, priority 0, mutual TLS
destination: shop/product-service-v2-5d9c7b6f4-lq8zt
  ✓ listener      virtualInbound
  ✗ http-filters  envoy.filters.http.rbac, no policy allows it               [1]
  · route         not reached
  · cluster       not reached

evidence
  [1] destination /clusters?format=json&filter=^inbound\|8082\|\|$
      $.cluster_statuses[0].host_statuses[0]
    = {"health_status":{"eds_health_status":"HEALTHY","failed_outlier_check":true}}
  [2] kubectl -n shop exec order-service-7c9f6d5b8-x2kqp -c istio-proxy -- pilot-agent request GET 'config_dump?mask=dynamic_listeners,static_listeners&name_regex=^0\.0\.0\.0_8082$' | jq -c '.configs[0].dynamic_listeners[0].name'
    = "0.0.0.0_8082"
  [3] kubectl -n shop exec order-service-7c9f6d5b8-x2kqp -c istio-proxy -- pilot-agent request GET 'config_dump?mask=dynamic_route_configs&name_regex=^8082$' | jq -c '.configs[0].dynamic_route_configs[0].route_config.virtual_hosts[0].routes[0].route.cluster'
    = "outbound|8082|v2|product-service.shop.svc.cluster.local"
  [4] kubectl -n shop exec order-service-7c9f6d5b8-x2kqp -c istio-proxy -- pilot-agent request GET 'clusters?format=json&filter=^outbound\|8082\|v2\|product-service\.shop\.svc\.cluster\.local$' | jq -c '.cluster_statuses[0].host_statuses[0].health_status.eds_health_status'
    = "HEALTHY"

but    not checked: The proxy of product-service was not read
       (--no-destination).
asked  kubectl mesh-why order-service product-service:8082 --exact \
         --context=prod --namespace=shop
       2026-08-22T14:02:11Z, mesh-why 0.1.0
"#,
    );
}

#[test]
fn long_names_are_wrapped_and_never_cut() {
    check(
        &long_names(),
        &Format::Text,
        &Theme::default(),
        r#"✗ the-service-that-somebody-gave-a-name-of-sixty-three-characters cannot reach the-service-that-somebody-gave-a-name-of-sixty-three-characters.a-team-with-a-namespace-of-many-words:8082: subset "canary-2026" selects no pods (503 UH)

  ✓ request    GET / to product-service:8082 from pod
               order-service-7c9f6d5b8-x2kqp
  ✓ listener   0.0.0.0_8082
  ✓ route      product-service.shop.svc.cluster.local:8082, route "default"
  ! cluster
    outbound|8082|canary-2026|the-service-that-somebody-gave-a-name-of-sixty
    -three-characters.a-team-with-a-namespace-of-many-words.svc.cluster.local
  ✗ endpoints  0 endpoints, the cluster is empty
               [2001:0db8:85a3:0000:0000:8a2e:0370:7334]:8082
                 ejected (failed_outlier_check), failed the health check
                 (failed_active_hc)
               10.244.2.1:8082  healthy
               10.244.2.2:8082  healthy
               10.244.2.3:8082  healthy
               10.244.2.4:8082  healthy
               … and 3 more, all can take the request

why    Service a-team-with-a-namespace-of-many-words/
       the-service-that-somebody-gave-a-name-of-sixty-three-characters has the
       name a-team-with-a-namespace-of-many-words/
       the-service-that-somebody-gave-a-name-of-sixty-three-characters and in
       Envoy
       outbound|8082|canary-2026|the-service-that-somebody-gave-a-name-of-sixty
       -three-characters.a-team-with-a-namespace-of-many-words.svc.cluster.local
fix    DestinationRule shop/product, spec.subsets[0].labels (now version=v2):
       what a pod has, version: v1
or     label the pods that are meant: in their workload,
       spec.template.metadata.labels, version=v2
also   the route waits 15s for an answer (route-has-no-timeout, likely)

next   kubectl -n a-team-with-a-namespace-of-many-words get --raw \
         '/api/v1/namespaces/a-team-with-a-namespace-of-many-words/services/the-service-that-somebody-gave-a-name-of-sixty-three-characters ?x' \
         -o yaml
more   kubectl mesh-why explain subset-selects-no-pods; -o wide: 6 facts, 1
       unchecked
asked  kubectl mesh-why order-service product-service:8082 --exact \
         --context=prod --namespace=shop
       2026-08-22T14:02:11Z, mesh-why 0.1.0
"#,
    );
}

#[test]
fn width_is_counted_in_columns() {
    check(
        &unicode(),
        &Format::Text,
        &Theme::default().ascii(),
        r#"+ 注文サービス reaches 製品サービス:8082

  + request    GET /製品/一覧?言語=日本語&並び=価格の安い順 to 製品サービス:8082
               from pod 注文サービス
  + listener   0.0.0.0_8082
  + route      product-service.shop.svc.cluster.local:8082, route "default"
  + cluster    outbound|8082|v2|product-service.shop.svc.cluster.local
  + endpoints  10.244.1.7:8082, 10.244.2.31:8082, healthy

but    not checked: An escape \u001b[31m and a bell \u0007 in a name.
more   -o wide: 3 facts
asked  kubectl mesh-why order-service product-service:8082 --exact \
         --context=prod --namespace=shop
       2026-08-22T14:02:11Z, mesh-why 0.1.0
"#,
    );
}

#[test]
fn nothing_is_wider_than_the_screen_but_what_is_verbatim() {
    for width in [60, 80, 100] {
        for verdict in all() {
            for format in [Format::Text, Format::Wide] {
                let screen = render(&verdict, &format, &Theme::default(), width).unwrap();
                let wide = |line: &&str| unicode_width::UnicodeWidthStr::width(*line) > width;
                let verbatim = |line: &&str| {
                    line.trim_start().starts_with("= ")
                        || line.starts_with("      ") && line.trim_start().starts_with("$.")
                        || line.starts_with("  [") && (line.contains("] kubectl ") || line.contains("] curl "))
                        || line.contains("] /")
                        || line.contains("] kubernetes ")
                        || line.contains("] destination ")
                        || line.contains("get --raw")
                        || line.contains("'/api/v1/")
                };
                let wide: Vec<&str> = screen.lines().skip(1).filter(wide).filter(|line| !verbatim(line)).collect();
                assert!(wide.is_empty(), "at {width}: {wide:#?}");
                assert!(screen.lines().all(|line| line == line.trim_end()), "{screen}");
            }
        }
    }
}

#[test]
fn color_changes_no_word() {
    for verdict in all() {
        for format in [Format::Text, Format::Wide, Format::Quiet] {
            let plain = render(&verdict, &format, &Theme::default(), 80).unwrap();
            let colored = render(&verdict, &format, &Theme::default().colored(), 80).unwrap();
            assert!(!plain.contains('\u{1b}'));
            assert!(colored.contains('\u{1b}'));
            assert_eq!(bare(&colored), plain);
        }
    }
}

#[test]
fn roles_have_colors() {
    let screen = render(&subset_selects_no_pods(), &Format::Text, &Theme::default().colored(), 80).unwrap();
    for painted in [
        "\u{1b}[1;31m✗ \u{1b}[0m\u{1b}[1;31morder-service cannot reach",
        "  \u{1b}[1;32m✓\u{1b}[0m listener   0.0.0.0_8082\n",
        "\u{1b}[1mwhy\u{1b}[0m    DestinationRule \u{1b}[36mshop/product\u{1b}[0m defines",
        "Service \u{1b}[36mshop/product-service\u{1b}[0m has",
        "\u{1b}[1mnext\u{1b}[0m   \u{1b}[32mkubectl -n shop get pods",
    ] {
        assert!(screen.contains(painted), "{painted:?} in\n{screen}");
    }
}

#[test]
fn quiet_is_one_line() {
    check(
        &denied(),
        &Format::Quiet,
        &Theme::default(),
        "✗ order-service cannot reach product-service:8082: its proxy denies it (403)\n",
    );
    check(
        &wasm_in_the_way(),
        &Format::Quiet,
        &Theme::default().ascii(),
        "? order-service to product-service:8082: filter \"acme.auth\" may decide, and is not known here\n",
    );
    for mut verdict in all() {
        verdict.summary.push_str("\nand more");
        assert_eq!(render(&verdict, &Format::Quiet, &Theme::default(), 80).unwrap().lines().count(), 1);
    }
}

#[test]
fn every_outcome_has_its_mark() {
    let marks =
        [Outcome::Reaches, Outcome::Answered, Outcome::Fails, Outcome::Partial, Outcome::Unknown].map(|outcome| {
            let verdict = Verdict { outcome, ..healthy() };
            text(&verdict).chars().next().unwrap()
        });
    assert_eq!(marks, ['✓', '!', '✗', '!', '?']);
}

#[test]
fn blocks_that_would_be_empty_are_left_out() {
    let verdict = Verdict { unchecked: Vec::new(), steps: Vec::new(), ..healthy() };
    check(
        &verdict,
        &Format::Text,
        &Theme::default(),
        r"✓ order-service reaches product-service:8082: 2 of 2 endpoints can take it

asked  kubectl mesh-why order-service product-service:8082 --exact \
         --context=prod --namespace=shop
       2026-08-22T14:02:11Z, mesh-why 0.1.0
",
    );
}

#[test]
fn evidence_is_counted_and_all_of_it_is_wide() {
    let mut verdict = wasm_in_the_way();
    verdict.steps[4].evidence = (1..=14).map(|i| no_cluster(&format!("c{i}"))).collect();
    let screen = text(&verdict);
    assert!(screen.contains("\nmore   -o wide: 16 facts\n") && !screen.contains("[1"), "{screen}");
    let wide = render(&verdict, &Format::Wide, &Theme::default(), 80).unwrap();
    assert!(wide.contains("acme.auth, a WebAssembly filter") && wide.contains("[1-14]\n"), "{wide}");
    assert!(wide.contains("\n  [16] kubectl -n shop exec "), "{wide}");
}

#[test]
fn clusters_with_rows_of_their_own_have_their_endpoints_there() {
    let mut verdict = half_ejected();
    verdict.steps.truncate(5);
    for name in [V1, V2] {
        verdict.steps.push(step(Stage::Cluster, Mark::Passed, name, "", Vec::new()));
        verdict.steps.push(step(Stage::Endpoints, Mark::Passed, "its endpoints", "", Vec::new()));
    }
    let expected = "
  ✓ cluster    outbound|8082|v1|product-service.shop.svc.cluster.local
  ✓ endpoints  its endpoints
  ✓ cluster    outbound|8082|v2|product-service.shop.svc.cluster.local
  ✓ endpoints  its endpoints
               10.244.1.8:8082  ejected (failed_outlier_check)
               10.244.1.9:8082  ejected (failed_outlier_check)

branches
";
    assert!(text(&verdict).contains(expected), "{}", text(&verdict));
}

#[test]
fn a_client_without_a_proxy_goes_straight_to_the_destination() {
    let mut verdict = denied();
    verdict.decision = None;
    verdict.steps.retain(|step| step.side == Side::Destination || step.stage == Stage::Request);
    let expected = "
                  order-service-7c9f6d5b8-x2kqp
  ✗ http-filters  envoy.filters.http.rbac, no policy allows it
";
    let screen = text(&verdict);
    assert!(screen.contains(expected), "{screen}");
}

// === data ===

fn parsed(verdict: &Verdict) -> Value {
    serde_json::from_str(&render(verdict, &Format::Json, &Theme::default(), 80).unwrap()).unwrap()
}

/// The members of an object in the order in which they are printed, each as text.
struct Members(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self(Vec::new()))
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            self.0.push((name, value.get().to_owned()));
        }
        Ok(self)
    }
}

/// The names of the fields of the object at a place, in the order in which they are printed.
fn fields(json: &str, place: &str) -> String {
    let mut text = json.to_owned();
    for step in place.split('/').skip(1) {
        text = match step.parse::<usize>() {
            Ok(i) => serde_json::from_str::<Vec<Box<RawValue>>>(&text).unwrap()[i].get().to_owned(),
            Err(_) => members(&text).into_iter().find(|(name, _)| name == step).unwrap().1,
        };
    }
    members(&text).into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ")
}

fn members(json: &str) -> Vec<(String, String)> {
    serde_json::from_str::<Members>(json).unwrap().0
}

/// Something open.
fn open_filter() -> Condition {
    Condition {
        id: 1,
        side: Side::Source,
        stage: Stage::HttpFilters,
        subject: "envoy.filters.http.lua".to_owned(),
        powers: vec![Power::Answer],
        why: "HTTP filter envoy.filters.http.lua is not modeled".to_owned(),
        proviso: "HTTP filter envoy.filters.http.lua lets it pass".to_owned(),
        settle: Command::default(),
        evidence: Vec::new(),
    }
}

/// The contract's example, place by place. The open question is not there yet.
#[test]
fn json_has_every_field_of_the_contract_in_its_order() {
    const DECISION: &str = "listener filter_chain route_config virtual_host route route_index clusters destinations";
    const RESPONSE: &str = "status grpc_status flags details from";
    let mut verdict = denied();
    let half = half_ejected();
    verdict.branches = half.branches;
    verdict.conditions = vec![open_filter()];
    verdict.findings = subset_selects_no_pods().findings;
    verdict.response = half.response;
    verdict.request.headers.push(("x-version".to_owned(), "2".to_owned()));
    let json = render(&verdict, &Format::Json, &Theme::default().colored(), 10).unwrap();
    let expected = [
        (
            "",
            "schema outcome summary response request decision conditions branches walk findings evidence time tool cluster \
             proxies unchecked",
        ),
        ("/response", RESPONSE),
        ("/request", "source host port address protocol path method headers"),
        ("/request/source", "kind namespace name proxy"),
        ("/request/headers/0", "name value"),
        ("/decision", DECISION),
        ("/decision/clusters/0", "name share outcome response endpoints"),
        ("/decision/clusters/0/endpoints/0", "address priority eligible health tls"),
        ("/decision/destinations/0", "pod decision"),
        ("/decision/destinations/0/decision", DECISION),
        ("/branches/1", "guards share outcome response decision walk findings"),
        ("/branches/1/guards/0", "kind share by"),
        ("/conditions/0", "id side stage subject power why settle evidence"),
        ("/branches/1/response", RESPONSE),
        ("/walk/0", "side stage mark subject note evidence"),
        ("/findings/0", "id certainty title why objects fix next codes evidence"),
        ("/findings/0/objects/0", "apiVersion kind namespace name field"),
        ("/findings/0/fix/0", "object op field now want text"),
        ("/findings/0/fix/0/object", "apiVersion kind namespace name"),
        ("/evidence/0", "id from query path value"),
        ("/cluster", "context namespace"),
        ("/proxies/0", "side pod id envoy mesh"),
    ];
    for (place, names) in expected {
        assert_eq!(fields(&json, place), names, "{place}");
    }
    assert!(json.starts_with("{\n  \"schema\": \"mesh-why/v1\",\n") && json.ends_with("}\n"));
    assert!(json.contains("\"share\": 1.0,"));
}

#[test]
fn a_fix_is_data() {
    let json = parsed(&subset_selects_no_pods());
    let fix = &json["findings"][0]["fix"];
    assert_eq!(fix[0]["op"], "replace");
    assert_eq!(fix[0]["field"], "spec.subsets[0].labels");
    assert_eq!((&fix[0]["now"], &fix[0]["want"]), (&json!({"version": "v2"}), &json!({"version": "v1"})));
    for field in ["object", "field", "now", "want"] {
        assert_eq!(fix[1][field], Value::Null, "{field}");
    }
    // On the screen all but the first are alternatives.
    let text = fix[1]["text"].as_str().unwrap();
    assert!(text.starts_with("label the pods"), "{text}");
}

/// What stops the request next is said below the fix, and is last of all data.
#[test]
fn what_comes_next_is_told_apart_from_the_answer() {
    let mut verdict = subset_selects_no_pods();
    let whole = parsed(&verdict);
    let mut next = subset_finding();
    next.id = "denied-by-policy";
    next.certainty = Certainty::Likely;
    next.title = "a policy denies it".to_owned();
    next.evidence = vec![hosts(Origin::Source(0), V1).evidence()];
    let guards = vec![Guard::Repaired { stop: "no_healthy_upstream", finding: Some("subset-selects-no-pods") }];
    verdict.behind = Behind {
        next: vec![Next {
            sentence: "With this repaired, the next stop: A's proxy ends it (403): denied.".to_owned(),
            finding: Some((next.id, next.title.clone())),
        }],
        conditions: Vec::new(),
        branches: vec![Branch {
            guards,
            share: 1.0,
            outcome: Outcome::Fails,
            response: Some(sent(403, "", "rbac_access_denied")),
            decision: None,
            steps: Vec::new(),
            findings: vec![next.id],
        }],
        findings: vec![(next, "subset-selects-no-pods")],
    };
    let text = render(&verdict, &Format::Text, &Theme::default(), 80).unwrap();
    let said = "\nthen   With this repaired, the next stop: A's proxy ends it (403): denied.\n       denied-by-policy (likely): a policy denies it\n";
    let (before, _) = text.split_once(said).unwrap();
    assert!(before.contains("\nfix    "), "{text}");
    let json = parsed(&verdict);
    assert_eq!(
        json["branches"].as_array().unwrap().last().unwrap()["guards"],
        json!([
            {"kind": "repaired", "stop": "no_healthy_upstream", "finding": "subset-selects-no-pods"}
        ])
    );
    let last = json["findings"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["id"], &last["behind"]), (&json!("denied-by-policy"), &json!("subset-selects-no-pods")));
    // Nothing else is another, and numbers of evidence stay.
    let mut without = json.clone();
    for key in ["branches", "findings", "evidence"] {
        let kept = whole[key].as_array().unwrap().len();
        without[key].as_array_mut().unwrap().truncate(kept);
    }
    assert_eq!(without, whole);
}

#[test]
fn json_has_nothing_where_there_is_nothing() {
    let mut verdict = healthy();
    verdict.decision = None;
    verdict.request.source = None;
    verdict.request.address = None;
    verdict.response = Some(sent(503, "UH", ""));
    verdict.time = String::new();
    verdict.cluster = Cluster::default();
    verdict.proxies[0] = Proxy { side: Side::Source, pod: None, id: None, envoy: None, mesh: None };
    let json = parsed(&verdict);
    let of_proxy = ["/proxies/0/pod", "/proxies/0/id", "/proxies/0/envoy", "/proxies/0/mesh"];
    let of_cluster = ["/cluster/context", "/cluster/namespace"];
    let places = ["/response", "/decision", "/request/source", "/request/address", "/time"];
    for place in places.into_iter().chain(of_proxy).chain(of_cluster) {
        assert_eq!(json.pointer(place), Some(&Value::Null), "{place}");
    }
}

#[test]
fn a_number_means_the_same_evidence_everywhere() {
    let verdict = subset_selects_no_pods();
    let json = parsed(&verdict);
    let ids: Vec<u64> = json["evidence"].as_array().unwrap().iter().filter_map(|e| e["id"].as_u64()).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5]);
    assert_eq!(json["walk"][6]["evidence"], json!([1]));
    assert_eq!(json["findings"][0]["evidence"], json!([1, 2]));
    assert_eq!(json["findings"][1]["evidence"], json!([5]));
    assert_eq!(json["evidence"][0]["value"], Value::Null);
    assert_eq!(json["evidence"][1]["value"], json!({"version": "v2"}));
    let wide = render(&verdict, &Format::Wide, &Theme::default(), 80).unwrap();
    for evidence in json["evidence"].as_array().unwrap() {
        let value = if evidence["value"].is_null() { "no match".to_owned() } else { evidence["value"].to_string() };
        let (_, piece) = wide.split_once(&format!("\n  [{}] ", evidence["id"])).unwrap();
        assert_eq!(piece.lines().find_map(|line| line.strip_prefix("    = ")), Some(value.as_str()));
    }
}

#[test]
fn yaml_is_the_same_as_json() {
    for verdict in all() {
        let yaml = render(&verdict, &Format::Yaml, &Theme::default(), 80).unwrap();
        let read: Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(read, parsed(&verdict), "{yaml}");
    }
    let yaml = render(&subset_selects_no_pods(), &Format::Yaml, &Theme::default(), 80).unwrap();
    assert!(yaml.starts_with("schema: 'mesh-why/v1'\noutcome: 'fails'\n"), "{yaml}");
    assert!(yaml.contains("\n  headers: []\n"), "{yaml}");
    assert!(yaml.contains("\n- side: 'source'\n  stage: 'request'\n"), "{yaml}");
}

#[test]
fn a_jsonpath_selects() {
    let select = |expression: &str| {
        render(&subset_selects_no_pods(), &Format::JsonPath(expression.to_owned()), &Theme::default(), 80)
    };
    for outcome in ["$.outcome", ".outcome", "outcome", " $.outcome "] {
        assert_eq!(select(outcome).unwrap(), "fails\n", "{outcome}");
    }
    assert_eq!(select("$.findings[*].id").unwrap(), "subset-selects-no-pods\nroute-has-no-timeout\n");
    assert_eq!(select("$.walk[?@.mark=='stopped'].evidence").unwrap(), "[1]\n");
    // A template is printed as kubectl does.
    for outcome in ["{.outcome}", "{ $.outcome }", "{['outcome']}"] {
        assert_eq!(select(outcome).unwrap(), "fails", "{outcome}");
    }
    assert_eq!(select("{.response.status} {.outcome}{\"\\n\"}").unwrap(), "503 fails\n");
    assert_eq!(select("{.findings[*].id}").unwrap(), "subset-selects-no-pods route-has-no-timeout");
    let range = "{range .findings[*]}{.id}{\"\\t\"}{.certainty}{\"\\n\"}{end}";
    assert_eq!(select(range).unwrap(), "subset-selects-no-pods\tcertain\nroute-has-no-timeout\tlikely\n");
    assert_eq!(select("{.nothing}").unwrap(), "");
    for wrong in ["", "{}", "{.a", "$.a[", "{.outcome .summary}", "$..[", "{range .walk[*]}{.mark}", "{end}"] {
        let error = select(wrong).unwrap_err();
        assert!(matches!(&error, RenderError::JsonPath { expression, .. } if expression == wrong), "{wrong}: {error}");
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
}

// === helpers ===

fn all() -> Vec<Verdict> {
    vec![healthy(), subset_selects_no_pods(), half_ejected(), wasm_in_the_way(), denied(), long_names(), unicode()]
}

/// Text without escape sequences.
fn bare(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |bare, part| bare + part.split_once('m').map_or("", |(_, rest)| rest))
}

// === a line of an access log ===

fn with_log() -> Verdict {
    let some = |text: &str| Some(text.to_owned());
    let meaning = |of: &str, text: &str| Meaning { of: of.to_owned(), text: text.to_owned() };
    let details = "upstream_reset_before_response_started{connection_termination}";
    let log = Log {
        writer: Some(Side::Source),
        time: some("2026-08-22T14:02:11.123Z"),
        status: Some(503),
        flags: vec!["UC".to_owned()],
        details: some(details),
        termination: None,
        transport_failure: None,
        cluster: some(V1),
        upstream_host: some("10.244.1.7:8082"),
        route: some("default"),
        meanings: vec![
            meaning("UC", "the host closed the connection before its answer was complete"),
            meaning(details, "the host closed the connection and had not answered"),
        ],
        compared: Compared::Open,
        now: "the request is handed over; only traffic shows whether UC comes again".to_owned(),
        changes: vec![Change { what: "cluster", then: V1.to_owned(), now: V2.to_owned() }],
        notes: vec!["the question's path is /other, and the line's is /".to_owned()],
        next: command("kubectl -n shop logs service/product-service --since=10m"),
    };
    Verdict { log: Some(log), ..healthy() }
}

#[test]
fn a_line_of_a_log_stands_behind_the_walk_word_by_word() {
    let screen = render(&with_log(), &Format::Text, &Theme::default(), 80).unwrap();
    let (before, rest) = screen.split_once("\nlog\n").unwrap();
    assert!(before.contains("endpoints"));
    let (log, after) = rest.split_once("\n\n").unwrap();
    assert!(after.starts_with("but    "));
    assert_eq!(
        log,
        "  then       503 UC at 2026-08-22T14:02:11.123Z; the source's proxy wrote it
  cluster    outbound|8082|v1|product-service.shop.svc.cluster.local
  endpoint   10.244.1.7:8082
  UC         the host closed the connection before its answer was complete
  details    upstream_reset_before_response_started{connection_termination}: the
             host closed the connection and had not answered
  now        the request is handed over; only traffic shows whether UC comes
             again
  changed    cluster: now
             outbound|8082|v2|product-service.shop.svc.cluster.local
  note       the question's path is /other, and the line's is /
  look at
    kubectl -n shop logs service/product-service --since=10m"
    );
    assert!(log.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn a_line_of_a_log_is_data_too_and_absent_where_there_is_none() {
    let json = |verdict: &Verdict| -> Value {
        serde_json::from_str(&render(verdict, &Format::Json, &Theme::default(), 80).unwrap()).unwrap()
    };
    assert_eq!(json(&healthy()).get("log"), None);
    let log = json(&with_log())["log"].clone();
    assert_eq!(
        log,
        json!({
            "side": "source", "time": "2026-08-22T14:02:11.123Z", "status": 503, "flags": ["UC"],
            "details": "upstream_reset_before_response_started{connection_termination}",
            "termination": null, "transport_failure": null, "cluster": V1, "upstream_host": "10.244.1.7:8082",
            "route": "default",
            "meanings": [
                {"of": "UC", "text": "the host closed the connection before its answer was complete"},
                {"of": "upstream_reset_before_response_started{connection_termination}",
                 "text": "the host closed the connection and had not answered"},
            ],
            "compared": "unknown",
            "now": "the request is handed over; only traffic shows whether UC comes again",
            "changes": [{"what": "cluster", "then": V1, "now": V2}],
            "notes": ["the question's path is /other, and the line's is /"],
            "next": "kubectl -n shop logs service/product-service --since=10m",
        })
    );
}
