//! Reads what the walk asks for: the only part of the house that may wait or fail.
//!
//! [`open`] finds out where to read and reads the first thing, so that whoever cannot read learns it at once. From
//! then on [`Collector::fetch`] answers the needs of a round, all at once.

mod admin;
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
mod istioctl;
mod kubeconfig;
mod layout;
mod limits;
mod log;
mod near;
mod objects;
mod plugin;
mod progress;
mod proxies;
mod query;
mod reply;
mod said;
mod save;
mod sidecar;
mod source;
mod suggest;
mod transport;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinSet;

pub use error::CollectError;
pub use kubeconfig::{ClusterFlags, Entries};
pub use log::{Level, Log, Outcome, Read, Round};
pub use progress::{Look, show, stand, wipe};
pub use save::Existing;
pub use source::Source;
pub use suggest::{Suggestion, destinations, entries, namespaces, sources};

pub(crate) use error::plain;
pub(crate) use log::{shown_bytes, shown_time};
pub(crate) use progress::fit;
pub(crate) use said::said;

use admin::{Admin, Way};
use cluster::Cluster;
use endpoint::Endpoint;
use forward::PodEndpoint;
use limits::Limits;

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
    admins: BTreeMap<Origin, Admin>,
    cluster: Option<Cluster>,
    options: Options,
}

/// What a suggestion may take.
const SOON: Duration = Duration::from_secs(3);

/// Begins to read at `place`.
pub async fn open(place: &Place, options: &Options) -> Result<Opened, CollectError> {
    match place {
        Place::Demo => saved(disk::demo()?, options).await,
        Place::Snapshot(path) => saved(disk::load(path)?, options).await,
        Place::Files(config_dump, clusters) => saved(disk::bare(config_dump, clusters.as_deref())?, options).await,
        Place::Admin(url) => open_url(url, options).await,
        Place::Named(source) => {
            let cluster = options.cluster().await?;
            let pod = source::find(&cluster, source).await?;
            open_pod(cluster, pod, options).await
        }
        Place::Selector(selector) => {
            let cluster = options.cluster().await?;
            let pod = source::find_labeled(&cluster, selector).await?;
            open_pod(cluster, pod, options).await
        }
    }
}

/// A pod of A's that is still to be asked.
pub struct Replica {
    cluster: Cluster,
    pod: serde_json::Value,
    options: Options,
}

impl Replica {
    /// The pod's name.
    pub fn name(&self) -> String {
        self.pod["metadata"]["name"].as_str().unwrap_or_default().to_owned()
    }

    /// Begins to read it.
    pub async fn open(self) -> Result<Opened, CollectError> {
        let options = Options { log: self.options.log.of_one(), ..self.options };
        open_pod(self.cluster.with_log(options.log.clone()), self.pod, &options).await
    }
}

/// Every pod that A leads to and that runs, where A is one of the cluster; `None` where one proxy was named.
pub async fn replicas(place: &Place, options: &Options) -> Result<Option<Vec<Replica>>, CollectError> {
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
    let replica = |pod| Replica { cluster: cluster.clone(), pod, options: options.clone() };
    Ok(Some(found.all().map(replica).collect()))
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
    let collector = Collector { admins: BTreeMap::new(), cluster: Some(cluster), options: options.clone() };
    Ok(Opened { snapshot, collector: Some(collector) })
}

async fn open_url(url: &str, options: &Options) -> Result<Opened, CollectError> {
    let endpoint = Endpoint::new(url, options.limits())?;
    let whom = endpoint.shown().to_owned();
    let admin = Admin::new(Way::Url(endpoint), whom, options.log.clone());
    let cluster = options.named_cluster().await?;
    let mut snapshot = Snapshot::default();
    snapshot.time = now();
    snapshot.cluster = cluster.as_ref().map(Cluster::record).unwrap_or_default();
    let mut collector = Collector { admins: BTreeMap::new(), cluster, options: options.clone() };
    let (admin, identity) = greeted(admin).await?;
    collector.welcome(Origin::Source(0), admin, identity, &mut snapshot)?;
    Ok(Opened { snapshot, collector: Some(collector) })
}

async fn open_pod(cluster: Cluster, pod: serde_json::Value, options: &Options) -> Result<Opened, CollectError> {
    let met = meet(&cluster, pod, options).await?;
    let mut snapshot = Snapshot::default();
    snapshot.time = now();
    snapshot.cluster = cluster.record();
    let mut collector = Collector { admins: BTreeMap::new(), cluster: Some(cluster), options: options.clone() };
    snapshot.source = Some(met.record.clone());
    collector.take(Origin::Source(0), met, &mut snapshot)?;
    Ok(Opened { snapshot, collector: Some(collector) })
}

impl Options {
    async fn cluster(&self) -> Result<Cluster, CollectError> {
        Cluster::open(&self.cluster, self.limits(), self.log.clone()).await
    }

    fn limits(&self) -> Limits {
        Limits { timeout: self.timeout, max_read: self.max_read }
    }

    async fn named_cluster(&self) -> Result<Option<Cluster>, CollectError> {
        if self.cluster.names_a_cluster() { self.cluster().await.map(Some) } else { Ok(None) }
    }
}

