//! HTTP: route configuration and virtual host, then routes, filters and actions.

use std::sync::Arc;

use crate::envoy::codec::{self, Incoming, Limits, Refusal};
use crate::envoy::domains;
use crate::envoy::draw::Draw;
use crate::envoy::headers;
use crate::envoy::path::{Normalization, normalize};
use crate::envoy::pb::envoy::config::core::v3::http_protocol_options::HeadersWithUnderscoresAction;
use crate::envoy::pb::envoy::config::route::v3::{RouteConfiguration, VirtualHost, virtual_host::TlsRequirementType};
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::{
    CodecType, ForwardClientCertDetails, PathWithEscapedSlashesAction, RouteSpecifier, StripPortMode,
};
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_filter::ConfigType;
use crate::envoy::version::Version;
use crate::snapshot::{Evidence, HostTable, Node, Origin, RouteTable};
use crate::verdict::{ClusterChoice, Mark, Stage};

use crate::walk::Protocol;
use crate::walk::Question;
use crate::walk::dial::resolve::Dial;
use crate::walk::http::action;
use crate::walk::http::filters;
use crate::walk::http::route::{self, Chosen};
use crate::walk::way::open_headers::OpenHeaders;
use crate::walk::way::path::{End, Leg, Path, Seen};
use crate::walk::way::stop::{RequestKind, Stop};
use crate::walk::way::walker::{Got, Walker};

const MANAGER: &str = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ROUTE_CONFIG: &str = "envoy.config.route.v3.RouteConfiguration";
const VIRTUAL_HOST: &str = "envoy.config.route.v3.VirtualHost";

/// The request as routes see it.
pub(in crate::walk) struct Http {
    /// The Host, lower case is not applied.
    pub(in crate::walk) authority: String,
    /// The path with its query, normalized.
    pub(in crate::walk) path: String,
    pub(in crate::walk) method: String,
    /// All headers but the pseudo ones, names in lower case.
    pub(in crate::walk) headers: Vec<(String, String)>,
    pub(in crate::walk) kind: RequestKind,
    /// Those that may be others by now.
    pub(in crate::walk) open: OpenHeaders,
    /// What `:scheme` and `x-forwarded-proto` say.
    pub(in crate::walk) scheme: String,
    /// The client's address may be one of those whose requests are internal.
    pub(in crate::walk) may_be_internal: bool,
    /// Envoy makes up an `x-request-id` where there is none.
    pub(in crate::walk) makes_id: bool,
}

impl Http {
    /// All values of a header, in order; pseudo headers too.
    pub(in crate::walk) fn values(&self, name: &str) -> Vec<&str> {
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            ":method" => vec![self.method.as_str()],
            ":path" => vec![self.path.as_str()],
            ":authority" | "host" => vec![self.authority.as_str()],
            ":scheme" | "x-forwarded-proto" => vec![self.scheme.as_str()],
            _ => self.headers.iter().filter(|(k, _)| *k == name).map(|(_, v)| v.as_str()).collect(),
        }
    }
}

