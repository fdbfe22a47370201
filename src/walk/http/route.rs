//! Which route of the virtual host takes the request: the first whose every condition holds.
//!
//! `source/common/router/config_impl.cc`, `RouteEntryImplBase::matchRoute`.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::envoy::any::JsonAny;
use crate::envoy::draw::Draw;
use crate::envoy::fraction;
use crate::envoy::matcher::{self, Match, Reading};
use crate::envoy::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use crate::envoy::pb::envoy::config::route::v3::route_match::PathSpecifier;
use crate::envoy::pb::envoy::config::route::v3::{
    HeaderMatcher, Route, RouteConfiguration, RouteList, RouteMatch, VirtualHost,
};
use crate::envoy::pb::xds::r#type::matcher::v3::Matcher;
use crate::envoy::re2::Charset;
use crate::envoy::uri_template;
use crate::envoy::version::Version;
use crate::envoy::xds_matcher::{self, Data, Led, Place};
use crate::snapshot::{HostTable, Node};
use crate::verdict::Stage;
use crate::walk::http::chosen::{Chosen, Hit};
use crate::walk::http::request::Http;
use crate::walk::way::course::Told;
use crate::walk::way::guard::{Condition, Guard};
use crate::walk::way::log::{Fact, Row};
use crate::walk::way::met::Missed;
use crate::walk::way::stop::RequestKind;
use crate::walk::way::walker::Walker;

const ROUTE_MATCH: &str = "envoy.config.route.v3.RouteMatch";

/// The routes that are tried in order.
enum Listed {
    /// The virtual host's own.
    Own(Arc<HostTable>),
    /// Those that a matcher led to, and the list's place, or the one route's.
    Led(Vec<Route>, Option<Node>),
}

/// The route that takes the request. Several do where a `runtime_fraction` draws; where it cannot be told whether a route
/// takes the request, it does or it does not.
pub(in crate::walk) fn choose(
    walker: &Walker,
    host: &VirtualHost,
    table: &Arc<HostTable>,
    config: &RouteConfiguration,
    http: &Http,
) -> Told<Chosen> {
    let listed = match &host.matcher {
        None => Ok(Listed::Own(Arc::clone(table))),
        Some(matcher) => led_to(walker, matcher, table.node().get("matcher"), http),
    };
    let taken = listed.map(|listed| {
        let asked = Asked::new(walker, config, http);
        taken(&listed, &asked)
    });
    match taken.and_then(|taken| taken) {
        Ok(told) => told.told(&host.name),
        Err(why) => Told::open(Condition::withheld(Stage::Route, &host.name, &why)).row(Row::unknown(
            Stage::Route,
            &host.name,
            &why,
        )),
    }
}

/// Who can take the request.
struct Taken {
    /// Those that surely take a part, and what is left: most likely first.
    sure: Vec<(String, Chosen)>,
    /// Of what is left, the one that came nearest.
    missed: Option<Missed>,
    /// Those of which it cannot be told: why, and what becomes of all where the route takes the request.
    open: Vec<Perhaps>,
}

/// A route that may take the request.
struct Perhaps {
    /// Why that cannot be told.
    why: String,
    words: String,
    /// Who takes requests where it does.
    all: Vec<(String, Chosen)>,
}

/// The most routes of which it is said that they may take the request.
const MOST_OPEN: usize = 16;

