//! Tokens that are required (`source/extensions/filters/http/jwt_authn/{filter,matcher}.cc`).
//!
//! The first rule that matches says what is required; without one the request passes. A route may name a requirement of
//! its own.

use crate::envoy::classes::{Frame, Parameters, Rule, Takes};
use crate::envoy::jwt::{self, Sent, Status};
use crate::envoy::matcher::{self, Match};
use crate::envoy::pb::envoy::config::route::v3::{RouteConfiguration, RouteMatch};
use crate::envoy::pb::envoy::extensions::filters::http::jwt_authn::v3::per_route_config::RequirementSpecifier;
use crate::envoy::pb::envoy::extensions::filters::http::jwt_authn::v3::requirement_rule::RequirementType;
use crate::envoy::pb::envoy::extensions::filters::http::jwt_authn::v3::{
    JwtAuthentication, JwtRequirement, PerRouteConfig, RequirementRule,
};
use crate::envoy::re2::Charset;
use crate::snapshot::Node;
use crate::walk::http::route;
use crate::walk::way::apart::{Asking, Entry};
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

use super::ask::{Answer, Applied, Ask, Effect};
use super::cors;

const JWT: &str = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";
/// Where it writes down what tokens say.
pub(super) const METADATA: &str = "envoy.filters.http.jwt_authn";
const PER_ROUTE: &str = "envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig";

pub(super) fn effects(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    evaluate(ask, applied).unwrap_or_else(|what| vec![Effect::Unknown(what)])
}

fn evaluate(ask: &Ask, applied: &Applied) -> Result<Vec<Effect>, String> {
    // A route's entry names a requirement of the filter's own configuration.
    let (any, node) = ask.own()?;
    let config: JwtAuthentication = any.unpack()?;
    if let Some(what) = Walker::unmodeled(node, JWT, &["providers", "rules", "requirement_map"]) {
        return Err(what);
    }
    if config.bypass_cors_preflight && cors::is_preflight(ask) {
        return Ok(Vec::new());
    }
    let (requirement, at) = match requirement(ask, &config, node, applied)? {
        Asked::Nothing => return Ok(Vec::new()),
        Asked::For(requirement, at) => (requirement, at),
        Asked::Misnamed(name) => {
            let names: Vec<&str> = config.requirement_map.keys().map(String::as_str).collect();
            let why = format!("Wrong requirement_name: {name}. It should be one of [{}]", names.join(","));
            let note = format!("the route names the token requirement {name}, which is not there");
            return Ok(vec![Answer::to_all(Stop::JwtMisnamed(why), "token check", note, applied.node.clone())]);
        }
    };
    if let Some(what) = Walker::unmodeled(&at, "envoy.extensions.filters.http.jwt_authn.v3.JwtRequirement", &[]) {
        return Err(what);
    }
    let query = ask.http.path.split_once('?').map_or("", |(_, query)| query);
    let header = |name: &str| ask.http.values(name).into_iter().map(str::to_owned).collect();
    let sent = Sent {
        header: &header,
        query,
        now: seconds(&ask.walker.snapshot.time),
        not_before: ask.walker.snapshot.not_before().as_deref().and_then(seconds),
    };
    if ask.before.headers_changed {
        return Err("a filter before the one that looks for tokens changes headers".to_owned());
    }
    let status = jwt::verify(&requirement, &config.providers, &sent);
    let mut effects = left_behind(ask, &config);
    // What a good token says is written down, and access control may look at it.
    let writes = |provider: Node| {
        let of = |field: &str| provider.text(field).is_some_and(|name| !name.is_empty());
        of("payload_in_metadata") || of("header_in_metadata")
    };
    let providers = node.get("providers").map(|all| all.members()).unwrap_or_default();
    if providers.into_iter().any(|(_, provider)| writes(provider)) && jwt::brings_token(&config.providers, &sent) {
        effects.push(Effect::SetsMetadata(METADATA.to_owned()));
    }
    match (&status, status.failure()) {
        (_, Some((code, why))) => {
            let stop = Stop::JwtDenied(code, why.to_owned());
            effects.push(Answer::to_all(stop, "token check", format!("rejects the request: {why}"), at));
        }
        (Status::Unknown(why), None) => effects.push(Effect::Unknown(why.clone())),
        (Status::Ok | Status::Missing | Status::UnknownIssuer | Status::Bad(_), None) => {}
    }
    Ok(effects)
}

/// What is asked for of a request.
enum Asked {
    Nothing,
    /// A requirement, and where it stands.
    For(JwtRequirement, Node),
    /// One that the filter does not have.
    Misnamed(String),
}

