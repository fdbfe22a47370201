//! Filters that ask for a password or a key: who shows none is denied, and of those who do it is not known whether they
//! are right, since a dump does not tell the secrets.
//!
//! `source/extensions/filters/http/{basic_auth,api_key_auth}`.

use crate::snapshot::Node;
use crate::verdict::Power;
use crate::walk::way::stop::Stop;
use crate::walk::way::unfit::Unfit;

use super::ask::{Answer, Applied, Ask, Effect};
use super::service::is_set;

const BASIC: &str = "Basic ";

/// A name and a password in `authorization`, or in a header that the filter names.
pub(super) fn basic(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let own = ask.own_node();
    // Whether who shows no name and password is let pass.
    let allows_missing = own.as_ref().is_some_and(|own| is_set(own, "allow_missing"));
    let named = own.and_then(|own| own.text("authentication_header")).filter(|name| !name.is_empty());
    let header = named.unwrap_or_else(|| "authorization".to_owned());
    let value = ask.first(&header);
    let details = match value {
        _ if ask.is_open(&header) => return open(ask, &header),
        value if !value.starts_with(BASIC) && allows_missing => return Vec::new(),
        "" => "no_credential_for_basic_auth",
        value if !value.starts_with(BASIC) => "invalid_scheme_for_basic_auth",
        _ => return open(ask, &header),
    };
    vec![denied(details, format!("the request has no name and password in {header}"), applied)]
}

/// A key in a header, a query parameter or a cookie.
pub(super) fn api_key(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let of = |node: &Node| Some(node.list("key_sources")).filter(|sources| !sources.is_empty());
    let sources = of(&applied.node).or_else(|| of(&ask.own_node()?)).unwrap_or_default();
    for source in &sources {
        let header = source.text("header").filter(|name| !name.is_empty());
        if let Some(header) = header.filter(|name| ask.is_open(name) || !ask.first(name).is_empty()) {
            return open(ask, &header);
        }
        let query = ask.http.path.split_once('?').map_or("", |(_, query)| query);
        let has = |name: &str, list: &str, between: char| {
            list.split(between).any(|pair| pair.trim().split('=').next() == Some(name) && pair.contains('='))
        };
        let in_query = source.text("query").is_some_and(|name| has(&name, query, '&'));
        let in_cookie = source.text("cookie").is_some_and(|name| {
            ask.is_open("cookie") || ask.http.values("cookie").iter().any(|cookies| has(&name, cookies, ';'))
        });
        if in_query || in_cookie {
            return open(ask, "the request");
        }
    }
    vec![denied("missing_api_key", "the request has no key where one is looked for".to_owned(), applied)]
}

fn denied(details: &'static str, note: String, applied: &Applied) -> Effect {
    Answer::to_all(Stop::Unfit(Unfit::CredentialsDenied(details)), "authentication", note, applied.node.clone())
}

fn open(ask: &Ask, place: &str) -> Vec<Effect> {
    let why = format!("whether HTTP filter {} takes the credentials in {place}", ask.filter.name);
    vec![Effect::Open(vec![Power::Refuse], why)]
}
