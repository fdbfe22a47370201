//! An index over the raw JSON of an admin body: where each named resource lies, and nothing more.
//!
//! A dump of a big mesh is hundreds of megabytes, and a verdict rests on a few kilobytes of it. So the body stays where it is,
//! is passed through once, and only what is asked for becomes a [`Value`].

use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::body::{BodyError, body_error};
use super::bytes::Bytes;
use super::entries::{Entries, Holds};
use super::scan::{Fault, Passed, Scan, text};
use super::section::{Group, Section, camel};

/// What a body holds.
#[derive(Default, Debug)]
pub(crate) struct Indexed {
    /// The elements.
    pub(crate) entries: Entries,
    /// The parts of the dump that the body has, be they empty.
    pub(crate) groups: Vec<Group>,
    /// The bootstrap's node, from which a bare dump tells whose it is.
    pub(crate) node: Option<Value>,
    /// The API that the body speaks.
    pub(crate) form: Form,
}

impl Indexed {
    /// Leaves out the hosts of clusters.
    pub(super) fn leave_hosts(&mut self) {
        self.groups.retain(|group| *group != Group::Hosts);
        self.entries.retain(|section, _| section.group() != Group::Hosts);
    }
}

/// An API of Envoy's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(crate) enum Form {
    /// The one that there is since 1.18 alone.
    #[default]
    V3,
    /// The one before.
    V2,
}

/// The length of the smallest resource: `{"name":""}`, or with one member more around it.
const SMALLEST: u64 = 11;

/// How many listeners a proxy may have: each is kept with its addresses. The largest meshes have tens of thousands.
const LISTENERS: usize = 50_000;

/// The largest body that is read into memory to say in `serde_json`'s words what is wrong with it.
const SAID: u64 = 64 << 20;

/// Reads through a `/config_dump` or `/clusters?format=json` body.
pub(crate) fn index(body: &Bytes, what: &'static str) -> Result<Indexed, BodyError> {
    passed(body, what, Holds::Elements)
}

/// Reads through a part of a dump as `istioctl proxy-config listener`, `route`, `cluster` and `endpoint` write it with
/// `-o json`: a bare list of resources, each put into the section that it is of.
pub(crate) fn index_list(body: &Bytes) -> Result<Indexed, BodyError> {
    passed(body, "a config dump", Holds::Resources)
}

fn passed(body: &Bytes, what: &'static str, holds: Holds) -> Result<Indexed, BodyError> {
    if u32::try_from(body.length()).is_err() {
        return Err(BodyError::TooMuch);
    }
    let mut indexed = Indexed::default();
    let number = indexed.entries.add_body(body.clone(), holds);
    let mut index = Index { indexed: &mut indexed, body, number, known: false, members: 0 };
    let mut scan = Scan::new(body, 0..body.length());
    let read = match holds {
        Holds::Elements => index.dump(&mut scan),
        Holds::Resources => index.list(&mut scan),
    };
    let Index { known, members, .. } = index;
    if let Err(fault) = read {
        return Err(said(body, what, fault, scan.place()));
    }
    indexed.entries.settle();
    // What Envoy's /clusters says where there is none.
    if members == 0 && what == "an answer of /clusters" {
        indexed.groups.push(Group::Hosts);
        return Ok(indexed);
    }
    if known { Ok(indexed) } else { Err(BodyError::NotThis(what)) }
}

/// A fault, for people; the scan stopped at `place`.
fn said(body: &Bytes, what: &'static str, fault: Fault, place: u64) -> BodyError {
    match fault {
        Fault::Nothing => BodyError::Empty,
        Fault::Shape => BodyError::NotThis(what),
        Fault::TooMany => BodyError::TooMuch,
        Fault::Unread(why) => BodyError::Unread(why),
        Fault::Syntax if body.length() <= SAID => match body.whole() {
            Err(why) => BodyError::Unread(why),
            Ok(bytes) => match serde_json::from_slice::<IgnoredAny>(&bytes) {
                Err(error) => body_error(&error, what),
                Ok(IgnoredAny) => not_json(body, place),
            },
        },
        Fault::Syntax => not_json(body, place),
    }
}

