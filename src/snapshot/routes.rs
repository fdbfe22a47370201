//! A route configuration, taken apart no further than a request's way through it goes.
//!
//! A shared port of a big mesh has thousands of virtual hosts, and a virtual host can have thousands of routes. So the
//! lists stay raw: of a virtual host no more is read than its domains, of a route no more than its match, and each only
//! once for a snapshot, however often it is walked.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::entries::Entry;
use super::need::Origin;
use super::node::Node;
use super::path::Segment;
use super::scan::{Fault, Passed, Scan, text};
use crate::envoy::domains::Domains;
use crate::envoy::fields::snake;
use crate::envoy::pb::envoy::config::route::v3::{Route, RouteConfiguration, RouteMatch, VirtualHost};
use crate::envoy::route_paths::RoutePaths;

/// A route configuration and its virtual hosts.
#[derive(Debug)]
pub struct RouteTable {
    list: List,
    domains: Domains,
    hosts: Vec<OnceLock<Result<Arc<HostTable>, String>>>,
}

/// A virtual host and its routes.
#[derive(Debug)]
pub struct HostTable {
    list: List,
    matches: Vec<OnceLock<Result<Option<RouteMatch>, String>>>,
    paths: OnceLock<RoutePaths>,
    whole: Entry,
}

/// A message that has a list, and the list's elements as they lie in the body.
#[derive(Debug)]
struct List {
    /// The message without the list.
    rest: Node,
    /// The list's address.
    at: String,
    items: Vec<Entry>,
}

impl RouteTable {
    /// The one in an element of `dynamic_route_configs`, whose address is `base`.
    pub(super) fn delivered(origin: Origin, query: &str, base: &str, entry: &Entry) -> Result<Self, String> {
        if let Some(list) = List::lying(origin, query, base, entry) {
            return Self::new(list);
        }
        let entry = &entry.kept();
        let bytes = entry.bytes();
        let element: Element = serde_json::from_slice(&bytes).map_err(|e| format!("{base}: {e}"))?;
        let (key, parts) = match (element.route_config, element.camel) {
            (Some(parts), _) => ("route_config", parts),
            (None, Some(parts)) => ("routeConfig", parts),
            (None, None) => return Err(format!("{base}: there is no route configuration")),
        };
        let base = format!("{base}{}", Segment::Key(key.to_owned()));
        Self::new(List::new(origin, query, &base, entry, parts))
    }

    /// One that stands in a connection manager's configuration.
    pub fn inline(node: &Node) -> Result<Self, String> {
        let entry = Entry::made(node.value().clone());
        let bytes = entry.bytes();
        let parts = parts(&bytes, &node.address())?;
        Self::new(List::new(node.origin(), node.query(), &node.address(), &entry, parts))
    }

    fn new(list: List) -> Result<Self, String> {
        let mut domains = Domains::default();
        for (i, host) in list.items.iter().enumerate() {
            let of_host = names(host).map_err(|why| format!("{}[{i}]: {why}", list.at))?.domains;
            for domain in &of_host {
                domains.insert(domain, i);
            }
        }
        let hosts = list.items.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { list, domains, hosts })
    }

    /// The configuration without its virtual hosts.
    pub fn node(&self) -> &Node {
        &self.list.rest
    }

    /// The same, decoded.
    pub fn decode(&self) -> Result<RouteConfiguration, String> {
        self.list.rest.decode()
    }

    /// Which virtual host has which domains.
    pub fn domains(&self) -> &Domains {
        &self.domains
    }

    /// How many virtual hosts there are.
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// A virtual host, by its number; an error where it could not be taken apart, or is not there.
    pub fn host(&self, i: usize) -> Result<Arc<HostTable>, String> {
        let (Some(cell), Some(entry)) = (self.hosts.get(i), self.list.items.get(i)) else {
            return Err(format!("{}[{i}]: there is no such virtual host", self.list.at));
        };
        cell.get_or_init(|| HostTable::new(&self.list, i, entry).map(Arc::new)).clone()
    }

    /// The names of all virtual hosts.
    pub fn names(&self) -> Vec<String> {
        self.list.items.iter().map(|host| names(host).unwrap_or_default().name).collect()
    }
}

