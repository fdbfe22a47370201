//! What policies ask of a request's path, method and headers, as lists of single conditions.
//!
//! All else that they ask (who the peer is, which port was dialed) is settled before: it does not depend on the request.

use super::super::classes::{Atom, Case, PathAtom, PathTest, Sign};
use super::super::matcher::Match;
use super::super::pb::envoy::config::rbac::v3::permission::Rule;
use super::super::pb::envoy::config::rbac::v3::principal::Identifier;
use super::super::pb::envoy::config::rbac::v3::{Permission, Policy, Principal};
use super::super::pb::envoy::r#type::matcher::v3::{PathMatcher, path_matcher};
use super::{Asked, permission, principal};

/// Conditions that all have to be as they are wanted.
pub type Conditions = Vec<(Atom, Sign)>;

/// The most alternatives of one policy.
const MOST: usize = 256;

/// How what cannot be told is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// As if it were so that the policy matches.
    ToMatch,
    /// As if it were so that it does not.
    NotToMatch,
}

/// The alternatives under which a policy matches; `None` where they are too many. `unmodeled` says whether something in
/// it is not interpreted.
pub fn alternatives(
    policy: &Policy,
    asked: &Asked,
    unmodeled: Option<String>,
    taken: Taken,
) -> Option<Vec<Conditions>> {
    let permissions = policy.permissions.iter().map(|p| of_permission(p, asked)).collect();
    let principals = policy.principals.iter().map(|p| of_principal(p, asked)).collect();
    let known = Tree::Known(unmodeled.map_or(Match::Yes, Match::Unknown));
    Tree::All(vec![Tree::Any(permissions), Tree::Any(principals), known]).alternatives(Sign::Holds, taken)
}

/// A policy, or a part of it.
enum Tree {
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
    Asks(Atom),
    Known(Match),
}

impl Tree {
    /// The alternatives under which it is as it is wanted.
    fn alternatives(&self, sign: Sign, taken: Taken) -> Option<Vec<Conditions>> {
        match (self, sign) {
            (Self::Asks(atom), sign) => Some(vec![vec![(atom.clone(), sign)]]),
            (Self::Not(inner), sign) => inner.alternatives(sign.flipped(), taken),
            (Self::Known(known), sign) => {
                let holds = match known {
                    Match::Yes => sign == Sign::Holds,
                    Match::No => sign == Sign::Fails,
                    Match::Share(_) | Match::Unknown(_) => taken == Taken::ToMatch,
                };
                Some(if holds { vec![Vec::new()] } else { Vec::new() })
            }
            (Self::All(parts), Sign::Holds) | (Self::Any(parts), Sign::Fails) => {
                parts.iter().try_fold(vec![Vec::new()], |all, part| both(&all, &part.alternatives(sign, taken)?))
            }
            (Self::Any(parts), Sign::Holds) | (Self::All(parts), Sign::Fails) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(part.alternatives(sign, taken)?);
                    if all.len() > MOST {
                        return None;
                    }
                }
                Some(all)
            }
        }
    }
}

/// One of the first and one of the second.
fn both(first: &[Conditions], second: &[Conditions]) -> Option<Vec<Conditions>> {
    if first.len() * second.len() > MOST {
        return None;
    }
    let joined = |a: &Conditions, b: &Conditions| {
        let more = b.iter().filter(|condition| !a.contains(condition));
        a.iter().chain(more).cloned().collect()
    };
    Some(first.iter().flat_map(|a| second.iter().map(move |b| joined(a, b))).collect())
}

fn of_permission(wanted: &Permission, asked: &Asked) -> Tree {
    let inner = |set: &[Permission]| set.iter().map(|p| of_permission(p, asked)).collect();
    match &wanted.rule {
        Some(Rule::AndRules(set)) => Tree::All(inner(&set.rules)),
        Some(Rule::OrRules(set)) => Tree::Any(inner(&set.rules)),
        Some(Rule::NotRule(rule)) => Tree::Not(Box::new(of_permission(rule, asked))),
        Some(Rule::Header(header)) if asked.path.is_some() => Tree::Asks(Atom::Header(header.clone())),
        Some(Rule::UrlPath(path)) if asked.path.is_some() => of_path(path),
        Some(Rule::UriTemplate(template)) if asked.path.is_some() => match &template.typed_config {
            Some(config) => path_that(PathTest::Template(config.clone())),
            None => Tree::Known(permission(wanted, asked)),
        },
        Some(
            Rule::Any(_)
            | Rule::Header(_)
            | Rule::UrlPath(_)
            | Rule::UriTemplate(_)
            | Rule::DestinationIp(_)
            | Rule::DestinationPort(_)
            | Rule::DestinationPortRange(_)
            | Rule::Metadata(_)
            | Rule::SourcedMetadata(_)
            | Rule::RequestedServerName(_),
        )
        | None => Tree::Known(permission(wanted, asked)),
    }
}

