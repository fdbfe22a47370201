//! Which route of the virtual host takes the request: the first whose every condition holds.
//!
//! `source/common/router/config_impl.cc`, `RouteEntryImplBase::matchRoute`.

use crate::envoy::fraction;
use crate::envoy::matcher::{self, Match};
use crate::envoy::pb::envoy::config::route::v3::route_match::PathSpecifier;
use crate::envoy::pb::envoy::config::route::v3::{HeaderMatcher, Route, RouteConfiguration, RouteMatch, VirtualHost};
use crate::envoy::re2::Charset;
use crate::envoy::version::Version;
use crate::snapshot::Node;

use super::http::Http;
use super::path::{Missed, Path};
use super::stop::RequestKind;
use super::walker::Walker;

/// A route that the request can take.
pub(super) struct Chosen {
    /// The share of requests that take it, 0 to 1.
    pub(super) share: f64,
    /// `None`: no route.
    pub(super) route: Option<Hit>,
    /// Of a route to weighted clusters, the one that was drawn, where filters tell them apart.
    pub(super) only: Option<String>,
}

/// A route, and where it is.
#[derive(Clone)]
pub(super) struct Hit {
    pub(super) index: usize,
    pub(super) route: Route,
    pub(super) node: Node,
}

/// All routes that the request can take, most likely first; more than one only where a `runtime_fraction` draws.
pub(super) fn choose(
    walker: &Walker,
    path: &mut Path,
    host: &VirtualHost,
    node: &Node,
    config: &RouteConfiguration,
    http: &Http,
) -> Result<Vec<Chosen>, String> {
    let mut left = 1.0;
    let mut chosen = Vec::new();
    for (index, route) in host.routes.iter().enumerate() {
        let share = match test(walker, route, config, http) {
            Match::No => continue,
            Match::Yes => left,
            Match::Share(share) => left * share,
            Match::Unknown(why) => return Err(format!("whether {} takes the request: {why}", describe(route, index))),
        };
        let at = node.get("routes").and_then(|r| r.index(index)).ok_or("a route is not where it was decoded")?;
        let of_match = at.get("match").and_then(|m| Walker::unmodeled(&m, "envoy.config.route.v3.RouteMatch", &[]));
        if let Some(what) = of_match {
            return Err(format!("whether {} takes the request: {what}", describe(route, index)));
        }
        chosen.push(Chosen { share, route: Some(Hit { index, route: route.clone(), node: at }), only: None });
        left -= share;
        if left < 1e-9 {
            break;
        }
    }
    if left >= 1e-9 {
        path.trail.missed = missed(walker, host, node, config, http);
        chosen.push(Chosen { share: left, route: None, only: None });
    }
    chosen.sort_by(|a, b| b.share.total_cmp(&a.share));
    Ok(chosen)
}

/// A route's name, or its match, in words.
pub(super) fn describe(route: &Route, index: usize) -> String {
    if !route.name.is_empty() {
        return format!("route \"{}\"", route.name);
    }
    match route.r#match.as_ref().and_then(|m| m.path_specifier.as_ref()) {
        Some(PathSpecifier::Prefix(p)) => format!("route {index}, prefix \"{p}\""),
        Some(PathSpecifier::Path(p)) => format!("route {index}, path \"{p}\""),
        Some(PathSpecifier::PathSeparatedPrefix(p)) => format!("route {index}, path prefix \"{p}\""),
        Some(PathSpecifier::SafeRegex(r)) => format!("route {index}, regex \"{}\"", r.regex),
        Some(PathSpecifier::ConnectMatcher(_)) => format!("route {index}, CONNECT"),
        None => format!("route {index}"),
    }
}

/// One condition of a route: its field, what it wants in words, and whether it holds.
type Condition = (&'static str, Option<usize>, String, Match);

fn test(walker: &Walker, route: &Route, config: &RouteConfiguration, http: &Http) -> Match {
    let Some(wanted) = &route.r#match else {
        return Match::Unknown("it has no match".to_owned());
    };
    conditions(walker, wanted, config, http).into_iter().fold(Match::Yes, |all, (_, _, _, holds)| all.and(holds))
}

