//! Which of several route configurations counts for a request: that of the scope whose key the request's headers make.
//!
//! `source/common/router/scoped_config_impl.cc`. Higress builds keys of the port and the Host, with extractors of its own.

use std::borrow::Cow;

use crate::envoy::domains;
use crate::snapshot::{Evidence, Node};
use crate::walk::http::request::Http;
use crate::walk::way::dial::Dial;
use crate::walk::way::walker::{Gap, Got, Walker};

/// The scope of a request.
pub(in crate::walk) enum Scope {
    /// Its route configuration stands there.
    Inline(Node),
    /// It names a route configuration.
    Named(String),
    /// None has the request's key: proof.
    Missing(Evidence),
    /// The scopes were not read.
    Unread(Gap),
    /// It cannot be told, and why.
    Open(String),
}

/// A part of a request's key, and those that would do, the best first.
type Part<'a> = Vec<Cow<'a, str>>;

/// The scope of a request, by the manager's `scoped_routes`.
pub(in crate::walk) fn scope(walker: &Walker, scoped: &Node, http: &Http, dial: &Dial) -> Scope {
    let name = scoped.text("name").unwrap_or_default();
    let list = match scoped.at("scoped_route_configurations_list.scoped_route_configurations") {
        Some(list) => list,
        None => match walker.ask(walker.snapshot.scopes(walker.origin, &name)) {
            Got::Found(entry) => entry.get("scoped_route_configs").unwrap_or(entry),
            Got::Absent(evidence) => return Scope::Missing(evidence),
            Got::Gap(gap) => return Scope::Unread(gap),
        },
    };
    let fragments = scoped.list("scope_key_builder.fragments");
    let mut key: Vec<Part> = Vec::with_capacity(fragments.len());
    for fragment in &fragments {
        match part(fragment, http, dial) {
            Ok(Some(part)) => key.push(part),
            Ok(None) => return Scope::Missing(list.evidence()),
            Err(why) => return Scope::Open(why),
        }
    }
    let best = list.items().filter_map(|scope| Some((rank(&scope, &key)?, scope))).min_by(|(a, _), (b, _)| a.cmp(b));
    let Some((_, scope)) = best else { return Scope::Missing(list.evidence()) };
    match (scope.get("route_configuration"), scope.text("route_configuration_name")) {
        (Some(inline), _) => Scope::Inline(inline),
        (None, Some(name)) => Scope::Named(name),
        (None, None) => Scope::Open("a scope without a route configuration".to_owned()),
    }
}

/// How well a scope's key fits: for each part the place of what it has among those that would do; `None` where it does
/// not fit.
fn rank(scope: &Node, key: &[Part]) -> Option<Vec<usize>> {
    let own = scope.list("key.fragments");
    if own.len() != key.len() {
        return None;
    }
    let place = |(own, part): (&Node, &Part)| {
        let own = own.text("string_key")?;
        part.iter().position(|would| *would == own)
    };
    own.iter().zip(key).map(place).collect()
}

/// What a fragment makes of the request; nothing where the header is not there, or has no such element.
fn part<'a>(fragment: &Node, http: &'a Http, dial: &Dial) -> Result<Option<Part<'a>>, String> {
    if fragment.get("local_port_value_extractor").is_some() {
        return Ok(Some(vec![Cow::Owned(dial.port.to_string())]));
    }
    if fragment.get("host_value_extractor").is_some() {
        return Ok(Some(of_host(&http.authority)));
    }
    let extractor = fragment.get("header_value_extractor").ok_or("a part of a scope's key is not modeled")?;
    let name = extractor.text("name").unwrap_or_default();
    let Some(value) = http.values(&name).first().copied() else { return Ok(None) };
    if let Some(why) = http.open.why(&name, true) {
        return Err(why);
    }
    let between = extractor.text("element_separator").unwrap_or_default();
    let mut elements: Box<dyn Iterator<Item = &str>> =
        if between.is_empty() { Box::new([value].into_iter()) } else { Box::new(value.split(between.as_str())) };
    let found = if let Some(element) = extractor.get("element") {
        let (key, sign) = (element.text("key").unwrap_or_default(), element.text("separator").unwrap_or_default());
        elements.find_map(|pair| pair.split_once(sign.as_str()).filter(|(own, _)| *own == key)).map(|(_, v)| v)
    } else {
        let index = extractor.get("index").and_then(|index| index.value().as_u64()).unwrap_or(0);
        elements.nth(usize::try_from(index).unwrap_or(usize::MAX))
    };
    Ok(found.map(|found| vec![Cow::Borrowed(found)]))
}

/// A Host, the wildcards above it, and any.
fn of_host(authority: &str) -> Part<'_> {
    let host = domains::without_port(authority);
    let above = host.match_indices('.').map(|(at, _)| Cow::Owned(format!("*{}", &host[at..])));
    [Cow::Borrowed(host)].into_iter().chain(above).chain([Cow::Borrowed("*")]).collect()
}
