//! A snapshot as a folder of files: `snapshot.json`, `source/`, `destination/`, `objects.json`.
//!
//! Only the form; reading and writing the disk is collect's. The layout is public: see docs/reference.md.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::mem;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::envoy::fields::snake;
use crate::redact::{self, Rule};

use super::body::{BodyError, body_error};
use super::bytes::Bytes;
use super::decode;
use super::index::{Indexed, index, index_list};
use super::kind::Kind;
use super::log_record::LogRecord;
use super::need::{Need, Origin, STATS};
use super::objects::Objects;
use super::section::{Group, Section};
use super::{Asked, Gap, Proxy, Snapshot, clusters_text, without_secrets};

const SCHEMA: &str = "mesh-why-snapshot/v1";

/// A pod, as `snapshot.json` names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PodRecord {
    /// `Pod`.
    #[serde(default = "pod")]
    pub kind: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub name: String,
    /// The name of the container that the proxy runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// The pod was read and has no proxy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_proxy: bool,
}

/// The cluster that was read, as `snapshot.json` names it.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// The kubeconfig's context that led to the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The namespace of names that are given without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl ClusterRecord {
    /// The record without what has the shape of a secret: a context's name is anything that somebody typed.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let kept = |name: &Option<String>| name.as_deref().map(|name| redact::value(name).into_owned());
        Self { context: kept(&self.context), namespace: kept(&self.namespace) }
    }

    fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// The question, as it was typed.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct AskRecord {
    /// A.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// B:PORT.
    pub to: String,
    /// The path, with its query; `None` where none was given.
    #[serde(default)]
    pub path: Option<String>,
    /// The method; `None` where none was given.
    #[serde(default)]
    pub method: Option<String>,
    /// `Name: value` lines.
    #[serde(default)]
    pub headers: Vec<String>,
    /// The Host header, where it is not B's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// `http1.0`, `http1`, `http2`, `grpc`, `tcp`, `tls`; chosen from the port when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The client speaks TLS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tls: bool,
    /// The TLS server name, where it is not the host's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// The address that A dials, where B's name leaves it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The client's own address, where it is not that of A's pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_address: Option<String>,
    /// `v1` or `v2`: what stands before the proxy announces the client by the PROXY protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_protocol: Option<String>,
}

impl AskRecord {
    /// The question without the secrets that were typed: of each is kept that it is there, and what of it decides.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let (scheme, rest) = self.to.split_once("://").map_or(("", self.to.as_str()), |(scheme, rest)| (scheme, rest));
        let (host, path) = rest.split_at(rest.find(['/', '?']).filter(|_| !scheme.is_empty()).unwrap_or(rest.len()));
        let before = &self.to[..self.to.len() - rest.len()];
        Self {
            to: format!("{before}{host}{}", redact::path(path)),
            path: self.path.as_deref().map(redact::path),
            headers: self.headers.iter().map(|line| redact::header_line(line)).collect(),
            ..self.clone()
        }
    }
}

fn pod() -> String {
    "Pod".to_owned()
}

/// `snapshot.json`.
#[derive(Serialize, Deserialize)]
struct Manifest {
    schema: String,
    #[serde(default)]
    tool: String,
    #[serde(default)]
    time: String,
    #[serde(default, skip_serializing_if = "ClusterRecord::is_unknown")]
    cluster: ClusterRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ask: Option<AskRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log: Option<LogRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<PodRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destination: Option<PodRecord>,
    /// Further pods of B's: `destination-2/` is the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    destinations: Vec<PodRecord>,
    /// What came of connecting to an application, by the query.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    probes: BTreeMap<String, Value>,
    #[serde(default)]
    read: BTreeMap<String, ReadRecord>,
    #[serde(default)]
    unread: Vec<UnreadRecord>,
}

/// What was read from one origin.
#[derive(Default, Serialize, Deserialize)]
struct ReadRecord {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    paths: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kinds: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    queries: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct UnreadRecord {
    #[serde(default)]
    from: String,
    #[serde(alias = "what")]
    query: String,
    reason: String,
}

/// Why a folder is no snapshot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileError {
    /// The file, relative to the folder.
    pub file: String,
    /// What is wrong with it.
    pub why: BodyError,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.why)
    }
}

