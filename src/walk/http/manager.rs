//! What a connection manager makes of a connection: refusals, then route, filters and the route's action.

use std::sync::Arc;

use crate::envoy::codec::{self, Incoming, Limits, Refusal, Spoken};
use crate::envoy::local_reply::{Advised, Replies};
use crate::envoy::pb::envoy::config::core::v3::http_protocol_options::HeadersWithUnderscoresAction;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::CodecType;
use crate::snapshot::{Node, Origin};
use crate::verdict::{Power, Stage};
use crate::walk::http::chosen::Chosen;
use crate::walk::http::detection::{self, Detected};
use crate::walk::http::filters::{self, Reach};
use crate::walk::http::host::{self, Content, Delivered, Host};
use crate::walk::http::request::{self, Http};
use crate::walk::http::{action, apart, route, upgrade};
use crate::walk::way::accepted::Sight;
use crate::walk::way::course::Told;
use crate::walk::way::dial::{Dial, Layer};
use crate::walk::way::forwarded::{Forwarded, Underscores};
use crate::walk::way::guard::{ANYTHING, Condition};
use crate::walk::way::log::{Fact, Row};
use crate::walk::way::question::Question;
use crate::walk::way::stop::Stop;
use crate::walk::way::unfit::Unfit;
use crate::walk::way::walker::Walker;

const MANAGER: &str = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
/// How rows name the manager.
const NAME: &str = "HTTP connection manager";

/// A connection manager, and where it stands.
#[derive(Clone, Copy)]
pub(in crate::walk) struct Manager<'a> {
    pub(in crate::walk) config: &'a HttpConnectionManager,
    pub(in crate::walk) node: &'a Node,
    /// What it sees of the bytes.
    pub(in crate::walk) sight: Sight,
}

/// Where the manager sends the request. `reach` tells what comes of asking a cluster of a filter's own.
pub(in crate::walk) fn forward(walker: &Walker, manager: Manager, dial: &Dial, reach: Reach) -> Told<Forwarded> {
    let except = ["http_filters", "route_config", "scoped_routes", "local_reply_config", "proxy_status_config"];
    let unmodeled = Walker::unmodeled(manager.node, MANAGER, &except);
    let (replies, odd) = match replies(manager.node) {
        Ok(replies) => (Some(replies).filter(Replies::are_others), None),
        Err(why) => (None, Some(why)),
    };
    let of_manager = |why: String| Condition::of(Stage::HttpFilters, NAME, ANYTHING, &why);
    let conditions: Vec<Condition> = unmodeled.into_iter().chain(odd).map(of_manager).collect();
    let clear = manager.sight == Sight::Clear;
    let told = match dial.protocol.http().filter(|_| clear && dial.layer != Layer::Sealed) {
        Some(version) => spoken(walker, manager, (dial, version), reach),
        None => bytes(walker, manager, dial),
    };
    let facts = replies.map(|replies| Fact::Replies(Arc::new(replies)));
    facts.into_iter().fold(told, Told::met).under(conditions)
}

fn replies(manager: &Node) -> Result<Replies, String> {
    let config = manager.get("local_reply_config");
    let advised = manager.at("proxy_status_config.set_recommended_response_code");
    let advised = if advised.is_some_and(|set| *set.value() == true) { Advised::Yes } else { Advised::No };
    Replies::of(config.as_ref().map(Node::value), advised)
}

/// What becomes of a request that comes in a version of HTTP.
fn spoken(walker: &Walker, manager: Manager, (dial, spoken): (&Dial, Spoken), reach: Reach) -> Told<Forwarded> {
    let limits = Limits::of(manager.config);
    let (http, conditions) = request::request(walker, manager.config, dial, &limits);
    let version = codec::version_refused(manager.config.codec_type(), spoken);
    if let Some(why) = version_is_open(version, &limits, walker) {
        return open(Stage::HttpFilters, "", why).under(conditions);
    }
    if version == Some(Refusal::Preface) {
        return refuse(manager.node, Refusal::Preface, OTHER_VERSION).under(conditions);
    }
    let delivered = Delivered::of(walker, manager.config, manager.node, Some((&http, dial)));
    let facts = delivered.facts();
    let told = match refused(walker, manager, (dial, spoken), &http, &limits, version) {
        Refused::No => match detection::detect(manager.config, &http.headers) {
            Detected::Refused(status) => undetected(manager.node, status),
            Detected::At(_) | Detected::Nowhere | Detected::Open(_) => {
                routed(walker, manager, dial, (&http, delivered), reach)
            }
        },
        Refused::By(told) => told,
        Refused::Open(condition) => routed(walker, manager, dial, (&http, delivered), reach).under([condition]),
    };
    facts.into_iter().rev().fold(told, Told::met).under(conditions)
}