impl HostTable {
    fn new(of: &List, i: usize, entry: &Entry) -> Result<Self, String> {
        let base = format!("{}{}", of.at, Segment::Index(i));
        let entry = entry.kept();
        let bytes = entry.bytes();
        let parts = parts(&bytes, &base)?;
        let list = List::new(of.rest.origin(), of.rest.query(), &base, &entry, parts);
        let matches = list.items.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { list, matches, paths: OnceLock::new(), whole: entry.clone() })
    }

    /// The virtual host without its routes.
    pub fn node(&self) -> &Node {
        &self.list.rest
    }

    /// The same, decoded.
    pub fn decode(&self) -> Result<VirtualHost, String> {
        self.list.rest.decode()
    }

    /// The virtual host with its routes, however many.
    pub fn whole(&self) -> Node {
        Node::new(self.node().origin(), self.node().query(), &self.node().address(), self.whole.value())
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.matches.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.matches.is_empty()
    }

    /// What a route wants of a request; `None` where it has no match.
    pub fn wanted(&self, i: usize) -> Result<Option<&RouteMatch>, String> {
        let (Some(cell), Some(entry)) = (self.matches.get(i), self.list.items.get(i)) else {
            return Err(format!("{}[{i}]: there is no such route", self.list.at));
        };
        let decoded = cell.get_or_init(|| decode::<Wanted>(entry, &self.list.at, i).map(|route| route.wanted));
        decoded.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// The routes that can take a path, in their order: the path of no other matches.
    pub fn taking(&self, path: &str) -> Vec<usize> {
        let of_all = || {
            let mut paths = RoutePaths::default();
            (0..self.len()).for_each(|i| paths.push(self.wanted(i).ok().flatten()));
            paths
        };
        self.paths.get_or_init(of_all).taking(path)
    }

    /// What a route does with the requests that it takes, taken apart no further than to tell whether two do the same.
    pub fn way(&self, i: usize) -> Result<RouteWay, String> {
        self.read(i)
    }

    /// A route, decoded.
    pub fn route(&self, i: usize) -> Result<Route, String> {
        self.read(i)
    }

    /// As much of a route as `T` has.
    fn read<T: DeserializeOwned>(&self, i: usize) -> Result<T, String> {
        let entry = self.list.items.get(i).ok_or_else(|| format!("{}[{i}]: there is no such route", self.list.at))?;
        decode(entry, &self.list.at, i)
    }

    /// A route's place.
    pub fn route_node(&self, i: usize) -> Option<Node> {
        let base = format!("{}{}", self.list.at, Segment::Index(i));
        Some(Node::new(self.node().origin(), self.node().query(), &base, self.list.items.get(i)?.value()))
    }
}

fn decode<T: DeserializeOwned>(entry: &Entry, list: &str, i: usize) -> Result<T, String> {
    serde_json::from_slice(&entry.bytes()).map_err(|e| format!("{list}[{i}]: {e}"))
}

impl List {
    fn new(origin: Origin, query: &str, base: &str, entry: &Entry, parts: Parts) -> Self {
        let at = format!("{base}{}", Segment::Key(parts.key));
        let rest = Node::new(origin, query, base, Arc::new(Value::Object(parts.rest)));
        let bytes = entry.bytes();
        let part = |raw: &RawValue| {
            // The text borrows from the bytes, so its place there is the distance of the two addresses.
            let start = raw.get().as_ptr().addr().wrapping_sub(bytes.as_ptr().addr()) as u64;
            entry.part(start..start.saturating_add(raw.get().len() as u64))
        };
        Self { rest, at, items: parts.items.into_iter().map(part).collect() }
    }

    /// The one of a route configuration, whose virtual hosts stay where they lie; `None` where it is not as it should be.
    fn lying(origin: Origin, query: &str, base: &str, entry: &Entry) -> Option<Self> {
        let mut scan = entry.scan();
        let mut found = None;
        if entry.is_bare() {
            found = Some(("route_config".to_owned(), Places::of(&mut scan).ok()?));
        } else {
            let read = scan.members(&mut |scan, key| match text(key).as_deref() {
                Some(key @ ("route_config" | "routeConfig")) if found.is_none() => {
                    found = Some((key.to_owned(), Places::of(scan)?));
                    Ok(())
                }
                Some("route_config" | "routeConfig") | None => Err(Fault::Shape),
                Some(_) => scan.skip().map(|_| ()),
            });
            read.ok()?;
        }
        let (key, places) = found?;
        let base = format!("{base}{}", Segment::Key(key));
        let mut rest = Map::new();
        for (key, range) in places.rest {
            rest.insert(key, serde_json::from_slice(&entry.part(range).bytes()).ok()?);
        }
        let at = format!("{base}{}", Segment::Key(places.key));
        let rest = Node::new(origin, query, &base, Arc::new(Value::Object(rest)));
        Some(Self { rest, at, items: places.items.into_iter().map(|range| entry.part(range)).collect() })
    }
}

/// What a route does with the requests that it takes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RouteWay {
    /// How it ends requests by itself, where it does; redirects to different places are the same.
    pub ends: Option<String>,
    /// All that is configured of it but which requests it takes and what it is called, as text.
    pub does: String,
    /// Whether filters are configured by it.
    pub configures_filters: bool,
}

