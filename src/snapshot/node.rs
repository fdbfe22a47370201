//! A value that knows its own address, and the evidence that it gives.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::need::Origin;
use super::path::{Segment, quoted};
use crate::envoy::fields::snake;
use crate::redact::{self, Step};

/// A value inside the snapshot. Descending extends its address.
///
/// Cheap to clone: the document is shared.
#[derive(Clone, Debug)]
pub struct Node {
    origin: Origin,
    query: Arc<str>,
    /// The address of `root` in the body of `query`.
    base: Arc<str>,
    root: Arc<Value>,
    path: Vec<Segment>,
}

/// A fact that was read: a query, a `JSONPath` (RFC 9535) in its body, and the value found there.
///
/// Only a [`Node`], or a look-up that proved something absent, can make one. So no sentence cites a fact that
/// was not read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Evidence {
    origin: Origin,
    query: String,
    path: String,
    value: Option<String>,
}

impl Evidence {
    /// Whom the query was put to.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The canonical query, as it would be asked of the origin.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// Where in the query's body.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value as compact JSON; `None` where the path matches nothing.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Proof that a query was answered and `path` matches nothing in its body.
    pub(super) fn absent(origin: Origin, query: &str, path: String) -> Self {
        Self { origin, query: query.to_owned(), path, value: None }
    }
}

impl Node {
    pub(super) fn new(origin: Origin, query: &str, base: &str, root: Arc<Value>) -> Self {
        Self { origin, query: query.into(), base: base.into(), root, path: Vec::new() }
    }

    /// The value itself.
    pub fn value(&self) -> &Value {
        let mut value = &*self.root;
        for segment in &self.path {
            let inner = match segment {
                Segment::Key(key) => value.get(key),
                Segment::Index(i) => value.get(i),
            };
            value = inner.unwrap_or(&Value::Null);
        }
        value
    }

    /// The member of this name; protobuf's JSON form knows `route_config` as `routeConfig` too.
    pub fn get(&self, key: &str) -> Option<Self> {
        let object = self.value().as_object()?;
        let found = if object.contains_key(key) { key } else { object.keys().find(|k| snake(k) == key)? };
        Some(self.below(Segment::Key(found.to_owned())))
    }

    /// The member at the end of a dotted path of names.
    pub fn at(&self, dotted: &str) -> Option<Self> {
        dotted.split('.').try_fold(self.clone(), |node, key| node.get(key))
    }

    /// The element at this index.
    pub fn index(&self, i: usize) -> Option<Self> {
        self.value().get(i)?;
        Some(self.below(Segment::Index(i)))
    }

    /// The elements of an array; none for anything else.
    pub fn items(&self) -> impl Iterator<Item = Self> {
        let len = self.value().as_array().map_or(0, Vec::len);
        (0..len).map(|i| self.below(Segment::Index(i)))
    }

    /// The elements of the array at the end of a dotted path of names; none where there is no array.
    pub fn list(&self, dotted: &str) -> Vec<Self> {
        self.at(dotted).map(|array| array.items().collect()).unwrap_or_default()
    }

    /// The members of the object at the end of a dotted path that are text, as labels are.
    pub fn labels(&self, dotted: &str) -> Vec<(String, String)> {
        let members = self.at(dotted).map(|map| map.members()).unwrap_or_default();
        members.into_iter().filter_map(|(key, value)| Some((key, value.value().as_str()?.to_owned()))).collect()
    }

    /// The members of an object, in the order of their names.
    pub fn members(&self) -> Vec<(String, Self)> {
        let keys = self.value().as_object().into_iter().flat_map(serde_json::Map::keys);
        keys.map(|key| (key.clone(), self.below(Segment::Key(key.clone())))).collect()
    }

    /// The member of this name as text.
    pub fn text(&self, dotted: &str) -> Option<String> {
        self.at(dotted)?.value().as_str().map(str::to_owned)
    }

