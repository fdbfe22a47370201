//! An index over the raw JSON of an admin body: where each named resource lies, and nothing more.
//!
//! A dump of a big mesh is hundreds of megabytes, and a verdict rests on a few kilobytes of it. So the body is
//! kept as it came, read through once, and only what is asked for becomes a [`Value`].

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::Deserializer as _;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::body::{BodyError, TOO_MANY, body_error};
use super::decode;
use super::routes::RouteTable;

/// A list of named resources in an admin body, by the name of its field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Section {
    DynamicListeners,
    StaticListeners,
    DynamicRouteConfigs,
    DynamicActiveClusters,
    StaticClusters,
    DynamicWarmingClusters,
    DynamicEndpointConfigs,
    StaticEndpointConfigs,
    DynamicActiveSecrets,
    StaticSecrets,
    DynamicWarmingSecrets,
    EcdsFilters,
    InlineScopes,
    DynamicScopes,
    ClusterStatuses,
}

/// The sections of one part of the dump: they are read, and missing, together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Group {
    /// `ListenersConfigDump`
    Listeners,
    /// `RoutesConfigDump`
    Routes,
    /// `ClustersConfigDump`
    Clusters,
    /// `EndpointsConfigDump`
    Endpoints,
    /// `SecretsConfigDump`, from which Envoy leaves out what is private
    Secrets,
    /// `EcdsConfigDump`
    Extensions,
    /// `ScopedRoutesConfigDump`
    Scopes,
    /// `/clusters`
    Hosts,
}

/// Section, field, the member that holds the resource (none: the element is the resource), its group.
static SECTIONS: &[(Section, &str, &str, Group)] = &[
    (Section::DynamicListeners, "dynamic_listeners", "", Group::Listeners),
    (Section::StaticListeners, "static_listeners", "listener", Group::Listeners),
    (Section::DynamicRouteConfigs, "dynamic_route_configs", "route_config", Group::Routes),
    (Section::DynamicActiveClusters, "dynamic_active_clusters", "cluster", Group::Clusters),
    (Section::StaticClusters, "static_clusters", "cluster", Group::Clusters),
    (Section::DynamicWarmingClusters, "dynamic_warming_clusters", "cluster", Group::Clusters),
    (Section::DynamicEndpointConfigs, "dynamic_endpoint_configs", "endpoint_config", Group::Endpoints),
    (Section::StaticEndpointConfigs, "static_endpoint_configs", "endpoint_config", Group::Endpoints),
    (Section::DynamicActiveSecrets, "dynamic_active_secrets", "secret", Group::Secrets),
    (Section::StaticSecrets, "static_secrets", "secret", Group::Secrets),
    (Section::DynamicWarmingSecrets, "dynamic_warming_secrets", "secret", Group::Secrets),
    (Section::EcdsFilters, "ecds_filters", "ecds_filter", Group::Extensions),
    (Section::InlineScopes, "inline_scoped_route_configs", "", Group::Scopes),
    (Section::DynamicScopes, "dynamic_scoped_route_configs", "", Group::Scopes),
    (Section::ClusterStatuses, "cluster_statuses", "", Group::Hosts),
];

impl Section {
    /// Every section, in the order in which a dump is written.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        SECTIONS.iter().map(|row| row.0)
    }

    /// The field's name.
    pub(crate) fn field(self) -> &'static str {
        self.row().1
    }

    /// The member of an element that holds the resource; empty when the element itself is it.
    pub(crate) fn member(self) -> &'static str {
        self.row().2
    }

    /// The part of the dump that the section belongs to.
    pub(crate) fn group(self) -> Group {
        self.row().3
    }

    fn row(self) -> &'static (Section, &'static str, &'static str, Group) {
        SECTIONS.iter().find(|row| row.0 == self).unwrap_or(&SECTIONS[0])
    }

    /// `istioctl -o json` writes the same bodies with `camelCase` names.
    fn of(field: &str) -> Option<Self> {
        SECTIONS.iter().find(|row| row.1 == field || camel(row.1) == field).map(|row| row.0)
    }
}

