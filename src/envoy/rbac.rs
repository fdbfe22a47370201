//! Whom role-based access control lets through: `source/extensions/filters/common/rbac/{engine_impl,matchers}.cc`.
//!
//! Policies are tried in the order of their names' bytes; the first that matches decides.

pub mod conditions;

use std::net::IpAddr;

use super::address;
use super::matcher::{self, Match};
use super::pb::envoy::config::core::v3::CidrRange;
use super::pb::envoy::config::rbac::v3::permission::Rule;
use super::pb::envoy::config::rbac::v3::principal::{Authenticated, Identifier};
use super::pb::envoy::config::rbac::v3::{
    MetadataSource, Permission, Policy, Principal, Rbac, SourcedMetadata, rbac::Action,
};
use super::pb::envoy::config::route::v3::HeaderMatcher;
use super::pb::envoy::r#type::matcher::v3::{
    FilterStateMatcher, MetadataMatcher, PathMatcher, filter_state_matcher, path_matcher,
};
use super::re2::Charset;
use super::uri_template;

/// The filter state in which Istio's proxies keep who the peer is, where a tunnel ended before.
const PEER_PRINCIPAL: &str = "io.istio.peer_principal";

/// What the rules may ask of a request, or of a connection.
pub struct Asked<'a> {
    /// Tests a header; a connection has none.
    pub header: &'a dyn Fn(&HeaderMatcher) -> Match,
    /// The path without its query; `None` for a connection.
    pub path: Option<&'a str>,
    /// The address that was dialed.
    pub destination: Option<IpAddr>,
    /// The port that was dialed.
    pub port: u16,
    /// The peer's address, or that which a PROXY header announced.
    pub source: Option<IpAddr>,
    /// The peer's address.
    pub direct: Option<IpAddr>,
    /// The client's address, which a header may have brought.
    pub client: Option<IpAddr>,
    /// The connection is TLS.
    pub tls: bool,
    /// Whether it is known whose certificate the peer showed.
    pub peer: Peer,
    /// The URI names of the peer's certificate.
    pub uris: &'a [String],
    /// The DNS names of the peer's certificate.
    pub dns: &'a [String],
    /// The TLS server name; empty without one, `None` where it is not known.
    pub server_name: Option<&'a str>,
    /// Whether it is sure that no filter has set dynamic metadata under this name.
    pub lacks_metadata: &'a dyn Fn(&str) -> bool,
    /// A route was chosen.
    pub has_route: bool,
    /// What a regular expression takes for a character.
    pub charset: Charset,
}

/// Whether it is known whose certificate the peer showed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// It is: it has these names, or there is none.
    Told,
    /// There is one, and nobody knows its names.
    Untold,
}

/// What becomes of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Judgment {
    /// It goes on.
    Allowed,
    /// It does not: because of the policy of this name, or because none allows it.
    Denied(Option<String>),
    /// It cannot be told, and why.
    Unknown(String),
}

/// Judges by the rules. `unmodeled` says of a policy, by its name, what in it nobody here interprets.
pub fn judge(rules: &Rbac, asked: &Asked, unmodeled: &dyn Fn(&str) -> Option<String>) -> Judgment {
    let action = rules.action();
    let mut open = None;
    for (name, policy) in &rules.policies {
        let condition = unmodeled(name).map_or(Match::Yes, Match::Unknown);
        match (policy_matches(policy, asked).and(condition), action) {
            (Match::No, _) | (_, Action::Log) => {}
            (Match::Yes, Action::Allow) => return Judgment::Allowed,
            (Match::Yes, Action::Deny) if open.is_none() => return Judgment::Denied(Some(name.clone())),
            // Which one denies is not sure, yet one does.
            (Match::Yes, Action::Deny) => break,
            (Match::Share(_), _) => open = open.or_else(|| Some(format!("whether policy {name} matches"))),
            (Match::Unknown(why), _) => open = open.or_else(|| Some(format!("whether policy {name} matches: {why}"))),
        }
    }
    match (open, action) {
        (Some(why), _) => Judgment::Unknown(why),
        (None, Action::Allow) => Judgment::Denied(None),
        (None, Action::Deny | Action::Log) => Judgment::Allowed,
    }
}

