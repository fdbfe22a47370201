//! Fields and extensions that cannot change where a request goes or who answers it, each with its reason.
//!
//! "The request" is the one that is asked about: small, without a body, sent by a client that waits.

use serde_json::Value;

/// Why this field of this message is harmless; `None` when it is not known to be.
pub fn field(message: &str, name: &str) -> Option<&'static str> {
    let (_, rows) = FIELDS.iter().find(|(m, _)| *m == message)?;
    rows.iter().find(|(names, _)| names.contains(&name) || *names == ["*"]).map(|(_, reason)| *reason)
}

/// Why an HTTP filter of this type never answers a request by itself.
pub fn http_filter(type_name: &str) -> Option<&'static str> {
    HTTP_FILTERS.iter().find(|(types, _)| types.contains(&type_name)).map(|(_, reason)| *reason)
}

/// The type of the first of these upstream HTTP filters that may do something to a request.
pub fn odd_upstream_filter(filters: &Value) -> Option<String> {
    let types = filters.as_array()?.iter().map(|filter| {
        let url = filter.pointer("/typed_config/@type").and_then(Value::as_str).unwrap_or_default();
        url.rsplit('/').next().unwrap_or_default().to_owned()
    });
    types.into_iter().find(|name| http_filter(name).is_none() && !name.ends_with(".UpstreamCodec"))
}

/// Why a network filter of this type passes every connection on.
pub fn network_filter(type_name: &str) -> Option<&'static str> {
    NETWORK_FILTERS.iter().find(|(types, _)| types.contains(&type_name)).map(|(_, reason)| *reason)
}

/// Why a listener filter of this type changes nothing that filter chain match sees.
pub fn listener_filter(type_name: &str) -> Option<&'static str> {
    LISTENER_FILTERS.iter().find(|(types, _)| types.contains(&type_name)).map(|(_, reason)| *reason)
}

const OBSERVED: &str = "observes only: statistics, traces and logs";
const UNBUILT: &str = "Envoy does not implement it (1.40: hidden in the API, and nothing reads it)";
const PREFLIGHTS: &str = "read by the CORS filter, which is named by itself";
const SOCKET: &str = "tunes the socket, not the decision";
const BUFFER: &str = "bounds buffers that one small request does not fill";
const TIME: &str = "bounds time; matters only to a request that is already slow";
const AFTER: &str = "changes what is sent on or back, after the decision";
const DELIVERY: &str = "how the configuration is fetched; what arrived is in the dump";
const PREFERS: &str = "prefers a host; all eligible hosts are shown";
const LACKING: &str = "what to do without the filter; one that is not modeled is named by itself";
const LABEL: &str = "labels for people and control planes";

/// Names that share a reason.
pub(super) type Row = (&'static [&'static str], &'static str);