impl Group {
    /// The `@type` of the group's section in a dump, without the URL's beginning.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Listeners => "envoy.admin.v3.ListenersConfigDump",
            Self::Routes => "envoy.admin.v3.RoutesConfigDump",
            Self::Clusters => "envoy.admin.v3.ClustersConfigDump",
            Self::Endpoints => "envoy.admin.v3.EndpointsConfigDump",
            Self::Secrets => "envoy.admin.v3.SecretsConfigDump",
            Self::Extensions => "envoy.admin.v3.EcdsConfigDump",
            Self::Scopes => "envoy.admin.v3.ScopedRoutesConfigDump",
            Self::Hosts => "envoy.admin.v3.Clusters",
        }
    }

    /// Every group.
    pub(crate) fn all() -> [Self; 8] {
        [
            Self::Listeners,
            Self::Routes,
            Self::Clusters,
            Self::Endpoints,
            Self::Secrets,
            Self::Extensions,
            Self::Scopes,
            Self::Hosts,
        ]
    }
}

/// One element of a section: its bytes, and what somebody once asked of it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    body: Arc<Vec<u8>>,
    range: Range<usize>,
    value: OnceLock<Arc<Value>>,
    routes: OnceLock<Arc<RouteTable>>,
}

impl Entry {
    /// An element that did not come as JSON.
    pub(crate) fn made(value: Value) -> Self {
        let cell = OnceLock::new();
        let body = value.to_string().into_bytes();
        let range = 0..body.len();
        let _ = cell.set(Arc::new(value));
        Self { body: Arc::new(body), range, value: cell, routes: OnceLock::new() }
    }

    /// A part of a body: `text` borrows from it, so its place there is the distance of the two addresses.
    fn lying(body: &Arc<Vec<u8>>, text: &str) -> Self {
        let start = text.as_ptr().addr().wrapping_sub(body.as_ptr().addr());
        let range = start..start.saturating_add(text.len());
        Self { body: Arc::clone(body), range, value: OnceLock::new(), routes: OnceLock::new() }
    }

    /// A part of this element, which `text` borrows from.
    pub(super) fn part(&self, text: &str) -> Self {
        Self::lying(&self.body, text)
    }

    /// The element as a route configuration. What `make` takes apart once stays so.
    pub(super) fn routes(&self, make: impl FnOnce() -> Result<RouteTable, String>) -> Result<Arc<RouteTable>, String> {
        if let Some(made) = self.routes.get() {
            return Ok(Arc::clone(made));
        }
        let made = Arc::new(make()?);
        Ok(Arc::clone(self.routes.get_or_init(|| made)))
    }

    /// The element's JSON.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.body.get(self.range.clone()).unwrap_or_default()
    }

    /// As much of the element as `T` has; nothing of it stays.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(self.bytes()).ok()
    }

    /// The element as a value. It was found to be JSON when the body was read through.
    pub(crate) fn value(&self) -> Arc<Value> {
        let read = || Arc::new(decode::value(self.bytes(), "a resource").unwrap_or_default());
        Arc::clone(self.value.get_or_init(read))
    }
}

/// What a body holds.
#[derive(Default, Debug)]
pub(crate) struct Indexed {
    /// The elements by section and name; those without a name have an empty one. Of two the last one counts.
    pub(crate) entries: BTreeMap<(Section, String), Entry>,
    /// The parts of the dump that the body has, be they empty.
    pub(crate) groups: Vec<Group>,
    /// The bootstrap's node, from which a bare dump tells whose it is.
    pub(crate) node: Option<Value>,
    /// The API that the body speaks.
    pub(crate) form: Form,
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

/// Reads through a `/config_dump` or `/clusters?format=json` body.
pub(crate) fn index(body: Vec<u8>, what: &'static str) -> Result<Indexed, BodyError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(BodyError::Empty);
    }
    if what == "an answer of /clusters" && super::is_empty_dump(&body) {
        // What Envoy's /clusters says where there is none.
        return Ok(Indexed { groups: vec![Group::Hosts], ..Indexed::default() });
    }
    let body = Arc::new(body);
    let mut indexed = Indexed::default();
    let mut top = Top { body: &body, indexed: &mut indexed, known: false };
    let mut json = serde_json::Deserializer::from_slice(&body);
    let read = (&mut json).deserialize_any(&mut top);
    let known = top.known;
    read.and_then(|()| json.end()).map_err(|e| body_error(&e, what))?;
    if known { Ok(indexed) } else { Err(BodyError::NotThis(what)) }
}