fn requirement(ask: &Ask, config: &JwtAuthentication, node: &Node, applied: &Applied) -> Result<Asked, String> {
    let named = |name: &str| {
        let found = config.requirement_map.get(name).cloned();
        found.zip(node.get("requirement_map").and_then(|m| m.get(name)))
    };
    if applied.any.type_name == PER_ROUTE {
        let own: PerRouteConfig = applied.any.unpack()?;
        return match &own.requirement_specifier {
            Some(RequirementSpecifier::Disabled(_)) => Ok(Asked::Nothing),
            Some(RequirementSpecifier::RequirementName(name)) => {
                Ok(named(name).map_or_else(|| Asked::Misnamed(name.clone()), |(found, at)| Asked::For(found, at)))
            }
            None => Err("a route's token requirement is empty".to_owned()),
        };
    }
    for (i, rule) in config.rules.iter().enumerate() {
        let at = node.get("rules").and_then(|r| r.index(i)).ok_or("a rule is not where it was decoded")?;
        let wanted = rule.r#match.clone().unwrap_or_default();
        match matches(ask, &wanted, &at) {
            Match::No => {}
            Match::Yes => {
                return match &rule.requirement_type {
                    Some(RequirementType::Requires(requirement)) => {
                        let at = at.get("requires").ok_or("a requirement is not where it was decoded")?;
                        Ok(Asked::For(requirement.clone(), at))
                    }
                    Some(RequirementType::RequirementName(name)) => {
                        let (found, at) =
                            named(name).ok_or_else(|| format!("the token requirement {name} is not there"))?;
                        Ok(Asked::For(found, at))
                    }
                    None => Ok(Asked::Nothing),
                };
            }
            Match::Share(_) => return Err("which rule on tokens matches".to_owned()),
            Match::Unknown(why) => return Err(format!("which rule on tokens matches: {why}")),
        }
    }
    Ok(Asked::Nothing)
}

/// The requests that the rules tell apart.
pub(super) fn lists(ask: &Ask, frame: &Frame) -> Result<Vec<Asking>, String> {
    let (any, _) = ask.own()?;
    let config: JwtAuthentication = any.unpack()?;
    let frame = Frame { parameters: Parameters::Kept, ..frame.clone() };
    let entry = |(place, rule): (usize, &RequirementRule)| {
        let Rule { conditions, takes } = Rule::of(rule.r#match.as_ref(), &frame);
        if takes == Takes::All { Entry::sure(conditions, place + 1) } else { Entry::perhaps(conditions, place + 1) }
    };
    let mut lists = vec![config.rules.iter().enumerate().map(entry).collect::<Vec<Entry>>().into()];
    if config.bypass_cors_preflight {
        lists.push(vec![Entry::sure(cors::preflight(), 1)].into());
    }
    Ok(lists)
}

/// A rule looks at path, headers and query, and at nothing else of a route's match.
fn matches(ask: &Ask, wanted: &RouteMatch, at: &Node) -> Match {
    let field = at.get("match").and_then(|m| Walker::unmodeled(&m, "envoy.config.route.v3.RouteMatch", &[]));
    if let Some(what) = field {
        return Match::Unknown(what);
    }
    if wanted.grpc.is_some()
        || wanted.tls_context.is_some()
        || wanted.runtime_fraction.is_some()
        || !wanted.cookies.is_empty()
    {
        return Match::Unknown("it has conditions that are not modeled".to_owned());
    }
    let query = ask.http.path.split_once('?').map_or("", |(_, query)| query);
    let by_path = route::path_matches(ask.walker, wanted, &RouteConfiguration::default(), ask.http);
    let by_header = wanted.headers.iter().map(|h| ask.header(h));
    let by_query =
        wanted.query_parameters.iter().map(|q| matcher::query_parameter(q, query, Charset::of(ask.walker.version)));
    by_header.chain(by_query).fold(by_path, Match::and)
}

/// Headers that only the filter may set are taken away; a failure may be written down.
fn left_behind(ask: &Ask, config: &JwtAuthentication) -> Vec<Effect> {
    let reserved = config.providers.values().flat_map(|p| {
        p.claim_to_headers.iter().map(|c| c.header_name.as_str()).chain([p.forward_payload_header.as_str()])
    });
    let mut effects = Vec::new();
    if reserved.into_iter().any(|name| !name.is_empty() && !ask.http.values(name).is_empty()) {
        effects.push(Effect::ChangesHeaders);
    }
    if config.providers.values().any(|p| !p.failed_status_in_metadata.is_empty()) {
        effects.push(Effect::SetsMetadata(METADATA.to_owned()));
    }
    effects
}

/// `2026-11-24T10:00:00Z` in seconds since 1970.
fn seconds(time: &str) -> Option<i64> {
    let number = |from: usize, to: usize| time.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    // Years begin in March, so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    Some(((days * 24 + number(11, 13)?) * 60 + number(14, 16)?) * 60 + number(17, 19)?)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_are_counted_from_1970() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2000-03-01T00:00:01Z"), Some(951_868_801));
        assert_eq!(seconds("2026-11-24T10:00:00.5Z"), Some(1_795_514_400));
        assert_eq!(seconds("soon"), None);
    }
}