fn taken(listed: &Listed, asked: &Asked) -> Result<Taken, String> {
    let mut left = Draw::default();
    let mut sure: Vec<(String, Chosen)> = Vec::new();
    let mut open = Vec::new();
    for index in listed.taking(&asked.path) {
        let wanted = listed.wanted(index);
        let taken = wanted.clone().map_or_else(Match::Unknown, |wanted| asked.test(wanted));
        if taken == Match::No {
            continue;
        }
        let hit = Rc::new(listed.hit(index)?);
        let words = hit.words();
        let chosen = |draw: Draw| Chosen { draw, route: Some(Rc::clone(&hit)), only: None };
        let unmodeled = || Walker::unmodeled(&hit.node.get("match")?, ROUTE_MATCH, &[]);
        let (draw, rest) = match unmodeled().map_or(taken, Match::Unknown) {
            Match::Share(_) => {
                let fraction = wanted.ok().flatten().and_then(|wanted| asked.fraction(wanted));
                let (part, of) = fraction.ok_or("a share of requests without a fraction is not modeled")??;
                (left.within(of, 0..part), Some(left.outside(of, 0..part)))
            }
            Match::Unknown(why) => {
                if open.len() <= MOST_OPEN {
                    let all = sure.iter().cloned().chain([(words.clone(), chosen(left.clone()))]).collect();
                    open.push(Perhaps { why: format!("whether {words} takes the request: {why}"), words, all });
                }
                continue;
            }
            Match::Yes | Match::No => (left.clone(), None),
        };
        if draw.share()? > 0.0 {
            sure.push((words, chosen(draw)));
        }
        let Some(rest) = rest else { return Ok(Taken { sure, missed: None, open }) };
        left = rest;
    }
    let mut missed = None;
    if left.share()? > 0.0 {
        missed = self::missed(listed, asked);
        sure.push(("no route".to_owned(), Chosen { draw: left, route: None, only: None }));
    }
    Ok(Taken { sure, missed, open })
}

impl Taken {
    fn told(self, host: &str) -> Told<Chosen> {
        let Self { sure, missed, open } = self;
        let of_missed =
            |told: Told<Chosen>| missed.iter().fold(told, |told, m| told.met(Fact::Missed(Box::new(m.clone()))));
        let sure = of_missed(drawn(sure));
        let Some(Perhaps { why, .. }) = open.first() else { return sure };
        let condition = Condition::withheld(Stage::Route, host, why).provided_that("the request takes that route");
        let more = (open.len() > MOST_OPEN).then(|| Told::and_others(&condition));
        let open = open.into_iter().take(MOST_OPEN).map(|Perhaps { words, all, .. }| (words, drawn(all)));
        let others = ("another route".to_owned(), sure);
        let all = open.chain([others]).chain(more).collect();
        Told::alternatives(condition, all)
    }
}

/// Each with its share, the most likely first.
fn drawn(chosen: Vec<(String, Chosen)>) -> Told<Chosen> {
    let with_share = chosen.into_iter().map(|(words, chosen)| (chosen.draw.share().unwrap_or(0.0), words, chosen));
    let mut all: Vec<(f64, String, Chosen)> = with_share.collect();
    all.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
    let part = |(share, words, chosen): (f64, String, Chosen)| (Guard::drawn(&words, share), Told::goes(chosen));
    Told::parts(all.into_iter().map(part).collect())
}

impl Listed {
    fn len(&self) -> usize {
        match self {
            Self::Own(table) => table.len(),
            Self::Led(routes, _) => routes.len(),
        }
    }

    /// The routes that can take a path.
    fn taking(&self, path: &str) -> Vec<usize> {
        match self {
            Self::Own(table) => table.taking(path),
            Self::Led(routes, _) => (0..routes.len()).collect(),
        }
    }