fn camel(field: &str) -> String {
    let mut name = String::with_capacity(field.len());
    let mut up = false;
    for c in field.chars() {
        match c {
            '_' => up = true,
            c if up => {
                name.push(c.to_ascii_uppercase());
                up = false;
            }
            c => name.push(c),
        }
    }
    name
}

/// The outermost object: `configs` of a dump, `cluster_statuses` of `/clusters`.
struct Top<'a> {
    body: &'a Arc<Vec<u8>>,
    indexed: &'a mut Indexed,
    known: bool,
}

impl<'de> Visitor<'de> for &mut Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "configs" {
                self.known = true;
                map.next_value_seed(Configs { body: self.body, indexed: &mut *self.indexed })?;
            } else if let Some(section) = Section::of(&key).filter(|s| s.group() == Group::Hosts) {
                self.known = true;
                self.indexed.groups.push(Group::Hosts);
                map.next_value_seed(Elements { section, body: self.body, indexed: &mut *self.indexed })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// The list of a dump's parts.
struct Configs<'a> {
    body: &'a Arc<Vec<u8>>,
    indexed: &'a mut Indexed,
}

impl<'de> DeserializeSeed<'de> for Configs<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Configs<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the parts of a config dump")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Part { body: self.body, indexed: &mut *self.indexed })?.is_some() {}
        Ok(())
    }
}

/// One part of a dump.
struct Part<'a> {
    body: &'a Arc<Vec<u8>>,
    indexed: &'a mut Indexed,
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a part of a config dump")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if let Some(section) = Section::of(&key) {
                map.next_value_seed(Elements { section, body: self.body, indexed: &mut *self.indexed })?;
            } else if key == "@type" {
                let url = map.next_value::<String>()?;
                let message = url.rsplit('/').next().unwrap_or_default();
                if message.starts_with("envoy.admin.v2alpha.") {
                    self.indexed.form = Form::V2;
                }
                self.indexed.groups.extend(Group::all().into_iter().find(|g| g.message() == message));
            } else if key == "bootstrap" {
                self.indexed.node = map.next_value::<Bootstrap>()?.node;
            } else if key == "dynamic_active_listeners" {
                self.indexed.form = Form::V2;
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[derive(serde::Deserialize)]
struct Bootstrap {
    #[serde(default)]
    node: Option<Value>,
}

/// The length of the smallest resource: `{"name":""}`, or with one member more around it.
const SMALLEST: usize = 11;

/// How many listeners a proxy may have: each is kept with its addresses. The largest meshes have tens of thousands.
const LISTENERS: usize = 50_000;

/// The elements of one section.
struct Elements<'a> {
    section: Section,
    body: &'a Arc<Vec<u8>>,
    indexed: &'a mut Indexed,
}

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of resources")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let (mut count, mut unnamed) = (0, 0);
        while let Some(raw) = seq.next_element::<&'de RawValue>()? {
            // Nothing else can be a resource, and a list may hold millions of other things.
            if !raw.get().starts_with('{') || raw.get().len() < SMALLEST {
                continue;
            }
            count += 1;
            if count > LISTENERS && self.section.group() == Group::Listeners {
                return Err(A::Error::custom(TOO_MANY));
            }
            let mut name = name_of(raw.get(), self.section);
            if name.is_empty() && self.section.group() == Group::Listeners {
                name = address_of(raw.get());
            }
            if name.is_empty() && self.section.group() == Group::Endpoints {
                unnamed += 1;
            }
            self.indexed.entries.insert((self.section, name), Entry::lying(self.body, raw.get()));
        }
        // Of several nobody can tell whose they are.
        if unnamed > 1 {
            self.indexed.entries.remove(&(self.section, String::new()));
        }
        Ok(())
    }
}

/// The resource's name; reads no further than it.
fn name_of(element: &str, section: Section) -> String {
    let mut name = None;
    let mut json = serde_json::Deserializer::from_str(element);
    // Ends in an error as soon as the name is there: the rest was read through already.
    let _ = (&mut json).deserialize_map(FindName { member: section.member(), name: &mut name });
    name.unwrap_or_default()
}

