//! Why a walk ends without handing the request over, in Envoy's vocabulary.

use std::borrow::Cow;

use crate::envoy::certificate::Distrust;
use crate::envoy::codec::{Refusal, Wire};
use crate::envoy::rbac;
use crate::envoy::retry::Failure;
use crate::snapshot::Evidence;
use crate::verdict::{Answerer, Outcome, Response, Side};

use super::unfit::Unfit;

/// The details where a connection ends that was there.
const TERMINATED: &str = "upstream_reset_before_response_started{connection_termination}";

/// Envoy's reasons (and the network's, before any proxy). A closed set; each is compared with a real Envoy.
#[derive(Clone, PartialEq, Debug)]
pub enum Stop {
    /// The name means nothing: no such Service, and no host that the mesh knows.
    NoSuchService,
    /// The Service has no such port.
    NoSuchPort,
    /// The Service has no address of its own, and no ready pod whose address the name would stand for.
    NoAddress,
    /// Nothing is behind the Service's address: it has no ready endpoint, and no proxy of A's sees the connection.
    /// kube-proxy refuses it. <https://kubernetes.io/docs/reference/networking/virtual-ips/>
    NoEndpoints,
    /// No listener of the proxy takes the port: the connection is refused.
    NoListener,
    /// The listener has no filter chain for the connection: it is closed.
    NoFilterChain,
    /// RDS names a route configuration that was never delivered, so the connection manager has an empty one.
    NoRouteConfig,
    /// No virtual host's domains take the Host.
    NoVirtualHost,
    /// The virtual host has no route for the request.
    NoRoute,
    /// The virtual host takes HTTPS only and answers with a redirect.
    RequireTls,
    /// The route answers with a redirect of this status.
    Redirect(u16),
    /// The route answers by itself with this status.
    DirectResponse(u16),
    /// The fault filter answers: an HTTP status, or a gRPC status.
    FaultAbort(Abort),
    /// Role-based access control denies the request: by the policy of this name, or because none allows it.
    RbacDenied(Option<String>),
    /// The same, for a connection, which is closed.
    ConnectionDenied(Option<String>),
    /// The request's token is missing or no good: the status, and Envoy's words for it.
    JwtDenied(u16, String),
    /// The route names a requirement of tokens that the filter does not have: Envoy's words for it.
    JwtMisnamed(String),
    /// The authorization service cannot be asked: the status.
    AuthorizationUnavailable(u16),
    /// The rate limit service cannot be asked, and the filter denies then: the status.
    RateLimitUnavailable(u16),
    /// The CORS filter answers a preflight.
    CorsPreflight,
    /// It is not of a kind that the proxy takes.
    Unfit(Unfit),
    /// The request changes something and comes from another origin.
    CsrfDenied,
    /// The health check filter answers that all is well: Envoy's word for it.
    HealthCheck(&'static str),
    /// The cluster is not there (or still warming): what the route answers then; `None` of a TCP proxy, which closes.
    NoCluster(Option<u16>),
    /// The assignment drops every request.
    DropOverload,
    /// The assignment drops a part of the requests.
    PartialDropOverload,
    /// The request is refused before it is routed.
    Refused(Refusal),
    /// Runtime has put the cluster into maintenance.
    MaintenanceMode,
    /// A circuit breaker lets nothing through.
    Overflow(Form),
    /// Plaintext comes to a chain that takes TLS: the connection is closed.
    PlaintextOnTls,
    /// One side's proxy does not take the other's certificate.
    Handshake(Box<Handshake>),
    /// B closes the connection before it answers; A's proxy says so.
    UpstreamClosed,
    /// B closes the connection before TLS comes about.
    UpstreamCutOff(Form),
    /// A TCP connection may not even wait for a host: its tries are used up.
    NoWaiting,
    /// No host can be chosen.
    NoHealthyUpstream(Form),
    /// Every connection to every eligible host failed so far.
    ConnectFailure(Form),
}

/// In which form a proxy forwards, which says what its client sees of a stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// As requests, each of which is answered.
    Http,
    /// As a connection, which is closed.
    Tcp,
}

