//! Which route of the virtual host takes the request: the first whose every condition holds.
//!
//! `source/common/router/config_impl.cc`, `RouteEntryImplBase::matchRoute`.

use crate::envoy::any::JsonAny;
use crate::envoy::fraction;
use crate::envoy::matcher::{self, Match};
use crate::envoy::pb::envoy::config::route::v3::route_match::PathSpecifier;
use crate::envoy::pb::envoy::config::route::v3::{
    HeaderMatcher, Route, RouteConfiguration, RouteList, RouteMatch, VirtualHost,
};
use crate::envoy::pb::xds::r#type::matcher::v3::Matcher;
use crate::envoy::re2::Charset;
use crate::envoy::uri_template;
use crate::envoy::version::Version;
use crate::envoy::xds_matcher::{Asked, Data, Led, Place};
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
    /// Among the routes of the virtual host; `None` for one that a matcher led to.
    pub(super) index: Option<usize>,
    pub(super) route: Route,
    pub(super) node: Node,
}

/// The routes of a virtual host that are tried in order.
struct Listed {
    routes: Vec<Route>,
    /// The list.
    node: Option<Node>,
    /// They are the virtual host's own, and no matcher led to them.
    own: bool,
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
    let listed = match &host.matcher {
        None => Listed { routes: host.routes.clone(), node: node.get("routes"), own: true },
        Some(matcher) => led_to(walker, matcher, node.get("matcher"), http)?,
    };
    let mut left = 1.0;
    let mut chosen = Vec::new();
    for (index, route) in listed.routes.iter().enumerate() {
        let shown = describe(route, listed.own.then_some(index));
        let share = match test(walker, route, config, http) {
            Match::No => continue,
            Match::Yes => left,
            Match::Share(share) => left * share,
            Match::Unknown(why) => return Err(format!("whether {shown} takes the request: {why}")),
        };
        let at = listed.at(index).ok_or("a route is not where it was decoded")?;
        let of_match = at.get("match").and_then(|m| Walker::unmodeled(&m, "envoy.config.route.v3.RouteMatch", &[]));
        if let Some(what) = of_match {
            return Err(format!("whether {shown} takes the request: {what}"));
        }
        let hit = Hit { index: listed.own.then_some(index), route: route.clone(), node: at };
        chosen.push(Chosen { share, route: Some(hit), only: None });
        left -= share;
        if left < 1e-9 {
            break;
        }
    }
    if left >= 1e-9 {
        path.trail.missed = missed(walker, &listed, config, http);
        chosen.push(Chosen { share: left, route: None, only: None });
    }
    chosen.sort_by(|a, b| b.share.total_cmp(&a.share));
    Ok(chosen)
}

impl Listed {
    /// Where a route is; one that stands alone is its own place.
    fn at(&self, index: usize) -> Option<Node> {
        let node = self.node.as_ref()?;
        if node.value().is_array() { node.index(index) } else { Some(node.clone()) }
    }
}

/// The route, or the list of routes, that a virtual host's matcher leads to. What the matcher chose must match by itself
/// too; Envoy looks no further.
fn led_to(walker: &Walker, matcher: &Matcher, node: Option<Node>, http: &Http) -> Result<Listed, String> {
    let input = |any: &JsonAny| header_input(any, http);
    let asked = Asked { input: &input, charset: Charset::of(walker.version) };
    let (any, places) = match asked.follow(matcher) {
        Led::To(any, places) => (any, places),
        Led::Nowhere => return Ok(Listed { routes: Vec::new(), node: None, own: false }),
        Led::Unknown(why) => return Err(why),
    };
    let down = |node: Node, place: &Place| match place {
        Place::Name(name) => node.get(name),
        Place::Index(i) => node.index(*i),
    };
    let at = node.and_then(|node| places.iter().try_fold(node, down));
    match any.type_name.as_str() {
        "envoy.config.route.v3.Route" => Ok(Listed { routes: vec![any.unpack()?], node: at, own: false }),
        "envoy.config.route.v3.RouteList" => {
            let list: RouteList = any.unpack()?;
            Ok(Listed { routes: list.routes, node: at.and_then(|at| at.get("routes")), own: false })
        }
        other => Err(format!("the action {other} of a matcher is not modeled")),
    }
}

