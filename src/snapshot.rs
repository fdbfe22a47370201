//! All that was read, once: the only input of the core.
//!
//! A [`Snapshot`] holds the admin bodies of the proxies, the Kubernetes objects and the time. A look-up never
//! guesses: it answers [`Found`](Lookup::Found), [`Absent`](Lookup::Absent) with the proof, or
//! [`Unread`](Lookup::Unread) with the [`Need`] that would settle it.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod body;
mod bytes;
mod clusters_text;
mod decode;
mod entries;
mod files;
mod index;
mod kind;
mod listening;
mod log_record;
mod memo;
mod names;
mod need;
mod node;
mod objects;
mod path;
mod probe;
mod routes;
mod scan;
mod section;
mod sync;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde_json::{Value, json};

pub use body::BodyError;
pub use bytes::{Bytes, ReadAt};
pub use files::{AskRecord, ClusterRecord, FileError, PodRecord};
pub use kind::Kind;
pub use listening::Listening;
pub use log_record::LogRecord;
pub use need::{Need, Origin};
pub use node::{Evidence, Node};
pub use routes::{HostTable, RouteTable, RouteWay};

use entries::{Entries, Entry};
use index::{Form, index};
use memo::Memo;
use objects::Objects;
use path::quoted;
use section::{Group, Section};

/// All that was read. Writable to a folder: a snapshot is a bug report is a test.
#[derive(Clone, Default, Debug)]
pub struct Snapshot {
    /// When it was read, RFC 3339 in UTC; the core's only clock.
    pub time: String,
    /// The cluster that was read.
    pub cluster: ClusterRecord,
    /// The question, where one was asked.
    pub ask: Option<AskRecord>,
    /// What a line of an access log says of the question's request, where one was given.
    pub log: Option<LogRecord>,
    /// A's pod; `None` when an admin endpoint or a file was read.
    pub source: Option<PodRecord>,
    /// B's pods that were read, by the number of their origin.
    destinations: BTreeMap<u8, PodRecord>,
    proxies: BTreeMap<Origin, Proxy>,
    objects: Objects,
    /// What the control plane says of its proxies, by `pod.namespace`.
    sync: BTreeMap<String, Arc<Value>>,
    /// What came of connecting to an application, by the query.
    probes: BTreeMap<String, Arc<Value>>,
    /// Plural names of the kinds that were listed whole.
    kinds: BTreeSet<String>,
    /// API paths and admin queries that were answered, by whom.
    read: BTreeSet<(Origin, String)>,
    /// The listeners, route configurations and clusters that were asked for one by one, found or not.
    moving: BTreeSet<Need>,
    /// Queries that could not be answered, and why.
    unread: BTreeMap<(Origin, String), Gap>,
}

/// A query without an answer.
#[derive(Clone, Debug)]
struct Gap {
    why: String,
    asked: Asked,
}

/// Who was asked a query without an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asked {
    /// Somebody, who gave none.
    Somebody,
    /// Nobody: a file was read, or there is no cluster.
    Nobody,
}

/// What one proxy said.
#[derive(Clone, Default, Debug)]
struct Proxy {
    entries: Entries,
    /// Route configurations that were taken apart; forgotten with the entries.
    tables: Memo<String, RouteTable>,
    /// Parts of the dump that were read whole.
    whole: BTreeSet<Group>,
    /// The dump is one of API v2.
    form: Form,
    /// `/server_info` and the other bodies without named resources, by path.
    documents: BTreeMap<String, Arc<Value>>,
    /// The active listeners, once somebody asked; forgotten with what they are made from.
    listening: OnceLock<Arc<Vec<Listening>>>,
}

/// The answer of a look-up.
#[derive(Clone, Debug)]
pub enum Lookup<T> {
    /// It was read, and there it is.
    Found(T),
    /// It was read, and it is not there: the proof.
    Absent(Evidence),
    /// It was not read.
    Unread(Need),
}

impl<T> Lookup<T> {
    fn map<U>(self, to: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Self::Found(found) => Lookup::Found(to(found)),
            Self::Absent(evidence) => Lookup::Absent(evidence),
            Self::Unread(need) => Lookup::Unread(need),
        }
    }
}

