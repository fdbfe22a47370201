//! What all pods of A's are told alike, and is therefore asked once for them: proxies of B's, whether B's application
//! listens, and what istiod sent. (What the API server says, its [`Cluster`](super::cluster::Cluster) remembers.)

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinSet;

use super::admin::Admin;
use super::once::{Fresh, Once};
use crate::snapshot::{Answer, Need, Snapshot};

/// Namespace and name of a pod.
type Pod = (String, String);

/// Answers that are everybody's.
#[derive(Default)]
pub(super) struct Shared {
    proxies: Mutex<BTreeMap<Pod, Arc<Admin>>>,
    /// Whether ports are listened on.
    pub(super) probes: Once<Result<Answer, String>>,
    /// What istiod says of proxies. It has to be of after what a proxy said itself, or that could be newer.
    pub(super) sync: Fresh<Result<Answer, String>>,
}

/// A part of a proxy of B's that an answer rests on, as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rest {
    pod: Pod,
    part: Need,
    /// When it had been updated.
    updates: Vec<String>,
}

impl Rest {
    /// What a snapshot has of a proxy in this pod.
    pub(super) fn of(snapshot: &Snapshot, pod: Pod, part: Need) -> Self {
        let updates = snapshot.updates(&part);
        Self { pod, part, updates }
    }

    fn key(&self) -> (Pod, String) {
        (self.pod.clone(), self.part.query())
    }
}

impl Shared {
    /// The proxy of a pod of B's.
    pub(super) fn proxy(&self, pod: Pod, make: impl FnOnce() -> Admin) -> Arc<Admin> {
        Arc::clone(self.proxies().entry(pod).or_insert_with(|| Arc::new(make().for_all())))
    }

    /// What B's proxies said is not of now any more.
    pub(super) fn forget(&self) {
        self.proxies().values().for_each(|admin| admin.forget_all());
    }

    /// Of each answer, what it rests on and is another one now. Each thing is read once, however many rest on it: it was the
    /// same from the first who read it until now.
    pub(super) async fn moved(&self, answers: &[Vec<Rest>]) -> Vec<Vec<Need>> {
        let mut tasks = JoinSet::new();
        let mut asked = BTreeSet::new();
        for rest in answers.iter().flatten() {
            let Some(admin) = self.proxies().get(&rest.pod).cloned() else { continue };
            if asked.insert(rest.key()) {
                let (key, part) = (rest.key(), rest.part.clone());
                tasks.spawn(async move {
                    let mut now = Snapshot::default();
                    // What does not come, or cannot be read, tells nothing.
                    let _ = admin.anew(&part).await.map(|answer| now.answer(&part, answer));
                    (key, now.updates_now(&part))
                });
            }
        }
        let mut now = BTreeMap::new();
        while let Some(done) = tasks.join_next().await {
            now.extend(done.ok());
        }
        let is_moved = |rest: &&Rest| matches!(now.get(&rest.key()), Some(Some(now)) if *now != rest.updates);
        let moved = |rests: &Vec<Rest>| rests.iter().filter(is_moved).map(|rest| rest.part.clone()).collect();
        answers.iter().map(moved).collect()
    }

    fn proxies(&self) -> MutexGuard<'_, BTreeMap<Pod, Arc<Admin>>> {
        self.proxies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
