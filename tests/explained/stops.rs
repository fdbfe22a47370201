//! Every way in which a request can end, one after the other. The compiler asks for the place of a new one.

use mesh_why::envoy::certificate::Distrust;
use mesh_why::envoy::codec::{Refusal, Wire};
use mesh_why::verdict::Side;
use mesh_why::walk::{Abort, Form, Handshake, Refused, Stop, Unfit};

/// Envoy's words for credentials that are missing.
const CREDENTIALS: [&str; 4] =
    ["no_credential_for_basic_auth", "invalid_scheme_for_basic_auth", "missing_api_key", "oauth_denied"];

/// Each stop, in one of each of its forms.
pub(crate) fn all() -> impl Iterator<Item = Stop> {
    std::iter::successors(Some(Stop::NoSuchService), after)
}

fn after(stop: &Stop) -> Option<Stop> {
    let policy = || Some("ns[a]-policy[b]-rule[0]".to_owned());
    Some(match stop {
        Stop::NoSuchService => Stop::NoSuchPort,
        Stop::NoSuchPort => Stop::NoAddress,
        Stop::NoAddress => Stop::NoEndpoints,
        Stop::NoEndpoints => Stop::NoListener,
        Stop::NoListener => Stop::NoFilterChain,
        Stop::NoFilterChain => Stop::NoRouteConfig,
        Stop::NoRouteConfig => Stop::NoVirtualHost,
        Stop::NoVirtualHost => Stop::NoRoute,
        Stop::NoRoute => Stop::RequireTls,
        Stop::RequireTls => Stop::Redirect(302),
        Stop::Redirect(_) => Stop::DirectResponse(502),
        Stop::DirectResponse(_) => Stop::FaultAbort(Abort::Http(503)),
        Stop::FaultAbort(Abort::Http(_)) => Stop::FaultAbort(Abort::Grpc(14)),
        Stop::FaultAbort(Abort::Grpc(_)) => Stop::RbacDenied(None),
        Stop::RbacDenied(None) => Stop::RbacDenied(policy()),
        Stop::RbacDenied(Some(_)) => Stop::ConnectionDenied(None),
        Stop::ConnectionDenied(None) => Stop::ConnectionDenied(policy()),
        Stop::ConnectionDenied(Some(_)) => Stop::JwtDenied(401, "Jwt is missing".to_owned()),
        Stop::JwtDenied(..) => Stop::JwtMisnamed("Wrong requirement_name: a.".to_owned()),
        Stop::JwtMisnamed(_) => Stop::AuthorizationUnavailable(403),
        Stop::AuthorizationUnavailable(_) => Stop::RateLimitUnavailable(500),
        Stop::RateLimitUnavailable(_) => Stop::CorsPreflight,
        Stop::CorsPreflight => Stop::Unfit(Unfit::TlsOnPlaintext),
        Stop::Unfit(unfit) => after_unfit(unfit).map_or(Stop::CsrfDenied, Stop::Unfit),
        Stop::CsrfDenied => Stop::HealthCheck("health_check_ok"),
        Stop::HealthCheck("health_check_ok") => Stop::HealthCheck("health_check_ok_cluster_healthy"),
        Stop::HealthCheck(_) => Stop::NoCluster(Some(503)),
        Stop::NoCluster(Some(_)) => Stop::NoCluster(None),
        Stop::NoCluster(None) => Stop::DropOverload,
        Stop::DropOverload => Stop::PartialDropOverload,
        Stop::PartialDropOverload => Stop::Refused(Refusal::RequestLine),
        Stop::Refused(refusal) => after_refusal(*refusal).map_or(Stop::MaintenanceMode, Stop::Refused),
        Stop::MaintenanceMode => Stop::Overflow(Form::Http),
        Stop::Overflow(Form::Http) => Stop::Overflow(Form::Tcp),
        Stop::Overflow(Form::Tcp) => Stop::PlaintextOnTls,
        Stop::PlaintextOnTls => handshake(Refused::Handshake(Form::Http)),
        Stop::Handshake(shake) => after_refused(shake.how).map_or(Stop::UpstreamClosed, handshake),
        Stop::UpstreamClosed => Stop::UpstreamCutOff(Form::Http),
        Stop::UpstreamCutOff(Form::Http) => Stop::UpstreamCutOff(Form::Tcp),
        Stop::UpstreamCutOff(Form::Tcp) => Stop::NoWaiting,
        Stop::NoWaiting => Stop::NoHealthyUpstream(Form::Http),
        Stop::NoHealthyUpstream(Form::Http) => Stop::NoHealthyUpstream(Form::Tcp),
        Stop::NoHealthyUpstream(Form::Tcp) => Stop::ConnectFailure(Form::Http),
        Stop::ConnectFailure(Form::Http) => Stop::ConnectFailure(Form::Tcp),
        Stop::ConnectFailure(Form::Tcp) => return None,
    })
}

