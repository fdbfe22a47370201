//! Reads what the walk asks for: the only part of the house that may wait or fail.
//!
//! [`open`] finds out where to read and reads the first thing, so that whoever cannot read learns it at once. From
//! then on [`Collector::fetch`] answers the needs of a round, all at once.

mod admin;
mod ahead;
mod archive;
mod cluster;
mod control_plane;
mod credentials;
mod disk;
mod endpoint;
mod env;
mod error;
mod forward;
mod header;
mod input;
mod kubeconfig;
mod layout;
mod limits;
mod log;
mod meet;
mod near;
mod objects;
mod once;
mod outlook;
mod pages;
mod plugin;
mod progress;
mod proxies;
mod query;
mod replicas;
mod reply;
mod said;
mod save;
mod shared;
mod sidecar;
mod source;
mod streams;
mod suggest;
mod transport;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub use error::CollectError;
pub use kubeconfig::{ClusterFlags, Entries};
pub use log::{Count, Level, Log, Outcome, Read, Round};
pub use outlook::Foresight;
pub use progress::{Look, show, stand, wipe};
pub use replicas::{Replica, Replicas};
pub use save::Existing;
pub use shared::Rest;
pub use source::Source;
pub use suggest::{Suggestion, destinations, entries, namespaces, sources};

pub(crate) use disk::unbroken;
pub(crate) use error::plain;
pub(crate) use log::{shown_bytes, shown_time};
pub(crate) use progress::fit;
pub(crate) use said::said;

use admin::{Admin, Way};
use cluster::Cluster;
use endpoint::Endpoint;
use forward::PodEndpoint;
use limits::Limits;
use meet::{Finder, Met, greeted};
use outlook::Outlook;
use shared::Shared;

use crate::snapshot::{Answer, ClusterRecord, Kind, Lookup, Need, Origin, PodRecord, Snapshot};

/// Where A's proxy is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// In the snapshot that is built into the binary.
    Demo,
    /// In a saved snapshot: a folder, or a `.tar.gz` of one.
    Snapshot(PathBuf),
    /// In bare admin outputs: `/config_dump` or parts of one, and `/clusters` where there is one. `-` is standard input.
    Files(Vec<PathBuf>, Option<PathBuf>),
    /// At an admin endpoint's URL.
    Admin(String),
    /// In the cluster, in the pod that a name leads to.
    Named(Source),
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
    /// Whether B's application may be connected to.
    pub probe: Probe,
    /// The most bytes that are read of one answer.
    pub max_read: usize,
    /// What is said on standard error.
    pub log: Log,
}

/// Whether B's application may be connected to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Probe {
    /// Nothing is sent to it.
    #[default]
    Never,
    /// A connection is opened through a port-forward, and closed.
    Once,
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
    admins: BTreeMap<Origin, Arc<Admin>>,
    cluster: Option<Cluster>,
    options: Options,
    /// For which purpose is read from now on.
    purpose: fn(usize) -> Round,
    outlook: Arc<Outlook>,
    /// What others ask, too.
    shared: Option<Arc<Shared>>,
    learned: Learned,
}

/// What one of several pods of A's has to tell the others.
#[derive(Default)]
pub struct Learned {
    /// What its answer rests on that others rest on, too, and that was not looked at again.
    pub rests: Vec<Rest>,
    /// What its answer wanted to know.
    pub wanted: Vec<Need>,
}

/// What a suggestion may take.
const SOON: Duration = Duration::from_secs(3);

/// Begins to read at `place`.
pub async fn open(place: &Place, options: &Options) -> Result<Opened, CollectError> {
    open_with(place, options, None).await
}

/// The same, where somebody foresees what will be wanted.
pub async fn open_with(
    place: &Place,
    options: &Options,
    foresight: Option<Arc<dyn Foresight>>,
) -> Result<Opened, CollectError> {
    match place {
        Place::Demo => saved(disk::demo()?, options).await,
        Place::Snapshot(path) => saved(disk::load(path)?, options).await,
        Place::Files(config_dump, clusters) => saved(disk::bare(config_dump, clusters.as_deref())?, options).await,
        Place::Admin(url) => open_url(url, options).await,
        Place::Named(source) => {
            let cluster = options.cluster().await?;
            let pod = source::find(&cluster, source).await?;
            Box::pin(open_pod((cluster, None), pod, options, foresight)).await
        }
        Place::Selector(selector) => {
            let cluster = options.cluster().await?;
            let pod = source::find_labeled(&cluster, selector).await?;
            Box::pin(open_pod((cluster, None), pod, options, foresight)).await
        }
    }
}

