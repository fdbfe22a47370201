//! What the words of an access log mean, a plain sentence each: response flags (`source/common/stream_info/utility.h`) and
//! response code details (`envoy/stream_info/stream_info.h`). `explain` has more of each.

use std::borrow::Cow;

/// Where what a flag reports can be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shows {
    /// In what the proxy holds.
    Configuration,
    /// In the traffic: the same configuration lets a request through or not.
    Traffic,
    /// In what the client sent or did.
    Client,
}

/// A flag's name, where it can be seen, and what it means.
const FLAGS: &[(&str, Shows, &str)] = &[
    ("DC", Shows::Client, "the client closed the connection before the answer was complete"),
    ("DF", Shows::Traffic, "the name of the host could not be resolved by DNS"),
    ("DI", Shows::Configuration, "the fault filter delayed the request"),
    ("DO", Shows::Configuration, "the control plane has the proxy drop a share of the requests to this cluster"),
    ("DPE", Shows::Client, "what the client sent is not proper HTTP, so the proxy refused it"),
    ("DR", Shows::Client, "the client, or the codec for it, reset the stream"),
    ("DT", Shows::Traffic, "the request or connection lasted longer than the proxy lets one last"),
    ("FI", Shows::Configuration, "the fault filter answered in place of B"),
    ("IH", Shows::Client, "a header of the request has a value that the proxy does not take"),
    ("LH", Shows::Traffic, "the proxy's own health check failed, so it replied itself"),
    ("LR", Shows::Traffic, "the proxy itself reset the connection to the host"),
    ("NC", Shows::Configuration, "the route leads to a cluster that the proxy does not have"),
    ("NFCF", Shows::Configuration, "the configuration of a network filter never arrived"),
    ("NR", Shows::Configuration, "no route, or no filter chain of the listener, takes the request"),
    ("OM", Shows::Traffic, "the proxy was overloaded and shed the request"),
    ("RFCF", Shows::Configuration, "the configuration of an HTTP filter never arrived"),
    ("RL", Shows::Traffic, "the request was over a rate limit"),
    ("RLSE", Shows::Traffic, "the rate limit service could not be asked, and the filter refuses then"),
    ("SI", Shows::Traffic, "nothing moved on the stream for as long as the idle timeout lets one rest"),
    ("UAEX", Shows::Traffic, "the authorization service denied the request, or could not be asked"),
    ("UC", Shows::Traffic, "the host closed the connection before its answer was complete"),
    ("UDO", Shows::Configuration, "the control plane has the proxy drop every request to this cluster"),
    ("UF", Shows::Traffic, "no connection to the host succeeded"),
    ("UH", Shows::Configuration, "no host of the cluster could be chosen: there is none, or none is healthy"),
    ("UMSDR", Shows::Traffic, "the request lasted longer than the route or cluster lets one last"),
    ("UO", Shows::Traffic, "a circuit breaker was full: too many connections, requests or tries at a time"),
    ("UPE", Shows::Traffic, "what the host answered is not proper HTTP"),
    ("UR", Shows::Traffic, "the host reset the stream"),
    (
        "URX",
        Shows::Traffic,
        "every try that the route or cluster allows failed; the other flags say how the last one did",
    ),
    ("UT", Shows::Traffic, "the host did not answer within the route's timeout"),
];