/// What came back for a [`Need`].
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    /// An admin body.
    Body(Vec<u8>),
    /// A Kubernetes object.
    Object(Value),
    /// Kubernetes objects.
    Objects(Vec<Value>),
    /// The query was answered: there is no such thing.
    Nothing,
}

/// Look-ups.
impl Snapshot {
    /// The active listeners.
    pub fn listeners(&self, origin: Origin) -> Lookup<Arc<Vec<Listening>>> {
        let need = Need::Listeners(origin);
        let made = |proxy: &Proxy| match proxy.documents.get(&need.query()) {
            Some(list) => Some(listening::listed(&Node::new(origin, &need.query(), "$", Arc::clone(list)))),
            None => proxy.whole.contains(&Group::Listeners).then(|| proxy.listening_by_dump()),
        };
        let known = self.proxies.get(&origin).and_then(|proxy| match proxy.listening.get() {
            Some(known) => Some(Arc::clone(known)),
            None => made(proxy).map(|made| Arc::clone(proxy.listening.get_or_init(|| Arc::new(made)))),
        });
        known.map_or(Lookup::Unread(need), Lookup::Found)
    }

    /// What says where an active listener listens: its element in `/listeners` where that was read, else in the dump.
    pub fn listening_at(&self, origin: Origin, listening: &Listening) -> Option<Evidence> {
        if let Some(at) = &listening.at {
            return Some(at.evidence());
        }
        let Lookup::Found(element) = self.listener(origin, &listening.name) else { return None };
        let address = element.at("active_state.listener.address").or_else(|| element.at("listener.address"));
        Some(address.unwrap_or(element).evidence())
    }

    /// A listener's element in the dump: `active_state`, `warming_state` … of a dynamic one, `listener` of a static one.
    pub fn listener(&self, origin: Origin, name: &str) -> Lookup<Node> {
        self.resource(
            Need::Listener(origin, name.to_owned()),
            name,
            &[Section::DynamicListeners, Section::StaticListeners],
        )
    }

    /// A route configuration that RDS delivered; an error where it could not be taken apart.
    pub fn route_config(&self, origin: Origin, name: &str) -> Lookup<Result<Arc<RouteTable>, String>> {
        let need = Need::RouteConfig(origin, name.to_owned());
        let query = need.query();
        self.entry(need, name, &[Section::DynamicRouteConfigs]).map(|(proxy, section, entry)| {
            let make = || RouteTable::delivered(origin, &query, &base(section, 0), &entry);
            proxy.tables.get(name.to_owned(), make)
        })
    }

    /// An active cluster: the element with `cluster` in it. Absent covers warming: see [`Self::warming_cluster`].
    pub fn cluster(&self, origin: Origin, name: &str) -> Lookup<Node> {
        let sections = [Section::DynamicActiveClusters, Section::StaticClusters];
        self.resource(Need::Cluster(origin, name.to_owned()), name, &sections)
    }

    /// A cluster that is known but still warming: Envoy's workers do not have it.
    pub fn warming_cluster(&self, origin: Origin, name: &str) -> Lookup<Node> {
        self.resource(Need::Cluster(origin, name.to_owned()), name, &[Section::DynamicWarmingClusters])
    }

    /// The active clusters whose name ends in `|host`.
    pub fn clusters_of_host(&self, origin: Origin, host: &str) -> Lookup<Vec<Node>> {
        let need = Need::ClustersOfHost(origin, host.to_owned());
        let Some(proxy) = self.answered(&need) else {
            return Lookup::Unread(need);
        };
        let ending = format!("|{host}");
        let mut nodes = Vec::new();
        for section in [Section::DynamicActiveClusters, Section::StaticClusters] {
            let mut names: Vec<&str> = proxy.entries.names(section).filter(|name| name.ends_with(&ending)).collect();
            names.sort_unstable();
            for name in names {
                let Some(entry) = proxy.entries.get(section, name) else { continue };
                let base = format!("$.configs[0].{}[?@.cluster.name=={}]", section.field(), quoted(name));
                nodes.push(Node::new(origin, &need.query(), &base, entry.value()));
            }
        }
        Lookup::Found(nodes)
    }

