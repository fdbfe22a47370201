//! The request as a connection manager's routes and filters see it.

use std::net::IpAddr;

use crate::envoy::codec::Limits;
use crate::envoy::connect_udp;
use crate::envoy::domains;
use crate::envoy::headers;
use crate::envoy::matcher::{self, Match};
use crate::envoy::path::{Normalization, normalize, unescaped};
use crate::envoy::pb::envoy::config::core::v3::http_protocol_options::HeadersWithUnderscoresAction;
use crate::envoy::pb::envoy::config::core::v3::scheme_header_transformation::Transformation;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::{
    ForwardClientCertDetails, PathWithEscapedSlashesAction, StripPortMode,
};
use crate::envoy::version::Version;
use crate::verdict::{Power, Stage};
use crate::walk::http::client::{self, is_edge};
use crate::walk::http::early;
use crate::walk::way::dial::{Dial, Layer};
use crate::walk::way::guard::Condition;
use crate::walk::way::open_headers::OpenHeaders;
use crate::walk::way::protocol::Protocol;
use crate::walk::way::question::Question;
use crate::walk::way::stop::{RequestKind, Stop};
use crate::walk::way::unfit::Unfit;
use crate::walk::way::walker::Walker;

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
    /// Whether the client's address is one of those whose requests are internal.
    pub(in crate::walk) internal: Match,
    /// Envoy makes up an `x-request-id` where there is none.
    pub(in crate::walk) makes_id: bool,
    /// The client's address, as the manager takes it from the connection or from `x-forwarded-for`; `None` where it is
    /// not known.
    pub(in crate::walk) client: Option<IpAddr>,
    /// The protocol that the request asks to go over to: that of `upgrade`, or CONNECT.
    pub(in crate::walk) upgrade: Option<String>,
}

/// The method of a request that opens a tunnel: it has no path.
const CONNECT: &str = "CONNECT";