/// What response code details begin with, and what they mean. The first that fits counts.
const DETAILS: &[(&str, &str)] = &[
    ("via_upstream", "the answer came from B's side: from its application, or from its proxy"),
    ("direct_response", "the route replies itself"),
    ("route_not_found", "no virtual host takes the Host, or none of its routes takes the request"),
    ("route_configuration_not_found", "the route configuration never arrived"),
    ("filter_chain_not_found", "no filter chain of the listener takes the connection"),
    ("cluster_not_found", "the proxy does not have the cluster that the route leads to"),
    ("no_healthy_upstream", "no host of the cluster could be chosen"),
    ("no_cluster_info", "the cluster went away while the request was on its way"),
    ("maintenance_mode", "the proxy's runtime has the cluster in maintenance"),
    ("unconditional_drop_overload", "the control plane has the proxy drop every request to the cluster"),
    ("drop_overload", "the control plane has the proxy drop a share of the requests to the cluster"),
    ("upstream_response_timeout", "the host did not answer within the route's timeout"),
    ("upstream_per_try_timeout", "no try was answered within the time for one"),
    ("upstream_per_try_idle_timeout", "a try got nothing for as long as it may"),
    ("upstream_max_stream_duration_reached", "the request lasted longer than it may"),
    ("max_duration_timeout", "the request lasted longer than it may"),
    ("request_overall_timeout", "the client took longer to send its request than it may"),
    ("request_header_timeout", "the client took longer to send its headers than it may"),
    ("stream_idle_timeout", "nothing moved on the stream for as long as it may rest"),
    ("duration_timeout", "the connection lasted longer than it may"),
    ("upstream_reset_before_response_started{overflow", "a circuit breaker was full"),
    (
        "upstream_reset_before_response_started{connection_termination",
        "the host closed the connection and had not answered",
    ),
    ("upstream_reset_before_response_started{remote_connection_failure", "the connection to the host failed"),
    (
        "upstream_reset_before_response_started{local_connection_failure",
        "the proxy could not open a connection to the host",
    ),
    ("upstream_reset_before_response_started{connection_timeout", "the connection to the host took too long to open"),
    ("upstream_reset_before_response_started{remote_reset", "the host reset the stream and had not answered"),
    ("upstream_reset_before_response_started{local_reset", "the proxy reset the stream before an answer"),
    ("upstream_reset_before_response_started{protocol_error", "what the host sent is not proper HTTP"),
    ("upstream_reset_before_response_started", "the connection to the host ended before an answer"),
    ("upstream_reset_after_response_started", "the connection to the host ended in the middle of the answer"),
    ("downstream_remote_disconnect", "the client closed the connection"),
    ("downstream_remote_reset", "the client reset the stream"),
    ("downstream_local_disconnect", "the proxy closed the connection to the client"),
    ("response_payload_too_large", "the answer is larger than a filter of the proxy buffers"),
    ("request_payload_too_large", "the request is larger than a filter of the proxy buffers"),
    ("rbac_access_denied_matched_policy[none]", "policies that allow are there, and none of them allows the request"),
    ("rbac_access_denied", "a policy denies the request"),
    ("jwt_authn_access_denied", "the request's token is missing or not accepted"),
    ("ext_authz_denied", "the authorization service denied the request"),
    ("ext_authz_error", "the authorization service could not be asked"),
    ("rate_limited", "the request was over a rate limit"),
    ("local_rate_limited", "the request was over a limit of the proxy's own"),
    ("rate_limiter_error", "the rate limit service could not be asked"),
    ("fault_filter_abort", "the fault filter answered"),
    ("cors_response", "the CORS filter answered a preflight"),
    ("csrf_origin_mismatch", "the request changes something and comes from another origin"),
    ("health_check_ok", "the health check filter answered"),
    ("low_version", "the client speaks an HTTP that is older than the proxy takes"),
    ("missing_host_header", "the request has no Host"),
    ("upgrade_failed", "the route does not let the connection be upgraded"),
    ("overload", "the proxy was overloaded"),
    ("http1.", "what the client or the host sent is not proper HTTP/1"),
    ("http2.", "what the client or the host sent is not proper HTTP/2"),
];