/// The details that Envoy logs for a denial.
pub fn details(policy: Option<&str>) -> String {
    format!("rbac_access_denied_matched_policy[{}]", policy.unwrap_or("none").replace(' ', "_"))
}

fn policy_matches(policy: &Policy, asked: &Asked) -> Match {
    let permissions = any_of(policy.permissions.iter().map(|p| permission(p, asked)));
    let principals = any_of(policy.principals.iter().map(|p| principal(p, asked)));
    permissions.and(principals)
}

fn permission(permission: &Permission, asked: &Asked) -> Match {
    let inner = |set: &[Permission]| -> Vec<Match> { set.iter().map(|p| self::permission(p, asked)).collect() };
    match &permission.rule {
        Some(Rule::AndRules(set)) => all_of(inner(&set.rules)),
        Some(Rule::OrRules(set)) => any_of(inner(&set.rules)),
        Some(Rule::NotRule(rule)) => !self::permission(rule, asked),
        Some(Rule::Any(_)) => Match::Yes,
        Some(Rule::Header(header)) => (asked.header)(header),
        Some(Rule::UrlPath(path)) => url_path(path, asked),
        Some(Rule::DestinationIp(range)) => in_range(range, asked.destination, "the address that is dialed"),
        Some(Rule::DestinationPort(port)) => (*port == u32::from(asked.port)).into(),
        Some(Rule::DestinationPortRange(range)) => (range.start..range.end).contains(&i32::from(asked.port)).into(),
        Some(Rule::Metadata(metadata)) => dynamic(metadata, asked),
        Some(Rule::SourcedMetadata(sourced)) => sourced_metadata(sourced, asked),
        Some(Rule::RequestedServerName(name)) => match asked.server_name {
            Some(server_name) => matcher::string_in(name, server_name, asked.charset),
            None => Match::Unknown("the TLS server name is not known".to_owned()),
        },
        Some(Rule::UriTemplate(template)) => {
            asked.path.map_or(Match::No, |path| uri_template::matches(template.typed_config.as_ref(), path))
        }
        None => Match::Unknown("a permission of a kind that is not modeled".to_owned()),
    }
}

fn principal(principal: &Principal, asked: &Asked) -> Match {
    let inner = |set: &[Principal]| -> Vec<Match> { set.iter().map(|p| self::principal(p, asked)).collect() };
    let peer = "the peer's address";
    match &principal.identifier {
        Some(Identifier::AndIds(set)) => all_of(inner(&set.ids)),
        Some(Identifier::OrIds(set)) => any_of(inner(&set.ids)),
        Some(Identifier::NotId(id)) => !self::principal(id, asked),
        Some(Identifier::Any(_)) => Match::Yes,
        Some(Identifier::Authenticated(name)) => authenticated(name, asked),
        Some(Identifier::SourceIp(range)) => in_range(range, asked.source, peer),
        Some(Identifier::DirectRemoteIp(range)) => in_range(range, asked.direct, peer),
        Some(Identifier::RemoteIp(range)) => in_range(range, asked.client, "the client's address"),
        Some(Identifier::Header(header)) => (asked.header)(header),
        Some(Identifier::UrlPath(path)) => url_path(path, asked),
        Some(Identifier::Metadata(metadata)) => dynamic(metadata, asked),
        Some(Identifier::SourcedMetadata(sourced)) => sourced_metadata(sourced, asked),
        Some(Identifier::FilterState(state)) => filter_state(state, asked),
        None => Match::Unknown("a principal of a kind that is not modeled".to_owned()),
    }
}

fn all_of(tests: impl IntoIterator<Item = Match>) -> Match {
    tests.into_iter().fold(Match::Yes, Match::and)
}