/// Whether a snapshot may be written to `path`: worth knowing before anything is read for it.
pub fn check_save(path: &Path, existing: Existing) -> Result<(), CollectError> {
    save::check(path, existing)
}

/// Writes a snapshot: a folder, or an archive when `path` ends in `.tar.gz` or `.tgz`. It is there whole or not at all.
///
/// Where something is there, `existing` says what becomes of it. A folder with anything in it that is no part of a
/// snapshot is left alone, whatever is said, and links are not followed.
pub fn save(snapshot: &Snapshot, path: &Path, existing: Existing) -> Result<(), CollectError> {
    save::save(snapshot, path, existing)
}

/// Takes away the part of a snapshot that was written so far, and the line of what is waited for: the run is interrupted.
pub(crate) fn end_early() {
    save::discard_partial();
    progress::end();
}

/// A snapshot whose own question cannot be understood.
pub(crate) fn malformed_question(path: &Path, why: &str) -> CollectError {
    archive::refused(path, &format!("its question (`ask` in snapshot.json) is malformed: {why}"))
}

/// Reads lines of standard input until one is wanted; what stands behind it is not read.
pub fn each_line(options: &Options, wanted: &mut dyn FnMut(&str) -> bool) -> Result<(), CollectError> {
    input::each_line(&options.log, wanted)
}

/// The ports of the Service that `host` names; none where that cannot be read, or not soon.
pub async fn ports_of(host: &str, place: &Place, options: &Options) -> Vec<String> {
    tokio::time::timeout(SOON, find_ports(host, place, options)).await.ok().flatten().unwrap_or_default()
}

async fn find_ports(host: &str, place: &Place, options: &Options) -> Option<Vec<String>> {
    let quiet = Options { log: Log::new(Level::Quiet), ..options.clone() };
    let mut parts = host.split('.');
    let (name, namespace) = (parts.next()?, parts.next());
    let service = match place {
        Place::Demo | Place::Snapshot(_) => {
            let snapshot = open(place, &quiet).await.ok()?.snapshot;
            let own = snapshot.source.as_ref().map(|pod| pod.namespace.clone());
            match snapshot.object(Kind::Service, namespace.or(own.as_deref())?, name) {
                Lookup::Found(node) => node.value().clone(),
                Lookup::Absent(_) | Lookup::Unread(_) => return None,
            }
        }
        Place::Named(_) | Place::Selector(_) => {
            let cluster = quiet.cluster().await.ok()?;
            let namespace = namespace.unwrap_or(cluster.namespace());
            let path = format!("{}/{}", Kind::Service.path(Some(&query::segment(namespace))), query::segment(name));
            cluster.get(&path).await.ok()?
        }
        Place::Files(..) | Place::Admin(_) => return None,
    };
    let listed = service["spec"]["ports"].as_array()?;
    Some(listed.iter().filter_map(|port| port["port"].as_u64()).map(|port| port.to_string()).collect())
}

/// A saved snapshot. It is read on from a cluster only where one was named.
async fn saved(mut snapshot: Snapshot, options: &Options) -> Result<Opened, CollectError> {
    let Some(cluster) = options.named_cluster().await? else {
        return Ok(Opened { snapshot, collector: None });
    };
    if snapshot.cluster == ClusterRecord::default() {
        snapshot.cluster = cluster.record();
    }
    let collector = Collector::new(Some(cluster), options, Outlook::default());
    Ok(Opened { snapshot, collector: Some(collector) })
}

async fn open_url(url: &str, options: &Options) -> Result<Opened, CollectError> {
    let endpoint = Endpoint::new(url, options.limits())?;
    let whom = endpoint.shown().to_owned();
    let admin = Arc::new(Admin::new(Way::Url(endpoint, Semaphore::new(1)), whom, options.log.clone()));
    let cluster = options.named_cluster().await?;
    let mut snapshot = Snapshot::default();
    snapshot.time = now();
    snapshot.cluster = cluster.as_ref().map(Cluster::record).unwrap_or_default();
    let mut collector = Collector::new(cluster, options, Outlook::default());
    let identity = greeted(&admin).await?;
    collector.welcome(Origin::Source(0), admin, identity, &mut snapshot)?;
    Ok(Opened { snapshot, collector: Some(collector) })
}