/// Walks an HTTP connection manager.
pub(in crate::walk) fn walk(
    walker: &Walker,
    path: &mut Path,
    manager: &HttpConnectionManager,
    node: &Node,
    dial: &Dial,
) {
    if let Some(what) = Walker::unmodeled(node, MANAGER, &["http_filters", "route_config"]) {
        return unknown(walker, path, Stage::HttpFilters, "", &what);
    }
    let is_source = matches!(walker.origin, Origin::Source(_));
    let plain = !walker.question.tls && !walker.ciphertext.get();
    if !plain || !dial.protocol.is_http() {
        return bytes(walker, path, manager, node, plain && dial.protocol == Protocol::Tcp);
    }
    path.trail.alpn_override = alpn_override(manager);
    let limits = Limits::of(manager);
    let http = match request(walker, manager, dial, &limits) {
        Ok(http) => http,
        Err(what) => return unknown(walker, path, Stage::Route, "", &what),
    };
    let drops_underscores = limits.underscores == HeadersWithUnderscoresAction::DropHeader;
    path.seen = Some(Seen { authority: http.authority.clone(), path: http.path.clone(), drops_underscores });
    let http2 = dial.protocol != Protocol::Http1;
    let version = codec::version_refused(manager.codec_type(), http2);
    if let Some(what) = version_is_open(version, &limits, is_source) {
        return unknown(walker, path, Stage::HttpFilters, "", what);
    }
    if version == Some(Refusal::Preface) {
        return refuse(path, node, Refusal::Preface, OTHER_VERSION);
    }
    // Refusals are logged with its name, and ask for no more of it.
    let delivered = route_configuration(walker, path, manager, node);
    if is_refused(walker, path, node, dial, &limits, version) {
        return;
    }
    let (config, host) = match delivered {
        Ok((config, table)) => {
            let Some(host) = virtual_host(walker, path, &config, &table, &http) else { return };
            (Some((config, table)), host)
        }
        // The filters are asked all the same, and the router after them finds no route.
        Err(Unrouted::Undelivered(absence)) => (None, undelivered(path, node, absence)),
        Err(Unrouted::Unread(name)) => {
            return path.unknown(Stage::Route, &name, "the route configuration was not read");
        }
        Err(Unrouted::Open(name, what)) => return unknown(walker, path, Stage::Route, &name, &what),
    };
    let chosen = match (&host, &config) {
        (Host::Found(host, table), Some((config, _))) => match routes(walker, path, host, table, config, &http) {
            Some(chosen) => chosen,
            None => return,
        },
        _ => vec![Chosen { share: 1.0, draw: Draw::default(), route: None, only: None }],
    };
    if let Some(hit) = chosen.first().and_then(|c| c.route.as_ref()) {
        // Envoy chooses the route before the filters run, and logs it even when one of them answers.
        path.decision.route = Some(hit.route.name.clone());
        path.decision.route_index = hit.index;
        path.trail.route = Some(hit.node.clone());
    }
    let config = config.as_ref().map(|(config, table)| (config, table.node()));
    let filters = filters::Chain { manager, node, config, host: &host, dial };
    let apart = filters::told_apart(walker, &filters, chosen, &http);
    let answered: Vec<_> = apart.iter().flat_map(|chosen| through(walker, path, &filters, chosen, &http)).collect();
    // After those that are asked, whose places the legs know.
    path.decision.clusters.extend(answered);
}

/// What is no HTTP, on a chain of HTTP: bytes in the clear, or others.
fn bytes(walker: &Walker, path: &mut Path, manager: &HttpConnectionManager, node: &Node, clear: bool) {
    match CodecType::try_from(manager.codec_type) {
        // Bytes that are no HTTP/2 preface go to the HTTP/1 codec (`ConnectionManagerUtility::autoCreateCodec`).
        Ok(CodecType::Auto | CodecType::Http1) if clear => {
            let _ = route_configuration(walker, path, manager, node);
            let stop = Stop::Refused(Refusal::RequestLine);
            path.stop(Stage::HttpFilters, "", "it takes HTTP only", stop, Vec::new());
        }
        Ok(CodecType::Http2) if clear && matches!(walker.origin, Origin::Source(_)) => {
            refuse(path, node, Refusal::Preface, OTHER_VERSION);
        }
        Ok(CodecType::Auto | CodecType::Http1 | CodecType::Http2 | CodecType::Http3) | Err(_) => {
            let what = "bytes that are no HTTP, on an HTTP chain, are not modeled";
            unknown(walker, path, Stage::HttpFilters, "", what);
        }
    }
}

/// The filters, and what the route does with the requests that they let through. Returns the clusters of those that
/// they do not.
fn through(
    walker: &Walker,
    path: &mut Path,
    filters: &filters::Chain,
    chosen: &Chosen,
    http: &Http,
) -> Vec<ClusterChoice> {
    let before = path.legs.len();
    let left = filters::walk(walker, path, filters, chosen, http, |path, share| {
        action::walk(walker, path, filters.host, chosen, http, filters.dial, share);
    });
    let Some(last) = path.legs.last() else { return Vec::new() };
    let named = |leg: &Leg, share: f64| action::named_clusters(walker, leg, chosen, http, share);
    if last.end == End::Unknown && last.stage == Stage::HttpFilters && chosen.only.is_some() {
        // It was drawn before the filter that is not known.
        return named(last, left);
    }
    // Of a part that a fault takes Envoy logs the route's cluster too; it is told by the fault alone.
    let is_denied = |leg: &&Leg| {
        let end = leg.end.stop().filter(|stop| !matches!(stop, Stop::FaultAbort(_)));
        leg.stage == Stage::HttpFilters && end.is_some()
    };
    let denied: Vec<&Leg> = path.legs.iter().skip(before).filter(is_denied).collect();
    if left < 1e-9 && denied.is_empty() {
        return named(last, chosen.share);
    }
    // Of a cluster that is not there it has no name.
    let is_there = |choice: &ClusterChoice| path.there.contains(&choice.name);
    denied.into_iter().flat_map(|leg| named(leg, leg.share)).filter(|choice| left < 1e-9 || is_there(choice)).collect()
}