fn any_of(tests: impl IntoIterator<Item = Match>) -> Match {
    tests.into_iter().fold(Match::No, Match::or)
}

fn url_path(path: &PathMatcher, asked: &Asked) -> Match {
    match (&path.rule, asked.path) {
        (_, None) => Match::No,
        (Some(path_matcher::Rule::Path(matcher)), Some(path)) => matcher::string_in(matcher, path, asked.charset),
        (None, Some(_)) => Match::Unknown("a path matcher of a kind that is not modeled".to_owned()),
    }
}

/// A range holds addresses of its own family only.
fn in_range(range: &CidrRange, ip: Option<IpAddr>, what: &str) -> Match {
    let Some(ip) = ip else { return Match::Unknown(format!("{what} is not known")) };
    let odd = || Match::Unknown(format!("{} is not an address", range.address_prefix));
    address::net(range).map_or_else(odd, |net| net.contains(&ip).into())
}

/// Without a name, TLS will do. With one, any URI name, then any DNS name, then the subject may fit
/// (`AuthenticatedMatcher::matches`). The subject of a certificate that carries a workload's identity is empty.
fn authenticated(wanted: &Authenticated, asked: &Asked) -> Match {
    if !asked.tls {
        return Match::No;
    }
    let Some(name) = &wanted.principal_name else { return Match::Yes };
    if asked.peer == Peer::Untold {
        return Match::Unknown("whose certificate the client shows is not known".to_owned());
    }
    let names = asked.uris.iter().chain(asked.dns);
    let by_name = any_of(names.map(|n| matcher::string_in(name, n, asked.charset)));
    let has_identity = asked.dns.is_empty() || asked.uris.iter().any(|uri| uri.starts_with("spiffe://"));
    let by_subject = if has_identity {
        matcher::string_in(name, "", asked.charset)
    } else {
        Match::Unknown("the subject of the peer's certificate is not known".to_owned())
    };
    by_name.or(by_subject)
}

/// What is not there matches no value, so only the inversion decides (`Matchers::MetadataMatcher`).
fn dynamic(metadata: &MetadataMatcher, asked: &Asked) -> Match {
    if (asked.lacks_metadata)(&metadata.filter) {
        return metadata.invert.into();
    }
    Match::Unknown(format!("metadata that {} may have set is not modeled", metadata.filter))
}

fn sourced_metadata(sourced: &SourcedMetadata, asked: &Asked) -> Match {
    let Some(metadata) = &sourced.metadata_matcher else {
        return Match::Unknown("a metadata matcher that is empty".to_owned());
    };
    match sourced.metadata_source() {
        MetadataSource::Dynamic => dynamic(metadata, asked),
        MetadataSource::Route if !asked.has_route => Match::No,
        MetadataSource::Route => Match::Unknown("matching a route's metadata is not modeled".to_owned()),
    }
}

