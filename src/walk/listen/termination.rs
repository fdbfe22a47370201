//! The TLS of a client that a filter chain ends, or that nobody ends.
//!
//! The client is one that trusts whatever certificate it is shown; whether it would is its own affair, and is said.

use crate::envoy::any::JsonAny;
use crate::envoy::pb::envoy::config::core::v3::{TransportSocket, transport_socket};
use crate::envoy::pb::envoy::config::listener::v3::FilterChain;
use crate::envoy::tls::{Context, Material};
use crate::snapshot::{Node, Origin};
use crate::verdict::Stage;
use crate::walk::way::dial::{Dial, Layer, Shown};
use crate::walk::way::guard::{ANYTHING, Condition};
use crate::walk::way::log::Row;
use crate::walk::way::protocol::Protocol;
use crate::walk::way::stop::Stop;
use crate::walk::way::unfit::Unfit;
use crate::walk::way::walker::Walker;

/// What a chain's filters get.
pub(in crate::walk) enum Terminated {
    /// What the peer wrote.
    Clear(Dial),
    /// TLS, as it came.
    Passed(Dial),
    /// What the peer wrote, provided that.
    Open(Dial, Condition),
    /// What the peer wrote, where it shows a certificate; else the connection is closed.
    Asks(Dial, Stop, Row),
    /// Nothing: the connection is closed.
    Closed(Stop, Row),
}

/// Ends TLS, where the chain does and the peer speaks it.
pub(in crate::walk) fn terminate(walker: &Walker, (chain, node): (&FilterChain, &Node), dial: &Dial) -> Terminated {
    let is_source = matches!(walker.origin, Origin::Source(_));
    // The handshake between A's proxy and B's is looked at where both are known.
    let by_proxy = walker.downstream.tls;
    let sealed = is_source && dial.layer == Layer::Sealed;
    let Some(socket) = &chain.transport_socket else {
        return if by_proxy || sealed { Terminated::Passed(dial.clone()) } else { Terminated::Clear(dial.clone()) };
    };
    let row = |note: &str, field: &str| {
        let at = node.at(field).or_else(|| node.get("transport_socket")).map(|n| n.evidence());
        Row::stopped(Stage::FilterChain, &chain.name, note).citing(at)
    };
    match kind(socket) {
        Kind::Clear if by_proxy || sealed => Terminated::Passed(dial.clone()),
        Kind::Clear => Terminated::Clear(dial.clone()),
        Kind::Tls(_) if by_proxy => Terminated::Clear(dial.clone()),
        Kind::Tls(Some(any)) if sealed => match Context::downstream(any) {
            Ok(context) => opened(walker, (chain, &context), dial, &row),
            Err(why) => open(chain, opened_dial(walker, dial, &[], Shown::Nothing), &why),
        },
        Kind::Tls(None) if sealed => {
            open(chain, opened_dial(walker, dial, &[], Shown::Nothing), "its TLS context is not in the dump")
        }
        Kind::Tls(_) => Terminated::Closed(Stop::PlaintextOnTls, row("it takes TLS only", "transport_socket.name")),
        Kind::Other => {
            let why = format!("transport socket {} is not modeled", socket.name);
            open(chain, opened_dial(walker, dial, &[], Shown::Nothing), &why)
        }
    }
}

fn open(chain: &FilterChain, dial: Dial, why: &str) -> Terminated {
    let condition = Condition::of(Stage::FilterChain, &chain.name, ANYTHING, why);
    Terminated::Open(dial, condition.provided_that("the TLS handshake with the proxy succeeds"))
}

/// What comes of a handshake with a client of which it is not known whether it has a certificate of its own.
fn opened(
    walker: &Walker,
    (chain, context): (&FilterChain, &Context),
    dial: &Dial,
    row: &dyn Fn(&str, &str) -> Row,
) -> Terminated {
    let missing = context.shows.iter().find_map(|own| match own {
        Material::Secret(name) => is_missing(walker, name).then_some(name),
        Material::Text(_) | Material::Elsewhere(_) => None,
    });
    if let Some(name) = missing {
        let note = format!("its certificate {name} was never delivered");
        return Terminated::Closed(
            Stop::Unfit(Unfit::CertificateNotDelivered(name.clone())),
            row(&note, "transport_socket"),
        );
    }
    // Without an authority to trust nothing is required (measured on 1.40).
    if context.wants_certificate() {
        let note = "it takes clients with a certificate only";
        let field = "transport_socket.typed_config.require_client_certificate";
        let dial = opened_dial(walker, dial, &context.alpn, Shown::Certificate);
        return Terminated::Asks(dial, Stop::Unfit(Unfit::ClientCertificateMissing), row(note, field));
    }
    walker.remark("whether the client trusts the certificate that the proxy shows".to_owned());
    let dial = opened_dial(walker, dial, &context.alpn, Shown::Nothing);
    match &context.untold {
        Some(field) => open(chain, dial, &format!("`{field}` of a TLS context is not modeled")),
        None => Terminated::Clear(dial),
    }
}

/// Whether a certificate is still waited for.
fn is_missing(walker: &Walker, name: &str) -> bool {
    let secret = walker.snapshot.secret(walker.origin, name);
    let is_missing = walker.snapshot.lacks_secret(&secret, walker.origin, name);
    walker.glance(secret);
    is_missing
}

/// The bytes inside: in HTTP/2 where both offer it, else as the client was said to speak.
fn opened_dial(walker: &Walker, dial: &Dial, alpn: &[String], shown: Shown) -> Dial {
    let question = walker.question;
    let offered = question.alpn();
    let chosen = alpn.iter().find(|own| offered.contains(own)).map(String::as_str);
    let protocol = match (question.protocol, chosen, dial.protocol) {
        (None, Some("h2"), Protocol::Http1 | Protocol::Tls) => Protocol::Http2,
        (None | Some(Protocol::Tls), _, Protocol::Tls) => Protocol::Http1,
        (_, _, protocol) => protocol,
    };
    Dial { protocol, layer: Layer::Opened(question.server_name(), shown), ..dial.clone() }
}

enum Kind<'a> {
    /// None.
    Clear,
    Tls(Option<&'a JsonAny>),
    Other,
}

fn kind(socket: &TransportSocket) -> Kind<'_> {
    match &socket.config_type {
        Some(transport_socket::ConfigType::TypedConfig(any)) if any.type_name.ends_with(".DownstreamTlsContext") => {
            Kind::Tls(Some(any))
        }
        Some(transport_socket::ConfigType::TypedConfig(any)) if any.type_name.ends_with(".RawBuffer") => Kind::Clear,
        None if socket.name == "envoy.transport_sockets.tls" => Kind::Tls(None),
        None if socket.name == "envoy.transport_sockets.raw_buffer" => Kind::Clear,
        Some(transport_socket::ConfigType::TypedConfig(_)) | None => Kind::Other,
    }
}