fn after_unfit(unfit: &Unfit) -> Option<Unfit> {
    Some(match unfit {
        Unfit::TlsOnPlaintext => Unfit::NoProxyHeader,
        Unfit::NoProxyHeader => Unfit::NoFilters,
        Unfit::NoFilters => Unfit::CacheWithoutRoute,
        Unfit::CacheWithoutRoute => Unfit::ClientCertificateMissing,
        Unfit::ClientCertificateMissing => Unfit::CertificateNotDelivered("a".to_owned()),
        Unfit::CertificateNotDelivered(_) => Unfit::UpgradeRefused("websocket".to_owned()),
        Unfit::UpgradeRefused(_) => Unfit::PathRejected,
        Unfit::PathRejected => Unfit::PathNotAbsolute,
        Unfit::PathNotAbsolute => Unfit::NoUdpTarget,
        Unfit::NoUdpTarget => Unfit::PathRedirected,
        Unfit::PathRedirected => Unfit::NeverAnswered,
        Unfit::NeverAnswered => Unfit::CredentialsDenied(CREDENTIALS[0]),
        Unfit::CredentialsDenied(word) => {
            let next = CREDENTIALS.iter().skip_while(|known| *known != word).nth(1);
            next.map_or(Unfit::CdnLoop, |word| Unfit::CredentialsDenied(word))
        }
        Unfit::CdnLoop => Unfit::PayloadTooLarge,
        Unfit::PayloadTooLarge => Unfit::ClientUnknown(403),
        Unfit::ClientUnknown(_) => Unfit::HealthCheckFails("health_check_failed_no_cluster_found"),
        Unfit::HealthCheckFails("health_check_failed_no_cluster_found") => {
            Unfit::HealthCheckFails("health_check_failed_cluster_empty")
        }
        Unfit::HealthCheckFails("health_check_failed_cluster_empty") => {
            Unfit::HealthCheckFails("health_check_failed_cluster_unhealthy")
        }
        Unfit::HealthCheckFails(_) => return None,
    })
}

fn after_refusal(refusal: Refusal) -> Option<Refusal> {
    Some(match refusal {
        Refusal::RequestLine => Refusal::Preface,
        Refusal::Preface => Refusal::LowVersion,
        Refusal::LowVersion => Refusal::Http2Header,
        Refusal::Http2Header => Refusal::Authority,
        Refusal::Authority => Refusal::QueryWithoutContentType,
        Refusal::QueryWithoutContentType => Refusal::Underscore(Wire::Http1),
        Refusal::Underscore(Wire::Http1) => Refusal::Underscore(Wire::Http2),
        Refusal::Underscore(Wire::Http2) => Refusal::TooManyHeaders(Wire::Http1),
        Refusal::TooManyHeaders(Wire::Http1) => Refusal::TooManyHeaders(Wire::Http2),
        Refusal::TooManyHeaders(Wire::Http2) => Refusal::HeadersTooLarge,
        Refusal::HeadersTooLarge => Refusal::LengthTwice,
        Refusal::LengthTwice => Refusal::Star(Wire::Http1),
        Refusal::Star(Wire::Http1) => Refusal::Star(Wire::Http2),
        Refusal::Star(Wire::Http2) => return None,
    })
}

fn after_refused(how: Refused) -> Option<Refused> {
    Some(match how {
        Refused::Handshake(Form::Http) => Refused::Handshake(Form::Tcp),
        Refused::Handshake(Form::Tcp) => Refused::Connection(Form::Http),
        Refused::Connection(Form::Http) => Refused::Connection(Form::Tcp),
        Refused::Connection(Form::Tcp) => return None,
    })
}

fn handshake(how: Refused) -> Stop {
    let (pod, names, evidence) = ((String::new(), String::new()), Vec::new(), Vec::new());
    Stop::Handshake(Box::new(Handshake { by: Side::Source, why: Distrust::Name, how, pod, names, evidence }))
}