/// A TLS handshake between A's proxy and B's that fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handshake {
    /// Whose proxy does not take the other's certificate.
    pub by: Side,
    /// Why.
    pub why: Distrust,
    /// What A's client sees of it.
    pub how: Refused,
    /// B's pod: namespace and name.
    pub pod: (String, String),
    /// The names in the certificate that is not taken.
    pub names: Vec<String>,
    /// Where the certificate stands, as far as it is in the dump.
    pub evidence: Vec<Evidence>,
}

/// When a certificate is refused, and in whose sight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// Before TLS comes about.
    Handshake(Form),
    /// When A's proxy believes that the connection is open (TLS 1.3, by B).
    Connection(Form),
}

/// With what the fault filter answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Abort {
    /// An HTTP status.
    Http(u16),
    /// A gRPC status, in an HTTP 200.
    Grpc(u8),
}

impl Stop {
    /// What the client gets; `is_grpc` when the request is one of gRPC, whose local replies are HTTP 200.
    pub fn response(&self, request: RequestKind) -> Response {
        self.response_mapped(request, &|status| status)
    }

    /// The same where the connection manager gives its own replies other statuses.
    pub fn response_mapped(&self, request: RequestKind, mapped: &dyn Fn(u16) -> u16) -> Response {
        let (status, flags) = self.status_and_flags();
        let is_reply = status != 0;
        let status = if is_reply { mapped(status) } else { status };
        // Before the request is one, nothing is wrapped for gRPC.
        let is_reply = is_reply && !matches!(self, Self::Refused(_) | Self::Unfit(Unfit::TlsOnPlaintext));
        let wrapped = if let Self::FaultAbort(Abort::Grpc(status)) = self { *status } else { grpc_status_of(status) };
        let grpc_status = (is_reply && request == RequestKind::Grpc).then_some(wrapped);
        Response {
            status: if grpc_status.is_some() { 200 } else { status },
            grpc_status,
            flags: flags.to_vec(),
            details: self.details().into_owned(),
            from: if matches!(
                self,
                Self::NoSuchService | Self::NoSuchPort | Self::NoAddress | Self::NoEndpoints | Self::NoListener
            ) {
                Answerer::Nobody
            } else {
                Answerer::SourceProxy
            },
        }
    }