/// `HttpRequestHeaderMatchInput`: all values, joined with a comma; nothing where the header is not there.
fn header_input(any: &JsonAny, http: &Http) -> Data {
    let value: serde_json::Value = serde_json::from_slice(&any.json).unwrap_or_default();
    let name = value.get("header_name").or_else(|| value.get("headerName")).and_then(serde_json::Value::as_str);
    let Some(name) = name.filter(|_| any.type_name == "envoy.type.matcher.v3.HttpRequestHeaderMatchInput") else {
        return Data::Unknown(format!("the input {} of a matcher is not modeled", any.type_name));
    };
    let values = http.values(name);
    match values.as_slice() {
        [] if name.eq_ignore_ascii_case("x-request-id") => Data::Unknown("x-request-id is made up by Envoy".to_owned()),
        [] => Data::Absent,
        values => Data::Text(values.join(",")),
    }
}

/// A route's name, or its match, in words.
pub(super) fn describe(route: &Route, index: Option<usize>) -> String {
    if !route.name.is_empty() {
        return format!("route \"{}\"", route.name);
    }
    let route_of = index.map_or_else(|| "the matcher's route".to_owned(), |index| format!("route {index}"));
    match route.r#match.as_ref().and_then(|m| m.path_specifier.as_ref()) {
        Some(PathSpecifier::Prefix(p)) => format!("{route_of}, prefix \"{p}\""),
        Some(PathSpecifier::Path(p)) => format!("{route_of}, path \"{p}\""),
        Some(PathSpecifier::PathSeparatedPrefix(p)) => format!("{route_of}, path prefix \"{p}\""),
        Some(PathSpecifier::SafeRegex(r)) => format!("{route_of}, regex \"{}\"", r.regex),
        Some(PathSpecifier::ConnectMatcher(_)) => format!("{route_of}, CONNECT"),
        Some(PathSpecifier::PathMatchPolicy(_)) => format!("{route_of}, path template"),
        None => route_of,
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
    // The route is chosen before any HTTP filter runs, so nothing has set metadata yet: what is missing never matches.
    for (i, metadata) in wanted.dynamic_metadata.iter().enumerate() {
        let what = format!("dynamic metadata {}", metadata.filter);
        all.push(("dynamic_metadata", Some(i), what, metadata.invert.into()));
    }
    for (i, state) in wanted.filter_state.iter().enumerate() {
        all.push(("filter_state", Some(i), format!("filter state {}", state.key), filter_state(&state.key)));
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

/// Filter state can come from the connection: Istio's network filters keep there what they know of the peer.
fn filter_state(key: &str) -> Match {
    let of_connection = ["io.istio.", "wasm.", "envoy.", "downstream_peer", "upstream_peer"];
    if of_connection.iter().any(|prefix| key.starts_with(prefix)) {
        return Match::Unknown(format!("the filter state {key} is not modeled"));
    }
    Match::No
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
        Some(PathSpecifier::PathMatchPolicy(policy)) => {
            ("path_match_policy", uri_template::matches(policy.typed_config.as_ref(), &raw))
        }
        None => ("match", Match::Unknown("it names no path".to_owned())),
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
    if let Some(why) = http.open.why(&name, !http.values(&name).is_empty()) {
        return Match::Unknown(why);
    }
    // Envoy makes one up before it matches; only its presence is known.
    if name == "x-request-id" && http.values(&name).is_empty() {
        let known = matcher::header(header, &["a"], version);
        let other = matcher::header(header, &["b"], version);
        return if known == other { known } else { Match::Unknown("x-request-id is made up by Envoy".to_owned()) };
    }
    matcher::header(header, &http.values(&name), version)
}

/// Why each route was not taken: what failed first, and how much held before.
fn missed(walker: &Walker, listed: &Listed, config: &RouteConfiguration, http: &Http) -> Vec<Missed> {
    let mut missed = Vec::new();
    for (index, route) in listed.routes.iter().enumerate() {
        let (Some(wanted), Some(at)) = (&route.r#match, listed.at(index)) else {
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