/// What of a refused version of HTTP is not modeled.
fn version_is_open(version: Option<Refusal>, limits: &Limits, is_source: bool) -> Option<&'static str> {
    let version = version?;
    if !is_source {
        return Some("what A's proxy makes of B's refusal of its version of HTTP (`codec_type`) is not modeled");
    }
    (version == Refusal::RequestLine && limits.any_method)
        .then_some("what the codec makes of HTTP/2's preface, where `allow_custom_methods` is set, is not modeled")
}

/// Whether the manager refuses the request before it looks for a route, or may; the path ends then.
fn is_refused(
    walker: &Walker,
    path: &mut Path,
    node: &Node,
    dial: &Dial,
    limits: &Limits,
    version: Option<Refusal>,
) -> bool {
    let Question { path: asked, method, headers, .. } = walker.question;
    let http2 = dial.protocol != Protocol::Http1;
    let incoming = Incoming { http2, method, authority: &dial.host, path: asked, headers };
    match version.map_or_else(|| codec::refusal(incoming, limits, walker.version), |refusal| Ok(Some(refusal))) {
        Ok(None) => return false,
        Ok(Some(refusal)) if version.is_some() => refuse(path, node, refusal, OTHER_VERSION),
        Ok(Some(refusal)) => refuse(path, node, refusal, (limit(refusal), "the request is refused before any route")),
        Err(what) => unknown(walker, path, Stage::HttpFilters, "HTTP connection manager", &what),
    }
    true
}

/// The field by which the client speaks another version of HTTP than the manager takes, and what to say.
const OTHER_VERSION: (Option<&str>, &str) = (Some("codec_type"), "it takes another version of HTTP");

/// The manager does not take the request, by this field, where there is one.
fn refuse(path: &mut Path, node: &Node, refusal: Refusal, (field, note): (Option<&str>, &str)) {
    let evidence = field.and_then(|field| node.at(field)).map(|n| n.evidence()).into_iter().collect();
    path.stop(Stage::HttpFilters, "HTTP connection manager", note, Stop::Refused(refusal), evidence);
}

/// The field whose limit refuses the request; `None` for what the codec, or a check that follows it, takes of nobody.
fn limit(refusal: Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::Underscore(_) => Some("common_http_protocol_options.headers_with_underscores_action"),
        Refusal::TooManyHeaders(_) => Some("common_http_protocol_options.max_headers_count"),
        Refusal::HeadersTooLarge => Some("max_request_headers_kb"),
        Refusal::RequestLine
        | Refusal::Preface
        | Refusal::Http2Header
        | Refusal::Authority
        | Refusal::QueryWithoutContentType => None,
    }
}

/// What Istio's ALPN filter would offer B, by the upstream protocol (`HTTP10`, `HTTP11`, `HTTP2`).
fn alpn_override(manager: &HttpConnectionManager) -> Vec<(String, Vec<String>)> {
    let configs = manager.http_filters.iter().filter_map(|filter| match &filter.config_type {
        Some(ConfigType::TypedConfig(any)) if any.type_name.ends_with("alpn.v2alpha1.FilterConfig") => {
            serde_json::from_slice::<serde_json::Value>(&any.json).ok()
        }
        Some(ConfigType::TypedConfig(_)) | None => None,
    });
    let entries = configs.flat_map(|c| c.get("alpn_override").and_then(|o| o.as_array().cloned()).unwrap_or_default());
    let words = |v: &serde_json::Value| -> Vec<String> {
        v.as_array().into_iter().flatten().filter_map(|w| w.as_str().map(str::to_owned)).collect()
    };
    entries
        .map(|e| {
            let protocol = e.get("upstream_protocol").and_then(serde_json::Value::as_str).unwrap_or("HTTP10");
            (protocol.to_owned(), e.get("alpn_override").map(words).unwrap_or_default())
        })
        .collect()
}

