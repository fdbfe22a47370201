//! A case in which some fields are others.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::{Value, json};

use super::places::{self, Place, Root, Step, is_left_alone};
use super::values::{Values, Words};
use crate::api::{Field, Times};
use crate::case::Case;
use crate::config::{ACCEPTING, Config};
use crate::generate::rng::Rng;
use crate::pair::{Protocol, Request};

/// So many requests of a case are sent, and so many that differ from one of them.
const OF_THE_CASE: usize = 6;
const CHANGED: usize = 3;

/// One field that is another.
#[derive(Clone, Debug)]
pub(crate) struct Mutation {
    /// The field, after its message's name.
    pub(crate) field: String,
    pub(crate) root: Root,
    /// Of the message.
    pub(crate) path: Vec<Step>,
    pub(crate) key: String,
    pub(crate) change: Change,
}

/// What becomes of a field.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// It is this, and those are gone: of them one alone is set.
    Set(Value, Vec<String>),
    Gone,
    /// A list twice.
    Doubled,
    Reversed,
}

/// A configuration, and what is sent through it.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    seed: Config,
    pub(crate) mutations: Vec<Mutation>,
    pub(crate) requests: Vec<Request>,
}

impl Mutant {
    /// One to three mutations. `None` where there is nothing to set.
    pub(crate) fn by_chance(rng: &mut Rng, values: &Values<'_>, case: &Case) -> Option<Self> {
        let requests = requests(rng, case);
        let count = *rng.pick(&[1, 1, 1, 2, 2, 3]);
        let mut mutant = Self { seed: case.config.clone(), mutations: Vec::new(), requests };
        for _ in 0..count {
            let config = mutant.config()?;
            let mutation = (0..20).find_map(|_| mutation(rng, values, case, &config));
            mutant.mutations.extend(mutation);
        }
        (!mutant.mutations.is_empty() && !mutant.requests.is_empty()).then_some(mutant)
    }

    /// The names of its fields, each after its message's.
    pub(crate) fn fields(&self) -> Vec<String> {
        self.mutations.iter().map(|mutation| mutation.field.clone()).collect()
    }

    /// The configuration; `None` where a place of a mutation is not there any more.
    pub(crate) fn config(&self) -> Option<Config> {
        let mut config = self.seed.clone();
        for mutation in &self.mutations {
            mutation.apply(&mut config)?;
        }
        name_routes(&mut config);
        config.listeners.iter_mut().filter(|listener| listener["name"] != ACCEPTING).for_each(name_chains);
        Some(config)
    }

    /// Whether it sends nothing out of the machine: a name may be asked for nowhere, and every address is a loopback's.
    pub(crate) fn stays_at_home(&self) -> bool {
        let before: BTreeSet<String> = resources(&self.seed).iter().flat_map(|(_, value)| addresses(value)).collect();
        let Some(config) = self.config() else { return false };
        let all: Vec<(Root, &Value)> = resources(&config);
        all.iter().all(|(root, value)| {
            let asks = matches!(root, Root::Cluster(_)) && value.to_string().contains("_DNS");
            let at_home = |text: &String| text.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
            addresses(value).iter().all(|text| at_home(text) || (!asks && before.contains(text)))
        })
    }

    /// Whether its ranges hold the same clients in the mesh, where each 127.x.y.z is 10.x.y.z, as they do here: the client
    /// seems to come from 10.244.0.9 in both.
    pub(crate) fn keeps_its_ranges(&self) -> bool {
        self.config().is_some_and(|config| !resources(&config).iter().any(|(_, value)| has_wide_range(value)))
    }
}

impl Mutation {
    fn apply(&self, config: &mut Config) -> Option<()> {
        let root = resource_mut(config, self.root)?;
        let message = places::at(root, &self.path)?.as_object_mut()?;
        match &self.change {
            Change::Set(value, others) => {
                for other in others {
                    message.remove(other);
                }
                message.insert(self.key.clone(), value.clone());
            }
            Change::Gone => drop(message.remove(&self.key)?),
            Change::Doubled => {
                let list = message.get_mut(&self.key)?.as_array_mut()?;
                list.extend(list.clone());
            }
            Change::Reversed => message.get_mut(&self.key)?.as_array_mut()?.reverse(),
        }
        Some(())
    }
}

