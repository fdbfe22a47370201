//! Role-based access control of requests (`source/extensions/filters/http/rbac/rbac_filter.cc`).
//!
//! An entry for a route replaces the filter's rules as a whole; an empty one turns it off. Shadow rules decide nothing.

use std::net::IpAddr;

use crate::envoy::any::JsonAny;
use crate::envoy::classes::Then;
use crate::envoy::matcher::Reading;
use crate::envoy::pb::envoy::config::rbac::v3::{Rbac as Rules, rbac::Action};
use crate::envoy::pb::envoy::extensions::filters::http::rbac::v3::{Rbac, RbacPerRoute};
use crate::envoy::pb::xds::r#type::matcher::v3::Matcher;
use crate::envoy::rbac::Judgment;
use crate::envoy::re2::Charset;
use crate::envoy::version::Version;
use crate::envoy::xds_matcher::{self, Data, Led};
use crate::snapshot::Node;
use crate::walk::http::host::Host;
use crate::walk::http::route::header_input;
use crate::walk::way::access::{self, Request, ground, judge, words};
use crate::walk::way::apart::Asking;
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

use super::ask::{Answer, Applied, Ask, Effect};

const RBAC: &str = "envoy.extensions.filters.http.rbac.v3.RBAC";
const PER_ROUTE: &str = "envoy.extensions.filters.http.rbac.v3.RBACPerRoute";

pub(super) fn effects(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let (config, node) = match config(applied) {
        Ok(Some(found)) => found,
        Ok(None) => return Vec::new(),
        Err(why) => {
            return vec![Effect::Unknown(format!("HTTP filter {} could not be read: {why}", ask.filter.name))];
        }
    };
    if let Some(what) = Walker::unmodeled(&node, RBAC, &["rules", "matcher"]) {
        return vec![Effect::Unknown(what)];
    }
    // Both leave metadata behind.
    let sets = ["rules", "shadow_rules", "shadow_matcher"].into_iter().any(|key| node.get(key).is_some());
    let mut effects: Vec<Effect> =
        sets.then(|| Effect::SetsMetadata("envoy.filters.http.rbac".to_owned())).into_iter().collect();
    effects.extend(shadow(ask, &node));
    match (&config.matcher, node.get("matcher")) {
        (Some(matcher), Some(at)) => effects.extend(of_judgment(by_matcher(ask, matcher), &at)),
        _ => {
            if let (Some(rules), Some(at)) = (&config.rules, node.get("rules")) {
                effects.extend(of_judgment(judged(ask, rules, &at), &at));
            }
        }
    }
    effects
}

/// The configuration that applies; `None` where it is taken away.
fn config(applied: &Applied) -> Result<Option<(Rbac, Node)>, String> {
    if applied.any.type_name != PER_ROUTE {
        return Ok(Some((applied.any.unpack()?, applied.node.clone())));
    }
    let own: RbacPerRoute = applied.any.unpack()?;
    Ok(own.rbac.zip(applied.node.get("rbac")))
}

/// Which policy of the shadow rules matches: a later filter may be asked to act on it.
fn shadow(ask: &Ask, node: &Node) -> Option<Effect> {
    let at = node.get("shadow_rules")?;
    let prefix = node.text("shadow_rules_stat_prefix").unwrap_or_default();
    let rules: Rules = match at.decode() {
        Ok(rules) => rules,
        Err(why) => return Some(Effect::Shadows(prefix, Err(why))),
    };
    let matched = match (judged(ask, &rules, &at), rules.action()) {
        (Judgment::Denied(policy), _) => Ok(policy),
        (Judgment::Allowed, Action::Deny) => Ok(None),
        (Judgment::Allowed, Action::Allow | Action::Log) => {
            Err("which shadow policy matches is not modeled".to_owned())
        }
        (Judgment::Unknown(why), _) => Err(why),
    };
    Some(Effect::Shadows(prefix, matched))
}

