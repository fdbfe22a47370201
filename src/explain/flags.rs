//! Response flags, as Envoy 1.40 writes them into access logs (`%RESPONSE_FLAGS%`, `%RESPONSE_FLAGS_LONG%`).
//!
//! `envoy/stream_info/stream_info.h`, `source/common/stream_info/utility.h`.

use super::topic::Entry;

/// Every flag, in the order of their names.
pub(super) const FLAGS: &[Entry] = &[
    Entry {
        name: "-",
        also: &["none"],
        title: "No flag: nothing went wrong in the proxy, or it has no flag for it.",
        status: "any",
        means: "Most lines of an access log have no flag. Either the answer is that of the upstream (details \
                `via_upstream`), or the proxy answered as it is configured to: a redirect, a direct response, a \
                denial by a policy, a refused upgrade.",
        arises: "Denials by access control and by JSON web tokens have no flag. Nor has a connection that a filter \
                 closes.",
        confirm: "Read the details (%RESPONSE_CODE_DETAILS%) of the same line; for a TCP connection read \
                  %CONNECTION_TERMINATION_DETAILS% too. `via_upstream` in A's log means that the answer came from B's \
                  side: then B's log has the reason.",
        fix: "Explain the details: kubectl mesh-why explain DETAILS.",
        findings: &[
            "denied-by-policy",
            "token-rejected",
            "route-answers-itself",
            "registry-only",
            "upgrade-not-allowed",
            "route-redirects",
            "preflight-not-answered",
        ],
        ..Entry::EMPTY
    },
    Entry {
        name: "DC",
        also: &["DownstreamConnectionTermination"],
        title: "The client left before it had its answer.",
        status: "none is sent; the log has 0",
        means: "The client closed its connection while its request was under way. The proxy and the upstream did \
                nothing wrong that is visible here.",
        arises: "A timeout of the client's that is shorter than the answer takes, a client that ended, or a load \
                 balancer in front that gave up. A proxy that never answers ends so too, as no client waits forever.",
        confirm: "Compare the duration of the line (%DURATION%) with the client's own timeout: a round number that \
                  repeats is a timeout.",
        fix: "Make the answer faster, or the client's timeout longer. A timeout on the route that is shorter than the \
              client's turns the cut into a 504 with a reason.",
        findings: &["never-answered"],
        ..Entry::EMPTY
    },
    Entry {
        name: "DF",
        also: &["DnsResolutionFailed"],
        title: "A name did not resolve while the request waited.",
        status: "503",
        means: "A dynamic forward proxy looks the host of each request up when the request comes. The look-up failed, \
                so there is no address to connect to.",
        arises: "The name is misspelled or is not public, the resolver is down, or the name has no address of the \
                 family that `dns_lookup_family` asks for.",
        confirm: "Look the name up from the pod: kubectl exec POD -- getent hosts NAME. The part in the braces of \
                  `dns_resolution_failure` is the resolver's answer.",
        fix: "Correct the name, the resolver, or `dns_lookup_family`.",
        ..Entry::EMPTY
    },
    Entry {
        name: "DI",
        also: &["DelayInjected"],
        title: "A fault was injected: the request was delayed.",
        status: "that of the answer",
        means: "The fault filter held the request back for a fixed time. Afterward the request went on; other flags \
                say how it ended.",
        arises: "`fault.delay` of a VirtualService, or the header `x-envoy-fault-delay-request` where the filter \
                 allows it.",
        confirm: "kubectl get virtualservices -A -o yaml, and look for `fault`.",
        fix: "Remove `fault.delay`, or lower its percentage.",
        findings: &["fault-injected"],
        ..Entry::EMPTY
    },
    Entry {
        name: "DO",
        also: &["DropOverload"],
        title: "The request was dropped: the endpoints came with a share to drop.",
        status: "503",
        means: "The control plane told the proxy to drop a part of the requests to this cluster, and this one was \
                drawn.",
        arises: "`policy.drop_overloads` of the cluster's endpoint assignment. Control planes send it to relieve a \
                 service that is overloaded.",
        confirm: "Look for `drop_overloads` in the endpoints of the config dump: /config_dump?include_eds, cluster by \
                  cluster.",
        fix: "Relieve the service; the control plane then takes the drop back.",
        findings: &["requests-are-dropped"],
        ..Entry::EMPTY
    },
    Entry {
        name: "DPE",
        also: &["DownstreamProtocolError"],
        title: "What the client sent is not what the proxy reads.",
        status: "400, 426 or 431; HTTP/2: the stream is reset",
        means: "The codec could not make a request of the client's bytes, or refused the request for its form, before \
                any route was looked for.",
        arises: "TLS comes to a port of plaintext HTTP, plaintext HTTP/2 or a foreign protocol to a port of HTTP/1.1, \
                 HTTP/1.0 to a proxy that does not take it; headers are too many, too large, or not allowed.",
        confirm: "The details name the rule: `http1.codec_error`, `low_version`, `http1.headers_too_large` and so on.",
        fix: "Let the client speak what the port is for, or name the port for what is spoken (`tcp-…`, `https-…`, \
              `appProtocol`).",
        findings: &["protocol-not-taken", "request-not-taken", "request-over-a-limit"],
        ..Entry::EMPTY
    },
    Entry {
        name: "DR",
        also: &["DownstreamRemoteReset"],
        title: "The client, or the codec on its side, reset the HTTP/2 stream.",
        status: "none is sent; the log has 0",
        means: "One stream of an HTTP/2 or HTTP/3 connection ended with a reset, while the connection stayed.",
        arises: "A client that cancels a request (gRPC does so at its deadline). Or the proxy's codec refuses the \
                 stream's headers: an underscore in a name, too many of them.",
        confirm: "Details `http2.remote_reset` say that the client did it. `http2.unexpected_underscore` or \
                  `http2.too_many_headers` say that the codec did.",
        fix: "A deadline: make the answer faster, or the deadline longer. A codec: rename or drop the headers.",
        findings: &["request-not-taken", "request-over-a-limit"],
        ..Entry::EMPTY
    },
    Entry {
        name: "DT",
        also: &["DurationTimeout"],
        title: "The connection was as old as it may become.",
        status: "none; a connection is closed",
        means: "The proxy ends connections after a fixed time, whatever is on them.",
        arises: "`max_connection_duration` of a connection manager, or `max_downstream_connection_duration` of a TCP \
                 proxy.",
        confirm: "The durations of such lines are all alike: they are the limit.",
        fix: "Raise the limit, or let clients open a new connection when theirs ends.",
        ..Entry::EMPTY
    },
    Entry {
        name: "FI",
        also: &["FaultInjected"],
        title: "A fault was injected: the request was ended with a chosen status.",
        status: "any that is configured",
        means: "The fault filter answered in place of B, which never saw the request.",
        arises: "`fault.abort` of a VirtualService that was left from a test, or the header \
                 `x-envoy-fault-abort-request` where the filter allows it.",
        confirm: "kubectl get virtualservices -A -o yaml, and look for `fault`.",
        fix: "Remove `fault.abort`, or lower its percentage.",
        findings: &["fault-injected"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IH",
        also: &["InvalidEnvoyRequestHeaders"],
        title: "A header of Envoy's own has a value that is not valid.",
        status: "400",
        means: "The router checks headers such as `x-envoy-upstream-rq-timeout-ms`, and this one could not be read.",
        arises: "The router lists the header in `strict_check_headers`, and a client sent something that is not a number \
                 or no retry policy.",
        confirm: "Details are `request_headers_failed_strict_check{NAME}`: the name of the header is in the braces.",
        fix: "Correct or drop the header in the client.",
        ..Entry::EMPTY
    },
    Entry {
        name: "LH",
        also: &["FailedLocalHealthCheck"],
        title: "The proxy says of itself that it is not healthy.",
        status: "503",
        means: "A health check filter answered, because the proxy was told to fail its health checks.",
        arises: "Somebody called the admin endpoint /healthcheck/fail, or the proxy is about to end and drains.",
        confirm: "The gauge `server.live` is 0, or `/ready` of the admin endpoint does not answer LIVE.",
        fix: "Wait for the new pod, or call /healthcheck/ok.",
        ..Entry::EMPTY
    },
    Entry {
        name: "LR",
        also: &["LocalReset"],
        title: "The proxy reset the upstream's stream by itself.",
        status: "503",
        means: "The proxy ended the request at the upstream before an answer came, and not for a timeout.",
        arises: "The upstream said GOAWAY, the HTTP/2 connection was misused, or the proxy's own limits on a \
                 connection were met.",
        confirm: "Raise the log level of `http` and `router` for a minute: istioctl proxy-config log POD --level \
                  http:debug,router:debug.",
        fix: "Look at the upstream's HTTP/2 settings first. With HTTP/1.1 (`h2UpgradePolicy: DO_NOT_UPGRADE`) the \
              reset should be gone.",
        ..Entry::EMPTY
    },
    Entry {
        name: "NC",
        also: &["NoClusterFound"],
        title: "The route leads to a cluster that the proxy does not have.",
        status: "503; 500 for routes of the Gateway API; TCP: closed",
        means: "A route took the request and names a cluster. The proxy has no such cluster, or has it and still \
                waits for its secret or its DNS name (warming). Envoy replies itself.",
        arises: "Istio writes a route as the VirtualService says, whether its destination exists or not. A subset \
                 that no DestinationRule defines, a host that is no Service (a short name is of the VirtualService's \
                 own namespace), a port that the Service lacks: each gives the name of a cluster that nobody makes.",
        confirm: "istioctl proxy-config routes POD -o json names the cluster; istioctl proxy-config clusters POD \
                  lists those that there are.",
        fix: "Name a destination that exists, or create what the route names. A DestinationRule has to be visible \
              from A's namespace (`exportTo`).",
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
        name: "NFCF",
        also: &["NoFilterConfigFound"],
        title: "The configuration of a filter was never delivered.",
        status: "500",
        means: "A filter's configuration is to come by itself (ECDS), and did not come in time. The proxy lets \
                nothing past a filter that it does not know.",
        arises: "A Wasm module that cannot be fetched, or a control plane that does not send the filter. With Istio's \
                 agent a deny-all filter takes the place of such a module, so that the answer is 403 and looks like a \
                 policy.",
        confirm: "The section EcdsConfigDump of /config_dump lacks the filter, or has an `error_state` for it.",
        fix: "Make the module's URL reachable and its checksum right, or let the plugin fail open (`failStrategy`).",
        ..Entry::EMPTY
    },
    Entry {
        name: "NR",
        also: &["NoRouteFound"],
        title: "No route takes the request, or no filter chain the connection.",
        status: "404; of a connection: closed",
        means: "Over HTTP: no virtual host has the Host, or its routes all ask for something else. The status is 404, \
                not 503. Without a request: the listener has no filter chain that fits the connection.",
        arises: "A VirtualService with matches and no rule for the rest, a Gateway whose hosts leave this one out, a \
                 route configuration that never came; TLS with a server name that no chain is for, or plaintext for a \
                 port that takes mutual TLS only.",
        confirm: "istioctl proxy-config routes POD --name PORT -o json: find the host among `domains`, then read the \
                  matches from top to bottom. Details tell the two kinds apart: `route_not_found` or \
                  `filter_chain_not_found`.",
        fix: "Add the rule, the host or the chain that is missing, or let the client ask as one of those that there \
              are.",
        findings: &[
            "no-route-matched",
            "virtual-service-ignored",
            "proxy-out-of-sync",
            "control-plane-lost",
            "routes-not-delivered",
            "no-filter-chain",
            "mtls-required",
            "listener-rejected",
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
        name: "OM",
        also: &["OverloadManagerTerminated", "OverloadManager"],
        title: "The proxy is overloaded and refuses work.",
        status: "503",
        means: "The overload manager saw a resource run out (memory of the heap, connections) and ended the request.",
        arises: "A memory limit of the proxy that is too low for its configuration or its traffic, or too many \
                 connections.",
        confirm: "The gauges `overload.*.active` of /stats, and restarts of the container (`OOMKilled`).",
        fix: "Give the proxy more memory, or less configuration (a Sidecar that names what the pod needs).",
        ..Entry::EMPTY
    },
    Entry {
        name: "RFCF",
        also: &["ResponseFromCacheFilter"],
        title: "The answer came from a cache in the proxy.",
        status: "that of the answer",
        means: "Nothing failed: the cache filter had the answer, and B was not asked.",
        arises: "A cache filter, and an earlier answer that may be kept.",
        confirm: "The header `age` of the answer.",
        fix: "Where the answer is stale, correct `cache-control` of B's answers.",
        ..Entry::EMPTY
    },
    Entry {
        name: "RL",
        also: &["RateLimited"],
        title: "A rate limit is used up.",
        status: "429",
        means: "The request is one more than is allowed in this time. The proxy replied itself.",
        arises: "A local rate limit (each proxy counts for itself) or a global one (a service counts for all).",
        confirm: "Details: `local_rate_limited` or `request_rate_limited`. A local limit counts in \
                  `http_local_rate_limit.rate_limited` of /stats.",
        fix: "Raise the limit, or send less. Most limits come from an EnvoyFilter, or from a BackendTrafficPolicy.",
        ..Entry::EMPTY
    },
    Entry {
        name: "RLSE",
        also: &["RateLimitServiceError"],
        title: "The rate limit service could not be asked, and nothing passes then.",
        status: "500",
        means: "The filter asks a service about each request. The service did not answer, and `failure_mode_deny` is \
                set.",
        arises: "The service has no healthy pod, its cluster is not in the proxy, or it takes longer than the \
                 filter's `timeout`.",
        confirm: "Look at the hosts of the service's cluster: istioctl proxy-config endpoints POD, with --cluster.",
        fix: "Bring the service back, or let requests pass without it.",
        findings: &["filter-service-is-down"],
        ..Entry::EMPTY
    },
    Entry {
        name: "SI",
        also: &["StreamIdleTimeout"],
        title: "Nothing happened on the request for too long.",
        status: "504; 408 where the request was not complete",
        means: "No byte went either way for the time that a stream may be idle (5 minutes by default).",
        arises: "A long poll or an event stream without a sign of life, a stalled upload, or an upstream that thinks \
                 for longer than `stream_idle_timeout`.",
        confirm: "The durations of such lines are alike, and they are the timeout.",
        fix: "Send heartbeats, or raise the connection manager's `stream_idle_timeout` or the route's `idle_timeout`.",
        ..Entry::EMPTY
    },
    Entry {
        name: "UAEX",
        also: &["UnauthorizedExternalService"],
        title: "The authorization service said no, or could not be asked.",
        status: "403, or as the service or `status_on_error` says",
        means: "The filter `ext_authz` asks a service about each request. Details `ext_authz_denied` mean that the \
                service denied the request, `ext_authz_error` that it could not be asked.",
        arises: "A denial is the service's own business. An error: the service is down, its cluster is not there, it \
                 is too slow, or mutual TLS with it fails.",
        confirm: "The service's log for a denial. For an error the hosts of the cluster that the filter names.",
        fix: "Correct the service's rules, or bring the service back. `failure_mode_allow` lets requests pass without \
              it.",
        findings: &["filter-service-is-down"],
        ..Entry::EMPTY
    },
    Entry {
        name: "UC",
        also: &["UpstreamConnectionTermination"],
        title: "The upstream closed the connection before it answered.",
        status: "503",
        means: "There was a connection, and a request on it. Then the other side closed, and no answer had come.",
        arises: "Plaintext comes to a proxy that takes mutual TLS only. Or A's certificate is refused under TLS 1.3, \
                 which A notices late. Or an application closes idle connections sooner than the proxy does, and a \
                 request meets the close. Or the application crashed, or cut the request off at its own timeout.",
        confirm: "Every request fails: look at TLS and at B's log (`filter_chain_not_found`). A few fail, after \
                  pauses: the idle timeouts. All after the same time: B's timeout.",
        fix: "Speak mutual TLS to B; or set the proxy's idle timeout below the application's \
              (`connectionPool.http.idleTimeout`).",
        findings: &["mtls-required", "certificate-not-accepted", "requests-failed-so-far", "request-not-taken"],
        ..Entry::EMPTY
    },
    Entry {
        name: "UDO",
        also: &["UnconditionalDropOverload"],
        title: "Every request to the cluster is dropped, as the endpoints say.",
        status: "503",
        means: "The endpoint assignment drops all requests to this cluster.",
        arises: "`policy.drop_overloads` with 100 percent, which a control plane sends to shut a service off.",
        confirm: "Look for `drop_overloads` in /config_dump?include_eds.",
        fix: "Ask the control plane's owner why the service is shut off.",
        findings: &["requests-are-dropped"],
        ..Entry::EMPTY
    },
    Entry {
        name: "UF",
        also: &["UpstreamConnectionFailure"],
        title: "No connection to the upstream succeeded.",
        status: "503; TCP: closed, as UF,URX",
        means: "The proxy chose a host and could not connect to it: refused, timed out, or the TLS handshake failed. \
                No request was sent.",
        arises: "Nothing listens on the port (the application is down, listens on 127.0.0.1 alone, or the target port \
                 is wrong). A NetworkPolicy or a firewall drops the packets. One side speaks TLS and the other does \
                 not. Certificates do not fit.",
        confirm: "The braces of the details say which: `Connection_refused`, `connection_timeout`, `TLS_error`. The \
                  counter `cx_connect_fail` of the host in /clusters grows.",
        fix: "Refused: the application and the target port. Timed out: the network. TLS: the modes of DestinationRule \
              and PeerAuthentication, then the certificates.",
        findings: &[
            "connections-fail",
            "endpoints-are-stale",
            "tls-of-the-rule-fails",
            "certificate-not-accepted",
            "application-does-not-listen",
            "application-listens-on-loopback-only",
            "network-policy-in-the-way",
            "mutual-tls-to-plaintext",
            "certificate-of-another-name",
        ],
        ..Entry::EMPTY
    },
    Entry {
        name: "UH",
        also: &["NoHealthyUpstream"],
        title: "The cluster has no host that can take the request.",
        status: "503; TCP: closed",
        means: "The proxy has the cluster. It has no host in it, or every host is unhealthy or ejected, so nobody was \
                asked.",
        arises: "No pod fits the selector or the subset's labels, none is ready, a port's name fits no container, \
                 outlier detection ejected all, a locality or node rule left all out, or a host outside did not \
                 resolve.",
        confirm: "istioctl proxy-config endpoints POD --cluster NAME. No row: the control plane sent none. Rows that \
                  are UNHEALTHY, or FAILED as outliers: the hosts are there and out.",
        fix: "Bring pods that are ready behind the Service. Where hosts are ejected, mend what makes them fail.",
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
            "registry-only",
        ],
        ..Entry::EMPTY
    },
    Entry {
        name: "UMSDR",
        also: &["UpstreamMaxStreamDurationReached"],
        title: "The request took longer than the cluster lets any take.",
        status: "504",
        means: "A limit on the whole time of a request at the upstream was met, whether an answer had begun or not.",
        arises: "`max_stream_duration` among the cluster's HTTP options. Streams that are meant to stay (gRPC, \
                 websockets) meet it as others do.",
        confirm: "The durations of such lines are alike, and they are the limit.",
        fix: "Raise `max_stream_duration`, or let long streams use a cluster of their own.",
        ..Entry::EMPTY
    },
    Entry {
        name: "UO",
        also: &["UpstreamOverflow"],
        title: "A circuit breaker is open: there is no room for one more.",
        status: "503, with the header x-envoy-overloaded; TCP: closed",
        means: "This proxy has as many connections, waiting requests, requests or retries to the cluster as it may. \
                Each proxy counts for itself.",
        arises: "A `connectionPool` with low limits, or a B that answers so slowly that requests pile up. A cluster \
                 in maintenance (`maintenance_mode`) has the same flag.",
        confirm: "The counters `upstream_rq_pending_overflow` and `upstream_cx_overflow` of the cluster, and its \
                  thresholds in /clusters.",
        fix: "Raise the limit that is met, or make B faster.",
        findings: &["circuit-breaker-full", "requests-are-dropped"],
        ..Entry::EMPTY
    },
    Entry {
        name: "UPE",
        also: &["UpstreamProtocolError"],
        title: "The upstream's answer is not the HTTP that the proxy expects.",
        status: "502",
        means: "A connection succeeded, and what came back could not be read as HTTP/1.1 or HTTP/2.",
        arises: "The port's name or `appProtocol` says HTTP/2 or gRPC, and the server speaks HTTP/1.1, or the \
                 reverse. Or the server's headers break the rules: two lengths, a body where none may be, illegal \
                 characters.",
        confirm: "curl the pod directly, once with --http2-prior-knowledge and once without.",
        fix: "Name the port for what its server speaks; correct the server's headers.",
        findings: &["requests-failed-so-far"],
        ..Entry::EMPTY
    },
    Entry {
        name: "UR",
        also: &["UpstreamRemoteReset"],
        title: "The upstream reset the stream.",
        status: "503; a TCP line has 0",
        means: "The other side ended this one stream (HTTP/2), or the TCP connection, with a reset and gave no answer.",
        arises: "A gRPC server that cancels or is overloaded, or a proxy that closes a connection that it does not \
                 take: plaintext over TCP to a B that takes mutual TLS only is logged so at A.",
        confirm: "The log of B's proxy for the same second. `NR filter_chain_not_found` there means that B does not \
                  take what A sends.",
        fix: "What B's log says. Without a proxy at B, the server's own log.",
        findings: &["mtls-required"],
        ..Entry::EMPTY
    },
    Entry {
        name: "URX",
        also: &["UpstreamRetryLimitExceeded"],
        title: "The request was tried again, and the tries are used up.",
        status: "that of the last try",
        means: "This flag never stands for a cause. The other flag of the line, or the status, says how the last try \
                ended. HTTP writes it first (`URX,UF`), TCP last (`UF,URX`).",
        arises: "A retry policy: Istio's default is two more tries where no connection succeeds. A TCP proxy \
                 always has it on a failed connection.",
        confirm: "Read the other flag. URX alone with `via_upstream` means that B answered with a status that is \
                  tried again.",
        fix: "That of the other flag. More retries only add load.",
        findings: &[
            "connections-fail",
            "endpoints-are-stale",
            "tls-of-the-rule-fails",
            "circuit-breaker-full",
            "application-does-not-listen",
            "application-listens-on-loopback-only",
            "network-policy-in-the-way",
            "mutual-tls-to-plaintext",
            "certificate-of-another-name",
            "certificate-not-accepted",
        ],
        ..Entry::EMPTY
    },
    Entry {
        name: "UT",
        also: &["UpstreamRequestTimeout"],
        title: "The upstream did not answer in time.",
        status: "504",
        means: "The request was sent, and the time for its answer ran out: that of the whole request, or with \
                `upstream_per_try_timeout` that of one try.",
        arises: "`timeout` or `retries.perTryTimeout` of a VirtualService, the header \
                 `x-envoy-upstream-rq-timeout-ms`, or Envoy's 15 seconds where no control plane sets anything.",
        confirm: "The durations of such lines are alike, and they are the timeout. B's own log shows how long B takes.",
        fix: "Make B faster, or the timeout longer than B's slowest good answer.",
        findings: &["requests-failed-so-far"],
        ..Entry::EMPTY
    },
];