    /// A cluster's hosts: the element of `cluster_statuses`.
    pub fn hosts(&self, origin: Origin, cluster: &str) -> Lookup<Node> {
        self.resource(Need::Hosts(origin, cluster.to_owned()), cluster, &[Section::ClusterStatuses])
    }

    /// The endpoints assigned to a cluster: the element with `endpoint_config` in it.
    pub fn endpoints(&self, origin: Origin, name: &str) -> Lookup<Node> {
        let sections = [Section::DynamicEndpointConfigs, Section::StaticEndpointConfigs];
        self.resource(Need::Endpoints(origin, name.to_owned()), name, &sections)
    }

    /// The same of the one cluster whose assignment has no name: older Envoys leave out the name of those that have none of
    /// their own for it (`service_name`). `None` where there are several.
    pub fn unnamed_endpoints(&self, origin: Origin, cluster: &str) -> Option<Node> {
        let section = Section::DynamicEndpointConfigs;
        let entry = self.proxies.get(&origin)?.entries.get(section, "")?;
        let query = Need::Endpoints(origin, cluster.to_owned()).query();
        Some(Node::new(origin, &query, &base(section, 0), entry.value()))
    }

    /// A secret: the element with `secret` in it.
    pub fn secret(&self, origin: Origin, name: &str) -> Lookup<Node> {
        let sections = [Section::DynamicActiveSecrets, Section::StaticSecrets];
        self.resource(Need::Secret(origin, name.to_owned()), name, &sections)
    }

    /// Whether a proxy is known not to have the secret that was looked up. Envoy lists one that it waits for, without what
    /// should be in it: that shows it too, also where the secrets that are there were left out of a dump.
    pub fn lacks_secret(&self, found: &Lookup<Node>, origin: Origin, name: &str) -> bool {
        let due = || self.resource(Need::Secret(origin, name.to_owned()), name, &[Section::DynamicWarmingSecrets]);
        matches!(found, Lookup::Absent(_)) || matches!(found, Lookup::Unread(_)) && matches!(due(), Lookup::Found(_))
    }

    /// A filter's configuration that came by itself (ECDS): the element with `ecds_filter` in it.
    pub fn extension(&self, origin: Origin, name: &str) -> Lookup<Node> {
        self.resource(Need::Extension(origin, name.to_owned()), name, &[Section::EcdsFilters])
    }

    /// The scopes of route configurations that a connection manager asks for by this name: the element with
    /// `scoped_route_configs` in it.
    pub fn scopes(&self, origin: Origin, name: &str) -> Lookup<Node> {
        let sections = [Section::DynamicScopes, Section::InlineScopes];
        self.resource(Need::Scopes(origin, name.to_owned()), name, &sections)
    }

    /// `/server_info`.
    pub fn server_info(&self, origin: Origin) -> Lookup<Node> {
        self.document(&Need::Identity(origin))
    }

    /// A pod of B's, and the origin that its proxy was read as.
    pub fn destination(&self, namespace: &str, name: &str) -> Lookup<(Origin, PodRecord)> {
        let found = self.destinations.iter().find(|(_, pod)| pod.namespace == namespace && pod.name == name);
        if let Some((i, pod)) = found {
            return Lookup::Found((Origin::Destination(*i), pod.clone()));
        }
        Lookup::Unread(Need::Destination(namespace.to_owned(), name.to_owned()))
    }

    /// `/runtime`.
    pub fn runtime(&self, origin: Origin) -> Lookup<Node> {
        self.document(&Need::Runtime(origin))
    }

    /// A Kubernetes object.
    pub fn object(&self, kind: Kind, namespace: &str, name: &str) -> Lookup<Node> {
        let need = Need::Object(kind, namespace.to_owned(), name.to_owned());
        if let Some(object) = self.objects.get(kind, namespace, name) {
            return Lookup::Found(Node::new(Origin::Kubernetes, &need.query(), "$", Arc::clone(object)));
        }
        if self.is_read(&need) {
            return Lookup::Absent(Evidence::absent(Origin::Kubernetes, &need.query(), "$".to_owned()));
        }
        Lookup::Unread(need)
    }