pub(super) static FIELDS: &[(&str, &[Row])] = &[
    (
        "envoy.config.listener.v3.Listener",
        &[
            (&["stat_prefix", "stats_matcher", "access_log", "metadata", "traffic_direction"], OBSERVED),
            (
                &[
                    "per_connection_buffer_limit_bytes",
                    "per_connection_buffer_high_watermark_timeout",
                    "tcp_backlog_size",
                    "max_connections_to_accept_per_socket_event",
                ],
                BUFFER,
            ),
            (
                &[
                    "drain_type",
                    "transparent",
                    "freebind",
                    "socket_options",
                    "tcp_fast_open_queue_length",
                    "connection_balance_config",
                    "reuse_port",
                    "enable_reuse_port",
                    "enable_mptcp",
                    "tcp_keepalive",
                    "udp_listener_config",
                ],
                SOCKET,
            ),
            (&["ignore_global_conn_limit", "bypass_overload_manager"], "exempts from limits"),
            (&["hidden_envoy_deprecated_use_original_dst"], "the old name of `use_original_dst`, which is read"),
            (
                &["listener_filters_timeout", "continue_on_listener_filters_timeout"],
                "the client speaks first, so no inspector waits",
            ),
        ],
    ),
    ("envoy.config.listener.v3.FilterChain", &[(&["metadata"], LABEL), (&["transport_socket_connect_timeout"], TIME)]),
    (
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        &[
            (
                &[
                    "stat_prefix",
                    "tracing",
                    "access_log",
                    "access_log_flush_interval",
                    "flush_access_log_on_new_request",
                    "access_log_options",
                    "record_route_resolution_stats",
                ],
                OBSERVED,
            ),
            (
                &[
                    "server_name",
                    "server_header_transformation",
                    "always_set_request_id_in_response",
                    "request_id_extension",
                    "set_current_client_cert_details",
                    "proxy_100_continue",
                    "represent_ipv4_remote_address_as_ipv4_mapped_ipv6",
                    "skip_xff_append",
                    "append_local_overload",
                    "add_proxy_protocol_connection_state",
                ],
                AFTER,
            ),
            (
                &[
                    "stream_idle_timeout",
                    "stream_flush_timeout",
                    "request_timeout",
                    "request_headers_timeout",
                    "drain_timeout",
                    "drain_timeout_jitter",
                    "delayed_close_timeout",
                    "http1_safe_max_connection_duration",
                ],
                TIME,
            ),
            (&["path_normalization_options"], UNBUILT),
            (
                &["http3_protocol_options", "stream_error_on_invalid_http_message"],
                "limits that one small, well-formed HTTP/1.1 request does not meet",
            ),
        ],
    ),
    ("envoy.config.core.v3.SchemeHeaderTransformation", &[(&["match_upstream"], AFTER)]),
    (
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.InternalAddressConfig",
        &[(&["unix_sockets"], "clients come by IP")],
    ),
    ("envoy.extensions.filters.network.http_connection_manager.v3.Rds", &[(&["config_source"], DELIVERY)]),
    ("envoy.extensions.http.original_ip_detection.xff.v3.XffConfig", &[(&["skip_xff_append"], AFTER)]),
    (
        "envoy.extensions.http.original_ip_detection.custom_header.v3.CustomHeaderConfig",
        &[(&["allow_extension_to_set_address_as_trusted"], "whether the request is internal, which is left open then")],
    ),
    (
        "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        &[
            (
                &[
                    "stat_prefix",
                    "access_log",
                    "access_log_flush_interval",
                    "flush_access_log_on_connected",
                    "access_log_options",
                ],
                OBSERVED,
            ),
            (
                &[
                    "idle_timeout",
                    "downstream_idle_timeout",
                    "upstream_idle_timeout",
                    "max_downstream_connection_duration",
                    "max_downstream_connection_duration_jitter_percentage",
                    "backoff_options",
                    "check_drain_close",
                ],
                TIME,
            ),
            (&["hash_policy"], PREFERS),
            (
                &[
                    "proxy_protocol_tlvs",
                    "proxy_protocol_tlv_merge_policy",
                    "upstream_connect_mode",
                    "max_early_data_bytes",
                ],
                "how the chosen host is spoken to",
            ),
        ],
    ),
    (
        "envoy.config.route.v3.RouteConfiguration",
        &[
            (
                &[
                    "response_headers_to_add",
                    "response_headers_to_remove",
                    "request_headers_to_add",
                    "request_headers_to_remove",
                    "most_specific_header_mutations_wins",
                    "max_direct_response_body_size_bytes",
                ],
                AFTER,
            ),
            (&["validate_clusters"], "checked when the configuration is loaded"),
            (&["cluster_specifier_plugins"], "deciding only where a route names one, and there it is"),
            (&["request_mirror_policies"], "a copy; the answer of the mirror is thrown away"),
            (&["metadata"], LABEL),
            (
                &["vhds"],
                "what came is among the virtual hosts; a request waits for more only at the filter `on_demand`",
            ),
        ],
    ),
    (
        "envoy.config.route.v3.VirtualHost",
        &[
            (
                &[
                    "request_headers_to_add",
                    "request_headers_to_remove",
                    "response_headers_to_add",
                    "response_headers_to_remove",
                    "include_request_attempt_count",
                    "include_attempt_count_in_response",
                    "include_is_timeout_retry_header",
                ],
                AFTER,
            ),
            (&["virtual_clusters"], OBSERVED),
            (&["cors"], PREFLIGHTS),
            (&["rate_limits"], "read only by a rate limit filter, which is named by itself"),
            (&["per_request_buffer_limit_bytes", "request_body_buffer_limit"], BUFFER),
            (&["request_mirror_policies"], "a copy; the answer of the mirror is thrown away"),
            (&["hedge_policy"], TIME),
            (&["metadata"], LABEL),
        ],
    ),
    (
        "envoy.config.route.v3.Route",
        &[
            (&["decorator", "tracing", "stat_prefix"], OBSERVED),
            (
                &[
                    "request_headers_to_add",
                    "request_headers_to_remove",
                    "response_headers_to_add",
                    "response_headers_to_remove",
                ],
                AFTER,
            ),
            (&["per_request_buffer_limit_bytes", "request_body_buffer_limit"], BUFFER),
        ],
    ),
    (
        "envoy.config.route.v3.RouteAction.UpgradeConfig",
        &[(
            &["connect_config"],
            "the cluster gets the bytes of the tunnel, and not its request; who refuses it is the same",
        )],
    ),
    (
        "envoy.config.route.v3.ClusterSpecifierPlugin",
        &[(&["is_optional"], "what an Envoy does that does not know the plugin, and then we do not either")],
    ),
    (
        "envoy.config.route.v3.RouteAction",
        &[
            (
                &[
                    "prefix_rewrite",
                    "regex_rewrite",
                    "path_rewrite_policy",
                    "path_rewrite",
                    "host_rewrite_literal",
                    "auto_host_rewrite",
                    "host_rewrite_header",
                    "host_rewrite_path_regex",
                    "host_rewrite",
                    "append_x_forwarded_host",
                ],
                AFTER,
            ),
            (
                &[
                    "timeout",
                    "idle_timeout",
                    "flush_timeout",
                    "early_data_policy",
                    "max_grpc_timeout",
                    "grpc_timeout_offset",
                    "max_stream_duration",
                    "hedge_policy",
                ],
                TIME,
            ),
            (&["request_mirror_policies"], "a copy; the answer of the mirror is thrown away"),
            (&["rate_limits", "include_vh_rate_limits"], "read only by a rate limit filter, which is named by itself"),
            (&["hash_policy"], PREFERS),
            (&["cors"], PREFLIGHTS),
            (
                &["internal_redirect_policy", "internal_redirect_action", "max_internal_redirects"],
                "follows the application's own redirect, after the hand-over",
            ),
        ],
    ),
    ("envoy.config.route.v3.WeightedCluster", &[(&["total_weight"], "ignored by Envoy since 1.26")]),
    (
        "envoy.config.route.v3.WeightedCluster.ClusterWeight",
        &[(
            &[
                "request_headers_to_add",
                "request_headers_to_remove",
                "response_headers_to_add",
                "response_headers_to_remove",
                "host_rewrite_literal",
            ],
            AFTER,
        )],
    ),
    (
        "envoy.config.route.v3.RetryPolicy",
        &[(
            &[
                "per_try_timeout",
                "per_try_idle_timeout",
                "retry_priority",
                "retry_host_predicate",
                "retry_options_predicates",
                "host_selection_retry_max_attempts",
                "retriable_status_codes",
                "retry_back_off",
                "rate_limited_retry_back_off",
                "retriable_headers",
            ],
            "how often a failed try is repeated, with the same cluster",
        )],
    ),
    ("envoy.config.route.v3.FilterConfig", &[(&["is_optional"], LACKING)]),
    ("envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig", &[(&["body_format"], AFTER)]),
    (
        "envoy.extensions.filters.network.http_connection_manager.v3.ResponseMapper",
        &[
            (&["filter"], "which replies are mapped; what is made of them stands beside it"),
            (&["body", "body_format_override", "headers_to_add"], AFTER),
        ],
    ),
    ("envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter", &[(&["is_optional"], LACKING)]),
    ("envoy.config.route.v3.DirectResponseAction", &[(&["body", "body_format"], AFTER)]),
    (
        "envoy.type.matcher.v3.MetadataMatcher",
        &[(&["path", "value"], "looked at only where something sets the metadata, and that is told by its name")],
    ),
    (
        "envoy.type.matcher.v3.FilterStateMatcher",
        &[(&["address_match"], "looked at only where something sets the state, and that is told by its key")],
    ),
    ("envoy.type.matcher.v3.RegexMatcher", &[(&["google_re2"], "the only engine there is")]),
    ("envoy.config.core.v3.Metadata", &[(&["typed_filter_metadata"], LABEL)]),
    ("envoy.config.core.v3.SocketAddress", &[(&["resolver_name", "network_namespace_filepath"], SOCKET)]),
    (
        "envoy.config.cluster.v3.Cluster",
        &[
            (
                &[
                    "alt_stat_name",
                    "stats_matcher",
                    "track_timeout_budgets",
                    "track_cluster_stats",
                    "lrs_server",
                    "lrs_report_endpoint_metrics",
                ],
                OBSERVED,
            ),
            (
                &[
                    "connect_timeout",
                    "max_requests_per_connection",
                    "cleanup_interval",
                    "common_http_protocol_options",
                    "close_connections_on_host_health_failure",
                    "connection_pool_per_downstream_connection",
                    "preconnect_policy",
                    "queuing_policies",
                    "upstream_connection_options",
                ],
                TIME,
            ),
            (&["per_connection_buffer_limit_bytes", "per_connection_buffer_high_watermark_timeout"], BUFFER),
            (
                &[
                    "dns_refresh_rate",
                    "dns_jitter",
                    "dns_failure_refresh_rate",
                    "respect_dns_ttl",
                    "dns_lookup_family",
                    "dns_resolvers",
                    "use_tcp_for_dns_lookups",
                    "dns_resolution_config",
                    "typed_dns_resolver_config",
                    "wait_for_warm_on_init",
                ],
                "how names are resolved; the hosts that came of it are in /clusters",
            ),
            (&["health_checks", "ignore_health_on_host_removal"], "what came of health checks is in /clusters"),
            (
                &[
                    "upstream_http_protocol_options",
                    "http_protocol_options",
                    "http2_protocol_options",
                    "protocol_selection",
                    "upstream_bind_config",
                    "upstream_config",
                ],
                "how the chosen host is spoken to",
            ),
            (&["ring_hash_lb_config", "maglev_lb_config", "least_request_lb_config", "round_robin_lb_config"], PREFERS),
        ],
    ),
    ("envoy.config.cluster.v3.Cluster.TransportSocketMatch", &[(&["name"], LABEL)]),
    ("envoy.config.cluster.v3.Cluster.EdsClusterConfig", &[(&["eds_config"], DELIVERY)]),
    (
        "envoy.config.cluster.v3.Cluster.CommonLbConfig",
        &[
            (&["update_merge_window", "ignore_new_hosts_until_first_hc", "close_connections_on_host_set_change"], TIME),
            (&["consistent_hashing_lb_config"], PREFERS),
            (&["override_host_status"], "for sticky sessions, whose filter is named by itself"),
        ],
    ),
    (
        "envoy.config.cluster.v3.Cluster.CommonLbConfig.ZoneAwareLbConfig",
        &[(&["routing_enabled", "min_cluster_size"], "prefers a zone; all eligible hosts are shown")],
    ),
    ("envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin", &[(&["slow_start_config"], PREFERS)]),
    (
        "envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest",
        &[(
            &["choice_count", "active_request_bias", "slow_start_config", "enable_full_scan", "selection_method"],
            PREFERS,
        )],
    ),
    (
        "envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash",
        &[(
            &[
                "hash_function",
                "minimum_ring_size",
                "maximum_ring_size",
                "use_hostname_for_hashing",
                "hash_balance_factor",
                "consistent_hashing_lb_config",
            ],
            PREFERS,
        )],
    ),
    (
        "envoy.extensions.load_balancing_policies.maglev.v3.Maglev",
        &[(&["table_size", "consistent_hashing_lb_config"], PREFERS)],
    ),
    (
        "envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin",
        &[(
            &[
                "enable_oob_load_report",
                "oob_reporting_period",
                "blackout_period",
                "weight_expiration_period",
                "weight_update_period",
                "error_utilization_penalty",
                "metric_names_for_computing_utilization",
                "slow_start_config",
            ],
            PREFERS,
        )],
    ),
    (
        "envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.ZoneAwareLbConfig",
        &[(&["routing_enabled", "min_cluster_size", "locality_basis"], "prefers a zone; all eligible hosts are shown")],
    ),
    (
        "envoy.config.cluster.v3.CircuitBreakers",
        &[(&["per_host_thresholds"], "soft for HTTP: a pool always gets one connection")],
    ),
    ("envoy.config.cluster.v3.CircuitBreakers.Thresholds", &[(&["track_remaining"], OBSERVED)]),
    (
        "envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget",
        &[(&["budget_interval"], "whose requests count; the one that is asked about is alone")],
    ),
    (
        "envoy.config.cluster.v3.OutlierDetection",
        &[(
            &[
                "consecutive_5xx",
                "interval",
                "base_ejection_time",
                "enforcing_consecutive_5xx",
                "enforcing_success_rate",
                "success_rate_minimum_hosts",
                "success_rate_request_volume",
                "success_rate_stdev_factor",
                "consecutive_gateway_failure",
                "enforcing_consecutive_gateway_failure",
                "split_external_local_origin_errors",
                "consecutive_local_origin_failure",
                "enforcing_consecutive_local_origin_failure",
                "enforcing_local_origin_success_rate",
                "failure_percentage_threshold",
                "enforcing_failure_percentage",
                "enforcing_failure_percentage_local_origin",
                "failure_percentage_minimum_hosts",
                "failure_percentage_request_volume",
                "max_ejection_time",
                "max_ejection_time_jitter",
                "successful_active_health_check_uneject_host",
                "monitors",
                "always_eject_one_host",
                "detect_degraded_hosts",
            ],
            "what came of outlier detection is in /clusters",
        )],
    ),
    (
        "envoy.config.endpoint.v3.ClusterLoadAssignment.Policy",
        &[(&["endpoint_stale_after"], "not implemented by Envoy")],
    ),
    ("envoy.config.endpoint.v3.ClusterLoadAssignment.Policy.DropOverload", &[(&["category"], LABEL)]),
    ("envoy.config.endpoint.v3.ClusterLoadAssignment", &[(&["named_endpoints"], UNBUILT)]),
    (
        "envoy.config.endpoint.v3.LocalityLbEndpoints",
        &[(&["metadata", "proximity"], "used by no policy that is modeled"), (&["load_balancer_endpoints"], UNBUILT)],
    ),
    (
        "envoy.config.endpoint.v3.Endpoint",
        &[
            (&["health_check_config"], "what came of health checks is in /clusters"),
            (&["observability_name"], OBSERVED),
            (&["additional_addresses"], "other ways to the same host; whether none works shows in its counters"),
        ],
    ),
    (
        "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        &[(
            &["auto_host_sni", "auto_sni_san_validation", "allow_renegotiation", "enforce_rsa_key_usage"],
            "how the chosen host is spoken to",
        )],
    ),
    (
        "envoy.extensions.transport_sockets.tls.v3.CommonTlsContext",
        &[(
            &["*"],
            "how the chosen host is spoken to: named when a handshake is foretold, else its counters show what failed",
        )],
    ),
    (
        "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        &[(&["*"], "named when a handshake is foretold")],
    ),
    (
        "envoy.extensions.transport_sockets.tls.v3.TlsParameters",
        &[(
            &["*"],
            "ciphers and curves: the two sides have one in common unless somebody takes care that they have not",
        )],
    ),
    (
        "envoy.extensions.transport_sockets.tls.v3.CommonTlsContext.CombinedCertificateValidationContext",
        &[(&["*"], "named when a handshake is foretold, else the host's counters show what failed")],
    ),
    (
        "envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext",
        &[(&["*"], "named when a handshake is foretold, else the host's counters show what failed")],
    ),
    ("envoy.extensions.transport_sockets.tls.v3.TlsCertificate", &[(&["*"], "only whether there is one matters")]),
    ("envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig", &[(&["*"], "only whether there is one matters")]),
    (
        "envoy.config.core.v3.Http2ProtocolOptions",
        &[(&["*"], "how HTTP/2 is spoken, within limits that one small request does not meet")],
    ),
    (
        "envoy.config.core.v3.HttpProtocolOptions",
        &[
            (
                &[
                    "idle_timeout",
                    "max_connection_duration",
                    "max_connection_duration_jitter",
                    "max_stream_duration",
                    "max_requests_per_connection",
                ],
                TIME,
            ),
            (&["max_response_headers_kb"], AFTER),
        ],
    ),
    (
        "envoy.config.core.v3.Http1ProtocolOptions",
        &[(&["*"], "how HTTP/1 is written, and what of old or odd requests is taken besides")],
    ),
    (
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig",
        &[(&["http_protocol_options", "http3_protocol_options"], "how the chosen host is spoken to")],
    ),
    (
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.UseDownstreamHttpConfig",
        &[(&["*"], "how the chosen host is spoken to")],
    ),
    (
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.AutoHttpConfig",
        &[(&["*"], "how the chosen host is spoken to")],
    ),
    (
        "envoy.extensions.filters.http.rbac.v3.RBAC",
        &[
            (&["shadow_rules", "shadow_matcher"], "only counts what it would do"),
            (&["rules_stat_prefix", "shadow_rules_stat_prefix", "track_per_rule_stats"], OBSERVED),
        ],
    ),
    (
        "envoy.extensions.filters.network.rbac.v3.RBAC",
        &[
            (&["shadow_rules", "shadow_matcher"], "only counts what it would do"),
            (&["stat_prefix", "shadow_rules_stat_prefix"], OBSERVED),
            (&["enforcement_type", "delay_deny"], "when it looks and when it closes, not whether"),
        ],
    ),
    (
        "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        &[(&["stat_prefix"], OBSERVED), (&["strip_failure_response"], "the body of the answer, not its status")],
    ),
    (
        "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        &[
            (&["stat_prefix"], OBSERVED),
            (
                &["status", "rate_limited_as_resource_exhausted", "max_dynamic_descriptors"],
                "how it answers once it is exhausted",
            ),
            (
                &[
                    "request_headers_to_add_when_not_enforced",
                    "response_headers_to_add",
                    "enable_x_ratelimit_headers",
                    "enable_retry_after_header",
                ],
                AFTER,
            ),
            (
                &[
                    "descriptors",
                    "stage",
                    "local_rate_limit_per_downstream_connection",
                    "local_cluster_rate_limit",
                    "vh_rate_limits",
                    "always_consume_default_token_bucket",
                    "rate_limits",
                ],
                "which of its buckets counts; none is known to be empty",
            ),
        ],
    ),
    ("envoy.type.v3.TokenBucket", &[(&["tokens_per_fill", "fill_interval"], "how fast an empty bucket fills")]),
    (
        "envoy.extensions.filters.http.cors.v3.CorsPolicy",
        &[
            (
                &[
                    "allow_methods",
                    "allow_headers",
                    "expose_headers",
                    "max_age",
                    "allow_credentials",
                    "allow_private_network_access",
                ],
                AFTER,
            ),
            (&["shadow_enabled"], OBSERVED),
        ],
    ),
    ("envoy.extensions.filters.http.csrf.v3.CsrfPolicy", &[(&["shadow_enabled"], OBSERVED)]),
    ("envoy.config.rbac.v3.RBAC", &[(&["audit_logging_options"], OBSERVED)]),
    ("envoy.config.rbac.v3.Policy", &[(&["cel_config"], "read only by a condition, which is named by itself")]),
    ("envoy.extensions.filters.common.fault.v3.FaultDelay", &[(&["fixed_delay"], TIME)]),
    (
        "envoy.extensions.filters.http.fault.v3.HTTPFault",
        &[
            (&["delay_duration_runtime"], TIME),
            (&["response_rate_limit", "response_rate_limit_percent_runtime"], "slows the answer"),
            (&["disable_downstream_cluster_stats", "filter_metadata"], OBSERVED),
        ],
    ),
    (
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        &[
            (&["common_http_protocol_options", "upstream_http_protocol_options"], "how the chosen host is spoken to"),
            (&["outlier_detection"], "what came of outlier detection is in /clusters"),
            (&["hash_policy"], PREFERS),
            (&["request_mirror_policies"], "a copy; the answer of the mirror is thrown away"),
        ],
    ),
];

