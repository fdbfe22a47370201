//! What a query parameter or a cookie has to be: of each name only the first one counts.

use crate::envoy::matcher::{self, Match};
use crate::envoy::pb::envoy::config::route::v3::query_parameter_matcher::QueryParameterMatchSpecifier as Specifier;
use crate::envoy::pb::envoy::r#type::matcher::v3::StringMatcher;

use super::atom::{Atom, Sign};
use super::header_part::constant_of;
use super::language;
use super::texts::{self, Place, Text};
use super::tools::{Tools, Value, Wanted};

/// What has a name and a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pair {
    /// A query parameter.
    Query,
    /// A cookie.
    Cookie,
}

impl Pair {
    fn what(self) -> &'static str {
        match self {
            Self::Query => "the query parameter",
            Self::Cookie => "the cookie",
        }
    }

    fn is_name(self, name: &str) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"&=#".contains(&byte);
        match self {
            Self::Query => !name.is_empty() && name.bytes().all(is_plain),
            Self::Cookie => texts::is_token(name),
        }
    }
}

/// The value that meets all conditions.
pub(super) fn solve(pair: Pair, name: &str, wanted: &[Wanted], tools: &mut Tools) -> Value {
    let open = |why: &str| Value::Unknown(format!("{} {name}: {why}", pair.what()));
    let absent = test(wanted, None, tools);
    if absent == Match::Yes && !name.is_empty() {
        return Value::Absent;
    }
    if !pair.is_name(name) {
        return open("no client sends this name");
    }
    let tried = |text: &String| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        text.bytes().all(is_plain) && test(wanted, Some(&[name, "=", text].concat()), tools) == Match::Yes
    };
    let named = wanted.iter().filter_map(|(atom, _)| string_of(atom).and_then(constant_of));
    if let Some(text) = named.chain(["1".to_owned()]).find(tried) {
        return Value::Lines(vec![text]);
    }
    let Some(languages) = languages(wanted, tools) else {
        return if absent == Match::No { Value::Impossible } else { open("what its absence meets is open") };
    };
    let place = match pair {
        Pair::Query => Place::Query,
        Pair::Cookie => Place::Cookie,
    };
    match place.find(&languages, &mut tools.automata) {
        Text::Found(text) => Value::Lines(vec![text]),
        Text::Unknown(why) => open(why),
        Text::None if absent == Match::No => Value::Impossible,
        Text::None => open("what its absence meets is open"),
    }
}

/// Whether the query, or the header of the cookies, meets all conditions; `None` is one without the name.
fn test(wanted: &[Wanted], pair: Option<&str>, tools: &Tools) -> Match {
    let charset = tools.frame.reading.charset;
    wanted.iter().fold(Match::Yes, |all, (atom, sign)| {
        let holds = match atom {
            Atom::Query(parameter) => matcher::query_parameter(parameter, pair.unwrap_or_default(), charset),
            Atom::Cookie(cookie) => matcher::cookie(cookie, pair.as_slice(), charset),
            Atom::Path(_) | Atom::Header(_) | Atom::Grpc => Match::No,
        };
        all.and(sign.of(holds))
    })
}

fn string_of(atom: &Atom) -> Option<&StringMatcher> {
    match atom {
        Atom::Query(parameter) => match parameter.query_parameter_match_specifier.as_ref()? {
            Specifier::StringMatch(text) => Some(text),
            Specifier::PresentMatch(_) => None,
        },
        Atom::Cookie(cookie) => cookie.string_match.as_ref(),
        Atom::Path(_) | Atom::Header(_) | Atom::Grpc => None,
    }
}

/// The languages of a value that is there; `None` where there must be none.
fn languages(wanted: &[Wanted], tools: &Tools) -> Option<Vec<(String, Sign)>> {
    let mut all = Vec::new();
    for (atom, sign) in wanted {
        let (pattern, is_inverted) = match atom {
            Atom::Query(parameter) => match &parameter.query_parameter_match_specifier {
                Some(Specifier::PresentMatch(is_wanted)) => (Some(language::any()), !is_wanted),
                Some(Specifier::StringMatch(text)) => (language::of_string(text, tools.frame.reading.charset), false),
                None => (Some(language::any()), false),
            },
            Atom::Cookie(cookie) => {
                let text = cookie.string_match.as_ref();
                let pattern =
                    text.map_or_else(|| Some(language::any()), |t| language::of_string(t, tools.frame.reading.charset));
                (pattern, cookie.invert_match)
            }
            Atom::Path(_) | Atom::Header(_) | Atom::Grpc => (None, false),
        };
        // What nobody knows the language of is left to the check of the whole request.
        let Some(pattern) = pattern else { continue };
        let sign = if (*sign == Sign::Holds) == is_inverted { Sign::Fails } else { Sign::Holds };
        all.push((pattern, sign));
    }
    let is_absent = |(pattern, sign): &(String, Sign)| *sign == Sign::Fails && *pattern == language::any();
    if all.iter().any(is_absent) { None } else { Some(all) }
}
