//! Which routes of a virtual host can take a path, by the text that it must begin with.

use std::collections::{BTreeMap, HashMap};

use super::pb::envoy::config::route::v3::RouteMatch;
use super::pb::envoy::config::route::v3::route_match::PathSpecifier;
use super::redacted;

/// The routes of a virtual host by what a path must begin with for them, so that a request does not get slower with each
/// route that is for other paths.
#[derive(Clone, Default, Debug)]
pub struct RoutePaths {
    /// By length, and then by text.
    literals: BTreeMap<usize, HashMap<String, Vec<usize>>>,
    /// Those of which the beginning does not tell.
    others: Vec<usize>,
    count: usize,
}

impl RoutePaths {
    /// Adds the next route, by what it wants of a request; `None` where that is not known.
    pub fn push(&mut self, wanted: Option<&RouteMatch>) {
        let route = self.count;
        self.count += 1;
        match wanted.and_then(literal) {
            Some(text) => self.literals.entry(text.len()).or_default().entry(text.to_owned()).or_default().push(route),
            None => self.others.push(route),
        }
    }

    /// The routes that can take the path, in their order: the path of no other matches.
    pub fn taking(&self, path: &str) -> Vec<usize> {
        if redacted::is_in(path) {
            return (0..self.count).collect();
        }
        let path = path.as_bytes();
        let of = |(len, texts): (&usize, &HashMap<String, Vec<usize>>)| {
            let text = std::str::from_utf8(path.get(..*len)?).ok()?;
            texts.get(text).cloned()
        };
        let mut found: Vec<usize> = self.literals.range(..=path.len()).filter_map(of).flatten().collect();
        found.extend(&self.others);
        found.sort_unstable();
        found
    }
}

/// What the path must begin with. A route whose `runtime_fraction` may need runtime values is looked at in any case, and
/// one of which a secret was left out, too.
fn literal(wanted: &RouteMatch) -> Option<&str> {
    if wanted.runtime_fraction.is_some() || wanted.case_sensitive.is_some_and(|b| !b.value) {
        return None;
    }
    match wanted.path_specifier.as_ref()? {
        PathSpecifier::Prefix(text) | PathSpecifier::Path(text) | PathSpecifier::PathSeparatedPrefix(text) => {
            Some(text.as_str()).filter(|text| !redacted::is_in(text))
        }
        PathSpecifier::SafeRegex(_) | PathSpecifier::ConnectMatcher(_) | PathSpecifier::PathMatchPolicy(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envoy::pb::envoy::config::core::v3::RuntimeFractionalPercent;
    use crate::envoy::pb::envoy::r#type::matcher::v3::RegexMatcher;

    fn wanted(specifier: PathSpecifier) -> RouteMatch {
        RouteMatch { path_specifier: Some(specifier), ..RouteMatch::default() }
    }

    #[test]
    fn only_what_can_take_the_path_is_found_and_in_order() {
        let folds = RouteMatch {
            case_sensitive: Some(pbjson_types::BoolValue { value: false }),
            ..wanted(PathSpecifier::Prefix("/B".into()))
        };
        let drawn = RouteMatch {
            runtime_fraction: Some(RuntimeFractionalPercent::default()),
            ..wanted(PathSpecifier::Path("/c".into()))
        };
        let routes = [
            wanted(PathSpecifier::Prefix("/".into())),
            wanted(PathSpecifier::Path("/api".into())),
            wanted(PathSpecifier::Prefix("/other".into())),
            wanted(PathSpecifier::SafeRegex(RegexMatcher::default())),
            wanted(PathSpecifier::PathSeparatedPrefix("/api".into())),
            folds,
            drawn,
            wanted(PathSpecifier::Prefix("/(redacted)".into())),
            wanted(PathSpecifier::Prefix(String::new())),
            wanted(PathSpecifier::Prefix("/é".into())),
        ];
        let mut paths = RoutePaths::default();
        routes.iter().map(Some).chain([None]).for_each(|wanted| paths.push(wanted));
        assert_eq!(paths.taking("/api/x"), [0, 1, 3, 4, 5, 6, 7, 8, 10]);
        assert_eq!(paths.taking("/é"), [0, 3, 5, 6, 7, 8, 9, 10]);
        assert_eq!(paths.taking(""), [3, 5, 6, 7, 8, 10]);
        assert_eq!(paths.taking("/(redacted)"), (0..11).collect::<Vec<_>>());
    }
}
