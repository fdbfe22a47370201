//! The `OAuth2` filter: who has no session is sent to the authorization server
//! (`source/extensions/filters/http/oauth2/filter.cc`, `decodeHeaders`).

use crate::envoy::matcher::Match;
use crate::envoy::pb::envoy::config::route::v3::HeaderMatcher;
use crate::snapshot::Node;
use crate::verdict::Power;
use crate::walk::way::stop::Stop;
use crate::walk::way::unfit::Unfit;

use super::ask::{Answer, Applied, Ask, Effect};

pub(super) fn effects(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let Some(config) = applied.node.get("config") else { return Vec::new() };
    let open = |why: &str| {
        let why = format!("what HTTP filter {} does: {why}", ask.filter.name);
        vec![Effect::Open(vec![Power::Refuse, Power::Answer], why)]
    };
    match matches(ask, &config, "pass_through_matcher") {
        Match::Yes => return Vec::new(),
        Match::No => {}
        Match::Share(_) => return open("whether it lets the request by"),
        Match::Unknown(why) => return open(&why),
    }
    let path = ask.http.path.split('?').next().unwrap_or_default();
    let is_at = |field: &str| config.at(field).and_then(|at| at.text("path.exact")).is_some_and(|own| own == path);
    if is_at("signout_path") {
        let note = "it signs the client out".to_owned();
        return vec![Answer::to_all(Stop::Redirect(302), "OAuth2", note, config)];
    }
    let has_session = !ask.http.values("cookie").is_empty() || ask.is_open("cookie");
    if has_session || is_at("redirect_path_matcher") {
        return open("whether the client has a session");
    }
    if ask.first("authorization").starts_with("Bearer ") {
        return open("whether it forwards the client's own token");
    }
    match matches(ask, &config, "deny_redirect_matcher") {
        Match::Yes => {
            let note = "the client has no session, and is not to be redirected".to_owned();
            vec![Answer::to_all(Stop::Unfit(Unfit::CredentialsDenied("oauth_denied")), "OAuth2", note, config)]
        }
        Match::No => {
            let note = "the client has no session: it is sent to the authorization server".to_owned();
            vec![Answer::to_all(Stop::Redirect(302), "OAuth2", note, config)]
        }
        Match::Share(_) => open("whether it redirects"),
        Match::Unknown(why) => open(&why),
    }
}

/// Whether one of the list's header matchers takes the request.
fn matches(ask: &Ask, config: &Node, field: &str) -> Match {
    let matchers = config.list(field);
    matchers.iter().fold(Match::No, |found, matcher| {
        found.or(matcher.decode::<HeaderMatcher>().map_or_else(Match::Unknown, |matcher| ask.header(&matcher)))
    })
}
