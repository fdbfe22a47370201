//! Details of requests that the connection manager refuses for what they ask or how they ask it.

use crate::explain::topic::Entry;

pub(in crate::explain) const CHECKS: &[Entry] = &[
    Entry {
        name: "low_version",
        title: "The client speaks HTTP/1.0, which is not taken.",
        status: "426",
        means: "HTTP/1.0 and 0.9 are refused unless the proxy allows them.",
        arises: "Old load balancers, health checkers and nginx (`proxy_http_version` is 1.0 by default) speak 1.0. \
                 The refusal comes from the first proxy that reads HTTP, which may be B's.",
        confirm: "`accept_http_10` is not set in the connection manager. The access log's protocol is HTTP/1.0.",
        fix: "Let the client speak HTTP/1.1 (nginx: `proxy_http_version 1.1`), or set `PILOT_HTTP10=1` for istiod.",
        flags: &["DPE"],
        findings: &["protocol-not-taken"],
        ..Entry::EMPTY
    },
    Entry {
        name: "missing_host_header",
        title: "The request has no Host.",
        status: "400",
        means: "A request of HTTP/1.1 needs a Host, one of HTTP/2 an authority.",
        arises: "A client that was written by hand, or HTTP/1.0 without `default_host_for_http_10`.",
        confirm: "The access log shows no authority.",
        fix: "Send a Host.",
        ..Entry::EMPTY
    },
    Entry {
        name: "missing_path_rejected",
        title: "The request has no path.",
        status: "404",
        means: "Only CONNECT may come without a path.",
        arises: "A client of HTTP/2 that sends no `:path`, or a filter that removed it.",
        confirm: "The access log shows no path.",
        fix: "Send a path; look for a filter that takes it away.",
        ..Entry::EMPTY
    },
    Entry {
        name: "invalid_path",
        title: "The path cannot be used for what is asked.",
        status: "404",
        means: "A request for a UDP tunnel does not say in its path where the tunnel leads, or a path is malformed.",
        arises: "A CONNECT-UDP whose path is not of the form that the standard asks for.",
        confirm: "The path in the access log.",
        fix: "Use /.well-known/masque/udp/HOST/PORT/ as the path.",
        findings: &["request-not-taken"],
        ..Entry::EMPTY
    },
    Entry {
        name: "absolute_path_rejected",
        title: "The path does not begin with a slash.",
        status: "404",
        means: "Routes take paths that begin with a slash, and this one does not.",
        arises: "`OPTIONS *`, or a client that sends something else than a path.",
        confirm: "The path in the access log.",
        fix: "Ask for a path.",
        findings: &["request-not-taken"],
        ..Entry::EMPTY
    },
    Entry {
        name: "path_normalization_failed",
        title: "The path cannot be brought into one form.",
        status: "400; 307 where the proxy redirects",
        means: "The proxy brings paths into one form before it looks for a route, and refused this one.",
        arises: "An escaped slash (`%2F`) where `path_with_escaped_slashes_action` refuses it, a `#`, or a broken \
                 escape.",
        confirm: "The path in the access log, against that field of the connection manager.",
        fix: "Escape such characters in the query instead, or keep them (`meshConfig.pathNormalization`).",
        findings: &["request-not-taken"],
        ..Entry::EMPTY
    },
    Entry {
        name: "query_missing_content_type",
        title: "A QUERY without a content type.",
        status: "400",
        means: "A request with the method QUERY has to say what its body is. Envoy 1.40 and newer ask for that.",
        arises: "A client that sends QUERY without `content-type`.",
        confirm: "The method in the access log.",
        fix: "Send `content-type`.",
        findings: &["request-not-taken"],
        ..Entry::EMPTY
    },
    Entry {
        name: "request_headers_failed_strict_check",
        title: "A header of Envoy's own is malformed.",
        status: "400",
        means: "The router checks some `x-envoy-…` headers; the braces name the one that failed.",
        arises: "`strict_check_headers` of the router, and a client that sends such headers.",
        confirm: "The header in the braces.",
        fix: "Correct or drop the header in the client.",
        flags: &["IH"],
        ..Entry::EMPTY
    },
    Entry {
        name: "rejecting_because_detection_failed",
        title: "No header says where the client is.",
        status: "403, or as the extension says",
        means: "The connection manager finds the client's address in a header, and refuses requests without one.",
        arises: "`original_ip_detection_extensions` with `reject_with_status`, and a client that does not come \
                 through the load balancer which sets the header.",
        confirm: "The connection manager's `original_ip_detection_extensions`.",
        fix: "Come through the load balancer, or drop `reject_with_status`.",
        findings: &["request-not-taken"],
        ..Entry::EMPTY
    },
    Entry {
        name: "upgrade_failed",
        title: "Nobody allows the upgrade.",
        status: "403",
        means: "Websockets, CONNECT and other upgrades pass only where the route or the connection manager names them.",
        arises: "A route without the switch for websockets, or a client that sends CONNECT to a proxy that makes no \
                 tunnels.",
        confirm: "`upgrade_configs` of the route and of the connection manager.",
        fix: "Allow the upgrade on that route.",
        findings: &["upgrade-not-allowed"],
        ..Entry::EMPTY
    },
    Entry {
        name: "websocket_handshake_unsuccessful",
        title: "B did not agree to the websocket.",
        status: "that of B's answer",
        means: "The proxy passed the upgrade on, and B answered with something else than 101.",
        arises: "The path is none of B's websockets, B asks for a login first, or something before B dropped the \
                 header `upgrade`.",
        confirm: "B's answer and B's log.",
        fix: "Correct the path, or what B asks for.",
        ..Entry::EMPTY
    },
];