/// All conditions of a match, in the order in which people read them.
fn conditions(walker: &Walker, wanted: &RouteMatch, config: &RouteConfiguration, http: &Http) -> Vec<Condition> {
    let mut all = vec![path_condition(walker, wanted, config, http)];
    for (i, header) in wanted.headers.iter().enumerate() {
        all.push(("headers", Some(i), format!("header {}", header.name), header_matches(header, http, walker.version)));
    }
    let charset = Charset::of(walker.version);
    let query = http.path.split_once('?').map_or("", |(_, query)| query);
    for (i, parameter) in wanted.query_parameters.iter().enumerate() {
        let holds = matcher::query_parameter(parameter, query, charset);
        all.push(("query_parameters", Some(i), format!("query parameter {}", parameter.name), holds));
    }
    let cookies = http.values("cookie");
    for (i, cookie) in wanted.cookies.iter().enumerate() {
        all.push(("cookies", Some(i), format!("cookie {}", cookie.name), matcher::cookie(cookie, &cookies, charset)));
    }
    if wanted.grpc.is_some() {
        all.push(("grpc", None, "gRPC".to_owned(), (http.kind == RequestKind::Grpc).into()));
    }
    if let Some(tls) = &wanted.tls_context {
        // A's own request comes in plaintext: no certificate is presented.
        let wants = |b: &Option<pbjson_types::BoolValue>| b.as_ref().is_some_and(|b| b.value);
        all.push((
            "tls_context",
            None,
            "client certificate".to_owned(),
            (!wants(&tls.presented) && !wants(&tls.validated)).into(),
        ));
    }
    if let Some(runtime) = &wanted.runtime_fraction {
        let share = match walker.runtime_percent(&runtime.runtime_key) {
            Some(share) => share,
            None => Ok(fraction::share(runtime.default_value.as_ref())),
        };
        let holds = match share {
            Err(why) => Match::Unknown(why),
            Ok(share) if share <= 0.0 => Match::No,
            Ok(share) if share >= 1.0 => Match::Yes,
            Ok(share) => Match::Share(share),
        };
        all.push(("runtime_fraction", None, "runtime fraction".to_owned(), holds));
    }
    all
}

/// The path part of a match alone.
pub(super) fn path_matches(walker: &Walker, wanted: &RouteMatch, config: &RouteConfiguration, http: &Http) -> Match {
    path_condition(walker, wanted, config, http).3
}

fn path_condition(walker: &Walker, wanted: &RouteMatch, config: &RouteConfiguration, http: &Http) -> Condition {
    let folds = wanted.case_sensitive.as_ref().is_some_and(|b| !b.value);
    let fold = |text: &str| {
        if folds { text.to_ascii_lowercase() } else { text.to_owned() }
    };
    let raw = http.path.split(['?', '#']).next().unwrap_or_default();
    let raw = if config.ignore_path_parameters_in_path_matching { without_parameters(raw) } else { raw.to_owned() };
    let path = fold(&raw);
    let (field, holds) = match &wanted.path_specifier {
        Some(PathSpecifier::Prefix(prefix)) => ("prefix", path.starts_with(&fold(prefix)).into()),
        Some(PathSpecifier::Path(exact)) => ("path", (path == fold(exact)).into()),
        Some(PathSpecifier::PathSeparatedPrefix(prefix)) => {
            let rest = path.strip_prefix(&fold(prefix)).map(str::to_owned);
            ("path_separated_prefix", rest.is_some_and(|r| r.is_empty() || r.starts_with('/')).into())
        }
        Some(PathSpecifier::SafeRegex(regex)) => {
            ("safe_regex", matcher::regex_in(&regex.regex, &raw, Charset::of(walker.version)))
        }
        Some(PathSpecifier::ConnectMatcher(_)) => ("connect_matcher", Match::No),
        None => ("path_match_policy", Match::Unknown("`path_match_policy` is not modeled".to_owned())),
    };
    let old = config.ignore_path_parameters_in_path_matching && walker.version < Version::new(1, 39, 1);
    let holds = if old && http.path.contains(';') {
        Match::Unknown("how this version takes parameters off the path".to_owned())
    } else {
        holds
    };
    (field, None, format!("path {raw}"), holds)
}

/// `/a;v=1/b` as `/a/b`.
pub(super) fn without_parameters(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').map(|s| s.split(';').next().unwrap_or_default()).collect();
    segments.join("/")
}

/// A header matcher over the request, pseudo headers included.
pub(super) fn header_matches(header: &HeaderMatcher, http: &Http, version: Version) -> Match {
    let name = header.name.to_ascii_lowercase();
    // Envoy makes one up before it matches; only its presence is known.
    if name == "x-request-id" && http.values(&name).is_empty() {
        let known = matcher::header(header, &["a"], version);
        let other = matcher::header(header, &["b"], version);
        return if known == other { known } else { Match::Unknown("x-request-id is made up by Envoy".to_owned()) };
    }
    matcher::header(header, &http.values(&name), version)
}

/// Why each route was not taken: what failed first, and how much held before.
fn missed(walker: &Walker, host: &VirtualHost, node: &Node, config: &RouteConfiguration, http: &Http) -> Vec<Missed> {
    let mut missed = Vec::new();
    for (index, route) in host.routes.iter().enumerate() {
        let (Some(wanted), Some(at)) = (&route.r#match, node.get("routes").and_then(|r| r.index(index))) else {
            continue;
        };
        let conditions = conditions(walker, wanted, config, http);
        let held = conditions.iter().filter(|(_, _, _, holds)| *holds == Match::Yes).count();
        let Some((field, i, what, _)) = conditions.into_iter().find(|(_, _, _, holds)| *holds != Match::Yes) else {
            continue;
        };
        let place = at.get("match").and_then(|m| m.get(field)).and_then(|f| i.map_or(Some(f.clone()), |i| f.index(i)));
        missed.push(Missed { why: what, held, at: place, route: at });
    }
    missed
}
