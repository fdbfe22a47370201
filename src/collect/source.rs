//! A: from what it was called to the pod that is asked.

use std::net::IpAddr;

use serde_json::Value;
use tokio::task::JoinSet;

use super::cluster::{ApiError, Cluster};
use super::error::CollectError;
use super::objects::items;
use super::query::segment;
use super::{near, objects, sidecar};
use crate::redact;
use crate::snapshot::{Kind, Need};

/// What A was called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// The kind, where it was named.
    kind: Option<Kind>,
    /// The name, perhaps with its namespace behind a dot.
    name: String,
}

/// The kinds that A may be, as kubectl takes their names: what is shown, and what else is understood.
const KINDS: &[(Kind, &str, &[&str])] = &[
    (Kind::Pod, "pod", &["po", "pods"]),
    (Kind::Deployment, "deploy", &["deployment", "deployments", "deployment.apps", "deployments.apps"]),
    (Kind::StatefulSet, "sts", &["statefulset", "statefulsets", "statefulset.apps", "statefulsets.apps"]),
    (Kind::DaemonSet, "ds", &["daemonset", "daemonsets", "daemonset.apps", "daemonsets.apps"]),
    (Kind::ReplicaSet, "rs", &["replicaset", "replicasets", "replicaset.apps", "replicasets.apps"]),
    (Kind::Job, "job", &["jobs", "job.batch", "jobs.batch"]),
    (Kind::Service, "svc", &["service", "services"]),
];

/// What a name without a kind is looked for as: a pod, else a workload, else a service.
const WORKLOADS: &[Kind] = &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::ReplicaSet, Kind::Job];

/// The label that most charts and samples give the pods of a name.
const APP: &str = "app";

impl Source {
    /// Understands A as it was typed: `NAME`, `TYPE/NAME`, each perhaps with `.NAMESPACE` behind. The error says
    /// what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains("://") {
            return Err(format!("`{}` is not a source", redact::url(text)));
        }
        let (kind, name) = match text.split_once('/') {
            None => (None, text),
            Some((word, name)) => {
                let kinds = || KINDS.iter().map(|row| row.1).collect::<Vec<_>>().join(", ");
                let kind = Self::kind_of(word).ok_or_else(|| format!("A is not a `{word}`: there are {}", kinds()))?;
                (Some(kind), name)
            }
        };
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
        if is_name { Ok(Self { kind, name: name.to_owned() }) } else { Err(format!("`{text}` is not a source")) }
    }

    /// Every word for a kind that A may be.
    pub(crate) fn words() -> Vec<&'static str> {
        KINDS.iter().flat_map(|(_, short, long)| [*short].into_iter().chain(long.iter().copied())).collect()
    }

    /// The kind that A may be, by one of its words.
    pub(crate) fn kind_of(word: &str) -> Option<Kind> {
        KINDS.iter().find(|(_, short, long)| *short == word || long.contains(&word)).map(|row| row.0)
    }

    /// The kind, where it was named.
    pub fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// Name and namespace, as they may be meant: a name may hold dots itself, so that is tried first. Last comes the name that
    /// DNS has for a Service, `orders.shop.svc.cluster.local`.
    pub fn readings<'a>(&'a self, namespace: &'a str) -> Vec<(&'a str, &'a str)> {
        let mut readings = vec![(self.name.as_str(), namespace)];
        readings.extend(self.name.rsplit_once('.').filter(|(name, of)| !name.is_empty() && !of.is_empty()));
        let in_dns = self.name.split_once(".svc").filter(|(_, rest)| rest.is_empty() || rest.starts_with('.'));
        let in_dns = in_dns.and_then(|(before, _)| before.split_once('.'));
        readings.extend(in_dns.filter(|(name, of)| !name.is_empty() && !of.is_empty() && !of.contains('.')));
        readings
    }
}

/// Kinds that may not be read, and kubectl's words for it.
type Refusals = Vec<(Kind, String)>;