    /// The objects of a kind, in a namespace (all when `None`), that carry all of `labels` (any when empty).
    pub fn objects(&self, kind: Kind, namespace: Option<&str>, labels: &[(String, String)]) -> Lookup<Vec<Node>> {
        let need = Need::Objects(kind, namespace.map(str::to_owned), labels.to_vec());
        if !self.is_read(&need) {
            return Lookup::Unread(need);
        }
        let found = self.objects.select(kind, namespace, labels);
        let query = need.query();
        let nodes = found
            .iter()
            .enumerate()
            .map(|(i, object)| Node::new(Origin::Kubernetes, &query, &format!("$.items[{i}]"), Arc::clone(object)));
        Lookup::Found(nodes.collect())
    }

    /// That a list which was read holds nothing.
    pub fn nothing_listed(&self, kind: Kind, namespace: &str) -> Evidence {
        let need = Need::Objects(kind, Some(namespace.to_owned()), Vec::new());
        Evidence::absent(Origin::Kubernetes, &need.query(), "$.items[0]".to_owned())
    }

    /// The objects of a kind and a namespace that are at hand, whether there are more or not.
    pub fn known(&self, kind: Kind, namespace: &str) -> Vec<Node> {
        let node = |object: &Arc<Value>| {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let need = Need::Object(kind, namespace.to_owned(), name.to_owned());
            Node::new(Origin::Kubernetes, &need.query(), "$", Arc::clone(object))
        };
        self.objects.select(kind, Some(namespace), &[]).into_iter().map(node).collect()
    }

    /// The pods that have an address.
    pub fn pods_at(&self, ip: IpAddr) -> Lookup<Vec<Node>> {
        let need = Need::PodsAt(ip);
        if !self.is_read(&need) {
            return Lookup::Unread(need);
        }
        let query = need.query();
        let is_there = |pod: &&Arc<Value>| pod["status"]["podIP"].as_str().and_then(|own| own.parse().ok()) == Some(ip);
        let found = self.objects.select(Kind::Pod, None, &[]).into_iter().filter(is_there).enumerate();
        let nodes =
            found.map(|(i, pod)| Node::new(Origin::Kubernetes, &query, &format!("$.items[{i}]"), Arc::clone(pod)));
        Lookup::Found(nodes.collect())
    }

    /// Why a need that was tried has no answer.
    pub fn why_unread(&self, need: &Need) -> Option<&str> {
        self.unread.get(&(need.origin(), need.query())).map(|gap| gap.why.as_str())
    }

    /// What has no answer although somebody was asked for it: who, the query, and why.
    pub fn refused(&self) -> impl Iterator<Item = (Origin, &str, &str)> {
        let refused = self.unread.iter().filter(|(_, gap)| gap.asked == Asked::Somebody);
        refused.map(|((origin, query), gap)| (*origin, query.as_str(), gap.why.as_str()))
    }

    /// Why a need has no answer although somebody was asked for it.
    pub fn why_refused(&self, need: &Need) -> Option<&str> {
        let gap = self.unread.get(&(need.origin(), need.query()))?;
        (gap.asked == Asked::Somebody).then_some(gap.why.as_str())
    }

    /// Whether anything at all is known from Kubernetes.
    pub fn has_objects(&self) -> bool {
        !self.objects.is_empty() || self.read.iter().any(|(origin, _)| *origin == Origin::Kubernetes)
    }

    /// The proxies that something was read from, A's first, each with its pod where that is known.
    pub fn proxies(&self) -> Vec<(Origin, Option<&PodRecord>)> {
        let with_pod = |origin: &Origin| match origin {
            Origin::Source(0) => Some((*origin, self.source.as_ref())),
            Origin::Source(_) => Some((*origin, None)),
            Origin::Destination(i) => Some((*origin, self.destinations.get(i))),
            Origin::Kubernetes | Origin::ControlPlane => None,
        };
        self.proxies.keys().filter_map(with_pod).collect()
    }