/// What the reasons of gaps held where nobody was asked, in snapshots that kept those too.
const NOBODY: &[&str] = &["not in the snapshot", "not at hand", "no cluster is at hand"];

/// The query of [`Need::Identity`]; its answer is kept in the form of `/server_info`.
const IDENTITY: &str = "/config_dump?mask=bootstrap.node.id,bootstrap.node.user_agent_build_version";

/// What the control plane says of A's proxy and of B's.
const SYNCED: &str = "controlplane/syncz.json";

/// What bodies are, for people.
const DUMP: &str = "a config dump";
const HOSTS: &str = "an answer of /clusters";

/// The bodies that have no named resources, by the query that they answer and their file.
const DOCUMENTS: &[(&str, &str)] = &[
    (IDENTITY, "server_info.json"),
    ("/listeners?format=json", "listeners.json"),
    ("/runtime", "runtime.json"),
    ("/certs", "certs.json"),
    (STATS, "stats.json"),
];

impl Snapshot {
    /// The files of the folder, by relative path. Holds no bootstrap, no secret and no environment.
    pub fn files(&self, tool: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for (origin, proxy) in &self.proxies {
            let folder = folder(*origin);
            files.insert(format!("{folder}/config_dump.json"), proxy.config_dump());
            if proxy.whole.contains(&Group::Hosts) || proxy.entries.has_any(Section::ClusterStatuses) {
                files.insert(format!("{folder}/clusters.json"), proxy.clusters());
            }
            for (query, file) in DOCUMENTS {
                if let Some(document) = proxy.documents.get(*query) {
                    files.insert(format!("{folder}/{file}"), kept(document));
                }
            }
        }
        if self.read.iter().any(|(origin, _)| *origin == Origin::ControlPlane) || self.has_sync() {
            files.insert(SYNCED.to_owned(), kept(&self.own_sync()));
        }
        if !self.objects.is_empty() {
            files.insert("objects.json".to_owned(), kept(&self.objects.list()));
        }
        files.insert("snapshot.json".to_owned(), pretty(&json!(self.manifest(tool))));
        files
    }

    /// Reads a folder's files back. A folder with only a `config_dump.json` is a snapshot too: the sections that
    /// are there were read whole.
    pub fn from_files<B: Into<Bytes>>(files: &mut BTreeMap<String, B>) -> Result<Self, FileError> {
        let mut files = mem::take(files).into_iter().map(|(path, bytes)| (path, bytes.into())).collect();
        Self::of_files(&mut files)
    }

    fn of_files(files: &mut BTreeMap<String, Bytes>) -> Result<Self, FileError> {
        let mut snapshot = Self::default();
        let manifest = match files.remove("snapshot.json") {
            Some(bytes) => Some(manifest(&whole(&bytes, "snapshot.json")?)?),
            None => None,
        };
        if manifest.is_none() && files.contains_key("config_dump.json") {
            let at_root: Vec<String> = files.keys().filter(|k| !k.contains('/')).cloned().collect();
            for file in at_root.into_iter().filter(|f| f != "objects.json") {
                if let Some(bytes) = files.remove(&file) {
                    files.insert(format!("source/{file}"), bytes);
                }
            }
        }
        for origin in origins(files) {
            let proxy = read_proxy(files, origin)?;
            snapshot.proxies.insert(origin, proxy);
        }
        if let Some(bytes) = files.remove(SYNCED) {
            snapshot
                .take_sync(None, &whole(&bytes, SYNCED)?)
                .map_err(|why| FileError { file: SYNCED.to_owned(), why })?;
        }
        if let Some(bytes) = files.remove("objects.json") {
            snapshot.objects = objects(&whole(&bytes, "objects.json")?)?;
        }
        match manifest {
            Some(manifest) => snapshot.apply(manifest),
            None if snapshot.proxies.is_empty() => {
                let file = "snapshot.json".to_owned();
                return Err(FileError { file, why: BodyError::NotThis("there, and neither is config_dump.json") });
            }
            None => {}
        }
        snapshot.notice_missing_proxy();
        Ok(snapshot)
    }