/// Where a text that is too large for memory breaks.
fn not_json(body: &Bytes, place: u64) -> BodyError {
    let (mut line, mut column, mut at) = (1, 0, 0);
    let mut window = vec![0; 64 << 10];
    while at < place {
        let length = usize::try_from(place - at).unwrap_or(window.len()).min(window.len());
        let part = window.get_mut(..length).unwrap_or_default();
        if let Err(why) = body.fill(at, part) {
            return BodyError::Unread(why);
        }
        for byte in part {
            (line, column) = if *byte == b'\n' { (line + 1, 0) } else { (line, column + 1) };
        }
        at += length as u64;
    }
    if place == body.length() {
        BodyError::CutOff(line, column)
    } else {
        BodyError::NotJson(format!("it breaks at line {line} column {column}"))
    }
}

/// A body that is read through.
struct Index<'a> {
    indexed: &'a mut Indexed,
    body: &'a Bytes,
    number: usize,
    /// Whether it is what it should be.
    known: bool,
    /// How many members its object has.
    members: usize,
}

impl Index<'_> {
    /// The outermost object: `configs` of a dump, `cluster_statuses` of `/clusters`.
    fn dump(&mut self, scan: &mut Scan<'_>) -> Passed<()> {
        begins(scan)?;
        scan.members(&mut |scan, key| {
            self.members += 1;
            let key = text(key).ok_or(Fault::Syntax)?;
            if key == "configs" {
                self.known = true;
                return scan.elements(&mut |scan| self.part(scan));
            }
            match Section::of(&key).filter(|s| s.group() == Group::Hosts) {
                Some(section) => {
                    self.known = true;
                    self.indexed.groups.push(Group::Hosts);
                    self.elements(scan, section)
                }
                None => scan.skip().map(|_| ()),
            }
        })?;
        ends(scan)
    }

    /// One part of a dump.
    fn part(&mut self, scan: &mut Scan<'_>) -> Passed<()> {
        scan.members(&mut |scan, key| {
            let key = text(key).ok_or(Fault::Syntax)?;
            if let Some(section) = Section::of(&key) {
                return self.elements(scan, section);
            }
            match &*key {
                "@type" => {
                    let url = scan.text()?.ok_or(Fault::Shape)?;
                    let message = url.rsplit('/').next().unwrap_or_default();
                    if message.starts_with("envoy.admin.v2alpha.") {
                        self.indexed.form = Form::V2;
                    }
                    self.indexed.groups.extend(Group::all().into_iter().find(|g| g.message() == message));
                }
                "bootstrap" => {
                    let range = scan.skip()?;
                    let read = serde_json::from_slice::<Bootstrap>(&self.body.part(&range));
                    self.indexed.node = read.map_err(|_| Fault::Shape)?.node;
                }
                "dynamic_active_listeners" => {
                    self.indexed.form = Form::V2;
                    scan.skip()?;
                }
                _ => {
                    scan.skip()?;
                }
            }
            Ok(())
        })
    }

    /// The elements of one section.
    fn elements(&mut self, scan: &mut Scan<'_>, section: Section) -> Passed<()> {
        let names = Wanted { member: section.member(), camel: &camel(section.member()) };
        let (mut count, mut unnamed) = (0, 0);
        scan.elements(&mut |scan| {
            // Nothing else can be a resource, and a list may hold millions of other things.
            let is_object = scan.peek()? == Some(b'{');
            let start = scan.place();
            let mut name = None;
            if is_object {
                names.find(scan, &mut name)?;
            } else {
                scan.skip()?;
            }
            let range = start..scan.place();
            if !scan.is_text_since(start) {
                return Err(Fault::Syntax);
            }
            if is_object && range.end - range.start >= SMALLEST {
                count += 1;
                let name = name.unwrap_or_default();
                unnamed += usize::from(name.is_empty());
                self.add(section, name, &range, count)?;
            }
            Ok(())
        })?;
        self.leave_unnamed(section, unnamed);
        Ok(())
    }

    fn add(&mut self, section: Section, mut name: String, range: &Range<u64>, count: usize) -> Passed<()> {
        if section.group() == Group::Listeners {
            if count > LISTENERS {
                return Err(Fault::TooMany);
            }
            if name.is_empty() {
                name = address_of(&self.body.part(range));
            }
        }
        self.indexed.entries.add(section, &name, self.number, range);
        Ok(())
    }

    /// Of several endpoints without a name nobody can tell whose they are.
    fn leave_unnamed(&mut self, section: Section, unnamed: usize) {
        if unnamed > 1 && section.group() == Group::Endpoints {
            self.indexed.entries.retain(|of, name| of != section || !name.is_empty());
        }
    }

    /// Resources without a section around them, each put into its own.
    fn list(&mut self, scan: &mut Scan<'_>) -> Passed<()> {
        begins(scan)?;
        self.known = true;
        let (mut listeners, mut unnamed) = (0, 0);
        scan.elements(&mut |scan| {
            if scan.peek()? != Some(b'{') {
                return scan.skip().map(|_| ());
            }
            let start = scan.place();
            let seen = Seen::of(scan)?;
            let range = start..scan.place();
            if !scan.is_text_since(start) {
                return Err(Fault::Syntax);
            }
            let Some(section) = seen.section() else { return Ok(()) };
            let group = section.group();
            if !self.indexed.groups.contains(&group) {
                self.indexed.groups.push(group);
            }
            let name = seen.name(section);
            listeners += usize::from(group == Group::Listeners);
            unnamed += usize::from(group == Group::Endpoints && name.is_empty());
            self.add(section, name, &range, listeners)
        })?;
        self.leave_unnamed(Section::DynamicEndpointConfigs, unnamed);
        ends(scan)
    }
}

