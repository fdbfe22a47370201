//! A request, and what of one is settled before the routes of its host see it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::envoy::headers;
use crate::envoy::matcher::Reading;
use crate::envoy::path::Normalization;
use crate::envoy::pb::envoy::config::route::v3::RouteConfiguration;
use crate::envoy::version::Version;

/// A request that a client can send, as far as routes tell requests apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The headers, without pseudo headers and the Host.
    pub headers: Vec<(String, String)>,
}

impl Default for Request {
    fn default() -> Self {
        Self { method: "GET".to_owned(), path: "/".to_owned(), headers: Vec::new() }
    }
}

/// What becomes of a path's parameters before routes look at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Parameters {
    /// They are a part of the path.
    Kept,
    /// They are taken off each segment (`ignore_path_parameters_in_path_matching`).
    TakenOff,
    /// All from the first of them on is cut, as releases before [`Version::PARAMETERS`] do.
    Cut,
}

impl Parameters {
    /// As a route configuration has it.
    pub fn of(config: &RouteConfiguration, version: Version) -> Self {
        match (config.ignore_path_parameters_in_path_matching, version.has(&Version::PARAMETERS)) {
            (false, _) => Self::Kept,
            (true, true) => Self::TakenOff,
            (true, false) => Self::Cut,
        }
    }

    fn of_path(self, raw: &str) -> Cow<'_, str> {
        if !raw.contains(';') {
            return Cow::Borrowed(raw);
        }
        let bare = |text: &str| text.split(';').next().unwrap_or_default().to_owned();
        match self {
            Self::Kept => Cow::Borrowed(raw),
            Self::Cut => Cow::Owned(bare(raw)),
            Self::TakenOff => Cow::Owned(raw.split('/').map(bare).collect::<Vec<_>>().join("/")),
        }
    }
}

/// What is the same for all requests to a host and port: the proxy's rules, and what no client decides.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The proxy's version.
    pub version: Version,
    /// How header matchers read their values.
    pub reading: Reading,
    /// What becomes of parameters in paths.
    pub parameters: Parameters,
    /// What the connection manager makes of paths.
    pub normalization: Normalization,
    /// Whether the manager goes by the connection's address (`use_remote_address`): some headers are then taken off.
    pub edge: bool,
    /// Headers, pseudo ones too, whose values do not depend on the request, by names in lower case.
    pub fixed: BTreeMap<String, Vec<String>>,
    /// Headers, in lower case, of which it cannot be told what routes will see.
    pub open: BTreeSet<String>,
    /// Values of `runtime_fraction` that the runtime overrides, by key, as shares; `None` for one that is not modeled.
    pub runtime: BTreeMap<String, Option<f64>>,
}

impl Frame {
    /// Plaintext requests to this Host. Envoy makes up an `x-request-id`, so it is open.
    pub fn new(version: Version, authority: &str) -> Self {
        let one = |name: &str, value: &str| (name.to_owned(), vec![value.to_owned()]);
        let host = [one(":authority", authority), one("host", authority)];
        let scheme = [one(":scheme", "http"), one("x-forwarded-proto", "http")];
        Self {
            version,
            reading: Reading::of(version),
            parameters: Parameters::Kept,
            normalization: Normalization::default(),
            edge: false,
            fixed: host.into_iter().chain(scheme).collect(),
            open: BTreeSet::from(["x-request-id".to_owned()]),
            runtime: BTreeMap::new(),
        }
    }
}

/// A path without its query, as matchers see it.
pub(super) struct SeenPath<'a> {
    /// With its parameters: templates see them.
    pub(super) raw: &'a str,
    /// Without them, where they are ignored.
    pub(super) path: Cow<'a, str>,
    /// The same in lower case.
    pub(super) folded: String,
}

impl<'a> SeenPath<'a> {
    pub(super) fn new(raw: &'a str, parameters: Parameters) -> Self {
        let path = parameters.of_path(raw);
        Self { raw, folded: path.to_ascii_lowercase(), path }
    }
}

/// A request as matchers see it.
pub(super) struct Seen<'a> {
    pub(super) frame: &'a Frame,
    pub(super) path: SeenPath<'a>,
    pub(super) query: &'a str,
    request: &'a Request,
    headers: Vec<(String, String)>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(request: &'a Request, frame: &'a Frame) -> Self {
        let raw = request.path.split(['?', '#']).next().unwrap_or_default();
        Self {
            frame,
            path: SeenPath::new(raw, frame.parameters),
            query: request.path.split_once('?').map_or("", |(_, query)| query),
            request,
            headers: headers::matched(&request.headers, false, frame.edge),
        }
    }

    /// All values of a header, its name in lower case.
    pub(super) fn values(&self, name: &str) -> Vec<&str> {
        if let Some(values) = self.frame.fixed.get(name) {
            return values.iter().map(String::as_str).collect();
        }
        match name {
            ":method" => vec![self.request.method.as_str()],
            ":path" => vec![self.request.path.as_str()],
            _ => self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect(),
        }
    }

    /// The names of all headers that have a value, pseudo ones too.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let fixed = self.frame.fixed.keys().map(String::as_str);
        fixed.chain([":method", ":path"]).chain(self.headers.iter().map(|(name, _)| name.as_str()))
    }
}
