//! Where a redirect points: `RouteEntryImplBase::newUri` and what is rewritten before it
//! (`source/common/router/config_impl.cc`).

use super::pb::envoy::config::route::v3::RedirectAction;
use super::pb::envoy::config::route::v3::redirect_action::{PathRewriteSpecifier, SchemeRewriteSpecifier};
use super::pb::envoy::config::route::v3::route_match::PathSpecifier;
use super::re2::{self, Charset};

/// The request that is redirected.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What `:scheme` and `x-forwarded-proto` say.
    pub scheme: &'a str,
    /// The Host.
    pub authority: &'a str,
    /// The path with its query.
    pub path: &'a str,
    /// How regular expressions read it.
    pub charset: Charset,
    /// Whether a new prefix takes the place of the old one only where that is there, as it does since 1.40.
    pub checks_prefix: bool,
}

/// The `Location`; `None` where it is computed in a way that is not modeled.
pub fn location(redirect: &RedirectAction, matched: Option<&PathSpecifier>, asked: Asked) -> Option<String> {
    let scheme = match &redirect.scheme_rewrite_specifier {
        Some(SchemeRewriteSpecifier::SchemeRedirect(scheme)) if !scheme.is_empty() => scheme.clone(),
        Some(SchemeRewriteSpecifier::HttpsRedirect(true)) => "https".to_owned(),
        Some(SchemeRewriteSpecifier::SchemeRedirect(_) | SchemeRewriteSpecifier::HttpsRedirect(false)) | None => {
            asked.scheme.to_owned()
        }
    };
    let port = if redirect.port_redirect == 0 { String::new() } else { format!(":{}", redirect.port_redirect) };
    let host = if redirect.host_redirect.is_empty() {
        host(asked, &scheme, !port.is_empty())
    } else {
        &redirect.host_redirect
    };
    let path = path(redirect, matched, asked)?;
    let slash = if path.starts_with('/') { "" } else { "/" };
    Some(format!("{scheme}://{host}{port}{slash}{path}"))
}

/// The request's host: without its port where another takes its place, or where it was the old scheme's own.
fn host<'a>(asked: Asked<'a>, scheme: &str, new_port: bool) -> &'a str {
    let colon = if asked.authority.starts_with('[') {
        asked.authority.rfind("]:").map(|i| i + 1)
    } else {
        asked.authority.rfind(':')
    };
    let Some((name, port)) = colon.and_then(|at| asked.authority.split_at_checked(at)) else {
        return asked.authority;
    };
    let of_old_scheme = matches!((asked.scheme, port), ("https", ":443") | ("http", ":80"));
    if new_port || (scheme != asked.scheme && of_old_scheme) { name } else { asked.authority }
}

fn path(redirect: &RedirectAction, matched: Option<&PathSpecifier>, asked: Asked) -> Option<String> {
    let (bare, query) = match asked.path.find('?') {
        Some(at) => asked.path.split_at(at),
        None => (asked.path, ""),
    };
    let query = if redirect.strip_query { "" } else { query };
    let new = match &redirect.path_rewrite_specifier {
        // It may bring a query of its own, which is never stripped.
        Some(PathRewriteSpecifier::PathRedirect(path)) if path.contains('?') => return Some(path.clone()),
        Some(PathRewriteSpecifier::PathRedirect(path)) if !path.is_empty() => path.clone(),
        Some(PathRewriteSpecifier::PrefixRewrite(new)) if !new.is_empty() => with_new_prefix(new, matched?, asked)?,
        Some(PathRewriteSpecifier::RegexRewrite(rewrite)) => {
            let pattern = rewrite.pattern.as_ref()?;
            re2::replace_all(&pattern.regex, &rewrite.substitution, bare, asked.charset)?
        }
        // What stands between `%` is filled in from the request.
        Some(PathRewriteSpecifier::PathRewrite(text)) if text.contains('%') => return None,
        Some(PathRewriteSpecifier::PathRewrite(text)) if text.contains('?') => return Some(text.clone()),
        Some(PathRewriteSpecifier::PathRewrite(text)) => text.clone(),
        Some(PathRewriteSpecifier::PathRedirect(_) | PathRewriteSpecifier::PrefixRewrite(_)) | None => bare.to_owned(),
    };
    let new = if new.is_empty() { bare } else { &new };
    Some(format!("{new}{query}"))
}

/// The path with `new` for what the route's match names.
fn with_new_prefix(new: &str, matched: &PathSpecifier, asked: Asked) -> Option<String> {
    let path = asked.path.split('?').next().unwrap_or_default();
    let old = match matched {
        PathSpecifier::Prefix(start) | PathSpecifier::PathSeparatedPrefix(start) | PathSpecifier::Path(start) => start,
        PathSpecifier::SafeRegex(_) => path,
        PathSpecifier::ConnectMatcher(_) | PathSpecifier::PathMatchPolicy(_) => return None,
    };
    // Where parameters were left out of the comparison, the path may begin in another way.
    match path.split_at_checked(old.len()) {
        Some((start, rest)) if !asked.checks_prefix || start.eq_ignore_ascii_case(old) => Some(format!("{new}{rest}")),
        Some(_) | None => Some(path.to_owned()),
    }
}
