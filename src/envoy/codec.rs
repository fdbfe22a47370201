//! What is refused before there is a request to route: by the codecs, and by the checks that follow them.
//!
//! `source/common/http/http1/codec_impl.cc`, `source/common/http/http2/codec_impl.cc`,
//! `source/common/http/header_utility.cc`; the bytes of a Host were tried one by one on 1.36, 1.38 and 1.40.

use super::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::CodecType;
use super::version::Version;

/// Why a request is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The request line is none that HTTP/1 allows.
    RequestLine,
    /// Only HTTP/2 is taken, and the client does not begin with its preface: the connection is closed.
    Preface,
    /// A header is none that HTTP/2 allows: the stream is reset.
    Http2Header,
    /// The Host has a byte that no authority has.
    Authority,
    /// A QUERY says nothing of its content's type.
    QueryWithoutContentType,
}

/// `http_parser`'s methods; QUERY is one since 1.40.
const METHODS: &[&str] = &[
    "ACL",
    "BIND",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LINK",
    "LOCK",
    "M-SEARCH",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];

/// Headers of one connection, which HTTP/2 does not have.
const HOP_BY_HOP: &[&str] = &["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

/// A request as it comes in.
#[derive(Clone, Copy)]
pub struct Incoming<'a> {
    /// HTTP/2, gRPC included; HTTP/1.1 otherwise.
    pub http2: bool,
    /// Its method.
    pub method: &'a str,
    /// Its Host or `:authority`, before anything is stripped from it.
    pub authority: &'a str,
    /// Its headers.
    pub headers: &'a [(String, String)],
}

/// Whether a connection manager with this codec refuses the version of HTTP that the client speaks.
pub fn version_refused(codec: CodecType, http2: bool) -> Option<Refusal> {
    match codec {
        CodecType::Http1 if http2 => Some(Refusal::RequestLine),
        CodecType::Http2 if !http2 => Some(Refusal::Preface),
        // That of HTTP/3 is never behind a socket of TCP.
        CodecType::Auto | CodecType::Http1 | CodecType::Http2 | CodecType::Http3 => None,
    }
}

/// Why Envoy refuses the request, if it does.
pub fn refusal(request: Incoming<'_>, version: Version) -> Option<Refusal> {
    let Incoming { http2, method, authority, headers } = request;
    let has_query = version >= Version::new(1, 40, 0);
    let is_query = has_query && method == "QUERY";
    if http2 {
        // 1.36 lets an authority be empty, and minds the case of `trailers`.
        let is_newer = version >= Version::new(1, 37, 0);
        let takes = |te: &str| te == "trailers" || (is_newer && te.eq_ignore_ascii_case("trailers"));
        let is_bad = |(name, value): &(String, String)| {
            let name = name.to_ascii_lowercase();
            HOP_BY_HOP.contains(&name.as_str()) || (name == "te" && !takes(value))
        };
        let is_missing = authority.is_empty() && is_newer;
        if is_missing || authority.contains('@') || !is_authority(authority) || headers.iter().any(is_bad) {
            return Some(Refusal::Http2Header);
        }
    } else if !METHODS.contains(&method) && !is_query {
        return Some(Refusal::RequestLine);
    }
    if !is_authority(authority) {
        return Some(Refusal::Authority);
    }
    let has_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    (is_query && !has_type).then_some(Refusal::QueryWithoutContentType)
}

/// `user@host:port` is one, for HTTP/1.
fn is_authority(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!$%&'()*+,-.:;=@[]_~".contains(&b))
}
