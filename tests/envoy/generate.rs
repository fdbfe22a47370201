//! Configurations and requests by chance: what nobody thought of.
//!
//! A unit is one small configuration of its own: a listener, what hangs from it, and requests to it. It exercises one
//! layer. Units do not touch one another, so that many can share one Envoy.

mod actions;
mod beside;
mod chains;
mod checked;
mod draft;
mod filters;
mod gates;
pub(crate) mod handshakes;
mod health;
mod hosts;
mod left;
mod manager;
mod matches;
mod mixed;
mod originals;
mod rbac;
pub(crate) mod rng;
mod sockets;
mod subsets;
mod tcp;
mod text;
mod trees;

use serde_json::{Map, Value, json};

use draft::Draft;
use rng::Rng;

/// Of an Envoy: major and minor.
pub(crate) type Version = (u32, u32);

const VERSION_OF_COOKIES: Version = (1, 37);
const VERSION_OF_VHOST_HEADER: Version = (1, 37);
/// Binaries before this one are built without it.
const VERSION_OF_WRR_LOCALITY: Version = (1, 37);
/// Runtime keys that override a share, and with how much of a hundred.
const SHARES: &[(&str, u32)] = &[("share.none", 0), ("share.all", 100), ("share.some", 40)];

/// A cluster that units share, which chance may leave out for long.
pub(crate) const REFUSING: &str = "refusing";

/// What a unit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    Chains,
    Hosts,
    Matches,
    Actions,
    Filters,
    Rbac,
    Health,
    Tcp,
    Gates,
    Subsets,
    Trees,
}

impl Layer {
    pub(crate) const ALL: &[Self] = &[
        Self::Chains,
        Self::Hosts,
        Self::Matches,
        Self::Actions,
        Self::Filters,
        Self::Rbac,
        Self::Health,
        Self::Tcp,
        Self::Gates,
        Self::Subsets,
        Self::Trees,
    ];

    /// In a table.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Chains => "chains",
            Self::Hosts => "hosts",
            Self::Matches => "matches",
            Self::Actions => "actions",
            Self::Filters => "filters",
            Self::Rbac => "rbac",
            Self::Health => "health",
            Self::Tcp => "tcp",
            Self::Gates => "gates",
            Self::Subsets => "subsets",
            Self::Trees => "trees",
        }
    }
}

/// Which addresses a unit may use.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    number: usize,
}

impl Spot {
    pub(crate) fn new(number: usize) -> Self {
        Self { number }
    }

    /// The listener's main address, with this port.
    fn address(&self, port: u16) -> String {
        format!("{}:{port}", self.ip(1))
    }

    /// Of a listener on every address.
    fn own_port(&self) -> u16 {
        20_000 + u16::try_from(self.number).expect("a small number")
    }

    fn ip(&self, last: usize) -> String {
        format!("127.1.{}.{last}", self.number)
    }
}

/// One configuration and its requests, as a case file has them.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub(crate) layer: Layer,
    /// Of its listener, and the beginning of all names that are its own.
    pub(crate) name: String,
    /// `listeners`, `clusters`, `route_configs`, `runtime`.
    pub(crate) short: Map<String, Value>,
    pub(crate) requests: Vec<Value>,
    /// Some hosts refuse, which shows only when it was tried.
    pub(crate) warm: bool,
    pub(crate) spot: Spot,
}

impl Unit {
    /// By chance, of this layer.
    pub(crate) fn by_chance(rng: &mut Rng, layer: Layer, spot: &Spot, version: Version) -> Self {
        let mut unit = match layer {
            Layer::Hosts => hosts::unit(rng, spot, version),
            Layer::Matches => matches::unit(rng, spot, version),
            Layer::Actions => actions::unit(rng, spot),
            Layer::Chains => chains::unit(rng, spot),
            Layer::Filters => filters::unit(rng, spot),
            Layer::Rbac => rbac::unit(rng, spot),
            Layer::Health => health::unit(rng, spot, version),
            Layer::Tcp => tcp::unit(rng, spot, version),
            Layer::Gates => gates::unit(rng, spot),
            Layer::Subsets => subsets::unit(rng, spot, version),
            Layer::Trees => trees::unit(rng, spot),
        };
        mixed::into(rng, &mut unit);
        unit
    }