impl Collector {
    /// The next round of reads begins.
    pub fn next_round(&self, of: fn(usize) -> Round) {
        self.options.log.next_round(of);
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

    /// Answers needs: admin queries of one proxy after each other on its connection, all else at once.
    ///
    /// An error says why this need has no answer.
    pub async fn fetch(&mut self, needs: &[Need]) -> Vec<(Need, Result<Answer, String>)> {
        let mut by_origin: BTreeMap<Origin, Vec<Need>> = BTreeMap::new();
        for need in needs {
            by_origin.entry(need.origin()).or_default().push(need.clone());
        }
        let mut answers = Vec::with_capacity(needs.len());
        let mut tasks: JoinSet<Done> = JoinSet::new();
        for (origin, needs) in by_origin {
            if let Some(mut admin) = self.admins.remove(&origin) {
                tasks.spawn(async move { Done { answers: admin.answer(needs).await, admin: Some((origin, admin)) } });
            } else if let (Origin::Kubernetes | Origin::ControlPlane, Some(cluster)) = (origin, &self.cluster) {
                for need in needs {
                    let cluster = cluster.clone();
                    tasks.spawn(async move {
                        let answer = if let Need::Sync(_, pods) = &need {
                            control_plane::answer(&cluster, &need.query(), pods).await
                        } else if let Need::Probe(namespace, pod, port) = &need {
                            PodEndpoint::new(cluster, namespace, pod, *port).probe().await
                        } else {
                            objects::answer(&cluster, &need).await
                        };
                        Done { answers: vec![(need, answer)], admin: None }
                    });
                }
            } else {
                let why = why_not(origin).to_owned();
                answers.extend(needs.into_iter().map(|need| (need, Err(why.clone()))));
            }
        }
        while let Some(done) = tasks.join_next().await {
            // A task that panicked takes its answers with it; its needs stay unread.
            let Ok(done) = done else { continue };
            answers.extend(done.answers);
            self.admins.extend(done.admin);
        }
        answers
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
            let (cluster, options) = (self.cluster.clone(), self.options.clone());
            let known = match snapshot.object(Kind::Pod, &namespace, &name) {
                Lookup::Found(pod) => Some(pod.value().clone()),
                Lookup::Absent(_) | Lookup::Unread(_) => None,
            };
            tasks.spawn(async move { (place, meet_named(cluster.as_ref(), &namespace, &name, known, &options).await) });
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
        admin: Admin,
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

/// A pod, and its proxy that was greeted, where it has one.
struct Met {
    pod: serde_json::Value,
    record: PodRecord,
    admin: Option<(Admin, Answer)>,
}

/// Meets a pod of B's, which may be `known` from a list.
async fn meet_named(
    cluster: Option<&Cluster>,
    namespace: &str,
    name: &str,
    known: Option<serde_json::Value>,
    options: &Options,
) -> Result<Met, CollectError> {
    let what = format!("pod {namespace}/{name}");
    let failed = |cause: String| CollectError::Api { what: what.clone(), cause, hint: None };
    let cluster = cluster.ok_or_else(|| failed(why_not(Origin::Kubernetes).to_owned()))?;
    if let Some(pod) = known {
        return meet(cluster, pod, options).await;
    }
    let need = Need::Object(Kind::Pod, namespace.to_owned(), name.to_owned());
    match objects::answer(cluster, &need).await.map_err(failed)? {
        Answer::Object(pod) => meet(cluster, pod, options).await,
        Answer::Body(_) | Answer::Objects(_) | Answer::Nothing => Err(failed("there is no such pod".to_owned())),
    }
}

/// Finds a pod's proxy and greets it.
async fn meet(cluster: &Cluster, pod: serde_json::Value, options: &Options) -> Result<Met, CollectError> {
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
    let (namespace, name) = (text("namespace"), text("name"));
    if ![&namespace, &name].iter().all(|text| objects::is_name(text)) {
        let cause = format!("`{namespace}/{name}` is not a pod's name");
        return Err(CollectError::Api { what: "the pod".to_owned(), cause, hint: None });
    }
    let sidecar = sidecar::find(&pod);
    let record = PodRecord {
        kind: Kind::Pod.name().to_owned(),
        namespace: namespace.clone(),
        name: name.clone(),
        proxy: sidecar.as_ref().map(|sidecar| sidecar.container.clone()),
        without_proxy: sidecar.is_none(),
    };
    let Some(sidecar) = sidecar else { return Ok(Met { pod, record, admin: None }) };
    let port = options.admin_port.unwrap_or(sidecar.admin_port);
    let endpoint = PodEndpoint::new(cluster.clone(), &namespace, &name, port);
    let whom = format!("the proxy of pod {namespace}/{name}");
    let admin = greeted(Admin::new(Way::Pod(Box::new(endpoint)), whom, options.log.clone())).await?;
    Ok(Met { pod, record, admin: Some(admin) })
}

/// The first read of a proxy: it shows whether anything can be read.
async fn greeted(mut admin: Admin) -> Result<(Admin, Answer), CollectError> {
    match admin.greet().await {
        Ok(answer) => Ok((admin, answer)),
        Err(failure) => {
            Err(CollectError::Admin { whom: admin.whom().to_owned(), causes: failure.causes, hint: failure.hint })
        }
    }
}

/// What a task of a round brings back.
struct Done {
    answers: Vec<(Need, Result<Answer, String>)>,
    admin: Option<(Origin, Admin)>,
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
