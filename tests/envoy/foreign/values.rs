//! Values by chance, of any field of Envoy's API.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::mutant::resources;
use super::places::{self, is_left_alone};
use crate::api::{Api, Field, Holds, Message, Scalar, Standing, Times};
use crate::case::Case;
use crate::generate::rng::Rng;

/// So deep are messages made.
const DEPTH: usize = 3;
/// Values of one message that are remembered.
const REMEMBERED: usize = 60;

/// One that the binary has.
#[derive(Clone, Debug)]
pub(crate) struct Extension {
    name: String,
    /// The message of its configuration.
    message: String,
}

/// What would read files, fetch credentials, ask for names, or needs a server that is none of ours.
const DANGEROUS: &[&str] = &[
    "dynamic_forward_proxy",
    "dns",
    "dynamic_modules",
    "wasm",
    "golang",
    "tap",
    "file",
    "aws",
    "gcp",
    "geoip",
    "redis",
    "quic",
    "udp",
    "dynatrace",
    "datadog",
    "xray",
    "environment",
    "hyperscan",
    "ConnectionManager",
    "TcpProxy",
    "reverse_tunnel",
    "network_namespace",
    "original_src",
    "cares",
    "apple",
];

impl Extension {
    /// By category.
    pub(crate) fn all(info: &Value) -> BTreeMap<String, Vec<Self>> {
        let mut all: BTreeMap<String, Vec<Self>> = BTreeMap::new();
        for one in info["node"]["extensions"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            for message in one["type_urls"].as_array().into_iter().flatten() {
                let (name, message) = (text(&one["name"]), text(message));
                if !DANGEROUS.iter().any(|word| name.contains(word) || message.contains(word)) {
                    all.entry(text(&one["category"])).or_default().push(Self { name, message });
                }
            }
        }
        all
    }
}

/// The category of the extensions that a field holds: of the messages that hold one, and for the others by their names.
const CATEGORIES: &[(&str, &str)] = &[
    ("HttpConnectionManager.http_filters", "envoy.filters.http"),
    ("Route.typed_per_filter_config", "envoy.filters.http"),
    ("VirtualHost.typed_per_filter_config", "envoy.filters.http"),
    ("RouteConfiguration.typed_per_filter_config", "envoy.filters.http"),
    ("ClusterWeight.typed_per_filter_config", "envoy.filters.http"),
    ("HttpFilter.typed_config", "envoy.filters.http"),
    ("listener.v3.Filter.typed_config", "envoy.filters.network"),
    ("ListenerFilter.typed_config", "envoy.filters.listener"),
    ("cluster.v3.Filter.typed_config", "envoy.filters.network"),
    ("HttpProtocolOptions.http_filters", "envoy.filters.http.upstream"),
    ("Router.upstream_http_filters", "envoy.filters.http.upstream"),
    ("Cluster.transport_socket", "envoy.transport_sockets.upstream"),
    ("TransportSocketMatch.transport_socket", "envoy.transport_sockets.upstream"),
    ("FilterChain.transport_socket", "envoy.transport_sockets.downstream"),
    ("TransportSocket.typed_config", "envoy.transport_sockets.upstream"),
    ("Cluster.typed_extension_protocol_options", "envoy.upstream_options"),
    ("Cluster.cluster_type", "envoy.clusters"),
    ("CustomClusterType.typed_config", "envoy.clusters"),
    ("Cluster.upstream_config", "envoy.upstreams"),
    ("LoadBalancingPolicy.Policy.typed_extension_config", "envoy.load_balancing_policies"),
    (".early_header_mutation_extensions", "envoy.http.early_header_mutation"),
    (".original_ip_detection_extensions", "envoy.http.original_ip_detection"),
    (".request_id_extension", "envoy.request_id"),
    ("RequestIDExtension.typed_config", "envoy.request_id"),
    (".typed_header_validation_config", "envoy.http.header_validators"),
    (".path_match_policy", "envoy.path.match"),
    (".path_rewrite_policy", "envoy.path.rewrite"),
    (".cluster_specifier_plugin", "envoy.router.cluster_specifier_plugin"),
    (".inline_cluster_specifier_plugin", "envoy.router.cluster_specifier_plugin"),
    (".retry_host_predicate", "envoy.retry_host_predicates"),
    ("RetryHostPredicate.typed_config", "envoy.retry_host_predicates"),
    ("RetryPriority.typed_config", "envoy.retry_priorities"),
    (".predicates", "envoy.internal_redirect_predicates"),
    (".early_data_policy", "envoy.route.early_data_policy"),
    (".retry_options_predicates", "envoy.retry_options_predicates"),
    (".custom_handshaker", "envoy.tls_handshakers"),
    (".custom_validator_config", "envoy.tls.cert_validator"),
    (".health_checker", "envoy.health_checkers"),
    ("CustomHealthCheck.typed_config", "envoy.health_checkers"),
    (".local_address_selector", "envoy.upstream.local_address_selector"),
    (".session_state", "envoy.http.stateful_session"),
    (".credential", "envoy.http.injected_credentials"),
    (".custom_match", "envoy.matching.http.custom_matchers"),
    (".input", "envoy.matching.http.input"),
    (".matcher", "envoy.matching.input_matchers"),
    (".action", "envoy.matching.action"),
    (".tracers", "envoy.tracers"),
    ("Http.typed_config", "envoy.tracers"),
    (".stateful_session", "envoy.http.stateful_session"),
    (".header_formatter", "envoy.http.stateful_header_formatters"),
    (".compressor_library", "envoy.compression.compressor"),
    (".decompressor_library", "envoy.compression.decompressor"),
    ("Policy.action", "envoy.http.custom_response"),
];

