//! What is likely to be wanted soon, and is asked for beside what is wanted now.
//!
//! Which things these are somebody else says ([`Foresight`]), from what was seen so far. They wait in [`Ahead`], and proxies
//! behind doors that are open already; the snapshot of an answer has them only once they are wanted.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::Value;
use tokio::task::JoinHandle;

use super::admin::Admin;
use super::ahead::Ahead;
use super::cluster::Cluster;
use super::reply::Failure;
use super::shared::Shared;
use super::{control_plane, objects};
use crate::snapshot::{Answer, Kind, Lookup, Need, Origin, PodRecord, Snapshot};

/// Whoever knows what is likely to be wanted soon.
pub trait Foresight: Send + Sync {
    /// Objects, and pods of B's whose proxies are likely to be read: from what was seen, and what is wanted now.
    fn objects(&self, seen: &[&Snapshot], wanted: &[Need]) -> Vec<Need>;

    /// What a proxy is likely to be asked; this one answers as `origin`, and is in a pod.
    fn of_proxy(&self, seen: &[&Snapshot], origin: Origin, pod: &PodRecord, wanted: &[Need]) -> Vec<Need>;
}

/// What is foreseen, and what came of it.
#[derive(Default)]
pub(super) struct Outlook {
    foresight: Option<Arc<dyn Foresight>>,
    /// Where others want the same.
    shared: Option<Arc<Shared>>,
    ahead: Ahead,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// What came back of objects, wanted or not.
    seen: Snapshot,
    /// Everything that was ever foreseen, by its key.
    foreseen: BTreeMap<String, Need>,
    /// Lists that came, with the labels that they were asked for by.
    lists: Vec<(Need, Vec<Value>)>,
    /// Proxies of B's whose door is being opened, by namespace and name of their pods.
    doors: HashMap<(String, String), Door>,
}

/// A proxy, and what comes of opening its door.
pub(super) struct Door {
    pub(super) admin: Arc<Admin>,
    pub(super) opened: JoinHandle<Result<(), Failure>>,
}

impl Outlook {
    pub(super) fn new(foresight: Option<Arc<dyn Foresight>>, shared: Option<Arc<Shared>>) -> Self {
        Self { foresight, shared, ..Self::default() }
    }

    /// A's pod is known.
    pub(super) fn met_source(&self, record: &PodRecord, pod: &Value) {
        let mut known = self.known();
        known.seen.source = Some(record.clone());
        let need = Need::Object(Kind::Pod, record.namespace.clone(), record.name.clone());
        // What it cannot be taken in as, is not foreseen from.
        let _ = known.seen.answer(&need, Answer::Object(pod.clone()));
    }

    /// Asks for the objects that are likely to be wanted, and opens the doors of B's proxies.
    pub(super) fn foresee(
        &self,
        cluster: &Cluster,
        snapshot: Option<&Snapshot>,
        wanted: &[Need],
        door: impl Fn(&Value) -> Option<Door>,
    ) {
        let Some(foresight) = &self.foresight else { return };
        let mut known = self.known();
        let seen: Vec<&Snapshot> = snapshot.into_iter().chain([&known.seen]).collect();
        let needs = foresight.objects(&seen, wanted);
        for need in needs {
            let key = key(&need);
            let is_tried = snapshot.is_some_and(|snapshot| snapshot.is_tried(&need));
            if is_tried || known.foreseen.contains_key(&key) {
                continue;
            }
            known.foreseen.insert(key.clone(), need.clone());
            if wanted.contains(&need) {
                continue;
            }
            if let Need::Destination(namespace, name) = &need {
                let pod = known.seen.object(Kind::Pod, namespace, name);
                let Lookup::Found(pod) = pod else { continue };
                let door = door(pod.value());
                known.doors.extend(door.map(|door| ((namespace.clone(), name.clone()), door)));
                continue;
            }
            let (cluster, shared) = (cluster.clone(), self.shared.clone());
            self.ahead.begin(&key, async move { answer(&cluster, shared.as_deref(), &need).await });
        }
    }

