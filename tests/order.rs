//! The order of a route's clusters decides nothing: each way has its own cluster, and B's side sees what that one sends.

#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{answer, change, scenarios, snapshot, with_member};
use mesh_why::verdict::{Outcome, Verdict};
use serde_json::{Value, json};

/// Half of the requests go to an undefined subset, half to v1, which A's proxy speaks HTTP/2 to; B's manager takes nothing
/// else. `ordered` puts the clusters in order.
fn half(ordered: impl Fn(&mut Vec<Value>)) -> Verdict {
    let scenario = scenarios().into_iter().find(|s| s.name == "half-goes-to-an-undefined-subset").unwrap();
    let mut files = scenario.files();
    change(&mut files, "source/config_dump.json", |dump| {
        let mut routes = Vec::new();
        with_member(dump, "weighted_clusters", &mut routes);
        for route in routes {
            ordered(route["weighted_clusters"]["clusters"].as_array_mut().unwrap());
        }
        let mut clusters = Vec::new();
        with_member(dump, "eds_cluster_config", &mut clusters);
        let v1 = clusters.into_iter().filter(|c| c["name"].as_str().is_some_and(|name| name.contains("|v1|")));
        for cluster in v1 {
            cluster["typed_extension_protocol_options"] = json!({
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": {"http2_protocol_options": {}},
                },
            });
        }
    });
    change(&mut files, "destination/config_dump.json", |dump| {
        let mut managers = Vec::new();
        with_member(dump, "http_filters", &mut managers);
        for manager in managers {
            manager["codec_type"] = json!("HTTP2");
        }
    });
    answer(&scenario.case.ask, &mut snapshot(files))
}

#[test]
fn the_order_of_two_clusters_changes_no_answer() {
    let (forth, back) = (
        half(|clusters| clusters.sort_by_key(name)),
        half(|clusters| {
            clusters.sort_by_key(name);
            clusters.reverse();
        }),
    );
    assert_eq!((forth.outcome, back.outcome), (Outcome::Partial, Outcome::Partial));
    assert_eq!(forth.summary, back.summary);
    let ends = |verdict: &Verdict| -> Vec<_> {
        verdict.branches.iter().map(|branch| (branch.outcome, branch.response.clone(), branch.by())).collect()
    };
    assert_eq!(ends(&forth), ends(&back));
    let ids = |verdict: &Verdict| verdict.findings.iter().map(|finding| finding.id).collect::<Vec<_>>();
    assert_eq!(ids(&forth), ["subset-not-defined"]);
    assert_eq!(ids(&back), ids(&forth));
}

fn name(cluster: &Value) -> String {
    cluster["name"].as_str().unwrap().to_owned()
}
