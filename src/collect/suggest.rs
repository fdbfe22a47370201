//! Names to choose from, for somebody who is still typing. What cannot be read soon, or not at all, is not suggested.

use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use super::cluster::Cluster;
use super::kubeconfig::{self, Entries};
use super::objects::items;
use super::query::segment;
use super::source::Source;
use super::{Level, Log, Options};
use crate::snapshot::Kind;

/// Nobody waits longer for a name.
const SOON: Duration = Duration::from_secs(2);

/// The most of one kind that are read.
const MOST: usize = 500;

/// What A may be, the likeliest first.
const SOURCES: &[Kind] = &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::Service, Kind::Pod];

/// A name that could be meant.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Suggestion {
    /// As it is typed.
    pub word: String,
    /// What it is; empty where that is plain.
    pub about: String,
}

impl Suggestion {
    fn new(word: impl Into<String>, about: impl Into<String>) -> Self {
        Self { word: word.into(), about: about.into() }
    }
}

/// The names of the kubeconfig: of its contexts, its clusters, its users.
pub fn entries(of: Entries, options: &Options) -> Vec<Suggestion> {
    kubeconfig::entries(of, &options.cluster).into_iter().map(|name| Suggestion::new(name, "")).collect()
}

/// The namespaces of the cluster.
pub async fn namespaces(options: &Options) -> Vec<Suggestion> {
    soon(options, async |cluster| {
        let list = cluster.get(&format!("/api/v1/namespaces?limit={MOST}")).await.ok()?;
        Some(list["items"].as_array()?.iter().map(|item| Suggestion::new(text(item, "name"), "")).collect())
    })
    .await
}

/// Pods, workloads and Services of the namespace, as A is typed: by their names, or behind their kind where `typed` has one.
pub async fn sources(typed: &str, options: &Options) -> Vec<Suggestion> {
    let kind = typed.split_once('/').map(|(kind, _)| kind.to_owned());
    soon(options, async |cluster| {
        let wanted = SOURCES.iter().filter(|of| kind.as_deref().is_none_or(|word| Source::kind_of(word) == Some(**of)));
        let mut asked = JoinSet::new();
        for kind in wanted.copied() {
            let (cluster, namespace) = (cluster.clone(), cluster.namespace().to_owned());
            asked.spawn(async move { (kind, list(&cluster, kind, Some(&namespace)).await) });
        }
        let mut found = Vec::new();
        while let Some(done) = asked.join_next().await {
            let Ok((of, objects)) = done else { continue };
            let named = |object: &Value| match &kind {
                Some(kind) => format!("{kind}/{}", text(object, "name")),
                None => text(object, "name"),
            };
            found.extend(objects.iter().map(|object| Suggestion::new(named(object), of.name())));
        }
        // A Service and its workload may have one name: it leads to the same pods.
        found.sort_by(|a, b| a.word.cmp(&b.word).then_with(|| order(&a.about).cmp(&order(&b.about))));
        found.dedup_by(|a, b| a.word == b.word);
        Some(found)
    })
    .await
}

fn order(kind: &str) -> usize {
    SOURCES.iter().position(|of| of.name() == kind).unwrap_or(SOURCES.len())
}

/// Services with their TCP ports, as B is typed: those of the namespace, and those of all where `typed` has a dot.
pub async fn destinations(typed: &str, options: &Options) -> Vec<Suggestion> {
    let is_dotted = typed.split(':').next().is_some_and(|name| name.contains('.'));
    soon(options, async |cluster| {
        let namespace = (!is_dotted).then(|| cluster.namespace().to_owned());
        let services = list(&cluster, Kind::Service, namespace.as_deref()).await;
        let mut found: Vec<Suggestion> =
            services.iter().flat_map(|service| ports(service, namespace.as_deref())).collect();
        found.sort();
        Some(found)
    })
    .await
}

/// The ports of a Service, as they are typed from a namespace, or from any.
fn ports(service: &Value, from: Option<&str>) -> Vec<Suggestion> {
    let (name, namespace) = (text(service, "name"), text(service, "namespace"));
    let host = if from.is_some() { name } else { format!("{name}.{namespace}") };
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    let tcp = ports.filter(|port| port["protocol"].as_str().is_none_or(|protocol| protocol == "TCP"));
    let of = |port: &Value| {
        let number = port["port"].as_u64()?;
        Some(Suggestion::new(format!("{host}:{number}"), port["name"].as_str().unwrap_or_default()))
    };
    tcp.filter_map(of).collect()
}

async fn list(cluster: &Cluster, kind: Kind, namespace: Option<&str>) -> Vec<Value> {
    let path = format!("{}?limit={MOST}", kind.path(namespace.map(segment).as_deref()));
    let list = cluster.get(&path).await.ok().and_then(|list| items(list, kind).ok());
    list.unwrap_or_default()
}

fn text(object: &Value, field: &str) -> String {
    object["metadata"][field].as_str().unwrap_or_default().to_owned()
}

/// What the cluster says, if it does so soon.
async fn soon(options: &Options, ask: impl AsyncFnOnce(Cluster) -> Option<Vec<Suggestion>>) -> Vec<Suggestion> {
    let quiet = Options { log: Log::new(Level::Quiet), timeout: Some(SOON), ..options.clone() };
    let asked = async { ask(quiet.cluster().await.ok()?).await };
    tokio::time::timeout(SOON, asked).await.ok().flatten().unwrap_or_default()
}