/// Virtual host, route, filters, and what the route does with the requests that they let through.
fn routed(
    walker: &Walker,
    manager: Manager,
    dial: &Dial,
    (http, delivered): (&Http, Delivered),
    reach: Reach,
) -> Told<Forwarded> {
    let Delivered { name, content } = delivered;
    let (found, config, condition) = match content {
        Content::There(config, table, condition) => {
            (host::virtual_host(&config, &table, http), Some((config, table)), condition)
        }
        // The filters are asked all the same, and the router after them finds no route.
        Content::Undelivered(absence) => (host::undelivered(manager.node, &absence), None, None),
        Content::Open(condition) => {
            let row = Row::unknown(Stage::Route, &condition.subject, &condition.why);
            return Told::open(condition).row(row);
        }
    };
    let routed = found.then(&|host: Host| {
        let chosen = match (&host, &config) {
            (Host::Found(of, table), Some((config, _))) => route::choose(walker, of, table, config, http),
            _ => Told::goes(Chosen::none()),
        };
        let config = config.as_ref().map(|(config, table)| (&**config, table.node()));
        let configured = filters::configured(walker, manager.config, manager.node);
        let chain = filters::Chain {
            configured: &configured,
            manager: manager.config,
            node: manager.node,
            config,
            host: &host,
            dial,
            sight: manager.sight,
            reach,
        };
        let taking = action::Taking {
            walker,
            host: &host,
            config: &name,
            config_node: config.map(|(_, node)| node),
            http,
            alpn_override: &walker.mesh.alpn_override(manager.config),
            underscores: underscores(manager.config),
        };
        let apart = apart::apart(walker, &chain, http).map(|apart| Fact::Apart(Arc::new(apart)));
        let told = chosen.then(&|chosen| taken(&taking, &chain, chosen));
        apart.into_iter().fold(told, Told::met)
    });
    routed.under(condition)
}

/// What the filters and the router do with requests that were given a route.
fn taken(taking: &action::Taking, chain: &filters::Chain, chosen: Chosen) -> Told<Forwarded> {
    let (walker, http) = (taking.walker, taking.http);
    // Envoy logs the route even where it goes no further.
    let with_facts =
        |told: Told<Forwarded>, chosen: &Chosen| taking.facts(chosen).into_iter().rev().fold(told, Told::met);
    let condition = match upgrade::admit((chain.manager, chain.node), chain.host, http, &chosen) {
        Ok(condition) => condition,
        Err((stop, row)) => return with_facts(Told::ends(stop).row(row), &chosen),
    };
    let told = filters::told_apart(walker, chain, chosen, http).then(&|chosen: Chosen| {
        let told = filters::pass(walker, chain, &chosen, http).then(&|left| {
            if chain.manager.http_filters.is_empty() { never_answered(chain.node) } else { taking.act(&chosen, &left) }
        });
        with_facts(told, &chosen)
    });
    told.under(condition)
}

/// No filter answers, the router included.
fn never_answered<T>(node: &Node) -> Told<T> {
    let at = node.lacks("http_filters");
    Told::ends(Stop::Unfit(Unfit::NeverAnswered))
        .row(Row::stopped(Stage::HttpFilters, NAME, "it has no HTTP filters").citing([at]))
}

/// What is no HTTP, on a chain of HTTP: bytes in the clear, or TLS.
fn bytes(walker: &Walker, manager: Manager, dial: &Dial) -> Told<Forwarded> {
    let clear = manager.sight == Sight::Clear && dial.layer != Layer::Sealed;
    let sealed = dial.layer == Layer::Sealed && matches!(walker.origin, Origin::Source(_));
    // A port of TCP says nothing of what its clients speak, and B's proxy may take it for another Service's of HTTP.
    if clear && walker.question.protocol.is_none() && !matches!(walker.origin, Origin::Source(_)) {
        return open(Stage::HttpFilters, "", "whether the client speaks HTTP, which is all that B's proxy takes here");
    }
    // Whatever the codec makes of it, what it answers is no TLS, and A's proxy is not through with its handshake.
    let unterminated = manager.sight == Sight::Ciphertext && !matches!(walker.origin, Origin::Source(_));
    if unterminated && dial.protocol.http().is_some() {
        let row = Row::stopped(Stage::HttpFilters, NAME, "it takes plaintext HTTP only, and TLS comes");
        return Told::ends(Stop::Unfit(Unfit::TlsOnPlaintext)).row(row);
    }
    match CodecType::try_from(manager.config.codec_type) {
        // Bytes that are no HTTP/2 preface go to the HTTP/1 codec (`ConnectionManagerUtility::autoCreateCodec`).
        Ok(CodecType::Auto | CodecType::Http1) if clear => {
            let told = Told::ends(Stop::Refused(Refusal::RequestLine)).row(Row::stopped(
                Stage::HttpFilters,
                "",
                "it takes HTTP only",
            ));
            let facts = Delivered::of(walker, manager.config, manager.node, None).facts();
            facts.into_iter().rev().fold(told, Told::met)
        }
        Ok(CodecType::Auto | CodecType::Http1) if sealed => {
            let row = Row::stopped(Stage::HttpFilters, NAME, "it takes plaintext HTTP only, and TLS comes");
            let facts = Delivered::of(walker, manager.config, manager.node, None).facts();
            facts.into_iter().rev().fold(Told::ends(Stop::Unfit(Unfit::TlsOnPlaintext)).row(row), Told::met)
        }
        Ok(CodecType::Http2) if (clear || sealed) && matches!(walker.origin, Origin::Source(_)) => {
            refuse(manager.node, Refusal::Preface, OTHER_VERSION)
        }
        Ok(CodecType::Auto | CodecType::Http1 | CodecType::Http2 | CodecType::Http3) | Err(_) => {
            open(Stage::HttpFilters, "", "bytes that are no HTTP, on an HTTP chain, are not modeled")
        }
    }
}

