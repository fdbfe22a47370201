//! Details of HTTP filters that answer by themselves.

use crate::explain::topic::{Entry, Part};

/// What stands between the brackets of a denial by access control.
const POLICIES: &[Part] = &[
    Part {
        word: "none",
        means: "No policy denied the request. There are ALLOW policies, and none of their rules matches.",
        flag: "",
        findings: &["denied-by-policy", "preflight-not-answered"],
    },
    Part {
        word: "due-to-bad-CUSTOM-action",
        means: "A CUSTOM policy names a provider that `meshConfig.extensionProviders` does not have. What the policy \
                is for is denied.",
        flag: "",
        findings: &["denied-by-policy"],
    },
    Part {
        word: "istio-ext-authz-",
        means: "A CUSTOM policy: it sends requests to an authorization service.",
        flag: "",
        findings: &["denied-by-policy", "filter-service-is-down"],
    },
    Part {
        word: "ns[",
        means: "A rule of an AuthorizationPolicy: its namespace, its name, and the place in `spec.rules`, from 0.",
        flag: "",
        findings: &["denied-by-policy"],
    },
];

/// What a filter says of a token.
const TOKENS: &[Part] = &[
    Part {
        word: "Jwt_is_missing",
        means: "The request has no token where one is looked for, and the route requires one.",
        flag: "",
        findings: &["token-rejected"],
    },
    Part {
        word: "Jwt_is_expired",
        means: "The token's `exp` is in the past. Clocks may differ.",
        flag: "",
        findings: &["token-rejected"],
    },
    Part {
        word: "Jwt_not_yet_valid",
        means: "The token's `nbf` is in the future. Clocks may differ.",
        flag: "",
        findings: &["token-rejected"],
    },
    Part {
        word: "Jwt_issuer_is_not_configured",
        means: "The token's `iss` is none that a RequestAuthentication names. They have to agree to the last slash.",
        flag: "",
        findings: &["token-rejected"],
    },
    Part {
        word: "Audiences_in_Jwt_are_not_allowed",
        means: "The token's `aud` is none of those in `audiences`. The status is 403.",
        flag: "",
        findings: &["token-rejected"],
    },
    Part {
        word: "Jwt_is_not_in_the_form_of",
        means: "What was sent is not a token: it has not three parts with dots between.",
        flag: "",
        findings: &["token-rejected"],
    },
    Part {
        word: "Jwt_verification_fails",
        means: "None of the issuer's keys fits the token's signature.",
        flag: "",
        findings: &["token-rejected"],
    },
    Part {
        word: "Jwks_",
        means: "The issuer's keys could not be fetched or read (`jwksUri`).",
        flag: "",
        findings: &["token-rejected"],
    },
    Part {
        word: "Wrong_requirement_name",
        means: "The route names a requirement that the filter does not have. The status is 403.",
        flag: "",
        findings: &["token-rejected"],
    },
];

