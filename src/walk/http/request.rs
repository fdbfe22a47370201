//! The request as a connection manager's routes and filters see it.

use crate::envoy::codec::Limits;
use crate::envoy::domains;
use crate::envoy::headers;
use crate::envoy::path::{Normalization, normalize};
use crate::envoy::pb::envoy::config::core::v3::http_protocol_options::HeadersWithUnderscoresAction;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::{
    ForwardClientCertDetails, PathWithEscapedSlashesAction, StripPortMode,
};
use crate::envoy::version::Version;
use crate::verdict::{Power, Stage};
use crate::walk::way::dial::Dial;
use crate::walk::way::guard::{ANYTHING, Condition};
use crate::walk::way::open_headers::OpenHeaders;
use crate::walk::way::question::Protocol;
use crate::walk::way::stop::RequestKind;
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

/// The request as the manager's routes see it, and what of it is not modeled; an error where there is none.
pub(in crate::walk) fn request(
    walker: &Walker,
    manager: &HttpConnectionManager,
    dial: &Dial,
    limits: &Limits,
) -> Result<(Http, Vec<Condition>), String> {
    let question = walker.question;
    let mut open = Open::default();
    let authority = authority(manager, dial);
    let path = path(walker, manager, &mut open);
    let given = |name: &str| question.headers.iter().find(|(k, _)| k.eq_ignore_ascii_case(name));
    let upgrades = given("connection").is_some_and(|(_, v)| v.to_ascii_lowercase().contains("upgrade"));
    if let Some(name) =
        ["transfer-encoding", "x-forwarded-for", "expect"].into_iter().find(|name| given(name).is_some())
    {
        open.add(&[Power::Refuse, Power::Rewrite], &format!("what the header `{name}` changes is not modeled"));
    }
    if upgrades {
        open.add(ANYTHING, "upgrades are not modeled");
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
    let scheme = scheme(walker, manager, &mut headers).unwrap_or_else(|why| {
        open.add(&[Power::Rewrite], &why);
        "http".to_owned()
    });
    if dial.protocol == Protocol::Grpc && !headers.iter().any(|(k, _)| k == "content-type") {
        headers.push(("content-type".to_owned(), "application/grpc".to_owned()));
    }
    let kind = dial.request_kind(&question.headers);
    if question.method == "CONNECT" || !path.starts_with('/') {
        return Err("CONNECT and requests without a path are not modeled".to_owned());
    }
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
        may_be_internal: trusts_addresses(manager),
        makes_id,
    };
    Ok((http, open.conditions))
}

/// The Host, as the manager leaves it.
fn authority(manager: &HttpConnectionManager, dial: &Dial) -> String {
    let mut authority = dial.host.clone();
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
    let escaped = question.path.to_ascii_lowercase();
    let keeps = matches!(
        manager.path_with_escaped_slashes_action(),
        PathWithEscapedSlashesAction::KeepUnchanged | PathWithEscapedSlashesAction::ImplementationSpecificDefault
    );
    if !keeps && (escaped.contains("%2f") || escaped.contains("%5c")) {
        open.add(ANYTHING, "escaped slashes in the path are not modeled");
    }
    normalize(&question.path, how).unwrap_or_else(|why| {
        open.add(&[Power::Refuse, Power::Rewrite], &why);
        question.path.clone()
    })
}

/// What of a request is not modeled.
#[derive(Default)]
struct Open {
    conditions: Vec<Condition>,
}

impl Open {
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
    if manager.forward_client_cert_details() == ForwardClientCertDetails::AlwaysForwardOnly {
        names.push("x-forwarded-client-cert");
    }
    if trusts_addresses(manager) {
        names.extend(headers::of_the_trusted());
    }
    names
}

/// Whether the manager takes the connection's own address for the client's.
pub(in crate::walk) fn is_edge(manager: &HttpConnectionManager) -> bool {
    manager.use_remote_address.as_ref().is_some_and(|b| b.value)
}

/// What the connection says, or what a client says of itself in `x-forwarded-proto`, which is believed unless the manager
/// takes the connection's own address for the client's.
fn scheme(
    walker: &Walker,
    manager: &HttpConnectionManager,
    headers: &mut Vec<(String, String)>,
) -> Result<String, String> {
    // TLS of A's own only gets to a manager where its chain terminates it.
    let own = if walker.question.tls { "https" } else { "http" };
    let given = headers.iter().find(|(k, _)| k == "x-forwarded-proto").map(|(_, v)| v.clone());
    headers.retain(|(k, _)| k != "x-forwarded-proto");
    let Some(given) = given else { return Ok(own.to_owned()) };
    let edge = is_edge(manager);
    match given.as_str() {
        _ if edge && manager.xff_num_trusted_hops == 0 => Ok(own.to_owned()),
        "http" | "https" if !edge => Ok(given),
        _ => Err("this `x-forwarded-proto` is not modeled".to_owned()),
    }
}