    /// The details where a cache asked the cluster, and not the router; the log has no flags then.
    pub(super) fn behind_a_cache(&self) -> Option<&'static str> {
        match self.status_and_flags() {
            (_, ["NC"]) => Some("cache_no_cluster"),
            (_, ["UH" | "UF" | "UO" | "UDO" | "DO"]) => Some("via_upstream"),
            _ => None,
        }
    }

    /// The status, 0 where a connection is closed, and the flags of the access log.
    fn status_and_flags(&self) -> (u16, &'static [&'static str]) {
        match self {
            Self::NoSuchService
            | Self::NoSuchPort
            | Self::NoAddress
            | Self::NoEndpoints
            | Self::NoListener
            | Self::ConnectionDenied(_)
            | Self::PlaintextOnTls => (0, &[]),
            Self::Unfit(unfit) => unfit.status_and_flags(),
            Self::UpstreamClosed => (503, &["UC"]),
            Self::Handshake(handshake) => match handshake.how {
                Refused::Handshake(form) => (form.status(503), form.no_connection()),
                Refused::Connection(Form::Http) => (503, &["UC"]),
                Refused::Connection(Form::Tcp) => (0, &[]),
            },
            Self::NoFilterChain => (0, &["NR"]),
            Self::NoRouteConfig | Self::NoVirtualHost | Self::NoRoute => (404, &["NR"]),
            Self::RequireTls => (301, &[]),
            Self::Redirect(status) | Self::DirectResponse(status) | Self::JwtDenied(status, _) => (*status, &[]),
            Self::FaultAbort(Abort::Http(status)) => (*status, &["FI"]),
            Self::FaultAbort(Abort::Grpc(_)) => (200, &["FI"]),
            Self::RbacDenied(_) | Self::CsrfDenied | Self::JwtMisnamed(_) => (403, &[]),
            Self::AuthorizationUnavailable(status) => (*status, &["UAEX"]),
            Self::RateLimitUnavailable(status) => (*status, &["RLSE"]),
            Self::CorsPreflight | Self::HealthCheck(_) => (200, &[]),
            Self::NoCluster(status) => (status.unwrap_or(0), &["NC"]),
            Self::DropOverload => (503, &["UDO"]),
            Self::PartialDropOverload => (503, &["DO"]),
            Self::Refused(
                Refusal::RequestLine
                | Refusal::Authority
                | Refusal::LengthTwice
                | Refusal::Underscore(Wire::Http1)
                | Refusal::Star(Wire::Http1),
            ) => (400, &["DPE"]),
            Self::Refused(Refusal::Http2Header | Refusal::Preface | Refusal::Star(Wire::Http2)) => (0, &["DPE"]),
            Self::Refused(Refusal::LowVersion) => (426, &["DPE"]),
            Self::Refused(Refusal::QueryWithoutContentType) => (400, &[]),
            Self::Refused(Refusal::TooManyHeaders(Wire::Http1) | Refusal::HeadersTooLarge) => (431, &["DPE"]),
            Self::Refused(Refusal::Underscore(Wire::Http2) | Refusal::TooManyHeaders(Wire::Http2)) => (0, &["DR"]),
            Self::MaintenanceMode => (503, &["UO"]),
            Self::Overflow(form) => (form.status(503), &["UO"]),
            Self::NoWaiting => (0, &["URX"]),
            Self::NoHealthyUpstream(form) => (form.status(503), &["UH"]),
            Self::ConnectFailure(form) | Self::UpstreamCutOff(form) => (form.status(503), form.no_connection()),
        }
    }

    /// The details of the access log; of a connection that a filter closed, those of its termination.
    fn details(&self) -> Cow<'static, str> {
        let text = match self {
            Self::RbacDenied(policy) | Self::ConnectionDenied(policy) => {
                return rbac::details(policy.as_deref()).into();
            }
            Self::JwtDenied(_, why) | Self::JwtMisnamed(why) => {
                return format!("jwt_authn_access_denied{{{}}}", why.replace(' ', "_")).into();
            }
            Self::NoSuchService
            | Self::NoSuchPort
            | Self::NoAddress
            | Self::NoEndpoints
            | Self::NoListener
            | Self::PlaintextOnTls
            | Self::NoCluster(None)
            | Self::Overflow(Form::Tcp)
            | Self::NoWaiting
            | Self::NoHealthyUpstream(Form::Tcp)
            | Self::ConnectFailure(Form::Tcp)
            | Self::UpstreamCutOff(Form::Tcp)
            | Self::Refused(Refusal::Preface) => "",
            Self::NoFilterChain => "filter_chain_not_found",
            Self::NoRouteConfig | Self::NoVirtualHost | Self::NoRoute => "route_not_found",
            Self::RequireTls | Self::Redirect(_) | Self::DirectResponse(_) => "direct_response",
            Self::FaultAbort(_) => "fault_filter_abort",
            Self::AuthorizationUnavailable(_) => "ext_authz_error",
            Self::RateLimitUnavailable(_) => "rate_limiter_error",
            Self::CorsPreflight => "cors_response",
            Self::CsrfDenied => "csrf_origin_mismatch",
            Self::HealthCheck(details) => details,
            Self::NoCluster(Some(_)) => "cluster_not_found",
            Self::DropOverload => "unconditional_drop_overload",
            Self::PartialDropOverload => "drop_overload",
            Self::Refused(Refusal::RequestLine) => "http1.codec_error",
            Self::Unfit(unfit) => unfit.details(),
            Self::Refused(Refusal::LowVersion) => "low_version",
            Self::Refused(Refusal::Star(Wire::Http1)) => "http1.invalid_url",
            Self::Refused(Refusal::Star(Wire::Http2)) => "http2.violation.of.messaging.rule",
            Self::Refused(Refusal::LengthTwice) => "http1.content_length_and_chunked_not_allowed",
            Self::Refused(Refusal::Http2Header) => "http2.invalid.header.field",
            Self::Refused(Refusal::Authority) => "http.invalid_authority",
            Self::Refused(Refusal::QueryWithoutContentType) => "query_missing_content_type",
            Self::Refused(Refusal::Underscore(Wire::Http1)) => "http1.unexpected_underscore",
            Self::Refused(Refusal::Underscore(Wire::Http2)) => "http2.unexpected_underscore",
            Self::Refused(Refusal::TooManyHeaders(Wire::Http1)) => "http1.too_many_headers",
            Self::Refused(Refusal::TooManyHeaders(Wire::Http2)) => "http2.too_many_headers",
            Self::Refused(Refusal::HeadersTooLarge) => "http1.headers_too_large",
            Self::MaintenanceMode => "maintenance_mode",
            Self::NoHealthyUpstream(Form::Http) => "no_healthy_upstream",
            Self::Handshake(handshake) if handshake.how.form() == Form::Tcp => "",
            Self::Overflow(Form::Http) => "upstream_reset_before_response_started{overflow}",
            Self::UpstreamClosed => TERMINATED,
            Self::Handshake(handshake) if handshake.how == Refused::Connection(Form::Http) => TERMINATED,
            // How a connection fails is the system's word.
            Self::ConnectFailure(Form::Http) | Self::UpstreamCutOff(Form::Http) | Self::Handshake(_) => {
                "upstream_reset_before_response_started"
            }
        };
        text.into()
    }

    /// What becomes of the request: an answer by configuration below 400 breaks nothing.
    pub fn outcome(&self, request: RequestKind) -> Outcome {
        let response = self.response(request);
        let by_configuration = matches!(
            self,
            Self::RequireTls
                | Self::Redirect(_)
                | Self::DirectResponse(_)
                | Self::FaultAbort(_)
                | Self::CorsPreflight
                | Self::HealthCheck(_)
                | Self::Unfit(Unfit::PathRedirected)
        );
        // Whatever the request speaks: a gRPC status was injected, so that a gRPC client fails.
        if matches!(self, Self::FaultAbort(Abort::Grpc(status)) if *status != 0) {
            return Outcome::Fails;
        }
        let fine = (1..400).contains(&response.status) && response.grpc_status.is_none_or(|s| s == 0);
        if by_configuration && fine { Outcome::Answered } else { Outcome::Fails }
    }

    /// Whether somebody meant requests to end so (an answer that is configured, a denial), or no route takes them.
    pub fn is_meant(&self) -> bool {
        match self {
            Self::NoRoute
            | Self::RequireTls
            | Self::Redirect(_)
            | Self::DirectResponse(_)
            | Self::RbacDenied(_)
            | Self::JwtDenied(..)
            | Self::CorsPreflight
            | Self::CsrfDenied
            | Self::Unfit(Unfit::CredentialsDenied(_))
            | Self::HealthCheck(_) => true,
            Self::NoSuchService
            | Self::NoSuchPort
            | Self::NoAddress
            | Self::NoEndpoints
            | Self::NoListener
            | Self::NoFilterChain
            | Self::NoRouteConfig
            | Self::NoVirtualHost
            | Self::FaultAbort(_)
            | Self::ConnectionDenied(_)
            | Self::JwtMisnamed(_)
            | Self::AuthorizationUnavailable(_)
            | Self::RateLimitUnavailable(_)
            | Self::NoCluster(_)
            | Self::DropOverload
            | Self::PartialDropOverload
            | Self::Refused(_)
            | Self::MaintenanceMode
            | Self::Overflow(_)
            | Self::PlaintextOnTls
            | Self::Unfit(_)
            | Self::Handshake(_)
            | Self::UpstreamClosed
            | Self::UpstreamCutOff(_)
            | Self::NoWaiting
            | Self::NoHealthyUpstream(_)
            | Self::ConnectFailure(_) => false,
        }
    }

    /// How a try of a request fails, where there could be another.
    pub(in crate::walk) fn failure(&self) -> Option<Failure> {
        let how = if let Self::Handshake(handshake) = self { Some(handshake.how) } else { None };
        let is_cut = matches!(self, Self::ConnectFailure(Form::Http) | Self::UpstreamCutOff(Form::Http));
        if is_cut || how == Some(Refused::Handshake(Form::Http)) {
            return Some(Failure::NoConnection);
        }
        let is_reset = *self == Self::UpstreamClosed || how == Some(Refused::Connection(Form::Http));
        is_reset.then_some(Failure::Reset)
    }

    /// Whether it is the connection that ends, with no answer on it.
    pub fn closes(&self) -> bool {
        self.response(RequestKind::Plain).status == 0
    }

    /// The stop in a few words, as line 1 ends with it when no finding explains it.
    pub fn words(&self) -> String {
        match self {
            Self::NoSuchService => "no such service".to_owned(),
            Self::NoSuchPort => "the service has no such port".to_owned(),
            Self::NoAddress => "its name has no address".to_owned(),
            Self::NoEndpoints => "its Service has no ready endpoint".to_owned(),
            Self::NoListener => "the proxy does not listen on that port".to_owned(),
            Self::NoFilterChain => "no filter chain matches".to_owned(),
            Self::NoRouteConfig => "its route configuration was not delivered".to_owned(),
            Self::NoVirtualHost => "no virtual host takes the host".to_owned(),
            Self::NoRoute => "no route matches".to_owned(),
            Self::RequireTls => "redirected to HTTPS".to_owned(),
            Self::Redirect(_) => "redirected by the route".to_owned(),
            Self::DirectResponse(_) => "answered by the route itself".to_owned(),
            Self::FaultAbort(_) => "aborted by an injected fault".to_owned(),
            Self::RbacDenied(Some(policy)) | Self::ConnectionDenied(Some(policy)) => {
                format!("denied by policy {policy}")
            }
            Self::RbacDenied(None) | Self::ConnectionDenied(None) => "no policy allows it".to_owned(),
            Self::JwtMisnamed(_) => "its route names a token requirement that is not there".to_owned(),
            Self::JwtDenied(_, why) => format!("its token is rejected: {why}"),
            Self::AuthorizationUnavailable(_) => "the authorization service cannot be asked".to_owned(),
            Self::RateLimitUnavailable(_) => "the rate limit service cannot be asked".to_owned(),
            Self::CorsPreflight => "a CORS preflight, which the proxy answers".to_owned(),
            Self::CsrfDenied => "it comes from another origin".to_owned(),
            Self::Unfit(unfit) => unfit.words(),
            Self::HealthCheck(_) => "a health check, which the proxy answers".to_owned(),
            Self::NoCluster(_) => "the cluster is not there".to_owned(),
            Self::PlaintextOnTls => "plaintext comes to a chain that takes TLS".to_owned(),
            Self::UpstreamClosed => "B closes the connection".to_owned(),
            Self::UpstreamCutOff(_) => "B closes the connection before TLS succeeds".to_owned(),
            Self::Handshake(handshake) => handshake.words(),
            Self::Refused(Refusal::RequestLine) => "the request is not HTTP/1.1".to_owned(),
            Self::Refused(Refusal::Star(_)) => "its path is *, which is for OPTIONS alone".to_owned(),
            Self::Refused(Refusal::LengthTwice) => "it says its length in two ways".to_owned(),
            Self::Refused(Refusal::LowVersion) => "the proxy does not take HTTP/1.0".to_owned(),
            Self::Refused(Refusal::Preface) => "the request is not HTTP/2".to_owned(),
            Self::Refused(Refusal::Http2Header) => "a header that HTTP/2 does not allow".to_owned(),
            Self::Refused(Refusal::Authority) => "its Host is not a valid one".to_owned(),
            Self::Refused(Refusal::QueryWithoutContentType) => "a QUERY without a content-type".to_owned(),
            Self::Refused(Refusal::Underscore(_)) => "headers with underscores are not taken".to_owned(),
            Self::Refused(Refusal::TooManyHeaders(_)) => "it has more headers than are taken".to_owned(),
            Self::Refused(Refusal::HeadersTooLarge) => "its headers are larger than is taken".to_owned(),
            Self::MaintenanceMode => "the cluster is in maintenance".to_owned(),
            Self::Overflow(_) | Self::NoWaiting => "a circuit breaker lets nothing through".to_owned(),
            Self::DropOverload | Self::PartialDropOverload => "dropped by the endpoint policy".to_owned(),
            Self::NoHealthyUpstream(_) => "no healthy upstream".to_owned(),
            Self::ConnectFailure(_) => "connections to every endpoint fail".to_owned(),
        }
    }
}