    /// Whether a proxy's dump is one of Envoy's API v2, which ended with 1.17.
    pub fn has_old_forms(&self, origin: Origin) -> bool {
        self.proxies.get(&origin).is_some_and(|proxy| proxy.form == Form::V2)
    }

    /// What was read once and could not be read again, and why: an answer that rests on it is none.
    pub fn broken(&self) -> Option<(&str, &str)> {
        self.proxies.values().find_map(|proxy| proxy.entries.failed())
    }

    /// Whether anything was read from this proxy.
    pub fn has_proxy(&self, origin: Origin) -> bool {
        self.proxies.contains_key(&origin)
    }

    fn document(&self, need: &Need) -> Lookup<Node> {
        let document = self.proxies.get(&need.origin()).and_then(|p| p.documents.get(&need.query()));
        match document {
            Some(value) => Lookup::Found(Node::new(need.origin(), &need.query(), "$", Arc::clone(value))),
            None => Lookup::Unread(need.clone()),
        }
    }

    fn resource(&self, need: Need, name: &str, sections: &[Section]) -> Lookup<Node> {
        let (origin, query) = (need.origin(), need.query());
        let found = self.entry(need, name, sections);
        found.map(|(_, section, entry)| Node::new(origin, &query, &base(section, 0), entry.value()))
    }

    fn entry(&self, need: Need, name: &str, sections: &[Section]) -> Lookup<(&Proxy, Section, Arc<Entry>)> {
        let origin = need.origin();
        let proxy = self.proxies.get(&origin);
        let found = proxy.and_then(|proxy| {
            sections.iter().find_map(|section| Some((proxy, *section, proxy.entries.get(*section, name)?)))
        });
        if let Some(found) = found {
            return Lookup::Found(found);
        }
        if self.answered(&need).is_none() {
            return Lookup::Unread(need);
        }
        // Of a dump that has nothing at all in a part, that something is not in it proves little.
        let whole = proxy.filter(|proxy| proxy.whole.contains(&sections[0].group()));
        let has_any = |section: &&Section| whole.is_some_and(|proxy| proxy.entries.has_any(**section));
        let section = *sections.iter().find(has_any).unwrap_or(&sections[0]);
        let path = if section.group() == Group::Hosts {
            format!("$.cluster_statuses[?@.name=={}]", quoted(name))
        } else if section.member().is_empty() {
            format!("$.configs[*].{}[?@.name=={}]", section.field(), quoted(name))
        } else {
            let field = if section.group() == Group::Endpoints { "cluster_name" } else { "name" };
            format!("$.configs[*].{}[?@.{}.{field}=={}]", section.field(), section.member(), quoted(name))
        };
        Lookup::Absent(Evidence::absent(origin, &need.query(), path))
    }

    /// The proxy, if it has answered this need or one that covers it.
    fn answered(&self, need: &Need) -> Option<&Proxy> {
        let proxy = self.proxies.get(&need.origin())?;
        let whole = part_of(need).is_some_and(|(group, _)| proxy.whole.contains(&group));
        (whole || self.is_read(need)).then_some(proxy)
    }

    /// Whether this query, or a list that would hold its answer, was answered.
    fn is_read(&self, need: &Need) -> bool {
        let origin = need.origin();
        let read = |query: String| self.read.contains(&(origin, query));
        let listed = |kind: &Kind| {
            self.kinds.contains(kind.plural()) || self.kinds.contains(&format!("{}.{}", kind.plural(), kind.group()))
        };
        match need {
            Need::Object(kind, namespace, _) => {
                listed(kind) || read(need.query()) || read(kind.path(Some(namespace))) || read(kind.path(None))
            }
            Need::Objects(kind, namespace, _) => {
                listed(kind)
                    || read(need.query())
                    || read(kind.path(None))
                    || namespace.as_ref().is_some_and(|n| read(kind.path(Some(n))))
            }
            Need::PodsAt(_) => listed(&Kind::Pod) || read(need.query()) || read(Kind::Pod.path(None)),
            Need::Listeners(_)
            | Need::Listener(..)
            | Need::RouteConfig(..)
            | Need::Cluster(..)
            | Need::ClustersOfHost(..)
            | Need::Hosts(..)
            | Need::Endpoints(..)
            | Need::Secret(..)
            | Need::Extension(..)
            | Need::Scopes(..)
            | Need::Identity(_)
            | Need::LastUpdated(_)
            | Need::Runtime(_)
            | Need::Metadata(_)
            | Need::Stats(_)
            | Need::Probe(..)
            | Need::Destination(..) => read(need.query()),
            Need::Sync(..) => read(need.query()) || read(need::SYNC.to_owned()),
        }
    }
}