/// What values are made of.
#[derive(Debug)]
pub(crate) struct Values<'a> {
    pub(crate) api: &'a Api,
    extensions: BTreeMap<String, Vec<Extension>>,
    /// Values of each message, as case files have them.
    remembered: BTreeMap<String, Vec<Value>>,
}

/// What stands in the configuration that is mutated.
#[derive(Debug, Default)]
pub(crate) struct Words {
    words: Vec<String>,
    addresses: Vec<String>,
}

impl<'a> Values<'a> {
    /// Of the API, and of what these files have of it.
    pub(crate) fn of(api: &'a Api, extensions: BTreeMap<String, Vec<Extension>>, files: &[PathBuf]) -> Self {
        let mut values = Self { api, extensions, remembered: BTreeMap::new() };
        for path in files {
            values.remember(path);
        }
        values
    }

    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.extensions.values().map(Vec::len).sum(), self.remembered.len())
    }

    fn remember(&mut self, path: &Path) {
        let Ok(case) = catch_unwind(|| Case::read(path)) else { return };
        let api = self.api;
        let mut remember = |message: &str, value: &Value| {
            let all = self.remembered.entry(message.to_owned()).or_default();
            if all.len() < REMEMBERED && !all.contains(value) && value.to_string().len() < 4000 {
                all.push(value.clone());
            }
        };
        for (root, value) in resources(&case.config) {
            let mut seen = |_: &[places::Step], message: &str, value: &Value| remember(message, value);
            let Some(first) = places::of(api, root, value).into_iter().next() else { continue };
            places::each(api, &first.message, value, &mut Vec::new(), &mut seen);
        }
    }

    /// A value of the field: of one of its values where it has several.
    pub(crate) fn value(&self, rng: &mut Rng, words: &Words, owner: &str, field: &Field) -> Option<Value> {
        self.field(rng, words, owner, field, DEPTH)
    }

    fn field(&self, rng: &mut Rng, words: &Words, owner: &str, field: &Field, depth: usize) -> Option<Value> {
        let one = |rng: &mut Rng| self.one(rng, words, owner, field, depth);
        match field.times {
            Times::Once => one(rng),
            Times::List => {
                let count = *rng.pick(&[1, 1, 1, 2, 3, 0]);
                Some(Value::Array((0..count).filter_map(|_| one(rng)).collect()))
            }
            Times::Map => {
                let key = match words.word(rng) {
                    // What is told a filter is told by its name.
                    _ if field.name == "typed_per_filter_config" => return self.told(rng, words, depth),
                    key => key,
                };
                Some(json!({key: one(rng)?}))
            }
        }
    }

    fn told(&self, rng: &mut Rng, words: &Words, depth: usize) -> Option<Value> {
        let all = self.extensions.get("envoy.filters.http")?;
        let one = rng.pick(all);
        let named = words.words.iter().find(|word| word.starts_with("envoy.filters.http") && rng.chance(50));
        let inner = self.typed(rng, words, &one.message, depth)?;
        Some(json!({named.unwrap_or(&one.name): inner}))
    }

    fn one(&self, rng: &mut Rng, words: &Words, owner: &str, field: &Field, depth: usize) -> Option<Value> {
        match (&field.holds, &field.scalar) {
            (Holds::Message(message) | Holds::Map(message), None) => {
                self.message(rng, words, owner, field, message, depth)
            }
            (_, Some(scalar)) => Some(self.scalar(rng, words, &field.name, scalar)),
            (Holds::Value, None) => None,
        }
    }

    fn scalar(&self, rng: &mut Rng, words: &Words, name: &str, scalar: &Scalar) -> Value {
        match scalar {
            Scalar::Bool => json!(rng.chance(60)),
            Scalar::Integer(most) => integer(rng, name, *most),
            Scalar::Float => json!(*rng.pick(&[0.0, 0.5, 1.0, 1.1, 2.0, 50.0, 100.0])),
            Scalar::Text => json!(words.text(rng, name)),
            Scalar::Bytes => json!(base64::engine::general_purpose::STANDARD.encode(words.text(rng, name))),
            Scalar::Enum(name) => match self.api.values(name) {
                [] => json!(0),
                values => json!(rng.pick(values)),
            },
        }
    }

    fn message(
        &self,
        rng: &mut Rng,
        words: &Words,
        owner: &str,
        field: &Field,
        message: &str,
        depth: usize,
    ) -> Option<Value> {
        if let Some(known) = message.strip_prefix("google.protobuf.") {
            return self.well_known(rng, words, owner, field, known, depth);
        }
        let known = self.api.message(message)?;
        let is_named = known.fields.iter().any(|field| matches!(field.name.as_str(), "typed_config"))
            && known.fields.iter().any(|field| field.name == "name");
        let category = category(owner, &field.name).or_else(|| category(message, "typed_config"));
        if let (true, Some(category)) = (is_named, category) {
            let one = self.extensions.get(category).filter(|all| !all.is_empty()).map(|all| rng.pick(all))?;
            return Some(json!({"name": one.name, "typed_config": self.typed(rng, words, &one.message, depth)?}));
        }
        if let Some(known) = self.remembered.get(message).filter(|_| rng.chance(40)) {
            return Some(rng.pick_lasting(known, Value::to_string).clone());
        }
        Some(self.fresh(rng, words, message, known, depth))
    }

    fn fresh(&self, rng: &mut Rng, words: &Words, name: &str, message: &Message, depth: usize) -> Value {
        let mut made = Map::new();
        let Some(deeper) = depth.checked_sub(1) else { return Value::Object(made) };
        let open = |field: &&Field| !is_left_alone(name, &field.name);
        let groups: BTreeSet<i32> = message.fields.iter().filter_map(|field| field.oneof).collect();
        let mut chosen: Vec<&Field> = Vec::new();
        for group in groups.into_iter().filter(|_| rng.chance(85)).collect::<Vec<_>>() {
            let of: Vec<&Field> =
                message.fields.iter().filter(|field| field.oneof == Some(group)).filter(open).collect();
            chosen.extend((!of.is_empty()).then(|| *rng.pick(&of)));
        }
        let others: Vec<&Field> = message.fields.iter().filter(|field| field.oneof.is_none()).filter(open).collect();
        let count = rng.between(usize::from(chosen.is_empty()), 3);
        for _ in 0..count.min(others.len()) {
            let field = *rng.pick(&others);
            if field.standing == Standing::Current || rng.chance(20) {
                chosen.push(field);
            }
        }
        for field in chosen {
            if let Some(value) = self.field(rng, words, name, field, deeper) {
                made.insert(field.name.clone(), value);
            }
        }
        Value::Object(made)
    }

    /// A message with its type beside it.
    fn typed(&self, rng: &mut Rng, words: &Words, message: &str, depth: usize) -> Option<Value> {
        let value = match self.remembered.get(message).filter(|_| rng.chance(60)) {
            Some(known) => rng.pick_lasting(known, Value::to_string).clone(),
            None if message.starts_with("google.protobuf.Empty") => json!({}),
            None => self.fresh(rng, words, message, self.api.message(message)?, depth),
        };
        let mut typed = crate::config::object(json!({"@type": format!("type.googleapis.com/{message}")}));
        let Value::Object(fields) = value else { return None };
        typed.extend(fields.into_iter().filter(|(key, _)| key != "@type"));
        Some(Value::Object(typed))
    }

    fn well_known(
        &self,
        rng: &mut Rng,
        words: &Words,
        owner: &str,
        field: &Field,
        known: &str,
        depth: usize,
    ) -> Option<Value> {
        let name = field.name.as_str();
        Some(match known {
            "BoolValue" => json!(rng.chance(50)),
            "UInt32Value" | "Int32Value" => integer(rng, name, u32::MAX.into()),
            "UInt64Value" | "Int64Value" => integer(rng, name, u64::MAX),
            "DoubleValue" | "FloatValue" => json!(*rng.pick(&[0.0, 0.5, 1.0, 2.0, 50.0, 100.0])),
            "StringValue" => json!(words.text(rng, name)),
            "BytesValue" => json!(base64::engine::general_purpose::STANDARD.encode(words.text(rng, name))),
            // Nothing so short that a busy machine would decide.
            "Duration" => json!(*rng.pick(&["0s", "2s", "5s", "60s", "3600s", "315576000s"])),
            "Timestamp" => json!("2026-01-01T00:00:00Z"),
            "Struct" => json!({words.word(rng): words.word(rng)}),
            "Value" => json!(words.word(rng)),
            "ListValue" => json!([words.word(rng)]),
            "Empty" => json!({}),
            "Any" => {
                let all = self.extensions.get(category(owner, name)?).filter(|all| !all.is_empty())?;
                let one = rng.pick(all);
                return self.typed(rng, words, &one.message, depth);
            }
            _ => return None,
        })
    }
}