/// By a matcher, which leads to an action; where it leads nowhere, the request is denied
/// (`RoleBasedAccessControlMatcherEngineImpl::handleAction`).
fn by_matcher(ask: &Ask, matcher: &Matcher) -> Judgment {
    let http = ask.http;
    let ip = |ip: Option<IpAddr>| {
        ip.map_or_else(
            || Data::Unknown("the client's address is not known".to_owned()),
            |ip| Data::Text(ip.to_string()),
        )
    };
    let input = |any: &JsonAny| match any.type_name.rsplit('.').next().unwrap_or_default() {
        "HttpRequestHeaderMatchInput" => header_input(any, http),
        "SourceIPInput" => ip(http.client),
        "DirectSourceIPInput" => ip(ask.walker.peer(ask.chain.dial)),
        "DestinationPortInput" => Data::Text(ask.chain.dial.port.to_string()),
        _ => Data::Unknown(format!("the input {} of a matcher is not modeled", any.type_name)),
    };
    let asked = xds_matcher::Asked { input: &input, charset: Charset::of(ask.walker.version) };
    let (any, _) = match asked.follow(matcher) {
        Led::To(any, places) => (any, places),
        Led::Nowhere => return Judgment::Denied(None),
        Led::Unknown(why) => return Judgment::Unknown(why),
    };
    if any.type_name != "envoy.config.rbac.v3.Action" {
        return Judgment::Unknown(format!("the action {} of a matcher is not modeled", any.type_name));
    }
    let action: serde_json::Value = serde_json::from_slice(&any.json).unwrap_or_default();
    match action.get("action").and_then(serde_json::Value::as_str) {
        Some("DENY") => Judgment::Denied(action.get("name").and_then(|name| name.as_str().map(str::to_owned))),
        _ => Judgment::Allowed,
    }
}

fn of_judgment(judgment: Judgment, at: &Node) -> Option<Effect> {
    match judgment {
        Judgment::Allowed => None,
        Judgment::Denied(policy) => {
            let note = words(policy.as_deref(), "request");
            let node = ground(at, policy.as_deref());
            Some(Answer::to_all(Stop::RbacDenied(policy), "access control", note, node))
        }
        Judgment::Unknown(why) => {
            Some(Effect::Unknown(format!("whether access control lets the request through: {why}")))
        }
    }
}

/// What the policies ask of requests, and the shadow policies, by which a later filter may act.
pub(super) fn lists(ask: &Ask, applied: &Applied) -> Result<Vec<Asking>, String> {
    let Some((config, node)) = config(applied)? else { return Ok(Vec::new()) };
    if config.matcher.is_some() {
        return Err("its matcher is not taken apart".to_owned());
    }
    let shadow = node.get("shadow_rules").map(|at| Ok::<_, String>((at.decode::<Rules>()?, at))).transpose()?;
    let enforced = config.rules.zip(node.get("rules"));
    // The shadow rules are asked first, and let everything pass.
    let all = shadow.map(|rules| (rules, Then::GoesOn)).into_iter().chain(enforced.map(|rules| (rules, Then::Ends)));
    let of = |((rules, at), denied): ((Rules, Node), Then)| {
        let place = (ask.chain.dial, ask.chain.sight);
        let lists = requested(ask, &|request| access::lists(ask.walker, place, (&rules, &at), (request, denied)));
        lists.ok_or_else(|| "its policies have too many alternatives".to_owned())
    };
    let lists: Vec<Vec<Asking>> = all.map(of).collect::<Result<_, _>>()?;
    Ok(lists.into_iter().flatten().collect())
}

fn judged(ask: &Ask, rules: &Rules, at: &Node) -> Judgment {
    requested(ask, &|request| judge(ask.walker, (ask.chain.dial, ask.chain.sight), rules, at, Some(request)))
}

/// The request, as policies see it.
fn requested<T>(ask: &Ask, judge: &dyn Fn(&Request) -> T) -> T {
    let http = ask.http;
    let version = ask.walker.version;
    let raw = http.path.split(['?', '#']).next().unwrap_or_default();
    let cuts = ask.chain.config.is_some_and(|(config, _)| config.ignore_path_parameters_in_path_matching)
        && (ask.chosen.route.is_some() || matches!(ask.chain.host, Host::Secure(..)))
        && version.has(&Version::PARAMETERS);
    let path = if cuts { crate::walk::http::route::without_parameters(raw, version) } else { raw.to_owned() };
    let lacks_metadata = |name: &str| {
        (name.starts_with("envoy.filters.http.") || ask.walker.mesh.sets_metadata(name))
            && !ask.before.metadata.iter().any(|set| set == "*" || set == name)
    };
    let request = Request {
        header: &|header| ask.header_of(header, Reading::of_rbac(version)),
        path: &path,
        lacks_metadata: &lacks_metadata,
        has_route: ask.chosen.route.is_some(),
        client: http.client,
    };
    judge(&request)
}