    /// Bare admin outputs: a `/config_dump`, or parts of one, and a `/clusters`. Of an error the number of the output comes
    /// first, `None` for `/clusters`.
    pub fn from_outputs(dumps: &[Bytes], clusters: Option<&Bytes>) -> Result<Self, (Option<usize>, BodyError)> {
        let origin = Origin::Source(0);
        let mut proxy = Proxy::default();
        for (i, dump) in dumps.iter().enumerate() {
            let is_list = dump.first() == Some(b'[');
            let indexed = if is_list { index_list(dump) } else { index(dump, DUMP) };
            let mut indexed = indexed.map_err(|why| (Some(i), why))?;
            if indexed.groups.contains(&Group::Hosts) {
                proxy.entries.retain(|section, _| section != Section::ClusterStatuses);
            }
            if is_list && clusters.is_some() {
                indexed.leave_hosts();
            }
            proxy.take_whole(origin, indexed);
        }
        if let Some(clusters) = clusters {
            proxy.take_whole(origin, read_body(clusters, HOSTS).map_err(|why| (None, why))?);
        }
        let mut snapshot = Self::default();
        snapshot.proxies.insert(origin, proxy);
        Ok(snapshot)
    }

    /// A's pod was read, nothing of a proxy was, and the pod has no container that could be one.
    fn notice_missing_proxy(&mut self) {
        let Some(source) = self.source.as_mut().filter(|_| !self.proxies.contains_key(&Origin::Source(0))) else {
            return;
        };
        let Some(pod) = self.objects.get(Kind::Pod, &source.namespace, &source.name) else { return };
        let lists =
            ["/spec/containers", "/spec/initContainers"].iter().filter_map(|list| pod.pointer(list)?.as_array());
        let mut names = lists.flatten().filter_map(|c| c["name"].as_str());
        source.without_proxy |=
            !names.any(|n| ["proxy", "envoy", "dataplane", "kuma-sidecar"].iter().any(|p| n.contains(p)));
    }

    fn manifest(&self, tool: &str) -> Manifest {
        let mut read: BTreeMap<String, ReadRecord> = BTreeMap::new();
        for (origin, query) in &self.read {
            let record = read.entry(folder(*origin)).or_default();
            if *origin == Origin::Kubernetes { &mut record.queries } else { &mut record.paths }.push(query.clone());
        }
        for (origin, proxy) in &self.proxies {
            let record = read.entry(folder(*origin)).or_default();
            record.paths.extend(proxy.whole_paths());
            record.paths.extend(proxy.documents.keys().cloned());
            record.paths.sort();
            record.paths.dedup();
        }
        if !self.kinds.is_empty() {
            read.entry(folder(Origin::Kubernetes)).or_default().kinds = self.kinds.iter().cloned().collect();
        }
        // Where nobody was asked, nobody is there in a replay either.
        let refused = self.unread.iter().filter(|(_, gap)| gap.asked == Asked::Somebody);
        let unread = refused.map(|((origin, query), gap)| UnreadRecord {
            from: folder(*origin),
            query: query.clone(),
            reason: redact::value(&gap.why).into_owned(),
        });
        Manifest {
            schema: SCHEMA.to_owned(),
            tool: tool.to_owned(),
            time: self.time.clone(),
            cluster: self.cluster.without_secrets(),
            ask: self.ask.as_ref().map(AskRecord::without_secrets),
            log: self.log.as_ref().map(LogRecord::without_secrets),
            source: self.source.clone(),
            destination: self.destinations.get(&0).cloned(),
            destinations: self.destinations.range(1..).map(|(_, pod)| pod.clone()).collect(),
            probes: self.all_probes(),
            read,
            unread: unread.collect(),
        }
    }

