//! Details of a connection or a stream to the upstream that ended, with its reasons in braces.
//!
//! `source/common/http/utility.cc` (`resetReasonToString`), `source/common/router/router.cc`. Blanks are underscores in
//! the access log.

use crate::explain::topic::{Entry, Part};

/// Reasons, then what the transport says of a connection that failed.
const REASONS: &[Part] = &[
    Part {
        word: "overflow",
        means: "A circuit breaker of this proxy is open. B was not asked.",
        flag: "UO",
        findings: &["circuit-breaker-full"],
    },
    Part {
        word: "connection_termination",
        means: "The upstream closed the connection. Where every request ends so, B does not take what A sends \
                (plaintext for mutual TLS, a certificate that it refuses). Where few do, a connection was closed for \
                being idle.",
        flag: "UC",
        findings: &["mtls-required", "certificate-not-accepted", "requests-failed-so-far", "request-not-taken"],
    },
    Part {
        word: "connection_timeout",
        means: "Nobody answered the attempt to connect: packets are dropped, or the address is nobody's.",
        flag: "UF",
        findings: &["connections-fail", "endpoints-are-stale", "network-policy-in-the-way"],
    },
    Part {
        word: "remote_connection_failure",
        means: "The connection failed at the other end. What follows the bar says how.",
        flag: "UF",
        findings: &[
            "connections-fail",
            "certificate-not-accepted",
            "application-does-not-listen",
            "application-listens-on-loopback-only",
            "network-policy-in-the-way",
            "mutual-tls-to-plaintext",
            "certificate-of-another-name",
        ],
    },
    Part {
        word: "local_connection_failure",
        means: "The connection failed on this side, before the other was asked: no free port, no route, a TLS context \
                that is not ready.",
        flag: "UF",
        findings: &["connections-fail"],
    },
    Part {
        word: "connection_failure",
        means: "What newer releases call `remote_connection_failure` (from 1.20) or `local_connection_failure`.",
        flag: "UF",
        findings: &[
            "connections-fail",
            "application-does-not-listen",
            "application-listens-on-loopback-only",
            "network-policy-in-the-way",
            "mutual-tls-to-plaintext",
            "certificate-of-another-name",
        ],
    },
    Part {
        word: "remote_reset",
        means: "The upstream reset the stream of HTTP/2, or the connection.",
        flag: "UR",
        findings: &[],
    },
    Part {
        word: "remote_refused_stream_reset",
        means: "The upstream refused the stream before it looked at the request; such a request can be sent again.",
        flag: "UR",
        findings: &[],
    },
    Part { word: "local_reset", means: "This proxy reset the stream by itself.", flag: "LR", findings: &[] },
    Part {
        word: "local_refused_stream_reset",
        means: "This proxy could not open one more stream on the connection.",
        flag: "LR",
        findings: &[],
    },
    Part {
        word: "protocol_error",
        means: "The upstream's answer is not the HTTP that the proxy expects; the status is 502.",
        flag: "UPE",
        findings: &["requests-failed-so-far"],
    },
    Part {
        word: "remote_error_with_CONNECT_request",
        means: "The upstream ended a tunnel (CONNECT) with an error.",
        flag: "UR",
        findings: &[],
    },
    Part {
        word: "overload_manager_reset",
        means: "This proxy is overloaded and ended its largest streams.",
        flag: "OM",
        findings: &[],
    },
    Part {
        word: "HTTP/1_premature_upstream_half_close",
        means: "The upstream of HTTP/1 closed its side before the request was sent whole.",
        flag: "UC",
        findings: &["requests-failed-so-far"],
    },
    Part {
        word: "delayed_connect_error:_Connection_refused",
        means: "The host answered that nothing listens on the port.",
        flag: "UF",
        findings: &["application-does-not-listen", "application-listens-on-loopback-only", "connections-fail"],
    },
    Part {
        word: "delayed_connect_error:_111",
        means: "Older releases write the system's number: 111 is `Connection refused`, nothing listens on the port.",
        flag: "UF",
        findings: &["application-does-not-listen", "application-listens-on-loopback-only", "connections-fail"],
    },
    Part {
        word: "delayed_connect_error:_113",
        means: "The system's number 113: no route to the host. The pod is gone, or its node cannot be reached.",
        flag: "UF",
        findings: &["connections-fail"],
    },
    Part {
        word: "delayed_connect_error:",
        means: "The attempt to connect ended with an error of the system; its words follow.",
        flag: "UF",
        findings: &["connections-fail"],
    },
    Part {
        word: "immediate_connect_error:",
        means: "The system refused to even try: the address cannot be reached from here.",
        flag: "UF",
        findings: &["connections-fail"],
    },
    Part {
        word: "WRONG_VERSION_NUMBER",
        means: "A's proxy speaks TLS, and what comes back is none: the other side speaks plaintext.",
        flag: "UF",
        findings: &["mutual-tls-to-plaintext", "connections-fail"],
    },
    Part {
        word: "Secret_is_not_supplied_by_SDS",
        means: "The certificate that this proxy should show was never delivered to it.",
        flag: "UF",
        findings: &["certificate-missing"],
    },
    Part {
        word: "SAN_matcher",
        means: "The other side's certificate has other names than this proxy expects. Those that it has stand in \
                brackets.",
        flag: "UF",
        findings: &["certificate-of-another-name", "certificate-not-accepted"],
    },
    Part {
        word: "URI_SAN_peer_identity_mismatches",
        means: "The other side's certificate is another workload's than this proxy expects.",
        flag: "UF",
        findings: &["certificate-of-another-name", "certificate-not-accepted"],
    },
    Part {
        word: "certificate_has_expired",
        means: "The other side's certificate is out of date.",
        flag: "UF",
        findings: &["certificate-not-accepted"],
    },
    Part {
        word: "CERTIFICATE_EXPIRED",
        means: "One side's certificate is out of date; as an ALERT it is this proxy's own that the other side refuses.",
        flag: "UF",
        findings: &["certificate-not-accepted"],
    },
    Part {
        word: "CERTIFICATE_VERIFY_FAILED",
        means: "This proxy does not trust the other side's certificate: its authority, its date or its names.",
        flag: "UF",
        findings: &["certificate-not-accepted", "certificate-of-another-name"],
    },
    Part {
        word: "CERTIFICATE_UNKNOWN",
        means: "The other side does not take this proxy's certificate.",
        flag: "UF",
        findings: &["certificate-not-accepted"],
    },
    Part {
        word: "Connection_reset_by_peer",
        means: "The other side closed the connection in the middle of the handshake.",
        flag: "UF",
        findings: &["connections-fail", "certificate-not-accepted"],
    },
    Part {
        word: "PEER_DID_NOT_RETURN_A_CERTIFICATE",
        means: "The client shows no certificate, and the proxy takes none without.",
        flag: "",
        findings: &["certificate-missing"],
    },
    Part {
        word: "NO_SHARED_CIPHER",
        means: "The two sides have no cipher in common.",
        flag: "",
        findings: &["certificate-not-accepted"],
    },
    Part {
        word: "TLS_error:",
        means: "The TLS handshake failed; the library's words follow.",
        flag: "UF",
        findings: &[
            "connections-fail",
            "certificate-not-accepted",
            "mutual-tls-to-plaintext",
            "certificate-of-another-name",
        ],
    },
];