    /// What a route wants of a request.
    fn wanted(&self, index: usize) -> Result<Option<&RouteMatch>, String> {
        match self {
            Self::Own(table) => table.wanted(index),
            Self::Led(routes, _) => Ok(routes.get(index).and_then(|route| route.r#match.as_ref())),
        }
    }

    /// Where a route is; one that stands alone is its own place.
    fn at(&self, index: usize) -> Option<Node> {
        match self {
            Self::Own(table) => table.route_node(index),
            Self::Led(_, node) => {
                let node = node.as_ref()?;
                if node.value().is_array() { node.index(index) } else { Some(node.clone()) }
            }
        }
    }

    fn hit(&self, index: usize) -> Result<Hit, String> {
        let missing = || "a route is not where it was decoded".to_owned();
        let node = self.at(index).ok_or_else(missing)?;
        let (index, route) = match self {
            Self::Own(table) => (Some(index), table.route(index)?),
            Self::Led(routes, _) => (None, routes.get(index).ok_or_else(missing)?.clone()),
        };
        Ok(Hit { index, route, node, unmodeled: OnceCell::new() })
    }
}

/// A route of a virtual host's own.
pub(in crate::walk) fn hit(table: &Arc<HostTable>, index: usize) -> Result<Hit, String> {
    Listed::Own(Arc::clone(table)).hit(index)
}

/// The route, or the list of routes, that a virtual host's matcher leads to. What the matcher chose must match by itself
/// too; Envoy looks no further.
fn led_to(walker: &Walker, matcher: &Matcher, node: Option<Node>, http: &Http) -> Result<Listed, String> {
    let input = |any: &JsonAny| header_input(any, http);
    let asked = xds_matcher::Asked { input: &input, charset: Charset::of(walker.version) };
    let (any, places) = match asked.follow(matcher) {
        Led::To(any, places) => (any, places),
        Led::Nowhere => return Ok(Listed::Led(Vec::new(), None)),
        Led::Unknown(why) => return Err(why),
    };
    let down = |node: Node, place: &Place| match place {
        Place::Name(name) => node.get(name),
        Place::Index(i) => node.index(*i),
    };
    let at = node.and_then(|node| places.iter().try_fold(node, down));
    match any.type_name.as_str() {
        "envoy.config.route.v3.Route" => Ok(Listed::Led(vec![any.unpack()?], at)),
        "envoy.config.route.v3.RouteList" => {
            let list: RouteList = any.unpack()?;
            Ok(Listed::Led(list.routes, at.and_then(|at| at.get("routes"))))
        }
        other => Err(format!("the action {other} of a matcher is not modeled")),
    }
}

/// `HttpRequestHeaderMatchInput`: all values, joined with a comma; nothing where the header is not there.
pub(in crate::walk) fn header_input(any: &JsonAny, http: &Http) -> Data {
    let value: serde_json::Value = serde_json::from_slice(&any.json).unwrap_or_default();
    let name = value.get("header_name").or_else(|| value.get("headerName")).and_then(serde_json::Value::as_str);
    let Some(name) = name.filter(|_| any.type_name == "envoy.type.matcher.v3.HttpRequestHeaderMatchInput") else {
        return Data::Unknown(format!("the input {} of a matcher is not modeled", any.type_name));
    };
    let values = http.values(name);
    match values.as_slice() {
        [] if http.makes_id && name.eq_ignore_ascii_case("x-request-id") => {
            Data::Unknown("x-request-id is made up by Envoy".to_owned())
        }
        [] => Data::Absent,
        values => Data::Text(values.join(",")),
    }
}

/// One predicate of a route's match, and whether it holds.
struct Predicate<'a> {
    field: &'static str,
    /// Its place, where the field is a list.
    index: Option<usize>,
    /// What it is about, in words: these and a name.
    what: &'static str,
    name: &'a str,
    holds: Match,
}

/// The request as the matches of one route configuration see it.
struct Asked<'a> {
    walker: &'a Walker<'a>,
    http: &'a Http,
    /// The path without its query, and the same in lower case.
    path: Cow<'a, str>,
    folded: String,
    query: &'a str,
    charset: Charset,
    /// The path without its query, and with its parameters: templates see them.
    whole: &'a str,
}

impl<'a> Asked<'a> {
    fn new(walker: &'a Walker, config: &RouteConfiguration, http: &'a Http) -> Self {
        let raw = http.path.split(['?', '#']).next().unwrap_or_default();
        let strips = config.ignore_path_parameters_in_path_matching;
        let path = if strips { Cow::Owned(without_parameters(raw, walker.version)) } else { Cow::Borrowed(raw) };
        Self {
            folded: path.to_ascii_lowercase(),
            path,
            query: http.path.split_once('?').map_or("", |(_, query)| query),
            charset: Charset::of(walker.version),
            whole: raw,
            walker,
            http,
        }
    }

    fn test(&self, wanted: Option<&RouteMatch>) -> Match {
        let Some(wanted) = wanted else {
            return Match::Unknown("it has no match".to_owned());
        };
        // Most routes end here. Which runtime values would be needed is asked of all.
        if wanted.runtime_fraction.is_none() && self.path_predicate(wanted).holds == Match::No {
            return Match::No;
        }
        self.predicates(wanted).into_iter().fold(Match::Yes, |all, predicate| all.and(predicate.holds))
    }