impl<'de> Deserialize<'de> for RouteWay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// As much of an answer as tells it apart from others.
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Ending {
            #[serde(alias = "responseCode")]
            response_code: Value,
            status: Value,
        }
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = RouteWay;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a route")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RouteWay, A::Error> {
                let mut way = RouteWay { ends: None, does: String::new(), configures_filters: false };
                while let Some(key) = map.next_key::<String>()? {
                    let key = snake(&key);
                    match key.as_str() {
                        "name" | "match" | "metadata" | "decorator" | "stat_prefix" => {
                            map.next_value::<IgnoredAny>()?;
                        }
                        "redirect" | "direct_response" => {
                            let Ending { response_code, status } = map.next_value()?;
                            way.ends = Some(format!("{key} {response_code} {status}"));
                        }
                        _ => {
                            let value: &RawValue = map.next_value()?;
                            let text = value.get();
                            way.configures_filters |= key == "typed_per_filter_config"
                                || text.contains("per_filter_config")
                                || text.contains("PerFilterConfig");
                            for part in [key.as_str(), " ", text, "\n"] {
                                way.does.push_str(part);
                            }
                        }
                    }
                }
                Ok(way)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// As much of a route as says which requests it takes.
#[derive(Deserialize)]
struct Wanted {
    #[serde(rename = "match")]
    wanted: Option<RouteMatch>,
}

/// An element of `dynamic_route_configs`, in either spelling.
#[derive(Deserialize)]
struct Element<'a> {
    #[serde(borrow)]
    route_config: Option<Parts<'a>>,
    #[serde(borrow, rename = "routeConfig")]
    camel: Option<Parts<'a>>,
}

/// A route configuration or a virtual host: its list, and what else it has.
struct Parts<'a> {
    key: String,
    items: Vec<&'a RawValue>,
    rest: Map<String, Value>,
}

fn parts<'a>(bytes: &'a [u8], base: &str) -> Result<Parts<'a>, String> {
    serde_json::from_slice(bytes).map_err(|e| format!("{base}: {e}"))
}

impl<'de: 'a, 'a> Deserialize<'de> for Parts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TakeApart;

        impl<'de> Visitor<'de> for TakeApart {
            type Value = Parts<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a route configuration or a virtual host")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts<'de>, A::Error> {
                let mut parts = Parts { key: String::new(), items: Vec::new(), rest: Map::new() };
                while let Some(key) = map.next_key::<String>()? {
                    if matches!(snake(&key).as_str(), "virtual_hosts" | "routes") {
                        parts.items = map.next_value::<Option<Vec<&RawValue>>>()?.unwrap_or_default();
                        parts.key = key;
                    } else {
                        let value = map.next_value()?;
                        parts.rest.insert(key, value);
                    }
                }
                Ok(parts)
            }
        }

        deserializer.deserialize_map(TakeApart)
    }
}

/// Where the same lie.
#[derive(Default)]
struct Places {
    key: String,
    items: Vec<Range<u64>>,
    rest: Vec<(String, Range<u64>)>,
}

impl Places {
    fn of(scan: &mut Scan<'_>) -> Passed<Self> {
        let mut places = Self::default();
        scan.members(&mut |scan, key| {
            let key = text(key).ok_or(Fault::Syntax)?.into_owned();
            if matches!(snake(&key).as_str(), "virtual_hosts" | "routes") {
                places.key = key;
                return scan.elements(&mut |scan| {
                    places.items.push(scan.skip()?);
                    Ok(())
                });
            }
            places.rest.push((key, scan.skip()?));
            Ok(())
        })?;
        Ok(places)
    }
}

/// What a virtual host goes by.
#[derive(Default)]
struct Names {
    name: String,
    domains: Vec<String>,
}

/// Reads no further than the domains, which come before the routes.
fn names(host: &Entry) -> Result<Names, String> {
    let mut found = FindNames { names: Names::default(), is_complete: false };
    let bytes = host.bytes();
    let mut json = serde_json::Deserializer::from_slice(&bytes);
    match (&mut json).deserialize_map(&mut found) {
        Err(why) if !found.is_complete => Err(why.to_string()),
        Ok(()) | Err(_) => Ok(found.names),
    }
}

struct FindNames {
    names: Names,
    is_complete: bool,
}

impl<'de> Visitor<'de> for &mut FindNames {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a virtual host")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut named, mut listed) = (false, false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "name" => {
                    self.names.name = map.next_value()?;
                    named = true;
                }
                "domains" => {
                    self.names.domains = map.next_value()?;
                    listed = true;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if named && listed {
                self.is_complete = true;
                // The rest was read through already.
                return Err(A::Error::custom("found"));
            }
        }
        Ok(())
    }
}