async fn open_pod(
    (cluster, shared): (Cluster, Option<Arc<Shared>>),
    pod: serde_json::Value,
    options: &Options,
    foresight: Option<Arc<dyn Foresight>>,
) -> Result<Opened, CollectError> {
    let outlook = Outlook::new(foresight, shared.clone());
    let mut collector = Collector { shared, ..Collector::new(Some(cluster.clone()), options, outlook) };
    let (finder, outlook) = (options.finder(&cluster, None), Arc::clone(&collector.outlook));
    let of_b = options.finder(&cluster, collector.shared.clone());
    let foresee = || outlook.foresee(&cluster, None, &[], |pod| of_b.door(pod));
    let began = Instant::now();
    outlook.met_source(&finder.look(&pod)?.0, &pod);
    foresee();
    let approached = finder.approach(pod, None).await?;
    outlook.settle(began).await;
    foresee();
    let likely = outlook.of_proxy(None, (Origin::Source(0), &approached.record), &[]);
    let began = Instant::now();
    let met = approached.greeted(&likely).await?;
    outlook.settle(began).await;
    let mut snapshot = Snapshot::default();
    snapshot.time = now();
    snapshot.cluster = cluster.record();
    snapshot.source = Some(met.record.clone());
    collector.take(Origin::Source(0), met, &mut snapshot)?;
    Ok(Opened { snapshot, collector: Some(collector) })
}

impl Options {
    async fn cluster(&self) -> Result<Cluster, CollectError> {
        Cluster::open(&self.cluster, self.limits(), self.log.clone()).await
    }

    fn finder(&self, cluster: &Cluster, shared: Option<Arc<Shared>>) -> Finder {
        Finder { cluster: cluster.clone(), admin_port: self.admin_port, log: self.log.clone(), shared }
    }

    fn limits(&self) -> Limits {
        Limits { timeout: self.timeout, max_read: self.max_read }
    }

    async fn named_cluster(&self) -> Result<Option<Cluster>, CollectError> {
        if self.cluster.names_a_cluster() { self.cluster().await.map(Some) } else { Ok(None) }
    }
}

impl Collector {
    fn new(cluster: Option<Cluster>, options: &Options, outlook: Outlook) -> Self {
        let outlook = Arc::new(outlook);
        let (admins, options) = (BTreeMap::new(), options.clone());
        Self { admins, cluster, options, purpose: Round::Walk, outlook, shared: None, learned: Learned::default() }
    }

    /// From now on is read for this purpose. A round begins with the first read that was not foreseen.
    pub fn read_for(&mut self, purpose: fn(usize) -> Round) {
        self.purpose = purpose;
    }

    /// What an answer rests on and has to be read once more. What other pods' answers rest on, too, is read once for all of
    /// them, by [`Replicas::moved`].
    pub fn to_read_again(&mut self, snapshot: &Snapshot) -> Vec<Need> {
        let parts = snapshot.moving_parts();
        if self.shared.is_none() {
            return parts;
        }
        let proxies = snapshot.proxies();
        self.learned.rests.clear();
        let mut own = Vec::new();
        for part in parts {
            let pod = proxies.iter().find(|(origin, _)| *origin == part.origin()).and_then(|(_, pod)| *pod);
            match (part.origin(), pod) {
                (Origin::Destination(_), Some(pod)) => {
                    self.learned.rests.push(Rest::of(snapshot, (pod.namespace.clone(), pod.name.clone()), part));
                }
                _ => own.push(part),
            }
        }
        own
    }

    /// This is wanted, which others of A's pods are told.
    pub fn note(&mut self, wanted: &[Need]) {
        if self.shared.is_some() {
            let known = &mut self.learned.wanted;
            let new: Vec<Need> = wanted.iter().filter(|need| !known.contains(need)).cloned().collect();
            known.extend(new);
        }
    }

