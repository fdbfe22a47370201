//! The names in certificates: A's own, and whether B's is one that A's proxy expects.
//!
//! `source/common/tls/cert_validator/san_matcher.cc`. Istio's certificates have one name, the service account's
//! (`spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`).

use crate::envoy::matcher::{self, Match};
use crate::envoy::pb::envoy::extensions::transport_sockets::tls::v3::SubjectAltNameMatcher;
use crate::envoy::pb::envoy::extensions::transport_sockets::tls::v3::subject_alt_name_matcher::SanType;
use crate::envoy::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use crate::snapshot::Node;

use crate::walk::way::met::Socket;
use crate::walk::way::walker::Walker;

/// The name in a pod's certificate. The trust domain is that of the names which A's proxy expects, where they have one
/// in common, else the cluster's.
pub(in crate::walk) fn identity(walker: &Walker, pod: &Node, socket: &Socket) -> String {
    let mut domains: Vec<String> = exact_names(socket).filter_map(|name| Some(parts(&name)?.0.to_owned())).collect();
    domains.sort();
    domains.dedup();
    let own = || walker.node.as_ref().map_or("cluster.local", |n| n.cluster_domain.as_str()).to_owned();
    let domain = if domains.len() == 1 { domains.remove(0) } else { own() };
    name_in(&domain, pod)
}

/// Whether A's proxy takes this name of B's. Trust domains can be aliases of one another, so the rest of the name
/// decides.
pub(in crate::walk) fn is_expected(socket: &Socket, identity: &str) -> Match {
    if socket.tls.validation.expects().is_empty() {
        return Match::Yes;
    }
    let account = |name: &str| parts(name).map(|(_, account)| account.to_owned());
    let of = |one: &SubjectAltNameMatcher| {
        let Some(matcher) = &one.matcher else { return Match::No };
        match &matcher.match_pattern {
            _ if !matches!(one.san_type(), SanType::Uri | SanType::Unspecified) => Match::No,
            Some(MatchPattern::Exact(name)) if !matcher.ignore_case => {
                if account(name) == account(identity) {
                    Match::Yes
                } else {
                    Match::No
                }
            }
            Some(_) | None => match matcher::string(matcher, identity) {
                Match::Yes => Match::Yes,
                Match::No | Match::Share(_) | Match::Unknown(_) => {
                    Match::Unknown("the trust domain of its certificate is not known".to_owned())
                }
            },
        }
    };
    socket.tls.validation.expects().iter().fold(Match::No, |any, one| any.or(of(one)))
}

impl Socket {
    /// Whether the certificate of this pod, which has a proxy, has none of the names that are expected.
    pub fn refuses(&self, pod: &Node) -> bool {
        is_expected(self, &name_in("", pod)) == Match::No
    }

    /// The names that are expected, those that stand there in full.
    pub fn names(&self) -> Vec<String> {
        exact_names(self).collect()
    }
}

/// The name in a pod's certificate, in this trust domain.
fn name_in(domain: &str, pod: &Node) -> String {
    let account = pod.text("spec.serviceAccountName").unwrap_or_else(|| "default".to_owned());
    let namespace = pod.text("metadata.namespace").unwrap_or_default();
    format!("spiffe://{domain}/ns/{namespace}/sa/{account}")
}

fn exact_names(socket: &Socket) -> impl Iterator<Item = String> {
    socket.tls.validation.expects().iter().filter_map(|one| match one.matcher.as_ref()?.match_pattern.as_ref()? {
        MatchPattern::Exact(name) => Some(name.clone()),
        MatchPattern::Prefix(_) | MatchPattern::Suffix(_) | MatchPattern::SafeRegex(_) | MatchPattern::Contains(_) => {
            None
        }
    })
}

/// The trust domain, and what follows it.
fn parts(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("spiffe://")?.split_once('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envoy::pb::envoy::r#type::matcher::v3::StringMatcher;
    use crate::envoy::tls::{Context, Validation};
    use crate::walk::way::met::SocketKind;

    fn expecting(pattern: MatchPattern, san_type: SanType) -> Socket {
        let matcher = StringMatcher { match_pattern: Some(pattern), ignore_case: false };
        let one = SubjectAltNameMatcher { san_type: san_type.into(), matcher: Some(matcher) };
        Socket {
            kind: SocketKind::Mutual,
            server_name: String::new(),
            alpn: Vec::new(),
            tls: Context { validation: Validation { typed: vec![one], ..Validation::default() }, ..Context::default() },
        }
    }

    #[test]
    fn a_name_is_expected_in_any_trust_domain() {
        let shop = "spiffe://cluster.local/ns/shop/sa/product";
        let exact = |name: &str| MatchPattern::Exact(name.to_owned());
        for (pattern, san_type, holds) in [
            (exact(shop), SanType::Uri, true),
            (exact("spiffe://old.domain/ns/shop/sa/product"), SanType::Uri, true),
            (exact("spiffe://cluster.local/ns/shop/sa/other"), SanType::Uri, false),
            (exact("product.shop"), SanType::Unspecified, false),
            (exact(shop), SanType::Dns, false),
            (MatchPattern::Prefix("spiffe://cluster.local/ns/shop/".to_owned()), SanType::Uri, true),
        ] {
            let expected: Match = holds.into();
            assert_eq!(is_expected(&expecting(pattern.clone(), san_type), shop), expected, "{pattern:?}");
        }
        let elsewhere = MatchPattern::Prefix("spiffe://other/".to_owned());
        assert!(matches!(is_expected(&expecting(elsewhere, SanType::Uri), shop), Match::Unknown(_)));
        let any =
            Socket { kind: SocketKind::Mutual, server_name: String::new(), alpn: Vec::new(), tls: Context::default() };
        assert_eq!(is_expected(&any, shop), Match::Yes);
    }
}
