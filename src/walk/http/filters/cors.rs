//! Preflights of browsers, which the proxy may answer (`source/extensions/filters/http/cors/cors_filter.cc`).
//!
//! Every level's policy counts, the most specific first: it says whether the filter is on, and the first that lists
//! origins says which. Where no level has one of its own for the filter, the old fields of the route and of the virtual
//! host count.

use crate::envoy::classes::{Atom, Sign};
use crate::envoy::matcher::{self, Match};
use crate::envoy::pb::envoy::extensions::filters::http::cors::v3::CorsPolicy;
use crate::envoy::pb::envoy::r#type::matcher::v3::StringMatcher;
use crate::snapshot::Node;
use crate::walk::way::apart::{Asking, Entry};
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

use super::ask::{Answer, Ask, Effect, levels};

const POLICY: &str = "envoy.extensions.filters.http.cors.v3.CorsPolicy";

/// Whether the request is a preflight.
pub(super) fn is_preflight(ask: &Ask) -> bool {
    ask.http.method == "OPTIONS" && ["origin", "access-control-request-method"].iter().all(|h| !ask.first(h).is_empty())
}

/// The same, as conditions.
pub(super) fn preflight() -> Vec<(Atom, Sign)> {
    let there = |name: &str| (Atom::header_has_value(name), Sign::Holds);
    let method = (Atom::header_is(":method", "OPTIONS"), Sign::Holds);
    vec![method, there("origin"), there("access-control-request-method")]
}

/// The preflights that the policies tell apart.
pub(super) fn lists(ask: &Ask) -> Result<Vec<Asking>, String> {
    let policies: Vec<CorsPolicy> = policies(ask)?.into_iter().map(|(policy, _)| policy).collect();
    if policies.is_empty() || !ask.forwards() {
        return Ok(Vec::new());
    }
    let origins = policies.iter().map(|p| &p.allow_origin_string_match).find(|list| !list.is_empty());
    let always = ask.share(policies.first().and_then(|p| p.filter_enabled.as_ref()), 1.0) == Ok(1.0);
    let of = |origin: &StringMatcher| {
        let from = (Atom::header_that("origin", origin.clone()), Sign::Holds);
        let allowed = if matcher::string(origin, "*") == Match::Yes { None } else { Some(from) };
        let entry = Entry::sure(preflight().into_iter().chain(allowed).collect(), 1);
        if always { entry.ending() } else { entry }
    };
    let allowed = origins.into_iter().flatten().map(of);
    Ok(vec![allowed.chain([Entry::sure(preflight(), 2)]).collect::<Vec<Entry>>().into()])
}

pub(super) fn effect(ask: &Ask) -> Result<Option<Effect>, String> {
    // Only a route that forwards has a policy.
    if is_preflight(ask) && ask.forwards() { answer(ask) } else { Ok(None) }
}

fn answer(ask: &Ask) -> Result<Option<Effect>, String> {
    if ask.before.headers_changed {
        return Err("a filter before CORS changes headers".to_owned());
    }
    let (policies, nodes): (Vec<CorsPolicy>, Vec<Node>) = policies(ask)?.into_iter().unzip();
    if let Some(what) = nodes.iter().find_map(|node| Walker::unmodeled(node, POLICY, &[])) {
        return Err(what);
    }
    let Some(first) = policies.first() else { return Ok(None) };
    let enabled = ask.share(first.filter_enabled.as_ref(), 1.0)?;
    let lists = policies.iter().map(|p| &p.allow_origin_string_match).find(|list| !list.is_empty());
    let origin = ask.first("origin");
    let allowed = lists.into_iter().flatten().fold(Match::No, |any, m| {
        // What matches `*` matches all.
        any.or(matcher::string(m, "*")).or(matcher::string(m, origin))
    });
    let forwards = policies.iter().find_map(|p| p.forward_not_matching_preflights.as_ref()).is_none_or(|b| b.value);
    let answers = match allowed {
        Match::Yes => true,
        Match::No => !forwards,
        Match::Share(_) => return Err("whether CORS allows the origin".to_owned()),
        Match::Unknown(why) => return Err(format!("whether CORS allows the origin: {why}")),
    };
    let note = "answers the preflight".to_owned();
    let answer =
        Answer { share: enabled, stop: Stop::CorsPreflight, by: "CORS filter", note, node: nodes.into_iter().next() };
    Ok((answers && enabled > 0.0).then_some(Effect::Answers(answer)))
}

/// The policies, the most specific first.
fn policies(ask: &Ask) -> Result<Vec<(CorsPolicy, Node)>, String> {
    let own = levels(ask.chain, ask.chosen, &ask.filter.name).into_iter();
    let own: Vec<(CorsPolicy, Node)> =
        own.map(|applied| Ok((applied.any.unpack()?, applied.node))).collect::<Result<_, String>>()?;
    if !own.is_empty() {
        return Ok(own);
    }
    let of_route = ask.chosen.route.as_ref().and_then(|hit| hit.node.get("route")?.get("cors"));
    let of_host = ask.chain.host.table().and_then(|table| table.node().get("cors"));
    of_route.into_iter().chain(of_host).map(|node| Ok((node.decode()?, node))).collect()
}