/// Taking answers in: what collect does.
impl Snapshot {
    /// Takes in what came back for `need`. What was known of it before is replaced.
    pub fn answer(&mut self, need: &Need, answer: Answer) -> Result<(), BodyError> {
        match answer {
            Answer::Body(body) => self.take_body(need, body)?,
            Answer::Object(object) => self.objects.insert(object),
            Answer::Objects(objects) => objects.into_iter().for_each(|o| self.objects.insert(o)),
            Answer::Nothing => self.forget(need),
        }
        if matches!(need, Need::Listener(..) | Need::RouteConfig(..) | Need::Cluster(..)) {
            self.moving.insert(need.clone());
        }
        self.read.insert((need.origin(), need.query()));
        self.unread.remove(&(need.origin(), need.query()));
        Ok(())
    }

    /// As which origin the next pod of B's can answer.
    pub fn next_destination(&self) -> Origin {
        Origin::Destination((0..u8::MAX).find(|i| !self.destinations.contains_key(i)).unwrap_or(u8::MAX))
    }

    /// Takes in which pod answers as a destination from now on.
    pub fn add_destination(&mut self, origin: Origin, pod: PodRecord) {
        if let Origin::Destination(i) = origin {
            let need = Need::Destination(pod.namespace.clone(), pod.name.clone());
            self.read.insert((need.origin(), need.query()));
            self.destinations.insert(i, pod);
        }
    }

    /// Notes that `need` was asked for in vain, and why.
    pub fn refuse(&mut self, need: &Need, reason: &str) {
        self.note(need, reason, Asked::Somebody);
    }

    /// Notes that nobody is there who could answer `need`, and why.
    pub fn pass_over(&mut self, need: &Need, reason: &str) {
        self.note(need, reason, Asked::Nobody);
    }

    fn note(&mut self, need: &Need, why: &str, asked: Asked) {
        self.unread.insert((need.origin(), need.query()), Gap { why: why.to_owned(), asked });
    }

    /// Whether `need` was tried: answered, or refused.
    pub fn is_tried(&self, need: &Need) -> bool {
        let key = (need.origin(), need.query());
        self.read.contains(&key) || self.unread.contains_key(&key)
    }

    /// What a verdict on configuration rests on, to be asked after once more: two reads are not one instant.
    pub fn moving_parts(&self) -> Vec<Need> {
        self.moving.iter().map(|need| Need::LastUpdated(Box::new(need.clone()))).collect()
    }

    /// Whether a part is still as it was read, as far as `later` was told.
    pub fn is_unmoved(&self, part: &Need, later: &Self) -> bool {
        later.updates_now(part).is_none_or(|now| now == self.updates(part))
    }

    /// When a part was last updated, as an answer that asks for that says: never, where there is no such thing; `None`
    /// where nobody answered.
    pub fn updates_now(&self, part: &Need) -> Option<Vec<String>> {
        let Lookup::Found(now) = self.document(part) else {
            return self.is_read(part).then(Vec::new);
        };
        let configs = now.list("configs");
        let times = configs.iter().map(|c| c.text("active_state.last_updated").or_else(|| c.text("last_updated")));
        Some(times.flatten().collect())
    }