/// The pod that A leads to.
pub(super) async fn find(cluster: &Cluster, source: &Source) -> Result<Value, CollectError> {
    Ok(find_all(cluster, source).await?.chosen(cluster))
}

/// A pod that carries these labels.
pub(super) async fn find_labeled(cluster: &Cluster, selector: &str) -> Result<Value, CollectError> {
    Ok(find_all_labeled(cluster, selector).await?.chosen(cluster))
}

/// The pods that A leads to, the one to ask first.
pub(super) async fn find_all(cluster: &Cluster, source: &Source) -> Result<Candidates, CollectError> {
    if let (None | Some(Kind::Pod), Ok(ip)) = (source.kind, source.name.parse::<IpAddr>()) {
        return at_address(cluster, ip).await;
    }
    let kinds: Vec<Kind> = match source.kind {
        Some(kind) => vec![kind],
        None => KINDS.iter().map(|row| row.0).collect(),
    };
    let readings = source.readings(cluster.namespace());
    let mut asked: Vec<Looked> = readings.iter().map(|reading| look(cluster, &kinds, *reading)).collect();
    let mut refusals: Refusals = Vec::new();
    for (looked, (name, namespace)) in asked.iter_mut().zip(readings) {
        let mut found = looked.found(cluster, namespace, &mut refusals).await?;
        if let Some(at) = found.iter().position(|(kind, _)| *kind == Kind::Pod) {
            return running(found.swap_remove(at).1).map(|first| Candidates { first, others: Vec::new() });
        }
        let mut workloads: Vec<_> = found.iter().filter(|(kind, _)| WORKLOADS.contains(kind)).collect();
        workloads.sort_by_key(|(kind, _)| *kind);
        if workloads.len() > 1 {
            let candidates = workloads.iter().map(|(kind, _)| format!("{}/{name}", word(*kind))).collect();
            return Err(CollectError::Ambiguous { name: name.to_owned(), candidates });
        }
        if let Some((kind, object)) = workloads.first().copied().or(found.first()) {
            let likely = looked.likely.take();
            return pod_of(cluster, (*kind, object), (name, namespace), likely).await;
        }
    }
    Err(not_found(cluster, source, refusals).await)
}

/// The pod that has an address, as an access log names who came. Pods of the node's own network share the node's.
async fn at_address(cluster: &Cluster, ip: IpAddr) -> Result<Candidates, CollectError> {
    let list = cluster.get(&Need::PodsAt(ip).query()).await;
    let list = list.map_err(|error| unreadable(cluster, &format!("the pod at {ip}"), error))?;
    let pods = items(list, Kind::Pod).unwrap_or_default();
    let is_own = |pod: &Value| pod["spec"]["hostNetwork"] != true && pod["status"]["phase"] == "Running";
    match pods.into_iter().find(is_own) {
        Some(first) => Ok(Candidates { first, others: Vec::new() }),
        None => {
            Err(CollectError::NoPod { owner: format!("address {ip}"), cause: "no pod has it to itself".to_owned() })
        }
    }
}

/// The pods that carry these labels, the one to ask first.
pub(super) async fn find_all_labeled(cluster: &Cluster, selector: &str) -> Result<Candidates, CollectError> {
    let namespace = cluster.namespace().to_owned();
    choose(cluster, &namespace, selector, &format!("selector {selector} in namespace {namespace}")).await
}

fn word(kind: Kind) -> &'static str {
    KINDS.iter().find(|row| row.0 == kind).map_or("", |row| row.1)
}

/// A name that is being looked for; all of it ends with this.
struct Looked {
    asked: JoinSet<(Kind, Result<Value, ApiError>)>,
    /// The pods that have the name as their label `app`, as most that belong to what has this name.
    likely: Option<JoinSet<Option<Vec<Value>>>>,
}

