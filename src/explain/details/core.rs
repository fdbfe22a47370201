//! Details of the connection manager and the router.

use crate::explain::topic::{Entry, Part};

pub(in crate::explain) const CORE: &[Entry] = &[
    Entry {
        name: "via_upstream",
        title: "The answer is the upstream's own.",
        status: "any",
        means: "The proxy passed on what the upstream answered. In the log of A's proxy the upstream is B's proxy, \
                where B has one: a denial by a policy of B's, or a B that cannot reach its application, looks so at \
                A.",
        arises: "The application answered with an error, or B's proxy did.",
        confirm: "Read the line of B's proxy for the same request (`x-request-id`). Where that says `via_upstream` \
                  too, the application answered. With the flag URX the status is one that was tried again.",
        fix: "What B's line says. An answer of the application's is mended in the application.",
        findings: &[
            "requests-failed-so-far",
            "denied-by-policy",
            "connections-fail",
            "token-rejected",
            "application-does-not-listen",
            "application-listens-on-loopback-only",
        ],
        ..Entry::EMPTY
    },
    Entry {
        name: "no_healthy_upstream",
        title: "The cluster has no host to choose.",
        status: "503",
        means: "A route took the request, its cluster is there, and no host of the cluster can take the request.",
        arises: "The cluster is empty, or every host in it is unhealthy, ejected or draining, and panic routing is \
                 off.",
        confirm: "istioctl proxy-config endpoints POD --cluster NAME: no rows, or rows that are not HEALTHY.",
        fix: "Bring pods that are ready behind the Service; see the findings below for what leaves them out.",
        flags: &["UH"],
        findings: &[
            "proxy-out-of-sync",
            "control-plane-lost",
            "no-endpoints",
            "subset-selects-no-pods",
            "port-without-endpoints",
            "endpoints-of-other-localities",
            "endpoints-of-other-nodes",
            "all-endpoints-unhealthy",
            "all-endpoints-ejected",
            "no-upstream-address",
            "load-balancer-passes-through",
        ],
        ..Entry::EMPTY
    },
    Entry {
        name: "cluster_not_found",
        title: "The route's cluster is not there.",
        status: "503; 500 for routes of the Gateway API",
        means: "A route took the request and names a cluster that the proxy does not have, or that still warms.",
        arises: "The destination of the route does not exist for the control plane: a subset, a host or a port. Or \
                 the cluster waits for a secret or for its first DNS answer.",
        confirm: "istioctl proxy-config routes POD -o json names the cluster; istioctl proxy-config clusters POD \
                  lists those that there are.",
        fix: "Name a destination that exists, or create it.",
        flags: &["NC"],
        findings: &[
            "subset-not-defined",
            "no-such-service",
            "no-such-port",
            "envoy-filter-removes-the-cluster",
            "update-still-warming",
            "proxy-out-of-sync",
            "control-plane-lost",
            "cluster-not-there",
            "reference-not-granted",
        ],
        ..Entry::EMPTY
    },
    Entry {
        name: "route_not_found",
        title: "No route takes the request.",
        status: "404",
        means: "No virtual host has the request's Host, or none of its routes fits the path, the method and the \
                headers.",
        arises: "A VirtualService or HTTPRoute with matches and no rule for the rest; a Host that the Gateway does \
                 not list; a listener whose route configuration was not delivered.",
        confirm: "istioctl proxy-config routes POD --name PORT -o json: find the host among `domains`, then read its \
                  matches.",
        fix: "Add a rule for the rest, or the host to the Gateway and the VirtualService.",
        flags: &["NR"],
        findings: &[
            "no-route-matched",
            "virtual-service-ignored",
            "proxy-out-of-sync",
            "control-plane-lost",
            "routes-not-delivered",
            "virtual-service-not-bound",
            "host-not-routed",
            "gateway-ports-share-a-target",
            "route-not-attached",
            "delegate-not-found",
            "delegate-outside-its-root",
        ],
        ..Entry::EMPTY
    },
    Entry {
        name: "route_configuration_not_found",
        title: "The route configuration was not there.",
        status: "404",
        means: "The connection manager asks for routes by name (RDS, or a scope of SRDS), and had none when the \
                request came.",
        arises: "The control plane has not sent the configuration, or the proxy refused it; a request that no scope \
                 takes.",
        confirm: "istioctl proxy-config listeners POD -o json has the name under `rds`; istioctl proxy-config routes \
                  POD has no such name. istioctl proxy-status shows what was refused.",
        fix: "Correct what the proxy refuses (an EnvoyFilter, mostly), or bring istiod back.",
        flags: &["NR"],
        findings: &["routes-not-delivered", "proxy-out-of-sync", "control-plane-lost"],
        ..Entry::EMPTY
    },
    Entry {
        name: "filter_chain_not_found",
        title: "No filter chain takes the connection.",
        status: "none: the connection is closed",
        means: "The connection was closed before any request was read. Its client sees a reset.",
        arises: "Plaintext comes to a port that takes mutual TLS only (STRICT), or TLS with a server name that no \
                 chain is for.",
        confirm: "istioctl proxy-config listeners POD --port PORT -o json: read `filter_chain_match` of each chain.",
        fix: "Send what a chain takes: mutual TLS to B, or a server name that the certificates are for.",
        flags: &["NR"],
        findings: &["mtls-required", "no-filter-chain", "listener-rejected"],
        ..Entry::EMPTY
    },
    Entry {
        name: "direct_response",
        title: "The route replies itself.",
        status: "as the route says; 301 and 302 for redirects",
        means: "A route took the request and answered it: a fixed answer or a redirect. No cluster was asked.",
        arises: "A redirect or a direct response of a VirtualService, HTTPS only (`httpsRedirect`), or in Istio the \
                 virtual host `block_all`: a 502 for every host that the mesh does not know (REGISTRY_ONLY).",
        confirm: "The name of the virtual host in the route configuration: `block_all` is REGISTRY_ONLY. Else the \
                  route has `redirect` or `direct_response`.",
        fix: "Register the host, or correct the rule that answers.",
        findings: &["route-answers-itself", "registry-only", "route-redirects"],
        ..Entry::EMPTY
    },
    Entry {
        name: "response_timeout",
        also: &["upstream_response_timeout"],
        title: "No answer came within the route's timeout.",
        status: "504",
        means: "The request was sent, and its answer had not begun when the time was over. Older proxies write \
                `upstream_response_timeout`.",
        arises: "`timeout` of a VirtualService or HTTPRoute, the header `x-envoy-upstream-rq-timeout-ms`, or Envoy's \
                 own 15 seconds.",
        confirm: "The durations of such lines are alike. Compare them with the route's `timeout`.",
        fix: "Make B faster, or the timeout longer than B's slowest good answer.",
        flags: &["UT"],
        findings: &["requests-failed-so-far"],
        ..Entry::EMPTY
    },
    Entry {
        name: "upstream_per_try_timeout",
        title: "The last try was not answered in its own time.",
        status: "504",
        means: "Each try of a request has a time of its own, and that of the last try ran out.",
        arises: "`retries.perTryTimeout` is shorter than B's usual answer, so that requests fail which one longer try \
                 would have served.",
        confirm: "The route's `retry_policy.per_try_timeout`, against the durations in B's log.",
        fix: "Make `perTryTimeout` longer than B's slowest good answer.",
        flags: &["UT", "URX"],
        findings: &["requests-failed-so-far"],
        ..Entry::EMPTY
    },
    Entry {
        name: "upstream_per_try_idle_timeout",
        title: "Nothing came from the upstream during one try.",
        status: "504",
        means: "The upstream sent no byte of its answer for the time that a try may be idle.",
        arises: "`per_try_idle_timeout` of the retry policy, and an upstream that stalls.",
        confirm: "The route's `retry_policy.per_try_idle_timeout`.",
        fix: "Raise it, or mend the stall.",
        flags: &["UT"],
        ..Entry::EMPTY
    },
    Entry {
        name: "upstream_max_stream_duration_reached",
        title: "The cluster's limit on time was met.",
        status: "504",
        means: "The request was ended for its age at the upstream, whether an answer had begun or not.",
        arises: "`max_stream_duration` among the cluster's HTTP options.",
        confirm: "The durations of such lines are alike, and they are the limit.",
        fix: "Raise the limit, or give long streams a cluster of their own.",
        flags: &["UMSDR"],
        ..Entry::EMPTY
    },
    Entry {
        name: "max_duration_timeout",
        title: "The request took longer than it may.",
        status: "504",
        means: "The whole request took longer than `max_stream_duration` of the route or of the connection manager. \
                There is no flag for it.",
        arises: "A `max_stream_duration` that is meant for short requests, and a stream that is long.",
        confirm: "The durations of such lines are alike, and they are the limit.",
        fix: "Raise the limit for the route that is long.",
        ..Entry::EMPTY
    },
    Entry {
        name: "stream_idle_timeout",
        title: "Nothing happened on the request for too long.",
        status: "504; 408 where the request was not complete",
        means: "No byte went either way for the time that a stream may be idle.",
        arises: "A long poll, an event stream without heartbeats, a stalled upload.",
        confirm: "The connection manager's `stream_idle_timeout` (5 minutes by default), or the route's \
                  `idle_timeout`.",
        fix: "Send heartbeats, or raise the timeout for that route.",
        flags: &["SI"],
        ..Entry::EMPTY
    },
    Entry {
        name: "request_overall_timeout",
        title: "The client took too long to send its request.",
        status: "408",
        means: "The request was not complete when `request_timeout` of the connection manager was over.",
        arises: "A slow upload, or a client that stalls.",
        confirm: "The durations of such lines are alike.",
        fix: "Raise `request_timeout`, or leave it unset where uploads are large.",
        ..Entry::EMPTY
    },
    Entry {
        name: "request_header_timeout",
        also: &["downstream_header_timeout"],
        title: "The client took too long to send its headers.",
        status: "408",
        means: "The headers were not complete when `request_headers_timeout` was over.",
        arises: "A client that opens a connection, begins a request and stalls. Scanners do so on purpose.",
        confirm: "The durations of such lines are alike.",
        fix: "Mend the client, or raise `request_headers_timeout`.",
        ..Entry::EMPTY
    },
    Entry {
        name: "duration_timeout",
        title: "The connection was as old as it may become.",
        status: "none: the connection is closed",
        means: "The client's connection reached `max_connection_duration`, with a request on it.",
        arises: "A limit on the age of connections.",
        confirm: "The ages of such connections are alike.",
        fix: "Raise the limit, or let clients connect again.",
        flags: &["DT"],
        ..Entry::EMPTY
    },
    Entry {
        name: "downstream_remote_disconnect",
        title: "The client left before it had its answer.",
        status: "none is sent; the log has 0",
        means: "The client closed its connection while the request was under way.",
        arises: "The client's own timeout, a client that ended, or a proxy that never answers.",
        confirm: "Compare the duration of the line with the client's timeout.",
        fix: "Make the answer faster, or the client's timeout longer.",
        flags: &["DC"],
        findings: &["never-answered"],
        ..Entry::EMPTY
    },
    Entry {
        name: "downstream_local_disconnect",
        title: "The proxy closed its client's connection.",
        status: "none is sent",
        means: "The proxy ended the connection by itself; the parentheses say why. Older releases have none.",
        arises: "A drained or idle connection, a broken HTTP/2 connection, a limit on its age.",
        confirm: "The reason in the parentheses.",
        fix: "What the reason asks for; a drain of a proxy that ends needs nothing.",
        parts: &[
            Part {
                word: "on_idle_timeout",
                means: "The connection was idle for longer than it may be (`idle_timeout`).",
                flag: "",
                findings: &[],
            },
            Part {
                word: "deferred_close_on_drained_connection",
                means: "The proxy drained, as it is about to end or has a new listener.",
                flag: "",
                findings: &[],
            },
            Part {
                word: "max_connection_duration_reached",
                means: "The connection was as old as it may become.",
                flag: "DT",
                findings: &[],
            },
            Part {
                word: "http2_ping_timeout",
                means: "The peer did not answer the HTTP/2 keepalive in time.",
                flag: "",
                findings: &[],
            },
            Part {
                word: "http2_connection_protocol_violation",
                means: "The peer broke the rules of HTTP/2 on this connection.",
                flag: "DPE",
                findings: &[],
            },
            Part {
                word: "transport_socket_timeout",
                means: "The TLS handshake took longer than `transport_socket_connect_timeout`.",
                flag: "",
                findings: &[],
            },
            Part {
                word: "triggered_delayed_close_timeout",
                means: "The peer did not close in time after an answer that ends the connection.",
                flag: "",
                findings: &[],
            },
            Part {
                word: "tcp_session_idle_timeout",
                means: "The TCP proxy's `idle_timeout` was over (an hour by default).",
                flag: "",
                findings: &[],
            },
            Part {
                word: "codec_error:",
                means: "The codec could not read what came; its words follow.",
                flag: "DPE",
                findings: &["protocol-not-taken"],
            },
        ],
        ..Entry::EMPTY
    },
    Entry {
        name: "overload",
        title: "The overload manager refuses the request.",
        status: "503",
        means: "The proxy is short of memory or of connections, and lets nothing more in.",
        arises: "A memory limit that is too low for the proxy's configuration or traffic.",
        confirm: "The gauges `overload.*.active` of /stats.",
        fix: "Give the proxy more memory, or less configuration.",
        flags: &["OM"],
        ..Entry::EMPTY
    },
    Entry {
        name: "maintenance_mode",
        title: "The cluster is in maintenance.",
        status: "503",
        means: "An operator put a share of the cluster's requests into maintenance, and the proxy answers them.",
        arises: "The runtime key `upstream.maintenance_mode.CLUSTER`.",
        confirm: "/runtime of the admin endpoint shows the key.",
        fix: "Take the runtime key back.",
        flags: &["UO"],
        findings: &["requests-are-dropped"],
        ..Entry::EMPTY
    },
    Entry {
        name: "drop_overload",
        title: "The request was dropped, as the endpoints say.",
        status: "503",
        means: "The endpoint assignment drops a share of the requests, and this one was drawn.",
        arises: "`policy.drop_overloads` of the cluster's endpoints.",
        confirm: "Look for `drop_overloads` in /config_dump?include_eds.",
        fix: "Relieve the service; the control plane then takes the drop back.",
        flags: &["DO"],
        findings: &["requests-are-dropped"],
        ..Entry::EMPTY
    },
    Entry {
        name: "unconditional_drop_overload",
        title: "Every request is dropped, as the endpoints say.",
        status: "503",
        means: "The endpoint assignment drops all requests to this cluster.",
        arises: "`policy.drop_overloads` with 100 percent.",
        confirm: "Look for `drop_overloads` in /config_dump?include_eds.",
        fix: "Ask the control plane's owner why the service is shut off.",
        flags: &["UDO"],
        findings: &["requests-are-dropped"],
        ..Entry::EMPTY
    },
    Entry {
        name: "request_payload_too_large",
        title: "The request's body is too long.",
        status: "413",
        means: "A filter needs the whole body, and the body is longer than may be kept.",
        arises: "A buffer filter with `max_request_bytes`, or a filter that buffers up to the connection's limit.",
        confirm: "The buffer filter of the listener, and the length of the request.",
        fix: "Raise the limit, or send less at a time.",
        findings: &["request-over-a-limit"],
        ..Entry::EMPTY
    },
    Entry {
        name: "request_payload_exceeded_retry_buffer_limit",
        title: "The body is too long for a retry.",
        status: "507",
        means: "While the proxy waited to try again, more of the body came than it may keep.",
        arises: "A large upload on a route with retries, and an upstream that failed at first.",
        confirm: "The route's retry policy, and the length of the request.",
        fix: "Leave out retries for uploads, or raise `request_body_buffer_limit`.",
        ..Entry::EMPTY
    },
    Entry {
        name: "response_payload_too_large",
        title: "The answer is longer than a filter may keep.",
        status: "500",
        means: "A filter needs the whole answer, and the answer is longer than may be kept.",
        arises: "A filter that rewrites bodies, and a large answer.",
        confirm: "The filters of the listener.",
        fix: "Leave the filter out of that route, or raise `per_connection_buffer_limit_bytes`.",
        ..Entry::EMPTY
    },
    Entry {
        name: "internal_redirect",
        title: "The proxy followed a redirect by itself.",
        status: "that of the last answer",
        means: "The upstream answered with a redirect, and the proxy asked again in the client's place.",
        arises: "`internal_redirect_policy` of the route.",
        confirm: "The route's `internal_redirect_policy`.",
        fix: "Nothing to fix, unless the redirect leads astray.",
        ..Entry::EMPTY
    },
    Entry {
        name: "admin_filter_response",
        title: "The proxy's admin endpoint answered.",
        status: "that of the answer",
        means: "The request came to the admin endpoint, not to a listener.",
        arises: "Somebody asked port 15000 (Istio), or the port that the bootstrap names.",
        confirm: "The port that was dialed.",
        fix: "Nothing to fix, unless clients should not get there.",
        ..Entry::EMPTY
    },
    Entry {
        name: "filter_removed_required_request_headers",
        also: &["filter_removed_required_headers"],
        title: "A filter removed what is needed.",
        status: "400",
        means: "After a filter the request had no method, path or host.",
        arises: "A script or a plugin that removes pseudo headers.",
        confirm: "Leave the filters out one by one.",
        fix: "Correct the filter.",
        ..Entry::EMPTY
    },
    Entry {
        name: "filter_removed_required_response_headers",
        title: "A filter removed what is needed.",
        status: "500",
        means: "After a filter the answer had no status.",
        arises: "A script or a plugin that removes pseudo headers.",
        confirm: "Leave the filters out one by one.",
        fix: "Correct the filter.",
        ..Entry::EMPTY
    },
    Entry {
        name: "filter_added_invalid_request_data",
        title: "A filter added a body at a wrong time.",
        status: "500",
        means: "A filter is broken: it added a body where none can be added.",
        arises: "A plugin of one's own.",
        confirm: "Leave the filters out one by one.",
        fix: "Correct the filter.",
        ..Entry::EMPTY
    },
    Entry {
        name: "filter_added_invalid_response_data",
        title: "A filter added a body at a wrong time.",
        status: "500",
        means: "A filter is broken: it added a body where none can be added.",
        arises: "A plugin of one's own.",
        confirm: "Leave the filters out one by one.",
        fix: "Correct the filter.",
        ..Entry::EMPTY
    },
    Entry {
        name: "early_connect_data",
        title: "The client of a tunnel spoke before it was open.",
        status: "400",
        means: "Bytes came on a CONNECT before its 200 was sent.",
        arises: "A client that does not wait for the answer to CONNECT.",
        confirm: "The method in the access log.",
        fix: "Let the client wait.",
        ..Entry::EMPTY
    },
    Entry {
        name: "on_demand_cluster_timeout",
        title: "A cluster on demand did not come in time.",
        status: "503",
        means: "The route's cluster is asked for when a request needs it, and did not come in time.",
        arises: "A control plane that does not know the cluster, or is slow.",
        confirm: "The filter `on_demand` of the listener, and the control plane's log.",
        fix: "Correct the cluster's name, or raise the filter's timeout.",
        flags: &["NC"],
        ..Entry::EMPTY
    },
    Entry {
        name: "sub_cluster_warming_timeout",
        title: "A forward proxy's cluster was not ready.",
        status: "503",
        means: "The cluster that is made for one host was not ready in time.",
        arises: "The host's name resolves slowly, or not at all.",
        confirm: "Look the name up from the pod.",
        fix: "Correct the name or the resolver.",
        ..Entry::EMPTY
    },
];