    /// When the newest listener or cluster of A's was written down, RFC 3339: whatever was read was read after that.
    pub fn not_before(&self) -> Option<String> {
        let proxy = self.proxies.get(&Origin::Source(0))?;
        let of_group = |section: &Section| matches!(section.group(), Group::Listeners | Group::Clusters);
        let sections = Section::all().filter(of_group);
        let entries = sections.flat_map(|section| proxy.entries.of(section)).take(MOST_TIMES);
        entries.filter_map(|(_, entry)| entry.read::<Updated>()?.time()).max()
    }

    /// The same of a part that was read.
    pub fn updates(&self, part: &Need) -> Vec<String> {
        let Need::LastUpdated(need) = part else { return Vec::new() };
        let (Some(proxy), Some((group, Some(name)))) = (self.proxies.get(&need.origin()), part_of(need)) else {
            return Vec::new();
        };
        let sections = [Section::DynamicListeners, Section::DynamicRouteConfigs, Section::DynamicActiveClusters];
        let of_need = sections.into_iter().filter(|s| s.group() == group);
        let entries = of_need.filter_map(|section| proxy.entries.get(section, name));
        entries.filter_map(|entry| entry.read::<Updated>()?.time()).collect()
    }

    /// Forgets what the proxies said of their configuration, so that it is read anew.
    pub fn forget_configuration(&mut self) {
        for proxy in self.proxies.values_mut() {
            proxy.entries = Entries::default();
            proxy.tables.clear();
            proxy.listening.take();
            proxy.documents.remove(&Need::Listeners(Origin::Source(0)).query());
            proxy.documents.remove(need::STATS);
        }
        self.sync.clear();
        self.moving.clear();
        self.read.retain(|(origin, query)| {
            *origin == Origin::Kubernetes || !MOVING.iter().any(|path| query.starts_with(path))
        });
    }

    fn take_body(&mut self, need: &Need, body: Vec<u8>) -> Result<(), BodyError> {
        if let Some((group, name)) = part_of(need) {
            let what = if group == Group::Hosts { "an answer of /clusters" } else { "a config dump" };
            let mut indexed = if is_empty_dump(&body) { index::Indexed::default() } else { index(&body.into(), what)? };
            // Whichever listener is asked for, Envoy adds an element for each that it rejected, with nothing but the error:
            // `ListenerManagerImpl::dumpListenerConfigs`.
            if let (Group::Listeners, Some(name)) = (group, name) {
                indexed.entries.retain(|_, other| other == name);
            }
            self.forget(need);
            self.proxies.entry(need.origin()).or_default().take(indexed);
            return Ok(());
        }
        if let Need::Sync(namespace, _) = need {
            return self.take_sync(Some(namespace), &body);
        }
        let value = decode::value(&body, "an answer of the admin endpoint")?;
        if let Need::Probe(..) = need {
            self.take_probe(&need.query(), &value);
            return Ok(());
        }
        if let Need::Metadata(origin) = need {
            self.take_metadata(*origin, &value);
            return Ok(());
        }
        let proxy = self.proxies.entry(need.origin()).or_default();
        proxy.listening.take();
        proxy.documents.insert(need.query(), Arc::new(without_secrets(need, value)));
        Ok(())
    }

    fn forget(&mut self, need: &Need) {
        let proxy = self.proxies.entry(need.origin()).or_default();
        if let Some((group, Some(name))) = part_of(need) {
            proxy.entries.retain(|section, other| section.group() != group || other != name);
            proxy.tables.clear();
            proxy.listening.take();
        }
        if need.origin() == Origin::Kubernetes {
            self.proxies.remove(&Origin::Kubernetes);
        }
    }
}

impl Proxy {
    fn take(&mut self, indexed: index::Indexed) {
        self.listening.take();
        self.form = self.form.max(indexed.form);
        self.tables.clear();
        self.entries.append(indexed.entries);
    }

    /// The active listeners, as a dump that has the listeners whole tells of them.
    fn listening_by_dump(&self) -> Vec<Listening> {
        let sections = [Section::DynamicListeners, Section::StaticListeners];
        let listeners = sections.into_iter().flat_map(|section| self.entries.of(section));
        listeners.filter_map(|(name, entry)| listening::by_dump(name, &entry)).collect()
    }
}