    /// Decodes the value as one of Envoy's messages; the error says why it could not be.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, String> {
        T::deserialize(self.value()).map_err(|e| format!("{}: {e}", self.address()))
    }

    /// This value as evidence.
    pub fn evidence(&self) -> Evidence {
        Evidence { origin: self.origin, query: self.query.to_string(), path: self.address(), value: Some(self.shown()) }
    }

    /// This value as compact JSON, without the secrets that are in it.
    pub fn shown(&self) -> String {
        let way = self.path.iter().map(|segment| match segment {
            Segment::Key(key) => Step::Member(key),
            Segment::Index(i) => Step::Element(*i),
        });
        let rule = redact::rule_at(&self.root, way);
        redact::json(&self.value().to_string(), &rule).into_owned()
    }

    /// This value without the secrets that are in it.
    pub fn kept(&self) -> Value {
        let shown = self.shown();
        serde_json::from_str(&shown).unwrap_or(Value::String(shown))
    }

    /// Where the value lies in the object that it was read from: `spec.subsets[0].labels`.
    pub fn place(&self) -> String {
        let place = self.path.iter().fold(String::new(), |path, segment| path + &segment.to_string());
        place.strip_prefix('.').map(str::to_owned).unwrap_or(place)
    }

    /// Evidence that this value has no such member.
    pub fn lacks(&self, dotted: &str) -> Evidence {
        let mut path = self.address();
        for key in dotted.split('.') {
            path.push_str(&Segment::Key(key.to_owned()).to_string());
        }
        Evidence::absent(self.origin, &self.query, path)
    }

    /// Evidence that no element of this array has `field` equal to `text`.
    pub fn lacks_element(&self, field: &str, text: &str) -> Evidence {
        let path = format!("{}[?@.{field}=={}]", self.address(), quoted(text));
        Evidence::absent(self.origin, &self.query, path)
    }

    /// Whom the value was read from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The canonical query in whose body the value lies.
    pub(crate) fn query(&self) -> &str {
        &self.query
    }

    /// The value's `JSONPath` in the body of its query.
    pub(crate) fn address(&self) -> String {
        self.path.iter().fold(self.base.to_string(), |path, segment| path + &segment.to_string())
    }

    fn below(&self, segment: Segment) -> Self {
        let mut node = self.clone();
        node.path.push(segment);
        node
    }
}

#[cfg(test)]
impl Node {
    /// An object, for tests of what objects mean.
    pub(crate) fn of_object(object: Value) -> Self {
        Self::new(Origin::Kubernetes, "/api", "$", Arc::new(object))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::json;

    use super::*;

    fn node() -> Node {
        let root = json!({"routeConfig": {"virtual_hosts": [{"name": "a"}, {"name": "b.c"}]}, "n": 0});
        Node::new(Origin::Source(0), "/q", "$.configs[0]", Arc::new(root))
    }

    #[test]
    fn descending_extends_the_address() {
        let host = node().at("route_config.virtual_hosts").unwrap().index(1).unwrap();
        let evidence = host.get("name").unwrap().evidence();
        assert_eq!(evidence.path(), "$.configs[0].routeConfig.virtual_hosts[1].name");
        assert_eq!(evidence.value(), Some("\"b.c\""));
        assert_eq!(evidence.query(), "/q");
        assert_eq!(host.get("name").unwrap().place(), "routeConfig.virtual_hosts[1].name");
    }

    #[test]
    fn a_value_that_is_told_has_no_secret_in_it() {
        let header = json!({"header": {"key": "authorization", "value": "Basic SEKRIT"}});
        let root = json!({"request_headers_to_add": [header], "n": [1, {"a.b": null}]});
        let node = Node::new(Origin::Source(0), "/q", "$", Arc::new(root.clone()));
        assert!(!node.kept().to_string().contains("SEKRIT"), "{}", node.kept());
        assert_eq!(node.get("n").unwrap().kept(), root["n"]);
    }

    #[test]
    fn what_is_not_there_has_an_address_too() {
        assert!(node().get("missing").is_none());
        let hosts = node().at("route_config.virtual_hosts").unwrap();
        assert_eq!(
            hosts.lacks_element("name", "it's").path(),
            "$.configs[0].routeConfig.virtual_hosts[?@.name=='it\\'s']"
        );
        assert_eq!(node().lacks("a.b-c").path(), "$.configs[0].a['b-c']");
        assert_eq!(node().lacks("a").value(), None);
    }
}