impl Form {
    /// The status that a client gets, where requests are answered with this one; 0 where the connection is closed.
    fn status(self, status: u16) -> u16 {
        match self {
            Self::Http => status,
            Self::Tcp => 0,
        }
    }

    /// The flags of what finds no connection; those who forward connections always count their tries.
    fn no_connection(self) -> &'static [&'static str] {
        match self {
            Self::Http => &["UF"],
            Self::Tcp => &["UF", "URX"],
        }
    }
}

impl Refused {
    fn form(self) -> Form {
        match self {
            Self::Handshake(form) | Self::Connection(form) => form,
        }
    }
}

impl Handshake {
    /// Why it fails, in a few words.
    pub fn words(&self) -> String {
        let (shows, asks) = match self.by {
            Side::Source => ("B", "A"),
            Side::Destination => ("A", "B"),
        };
        match self.why {
            Distrust::Name => format!("{shows}'s certificate has another name"),
            Distrust::Expired(_) => format!("{shows}'s certificate has expired"),
            Distrust::NotYetValid(_) => format!("{shows}'s certificate is not valid yet"),
            Distrust::Authority => format!("{shows}'s certificate is of a foreign authority"),
            Distrust::Usage => format!("{shows}'s certificate is not for this side of a connection"),
            Distrust::Missing => format!("{asks}'s proxy requires a certificate, and {shows}'s shows none"),
            Distrust::Version => "the two proxies have no version of TLS in common".to_owned(),
        }
    }
}