    /// All predicates of a match, in the order in which people read them.
    fn predicates<'b>(&'b self, wanted: &'b RouteMatch) -> Vec<Predicate<'b>> {
        let Self { walker, http, charset, .. } = *self;
        let reading = Reading::of(walker.version);
        let mut all = vec![self.path_predicate(wanted)];
        let mut add = |field, index, what, name, holds| all.push(Predicate { field, index, what, name, holds });
        for (i, header) in wanted.headers.iter().enumerate() {
            add("headers", Some(i), "header", header.name.as_str(), header_matches(header, http, reading));
        }
        for (i, parameter) in wanted.query_parameters.iter().enumerate() {
            let holds = matcher::query_parameter(parameter, self.query, charset);
            add("query_parameters", Some(i), "query parameter", &parameter.name, holds);
        }
        let cookies = http.values("cookie");
        for (i, cookie) in wanted.cookies.iter().enumerate() {
            add("cookies", Some(i), "cookie", &cookie.name, matcher::cookie(cookie, &cookies, charset));
        }
        if wanted.grpc.is_some() {
            add("grpc", None, "gRPC", "", (http.kind == RequestKind::Grpc).into());
        }
        if let Some(tls) = &wanted.tls_context {
            // A's own request comes in plaintext: no certificate is presented.
            let wants = |b: &Option<pbjson_types::BoolValue>| b.as_ref().is_some_and(|b| b.value);
            let holds = !wants(&tls.presented) && !wants(&tls.validated);
            add("tls_context", None, "client certificate", "", holds.into());
        }
        // The route is chosen before any HTTP filter runs, so nothing has set metadata yet: what is missing never matches.
        for (i, metadata) in wanted.dynamic_metadata.iter().enumerate() {
            add("dynamic_metadata", Some(i), "dynamic metadata", &metadata.filter, metadata.invert.into());
        }
        for (i, state) in wanted.filter_state.iter().enumerate() {
            add("filter_state", Some(i), "filter state", &state.key, filter_state(self.walker, &state.key));
        }
        if let Some(fraction) = self.fraction(wanted) {
            let holds = match fraction {
                Err(why) => Match::Unknown(why),
                Ok((0, _)) => Match::No,
                Ok((part, of)) if part >= of => Match::Yes,
                #[expect(clippy::cast_precision_loss, reason = "a share")]
                Ok((part, of)) => Match::Share(part as f64 / of as f64),
            };
            add("runtime_fraction", None, "runtime fraction", "", holds);
        }
        all
    }

    /// The match's `runtime_fraction`: how many of how many, where it has one.
    fn fraction(&self, wanted: &RouteMatch) -> Option<Result<(u64, u64), String>> {
        let runtime = wanted.runtime_fraction.as_ref()?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number up to 100")]
        let of_hundred = |share: f64| ((share * 100.0).round() as u64, 100);
        if let Some(percent) = self.walker.runtime_percent(&runtime.runtime_key) {
            return Some(percent.map(of_hundred));
        }
        let percent = runtime.default_value.as_ref();
        let of = percent.map_or(100, fraction::denominator);
        Some(Ok((percent.map_or(0, |percent| percent.numerator).into(), of.into())))
    }

    fn is_tunnel(&self) -> bool {
        self.http.upgrade.is_some() && self.http.method == "CONNECT"
    }