/// The virtual host, or what to say when there is none.
pub(in crate::walk) enum Host {
    /// It takes the Host. Its routes are not among what is decoded.
    Found(Box<VirtualHost>, Arc<HostTable>),
    /// None does, and the stop that the router will make of it.
    Missing(Stop),
    /// It takes HTTPS only, so that its redirect is the route, of which nothing else is configured.
    Secure(Arc<HostTable>),
    /// There is no route configuration: the proof.
    Undelivered(Vec<Evidence>),
}

impl Host {
    /// Where it stands, if its routes count.
    pub(in crate::walk) fn table(&self) -> Option<&HostTable> {
        match self {
            Self::Found(_, table) => Some(table),
            Self::Missing(_) | Self::Secure(_) | Self::Undelivered(_) => None,
        }
    }
}

fn request(walker: &Walker, manager: &HttpConnectionManager, dial: &Dial, limits: &Limits) -> Result<Http, String> {
    let question = walker.question;
    let mut authority = dial.host.clone();
    if manager.strip_trailing_host_dot {
        authority = domains::strip_trailing_dot(&authority);
    }
    if let Some(StripPortMode::StripAnyHostPort(true)) = manager.strip_port_mode {
        authority = domains::strip_port(&authority, None).to_owned();
    } else if manager.strip_matching_host_port {
        authority = domains::strip_port(&authority, Some(dial.port)).to_owned();
    }
    let how = Normalization {
        dots: manager.normalize_path.as_ref().is_some_and(|b| b.value),
        slashes: manager.merge_slashes,
        parameters: walker.version.has(&Version::PARAMETERS),
    };
    let escaped = question.path.to_ascii_lowercase();
    let keeps = matches!(
        manager.path_with_escaped_slashes_action(),
        PathWithEscapedSlashesAction::KeepUnchanged | PathWithEscapedSlashesAction::ImplementationSpecificDefault
    );
    if !keeps && (escaped.contains("%2f") || escaped.contains("%5c")) {
        return Err("escaped slashes in the path are not modeled".to_owned());
    }
    let path = normalize(&question.path, how)?;
    let given = |name: &str| question.headers.iter().find(|(k, _)| k.eq_ignore_ascii_case(name));
    let upgrades = given("connection").is_some_and(|(_, v)| v.to_ascii_lowercase().contains("upgrade"));
    if let Some(name) =
        ["transfer-encoding", "x-forwarded-for", "expect"].into_iter().find(|name| given(name).is_some())
    {
        return Err(format!("what the header `{name}` changes is not modeled"));
    }
    if upgrades {
        return Err("upgrades are not modeled".to_owned());
    }
    // However many proxies before it are trusted.
    let edge = is_edge(manager);
    let mut headers = headers::matched(&question.headers, dial.protocol != Protocol::Http1, edge);
    if limits.underscores == HeadersWithUnderscoresAction::DropHeader {
        headers.retain(|(name, _)| !name.contains('_'));
    }
    let makes_id = manager.generate_request_id.as_ref().is_none_or(|b| b.value);
    let renews_id = makes_id && edge && !manager.preserve_external_request_id;
    headers.retain(|(name, value)| name != "x-request-id" || !(renews_id || (makes_id && value.is_empty())));
    let scheme = scheme(manager, &mut headers)?;
    if dial.protocol == Protocol::Grpc && !headers.iter().any(|(k, _)| k == "content-type") {
        headers.push(("content-type".to_owned(), "application/grpc".to_owned()));
    }
    let kind = request_kind(&question.headers, dial);
    if question.method == "CONNECT" || !path.starts_with('/') {
        return Err("CONNECT and requests without a path are not modeled".to_owned());
    }
    let open = walker.sent.clone().unwrap_or_else(|| OpenHeaders::of_client(is_edge(manager)));
    let open = open.and(added_by(manager));
    Ok(Http {
        authority,
        path,
        method: question.method.clone(),
        headers,
        kind,
        open,
        scheme,
        may_be_internal: trusts_addresses(manager),
        makes_id,
    })
}