/// Istio's proxies keep the peer's URI there; on a connection without one the state is not set, which never matches.
fn filter_state(state: &FilterStateMatcher, asked: &Asked) -> Match {
    let Some(filter_state_matcher::Matcher::StringMatch(wanted)) = &state.matcher else {
        return Match::Unknown("a filter state matcher of a kind that is not modeled".to_owned());
    };
    if state.key != PEER_PRINCIPAL {
        return Match::Unknown(format!("filter state {} is not modeled", state.key));
    }
    any_of(asked.uris.iter().map(|uri| matcher::string_in(wanted, uri, asked.charset)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::{Value, json};

    use super::*;

    /// A request of a workload of namespace shop, to port 8080.
    fn judged(rules: Value, tls: bool, opaque: &str) -> Judgment {
        let rules: Rbac = serde_json::from_value(rules).unwrap();
        let uris = ["spiffe://cluster.local/ns/shop/sa/order".to_owned()];
        let asked = Asked {
            header: &|header| (header.name == ":method").into(),
            path: Some("/a"),
            destination: None,
            port: 8080,
            source: Some([10, 0, 0, 9].into()),
            direct: Some([10, 0, 0, 9].into()),
            client: None,
            tls,
            peer: Peer::Told,
            uris: if tls { &uris } else { &[] },
            dns: &[],
            server_name: Some(""),
            lacks_metadata: &|name| name == "jwt",
            has_route: true,
            charset: Charset::Latin1,
        };
        judge(&rules, &asked, &|name| (name == opaque).then(|| "a condition".to_owned()))
    }

    fn by(principal: &Value) -> Value {
        json!({"policies": {"p": {"permissions": [{"any": true}], "principals": [principal]}}})
    }

    fn to(permission: &Value) -> Value {
        json!({"policies": {"p": {"permissions": [permission], "principals": [{"any": true}]}}})
    }

    #[test]
    fn no_rules_deny_all_and_names_are_tried_in_order() {
        assert_eq!(judged(json!({}), false, ""), Judgment::Denied(None));
        assert_eq!(judged(json!({"action": "DENY"}), false, ""), Judgment::Allowed);
        let all = json!({"permissions": [{"any": true}], "principals": [{"any": true}]});
        let deny = json!({"action": "DENY", "policies": {"z": all, "a": all, "m": all}});
        assert_eq!(judged(deny.clone(), false, ""), Judgment::Denied(Some("a".to_owned())));
        assert!(matches!(judged(deny, false, "a"), Judgment::Unknown(_)));
        assert_eq!(judged(json!({"policies": {"a": all, "m": all}}), false, "a"), Judgment::Allowed);
        assert_eq!(judged(json!({"action": "LOG", "policies": {"a": all}}), false, "a"), Judgment::Allowed);
        assert_eq!(details(Some("a b")), "rbac_access_denied_matched_policy[a_b]");
    }

    #[test]
    fn identities_come_with_mutual_tls_only() {
        let order = by(&json!({"authenticated": {"principal_name": {"suffix": "/ns/shop/sa/order"}}}));
        assert_eq!(judged(order.clone(), true, ""), Judgment::Allowed);
        assert_eq!(judged(order, false, ""), Judgment::Denied(None));
        let other = by(&json!({"authenticated": {"principal_name": {"safe_regex": {"regex": ".*/ns/other/.*"}}}}));
        assert_eq!(judged(other.clone(), true, ""), Judgment::Denied(None));
        assert_eq!(judged(by(&json!({"authenticated": {}})), true, ""), Judgment::Allowed);
        assert_eq!(judged(by(&json!({"not_id": {"authenticated": {}}})), false, ""), Judgment::Allowed);
        let state = by(&json!({"filter_state": {"key": PEER_PRINCIPAL, "string_match": {"prefix": "spiffe://"}}}));
        assert_eq!(judged(state.clone(), true, ""), Judgment::Allowed);
        assert_eq!(judged(state, false, ""), Judgment::Denied(None));
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let range = |prefix: &str| json!({"address_prefix": prefix, "prefix_len": 8});
        assert_eq!(judged(by(&json!({"direct_remote_ip": range("10.0.0.0")})), false, ""), Judgment::Allowed);
        assert_eq!(judged(by(&json!({"source_ip": range("11.0.0.0")})), false, ""), Judgment::Denied(None));
        assert!(matches!(judged(by(&json!({"remote_ip": range("10.0.0.0")})), false, ""), Judgment::Unknown(_)));
        assert!(matches!(judged(to(&json!({"destination_ip": range("10.0.0.0")})), false, ""), Judgment::Unknown(_)));
        assert_eq!(
            judged(to(&json!({"destination_port_range": {"start": 80, "end": 8080}})), false, ""),
            Judgment::Denied(None)
        );
        assert_eq!(judged(by(&json!({"metadata": {"filter": "jwt", "invert": true}})), false, ""), Judgment::Allowed);
        assert!(matches!(judged(by(&json!({"metadata": {"filter": "x"}})), false, ""), Judgment::Unknown(_)));
        assert!(matches!(judged(to(&json!({"matcher": {}})), false, ""), Judgment::Unknown(_)));
    }
}