/// Asks for an object of each kind at once, and for the pods that it is likely to lead to.
fn look(cluster: &Cluster, kinds: &[Kind], (name, namespace): (&str, &str)) -> Looked {
    let mut asked = JoinSet::new();
    for kind in kinds.iter().copied() {
        let cluster = cluster.clone();
        let path = format!("{}/{}", kind.path(Some(&segment(namespace))), segment(name));
        asked.spawn(async move { (kind, cluster.get(&path).await) });
    }
    let leads_to_pods = kinds != [Kind::Pod] && !name.contains('.');
    let likely = leads_to_pods.then(|| {
        let (cluster, path) = (cluster.clone(), pods_by(namespace, &format!("{APP}={name}")));
        let list = async move { items(cluster.get(&path).await.ok()?, Kind::Pod).ok() };
        let mut asked = JoinSet::new();
        asked.spawn(list);
        asked
    });
    Looked { asked, likely }
}

impl Looked {
    /// What has the name. Kinds that may not be read are noted: the name may still be found.
    async fn found(
        &mut self,
        cluster: &Cluster,
        namespace: &str,
        refusals: &mut Refusals,
    ) -> Result<Vec<(Kind, Value)>, CollectError> {
        let mut found = Vec::new();
        while let Some(done) = self.asked.join_next().await {
            let Ok((kind, answer)) = done else { continue };
            match answer {
                Ok(mut object) => {
                    objects::name_kind(&mut object, kind);
                    found.push((kind, object));
                }
                Err(error) if error.code == 404 => {}
                Err(error) if error.code == 403 => refusals.push((kind, error.words)),
                Err(error) => {
                    return Err(unreadable(cluster, &format!("{} in namespace {namespace}", kind.plural()), error));
                }
            }
        }
        Ok(found)
    }
}

/// A pod that was named must run: another cannot be asked in its place.
fn running(pod: Value) -> Result<Value, CollectError> {
    let phase = pod["status"]["phase"].as_str().unwrap_or("Unknown");
    if phase == "Running" {
        return Ok(pod);
    }
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
    Err(CollectError::NoPod {
        owner: format!("pod {}/{}", text("namespace"), text("name")),
        cause: format!("it is {phase}"),
    })
}

async fn pod_of(
    cluster: &Cluster,
    (kind, object): (Kind, &Value),
    (name, namespace): (&str, &str),
    likely: Option<JoinSet<Option<Vec<Value>>>>,
) -> Result<Candidates, CollectError> {
    let owner = format!("{}/{name} in namespace {namespace}", word(kind));
    let selects = &object["spec"]["selector"];
    let selector = if kind == Kind::Service { labels(selects) } else { selector(selects) };
    if selector.is_empty() {
        return Err(CollectError::NoPod { owner, cause: "it selects no pods".to_owned() });
    }
    let labels = if kind == Kind::Service { selects } else { &selects["matchLabels"] };
    if labels[APP] == *name
        && selects["matchExpressions"].is_null()
        && let Some(Ok(Some(pods))) = match likely {
            Some(mut likely) => likely.join_next().await,
            None => None,
        }
    {
        let wanted = labels.as_object().into_iter().flatten();
        let carries = |pod: &Value| wanted.clone().all(|(key, value)| pod["metadata"]["labels"][key] == *value);
        return best(pods.into_iter().filter(carries).collect(), &owner);
    }
    choose(cluster, namespace, &selector, &owner).await
}

/// Pods that run: one at least.
pub(super) struct Candidates {
    /// The newest that is ready and has a proxy.
    first: Value,
    others: Vec<Value>,
}

impl Candidates {
    /// All of them, the one to ask first before the others.
    pub(super) fn all(self) -> impl Iterator<Item = Value> {
        std::iter::once(self.first).chain(self.others)
    }

    /// The one to ask, which is said where there are others.
    fn chosen(self, cluster: &Cluster) -> Value {
        let name = self.first["metadata"]["name"].as_str().unwrap_or_default();
        if !self.others.is_empty() {
            cluster.log().choice(&format!("asking pod/{name}, one of {} that run", self.others.len() + 1));
        }
        self.first
    }
}