/// Whether local replies are wrapped for gRPC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestKind {
    /// Any request but one of gRPC.
    Plain,
    /// `content-type: application/grpc`, with or without `+…`.
    Grpc,
}

impl RequestKind {
    /// The kind that a content type makes (`Grpc::Common::hasGrpcContentType`).
    pub fn of_content_type(content_type: &str) -> Self {
        let is_grpc = content_type == "application/grpc" || content_type.starts_with("application/grpc+");
        if is_grpc { Self::Grpc } else { Self::Plain }
    }
}

/// `Grpc::Utility::httpToGrpcStatus` (`source/common/grpc/status.cc`).
fn grpc_status_of(http: u16) -> u8 {
    match http {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_replies_are_http_200() {
        let response = Stop::NoRoute.response(RequestKind::Grpc);
        assert_eq!((response.status, response.grpc_status), (200, Some(12)));
        assert_eq!(Stop::NoRoute.outcome(RequestKind::Grpc), Outcome::Fails);
        assert_eq!(Stop::NoCluster(Some(503)).response(RequestKind::Plain).short(), "503 NC");
        assert_eq!(Stop::NoHealthyUpstream(Form::Tcp).response(RequestKind::Plain).short(), "closed UH");
    }

    #[test]
    fn an_answer_by_configuration_is_no_failure() {
        assert_eq!(Stop::Redirect(302).outcome(RequestKind::Plain), Outcome::Answered);
        assert_eq!(Stop::DirectResponse(502).outcome(RequestKind::Plain), Outcome::Fails);
    }
}