    fn apply(&mut self, manifest: Manifest) {
        self.time = manifest.time;
        self.cluster = manifest.cluster;
        self.ask = manifest.ask;
        self.log = manifest.log;
        self.source = manifest.source;
        manifest.probes.iter().for_each(|(query, came)| self.take_probe(query, came));
        for (i, pod) in (0..).zip(manifest.destination.into_iter().chain(manifest.destinations)) {
            self.destinations.insert(i, pod);
        }
        for (from, record) in manifest.read {
            let Some(origin) = origin_of(&from) else { continue };
            self.kinds.extend(record.kinds);
            if let (Some(proxy), false) = (self.proxies.get_mut(&origin), origin == Origin::Kubernetes) {
                // What a snapshot's files hold was read as its paths say: only whole paths make a part whole.
                proxy.whole = record.paths.iter().flat_map(|path| whole_groups(path)).collect();
            }
            self.read.extend(record.paths.into_iter().chain(record.queries).map(|query| (origin, query)));
        }
        for record in manifest.unread {
            if let (Some(source), "source", false) =
                (&mut self.source, record.query.as_str(), self.proxies.contains_key(&Origin::Source(0)))
            {
                source.without_proxy = true;
                continue;
            }
            let origin = origin_of(&record.from).unwrap_or(Origin::Source(0));
            let asked =
                if NOBODY.iter().any(|why| record.reason.contains(why)) { Asked::Nobody } else { Asked::Somebody };
            self.unread.insert((origin, record.query), Gap { why: record.reason, asked });
        }
    }
}

/// The parts of the dump that a query reads whole.
fn whole_groups(path: &str) -> Vec<Group> {
    match path {
        "/config_dump?include_eds" => vec![Group::Listeners, Group::Routes, Group::Clusters, Group::Endpoints],
        "/config_dump" => vec![Group::Listeners, Group::Routes, Group::Clusters],
        "/clusters?format=json" | "/clusters" => vec![Group::Hosts],
        _ => Group::all().into_iter().filter(|group| path == whole_part(*group)).collect(),
    }
}

/// The query that reads one part of the dump whole.
fn whole_part(group: Group) -> String {
    let fields: Vec<&str> = Section::all().filter(|s| s.group() == group).map(Section::field).collect();
    let eds = if group == Group::Endpoints { "include_eds&" } else { "" };
    format!("/config_dump?{eds}mask={}", fields.join(","))
}

impl Proxy {
    /// The queries that would have read whole what is whole here.
    fn whole_paths(&self) -> Vec<String> {
        let mut left = self.whole.clone();
        let mut paths = Vec::new();
        for path in ["/config_dump?include_eds", "/config_dump", "/clusters?format=json"] {
            let groups = whole_groups(path);
            if groups.iter().all(|group| left.contains(group)) {
                left.retain(|group| !groups.contains(group));
                paths.push(path.to_owned());
            }
        }
        // A capture may lack a part.
        paths.extend(left.into_iter().map(whole_part));
        paths
    }

    fn config_dump(&self) -> Vec<u8> {
        let mut out = b"{\"configs\": [".to_vec();
        let mut first = true;
        for group in Group::all().into_iter().filter(|g| *g != Group::Hosts) {
            let sections: Vec<Section> = Section::all().filter(|s| s.group() == group).collect();
            let present = self.whole.contains(&group) || sections.iter().any(|section| self.entries.has_any(*section));
            if !present {
                continue;
            }
            out.extend(if first { b"\n".as_slice() } else { b",\n" });
            first = false;
            out.extend(format!("{{\"@type\": \"type.googleapis.com/{}\"", group.message()).bytes());
            for section in sections {
                self.write_section(section, b",\n", &mut out);
            }
            out.push(b'}');
        }
        out.extend(b"\n]}\n");
        out
    }

    fn clusters(&self) -> Vec<u8> {
        let mut out = b"{".to_vec();
        self.write_section(Section::ClusterStatuses, b"\n", &mut out);
        out.extend(b"}\n");
        out
    }

    fn write_section(&self, section: Section, before: &[u8], out: &mut Vec<u8>) {
        if !self.entries.has_any(section) {
            return;
        }
        out.extend(before);
        out.extend(format!("\"{}\": [", section.field()).bytes());
        for (i, (_, entry)) in self.entries.of(section).enumerate() {
            out.extend(if i == 0 { b"\n".as_slice() } else { b",\n" });
            if section.group() == Group::Secrets {
                out.extend(public(&entry.value()).to_string().bytes());
            } else {
                out.extend_from_slice(&without_secrets_of(&entry.bytes()));
            }
        }
        out.push(b']');
    }
}