static HTTP_FILTERS: &[Row] = &[
    (&["envoy.extensions.filters.http.router.v3.Router"], "the router itself: the next stages are its work"),
    (
        &[
            "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
            "stats.PluginConfig",
            "io.istio.http.peer_metadata.Config",
            "envoy.tcp.metadataexchange.config.MetadataExchange",
        ],
        OBSERVED,
    ),
    (&["istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig"], "chooses the ALPN offered to the chosen host"),
    (
        &[
            "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb",
            "envoy.extensions.filters.http.grpc_http1_bridge.v3.Config",
        ],
        "translates gRPC-Web; other requests pass",
    ),
    (
        &[
            "envoy.extensions.filters.http.connect_grpc_bridge.v3.FilterConfig",
            "envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig",
        ],
        "translates Connect and gRPC; other requests pass",
    ),
    (
        &[
            "envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig",
            "envoy.extensions.filters.http.dynamic_forward_proxy.v3.PerRouteConfig",
        ],
        "resolves hosts for clusters of its kind, which say so",
    ),
    (&["envoy.extensions.filters.http.tap.v3.Tap"], OBSERVED),
    (&["envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit"], "slows requests and answers"),
    (
        &["envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency"],
        "bounds requests at once; one request does not meet it",
    ),
    (
        &["envoy.extensions.filters.http.alternate_protocols_cache.v3.FilterConfig"],
        "remembers which hosts speak HTTP/3",
    ),
    (
        &["envoy.extensions.filters.http.credential_injector.v3.CredentialInjector"],
        "adds credentials to what is sent on",
    ),
    (
        &[
            "envoy.extensions.filters.http.compressor.v3.Compressor",
            "envoy.extensions.filters.http.decompressor.v3.Decompressor",
        ],
        AFTER,
    ),
];

static NETWORK_FILTERS: &[Row] = &[
    (&["envoy.tcp.metadataexchange.config.MetadataExchange", "stats.PluginConfig"], OBSERVED),
    (
        &[
            "envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy",
            "envoy.extensions.filters.network.mysql_proxy.v3.MySQLProxy",
            "envoy.extensions.filters.network.zookeeper_proxy.v3.ZooKeeperProxy",
            "envoy.extensions.filters.network.kafka_broker.v3.KafkaBroker",
        ],
        "reads the protocol along for statistics; every byte passes",
    ),
    (
        &["envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit"],
        "bounds connections at once; one connection does not meet it",
    ),
];

static LISTENER_FILTERS: &[Row] = &[];
