//! What a line of an access log says of a request, as a snapshot keeps it: fields, and never the line.

use serde::{Deserialize, Serialize};

use crate::redact;

/// The fields of one line. A field that the line does not have, or for which it says `-`, is `None`.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct LogRecord {
    /// When the request began, as the line writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path with its query, as the client sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `HTTP/1.0`, `HTTP/1.1`, `HTTP/2`, `HTTP/3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The HTTP status; 0 where there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The gRPC status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_status: Option<String>,
    /// Response flags, short form. A set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// Response code details.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// Why the proxy ended the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination: Option<String>,
    /// Why the connection to the host failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport_failure: Option<String>,
    /// The Host header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// The host that the request was sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_host: Option<String>,
    /// The cluster that the request was sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_cluster: Option<String>,
    /// The proxy's own address on the connection to the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_local: Option<String>,
    /// The address that the client dialed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downstream_local: Option<String>,
    /// The client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downstream_remote: Option<String>,
    /// The TLS server name that the client asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// The route's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// `x-forwarded-for`. Not kept: the question has it.
    #[serde(skip)]
    pub forwarded_for: Option<String>,
    /// `user-agent`. Not kept: the question has it.
    #[serde(skip)]
    pub user_agent: Option<String>,
    /// `content-type`. Not kept: the question has what follows from it.
    #[serde(skip)]
    pub content_type: Option<String>,
}

impl LogRecord {
    /// The fields without what has the name or the shape of a secret.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let kept = |text: &Option<String>| text.as_deref().map(|text| redact::value(text).into_owned());
        Self {
            time: kept(&self.time),
            method: kept(&self.method),
            path: self.path.as_deref().map(redact::path),
            protocol: kept(&self.protocol),
            status: self.status,
            grpc_status: kept(&self.grpc_status),
            flags: self.flags.iter().map(|flag| redact::value(flag).into_owned()).collect(),
            details: kept(&self.details),
            termination: kept(&self.termination),
            transport_failure: kept(&self.transport_failure),
            authority: kept(&self.authority),
            upstream_host: kept(&self.upstream_host),
            upstream_cluster: kept(&self.upstream_cluster),
            upstream_local: kept(&self.upstream_local),
            downstream_local: kept(&self.downstream_local),
            downstream_remote: kept(&self.downstream_remote),
            server_name: kept(&self.server_name),
            route: kept(&self.route),
            forwarded_for: self.forwarded_for.as_deref().map(|text| redact::header("x-forwarded-for", text)),
            user_agent: self.user_agent.as_deref().map(|text| redact::header("user-agent", text)),
            content_type: kept(&self.content_type),
        }
    }
}