/// What of a secret is shown to everybody who connects: certificates, and what others are held against. The rest is
/// left out, though Envoy prints no key.
fn public(element: &Value) -> Value {
    let only = |value: &Value, names: &[&str]| -> Value {
        let fields = value.as_object().into_iter().flatten();
        fields.filter(|(key, _)| names.contains(&snake(key).as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let mut kept = only(element, &["name", "version_info", "last_updated", "secret"]);
    if let Some(secret) = kept.get_mut("secret") {
        *secret = only(secret, &["@type", "name", "tls_certificate", "validation_context"]);
        for name in ["tls_certificate", "tlsCertificate"] {
            if let Some(own) = secret.get_mut(name) {
                *own = only(own, &["certificate_chain"]);
            }
        }
    }
    kept
}

fn read_proxy(files: &mut BTreeMap<String, Bytes>, origin: Origin) -> Result<Proxy, FileError> {
    let folder = folder(origin);
    let mut proxy = Proxy::default();
    let named = |file: String, why: BodyError| FileError { file, why };
    for (file, what) in [("config_dump.json", DUMP), ("clusters.json", HOSTS)] {
        let path = format!("{folder}/{file}");
        if let Some(bytes) = files.remove(&path) {
            proxy.take_whole(origin, read_body(&bytes, what).map_err(|why| named(path, why))?);
        }
    }
    let path = format!("{folder}/clusters.txt");
    if let Some(bytes) = files.remove(&path) {
        let parsed = clusters_text::parse(&String::from_utf8_lossy(&whole(&bytes, &path)?));
        let clusters = parsed.ok_or_else(|| named(path, BodyError::NotThis(HOSTS)))?;
        proxy.take_whole(origin, of_text(&clusters));
    }
    for (query, file) in DOCUMENTS {
        let path = format!("{folder}/{file}");
        if let Some(bytes) = files.remove(&path) {
            let bytes = whole(&bytes, &path)?;
            let value = decode::value(&bytes, "an answer of the admin endpoint").map_err(|why| named(path, why))?;
            let value = if *query == IDENTITY { without_secrets(&Need::Identity(origin), value) } else { value };
            proxy.documents.insert((*query).to_owned(), Arc::new(value));
        }
    }
    Ok(proxy)
}

impl Proxy {
    /// Takes in a body that has its parts whole.
    fn take_whole(&mut self, origin: Origin, indexed: Indexed) {
        self.whole.extend(&indexed.groups);
        if let Some(node) = &indexed.node {
            let info = without_secrets(&Need::Identity(origin), json!({ "node": node }));
            self.documents.insert(IDENTITY.to_owned(), Arc::new(info));
        }
        self.take(indexed);
    }
}

/// A `/clusters` body may come as text where JSON was asked for: old Envoys, and files with a wrong name.
fn read_body(bytes: &Bytes, what: &'static str) -> Result<Indexed, BodyError> {
    let is_text = what != DUMP && !matches!(bytes.first(), Some(b'{'));
    if is_text {
        let whole = bytes.whole().map_err(BodyError::Unread)?;
        if let Some(clusters) = std::str::from_utf8(&whole).ok().and_then(clusters_text::parse) {
            return Ok(of_text(&clusters));
        }
    }
    index(bytes, what)
}

fn of_text(clusters: &BTreeMap<String, Value>) -> Indexed {
    let mut indexed = Indexed { groups: vec![Group::Hosts], ..Indexed::default() };
    for (name, value) in clusters {
        indexed.entries.add_made(Section::ClusterStatuses, name, value);
    }
    indexed.entries.settle();
    indexed
}

fn whole<'a>(bytes: &'a Bytes, file: &str) -> Result<Cow<'a, [u8]>, FileError> {
    bytes.whole().map_err(|why| FileError { file: file.to_owned(), why: BodyError::Unread(why) })
}

fn objects(bytes: &[u8]) -> Result<Objects, FileError> {
    let wrong = |why| FileError { file: "objects.json".to_owned(), why };
    let value = decode::value(bytes, "a Kubernetes List").map_err(wrong)?;
    let items =
        value.get("items").and_then(Value::as_array).ok_or_else(|| wrong(BodyError::NotThis("a Kubernetes List")))?;
    let mut objects = Objects::default();
    items.iter().cloned().for_each(|item| objects.insert(item));
    Ok(objects)
}

fn manifest(bytes: &[u8]) -> Result<Manifest, FileError> {
    let wrong = |why| FileError { file: "snapshot.json".to_owned(), why };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(wrong(BodyError::Empty));
    }
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|e| wrong(body_error(&e, "a snapshot's manifest")))?;
    if manifest.schema == SCHEMA {
        Ok(manifest)
    } else {
        Err(wrong(BodyError::NotThis("of schema mesh-why-snapshot/v1")))
    }
}

