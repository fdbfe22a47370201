//! Authorization by a service (`source/extensions/filters/http/ext_authz/ext_authz.cc`): what it says is not known, yet
//! it may be that it is not asked.
//!
//! Istio's CUSTOM policies are shadow rules of access control before it; it is asked where one of these matched.

use crate::envoy::matcher::{self, Match};
use crate::envoy::pb::envoy::config::core::v3::RuntimeFractionalPercent;
use crate::envoy::pb::envoy::r#type::matcher::v3::StringMatcher;
use crate::snapshot::Node;
use crate::verdict::Power;
use crate::walk::http::host::Host;
use crate::walk::way::stop::Stop;
use crate::walk::way::unfit::Unfit;

use super::ask::{Answer, Ask, Effect};
use super::service::{Service, Unavailable, grpc_cluster, is_set, status_at};

pub(super) fn effects(ask: &Ask) -> Vec<Effect> {
    match is_asked(ask) {
        Match::No => Vec::new(),
        Match::Yes | Match::Share(_) => match ask.own_node() {
            Some(node) => too_long(ask, &node).map_or_else(|| asked(ask, node), |effect| vec![effect]),
            None => vec![Effect::Unknown(format!("the configuration of HTTP filter {} is not there", ask.filter.name))],
        },
        Match::Unknown(why) => vec![Effect::Unknown(format!("whether an authorization service is asked: {why}"))],
    }
}

/// In the shadow nobody is refused; what the service adds is left open.
fn asked(ask: &Ask, node: Node) -> Vec<Effect> {
    if is_set(&node, "shadow_mode") { vec![Effect::ChangesHeaders] } else { service(node).effects(ask) }
}

/// A request whose body is to be shown whole, and is longer than the filter holds.
fn too_long(ask: &Ask, node: &Node) -> Option<Effect> {
    let body = node.get("with_request_body").filter(|body| !is_set(body, "allow_partial_message"))?;
    let at = body.get("max_request_bytes")?;
    let most = at.value().as_u64()?;
    let length: u64 = ask.first("content-length").parse().ok()?;
    let note = format!("it shows its service bodies of up to {most} bytes, and this one has {length}");
    (length > most).then(|| Answer::to_all(Stop::Unfit(Unfit::PayloadTooLarge), "authorization", note, at))
}

/// The service. It denies, and may change the headers of what it lets through.
fn service(node: Node) -> Service {
    let over_http = node.get("http_service");
    let cluster = match &over_http {
        Some(http) => http.at("server_uri").and_then(|uri| uri.text("cluster")),
        None => grpc_cluster(&node),
    };
    let adds = over_http.as_ref().is_none_or(|http| {
        let response = http.get("authorization_response");
        ["allowed_upstream_headers", "allowed_upstream_headers_to_append", "dynamic_metadata_from_headers"]
            .iter()
            .any(|field| response.as_ref().is_some_and(|response| response.get(field).is_some()))
    });
    let powers = if adds || is_set(&node, "clear_route_cache") {
        vec![Power::Refuse, Power::Rewrite]
    } else {
        vec![Power::Refuse]
    };
    let unavailable = if is_set(&node, "failure_mode_allow") {
        Unavailable::Passes
    } else {
        Unavailable::Ends(Stop::AuthorizationUnavailable(status_at(&node, "status_on_error").unwrap_or(403)))
    };
    Service { cluster: cluster.unwrap_or_default(), unavailable, powers, by: "authorization service", node }
}

fn is_asked(ask: &Ask) -> Match {
    // Without a route nobody is asked (measured on 1.36 to 1.40); the redirect of a host that takes HTTPS only is one.
    if ask.chosen.route.is_none() && !matches!(ask.chain.host, Host::Secure(..)) {
        return Match::No;
    }
    let Some(node) = ask.own_node() else { return Match::Yes };
    let denies = node.get("deny_at_disable").is_some();
    let percent = node.get("filter_enabled").map(|n| n.decode::<RuntimeFractionalPercent>());
    let by_percent = match percent {
        None => Match::Yes,
        Some(Err(why)) => Match::Unknown(why),
        Some(Ok(percent)) => match ask.share(Some(&percent), 1.0) {
            Ok(share) if share <= 0.0 && !denies => Match::No,
            Ok(_) => Match::Yes,
            Err(why) => Match::Unknown(why),
        },
    };
    let by_metadata = node.get("filter_enabled_metadata").filter(|_| !denies).map_or(Match::Yes, |m| shadowed(ask, &m));
    by_percent.and(by_metadata)
}

/// Whether the metadata that turns the filter on can be there: only what access control wrote is known.
fn shadowed(ask: &Ask, metadata: &Node) -> Match {
    let unknown = || Match::Unknown("the metadata that turns it on is not modeled".to_owned());
    let of_rbac = metadata.text("filter").as_deref() == Some("envoy.filters.http.rbac");
    let path: Vec<String> =
        metadata.get("path").map(|p| p.items().filter_map(|s| s.text("key")).collect()).unwrap_or_default();
    let wanted = metadata.at("value.string_match").and_then(|m| m.decode::<StringMatcher>().ok());
    let plain = of_rbac && metadata.get("invert").is_none();
    let ([key], Some(wanted), true) = (&path[..], wanted, plain) else { return unknown() };
    let Some(prefix) = key.strip_suffix("shadow_effective_policy_id") else { return unknown() };
    match ask.before.shadows.get(prefix) {
        None | Some(Ok(None)) => Match::No,
        Some(Ok(Some(policy))) => matcher::string(&wanted, policy),
        Some(Err(why)) => Match::Unknown(why.clone()),
    }
}