/// Whether local replies are wrapped for gRPC.
pub(in crate::walk) fn request_kind(headers: &[(String, String)], dial: &Dial) -> RequestKind {
    let all = headers::matched(headers, dial.protocol != Protocol::Http1, false);
    match all.iter().find(|(name, _)| name == "content-type") {
        Some((_, value)) => RequestKind::of_content_type(value),
        None if dial.protocol == Protocol::Grpc => RequestKind::Grpc,
        None => RequestKind::Plain,
    }
}

/// Whether it is left to addresses whose requests are internal; of what others say in `x-forwarded-for` nothing is known.
fn trusts_addresses(manager: &HttpConnectionManager) -> bool {
    is_edge(manager) && manager.internal_address_config.is_some()
}

/// The headers that the manager itself writes, of which it is not modeled what they say, or keeps from anybody.
fn added_by(manager: &HttpConnectionManager) -> Vec<&'static str> {
    let mut names = Vec::new();
    if manager.add_user_agent.as_ref().is_some_and(|b| b.value) {
        names.extend(["user-agent", "x-envoy-downstream-service-cluster", "x-envoy-downstream-service-node"]);
    }
    if !manager.via.is_empty() {
        names.push("via");
    }
    if manager.append_x_forwarded_port {
        names.push("x-forwarded-port");
    }
    if manager.forward_client_cert_details() == ForwardClientCertDetails::AlwaysForwardOnly {
        names.push("x-forwarded-client-cert");
    }
    if trusts_addresses(manager) {
        names.extend(headers::of_the_trusted());
    }
    names
}

/// Whether the manager takes the connection's own address for the client's.
fn is_edge(manager: &HttpConnectionManager) -> bool {
    manager.use_remote_address.as_ref().is_some_and(|b| b.value)
}

/// A's request comes in plaintext. What a client says of itself in `x-forwarded-proto` is believed, unless the manager
/// takes the connection's own address for the client's.
fn scheme(manager: &HttpConnectionManager, headers: &mut Vec<(String, String)>) -> Result<String, String> {
    let given = headers.iter().find(|(k, _)| k == "x-forwarded-proto").map(|(_, v)| v.clone());
    headers.retain(|(k, _)| k != "x-forwarded-proto");
    let Some(given) = given else { return Ok("http".to_owned()) };
    let edge = is_edge(manager);
    match given.as_str() {
        _ if edge && manager.xff_num_trusted_hops == 0 => Ok("http".to_owned()),
        "http" | "https" if !edge => Ok(given),
        _ => Err("this `x-forwarded-proto` is not modeled".to_owned()),
    }
}

/// The manager's route configuration, inline or the one that RDS delivered; its virtual hosts are not decoded.
fn route_configuration(
    walker: &Walker,
    path: &mut Path,
    manager: &HttpConnectionManager,
    node: &Node,
) -> Result<(RouteConfiguration, Arc<RouteTable>), Unrouted> {
    let open = |name: &str, what: String| Unrouted::Open(name.to_owned(), what);
    let (name, table) = match &manager.route_specifier {
        Some(RouteSpecifier::RouteConfig(config)) => {
            let inline = node.get("route_config");
            let inline = inline.ok_or_else(|| open(&config.name, "the route configuration was not read".to_owned()))?;
            (config.name.clone(), RouteTable::inline(&inline).map(Arc::new))
        }
        Some(RouteSpecifier::Rds(rds)) => {
            let name = rds.route_config_name.clone();
            path.decision.route_config = Some(name.clone());
            match walker.ask(walker.snapshot.route_config(walker.origin, &name)) {
                Got::Found(table) => (name, table),
                Got::Absent(evidence) => return Err(Unrouted::Undelivered(evidence)),
                Got::Gap => return Err(Unrouted::Unread(name)),
            }
        }
        None => return Err(open("", "the source of the route configuration is not modeled".to_owned())),
    };
    let unread = |why| open(&name, format!("it could not be read: {why}"));
    let table = table.map_err(unread)?;
    let config = table.decode().map_err(unread)?;
    path.decision.route_config = Some(config.name.clone());
    path.trail.route_config = Some(Arc::clone(&table));
    match Walker::unmodeled(table.node(), ROUTE_CONFIG, &["typed_per_filter_config"]) {
        Some(what) => Err(open(&config.name, what)),
        None => Ok((config, table)),
    }
}

