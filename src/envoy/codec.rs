//! What is refused before there is a request to route: by the codecs, and by the checks that follow them.
//!
//! `source/common/http/http1/codec_impl.cc`, `source/common/http/http2/codec_impl.cc`,
//! `source/common/http/header_utility.cc`; the bytes of a Host were tried one by one on 1.36, 1.38 and 1.40.

use std::collections::BTreeSet;

use super::headers;
use super::pb::envoy::config::core::v3::http_protocol_options::HeadersWithUnderscoresAction;
use super::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use super::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::CodecType;
use super::version::Version;

/// Why a request is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The request line is none that HTTP/1 allows.
    RequestLine,
    /// Only HTTP/2 is taken, and the client does not begin with its preface: the connection is closed.
    Preface,
    /// HTTP/1.0 is not taken (`accept_http_10`).
    LowVersion,
    /// A header is none that HTTP/2 allows: the stream is reset.
    Http2Header,
    /// The Host has a byte that no authority has.
    Authority,
    /// A QUERY says nothing of its content's type.
    QueryWithoutContentType,
    /// A header's name has an underscore, in HTTP/1 or HTTP/2.
    Underscore(Wire),
    /// There are more headers than are taken.
    TooManyHeaders(Wire),
    /// The headers are larger than is taken, in HTTP/1.
    HeadersTooLarge,
    /// Its path is `*`, which is for OPTIONS alone.
    Star(Wire),
    /// Its length is said in two ways, in HTTP/1 (`allow_chunked_length`).
    LengthTwice,
}

/// A version of HTTP, as it comes in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spoken {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2, gRPC included.
    Http2,
}

impl Spoken {
    fn is_http2(self) -> bool {
        self == Self::Http2
    }
}

/// How a refusal comes: HTTP/1 has a status for it, HTTP/2 resets the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wire {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// What a connection manager takes of a request's headers.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of Envoy's own")]
pub struct Limits {
    /// What becomes of headers with underscores in their names.
    pub underscores: HeadersWithUnderscoresAction,
    /// How many headers, `max_headers_count`.
    count: usize,
    /// How many bytes, `max_request_headers_kb`.
    bytes: usize,
    /// `allow_custom_methods`
    pub any_method: bool,
    /// `accept_http_10`
    takes_1_0: bool,
    /// `allow_chunked_length`
    takes_both_lengths: bool,
    /// `allow_connect`: upgrades come over HTTP/2 as CONNECT of another kind.
    takes_upgrades: bool,
}

/// What a client may send besides, of its own accord: headers, and their bytes.
const UNASKED: (usize, usize) = (20, 4096);

impl Limits {
    /// Those of a connection manager; 100 headers of 60 KiB where it names none.
    pub fn of(manager: &HttpConnectionManager) -> Self {
        let common = manager.common_http_protocol_options.as_ref();
        let number = |value: Option<u32>, unset: u32| usize::try_from(value.unwrap_or(unset)).unwrap_or(usize::MAX);
        Self {
            underscores: match common {
                Some(common) => common.headers_with_underscores_action(),
                None => HeadersWithUnderscoresAction::Allow,
            },
            count: number(common.and_then(|c| c.max_headers_count.as_ref()).map(|count| count.value), 100),
            bytes: number(manager.max_request_headers_kb.as_ref().map(|kb| kb.value), 60).saturating_mul(1024),
            any_method: manager.http_protocol_options.as_ref().is_some_and(|options| options.allow_custom_methods),
            takes_upgrades: manager.http2_protocol_options.as_ref().is_some_and(|options| options.allow_connect),
            takes_both_lengths: manager
                .http_protocol_options
                .as_ref()
                .is_some_and(|options| options.allow_chunked_length),
            takes_1_0: manager.http_protocol_options.as_ref().is_some_and(|options| options.accept_http_10),
        }
    }

