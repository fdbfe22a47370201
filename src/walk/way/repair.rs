//! Stops that a walk can take as repaired, to find what ends the request next.
//!
//! A repair is a supposition. A walk under one is walked beside the walk that answers, and its ways count for nothing.

use crate::verdict::Side;

use super::stop::Stop;
use super::unfit::Unfit;

/// Where a connection without TLS stops.
pub(in crate::walk) const PLAINTEXT: &str = "plaintext";
/// Where one with it does.
pub(in crate::walk) const TLS: &str = "TLS";

/// A stop at one place, taken as repaired.
#[derive(Clone, PartialEq, Debug)]
pub struct Repair {
    /// Whose proxy stops the request.
    pub side: Side,
    /// Why.
    pub stop: Stop,
    /// Where: a filter, a cluster. Two places can stop requests in the same words.
    pub(in crate::walk) at: String,
}

impl Repair {
    /// What is taken to repair it, where something else might, and might lead elsewhere.
    pub fn by(&self) -> Option<&'static str> {
        let is_of_connection = matches!(self.stop, Stop::NoFilterChain | Stop::PlaintextOnTls);
        match self.at.as_str() {
            PLAINTEXT if is_of_connection => Some("A speaks mutual TLS"),
            TLS if is_of_connection => Some("A speaks plaintext"),
            _ => None,
        }
    }

    /// What is repaired, as the JSON has it.
    pub fn word(&self) -> &'static str {
        self.stop.repaired().unwrap_or_default()
    }
}

impl Stop {
    /// What a repair of it is called: the details that Envoy logs for it, where it logs any. `None` where nothing sensible
    /// can be said of what would come next.
    pub fn repaired(&self) -> Option<&'static str> {
        match self {
            // It would go on with the next filter of the same proxy.
            Self::FaultAbort(_) => Some("fault_filter_abort"),
            Self::RbacDenied(_) | Self::ConnectionDenied(_) => Some("rbac_access_denied"),
            Self::JwtDenied(..) | Self::JwtMisnamed(_) => Some("jwt_authn_access_denied"),
            Self::CsrfDenied => Some("csrf_origin_mismatch"),
            Self::Unfit(Unfit::CredentialsDenied(details)) => Some(details),
            // The same, once the service was asked, which may refuse.
            Self::AuthorizationUnavailable(_) => Some("ext_authz_error"),
            Self::RateLimitUnavailable(_) => Some("rate_limiter_error"),
            // The hosts of the same Service and port would get it.
            Self::NoCluster(_) => Some("cluster_not_found"),
            // The cluster's hosts would get it, as they are.
            Self::NoHealthyUpstream(_) => Some("no_healthy_upstream"),
            Self::Overflow(_) | Self::NoWaiting => Some("overflow"),
            Self::MaintenanceMode => Some("maintenance_mode"),
            Self::DropOverload => Some("unconditional_drop_overload"),
            Self::PartialDropOverload => Some("drop_overload"),
            // B's proxy would get the other kind of connection, or take the certificate, and goes on with its filters.
            Self::NoFilterChain => Some("filter_chain_not_found"),
            Self::PlaintextOnTls => Some("plaintext_on_tls"),
            Self::Handshake(_) => Some("tls_handshake"),
            // Nothing can be said of a name or a port that is not there: which address it would be is not known. Without a
            // listener or a route there is nothing to go on with. What somebody meant the proxy to answer is no fault of
            // a route's, and no other route would be right. Of what is no request that the proxy takes, it is the request
            // that would have to be another one. What A's proxy makes of B's end has a stop of B's own beside it. Where
            // nothing listens, no configuration says what would do better.
            Self::NoSuchService
            | Self::NoSuchPort
            | Self::NoAddress
            | Self::NoEndpoints
            | Self::NoListener
            | Self::NoRouteConfig
            | Self::NoVirtualHost
            | Self::NoRoute
            | Self::RequireTls
            | Self::Redirect(_)
            | Self::DirectResponse(_)
            | Self::CorsPreflight
            | Self::HealthCheck(_)
            | Self::Unfit(_)
            | Self::Refused(_)
            | Self::UpstreamClosed
            | Self::UpstreamCutOff(_)
            | Self::ConnectFailure(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::way::stop::Form;

    #[test]
    fn what_is_repaired_has_the_word_that_envoy_logs() {
        assert_eq!(Stop::NoCluster(Some(503)).repaired(), Some("cluster_not_found"));
        assert_eq!(Stop::NoHealthyUpstream(Form::Http).repaired(), Some("no_healthy_upstream"));
        assert_eq!(Stop::RbacDenied(None).repaired(), Some("rbac_access_denied"));
        assert_eq!(Stop::Unfit(Unfit::CredentialsDenied("oauth_denied")).repaired(), Some("oauth_denied"));
    }

    #[test]
    fn of_what_has_no_next_stage_nothing_is_said() {
        let stops = [
            Stop::NoListener,
            Stop::NoRoute,
            Stop::NoVirtualHost,
            Stop::Redirect(301),
            Stop::DirectResponse(410),
            Stop::HealthCheck("health_check_ok"),
            Stop::UpstreamClosed,
            Stop::ConnectFailure(Form::Http),
            Stop::NoSuchPort,
            Stop::Unfit(Unfit::NeverAnswered),
        ];
        assert!(stops.iter().all(|stop| stop.repaired().is_none()), "{stops:?}");
    }
}