fn of_principal(wanted: &Principal, asked: &Asked) -> Tree {
    let inner = |set: &[Principal]| set.iter().map(|p| of_principal(p, asked)).collect();
    match &wanted.identifier {
        Some(Identifier::AndIds(set)) => Tree::All(inner(&set.ids)),
        Some(Identifier::OrIds(set)) => Tree::Any(inner(&set.ids)),
        Some(Identifier::NotId(id)) => Tree::Not(Box::new(of_principal(id, asked))),
        Some(Identifier::Header(header)) if asked.path.is_some() => Tree::Asks(Atom::Header(header.clone())),
        Some(Identifier::UrlPath(path)) if asked.path.is_some() => of_path(path),
        Some(
            Identifier::Any(_)
            | Identifier::Authenticated(_)
            | Identifier::SourceIp(_)
            | Identifier::DirectRemoteIp(_)
            | Identifier::RemoteIp(_)
            | Identifier::Header(_)
            | Identifier::UrlPath(_)
            | Identifier::Metadata(_)
            | Identifier::SourcedMetadata(_)
            | Identifier::FilterState(_),
        )
        | None => Tree::Known(principal(wanted, asked)),
    }
}

fn of_path(path: &PathMatcher) -> Tree {
    match &path.rule {
        Some(path_matcher::Rule::Path(text)) => path_that(PathTest::Text(text.clone())),
        None => Tree::Known(Match::Unknown("a path matcher of a kind that is not modeled".to_owned())),
    }
}

fn path_that(test: PathTest) -> Tree {
    Tree::Asks(Atom::Path(PathAtom::new(test, Case::Sensitive)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::{Value, json};

    use super::*;
    use crate::envoy::rbac::Peer;
    use crate::envoy::re2::Charset;

    /// The alternatives of a policy, each condition in words.
    fn told(policy: Value, taken: Taken) -> Vec<String> {
        let policy: Policy = serde_json::from_value(policy).unwrap();
        let asked = Asked {
            header: &|_| Match::No,
            path: Some("/"),
            destination: None,
            port: 80,
            source: None,
            direct: None,
            client: None,
            tls: false,
            peer: Peer::Told,
            uris: &[],
            dns: &[],
            server_name: Some(""),
            lacks_metadata: &|_| true,
            has_route: true,
            charset: Charset::Latin1,
        };
        let words = |conditions: &Conditions| {
            conditions.iter().map(|(atom, sign)| atom.words(*sign)).collect::<Vec<_>>().join(" and ")
        };
        alternatives(&policy, &asked, None, taken).unwrap().iter().map(words).collect()
    }

    #[test]
    fn what_does_not_depend_on_the_request_is_settled() {
        let method = json!({"header": {"name": ":method", "string_match": {"exact": "GET"}}});
        let path = json!({"url_path": {"path": {"prefix": "/a"}}});
        let permission =
            json!({"and_rules": {"rules": [{"or_rules": {"rules": [method, path]}}, {"destination_port": 80}]}});
        let policy = |principal: Value| json!({"permissions": [permission], "principals": [principal]});
        let of_path = "path begins with /a";
        assert_eq!(told(policy(json!({"any": true})), Taken::ToMatch), ["method is GET", of_path]);
        assert!(told(policy(json!({"not_id": {"any": true}})), Taken::ToMatch).is_empty());
        let open = json!({"direct_remote_ip": {"address_prefix": "10.0.0.0", "prefix_len": 8}});
        assert_eq!(told(policy(open.clone()), Taken::ToMatch).len(), 2);
        assert!(told(policy(open), Taken::NotToMatch).is_empty());
        let refused = json!({"not_rule": {"or_rules": {"rules": [method, path]}}});
        let policy = json!({"permissions": [refused], "principals": [{"any": true}]});
        assert_eq!(told(policy, Taken::ToMatch), ["method is not GET and path does not begin with /a"]);
    }
}