    /// Sets some of what is said to change nothing.
    pub(crate) fn beside(&mut self, rng: &mut Rng) {
        beside::into(rng, self);
    }

    fn new(layer: Layer, spot: &Spot) -> Self {
        let name = format!("u{}", spot.number);
        Self { layer, name, short: Map::new(), requests: Vec::new(), warm: false, spot: spot.clone() }
    }

    /// Adds the listener: name and address are put in where they are missing.
    fn listen(&mut self, mut listener: Value) {
        let name = self.name.clone();
        let address = self.spot.address(80);
        if let Value::Object(fields) = &mut listener {
            fields.entry("name").or_insert(json!(name));
            fields.entry("address").or_insert(json!(address));
        }
        if let Value::Array(listeners) = self.short.entry("listeners").or_insert_with(|| json!([])) {
            listeners.push(listener);
        }
    }

    fn ask(&mut self, draft: Draft) {
        self.requests.extend(draft.finish());
    }

    fn insert(&mut self, section: &str, key: &str, value: Value) {
        if let Value::Object(fields) = self.short.entry(section).or_insert_with(|| json!({})) {
            fields.insert(key.to_owned(), value);
        }
    }

    /// A cluster that several units share.
    fn cluster(&mut self, name: &str, short: Value) -> String {
        let own = if name == "resting" { format!("{}.{name}", self.name) } else { name.to_owned() };
        self.insert("clusters", &own, short);
        own
    }

    fn own_cluster(&mut self, short: Value) -> String {
        let count = self.short.get("clusters").and_then(Value::as_object).map_or(0, Map::len);
        let name = format!("{}.c{count}", self.name);
        self.insert("clusters", &name, short);
        name
    }

    /// Takes the runtime keys that [`overridden`] names.
    fn runtime(&mut self) {
        for (key, percent) in SHARES {
            self.insert("runtime", key, json!(percent));
        }
    }

    /// One of those with a single host that answers.
    fn live(&mut self, rng: &mut Rng) -> String {
        let host = rng.word(&["a", "b", "c"]);
        self.cluster(&format!("live-{host}"), json!([format!("${host}")]))
    }

    /// One that refuses every connection.
    fn refusing(&mut self) -> String {
        self.warm = true;
        self.cluster(REFUSING, json!(["$refused"]))
    }

    /// A name without a cluster.
    fn missing(&self) -> String {
        format!("{}.missing", self.name)
    }
}

/// A `RuntimeFractionalPercent` gets a key once in a while, which runtime may know.
fn overridden(rng: &mut Rng, fraction: &mut Value) {
    if rng.chance(30) {
        let known = SHARES.iter().map(|(key, _)| *key);
        let keys: Vec<&str> = known.chain(["share.unset"]).collect();
        fraction["runtime_key"] = json!(rng.word(&keys));
    }
}

/// Where the cluster that units share is asked for outright: a listener that is no unit's.
const OUTRIGHT: &str = "127.1.255.1:80";

/// The request that the cluster refuses which chance may leave out.
pub(crate) fn asks_the_refusing() -> Value {
    json!({"to": OUTRIGHT})
}

/// Several units of one Envoy as one case.
pub(crate) fn together(units: &[Unit]) -> Map<String, Value> {
    let mut all = Map::new();
    for unit in units {
        for (section, value) in unit.short.clone() {
            match (all.entry(section).or_insert(Value::Null), value) {
                (Value::Array(all), Value::Array(own)) => all.extend(own),
                (Value::Object(all), Value::Object(own)) => all.extend(own),
                (all, own) => *all = own,
            }
        }
    }
    let refuses = all.get("clusters").is_some_and(|clusters| clusters.get(REFUSING).is_some());
    if let (true, Some(Value::Array(listeners))) = (refuses, all.get_mut("listeners")) {
        let routes = json!([{"match": {"prefix": "/"}, "route": {"cluster": REFUSING}}]);
        listeners.push(json!({"name": "outright", "address": OUTRIGHT, "http": {"routes": routes}}));
    }
    all
}