fn begins(scan: &mut Scan<'_>) -> Passed<()> {
    if scan.peek()?.is_some() { Ok(()) } else { Err(Fault::Nothing) }
}

fn ends(scan: &mut Scan<'_>) -> Passed<()> {
    if scan.peek()?.is_none() { Ok(()) } else { Err(Fault::Syntax) }
}

#[derive(serde::Deserialize)]
struct Bootstrap {
    #[serde(default)]
    node: Option<Value>,
}

/// Which member of an element holds the resource, in both spellings; none where the element is it.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    member: &'a str,
    camel: &'a str,
}

impl Wanted<'_> {
    /// Passes an element. `found` becomes the resource's name, where it has one.
    fn find(self, scan: &mut Scan<'_>, found: &mut Option<String>) -> Passed<()> {
        scan.members(&mut |scan, key| {
            match text(key).as_deref() {
                Some("name" | "cluster_name" | "clusterName") if self.member.is_empty() => *found = scan.text()?,
                Some(key) if !self.member.is_empty() && (key == self.member || key == self.camel) => {
                    Self::find_inside(scan, found)?;
                }
                Some(_) => return scan.skip().map(|_| ()),
                // What follows a name that is none is not looked at.
                None => {
                    scan.skip()?;
                }
            }
            scan.skip_members()
        })
    }

    fn find_inside(scan: &mut Scan<'_>, found: &mut Option<String>) -> Passed<()> {
        if scan.peek()? == Some(b'{') {
            return Wanted { member: "", camel: "" }.find(scan, found);
        }
        scan.skip().map(|_| ())
    }
}

/// What tells of a bare resource what it is, and what it is called.
#[derive(Default)]
struct Seen {
    hosts: bool,
    routes: bool,
    listener: bool,
    /// The names by their members, in the order in which they count.
    cluster_name: [Option<String>; 2],
    name: Option<String>,
    members: [bool; 2],
}