/// The pods that run, the newest that is ready and has a proxy first.
async fn choose(cluster: &Cluster, namespace: &str, selector: &str, owner: &str) -> Result<Candidates, CollectError> {
    let path = pods_by(namespace, selector);
    let list =
        cluster.get(&path).await.map_err(|e| unreadable(cluster, &format!("pods in namespace {namespace}"), e))?;
    let pods = objects::items(list, Kind::Pod).map_err(|cause| CollectError::Api {
        what: format!("pods in namespace {namespace}"),
        cause,
        hint: None,
    })?;
    best(pods, owner)
}

/// The pods that carry labels.
fn pods_by(namespace: &str, selector: &str) -> String {
    format!("{}?labelSelector={selector}", Kind::Pod.path(Some(&segment(namespace))))
}

/// Of these pods the ones that run, the newest that is ready and has a proxy first.
fn best(pods: Vec<Value>, owner: &str) -> Result<Candidates, CollectError> {
    let (mut alive, gone): (Vec<Value>, Vec<Value>) = pods.into_iter().partition(is_alive);
    alive.sort_by_key(|pod| std::cmp::Reverse(rank(pod)));
    let mut alive = alive.into_iter();
    let first = alive.next().ok_or_else(|| CollectError::NoPod { owner: owner.to_owned(), cause: phases(&gone) })?;
    Ok(Candidates { first, others: alive.collect() })
}

fn is_alive(pod: &Value) -> bool {
    pod["status"]["phase"] == "Running" && pod["metadata"]["deletionTimestamp"].is_null()
}

/// The better, the greater.
fn rank(pod: &Value) -> (bool, bool, String, String) {
    let conditions = pod["status"]["conditions"].as_array();
    let is_ready = conditions.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True");
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
    (sidecar::find(pod).is_some(), is_ready, text("creationTimestamp"), text("name"))
}

fn phases(pods: &[Value]) -> String {
    let mut phases: Vec<&str> = pods.iter().filter_map(|pod| pod["status"]["phase"].as_str()).collect();
    phases.sort_unstable();
    phases.dedup();
    match (pods.len(), phases.join(" or ")) {
        (0, _) => "it has no pods".to_owned(),
        (1, phase) if phase == "Running" => "its pod is being deleted".to_owned(),
        (1, phase) => format!("its pod is {phase}"),
        (n, phase) if phase == "Running" => format!("its {n} pods are being deleted"),
        (n, phase) => format!("its {n} pods are {phase}"),
    }
}