impl Http {
    /// Whether it opens a tunnel of UDP.
    pub(in crate::walk) fn opens_udp(&self) -> bool {
        self.upgrade.as_deref().is_some_and(connect_udp::is_asked)
    }

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

/// The request as the manager's routes see it, and what of it is not modeled.
pub(in crate::walk) fn request(
    walker: &Walker,
    manager: &HttpConnectionManager,
    dial: &Dial,
    limits: &Limits,
) -> (Http, Vec<Condition>) {
    let question = walker.question;
    let mut open = Open::default();
    let tunnels = question.method == CONNECT;
    let path = if tunnels { String::new() } else { path(walker, manager, &mut open) };
    open.odd_headers(question);
    let upgrade = upgrade(question, manager, dial).unwrap_or_else(|why| {
        open.add(&[Power::Refuse, Power::Rewrite], &why);
        None
    });
    let authority =
        authority(manager, dial, connect_udp::host(&question.path).filter(|_| names_udp(question, upgrade.as_deref())));
    if tunnels && dial.protocol.is_http2() {
        open.add(&[Power::Refuse], "whether the manager takes CONNECT over HTTP/2 (`allow_connect`)");
    }
    let mut headers = seen_headers(question, manager, (dial, upgrade.as_deref()), &mut open);
    let client = client::address(walker, manager, dial, &headers).unwrap_or_else(|why| {
        open.add(&[Power::Rewrite], &why);
        None
    });
    if limits.underscores == HeadersWithUnderscoresAction::DropHeader {
        headers.retain(|(name, _)| !name.contains('_'));
    }
    let makes_id = manager.generate_request_id.as_ref().is_none_or(|b| b.value);
    // However many proxies before it are trusted.
    let renews_id = makes_id && is_edge(manager) && !manager.preserve_external_request_id;
    headers.retain(|(name, value)| name != "x-request-id" || !(renews_id || (makes_id && value.is_empty())));
    let scheme = scheme(dial, manager, &mut headers).unwrap_or_else(|why| {
        open.add(&[Power::Rewrite], &why);
        "http".to_owned()
    });
    if dial.protocol == Protocol::Grpc && !headers.iter().any(|(k, _)| k == "content-type") {
        headers.push(("content-type".to_owned(), "application/grpc".to_owned()));
    }
    let kind = dial.request_kind(&question.headers);
    let internal = client::internal(manager, client, &headers);
    open.asked_of_proxy(question, manager, (&internal, &headers));
    let open_headers = walker.sent.clone().unwrap_or_else(|| OpenHeaders::of_client(is_edge(manager)));
    let open_headers = open_headers.and(added_by(manager));
    let http = Http {
        authority,
        path,
        method: question.method.clone(),
        headers,
        kind,
        open: open_headers,
        scheme,
        internal,
        makes_id,
        client,
        upgrade,
    };
    (http, open.conditions)
}

/// What it asks to go over to. Of that the codec of HTTP/1 drops what it is told to look past
/// (`Utility::removeUpgrade` in `source/common/http/utility.cc`).
fn upgrade(question: &Question, manager: &HttpConnectionManager, dial: &Dial) -> Result<Option<String>, String> {
    if question.method == CONNECT {
        return Ok(Some(CONNECT.to_owned()));
    }
    let Some(wanted) = headers::upgrade(&question.headers) else { return Ok(None) };
    let ignored = manager.http_protocol_options.as_ref().map(|own| own.ignore_http_11_upgrade.as_slice());
    let ignored = ignored.filter(|all| !all.is_empty() && !dial.protocol.is_http2());
    let Some(ignored) = ignored else { return Ok(Some(wanted)) };
    let mut left = Vec::new();
    for one in wanted.split(',').map(str::trim) {
        match ignored.iter().map(|matcher| matcher::string(matcher, one)).fold(Match::No, Match::or) {
            Match::Yes => {}
            Match::No => left.push(one),
            Match::Share(_) | Match::Unknown(_) => {
                return Err(format!("whether the codec looks past upgrades to {one} (`ignore_http_11_upgrade`)"));
            }
        }
    }
    Ok((!left.is_empty()).then(|| left.join(",")))
}

/// The request's own headers, as the manager lets them in: names in lower case, and its early mutations done.
fn seen_headers(
    question: &Question,
    manager: &HttpConnectionManager,
    (dial, upgrade): (&Dial, Option<&str>),
    open: &mut Open,
) -> Vec<(String, String)> {
    let edge = is_edge(manager);
    let mut headers = headers::matched(&question.headers, dial.protocol.is_http2(), edge);
    if question.method != CONNECT
        && let Some(wanted) = upgrade
    {
        headers.extend([("connection", "Upgrade"), ("upgrade", wanted)].map(|(k, v)| (k.to_owned(), v.to_owned())));
    }
    for why in early::mutate(manager, &mut headers) {
        open.add(&[Power::Refuse, Power::Rewrite], &why);
    }
    headers
}

/// Whether its `upgrade` names a tunnel of UDP, which is enough for its path to be read, whatever `connection` says.
fn names_udp(question: &Question, upgrade: Option<&str>) -> bool {
    let bare = headers::joined(&question.headers, "upgrade").filter(|_| headers::upgrade(&question.headers).is_none());
    upgrade.or(bare.as_deref()).is_some_and(connect_udp::is_asked)
}

/// Why the path alone ends the request, where it does (`ConnectionManagerUtility::maybeNormalizePath`).
pub(in crate::walk) fn path_refused(walker: &Walker, manager: &HttpConnectionManager, http: &Http) -> Option<Stop> {
    let Question { path, method, .. } = walker.question;
    if method == CONNECT {
        return None;
    }
    if names_udp(walker.question, http.upgrade.as_deref()) && connect_udp::host(path).is_none() {
        return Some(Stop::Unfit(Unfit::NoUdpTarget));
    }
    if !path.starts_with('/') {
        return Some(Stop::Unfit(Unfit::PathNotAbsolute));
    }
    if path.contains('#') {
        return Some(Stop::Unfit(Unfit::PathRejected));
    }
    let has_escaped = unescaped(path) != *path;
    match manager.path_with_escaped_slashes_action() {
        PathWithEscapedSlashesAction::RejectRequest if has_escaped => Some(Stop::Unfit(Unfit::PathRejected)),
        // A client of gRPC follows no redirect.
        PathWithEscapedSlashesAction::UnescapeAndRedirect if has_escaped && http.kind == RequestKind::Grpc => {
            Some(Stop::Unfit(Unfit::PathRejected))
        }
        PathWithEscapedSlashesAction::UnescapeAndRedirect if has_escaped => Some(Stop::Unfit(Unfit::PathRedirected)),
        PathWithEscapedSlashesAction::KeepUnchanged
        | PathWithEscapedSlashesAction::ImplementationSpecificDefault
        | PathWithEscapedSlashesAction::RejectRequest
        | PathWithEscapedSlashesAction::UnescapeAndRedirect
        | PathWithEscapedSlashesAction::UnescapeAndForward => None,
    }
}

/// The Host, as the manager leaves it: that of a tunnel of UDP stands in its path.
fn authority(manager: &HttpConnectionManager, dial: &Dial, udp_target: Option<String>) -> String {
    let mut authority = udp_target.unwrap_or_else(|| dial.host.clone());
    if manager.strip_trailing_host_dot {
        authority = domains::strip_trailing_dot(&authority);
    }
    if let Some(StripPortMode::StripAnyHostPort(true)) = manager.strip_port_mode {
        authority = domains::strip_port(&authority, None).to_owned();
    } else if manager.strip_matching_host_port {
        authority = domains::strip_port(&authority, Some(dial.port)).to_owned();
    }
    authority
}

/// What the manager does to paths.
pub(in crate::walk) fn normalization(walker: &Walker, manager: &HttpConnectionManager) -> Normalization {
    Normalization {
        dots: manager.normalize_path.as_ref().is_some_and(|b| b.value),
        slashes: manager.merge_slashes,
        parameters: walker.version.has(&Version::PARAMETERS),
    }
}

/// The path, as the manager leaves it.
fn path(walker: &Walker, manager: &HttpConnectionManager, open: &mut Open) -> String {
    let question = walker.question;
    let how = normalization(walker, manager);
    let forwards = manager.path_with_escaped_slashes_action() == PathWithEscapedSlashesAction::UnescapeAndForward;
    let path = if forwards { unescaped(&question.path) } else { question.path.clone() };
    // It is refused for that (`path_refused`).
    if path.contains('#') {
        return path;
    }
    normalize(&path, how).unwrap_or_else(|why| {
        open.add(&[Power::Refuse, Power::Rewrite], &why);
        path
    })
}

/// What of a request is not modeled.
#[derive(Default)]
struct Open {
    conditions: Vec<Condition>,
}

impl Open {
    /// Headers that change how the request is read.
    fn odd_headers(&mut self, question: &Question) {
        let is_plain = |name: &str, value: &str| name == "transfer-encoding" && value.eq_ignore_ascii_case("chunked");
        let odd = |name: &&str| question.header(name).is_some_and(|value| !is_plain(name, value));
        if let Some(name) = ["transfer-encoding", "expect"].into_iter().find(odd) {
            self.add(&[Power::Refuse, Power::Rewrite], &format!("what the header `{name}` changes is not modeled"));
        }
    }