pub(in crate::explain) const FILTERS: &[Entry] = &[
    Entry {
        name: "rbac_access_denied_matched_policy",
        title: "Access control denies the request.",
        status: "403, with the body `RBAC: access denied`; TCP: closed",
        means: "The filter `rbac` of the proxy that logged this turned the request away. The brackets name the policy \
                and its rule, or say `none`. Of a TCP connection the word stands in %CONNECTION_TERMINATION_DETAILS%.",
        arises: "A DENY rule matches; or there are ALLOW policies for the workload, and no rule of theirs matches. \
                 Rules on principals and namespaces never match plaintext. Rules on paths, methods and headers never \
                 match on a port that is TCP to the mesh. A Wasm plugin that cannot be fetched looks like `[none]` \
                 too.",
        confirm: "istioctl x authz check POD lists what the proxy has.",
        fix: "Add a rule that allows the request, or narrow the DENY rule.",
        findings: &["denied-by-policy", "preflight-not-answered"],
        parts: POLICIES,
        ..Entry::EMPTY
    },
    Entry {
        name: "jwt_authn_access_denied",
        title: "The request's token is missing or no good.",
        status: "401; 403 for a wrong audience",
        means: "The filter `jwt_authn` turned the request away. The braces say what is wrong with the token.",
        arises: "A RequestAuthentication makes the proxy look at tokens. One that is there has to be good; that one \
                 is there at all is asked for by an AuthorizationPolicy.",
        confirm: "Take the token apart (its middle part is base64) and hold `iss`, `aud` and `exp` against \
                  `spec.jwtRules`.",
        fix: "Send a good token, or correct `issuer`, `audiences` or `jwksUri`.",
        findings: &["token-rejected", "preflight-not-answered"],
        parts: TOKENS,
        ..Entry::EMPTY
    },
    Entry {
        name: "ext_authz_denied",
        title: "The authorization service said no.",
        status: "403, or as the service says",
        means: "The filter asked the service, and the service denied the request.",
        arises: "The rules of that service: an OPA policy, an OAuth proxy that wants a login.",
        confirm: "The service's log.",
        fix: "Correct its rules, or what the client shows.",
        flags: &["UAEX"],
        ..Entry::EMPTY
    },
    Entry {
        name: "ext_authz_error",
        title: "The authorization service could not be asked.",
        status: "403, or as `status_on_error` says",
        means: "The filter lets nothing pass without the service's word, and the service did not answer.",
        arises: "The service has no healthy pod, its cluster is not in the proxy, it is too slow, or mutual TLS with \
                 it fails.",
        confirm: "The hosts of the cluster that the filter names: istioctl proxy-config endpoints POD.",
        fix: "Bring the service back, or set `failure_mode_allow` (Istio: `failOpen`).",
        flags: &["UAEX"],
        findings: &["filter-service-is-down"],
        ..Entry::EMPTY
    },
    Entry {
        name: "ext_authz_invalid",
        title: "The authorization service's word cannot be used.",
        status: "500",
        means: "The service asked for a change of headers that Envoy does not allow.",
        arises: "A service with a mistake in its answer.",
        confirm: "The service's log and its answer.",
        fix: "Mend the service.",
        flags: &["UAEX"],
        ..Entry::EMPTY
    },
    Entry {
        name: "fault_filter_abort",
        title: "A fault was injected.",
        status: "any that is configured",
        means: "The fault filter answered in place of B.",
        arises: "`fault.abort` of a VirtualService that was left from a test.",
        confirm: "kubectl get virtualservices -A -o yaml, and look for `fault`.",
        fix: "Remove `fault.abort`.",
        flags: &["FI"],
        findings: &["fault-injected"],
        ..Entry::EMPTY
    },
    Entry {
        name: "local_rate_limited",
        title: "This proxy's own rate limit is used up.",
        status: "429",
        means: "The proxy counts by itself, and its bucket is empty.",
        arises: "The filter `local_ratelimit`, mostly by an EnvoyFilter.",
        confirm: "The counters `*.http_local_rate_limit.rate_limited` of /stats.",
        fix: "Raise `token_bucket`, or send less.",
        flags: &["RL"],
        ..Entry::EMPTY
    },
    Entry {
        name: "request_rate_limited",
        title: "The rate limit service said: too many.",
        status: "429",
        means: "A service counts for all proxies, and the limit for this request's descriptors is used up.",
        arises: "The filter `ratelimit` and the limits of its service.",
        confirm: "The service's log and limits.",
        fix: "Raise the limit, or send less.",
        flags: &["RL"],
        ..Entry::EMPTY
    },
    Entry {
        name: "rate_limiter_error",
        title: "The rate limit service could not be asked.",
        status: "500",
        means: "`failure_mode_deny` is set, and the service did not answer.",
        arises: "The service has no healthy pod, its cluster is not in the proxy, or it is too slow.",
        confirm: "The hosts of the cluster that the filter names.",
        fix: "Bring the service back, or leave `failure_mode_deny` out.",
        flags: &["RLSE"],
        findings: &["filter-service-is-down"],
        ..Entry::EMPTY
    },
    Entry {
        name: "cors_response",
        also: &["cors_preflight_bypassed"],
        title: "The CORS filter answered a preflight.",
        status: "200",
        means: "A browser asked beforehand whether it may send a request, and the proxy answered. B never sees it.",
        arises: "OPTIONS with `origin` and `access-control-request-method`, and a CORS policy that allows the origin.",
        confirm: "The method in the access log.",
        fix: "Nothing to fix, unless B is meant to answer: then remove the CORS policy.",
        findings: &["filter-answers-itself"],
        ..Entry::EMPTY
    },
    Entry {
        name: "csrf_origin_mismatch",
        title: "A changing request comes from elsewhere.",
        status: "403",
        means: "`origin`, or `referer`, is another host than the request's own, or is missing.",
        arises: "The filter `csrf`, and a request that is not GET, HEAD or OPTIONS.",
        confirm: "The headers `origin` and `host` of one such request.",
        fix: "Send the origin, or add it to `additional_origins`.",
        findings: &["cross-origin-request"],
        ..Entry::EMPTY
    },
    Entry {
        name: "cache_no_route",
        title: "The cache takes the request, and its route forwards to no cluster.",
        status: "404",
        means: "A GET or HEAD that the cache could keep the answer of has no route, or one that redirects or replies itself.",
        arises: "The filter `cache` asks the route's cluster by itself, so that routes without one do not work behind it.",
        confirm: "A POST to the same path, or a GET with the header `authorization`, is not taken by the cache.",
        fix: "Switch the filter off for such routes: a `FilterConfig` with `disabled: true` in `typed_per_filter_config`.",
        findings: &["filter-answers-itself"],
        ..Entry::EMPTY
    },
    Entry {
        name: "cache_no_cluster",
        title: "The cache takes the request, and the cluster of its route is not there.",
        status: "503, without a flag",
        means: "As `cluster_not_found`, of a GET or HEAD that the filter `cache` asks the cluster about by itself.",
        arises: "The route names a cluster that the proxy does not have.",
        confirm: "`istioctl proxy-config cluster POD --fqdn HOST` has no such cluster.",
        fix: "As for `NC`.",
        findings: &["cluster-not-there", "no-such-service", "subset-not-defined"],
        ..Entry::EMPTY
    },
    Entry {
        name: "health_check_ok",
        also: &["health_check_ok_cluster_healthy"],
        title: "The health check filter answered.",
        status: "200",
        means: "The request is a health check of the proxy's, to which the proxy replies itself.",
        arises: "The filter `health_check` and its headers or path.",
        confirm: "The path in the access log.",
        fix: "Nothing to fix, unless B is meant to answer.",
        findings: &["filter-answers-itself"],
        ..Entry::EMPTY
    },
    Entry {
        name: "health_check_failed",
        also: &[
            "health_check_failed_cluster_empty",
            "health_check_failed_cluster_unhealthy",
            "health_check_failed_no_cluster_found",
        ],
        title: "The health check filter says: not healthy.",
        status: "503",
        means: "The proxy is told to fail health checks, or too few hosts of a cluster are healthy.",
        arises: "/healthcheck/fail of the admin endpoint, a proxy that drains, or `cluster_min_healthy_percentages`.",
        confirm: "The gauge `server.live` of /stats.",
        fix: "Wait for the new pod, or mend the cluster.",
        flags: &["LH"],
        findings: &["filter-answers-itself"],
        ..Entry::EMPTY
    },
    Entry {
        name: "no_credential_for_basic_auth",
        title: "No user and password.",
        status: "401",
        means: "The filter `basic_auth` asks for a user and a password, and the request has none.",
        arises: "A client that does not log in.",
        confirm: "The header `authorization` is missing.",
        fix: "Send `authorization: Basic …`.",
        findings: &["no-credentials"],
        ..Entry::EMPTY
    },
    Entry {
        name: "invalid_scheme_for_basic_auth",
        title: "The credentials are not of the scheme Basic.",
        status: "401",
        means: "The header `authorization` is there, and does not begin with `Basic`.",
        arises: "A client that sends a bearer token to a filter that wants a password.",
        confirm: "The first word of `authorization`.",
        fix: "Send `authorization: Basic …`, or leave the filter out of that route.",
        findings: &["no-credentials"],
        ..Entry::EMPTY
    },
    Entry {
        name: "invalid_credential_for_basic_auth",
        also: &["invalid_format_for_basic_auth"],
        title: "User and password are wrong or malformed.",
        status: "401",
        means: "The credentials are there, and none of the filter's users has them.",
        arises: "A wrong password, or one that was encoded twice.",
        confirm: "Decode the header (base64) and compare it with the list of users.",
        fix: "Send a user and password that the filter has.",
        ..Entry::EMPTY
    },
    Entry {
        name: "missing_api_key",
        title: "No key where one is looked for.",
        status: "401",
        means: "The filter `api_key_auth` asks for a key in a header, the query or a cookie, and there is none.",
        arises: "A client that sends no key, or sends it in another place.",
        confirm: "The filter's `key_sources`.",
        fix: "Send the key where the filter looks for it.",
        findings: &["no-credentials"],
        ..Entry::EMPTY
    },
    Entry {
        name: "unknown_api_key",
        title: "The key is none of the filter's.",
        status: "401",
        means: "A key is there, and the filter does not have it.",
        arises: "A key that was revoked or misspelled.",
        confirm: "Compare the key with the filter's credentials.",
        fix: "Send a key that is valid.",
        ..Entry::EMPTY
    },
    Entry {
        name: "client_not_allowed",
        title: "The key's client may not use this route.",
        status: "403",
        means: "The key is good, and its client is not among `allowed_clients` of the route.",
        arises: "A route for other clients.",
        confirm: "`allowed_clients` of the route.",
        fix: "Add the client, or use another key.",
        ..Entry::EMPTY
    },
    Entry {
        name: "oauth_denied",
        title: "No login, and no redirect to one.",
        status: "401",
        means: "The filter `oauth2` asks for a login, and is told not to redirect such requests.",
        arises: "A request without the login's cookies that `deny_redirect_matcher` takes, as of scripts in a page.",
        confirm: "The cookies of the request.",
        fix: "Log in first.",
        findings: &["no-credentials"],
        ..Entry::EMPTY
    },
    Entry {
        name: "cdn_loop_detected",
        title: "The request came by here before.",
        status: "502",
        means: "The header `cdn-loop` names this network too often: the request goes around in a circle.",
        arises: "Two networks that are each the other's origin.",
        confirm: "The header `cdn-loop`.",
        fix: "Correct the origin of one of them.",
        findings: &["request-not-taken"],
        ..Entry::EMPTY
    },
    Entry {
        name: "dns_resolution_failure",
        title: "A host's name did not resolve.",
        status: "503",
        means: "A dynamic forward proxy could not resolve the request's host. The braces have the resolver's answer.",
        arises: "A name that is misspelled or not public, or a resolver that is down.",
        confirm: "kubectl exec POD -- getent hosts NAME.",
        fix: "Correct the name or the resolver.",
        flags: &["DF"],
        ..Entry::EMPTY
    },
    Entry {
        name: "dns_cache_pending_requests_overflow",
        also: &["dynamic_forward_proxy_pending_request_overflow"],
        title: "Too many requests wait for DNS.",
        status: "503",
        means: "A dynamic forward proxy lets so many requests wait for their host's address, and no more.",
        arises: "A slow resolver, or many new hosts at a time.",
        confirm: "The counter `dns_cache.*.dns_rq_pending_overflow`.",
        fix: "Raise `dns_cache_circuit_breaker`, or mend the resolver.",
        flags: &["UO"],
        ..Entry::EMPTY
    },
    Entry {
        name: "denied_by_admission_control",
        title: "Not tried, as too many requests failed.",
        status: "503",
        means: "The filter `admission_control` drops a share of the requests while the success rate is low.",
        arises: "An upstream that fails often.",
        confirm: "The counter `admission_control.rq_rejected`.",
        fix: "Mend the upstream.",
        ..Entry::EMPTY
    },
    Entry {
        name: "lua_response",
        title: "A Lua script answered.",
        status: "as the script says",
        means: "A script in the proxy answered in place of B.",
        arises: "An EnvoyFilter with a script that calls `respond`.",
        confirm: "kubectl get envoyfilters -A -o yaml, and look for `respond`.",
        fix: "Correct the script.",
        ..Entry::EMPTY
    },
    Entry {
        name: "wasm_fail_stream",
        title: "A Wasm plugin failed, and nothing passes then.",
        status: "503",
        means: "The plugin crashed or is not there, and it is told to fail closed.",
        arises: "A plugin that was not fetched, or a bug in it.",
        confirm: "The proxy's log, for `wasm`.",
        fix: "Mend the plugin, or let it fail open (`failStrategy: FAIL_OPEN`).",
        ..Entry::EMPTY
    },
    Entry {
        name: "ext_proc_error",
        also: &["ext_proc_grpc_error", "ext_proc_message_timeout", "ext_proc_stream_error"],
        title: "The processing service could not be asked.",
        status: "500, or as `status_on_error` says; 504 for a timeout",
        means: "The filter `ext_proc` has a service look at each request. The service failed or was too slow.",
        arises: "The service has no healthy pod, or takes longer than `message_timeout`.",
        confirm: "The service's log, and the hosts of its cluster.",
        fix: "Bring the service back, or set `failure_mode_allow`.",
        ..Entry::EMPTY
    },
    Entry {
        name: "ext_proc_local_response",
        title: "The processing service answered.",
        status: "as the service says",
        means: "The service behind the filter `ext_proc` answered in place of B.",
        arises: "The service's own rules.",
        confirm: "The service's log.",
        fix: "Correct its rules.",
        ..Entry::EMPTY
    },
    Entry {
        name: "grpc_json_transcode_failure",
        also: &["grpc_json_reverse_transcode_failure"],
        title: "JSON could not be turned into gRPC.",
        status: "400 or 404",
        means: "The transcoding filter could not read the request as the service's message, or back.",
        arises: "A body that does not fit the message, or a path that no method has.",
        confirm: "Hold the body against the .proto file.",
        fix: "Correct the body, or the filter's descriptors.",
        ..Entry::EMPTY
    },
    Entry {
        name: "grpc_bridge_data_too_small",
        also: &[
            "grpc_bridge_content_type_wrong",
            "grpc_bridge_content_length_missing",
            "grpc_bridge_content_length_wrong",
        ],
        title: "The upstream's answer is not gRPC.",
        status: "200, with a gRPC status",
        means: "The bridge between HTTP/1.1 and gRPC could not read the upstream's answer.",
        arises: "A server that does not speak what the bridge expects.",
        confirm: "The upstream's `content-type`.",
        fix: "Mend the server, or leave the bridge out.",
        ..Entry::EMPTY
    },
    Entry {
        name: "cache.response_from_cache_filter",
        title: "The answer came from a cache in the proxy.",
        status: "that of the answer",
        means: "The cache filter had the answer, and B was not asked.",
        arises: "An earlier answer that may be kept.",
        confirm: "The header `age` of the answer.",
        fix: "Where the answer is stale, correct `cache-control` of B's answers.",
        flags: &["RFCF"],
        ..Entry::EMPTY
    },
];