    fn path_predicate<'b>(&'b self, wanted: &'b RouteMatch) -> Predicate<'b> {
        let (raw, folds) = (&*self.path, wanted.case_sensitive.as_ref().is_some_and(|b| !b.value));
        let path = if folds { self.folded.as_str() } else { raw };
        let fold =
            |wanted: &'b str| if folds { Cow::Owned(wanted.to_ascii_lowercase()) } else { Cow::Borrowed(wanted) };
        let (field, holds) = match &wanted.path_specifier {
            Some(PathSpecifier::Prefix(prefix)) => ("prefix", matcher::prefix(&fold(prefix), path)),
            Some(PathSpecifier::Path(exact)) => ("path", matcher::exact(&fold(exact), path)),
            Some(PathSpecifier::PathSeparatedPrefix(prefix)) => {
                let below = matcher::prefix(&(fold(prefix) + "/"), path);
                ("path_separated_prefix", matcher::exact(&fold(prefix), path).or(below))
            }
            Some(PathSpecifier::SafeRegex(regex)) => ("safe_regex", matcher::regex_in(&regex.regex, raw, self.charset)),
            Some(PathSpecifier::ConnectMatcher(_)) => {
                ("connect_matcher", (self.is_tunnel() || self.http.opens_udp()).into())
            }
            Some(PathSpecifier::PathMatchPolicy(policy)) => {
                ("path_match_policy", uri_template::matches(policy.typed_config.as_ref(), self.whole))
            }
            None => ("match", Match::Unknown("it names no path".to_owned())),
        };
        // What has no path is taken by nothing else.
        let holds = if self.is_tunnel() && field != "connect_matcher" { Match::No } else { holds };
        let name = if field == "path_match_policy" { self.whole } else { raw };
        Predicate { field, index: None, what: "path", name, holds }
    }
}

/// Filter state can come from the connection: a mesh's network filters keep there what they know of the peer.
fn filter_state(walker: &Walker, key: &str) -> Match {
    if key.starts_with("envoy.") || walker.mesh.keeps_peer_state(key) {
        return Match::Unknown(format!("the filter state {key} is not modeled"));
    }
    Match::No
}

/// The path part of a match alone.
pub(in crate::walk) fn path_matches(
    walker: &Walker,
    wanted: &RouteMatch,
    config: &RouteConfiguration,
    http: &Http,
) -> Match {
    Asked::new(walker, config, http).path_predicate(wanted).holds
}

/// `/a;v=1/b` as `/a/b`; older Envoys cut all from the first `;` on.
pub(in crate::walk) fn without_parameters(path: &str, version: Version) -> String {
    if !version.has(&Version::PARAMETERS) {
        return path.split(';').next().unwrap_or_default().to_owned();
    }
    let segments: Vec<&str> = path.split('/').map(|s| s.split(';').next().unwrap_or_default()).collect();
    segments.join("/")
}

/// A header matcher over the request, pseudo headers included.
pub(in crate::walk) fn header_matches(header: &HeaderMatcher, http: &Http, reading: Reading) -> Match {
    let name = header.name.to_ascii_lowercase();
    if let Some(why) = http.open.why(&name, !http.values(&name).is_empty()) {
        return Match::Unknown(why);
    }
    // Envoy makes one up before it matches; only its presence is known.
    if name == "x-request-id" && http.makes_id && http.values(&name).is_empty() {
        return match &header.header_match_specifier {
            None | Some(HeaderMatchSpecifier::PresentMatch(_)) => matcher::header(header, &["a"], reading),
            Some(_) => Match::Unknown("x-request-id is made up by Envoy".to_owned()),
        };
    }
    matcher::header(header, &http.values(&name), reading)
}

/// Why no route was taken: what failed first in the one of which most conditions held.
fn missed(listed: &Listed, asked: &Asked) -> Option<Missed> {
    let mut count = 0;
    let mut nearest: Option<(usize, usize)> = None;
    for index in 0..listed.len() {
        let Ok(Some(wanted)) = listed.wanted(index) else { continue };
        let conditions = asked.predicates(wanted);
        let held = conditions.iter().filter(|condition| condition.holds == Match::Yes).count();
        if held == conditions.len() {
            continue;
        }
        count += 1;
        if nearest.is_none_or(|(most, _)| held > most) {
            nearest = Some((held, index));
        }
    }
    let (_, index) = nearest?;
    let (route, wanted) = (listed.at(index)?, listed.wanted(index).ok()??);
    let failed = asked.predicates(wanted).into_iter().find(|condition| condition.holds != Match::Yes)?;
    let field = route.get("match").and_then(|m| m.get(failed.field));
    let at = field.and_then(|f| failed.index.map_or(Some(f.clone()), |i| f.index(i)));
    let why = [failed.what, failed.name].join(" ").trim_end().to_owned();
    Some(Missed { route, why, count, at })
}
