//! Details of the codecs: what is wrong with the bytes of a request or of an answer.
//!
//! `source/common/http/http1/codec_impl.cc`, `source/common/http/http2/codec_impl.cc`,
//! `source/common/http/header_utility.cc`.

use crate::explain::topic::Entry;

pub(in crate::explain) const CODEC: &[Entry] = &[
    Entry {
        name: "http1.codec_error",
        title: "The bytes are no HTTP/1.1.",
        status: "400",
        means: "The parser of HTTP/1.1 gave up on what came. On an upstream's side the flag is UPE and the status 502.",
        arises: "TLS, HTTP/2 or a foreign protocol comes to a port of plaintext HTTP/1.1; a method that the parser \
                 does not know; a blank in the path.",
        confirm: "Ask what the client speaks. Bytes that begin with 16 03 are TLS.",
        fix: "Speak plaintext HTTP to that port, or name the port `tcp-…` or `https-…`.",
        flags: &["DPE"],
        findings: &["protocol-not-taken", "request-not-taken"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http1.headers_too_large",
        title: "The headers are larger than the proxy takes.",
        status: "431",
        means: "All headers together have more bytes than `max_request_headers_kb` (60 KiB by default).",
        arises: "Cookies and tokens that have grown. The proxy that refuses may be B's: then A's log has 431 and \
                 `via_upstream`.",
        confirm: "Measure the headers of one such request.",
        fix: "Send less, or raise `max_request_headers_kb` by an EnvoyFilter.",
        flags: &["DPE"],
        findings: &["request-over-a-limit"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http1.too_many_headers",
        title: "There are more headers than the proxy takes.",
        status: "431",
        means: "The request has more headers than `max_headers_count` (100 by default).",
        arises: "A client, or a proxy before, that adds a header for everything.",
        confirm: "Count the headers of one such request.",
        fix: "Send fewer, or raise `max_headers_count`.",
        flags: &["DPE"],
        findings: &["request-over-a-limit"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http1.unexpected_underscore",
        title: "A header's name has an underscore.",
        status: "400",
        means: "The proxy is told to refuse such requests.",
        arises: "`headers_with_underscores_action: REJECT_REQUEST`, and a client that sends `x_user` for `x-user`.",
        confirm: "The names of the request's headers, against that field.",
        fix: "Rename the header.",
        flags: &["DPE"],
        findings: &["request-not-taken"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http1.content_length_and_chunked_not_allowed",
        title: "The length is said in two ways.",
        status: "400",
        means: "`content-length` and `transfer-encoding: chunked` contradict each other, and could hide a second \
                request.",
        arises: "A client or a proxy before that sets both.",
        confirm: "The headers of one such request.",
        fix: "Drop one of them. `allow_chunked_length` takes both, which is unsafe.",
        flags: &["DPE"],
        findings: &["request-not-taken"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http1.body_disallowed",
        title: "A body where none may be.",
        status: "400, or 502 of an answer",
        means: "A message has a body although its kind has none.",
        arises: "A broken client or server.",
        confirm: "Record one such message.",
        fix: "Mend its sender.",
        flags: &["DPE", "UPE"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http1.content_length_not_allowed",
        title: "A length on an answer that may have none.",
        status: "502",
        means: "An answer of 1xx, 204 or to CONNECT has a `content-length`.",
        arises: "A server that sets the header on every answer.",
        confirm: "curl -v the pod directly.",
        fix: "Mend the server.",
        flags: &["UPE"],
        findings: &["requests-failed-so-far"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http1.transfer_encoding_not_allowed",
        title: "An encoding that an answer may not have.",
        status: "502",
        means: "An answer of 1xx, 204 or to CONNECT has a `transfer-encoding`.",
        arises: "A server or framework that sends 204 with `transfer-encoding: chunked`.",
        confirm: "curl -v the pod directly.",
        fix: "Mend the server, or send 200 with an empty body.",
        flags: &["UPE"],
        findings: &["requests-failed-so-far"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http1.invalid_transfer_encoding",
        title: "A transfer encoding that is not valid.",
        status: "400 or 501; 502 of an answer",
        means: "`transfer-encoding` has something else than `chunked` in it.",
        arises: "A broken client or server; two proxies that each add the header.",
        confirm: "Record one such message.",
        fix: "Mend its sender.",
        flags: &["DPE", "UPE"],
        findings: &["requests-failed-so-far"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http1.connection_header_rejected",
        title: "`connection` is malformed or too long.",
        status: "400",
        means: "The proxy could not tell which headers are for this connection alone.",
        arises: "A broken client.",
        confirm: "Record one such request.",
        fix: "Mend the client.",
        flags: &["DPE"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http1.invalid_characters",
        title: "A header has characters that no header may have.",
        status: "400, or 502 of an answer",
        means: "A control character or the like stands in a header.",
        arises: "Text that was put into a header as it is: a line break, or a name in another encoding.",
        confirm: "Record one such message.",
        fix: "Encode the value, or leave it out.",
        flags: &["DPE", "UPE"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http1.invalid_url",
        title: "The request's target is not valid.",
        status: "400",
        means: "The request line has a URL that cannot be taken apart, or a CONNECT without a port.",
        arises: "A broken client, or one that takes the proxy for a forward proxy.",
        confirm: "The request line.",
        fix: "Correct the URL; CONNECT needs HOST:PORT.",
        flags: &["DPE"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http1.invalid_scheme",
        title: "The target has a scheme that is not taken.",
        status: "400",
        means: "The request line has a whole URL, and its scheme is neither http nor https.",
        arises: "A client that takes the proxy for a forward proxy.",
        confirm: "The request line.",
        fix: "Send a path.",
        flags: &["DPE"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http1.https_url_on_plaintext_connection",
        title: "An https URL comes in plaintext.",
        status: "400",
        means: "The request line has a whole URL of https, and the connection is plaintext.",
        arises: "A client that takes the proxy for a forward proxy.",
        confirm: "The request line.",
        fix: "Send a path, or use CONNECT.",
        flags: &["DPE"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http.invalid_authority",
        title: "The Host has characters that no host has.",
        status: "400",
        means: "The Host, or the authority of HTTP/2, is not a name of a host.",
        arises: "A client that was written by hand, a template that was not filled in, or an attack.",
        confirm: "The authority in the access log.",
        fix: "Send a host's name.",
        flags: &["DPE"],
        findings: &["request-not-taken"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http.invalid_method",
        title: "The method is not valid.",
        status: "400",
        means: "The method has characters that no method has, or is unknown and unknown ones are not taken.",
        arises: "A broken client.",
        confirm: "The method in the access log.",
        fix: "Use a method of HTTP.",
        flags: &["DPE"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http.invalid_path",
        title: "The path has characters that no path has.",
        status: "400",
        means: "The path was refused before any route was looked for.",
        arises: "Blanks or other characters that a client should have escaped.",
        confirm: "The path in the access log.",
        fix: "Escape the path.",
        flags: &["DPE"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http.invalid_scheme",
        title: "The scheme is neither http nor https.",
        status: "400",
        means: "The header `:scheme` is not one that is taken.",
        arises: "A broken client of HTTP/2.",
        confirm: "Record one such request.",
        fix: "Mend the client.",
        flags: &["DPE"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http.connect_not_supported",
        title: "CONNECT is not taken here.",
        status: "403",
        means: "The client asks for a tunnel, and the proxy makes none.",
        arises: "A client that takes the proxy for a forward proxy (`https_proxy`).",
        confirm: "The method in the access log.",
        fix: "Do not use the proxy as a forward proxy, or allow CONNECT in `upgrade_configs`.",
        ..Entry::EMPTY
    },
    Entry {
        name: "http2.invalid.header.field",
        title: "A header that HTTP/2 does not allow.",
        status: "none: the stream is reset",
        means: "A name with capital letters, `connection`, a broken value: HTTP/2 forbids such headers.",
        arises: "A client that carries headers of HTTP/1 over. On the upstream's side: a server that does so.",
        confirm: "Record one such message.",
        fix: "Drop or correct the header.",
        flags: &["DPE", "UPE"],
        findings: &["request-not-taken", "requests-failed-so-far"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http2.too_many_headers",
        title: "There are more headers than the proxy takes.",
        status: "none: the stream is reset",
        means: "The request has more headers than `max_headers_count` (100 by default).",
        arises: "A client, or a proxy before, that adds a header for everything.",
        confirm: "Count the headers of one such request.",
        fix: "Send fewer, or raise `max_headers_count`.",
        flags: &["DR"],
        findings: &["request-over-a-limit"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http2.unexpected_underscore",
        title: "A header's name has an underscore.",
        status: "none: the stream is reset",
        means: "The proxy is told to refuse such requests.",
        arises: "`headers_with_underscores_action: REJECT_REQUEST`, and a client that sends `x_user` for `x-user`.",
        confirm: "The names of the request's headers, against that field.",
        fix: "Rename the header.",
        flags: &["DR"],
        findings: &["request-not-taken"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http2.header_list_size_too_large",
        also: &["http2.cookies_total_bytes_too_large"],
        title: "The headers are larger than is taken.",
        status: "none: the stream is reset",
        means: "All headers together, or the cookies alone, have more bytes than is taken.",
        arises: "Cookies and tokens that have grown.",
        confirm: "Measure the headers of one such request.",
        fix: "Send less, or raise `max_request_headers_kb`.",
        flags: &["DR"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http2.remote_reset",
        title: "The client reset the stream.",
        status: "none is sent",
        means: "The client canceled the request. Its connection stayed.",
        arises: "A deadline of gRPC's, a browser that leaves a page.",
        confirm: "The durations: a deadline is always the same.",
        fix: "Make the answer faster, or the deadline longer.",
        flags: &["DR"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http2.remote_refuse",
        title: "The peer refused the stream.",
        status: "503 of an upstream's",
        means: "The other side did not even look at the request.",
        arises: "The peer is about to end, or has as many streams as it takes.",
        confirm: "The peer's log.",
        fix: "Requests that were refused so can be sent again (`refused-stream` among the retries).",
        flags: &["DR", "UR"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http2.violation.of.messaging.rule",
        title: "The stream breaks the rules of HTTP/2.",
        status: "none: the stream is reset; 502 of an answer",
        means: "Pseudo headers are missing or twice there, a body has another length than was said, or the like.",
        arises: "A broken client or server.",
        confirm: "Record one such message.",
        fix: "Mend its sender.",
        flags: &["DPE", "UPE"],
        findings: &["requests-failed-so-far"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http2.unknown.nghttp2.error",
        also: &["http2.unknown.oghttp2.error"],
        title: "The library of HTTP/2 gave up.",
        status: "none: the stream is reset; 502 of an answer",
        means: "The codec met an error that has no name of its own.",
        arises: "A broken peer, or a bug.",
        confirm: "Raise the log level of `http2` for a minute.",
        fix: "Mend the peer; with HTTP/1.1 the error should be gone.",
        flags: &["DPE", "UPE"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http2.inbound_empty_frames_flood",
        title: "The peer sends a flood of empty frames.",
        status: "none: the connection is closed",
        means: "The proxy ends connections that cost much and carry nothing.",
        arises: "An attack, or a broken client.",
        confirm: "The counter `http2.inbound_empty_frames_flood`.",
        fix: "Mend or keep out the client.",
        flags: &["DPE"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http2.outbound_frames_flood",
        title: "The proxy's own frames pile up.",
        status: "none: the connection is closed",
        means: "The proxy ends connections on which its own frames pile up.",
        arises: "An attack, or a client that asks and does not read.",
        confirm: "The counter `http2.outbound_flood`.",
        fix: "Mend or keep out the client.",
        flags: &["DPE"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http3.headers_too_large",
        also: &["http3.too_many_headers", "http3.too_many_trailers"],
        title: "More or larger headers than are taken.",
        status: "none: the stream is reset",
        means: "The request has more headers or more bytes in them than the proxy takes.",
        arises: "Cookies and tokens that have grown.",
        confirm: "Count and measure the headers of one such request.",
        fix: "Send less, or raise `max_headers_count` and `max_request_headers_kb`.",
        flags: &["DR"],
        ..Entry::EMPTY
    },
    Entry {
        name: "http3.invalid_header_field",
        also: &["http3.unexpected_underscore", "http3.inconsistent_content_length"],
        title: "HTTP/3: a header that is not allowed.",
        status: "none: the stream is reset",
        means: "A header's name or value, or the length that a message says, is not one that HTTP/3 allows.",
        arises: "A broken client or server.",
        confirm: "Record one such message.",
        fix: "Mend its sender.",
        flags: &["DPE", "UPE"],
        ..Entry::EMPTY
    },
];
