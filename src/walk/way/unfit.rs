//! Requests and connections that are not of a kind that the proxy takes: what Envoy answers, and how it logs that.

/// Why a proxy does not take it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// TLS comes to a chain that reads HTTP: a request line that is none.
    TlsOnPlaintext,
    /// The listener wants a PROXY header before all else, and closes the connection without one.
    NoProxyHeader,
    /// The filter chain has no filters: the connection is closed as it comes.
    NoFilters,
    /// The chain takes clients with a certificate only, and this one shows none: the handshake fails.
    ClientCertificateMissing,
    /// The chain's own certificate, a secret of this name, was never delivered: the connection is closed.
    CertificateNotDelivered(String),
    /// Neither the route nor the connection manager lets requests go over to this protocol (`upgrade_configs`).
    UpgradeRefused(String),
    /// The path cannot be normalized, or has an escaped slash that is not taken.
    PathRejected,
    /// The path begins with no slash (`OPTIONS *`).
    PathNotAbsolute,
    /// It asks for a tunnel of UDP, and its path does not say where to.
    NoUdpTarget,
    /// The path has an escaped slash: a redirect to the one without.
    PathRedirected,
    /// The connection manager has no router: nobody ever answers.
    NeverAnswered,
    /// A password or a key is asked for, and the request shows none: Envoy's word for it.
    CredentialsDenied(&'static str),
    /// A cache takes the request, and its route forwards to no cluster.
    CacheWithoutRoute,
    /// A content delivery network sees its own request again.
    CdnLoop,
    /// The request is longer than a filter takes.
    PayloadTooLarge,
    /// The health check filter answers that too few hosts of a cluster are well: Envoy's word for it.
    HealthCheckFails(&'static str),
    /// No header names the client's address, which the manager asks for (`reject_with_status`).
    ClientUnknown(u16),
}

impl Unfit {
    /// The status, 0 where a connection is closed, and the flags of the access log.
    pub(super) fn status_and_flags(&self) -> (u16, &'static [&'static str]) {
        match self {
            Self::NoProxyHeader
            | Self::NoFilters
            | Self::ClientCertificateMissing
            | Self::CertificateNotDelivered(_) => (0, &[]),
            Self::TlsOnPlaintext => (400, &["DPE"]),
            Self::UpgradeRefused(_) => (403, &[]),
            Self::PathRejected => (400, &[]),
            Self::PathNotAbsolute | Self::NoUdpTarget | Self::CacheWithoutRoute => (404, &[]),
            Self::PathRedirected => (307, &[]),
            Self::NeverAnswered => (0, &["DC"]),
            Self::CredentialsDenied(_) => (401, &[]),
            Self::CdnLoop => (502, &[]),
            Self::PayloadTooLarge => (413, &[]),
            Self::HealthCheckFails(_) => (503, &["LH"]),
            Self::ClientUnknown(status) => (*status, &[]),
        }
    }

    /// The details of the access log.
    pub(super) fn details(&self) -> &'static str {
        match self {
            Self::NoProxyHeader
            | Self::NoFilters
            | Self::ClientCertificateMissing
            | Self::CertificateNotDelivered(_) => "",
            Self::TlsOnPlaintext => "http1.codec_error",
            Self::UpgradeRefused(_) => "upgrade_failed",
            Self::PathRejected | Self::PathRedirected => "path_normalization_failed",
            Self::PathNotAbsolute => "absolute_path_rejected",
            Self::NoUdpTarget => "invalid_path",
            Self::NeverAnswered => "downstream_remote_disconnect",
            Self::CredentialsDenied(details) | Self::HealthCheckFails(details) => details,
            Self::CacheWithoutRoute => "cache_no_route",
            Self::CdnLoop => "cdn_loop_detected",
            Self::PayloadTooLarge => "request_payload_too_large",
            Self::ClientUnknown(_) => "rejecting_because_detection_failed",
        }
    }

    /// The same in a few words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::TlsOnPlaintext => "TLS is sent to a port of plaintext HTTP".to_owned(),
            Self::NoProxyHeader => "the listener wants the PROXY protocol, which the client does not speak".to_owned(),
            Self::NoFilters => "its filter chain has no filters, so the proxy closes it".to_owned(),
            Self::ClientCertificateMissing => "a client certificate is required".to_owned(),
            Self::CertificateNotDelivered(name) => {
                format!("its certificate {name} was never delivered")
            }
            Self::UpgradeRefused(wanted) if wanted == "CONNECT" => "CONNECT is not allowed here".to_owned(),
            Self::UpgradeRefused(wanted) => format!("upgrades to {wanted} are not allowed here"),
            Self::PathRejected => "its path is not taken".to_owned(),
            Self::PathNotAbsolute => "its path does not begin with a slash".to_owned(),
            Self::NoUdpTarget => "its path names no target of a UDP tunnel".to_owned(),
            Self::PathRedirected => "redirected to its path with the slashes unescaped".to_owned(),
            Self::NeverAnswered => "no filter answers: the request hangs".to_owned(),
            Self::CredentialsDenied(_) => "it shows no credentials, which the proxy asks for".to_owned(),
            Self::CacheWithoutRoute => "the cache answers, for the route forwards to no cluster".to_owned(),
            Self::CdnLoop => "it came by the same network before".to_owned(),
            Self::PayloadTooLarge => "it is longer than the proxy takes".to_owned(),
            Self::HealthCheckFails(_) => "the proxy answers the health check: a cluster is not well".to_owned(),
            Self::ClientUnknown(_) => "no header names its client's address".to_owned(),
        }
    }
}