impl Seen {
    fn of(scan: &mut Scan<'_>) -> Passed<Self> {
        let mut seen = Self::default();
        scan.members(&mut |scan, key| {
            match text(key).as_deref().unwrap_or_default() {
                "hostStatuses" | "host_statuses" => seen.hosts = true,
                "virtualHosts" | "virtual_hosts" => seen.routes = true,
                "filterChains" | "filter_chains" | "listenerFilters" | "defaultFilterChain" => seen.listener = true,
                "clusterName" => {
                    seen.members[0] = true;
                    seen.cluster_name[0] = scan.text()?;
                    return Ok(());
                }
                "cluster_name" => {
                    seen.members[0] = true;
                    seen.cluster_name[1] = scan.text()?;
                    return Ok(());
                }
                "name" => {
                    seen.members[1] = true;
                    seen.name = scan.text()?;
                    return Ok(());
                }
                _ => {}
            }
            scan.skip().map(|_| ())
        })?;
        Ok(seen)
    }

    fn section(&self) -> Option<Section> {
        let [is_of_cluster, is_named] = self.members;
        if self.hosts {
            Some(Section::ClusterStatuses)
        } else if self.routes {
            Some(Section::DynamicRouteConfigs)
        } else if self.listener {
            Some(Section::DynamicListeners)
        } else if is_of_cluster {
            Some(Section::DynamicEndpointConfigs)
        } else if is_named {
            Some(Section::DynamicActiveClusters)
        } else {
            None
        }
    }

    fn name(self, section: Section) -> String {
        let [camel, snake] = self.cluster_name;
        match section.group() {
            Group::Listeners => self.name.unwrap_or_default(),
            Group::Routes
            | Group::Clusters
            | Group::Endpoints
            | Group::Secrets
            | Group::Extensions
            | Group::Scopes
            | Group::Hosts => camel.or(snake).or(self.name).unwrap_or_default(),
        }
    }
}