/// The proxies that have files.
fn origins(files: &BTreeMap<String, Bytes>) -> BTreeSet<Origin> {
    let folders = files.keys().filter_map(|path| path.split_once('/')).map(|(folder, _)| folder);
    folders.filter_map(origin_of).filter(|o| matches!(o, Origin::Source(_) | Origin::Destination(_))).collect()
}

/// The folder, and the key in `read`, of an origin.
fn folder(origin: Origin) -> String {
    let numbered = |name: &str, i: u8| {
        if i == 0 { name.to_owned() } else { format!("{name}-{}", u16::from(i) + 1) }
    };
    match origin {
        Origin::Source(i) => numbered("source", i),
        Origin::Destination(i) => numbered("destination", i),
        Origin::Kubernetes => "kubernetes".to_owned(),
        Origin::ControlPlane => "controlplane".to_owned(),
    }
}

fn origin_of(folder: &str) -> Option<Origin> {
    let (name, number) = folder.rsplit_once('-').unwrap_or((folder, "1"));
    let i = number.parse::<u8>().ok()?.checked_sub(1)?;
    match name {
        "source" => Some(Origin::Source(i)),
        "destination" => Some(Origin::Destination(i)),
        "kubernetes" => Some(Origin::Kubernetes),
        "controlplane" => Some(Origin::ControlPlane),
        _ => None,
    }
}

/// A document without its secrets.
fn kept(value: &Value) -> Vec<u8> {
    let text = value.to_string();
    let text = redact::json(&text, &Rule::Shapes);
    pretty(&serde_json::from_str(&text).unwrap_or_default())
}

/// An element of a dump without its secrets; as it came, where it holds none.
fn without_secrets_of(element: &[u8]) -> Cow<'_, [u8]> {
    let Ok(text) = std::str::from_utf8(element) else { return Cow::Owned(b"null".to_vec()) };
    match redact::json(text, &Rule::Shapes) {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

fn pretty(value: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn of_a_secret_certificates_are_saved_and_nothing_else() {
        let of = |name: &str, kind: &str, content: Value| json!({"name": name, "last_updated": "t", "error_state": {"details": "d"}, "secret": {"name": name, kind: content}});
        let own = json!({"certificate_chain": {"inline_string": "c"}, "private_key": {"inline_string": "[redacted]"}});
        let all = [of("own", "tls_certificate", own), of("token", "generic_secret", json!({"secret": {}}))];
        let dump = json!({"configs": [{
            "@type": "type.googleapis.com/envoy.admin.v3.SecretsConfigDump", "dynamic_active_secrets": all,
        }]});
        let mut files = BTreeMap::from([("source/config_dump.json".to_owned(), dump.to_string().into_bytes())]);
        let saved = Snapshot::from_files(&mut files).unwrap().files("test").remove("source/config_dump.json").unwrap();
        let saved: Value = serde_json::from_slice(&saved).unwrap();
        let kept = json!([
            {"name": "own", "last_updated": "t", "secret": {"name": "own", "tls_certificate": {"certificate_chain": {"inline_string": "c"}}}},
            {"name": "token", "last_updated": "t", "secret": {"name": "token"}},
        ]);
        assert_eq!(saved["configs"][0]["dynamic_active_secrets"], kept);
    }
}