    /// What the others of A's pods are told.
    pub fn learned(self) -> Learned {
        self.learned
    }

    /// Nothing that was read ahead is of now any more.
    pub fn forget(&self) {
        self.admins.values().for_each(|admin| admin.forget());
    }

    /// Asks, beside what is `wanted`, for what is likely to be wanted next.
    pub fn foresee(&self, snapshot: &Snapshot, wanted: &[Need]) {
        let Some(cluster) = &self.cluster else { return };
        let finder = self.options.finder(cluster, self.shared.clone());
        self.outlook.foresee(cluster, Some(snapshot), wanted, |pod| finder.door(pod));
        for (origin, pod) in snapshot.proxies() {
            if let (Some(admin), Some(pod)) = (self.admins.get(&origin), pod) {
                admin.foresee(&self.outlook.of_proxy(Some(snapshot), (origin, pod), wanted));
            }
        }
    }

    /// Whether an answer is at hand, or on its way.
    fn foresaw(&self, need: &Need) -> bool {
        self.outlook.foresaw(need) || self.admins.get(&need.origin()).is_some_and(|admin| admin.foresaw(need))
    }

    /// Whether an answer is here.
    pub fn has(&self, need: &Need) -> bool {
        self.outlook.has(need) || self.admins.get(&need.origin()).is_some_and(|admin| admin.has(need))
    }

    /// These are wanted now: a round, unless all of them are here or on their way. Says which it is.
    pub fn begin_round(&self, needs: &[Need]) -> bool {
        let begins = !needs.iter().all(|need| self.foresaw(need) || self.why_not(need).is_some());
        if begins {
            self.options.log.next_round(self.purpose);
        }
        begins
    }

