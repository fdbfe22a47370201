//! Requests that change something must come from the proxy's own host
//! (`source/extensions/filters/http/csrf/csrf_filter.cc`).

use crate::envoy::classes::{Atom, Sign};
use crate::envoy::matcher::{self, Match};
use crate::envoy::pb::envoy::config::core::v3::RuntimeFractionalPercent;
use crate::envoy::pb::envoy::extensions::filters::http::csrf::v3::CsrfPolicy;
use crate::walk::way::apart::{Asking, Entry};
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

use super::ask::{Answer, Applied, Ask, Effect};

const POLICY: &str = "envoy.extensions.filters.http.csrf.v3.CsrfPolicy";

/// The methods that change something.
const CHANGING: [&str; 4] = ["POST", "PUT", "DELETE", "PATCH"];

/// The requests that it looks at, as far as their method says so.
pub(super) fn lists(ask: &Ask, applied: &Applied) -> Result<Vec<Asking>, String> {
    let policy: CsrfPolicy = applied.any.unpack()?;
    let is_off =
        applied.node.get("shadow_enabled").is_none() && ask.share(policy.filter_enabled.as_ref(), 0.0) == Ok(0.0);
    let of = |method: &&str| Entry::sure(vec![(Atom::header_is(":method", method), Sign::Holds)], 1);
    Ok(if is_off { Vec::new() } else { vec![CHANGING.iter().map(of).collect::<Vec<Entry>>().into()] })
}

pub(super) fn effect(ask: &Ask, applied: &Applied) -> Result<Option<Effect>, String> {
    let policy: CsrfPolicy = applied.any.unpack()?;
    if let Some(what) = Walker::unmodeled(&applied.node, POLICY, &[]) {
        return Err(what);
    }
    let enabled = ask.share(policy.filter_enabled.as_ref(), 0.0)?;
    let shadow = applied.node.get("shadow_enabled").map(|node| node.decode::<RuntimeFractionalPercent>());
    let shadow = shadow.transpose().map_err(|why| format!("`shadow_enabled` could not be read: {why}"))?;
    let shadow = ask.share(shadow.as_ref(), 0.0)?;
    // Chance is asked anew each time: whether to look at all, and then whether only to count.
    let looks = 1.0 - (1.0 - enabled) * (1.0 - shadow);
    let denied = looks * (1.0 - shadow * (1.0 - enabled));
    if denied <= 0.0 || !CHANGING.contains(&ask.http.method.as_str()) {
        return Ok(None);
    }
    if ask.before.headers_changed {
        return Err("a filter before CSRF changes headers".to_owned());
    }
    let origin = match host_and_port(ask.first("origin"))? {
        "" => host_and_port(ask.first("referer"))?,
        origin => origin,
    };
    let own = host_and_port(&ask.http.authority)?;
    let known = policy.additional_origins.iter().fold(Match::No, |any, m| any.or(matcher::string(m, origin)));
    // `null` is an origin that its page does not tell, and no policy takes it.
    let untold = origin.is_empty() || ask.first("origin") == "null";
    let valid = match (untold, origin == own, known) {
        (true, _, _) | (false, false, Match::No) => false,
        (false, true, _) | (false, _, Match::Yes) => true,
        (false, false, Match::Share(_)) => return Err("whether CSRF allows the origin".to_owned()),
        (false, false, Match::Unknown(why)) => return Err(format!("whether CSRF allows the origin: {why}")),
    };
    let note = "rejects requests that come from elsewhere".to_owned();
    let node = Some(applied.node.clone());
    let answer = Answer { share: denied, stop: Stop::CsrfDenied, by: "CSRF filter", note, node };
    Ok((!valid).then_some(Effect::Answers(answer)))
}

/// Of an absolute URL its host and port, of anything else all.
fn host_and_port(value: &str) -> Result<&str, String> {
    let Some((scheme, rest)) = value.split_once("://") else { return Ok(value) };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:".contains(c);
    let port = authority.split_once(':').map(|(_, port)| port);
    let is_odd = port.is_some_and(|port| port.is_empty() || port.parse::<u16>().is_err());
    if is_odd || !["http", "https"].contains(&scheme) || authority.is_empty() || !authority.chars().all(is_plain) {
        return Err(format!("the origin {value} is not modeled"));
    }
    Ok(authority)
}