/// A listener without a name goes by its address; empty where it has none.
fn address_of(element: &[u8]) -> String {
    let element: Option<Value> = serde_json::from_slice(element).ok();
    let of = |listener: &Value| {
        let socket = listener.pointer("/address/socket_address").or(listener.pointer("/address/socketAddress"))?;
        let port = socket.get("port_value").or(socket.get("portValue"))?;
        Some(format!("{}:{port}", socket.get("address")?.as_str()?))
    };
    let of_element = |element: &Value| {
        let inner = element.get("listener").or(element.pointer("/active_state/listener"));
        of(inner.unwrap_or(element))
    };
    element.as_ref().and_then(of_element).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn index(text: impl Into<Vec<u8>>, what: &'static str) -> Result<Indexed, BodyError> {
        super::index(&Bytes::from(text.into()), what)
    }

    const DUMP: &str = r#"{"configs": [
        {"@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump", "bootstrap": {"node": {"id": "n"}}},
        {"static_clusters": [{"cluster": {"@type": "x", "name": "s"}}],
         "dynamicActiveClusters": [{"version_info": "1", "cluster": {"name": "a|b", "type": "EDS"}}, {"last_updated": "t"}],
         "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump"},
        {"@type": "type.googleapis.com/envoy.admin.v3.RoutesConfigDump"}]}"#;

    #[test]
    fn names_and_places_are_found() {
        let indexed = index(DUMP, "a config dump").unwrap();
        let names = |section| indexed.entries.of(section).map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(Section::DynamicActiveClusters), ["", "a|b"]);
        assert_eq!(names(Section::StaticClusters), ["s"]);
        let active = indexed.entries.get(Section::DynamicActiveClusters, "a|b").unwrap();
        assert_eq!(active.value()["cluster"]["type"], "EDS");
        assert_eq!(indexed.groups, [Group::Clusters, Group::Routes]);
        assert_eq!(indexed.node.unwrap()["id"], "n");
    }

    #[test]
    fn a_bad_body_says_how_it_is_bad() {
        assert_eq!(index(Vec::new(), "a dump").unwrap_err(), BodyError::Empty);
        assert_eq!(index("{}", "a dump").unwrap_err(), BodyError::NotThis("a dump"));
        assert_eq!(index("[1]", "a dump").unwrap_err(), BodyError::NotThis("a dump"));
        assert!(matches!(index(&DUMP[..300], "a dump").unwrap_err(), BodyError::CutOff(4, _)));
        assert!(matches!(index("hello", "a dump").unwrap_err(), BodyError::NotJson(_)));
    }

    #[test]
    fn there_are_not_millions_of_listeners() {
        let many = |count: usize| {
            let all: Vec<String> = (0..count).map(|i| format!("{{\"name\":\"{i}\"}}")).collect();
            format!("{{\"configs\": [{{\"dynamic_listeners\": [{}]}}]}}", all.join(",")).into_bytes()
        };
        assert!(index(many(LISTENERS), "a dump").is_ok());
        assert_eq!(index(many(LISTENERS + 1), "a dump").unwrap_err(), BodyError::TooMuch);
    }

    #[test]
    fn of_endpoints_without_a_name_one_alone_counts() {
        let has = |list: &str| {
            let body = format!(r#"{{"configs": [{{"dynamic_endpoint_configs": [{list}]}}]}}"#);
            let indexed = index(body.into_bytes(), "a dump").unwrap();
            indexed.entries.get(Section::DynamicEndpointConfigs, "").is_some()
        };
        let one = r#"{"endpoint_config": {"endpoints": []}}"#;
        assert!(has(one) && !has(&format!("{one}, {one}")));
    }

    #[test]
    fn clusters_are_indexed_by_name() {
        let indexed = index(r#"{"cluster_statuses": [{"name": "x", "host_statuses": []}]}"#, "x").unwrap();
        assert!(indexed.entries.get(Section::ClusterStatuses, "x").is_some());
        assert_eq!(indexed.groups, [Group::Hosts]);
    }

    #[test]
    fn an_envoy_without_clusters_answers_too() {
        for none in ["{}", " {\n} ", r#"{"cluster_statuses": []}"#] {
            let indexed = index(none, "an answer of /clusters").unwrap();
            assert!(!indexed.entries.has_any(Section::ClusterStatuses) && indexed.groups == [Group::Hosts], "{none}");
        }
        assert!(index("{}", "a config dump").is_err());
        assert!(index("[]", "an answer of /clusters").is_err());
    }

    #[test]
    fn a_list_of_resources_is_put_into_sections() {
        let list = r#"[{"name": "0.0.0.0_80", "filterChains": []}, {"name": "80", "virtualHosts": []}, 7,
            {"name": "outbound|80||a", "type": "EDS"}, {"clusterName": "b", "endpoints": []}, {"name": "c", "hostStatuses": []},
            {"filterChains": [], "address": {"socketAddress": {"address": "10.0.0.1", "portValue": 80}}}]"#;
        let indexed = index_list(&Bytes::from(list.as_bytes().to_vec())).unwrap();
        let value = |section, name: &str| indexed.entries.get(section, name).unwrap().value();
        let listener = value(Section::DynamicListeners, "0.0.0.0_80");
        assert_eq!(listener["active_state"]["listener"]["name"], "0.0.0.0_80");
        assert_eq!(listener["name"], "0.0.0.0_80");
        assert_eq!(value(Section::DynamicListeners, "10.0.0.1:80")["name"], "");
        assert_eq!(value(Section::DynamicRouteConfigs, "80")["route_config"]["name"], "80");
        assert_eq!(value(Section::DynamicActiveClusters, "outbound|80||a")["cluster"]["type"], "EDS");
        assert_eq!(value(Section::DynamicEndpointConfigs, "b")["endpoint_config"]["clusterName"], "b");
        assert_eq!(value(Section::ClusterStatuses, "c")["name"], "c");
        assert_eq!(indexed.groups, [Group::Listeners, Group::Routes, Group::Clusters, Group::Endpoints, Group::Hosts]);
    }

    #[test]
    fn bytes_that_are_gone_are_an_error() {
        let gone = Bytes::lying("dump.json".to_owned(), 100, Box::new(|_, _| Err("it changed".to_owned())));
        assert_eq!(super::index(&gone, "a dump").unwrap_err(), BodyError::Unread("it changed".to_owned()));
        assert_eq!(gone.failed(), Some(("dump.json", "it changed")));
    }
}
