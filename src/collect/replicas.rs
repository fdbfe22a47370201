//! All pods of A's, each with a collector of its own; what they have in common is asked once.

use std::sync::Arc;

use serde_json::Value;

use super::cluster::Cluster;
use super::error::CollectError;
use super::outlook::Foresight;
use super::shared::{Rest, Shared};
use super::{Opened, Options, Place, open_pod, source};
use crate::snapshot::Need;

/// Every pod that A leads to and that runs.
pub struct Replicas {
    all: Vec<Replica>,
    shared: Arc<Shared>,
}

/// A pod of A's that is still to be asked.
#[derive(Clone)]
pub struct Replica {
    cluster: Cluster,
    pod: Value,
    options: Options,
    shared: Arc<Shared>,
}

impl Replica {
    /// The pod's name.
    pub fn name(&self) -> String {
        self.pod["metadata"]["name"].as_str().unwrap_or_default().to_owned()
    }

    /// Begins to read it, where somebody foresees what will be wanted.
    pub async fn open_with(self, foresight: Option<Arc<dyn Foresight>>) -> Result<Opened, CollectError> {
        let options = Options { log: self.options.log.of_one(), ..self.options };
        let cluster = self.cluster.with_log(options.log.clone());
        Box::pin(open_pod((cluster, Some(self.shared)), self.pod, &options, foresight)).await
    }
}

impl Replicas {
    /// Those that A leads to, where A is one of the cluster; `None` where one proxy was named.
    pub async fn of(place: &Place, options: &Options) -> Result<Option<Self>, CollectError> {
        let (cluster, found) = match place {
            Place::Named(source) => {
                let cluster = options.cluster().await?;
                let found = source::find_all(&cluster, source).await?;
                (cluster, found)
            }
            Place::Selector(selector) => {
                let cluster = options.cluster().await?;
                let found = source::find_all_labeled(&cluster, selector).await?;
                (cluster, found)
            }
            Place::Demo | Place::Snapshot(_) | Place::Files(..) | Place::Admin(_) => return Ok(None),
        };
        let (cluster, shared) = (cluster.with_memory(), Arc::new(Shared::default()));
        let replica =
            |pod| Replica { cluster: cluster.clone(), pod, options: options.clone(), shared: Arc::clone(&shared) };
        Ok(Some(Self { all: found.all().map(replica).collect(), shared }))
    }

    /// The pods, in the order in which they are told.
    pub fn all(&self) -> &[Replica] {
        &self.all
    }

    /// Reads once more what answers rest on of B's proxies; returns what of it is another one now, of each answer.
    pub async fn moved(&self, answers: &[Vec<Rest>]) -> Vec<Vec<Need>> {
        self.shared.moved(answers).await
    }

    /// What B's proxies said is to be read anew.
    pub fn forget(&self) {
        self.shared.forget();
    }
}
