//! The control plane: what istiod says of its proxies, through a port-forward to each of its pods.
//!
//! Such a connection comes from the pod's own loopback, which istiod asks for no token:
//! `allowAuthenticatedOrLocalhost` in `pilot/pkg/xds/debug.go`.

use serde_json::value::RawValue;

use super::cluster::Cluster;
use super::forward::PodEndpoint;
use super::log::Outcome;
use super::objects::is_name;
use super::query::encode;
use super::reply::{Failure, Reply};
use crate::snapshot::Answer;

/// Where istiod answers: the port of its metrics, and the one of old releases and of `ENABLE_DEBUG_ON_HTTP`.
const PORTS: &[u16] = &[15014, 8080];

/// What all of these pods say, as one list: each knows only the proxies that are connected to it. Where one does not
/// answer, nobody knows what it would have said.
pub(super) async fn answer(cluster: &Cluster, query: &str, pods: &[(String, String)]) -> Result<Answer, String> {
    let mut rows = Vec::new();
    for (namespace, pod) in pods {
        if ![namespace, pod].iter().all(|text| is_name(text)) {
            return Err(format!("`{namespace}/{pod}` is not a pod's name"));
        }
        rows.extend(rows_of(cluster, query, namespace, pod).await?);
    }
    let rows: Vec<&str> = rows.iter().map(|row| row.get()).collect();
    Ok(Answer::Body(format!("[{}]", rows.join(",")).into_bytes()))
}

async fn rows_of(cluster: &Cluster, query: &str, namespace: &str, pod: &str) -> Result<Vec<Box<RawValue>>, String> {
    let whom = format!("pod {namespace}/{pod}");
    let mut why = String::new();
    for port in PORTS {
        let reading = cluster.log().reading(&whom, query, "what it sent to its proxies");
        let got = PodEndpoint::new(cluster.clone(), (namespace, pod), *port, 1).get(&encode(query)).await;
        reading.got(outcome(&got));
        match got {
            Ok(reply) if reply.status == 200 => return rows(&reply.body).ok_or(format!("{whom} lists no proxies")),
            Ok(reply) => why = format!("{whom} answered {}", reply.status),
            Err(failure) if why.is_empty() => why = format!("{whom}: {}", failure.causes.join(": ")),
            Err(_) => {}
        }
    }
    Err(why)
}

fn outcome(got: &Result<Reply, Failure>) -> Outcome {
    match got {
        Ok(reply) if reply.status == 200 => Outcome::Bytes(reply.body.len()),
        Ok(reply) => Outcome::Status(reply.status),
        Err(failure) => Outcome::Failed(failure.causes.join(": ")),
    }
}

/// The elements of a list, as they came; Go's empty list may be `null`.
fn rows(body: &[u8]) -> Option<Vec<Box<RawValue>>> {
    serde_json::from_slice::<Option<Vec<Box<RawValue>>>>(body).ok().map(Option::unwrap_or_default)
}
