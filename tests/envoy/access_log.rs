//! The access logs that tell what Envoy did: one line for each request and one for each connection.

use serde_json::{Value, json};

use crate::driver::LOG_FILE;

/// Of a connection, at its end. Also written for one that found no filter chain.
pub(crate) fn connection(listener: &str) -> Value {
    file(&json!({
        "kind": "connection",
        "connection": "%CONNECTION_ID%",
        "client_port": "%DOWNSTREAM_REMOTE_PORT%",
        "listener": listener,
        "filter_chain": "%FILTER_CHAIN_NAME%",
        "cluster": "%UPSTREAM_CLUSTER_RAW%",
        "host": "%UPSTREAM_HOST%",
        "flags": "%RESPONSE_FLAGS%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "termination": "%CONNECTION_TERMINATION_DETAILS%",
        "upstream_failure": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
        "downstream_failure": "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%",
    }))
}

/// Of an HTTP request, written by the connection manager that holds these routes.
pub(crate) fn request(listener: &str, route_config: &str) -> Value {
    file(&json!({
        "kind": "request",
        "connection": "%CONNECTION_ID%",
        "listener": listener,
        "filter_chain": "%FILTER_CHAIN_NAME%",
        "route_config": route_config,
        "route": "%ROUTE_NAME%",
        "cluster": "%UPSTREAM_CLUSTER_RAW%",
        "host": "%UPSTREAM_HOST%",
        "status": "%RESPONSE_CODE%",
        "grpc_status": "%GRPC_STATUS_NUMBER%",
        "flags": "%RESPONSE_FLAGS%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "upstream_failure": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
    }))
}

fn file(format: &Value) -> Value {
    json!({
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": LOG_FILE,
            "log_format": {"json_format": format},
        },
    })
}