    /// What a proxy is likely to be asked.
    pub(super) fn of_proxy(
        &self,
        snapshot: Option<&Snapshot>,
        (origin, pod): (Origin, &PodRecord),
        wanted: &[Need],
    ) -> Vec<Need> {
        let Some(foresight) = &self.foresight else { return Vec::new() };
        let known = self.known();
        let seen: Vec<&Snapshot> = snapshot.into_iter().chain([&known.seen]).collect();
        let needs = foresight.of_proxy(&seen, origin, pod, wanted);
        let is_new = |need: &Need| !snapshot.is_some_and(|snapshot| snapshot.is_tried(need)) && !wanted.contains(need);
        needs.into_iter().filter(is_new).collect()
    }

    /// Waits a little for what was asked since `began`, and looks at it.
    pub(super) async fn settle(&self, began: Instant) {
        // Who else is asked is farther.
        let is_object = |need: &&Need| need.origin() == Origin::Kubernetes;
        let objects: Vec<String> = self.known().foreseen.values().filter(is_object).map(key).collect();
        for (key, answer) in self.ahead.settled(&objects, began).await {
            let mut known = self.known();
            let Some(need) = known.foreseen.get(&key).cloned() else { continue };
            if let (Need::Objects(..), Answer::Objects(items)) = (&need, &answer) {
                known.lists.push((need.clone(), items.clone()));
            }
            // What it cannot be taken in as, nothing is foreseen from.
            let _ = known.seen.answer(&need, answer);
        }
    }

    /// Whether this was asked for before anybody wanted it.
    pub(super) fn foresaw(&self, need: &Need) -> bool {
        self.ahead.has(&key(need)) || self.listed(need).is_some()
    }

    /// Whether the answer to this is here.
    pub(super) fn has(&self, need: &Need) -> bool {
        self.ahead.is_here(&key(need)) || self.listed(need).is_some()
    }

    /// The answer of what is in the cluster: at hand, or else asked for.
    pub(super) async fn answer(&self, cluster: &Cluster, need: &Need) -> Result<Answer, String> {
        if let Some(answer) = self.ahead.taken(&key(need)).await {
            return Ok(answer);
        }
        match self.listed(need) {
            Some(items) => Ok(Answer::Objects(items)),
            None => answer(cluster, self.shared.as_deref(), need).await,
        }
    }

    /// The door of a pod's proxy, where it was opened ahead.
    pub(super) fn door(&self, namespace: &str, name: &str) -> Option<Door> {
        self.known().doors.remove(&(namespace.to_owned(), name.to_owned()))
    }

    /// A pod that came in a list, or by itself.
    pub(super) fn pod(&self, namespace: &str, name: &str) -> Option<Value> {
        match self.known().seen.object(Kind::Pod, namespace, name) {
            Lookup::Found(pod) => Some(pod.value().clone()),
            Lookup::Absent(_) | Lookup::Unread(_) => None,
        }
    }

    /// The items of a list that was asked for by fewer labels, which all that is wanted carries.
    fn listed(&self, need: &Need) -> Option<Vec<Value>> {
        let Need::Objects(kind, namespace, labels) = need else { return None };
        let known = self.known();
        let covers = |list: &&(Need, Vec<Value>)| {
            let Need::Objects(of, at, fewer) = &list.0 else { return false };
            of == kind && at == namespace && !fewer.is_empty() && fewer.iter().all(|label| labels.contains(label))
        };
        let (_, items) = known.lists.iter().find(covers)?;
        let carries = |item: &&Value| labels.iter().all(|(key, value)| item["metadata"]["labels"][key] == *value);
        Some(items.iter().filter(carries).cloned().collect())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tells two needs apart: the query, and who is asked it.
fn key(need: &Need) -> String {
    if let Need::Sync(_, pods) = need { format!("{} {pods:?}", need.query()) } else { need.query() }
}

async fn answer(cluster: &Cluster, shared: Option<&Shared>, need: &Need) -> Result<Answer, String> {
    if let Need::Sync(_, pods) = need {
        let query = need.query();
        let asked = Box::pin(control_plane::answer(cluster, &query, pods));
        match shared {
            Some(shared) => shared.sync.get(&key(need), asked).await,
            None => asked.await,
        }
    } else {
        objects::answer(cluster, need).await
    }
}