/// Nothing can be said of what follows.
fn open<T>(stage: Stage, subject: &str, why: &str) -> Told<T> {
    Told::open(Condition::of(stage, subject, ANYTHING, why)).row(Row::unknown(stage, subject, why))
}

/// What of a refused version of HTTP is not modeled.
fn version_is_open(version: Option<Refusal>, limits: &Limits, walker: &Walker) -> Option<&'static str> {
    let version = version?;
    if !matches!(walker.origin, Origin::Source(_)) {
        return Some("what A's proxy makes of B's refusal of its version of HTTP (`codec_type`) is not modeled");
    }
    (version == Refusal::RequestLine && limits.any_method)
        .then_some("what the codec makes of HTTP/2's preface, where `allow_custom_methods` is set, is not modeled")
}

/// Whether the manager refuses the request before it looks for a route.
enum Refused {
    No,
    By(Told<Forwarded>),
    Open(Condition),
}

fn refused(
    walker: &Walker,
    Manager { config, node, .. }: Manager,
    (dial, spoken): (&Dial, Spoken),
    http: &Http,
    limits: &Limits,
    version: Option<Refusal>,
) -> Refused {
    let Question { path: asked, method, headers, .. } = walker.question;
    let incoming = Incoming { spoken, method, authority: &dial.host, path: asked, headers };
    match version.map_or_else(|| codec::refusal(incoming, limits, walker.version), |refusal| Ok(Some(refusal))) {
        Ok(None) => match request::path_refused(walker, config, http) {
            None => Refused::No,
            Some(stop) => {
                let at = node.get("path_with_escaped_slashes_action").map(|n| n.evidence());
                let row = Row::stopped(Stage::HttpFilters, NAME, "the path is not taken as it is").citing(at);
                Refused::By(Told::ends(stop).row(row))
            }
        },
        Ok(Some(refusal)) if version.is_some() => Refused::By(refuse(node, refusal, OTHER_VERSION)),
        Ok(Some(refusal)) => {
            Refused::By(refuse(node, refusal, (limit(refusal), "the request is refused before any route")))
        }
        Err(why) => Refused::Open(Condition::of(Stage::HttpFilters, NAME, &[Power::Refuse], &why)),
    }
}

/// The client's address is not where the manager looks for it.
fn undetected<T>(node: &Node, status: u16) -> Told<T> {
    let evidence = node.get("original_ip_detection_extensions").map(|n| n.evidence());
    let note = "the header that has to name the client's address is not there, or names none";
    let row = Row::stopped(Stage::HttpFilters, NAME, note).citing(evidence);
    Told::ends(Stop::Unfit(Unfit::ClientUnknown(status))).row(row)
}

/// The field by which the client speaks another version of HTTP than the manager takes, and what to say.
const OTHER_VERSION: (Option<&str>, &str) = (Some("codec_type"), "it takes another version of HTTP");

/// The manager does not take the request, by this field, where there is one.
fn refuse<T>(node: &Node, refusal: Refusal, (field, note): (Option<&str>, &str)) -> Told<T> {
    let evidence = field.and_then(|field| node.at(field)).map(|n| n.evidence());
    Told::ends(Stop::Refused(refusal)).row(Row::stopped(Stage::HttpFilters, NAME, note).citing(evidence))
}

/// The field whose limit refuses the request; `None` for what the codec, or a check that follows it, takes of nobody.
fn limit(refusal: Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::Underscore(_) => Some("common_http_protocol_options.headers_with_underscores_action"),
        Refusal::TooManyHeaders(_) => Some("common_http_protocol_options.max_headers_count"),
        Refusal::HeadersTooLarge => Some("max_request_headers_kb"),
        Refusal::RequestLine
        | Refusal::Preface
        | Refusal::LowVersion
        | Refusal::LengthTwice
        | Refusal::Star(_)
        | Refusal::Http2Header
        | Refusal::Authority
        | Refusal::QueryWithoutContentType => None,
    }
}

fn underscores(manager: &HttpConnectionManager) -> Underscores {
    match Limits::of(manager).underscores {
        HeadersWithUnderscoresAction::DropHeader => Underscores::Dropped,
        HeadersWithUnderscoresAction::Allow | HeadersWithUnderscoresAction::RejectRequest => Underscores::Kept,
    }
}