/// Why there is no route configuration to go by.
enum Unrouted {
    /// The proxy asks for one and has none: the proof.
    Undelivered(Evidence),
    /// One of this name was not read yet.
    Unread(String),
    /// One of this name cannot be interpreted, and why.
    Open(String, String),
}

/// No virtual host, as the route configuration that the manager, `node`, asks for was never delivered.
fn undelivered(path: &mut Path, node: &Node, absence: Evidence) -> Host {
    path.trail.absence.push(absence.clone());
    let named = node.at("rds.route_config_name").map(|n| n.evidence());
    Host::Undelivered(named.into_iter().chain([absence]).collect())
}

/// What was taken apart; where that failed, the path ends and says so.
fn read<T>(walker: &Walker, path: &mut Path, name: &str, decoded: Result<T, String>) -> Option<T> {
    decoded.map_err(|why| unknown(walker, path, Stage::Route, name, &format!("it could not be read: {why}"))).ok()
}

/// The virtual host; `None` when the path ended.
fn virtual_host(
    walker: &Walker,
    path: &mut Path,
    config: &RouteConfiguration,
    table: &RouteTable,
    http: &Http,
) -> Option<Host> {
    let mut asked = http.authority.clone();
    if !config.vhost_header.is_empty() {
        let only_any = table.len() == 1 && table.domains().is_any_alone();
        match http.values(&config.vhost_header).first() {
            Some(value) => (*value).clone_into(&mut asked),
            None if only_any => {}
            None => return Some(Host::Missing(Stop::NoVirtualHost)),
        }
    }
    if config.ignore_port_in_host_matching {
        asked = domains::without_port(&asked).to_owned();
    }
    let Some(i) = table.domains().select(&asked) else {
        path.trail.near = table.names();
        return Some(Host::Missing(Stop::NoVirtualHost));
    };
    let decoded = table.host(i).and_then(|host| Ok((host.decode()?, host)));
    let (host, table) = read(walker, path, &config.name, decoded)?;
    path.decision.virtual_host = Some(host.name.clone());
    path.trail.virtual_host = Some(table.node().clone());
    if let Some(what) = Walker::unmodeled(table.node(), VIRTUAL_HOST, &["matcher", "typed_per_filter_config"]) {
        unknown(walker, path, Stage::Route, &host.name, &what);
        return None;
    }
    // Nothing else is internal to Envoy that does not come with an address in x-forwarded-for.
    let may_be_internal = http.may_be_internal && host.require_tls() == TlsRequirementType::ExternalOnly;
    if may_be_internal && http.scheme != "https" {
        let what = "whether the request is internal (`internal_address_config`) is not modeled";
        unknown(walker, path, Stage::Route, &host.name, what);
        return None;
    }
    if host.require_tls() != TlsRequirementType::None && http.scheme != "https" {
        return Some(Host::Secure(table));
    }
    Some(Host::Found(Box::new(host), table))
}

/// The routes that the request can take, with their shares; `None` when the path ended.
fn routes(
    walker: &Walker,
    path: &mut Path,
    host: &VirtualHost,
    table: &Arc<HostTable>,
    config: &RouteConfiguration,
    http: &Http,
) -> Option<Vec<Chosen>> {
    match route::choose(walker, path, host, table, config, http) {
        Ok(chosen) => Some(chosen),
        Err(what) => {
            unknown(walker, path, Stage::Route, &host.name, &what);
            None
        }
    }
}

pub(in crate::walk) fn unknown(walker: &Walker, path: &mut Path, stage: Stage, subject: &str, what: &str) {
    walker.unchecked(what.to_owned());
    path.unknown(stage, subject, what);
}

/// The row of the HTTP filters is only there when one of them has something to say.
pub(in crate::walk) fn filter_row(
    path: &mut Path,
    mark: Mark,
    name: &str,
    note: &str,
    evidence: Vec<crate::snapshot::Evidence>,
) {
    path.step(Stage::HttpFilters, mark, name, note, evidence);
}
