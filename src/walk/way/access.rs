//! Role-based access control, of requests and of connections: what its rules see of them here.

use std::net::IpAddr;

use crate::envoy::classes::Then;
use crate::envoy::matcher::Match;
use crate::envoy::pb::envoy::config::rbac::v3::{Rbac, rbac::Action};
use crate::envoy::pb::envoy::config::route::v3::HeaderMatcher;
use crate::envoy::rbac::conditions::{Taken, alternatives};
use crate::envoy::rbac::{self, Asked, Judgment, Peer};
use crate::envoy::re2::Charset;
use crate::snapshot::{Node, Origin};

use crate::walk::way::accepted::Sight;
use crate::walk::way::apart::{Asking, Entry};
use crate::walk::way::dial::{Dial, Layer, Shown};
use crate::walk::way::walker::Walker;

const RULES: &str = "envoy.config.rbac.v3.RBAC";
const POLICY: &str = "envoy.config.rbac.v3.Policy";

/// What only a request has.
pub(in crate::walk) struct Request<'a> {
    /// Tests a header.
    pub(in crate::walk) header: &'a dyn Fn(&HeaderMatcher) -> Match,
    /// The path without its query.
    pub(in crate::walk) path: &'a str,
    /// Whether no filter can have set metadata under this name.
    pub(in crate::walk) lacks_metadata: &'a dyn Fn(&str) -> bool,
    /// A route was chosen.
    pub(in crate::walk) has_route: bool,
    /// The client's address, as headers may say; `None` where it is not known.
    pub(in crate::walk) client: Option<IpAddr>,
}

/// Judges a request, or with `None` a connection, by the rules at `node`.
pub(in crate::walk) fn judge(
    walker: &Walker,
    (dial, sight): (&Dial, Sight),
    rules: &Rbac,
    node: &Node,
    request: Option<&Request>,
) -> Judgment {
    if let Some(what) = Walker::unmodeled(node, RULES, &["policies"]) {
        return Judgment::Unknown(what);
    }
    let unmodeled = |name: &str| unmodeled(node, name);
    match asked(walker, (dial, sight), request, &|asked| rbac::judge(rules, asked, &unmodeled)) {
        Judgment::Unknown(why) => Judgment::Unknown(with_hint(walker, why)),
        known @ (Judgment::Allowed | Judgment::Denied(_)) => known,
    }
}

/// Where a client stands that nobody knows, who asks can say.
fn with_hint(walker: &Walker, why: String) -> String {
    let can_say = matches!(walker.origin, Origin::Source(_)) && walker.question.from_address.is_none();
    if can_say && why.ends_with("address is not known") { format!("{why} (--from-address IP says it)") } else { why }
}

/// What the rules at `node` ask of requests: each policy is an entry for each of its alternatives. Those that allow come
/// to the same, whichever it is. `denied` is what becomes of a request that they deny. `None` where they are too many.
pub(in crate::walk) fn lists(
    walker: &Walker,
    place: (&Dial, Sight),
    (rules, node): (&Rbac, &Node),
    (request, denied): (&Request, Then),
) -> Option<Vec<Asking>> {
    let of = |taken: Taken| {
        asked(walker, place, Some(request), &|asked| {
            let mut entries = Vec::new();
            for (place, (name, policy)) in rules.policies.iter().enumerate() {
                let choice = if rules.action() == Action::Allow { 1 } else { place + 1 };
                let all = alternatives(policy, asked, unmodeled(node, name), taken)?;
                let entry = |conditions| {
                    let entry = Entry::sure(conditions, choice);
                    if rules.action() == Action::Deny { Entry { then: denied, ..entry } } else { entry }
                };
                entries.extend(all.into_iter().map(entry));
            }
            Some(Asking { entries, otherwise: if rules.action() == Action::Allow { denied } else { Then::GoesOn } })
        })
    };
    let (most, least) = (of(Taken::ToMatch)?, of(Taken::NotToMatch)?);
    if most == least {
        return Some(vec![most]);
    }
    // It is open which of both is right.
    let go_on = |asking: Asking| -> Asking {
        asking.entries.into_iter().map(|entry| Entry { then: Then::GoesOn, ..entry }).collect::<Vec<_>>().into()
    };
    Some(vec![go_on(most), go_on(least)])
}

fn unmodeled(node: &Node, policy: &str) -> Option<String> {
    Walker::unmodeled(&node.get("policies")?.get(policy)?, POLICY, &[])
}

/// What rules may ask of a request, or of a connection.
fn asked<T>(
    walker: &Walker,
    (dial, sight): (&Dial, Sight),
    request: Option<&Request>,
    judge: &dyn Fn(&Asked) -> T,
) -> T {
    let downstream = &walker.downstream;
    let source = walker.remote(dial);
    let (opened, shown) = match &dial.layer {
        Layer::Opened(name, shown) => (Some(name), *shown),
        Layer::Clear | Layer::Sealed => (None, Shown::Nothing),
    };
    let asked = Asked {
        header: request.map_or(&|_: &HeaderMatcher| Match::No, |r| r.header),
        path: request.map(|r| r.path),
        destination: downstream.destination.or(dial.ip),
        port: if downstream.port == 0 { dial.port } else { downstream.port },
        source,
        direct: walker.peer(dial),
        client: request.map_or(source, |request| request.client),
        // TLS that the chain passes on as it is tells of no peer.
        tls: (downstream.tls || opened.is_some()) && sight == Sight::Clear,
        peer: if shown == Shown::Certificate { Peer::Untold } else { Peer::Told },
        uris: &downstream.peer_uris,
        dns: &downstream.peer_dns,
        server_name: opened.map(String::as_str).or_else(|| {
            let is_known = downstream.tls || dial.layer != Layer::Sealed;
            is_known.then_some(downstream.server_name.as_str())
        }),
        lacks_metadata: request.map_or(&|_: &str| false, |r| r.lacks_metadata),
        has_route: request.is_some_and(|r| r.has_route),
        charset: Charset::of(walker.version),
    };
    judge(&asked)
}

/// What the denial rests on: the policy, or the rules of which none allows it.
pub(in crate::walk) fn ground(node: &Node, policy: Option<&str>) -> Node {
    let named = |name: &str| node.get("policies")?.get(name);
    policy.and_then(named).unwrap_or_else(|| node.clone())
}

/// The denial in words.
pub(in crate::walk) fn words(policy: Option<&str>, what: &str) -> String {
    match policy {
        Some(policy) => format!("policy {policy} denies the {what}"),
        None => format!("no policy allows the {what}"),
    }
}