fn category(owner: &str, field: &str) -> Option<&'static str> {
    let full = format!("{owner}.{field}");
    let found = CATEGORIES.iter().find(|(end, _)| {
        full.strip_suffix(end).is_some_and(|rest| end.starts_with('.') || rest.is_empty() || rest.ends_with('.'))
    });
    found.map(|(_, category)| *category)
}

fn integer(rng: &mut Rng, name: &str, most: u64) -> Value {
    let value = if name.contains("status") && rng.chance(60) {
        *rng.pick(&[200, 204, 301, 404, 429, 500, 503, 599])
    } else {
        *rng.pick(&[0, 1, 1, 2, 2, 3, 5, 10, 50, 80, 100, 443, 1000, 65_535, 1_000_000, most])
    };
    // JSON's numbers end before those of 64 bits.
    if value > u64::from(u32::MAX) { json!(value.to_string()) } else { json!(value.min(most)) }
}

/// Words of protocols, whatever the configuration says.
const ALWAYS: &[&str] =
    &["", "*", "/", "GET", "POST", ":path", ":authority", ":method", "a", "200", "http", "tls", "h2"];

impl Words {
    /// Of these resources, and of what is sent through them.
    pub(crate) fn of<'a>(values: impl Iterator<Item = &'a Value>, more: impl Iterator<Item = String>) -> Self {
        let mut words: BTreeSet<String> = ALWAYS.iter().map(|word| (*word).to_owned()).chain(more).collect();
        let mut addresses: BTreeSet<String> = ["127.0.0.1", "127.9.9.9"].map(str::to_owned).into();
        values.for_each(|value| collect(value, &mut words, &mut addresses));
        let is_address =
            |word: &String| word.split(':').next().is_some_and(|host| host.parse::<std::net::IpAddr>().is_ok());
        words.retain(|word| !is_address(word) && word.len() < 80 && !word.starts_with("type.googleapis.com"));
        Self { words: words.into_iter().collect(), addresses: addresses.into_iter().collect() }
    }

    pub(crate) fn word(&self, rng: &mut Rng) -> String {
        rng.pick(&self.words).clone()
    }

    fn text(&self, rng: &mut Rng, name: &str) -> String {
        let is_place =
            ["address", "address_prefix", "uri", "ip", "source_address"].contains(&name) || name.contains("address");
        if is_place { rng.pick(&self.addresses).clone() } else { self.word(rng) }
    }
}

fn collect(value: &Value, words: &mut BTreeSet<String>, addresses: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields.iter().filter(|(key, _)| !matches!(key.as_str(), "access_log" | "@type")) {
                // Of maps the keys are words too.
                if key.contains(['.', '-']) {
                    words.insert(key.clone());
                }
                collect(inner, words, addresses);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, words, addresses)),
        Value::String(text) => {
            if text.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()) {
                addresses.insert(text.clone());
            }
            words.insert(text.clone());
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