/// Signs in the text of how a connection failed, and what they mean. The first that is there counts.
const FAILURES: &[(&str, &str)] = &[
    ("connection_refused", "nothing listens at the host's address"),
    ("no_route_to_host", "no way through the network leads to the host"),
    ("network_is_unreachable", "no way through the network leads to the host"),
    ("connection_timed_out", "the network or a policy of it swallows the connection"),
    ("san_matcher", "the host's certificate has none of the names that the proxy takes"),
    ("certificate_has_expired", "the host's certificate has expired"),
    ("certificate_verify_failed", "the proxy does not accept the host's certificate"),
    ("secret_is_not_supplied", "the proxy waits for a certificate of its own that never arrived"),
    ("wrong_version_number", "the proxy speaks TLS, and the host answers in plaintext"),
    ("unknown_ca", "the host does not accept the authority of the proxy's certificate"),
    ("certificate_required", "the host wants a certificate, and the proxy shows none"),
    ("connection_reset_by_peer", "the host, or something before it, reset the connection"),
    ("tls_error", "no TLS handshake succeeded between the proxy and the host"),
];

/// What a flag means; `None` where no such flag is known.
pub fn flag(name: &str) -> Option<(Shows, &'static str)> {
    FLAGS.iter().find(|(known, ..)| *known == name).map(|(_, shows, text)| (*shows, *text))
}

/// What details mean, and how a connection failed in them; `None` where no such details are known.
pub fn details_text(details: &str) -> Option<Cow<'static, str>> {
    let details = canonical(details);
    let begins = DETAILS.iter().find(|(begin, _)| details.starts_with(begin)).map(|(_, text)| *text);
    let sign = FAILURES.iter().find(|(sign, _)| details.contains(sign)).map(|(_, text)| *text);
    match (begins, sign) {
        (Some(begins), Some(sign)) => Some(format!("{begins}: {sign}").into()),
        (Some(text), None) | (None, Some(text)) => Some(text.into()),
        (None, None) => None,
    }
}

/// Details as today's Envoy writes them, in small letters: older ones have other words, separators and numbers of errors
/// (of Linux) in place of texts.
pub fn canonical(details: &str) -> String {
    let text = details.trim().to_ascii_lowercase().replace(' ', "_");
    let (head, braces) = text.split_at(text.find('{').unwrap_or(text.len()));
    let head = if head == "response_timeout" { "upstream_response_timeout" } else { head };
    let braces = braces.replace(',', "|");
    let braces = match braces.strip_prefix("{connection_failure") {
        Some(rest) => format!("{{remote_connection_failure{rest}"),
        None => braces,
    };
    [("_111", "_connection_refused"), ("_110", "_connection_timed_out"), ("_113", "_no_route_to_host")].iter().fold(
        format!("{head}{braces}"),
        |text, (number, words)| {
            text.replace(&format!("delayed_connect_error:{number}"), &format!("delayed_connect_error:{words}"))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_there_once_and_a_longer_one_goes_first() {
        let names: Vec<&str> = FLAGS.iter().map(|(name, ..)| *name).collect();
        assert!(names.is_sorted(), "{names:?}");
        for (i, (begin, _)) in DETAILS.iter().enumerate() {
            let hidden = DETAILS[..i].iter().find(|(earlier, _)| begin.starts_with(earlier));
            assert!(hidden.is_none(), "{begin} is hidden by {hidden:?}");
            assert_eq!(canonical(begin), *begin);
        }
    }

    #[test]
    fn spellings_of_the_same_details_are_the_same() {
        let today = "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}";
        for old in [
            "upstream_reset_before_response_started{connection_failure,delayed_connect_error:_111}",
            "upstream_reset_before_response_started{remote_connection_failure,delayed_connect_error:_111}",
            "upstream_reset_before_response_started{connection failure,delayed connect error: 111}",
        ] {
            assert_eq!(canonical(old), canonical(today), "{old}");
            assert_eq!(details_text(old), details_text(today));
        }
        assert_eq!(canonical("response_timeout"), canonical("upstream_response_timeout"));
        let text = details_text(today).unwrap_or_default();
        assert_eq!(text, "the connection to the host failed: nothing listens at the host's address");
    }

    #[test]
    fn what_nobody_knows_is_not_explained() {
        assert_eq!((flag("XY"), flag(""), details_text("a_filter_of_mine")), (None, None, None));
        assert_eq!(flag("UH").map(|(shows, _)| shows), Some(Shows::Configuration));
    }
}
