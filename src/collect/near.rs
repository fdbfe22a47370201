//! Names that may have been meant.

use serde_json::Value;
use tokio::task::JoinSet;

use super::cluster::Cluster;
use super::objects::items;
use super::query::segment;
use crate::snapshot::Kind;

/// The kinds whose names people type.
const KINDS: &[Kind] = &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::Service, Kind::Pod];

/// How alike two names must be, from 0 to 1.
const ALIKE: f64 = 0.75;

/// The most that are suggested.
const MOST: usize = 3;

/// Names like `name` in the namespace, and the same name in other ones, the likeliest first. What may not be read
/// is not suggested.
pub(super) async fn names(cluster: &Cluster, name: &str, namespace: &str) -> Vec<String> {
    let mut asked = JoinSet::new();
    for kind in KINDS.iter().copied() {
        // What the server has in memory is new enough for a name that is only suggested, and spares it a look through all
        // that is stored.
        let here = format!("{}?resourceVersion=0", kind.path(Some(&segment(namespace))));
        let elsewhere = format!("{}?resourceVersion=0&fieldSelector=metadata.name={name}", kind.path(None));
        for path in [here, elsewhere] {
            let cluster = cluster.clone();
            asked.spawn(async move {
                cluster.get(&path).await.ok().and_then(|list| items(list, kind).ok()).unwrap_or_default()
            });
        }
    }
    let mut found = Vec::new();
    while let Some(done) = asked.join_next().await {
        found.extend(done.unwrap_or_default());
    }
    suggest(name, namespace, &found)
}

fn suggest(name: &str, namespace: &str, found: &[Value]) -> Vec<String> {
    let text = |object: &Value, field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    let mut scored: Vec<(u8, String)> = Vec::new();
    for object in found {
        let (its, of) = (text(object, "name"), text(object, "namespace"));
        if its == name && of != namespace {
            scored.push((100, format!("`{its}.{of}`")));
        } else if of == namespace && is_owned(object) {
            // A pod of a workload: the workload is suggested.
        } else if of == namespace {
            let alike = strsim::jaro_winkler(name, &its);
            if alike >= ALIKE {
                // 0 to 99, so that it can be put in order.
                let percent = (1..=99u8).rev().find(|p| alike >= f64::from(*p) / 100.0).unwrap_or(0);
                scored.push((percent, format!("`{its}`")));
            }
        }
    }
    scored.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    scored.dedup();
    scored.into_iter().map(|(_, shown)| shown).take(MOST).collect()
}

fn is_owned(object: &Value) -> bool {
    object["kind"] == "Pod" && object["metadata"]["ownerReferences"].as_array().is_some_and(|owners| !owners.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_likeliest_comes_first_and_once() {
        let object = |kind: &str, namespace: &str, name: &str| json!({"kind": kind, "metadata": {"namespace": namespace, "name": name}});
        let found = [
            object("Deployment", "shop", "order-service"),
            object("Service", "shop", "order-service"),
            object("Service", "shop", "product-service"),
            object("Service", "other", "ordr-service"),
            object("Service", "other", "order-service"),
            object("Service", "shop", "x"),
        ];
        let near = suggest("ordr-service", "shop", &found);
        assert_eq!(near[..2], ["`ordr-service.other`", "`order-service`"]);
        assert!(!near.contains(&"`x`".to_owned()));
        assert!(suggest("zzz", "shop", &found).is_empty());
    }
}