/// A listener without a name goes by its address; empty where it has none.
fn address_of(element: &str) -> String {
    let element: Option<Value> = serde_json::from_str(element).ok();
    let listener = |element: &Value| element.get("listener").or(element.pointer("/active_state/listener")).cloned();
    let of = |listener: Value| {
        let socket = listener.pointer("/address/socket_address").or(listener.pointer("/address/socketAddress"))?;
        let port = socket.get("port_value").or(socket.get("portValue"))?;
        Some(format!("{}:{port}", socket.get("address")?.as_str()?))
    };
    element.as_ref().and_then(listener).and_then(of).unwrap_or_default()
}

struct FindName<'a> {
    member: &'static str,
    name: &'a mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for FindName<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FindName<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a resource")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if self.member.is_empty() && (key == "name" || key == "cluster_name" || key == "clusterName") {
                *self.name = Some(map.next_value()?);
                return Err(A::Error::custom("found"));
            }
            if !self.member.is_empty() && (key == self.member || key == camel(self.member)) {
                return map.next_value_seed(FindName { member: "", name: self.name });
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    const DUMP: &str = r#"{"configs": [
        {"@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump", "bootstrap": {"node": {"id": "n"}}},
        {"static_clusters": [{"cluster": {"@type": "x", "name": "s"}}],
         "dynamicActiveClusters": [{"version_info": "1", "cluster": {"name": "a|b", "type": "EDS"}}, {"last_updated": "t"}],
         "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump"},
        {"@type": "type.googleapis.com/envoy.admin.v3.RoutesConfigDump"}]}"#;

    #[test]
    fn names_and_places_are_found() {
        let indexed = index(DUMP.into(), "a config dump").unwrap();
        let names: Vec<_> = indexed.entries.keys().map(|(s, n)| (*s, n.as_str())).collect();
        let expected = [
            (Section::DynamicActiveClusters, ""),
            (Section::DynamicActiveClusters, "a|b"),
            (Section::StaticClusters, "s"),
        ];
        assert_eq!(names, expected);
        let active = &indexed.entries[&(Section::DynamicActiveClusters, "a|b".to_owned())];
        assert_eq!(active.value()["cluster"]["type"], "EDS");
        assert_eq!(indexed.groups, [Group::Clusters, Group::Routes]);
        assert_eq!(indexed.node.unwrap()["id"], "n");
    }

    #[test]
    fn a_bad_body_says_how_it_is_bad() {
        assert_eq!(index(Vec::new(), "a dump").unwrap_err(), BodyError::Empty);
        assert_eq!(index(b"{}".into(), "a dump").unwrap_err(), BodyError::NotThis("a dump"));
        assert_eq!(index(b"[1]".into(), "a dump").unwrap_err(), BodyError::NotThis("a dump"));
        assert!(matches!(index(DUMP[..300].into(), "a dump").unwrap_err(), BodyError::CutOff(4, _)));
        assert!(matches!(index(b"hello".into(), "a dump").unwrap_err(), BodyError::NotJson(_)));
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
            indexed.entries.contains_key(&(Section::DynamicEndpointConfigs, String::new()))
        };
        let one = r#"{"endpoint_config": {"endpoints": []}}"#;
        assert!(has(one) && !has(&format!("{one}, {one}")));
    }

    #[test]
    fn clusters_are_indexed_by_name() {
        let indexed = index(br#"{"cluster_statuses": [{"name": "x", "host_statuses": []}]}"#.into(), "x").unwrap();
        assert!(indexed.entries.contains_key(&(Section::ClusterStatuses, "x".to_owned())));
        assert_eq!(indexed.groups, [Group::Hosts]);
    }

    #[test]
    fn an_envoy_without_clusters_answers_too() {
        for none in ["{}", " {\n} ", r#"{"cluster_statuses": []}"#] {
            let indexed = index(none.into(), "an answer of /clusters").unwrap();
            assert!(indexed.entries.is_empty() && indexed.groups == [Group::Hosts], "{none}");
        }
        assert!(index(b"{}".into(), "a config dump").is_err());
        assert!(index(b"[]".into(), "an answer of /clusters").is_err());
    }
}