/// A workload's selector as the API takes it.
fn selector(selector: &Value) -> String {
    let mut terms = vec![labels(&selector["matchLabels"])];
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str().unwrap_or_default();
        let values = expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let values = values.collect::<Vec<_>>().join(",");
        terms.push(match expression["operator"].as_str() {
            Some("In") => format!("{key} in ({values})"),
            Some("NotIn") => format!("{key} notin ({values})"),
            Some("DoesNotExist") => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    terms.retain(|term| !term.is_empty());
    terms.join(",")
}

/// `{a: b, c: d}` as `a=b,c=d`.
fn labels(labels: &Value) -> String {
    let pairs = labels.as_object().into_iter().flatten();
    pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect::<Vec<_>>().join(",")
}

async fn not_found(cluster: &Cluster, source: &Source, mut refusals: Refusals) -> CollectError {
    refusals.sort();
    refusals.dedup_by_key(|refusal| refusal.0);
    let readings = source.readings(cluster.namespace());
    let (name, likely) = readings.last().copied().unwrap_or_default();
    let namespace = readings.first().map_or(likely, |reading| reading.1);
    let what = match source.kind {
        Some(kind) => word(kind),
        None => "pod, workload or service",
    };
    let asked = if source.kind.is_some() { 1 } else { KINDS.len() };
    if let Some((_, cause)) = refusals.first().filter(|_| refusals.len() == asked) {
        // Nothing is known of it: it may well be there.
        let what = format!("{what} `{}` in namespace {likely}", source.name);
        let hint = format!(
            "the role needs the verbs `get` and `list` on pods in namespace {likely}, and on what leads to them"
        );
        return CollectError::Api { what, cause: cause.clone(), hint: Some(hint) };
    }
    let near = near::names(cluster, name, likely).await;
    CollectError::NotFound {
        wanted: format!("{what} `{}`", source.name),
        namespace: namespace.to_owned(),
        causes: refusals.into_iter().map(|(kind, _)| format!("{} may not be read", kind.plural())).collect(),
        near,
    }
}

fn unreadable(cluster: &Cluster, what: &str, error: ApiError) -> CollectError {
    let hint = match error.code {
        403 => Some(format!("the role needs the verbs `get` and `list` on {what}")),
        401 => Some("the credentials of the kubeconfig are not valid, or no longer".to_owned()),
        0 => Some(format!("the kubeconfig's server is {}; `--context` chooses another", cluster.host())),
        _ => None,
    };
    CollectError::Api { what: what.to_owned(), cause: error.words, hint }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_those_of_kubectl() {
        let kind = |text: &str| Source::parse(text).unwrap().kind;
        assert_eq!(kind("orders"), None);
        assert_eq!(kind("po/orders"), Some(Kind::Pod));
        assert_eq!(kind("deployment.apps/orders"), Some(Kind::Deployment));
        assert_eq!(kind("svc/orders.shop"), Some(Kind::Service));
        for text in ["", "shop/orders", "deploy/", "a b", "deploy/a/b", "a:80"] {
            assert!(Source::parse(text).is_err(), "{text}");
        }
        let source = Source::parse("a.b.c").unwrap();
        assert_eq!(source.readings("n"), [("a.b.c", "n"), ("a.b", "c")]);
        let of_dns =
            |text: &str| Source::parse(text).unwrap().readings("n").get(2).map(|of| (of.0.to_owned(), of.1.to_owned()));
        assert_eq!(of_dns("a.b.svc.cluster.local"), Some(("a".to_owned(), "b".to_owned())));
        assert_eq!(of_dns("a.b.svc"), Some(("a".to_owned(), "b".to_owned())));
        assert_eq!((of_dns("a.b.svcs"), of_dns("a.b.c.svc")), (None, None));
    }

    #[test]
    fn selectors_are_those_of_the_api() {
        let given = json!({"matchLabels": {"a": "1", "b": "2"}, "matchExpressions": [
            {"key": "c", "operator": "In", "values": ["x", "y"]}, {"key": "d", "operator": "NotIn", "values": ["z"]},
            {"key": "e", "operator": "Exists"}, {"key": "f", "operator": "DoesNotExist"}]});
        assert_eq!(selector(&given), "a=1,b=2,c in (x,y),d notin (z),e,!f");
        assert_eq!(selector(&Value::Null), "");
    }

    #[test]
    fn the_best_pod_has_a_proxy_is_ready_and_is_new() {
        let pod = |proxy: &str, ready: &str, created: &str| {
            json!({"metadata": {"name": created, "creationTimestamp": created}, "spec": {"containers": [{"name": proxy}]},
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}})
        };
        let best = pod("istio-proxy", "True", "2026-01-02T00:00:00Z");
        for other in [
            pod("app", "True", "2027"),
            pod("istio-proxy", "False", "2027"),
            pod("istio-proxy", "True", "2026-01-01T00:00:00Z"),
        ] {
            assert!(rank(&best) > rank(&other));
        }
        assert_eq!(phases(&[]), "it has no pods");
        assert_eq!(phases(&[json!({"status": {"phase": "Pending"}})]), "its pod is Pending");
    }
}
