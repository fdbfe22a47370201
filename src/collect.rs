//! Reads what the walk asks for: the only part of the house that may wait or fail.
//!
//! [`open`] finds out where to read and reads the first thing, so that whoever cannot read learns it at once. From
//! then on [`Collector::fetch`] answers the needs of a round, all at once.

mod admin;
mod archive;
mod cluster;
mod disk;
mod endpoint;
mod error;
mod forward;
mod kubeconfig;
mod log;
mod query;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinSet;

pub use error::CollectError;
pub use kubeconfig::ClusterFlags;
pub use log::Log;

use admin::{Admin, Way};
use cluster::Cluster;
use endpoint::Endpoint;

use crate::snapshot::{Answer, Need, Origin, Snapshot};

/// Where A's proxy is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// In the snapshot that is built into the binary.
    Demo,
    /// In a saved snapshot: a folder, or a `.tar.gz` of one.
    Snapshot(PathBuf),
    /// In bare admin outputs: `/config_dump`, and `/clusters` where there is one. `-` is standard input.
    Files(PathBuf, Option<PathBuf>),
    /// At an admin endpoint's URL.
    Admin(String),
    /// In the cluster, in the pod that a name leads to.
    Named(String),
    /// In the cluster, in a pod with these labels.
    Selector(String),
}

/// How to read.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which cluster, and as whom.
    pub cluster: ClusterFlags,
    /// The port of the proxy's admin endpoint; found from the pod where `None`.
    pub admin_port: Option<u16>,
    /// The longest that one request may take; `None` for as long as it takes.
    pub timeout: Option<Duration>,
    /// What is said on standard error.
    pub log: Log,
}

/// What reading begins with.
pub struct Opened {
    /// What was read so far.
    pub snapshot: Snapshot,
    /// Who reads on; `None` where all there is was read.
    pub collector: Option<Collector>,
}

/// Answers needs.
pub struct Collector {
    admins: BTreeMap<Origin, Admin>,
    cluster: Option<Cluster>,
}

/// Begins to read at `place`.
pub async fn open(place: &Place, options: &Options) -> Result<Opened, CollectError> {
    let saved = match place {
        Place::Demo => disk::demo()?,
        Place::Snapshot(path) => disk::load(path)?,
        Place::Files(config_dump, clusters) => disk::bare(config_dump, clusters.as_deref())?,
        Place::Admin(url) => return open_url(url, options).await,
        Place::Named(_) | Place::Selector(_) => return Err(CollectError::NoKubeconfig),
    };
    Ok(Opened {
        snapshot: saved,
        collector: None,
    })
}

/// Writes a snapshot: a folder, or an archive when `path` ends in `.tar.gz` or `.tgz`.
///
/// A folder that is not empty and no snapshot is left alone.
pub fn save(snapshot: &Snapshot, path: &Path) -> Result<(), CollectError> {
    disk::save(snapshot, path)
}

/// The ports of the Service that `host` names, by number; none where that cannot be read.
pub async fn ports_of(_host: &str, _place: &Place, _options: &Options) -> Vec<String> {
    Vec::new()
}

async fn open_url(url: &str, options: &Options) -> Result<Opened, CollectError> {
    let endpoint = Endpoint::new(url, options.timeout)?;
    let whom = endpoint.base().to_owned();
    let admin = Admin::new(Way::Url(endpoint), whom, options.log);
    let mut collector = Collector {
        admins: BTreeMap::new(),
        cluster: None,
    };
    let mut snapshot = Snapshot::default();
    snapshot.time = now();
    collector.greet(admin, &mut snapshot).await?;
    Ok(Opened {
        snapshot,
        collector: Some(collector),
    })
}

impl Collector {
    /// Answers needs: admin queries of one proxy after each other on its connection, all else at once.
    ///
    /// An error says why this need has no answer.
    pub async fn fetch(&mut self, needs: &[Need]) -> Vec<(Need, Result<Answer, String>)> {
        let mut by_origin: BTreeMap<Origin, Vec<Need>> = BTreeMap::new();
        for need in needs {
            by_origin.entry(need.origin()).or_default().push(need.clone());
        }
        let mut answers = Vec::with_capacity(needs.len());
        let mut tasks = JoinSet::new();
        for (origin, needs) in by_origin {
            match self.admins.remove(&origin) {
                Some(mut admin) => {
                    tasks.spawn(async move { (admin.answer(needs).await, Some((origin, admin))) });
                }
                None => {
                    let why = self.why_not(origin);
                    answers.extend(needs.into_iter().map(|need| (need, Err(why.clone()))));
                }
            }
        }
        while let Some(done) = tasks.join_next().await {
            // A task that panicked takes its answers with it; the needs stay unread.
            let Ok((found, admin)) = done else { continue };
            answers.extend(found);
            self.admins.extend(admin);
        }
        answers
    }

    /// The first read of A's proxy: it shows whether anything can be read.
    async fn greet(&mut self, mut admin: Admin, snapshot: &mut Snapshot) -> Result<(), CollectError> {
        let origin = Origin::Source(0);
        let need = Need::ServerInfo(origin);
        let whom = admin.whom().to_owned();
        let failed = |causes, hint| CollectError::Admin {
            whom: whom.clone(),
            causes,
            hint,
        };
        let answer = admin
            .greet(&need)
            .await
            .map_err(|failure| failed(failure.causes, failure.hint))?;
        snapshot
            .answer(&need, answer)
            .map_err(|error| failed(vec![error.to_string()], None))?;
        self.admins.insert(origin, admin);
        Ok(())
    }

    fn why_not(&self, origin: Origin) -> String {
        match origin {
            Origin::Source(_) => "A's proxy was not read".to_owned(),
            Origin::Destination(_) => "B's proxy was not read".to_owned(),
            Origin::Kubernetes => "Kubernetes was not read".to_owned(),
            Origin::ControlPlane => "the control plane was not read".to_owned(),
        }
    }
}

/// The time, RFC 3339 in UTC, to the second.
fn now() -> String {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}