pub(in crate::explain) const RESETS: &[Entry] = &[
    Entry {
        name: "upstream_reset_before_response_started",
        title: "The connection ended before an answer.",
        status: "503; 502 for protocol_error",
        means: "The proxy had chosen a host. Its connection did not succeed, or ended, and nothing of an answer \
                had come. The braces have the reason, and behind a bar what the transport says. Up to 1.19 a comma \
                stood in the place of the bar, and the system's number in the place of its words.",
        arises: "See the reason in the braces.",
        confirm: "Explain the whole word, braces included, in quotes. In /clusters the host's `cx_connect_fail` grows \
                  where connections fail, `rq_error` where requests do.",
        fix: "What the reason asks for.",
        flags: &["UF", "UC", "UO", "UR", "LR", "UPE"],
        findings: &[
            "connections-fail",
            "endpoints-are-stale",
            "mtls-required",
            "request-not-taken",
            "certificate-not-accepted",
            "circuit-breaker-full",
            "requests-failed-so-far",
            "application-does-not-listen",
            "application-listens-on-loopback-only",
            "network-policy-in-the-way",
            "mutual-tls-to-plaintext",
            "tls-of-the-rule-fails",
            "certificate-of-another-name",
        ],
        parts: REASONS,
        ..Entry::EMPTY
    },
    Entry {
        name: "upstream_reset_after_response_started",
        title: "The answer was cut off in the middle.",
        status: "that which was sent; the body is cut",
        means: "The answer had begun when the connection or the stream ended, so the client has a status and not the \
                whole body.",
        arises: "The application crashed or was ended while it answered, or a proxy between cut a long answer off.",
        confirm: "Compare the duration with timeouts on the way; look for restarts of B's containers.",
        fix: "What the reason asks for: a longer timeout, or an end of B that waits for its requests (`preStop`).",
        flags: &["UC", "UR", "LR", "UPE"],
        parts: REASONS,
        ..Entry::EMPTY
    },
    Entry {
        name: "TLS_error",
        title: "A TLS handshake failed.",
        status: "503 UF of an upstream; of a client the connection is closed",
        means: "The word stands in the braces of details, and by itself where an access log has \
                %UPSTREAM_TRANSPORT_FAILURE_REASON% or %DOWNSTREAM_TRANSPORT_FAILURE_REASON%. What follows are \
                numbers and words of the TLS library.",
        arises: "One side speaks no TLS, or does not take the other's certificate, or asks for one that is not shown.",
        confirm: "Explain the whole word, in quotes. istioctl proxy-config secret POD shows the certificates of a \
                  side.",
        fix: "What the library's words ask for.",
        flags: &["UF"],
        findings: &[
            "connections-fail",
            "certificate-not-accepted",
            "certificate-missing",
            "mutual-tls-to-plaintext",
            "certificate-of-another-name",
        ],
        parts: REASONS,
        ..Entry::EMPTY
    },
];