fn mutation(rng: &mut Rng, values: &Values<'_>, case: &Case, config: &Config) -> Option<Mutation> {
    let all = resources(config);
    let mut by_message: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    for (root, value) in &all {
        for place in places::of(values.api, *root, value) {
            by_message.entry(place.message.clone()).or_default().push(place);
        }
    }
    // Every field of every message that stands here is as likely.
    let fields = |name: &String| -> Vec<&Field> {
        let all = values.api.message(name).into_iter().flat_map(|message| &message.fields);
        all.filter(|field| !is_left_alone(name, &field.name)).collect()
    };
    let open: Vec<(&String, &Field)> =
        by_message.keys().flat_map(|name| fields(name).into_iter().map(move |field| (name, field))).collect();
    if open.is_empty() {
        return None;
    }
    let (message, field) = *rng.pick(&open);
    let place = rng.pick(&by_message[message]).clone();
    let mut root = all.iter().find(|(root, _)| *root == place.root)?.1.clone();
    let owner = places::at(&mut root, &place.path)?;
    let sent = case.pairs.iter().flat_map(|pair| sent(&pair.request));
    let words = Words::of(all.iter().map(|(_, value)| *value), sent);
    let change = change(rng, values, &words, (message, field), owner)?;
    let full = format!("{message}.{}", field.name);
    Some(Mutation { field: full, root: place.root, path: place.path, key: field.name.clone(), change })
}

fn change(
    rng: &mut Rng,
    values: &Values<'_>,
    words: &Words,
    (message, field): (&str, &Field),
    owner: &Value,
) -> Option<Change> {
    let now = owner.get(&field.name);
    if let Some(now) = now {
        let several = now.as_array().is_some_and(|items| items.len() > 1);
        match rng.below(10) {
            0..3 => return Some(Change::Gone),
            3 if field.times == Times::List => return Some(Change::Doubled),
            4 if several => return Some(Change::Reversed),
            _ => {}
        }
    }
    let mut value = values.value(rng, words, message, field)?;
    if let (Some(Value::Array(now)), Value::Array(more)) = (now, &mut value)
        && rng.chance(60)
    {
        // Beside what is there, before it or behind.
        let at = if rng.chance(60) { 0 } else { more.len() };
        more.splice(at..at, now.clone());
        if at == 0 && rng.chance(50) {
            more.rotate_left(now.len());
        }
    }
    (now != Some(&value)).then_some(())?;
    let others = values.api.message(message).into_iter().flat_map(|message| &message.fields);
    let same = |other: &&Field| other.oneof.is_some() && other.oneof == field.oneof && other.name != field.name;
    Some(Change::Set(value, others.filter(same).map(|other| other.name.clone()).collect()))
}

/// Of the case, and a few with a changed path, host, header, method.
fn requests(rng: &mut Rng, case: &Case) -> Vec<Request> {
    let mut all: Vec<Request> =
        case.pairs.iter().filter(|pair| pair.ask_after == 0).map(|pair| pair.request.clone()).collect();
    rng.shuffle(&mut all);
    let words: Vec<String> = case.pairs.iter().flat_map(|pair| sent(&pair.request)).collect();
    let mut chosen: Vec<Request> = all.iter().take(OF_THE_CASE).cloned().collect();
    for _ in 0..CHANGED {
        let http: Vec<&Request> = all.iter().filter(|request| request.is_http()).collect();
        if http.is_empty() {
            break;
        }
        let mut request = (*rng.pick(&http)).clone();
        changed(rng, &words, &mut request);
        chosen.push(request);
    }
    chosen
}

fn changed(rng: &mut Rng, words: &[String], request: &mut Request) {
    match rng.below(6) {
        0 => request.path = format!("{}/more", request.path.trim_end_matches('/')),
        1 => request.path = format!("{}{}", request.path, rng.pick(&["?a=1", "/", "//", "/../", "%2f", "x"])),
        2 => request.host = Some(rng.word(&["shop", "other.example", "shop:80", "SHOP", "a.b.c"])),
        3 => request.headers.push(rng.word(&[
            "x-a: 1",
            "x-request-id: 1",
            "authorization: Bearer a.b.c",
            "origin: http://a",
            "te: trailers",
        ])),
        4 => request.method = rng.word(&["GET", "POST", "HEAD", "OPTIONS", "PUT"]),
        _ => {
            let word = rng.pick(words);
            if word.contains(": ") {
                request.headers.push(word.clone());
            }
        }
    }
    if request.protocol == Protocol::Grpc {
        request.method = "POST".to_owned();
    }
}