    /// What these make of a request; an error where it rests on what the client sends besides.
    fn refusal(&self, request: Incoming<'_>) -> Result<Option<Refusal>, String> {
        let Incoming { spoken, authority, path, headers, .. } = request;
        let http2 = spoken.is_http2();
        let wire = if http2 { Wire::Http2 } else { Wire::Http1 };
        let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let bytes = bytes + authority.len() + path.len();
        // HTTP/1's are parsed as a whole, before anything in them is looked at.
        if bytes > self.bytes && !http2 {
            return Ok(Some(Refusal::HeadersTooLarge));
        }
        let has_underscore = headers.iter().any(|(name, _)| name.contains('_'));
        if self.underscores == HeadersWithUnderscoresAction::RejectRequest && has_underscore {
            return Ok(Some(Refusal::Underscore(wire)));
        }
        let own = if http2 { 4 } else { 1 };
        // Lines of some headers become one.
        let names: BTreeSet<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        let may_be_large = bytes + UNASKED.1 > self.bytes;
        if names.len() + own > self.count && (http2 || !may_be_large) {
            return Ok(Some(Refusal::TooManyHeaders(wire)));
        }
        if headers.len() + own + UNASKED.0 > self.count {
            return Err(format!("whether the client's own headers and these are more than {}", self.count));
        }
        if may_be_large {
            return Err(format!("whether the client's own headers and these have more than {} bytes", self.bytes));
        }
        Ok(None)
    }
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
    /// In which version of HTTP.
    pub spoken: Spoken,
    /// Its method.
    pub method: &'a str,
    /// Its Host or `:authority`, before anything is stripped from it.
    pub authority: &'a str,
    /// Its path and query.
    pub path: &'a str,
    /// Its headers.
    pub headers: &'a [(String, String)],
}

/// Whether a connection manager with this codec refuses the version of HTTP that the client speaks.
pub fn version_refused(codec: CodecType, spoken: Spoken) -> Option<Refusal> {
    match codec {
        CodecType::Http1 if spoken.is_http2() => Some(Refusal::RequestLine),
        CodecType::Http2 if !spoken.is_http2() => Some(Refusal::Preface),
        // That of HTTP/3 is never behind a socket of TCP.
        CodecType::Auto | CodecType::Http1 | CodecType::Http2 | CodecType::Http3 => None,
    }
}

/// Why Envoy refuses the request, if it does; an error where that cannot be told.
pub fn refusal(request: Incoming<'_>, limits: &Limits, version: Version) -> Result<Option<Refusal>, String> {
    let (by_limit, malformed) = (limits.refusal(request), malformed(request, limits, version));
    match (by_limit, malformed) {
        (Ok(Some(Refusal::HeadersTooLarge)), _) => Ok(Some(Refusal::HeadersTooLarge)),
        (_, Some(Refusal::RequestLine)) if limits.any_method => {
            Err(format!("the method {}, where `allow_custom_methods` is set, is not modeled", request.method))
        }
        (_, Some(refusal @ (Refusal::RequestLine | Refusal::LengthTwice))) => Ok(Some(refusal)),
        (Ok(Some(limit)), Some(Refusal::Authority | Refusal::QueryWithoutContentType) | None) => Ok(Some(limit)),
        (Ok(None), malformed) if request.spoken == Spoken::Http10 && !limits.takes_1_0 => {
            Ok(malformed.filter(|refusal| *refusal == Refusal::Authority).or(Some(Refusal::LowVersion)))
        }
        (Ok(None), malformed) => Ok(malformed),
        (Err(why), _) => Err(why),
        (Ok(Some(_)), Some(_)) => Err("which of two refusals comes first is not modeled".to_owned()),
    }
}

/// What the codec, and the checks after it, do not take from anybody.
fn malformed(request: Incoming<'_>, limits: &Limits, version: Version) -> Option<Refusal> {
    let Incoming { spoken, method, authority, headers, path } = request;
    let wire = if spoken.is_http2() { Wire::Http2 } else { Wire::Http1 };
    let http2 = spoken.is_http2();
    let has_query = version >= Version::new(1, 40, 0);
    let is_query = has_query && method == "QUERY";
    if http2 {
        // 1.36 lets an authority be empty, and minds the case of `trailers`.
        let is_newer = version >= Version::new(1, 37, 0);
        let takes = |te: &str| te == "trailers" || (is_newer && te.eq_ignore_ascii_case("trailers"));
        let upgrades = limits.takes_upgrades && headers::upgrade(headers).is_some();
        let is_bad = |(name, value): &(String, String)| {
            let name = name.to_ascii_lowercase();
            if upgrades && ["connection", "upgrade"].contains(&name.as_str()) {
                return false;
            }
            HOP_BY_HOP.contains(&name.as_str()) || (name == "te" && !takes(value))
        };
        let is_missing = authority.is_empty() && is_newer;
        if is_missing || authority.contains('@') || !is_authority(authority) || headers.iter().any(is_bad) {
            return Some(Refusal::Http2Header);
        }
    } else if !METHODS.contains(&method) && !is_query {
        return Some(Refusal::RequestLine);
    } else if !limits.takes_both_lengths {
        let has = |name: &str| headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        if has("transfer-encoding") && has("content-length") {
            return Some(Refusal::LengthTwice);
        }
    }
    if path == "*" && method != "OPTIONS" {
        return Some(Refusal::Star(wire));
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