    /// Why nobody is there who could answer a need; `None` where somebody is.
    pub fn why_not(&self, need: &Need) -> Option<&'static str> {
        let origin = need.origin();
        if matches!(need, Need::Probe(..)) && self.options.probe == Probe::Never {
            return Some("`--probe` was not given");
        }
        let is_there = match origin {
            Origin::Kubernetes | Origin::ControlPlane => self.cluster.is_some(),
            Origin::Source(_) | Origin::Destination(_) => self.admins.contains_key(&origin),
        };
        (!is_there).then(|| why_not(origin))
    }

    /// Answers needs, all at once.
    ///
    /// An error says why this need has no answer.
    pub async fn fetch(&self, needs: &[Need]) -> Vec<(Need, Result<Answer, String>)> {
        self.ask(needs).answers().await
    }

    /// Asks; the answers are waited for later.
    pub fn ask(&self, needs: &[Need]) -> Asked {
        let outlook = Arc::clone(&self.outlook);
        let mut asked = Asked { began: Instant::now(), outlook, answers: Vec::new(), tasks: JoinSet::new() };
        let mut rounds: BTreeMap<Origin, admin::Round> = BTreeMap::new();
        for need in needs.iter().cloned() {
            let origin = need.origin();
            if let Some(admin) = self.admins.get(&origin).cloned() {
                let round = rounds.entry(origin).or_default().clone();
                asked.tasks.spawn(async move {
                    let answer = admin.answer(&need, &round).await;
                    (need, answer)
                });
            } else if let (Origin::Kubernetes | Origin::ControlPlane, Some(cluster)) = (origin, self.cluster.clone()) {
                let (outlook, shared) = (Arc::clone(&self.outlook), self.shared.clone());
                asked.tasks.spawn(async move {
                    let answer = if let Need::Probe(namespace, pod, port) = &need {
                        let endpoint = PodEndpoint::new(cluster, (namespace, pod), *port, 1);
                        let probed = Box::pin(endpoint.probe());
                        match shared {
                            Some(shared) => shared.probes.get(&need.query(), probed).await,
                            None => probed.await,
                        }
                    } else {
                        outlook.answer(&cluster, &need).await
                    };
                    (need, answer)
                });
            } else {
                asked.answers.push((need, Err(why_not(origin).to_owned())));
            }
        }
        asked
    }

    /// Reads pods of B's too, all at once: from now on their proxies answer as destinations. What a pod is like is
    /// also told where it has no proxy.
    pub async fn read_pods(
        &mut self,
        needs: &[Need],
        snapshot: &mut Snapshot,
    ) -> Vec<(Need, Result<(), CollectError>)> {
        let mut tasks = JoinSet::new();
        for (place, need) in needs.iter().enumerate() {
            let Need::Destination(namespace, name) = need.clone() else { continue };
            let known = match snapshot.object(Kind::Pod, &namespace, &name) {
                Lookup::Found(pod) => Some(pod.value().clone()),
                Lookup::Absent(_) | Lookup::Unread(_) => self.outlook.pod(&namespace, &name),
            };
            let finder = self.cluster.as_ref().map(|cluster| self.options.finder(cluster, self.shared.clone()));
            let door = self.outlook.door(&namespace, &name);
            let record = PodRecord {
                kind: String::new(),
                namespace: namespace.clone(),
                name: name.clone(),
                proxy: None,
                without_proxy: false,
            };
            let likely = self.outlook.of_proxy(Some(snapshot), (Origin::Destination(0), &record), needs);
            tasks.spawn(async move {
                let met = async {
                    let what = format!("pod {namespace}/{name}");
                    let nobody =
                        || CollectError::Api { what, cause: why_not(Origin::Kubernetes).to_owned(), hint: None };
                    let finder = finder.ok_or_else(nobody)?;
                    let pod = match known {
                        Some(pod) => pod,
                        None => finder.pod(&namespace, &name).await?,
                    };
                    finder.approach(pod, door).await?.greeted(&likely).await
                };
                (place, met.await)
            });
        }
        let mut done = BTreeMap::new();
        while let Some(one) = tasks.join_next().await {
            // A task that panicked takes its answer with it; its need stays unread.
            done.extend(one.ok());
        }
        let mut answers = Vec::with_capacity(needs.len());
        for (place, met) in done {
            let taken = met.and_then(|met| {
                let (origin, record) = (snapshot.next_destination(), met.record.clone());
                self.take(origin, met, snapshot)?;
                snapshot.add_destination(origin, record);
                Ok(())
            });
            answers.extend(needs.get(place).map(|need| (need.clone(), taken)));
        }
        answers
    }

    /// Takes a pod's proxy, if it has one, for the one that answers `origin`.
    fn take(&mut self, origin: Origin, met: Met, snapshot: &mut Snapshot) -> Result<(), CollectError> {
        if let Some((admin, identity)) = met.admin {
            self.welcome(origin, admin, identity, snapshot)?;
        }
        let need = Need::Object(Kind::Pod, met.record.namespace, met.record.name);
        let taken = snapshot.answer(&need, Answer::Object(met.pod));
        taken.map_err(|e| CollectError::Api { what: need.to_string(), cause: e.to_string(), hint: None })
    }

    /// From now on this endpoint answers `origin`.
    fn welcome(
        &mut self,
        origin: Origin,
        admin: Arc<Admin>,
        identity: Answer,
        snapshot: &mut Snapshot,
    ) -> Result<(), CollectError> {
        let taken = snapshot.answer(&Need::Identity(origin), identity);
        taken.map_err(|e| CollectError::Admin {
            whom: admin.whom().to_owned(),
            causes: vec![e.to_string()],
            hint: None,
        })?;
        self.admins.insert(origin, admin);
        Ok(())
    }
}

/// Needs that were asked for.
pub struct Asked {
    began: Instant,
    outlook: Arc<Outlook>,
    answers: Vec<(Need, Result<Answer, String>)>,
    tasks: JoinSet<(Need, Result<Answer, String>)>,
}

impl Asked {
    /// What came of them.
    pub async fn answers(mut self) -> Vec<(Need, Result<Answer, String>)> {
        while let Some(done) = self.tasks.join_next().await {
            // A task that panicked takes its answer with it; its need stays unread.
            self.answers.extend(done);
        }
        self.outlook.settle(self.began).await;
        self.answers
    }
}

/// Why nobody answers for an origin.
fn why_not(origin: Origin) -> &'static str {
    match origin {
        Origin::Source(_) => "A's proxy is not at hand",
        Origin::Destination(_) => "B's proxy is not at hand",
        Origin::Kubernetes => "no cluster is at hand",
        Origin::ControlPlane => "the control plane is not at hand",
    }
}

/// The time, RFC 3339 in UTC, to the second.
pub(crate) fn now() -> String {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}