/// The beginnings of queries whose answers are other ones when the configuration is another.
const MOVING: &[&str] = &["/config_dump", "/clusters", "/listeners", "/stats", need::SYNC];

/// How many elements are looked at to see when the dump was at least written: the time is a bound.
const MOST_TIMES: usize = 64;

/// When an element of the dump came. Nothing else of it is kept.
#[derive(Deserialize)]
struct Updated {
    last_updated: Option<String>,
    active_state: Option<Box<Self>>,
}

impl Updated {
    fn time(self) -> Option<String> {
        self.active_state.and_then(|state| state.last_updated).or(self.last_updated)
    }
}

/// `{}`: what `?resource=` answers for nothing.
fn is_empty_dump(body: &[u8]) -> bool {
    body.iter().filter(|b| !b.is_ascii_whitespace()).eq(b"{}")
}

/// The address of an element in the body of its canonical query.
fn base(section: Section, i: usize) -> String {
    if section.group() == Group::Hosts {
        return format!("$.cluster_statuses[{i}]");
    }
    format!("$.configs[0].{}[{i}]", section.field())
}

/// The part of the dump that a need asks for, and the name of the one resource in it, where it asks for one.
fn part_of(need: &Need) -> Option<(Group, Option<&str>)> {
    match need {
        Need::Listener(_, name) => Some((Group::Listeners, Some(name))),
        Need::RouteConfig(_, name) => Some((Group::Routes, Some(name))),
        Need::Cluster(_, name) => Some((Group::Clusters, Some(name))),
        Need::ClustersOfHost(..) => Some((Group::Clusters, None)),
        Need::Hosts(_, name) => Some((Group::Hosts, Some(name))),
        Need::Endpoints(_, name) => Some((Group::Endpoints, Some(name))),
        Need::Secret(_, name) => Some((Group::Secrets, Some(name))),
        Need::Extension(_, name) => Some((Group::Extensions, Some(name))),
        Need::Scopes(_, name) => Some((Group::Scopes, Some(name))),
        Need::Listeners(_)
        | Need::Identity(_)
        | Need::LastUpdated(_)
        | Need::Runtime(_)
        | Need::Metadata(_)
        | Need::Stats(_)
        | Need::Sync(..)
        | Need::Probe(..)
        | Need::Destination(..)
        | Need::Object(..)
        | Need::Objects(..)
        | Need::PodsAt(_) => None,
    }
}

/// Where a proxy of Istio's says in its metadata which istiod it is of.
const DISCOVERY: &str = "/PROXY_CONFIG/discoveryAddress";

/// Who the proxy is, and no more of it: a node's metadata may hold a pod's environment. Comes as `/server_info`, or as
/// the part of the bootstrap that says the same.
fn without_secrets(need: &Need, value: Value) -> Value {
    let Need::Identity(_) = need else { return value };
    let node = value.get("node").or_else(|| value.pointer("/configs/0/bootstrap/node"));
    let mut kept = serde_json::Map::new();
    for key in ["id", "cluster", "user_agent_build_version", "build_version", "hidden_envoy_deprecated_build_version"] {
        if let Some(inner) = node.and_then(|n| n.get(key)) {
            kept.insert(key.to_owned(), inner.clone());
        }
    }
    let metadata = node.and_then(|n| n.get("metadata"));
    let names = ["NAME", "NAMESPACE", "WORKLOAD_NAME", "ISTIO_VERSION"].into_iter();
    let names = names.filter_map(|key| Some((key.to_owned(), json!(metadata?.get(key)?.as_str()?))));
    let mut told = names.collect::<serde_json::Map<String, Value>>();
    if let Some(address) = metadata.and_then(|m| m.pointer(DISCOVERY)).filter(|address| address.is_string()) {
        told.insert("PROXY_CONFIG".to_owned(), json!({ "discoveryAddress": address }));
    }
    if !told.is_empty() {
        kept.insert("metadata".to_owned(), Value::Object(told));
    }
    let mut identity = json!({ "node": kept });
    if let Some(version) = value.get("version") {
        identity["version"] = version.clone();
    }
    identity
}