    /// Headers by which an internal request steers the proxy, where it is not known to be one.
    fn asked_of_proxy(
        &mut self,
        question: &Question,
        manager: &HttpConnectionManager,
        (internal, headers): (&Match, &[(String, String)]),
    ) {
        let forwarded = !is_edge(manager) && headers.iter().any(|(name, _)| name == "x-forwarded-for");
        let asks_of_proxy = |(name, _): &(String, String)| name.to_ascii_lowercase().starts_with("x-envoy-");
        if (forwarded || matches!(internal, Match::Unknown(_))) && question.headers.iter().any(asks_of_proxy) {
            self.add(&[Power::Rewrite], "whether the request counts as internal, whose x-envoy- headers are believed");
        }
    }

    fn add(&mut self, powers: &[Power], why: &str) {
        let condition = Condition::of(Stage::HttpFilters, "HTTP connection manager", powers, why);
        self.conditions.push(condition);
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
    let always = ForwardClientCertDetails::AlwaysForwardOnly;
    if manager.forward_client_cert_details() == always || manager.forward_client_cert_matcher.is_some() {
        names.push("x-forwarded-client-cert");
    }
    if trusts_addresses(manager) {
        names.extend(headers::of_the_trusted());
    }
    names
}

/// What the manager writes over it (`scheme_header_transformation`); else what the connection says, or what a client says
/// of itself in `x-forwarded-proto`, which is believed unless the manager takes the connection's own address for the
/// client's.
fn scheme(dial: &Dial, manager: &HttpConnectionManager, headers: &mut Vec<(String, String)>) -> Result<String, String> {
    let own = if let Layer::Opened(..) = dial.layer { "https" } else { "http" };
    let given = headers.iter().find(|(k, _)| k == "x-forwarded-proto").map(|(_, v)| v.clone());
    headers.retain(|(k, _)| k != "x-forwarded-proto");
    let transformation = manager.scheme_header_transformation.as_ref().and_then(|one| one.transformation.as_ref());
    if let Some(Transformation::SchemeToOverwrite(scheme)) = transformation {
        return Ok(scheme.clone());
    }
    let Some(given) = given else { return Ok(own.to_owned()) };
    let edge = is_edge(manager);
    match given.as_str() {
        _ if edge && manager.xff_num_trusted_hops == 0 => Ok(own.to_owned()),
        "http" | "https" => Ok(given),
        _ => Err("this `x-forwarded-proto` is not modeled".to_owned()),
    }
}