/// What a request says.
fn sent(request: &Request) -> Vec<String> {
    let names = request.fields().flat_map(|(name, value)| [name.to_owned(), value.to_owned()]);
    let own = [request.path.clone(), request.method.clone()];
    own.into_iter()
        .chain(names)
        .chain(request.headers.clone())
        .chain(request.host.clone())
        .chain(request.sni.clone())
        .collect()
}

/// All resources of a configuration.
pub(crate) fn resources(config: &Config) -> Vec<(Root, &Value)> {
    let listeners = config.listeners.iter().enumerate().map(|(index, value)| (Root::Listener(index), value));
    let clusters = config.clusters.iter().enumerate().map(|(index, value)| (Root::Cluster(index), value));
    let named = |all: &'_ [(String, Option<Value>)]| all.len();
    let routes = (0..named(&config.route_configs))
        .filter_map(|index| Some((Root::Routes(index), config.route_configs[index].1.as_ref()?)));
    let assignments = (0..named(&config.assignments))
        .filter_map(|index| Some((Root::Assignment(index), config.assignments[index].1.as_ref()?)));
    listeners.chain(clusters).chain(routes).chain(assignments).collect()
}

fn resource_mut(config: &mut Config, root: Root) -> Option<&mut Value> {
    match root {
        Root::Listener(index) => config.listeners.get_mut(index),
        Root::Cluster(index) => config.clusters.get_mut(index),
        Root::Routes(index) => config.route_configs.get_mut(index)?.1.as_mut(),
        Root::Assignment(index) => config.assignments.get_mut(index)?.1.as_mut(),
    }
}

/// Every filter chain gets a name, for of one without the log may tell nothing.
fn name_chains(listener: &mut Value) {
    let chains = listener.get_mut("filter_chains").and_then(Value::as_array_mut).into_iter().flatten();
    for (number, chain) in chains.enumerate() {
        let Some(chain) = chain.as_object_mut().filter(|chain| !chain.contains_key("name")) else { continue };
        chain.insert("name".to_owned(), json!(format!("chain-{number}")));
    }
}

/// Every route gets a name of its own, for the log tells routes apart by nothing else.
fn name_routes(config: &mut Config) {
    let mut taken = BTreeSet::new();
    let listeners = config.listeners.iter_mut();
    let discovered = config.route_configs.iter_mut().filter_map(|(_, routes)| routes.as_mut());
    listeners.chain(discovered).for_each(|value| name_routes_in(value, &mut taken));
}

fn name_routes_in(value: &mut Value, taken: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let is_route = fields.get("match").is_some_and(Value::is_object)
                && ["route", "redirect", "direct_response", "filter_action", "non_forwarding_action", "name"]
                    .iter()
                    .any(|key| fields.contains_key(*key));
            if is_route {
                let name = fields.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
                let mut own = name.clone();
                while own.is_empty() || !taken.insert(own.clone()) {
                    own = format!("{name}/again-{}", taken.len());
                }
                fields.insert("name".to_owned(), json!(own));
            }
            fields.values_mut().for_each(|field| name_routes_in(field, taken));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| name_routes_in(item, taken)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a range of the loopback's addresses reaches beyond them, or is all of them.
fn has_wide_range(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            let prefix =
                fields.get("address_prefix").and_then(Value::as_str).and_then(|text| text.parse::<IpAddr>().ok());
            let is_wide =
                fields.get("prefix_len").and_then(Value::as_u64).is_some_and(|length| (1..=8).contains(&length));
            (is_wide && prefix.is_some_and(|ip| ip.is_loopback())) || fields.values().any(has_wide_range)
        }
        Value::Array(items) => items.iter().any(has_wide_range),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Every address that is dialed or asked.
fn addresses(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("port_value").or(fields.get("named_port")).and(fields.get("address"));
            let own = own.and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(addresses)).collect()
        }
        Value::Array(items) => items.iter().flat_map(addresses).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}
