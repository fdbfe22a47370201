//! Conditions in words: "path begins with /api, but not with /api/v2".

use crate::envoy::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier as Specifier;
use crate::envoy::pb::envoy::config::route::v3::query_parameter_matcher::QueryParameterMatchSpecifier;
use crate::envoy::pb::envoy::config::route::v3::{CookieMatcher, HeaderMatcher, QueryParameterMatcher};
use crate::envoy::pb::envoy::r#type::matcher::v3::{StringMatcher, string_matcher::MatchPattern};
use crate::envoy::pb::envoy::r#type::v3::Int64Range;
use crate::envoy::uri_template;

use super::atom::{Atom, Case, PathAtom, PathTest, Sign};
use super::except::{Exceptions, follows};
use super::list::Conditions;
use super::rule::Rule;

/// A condition, and which way it is wanted.
type Wanted = (Atom, Sign);

impl Atom {
    /// The condition, or that it fails, in words.
    #[must_use]
    pub fn words(&self, sign: Sign) -> String {
        match self {
            Self::Path(path) => path.words(sign),
            Self::Header(header) => of_header(header, sign),
            Self::Query(parameter) => of_parameter(parameter, sign),
            Self::Cookie(cookie) => of_cookie(cookie, sign),
            Self::Grpc => format!("it {} gRPC", sign.pick("is", "is not")),
        }
    }
}

impl Sign {
    fn pick(self, holds: &'static str, fails: &'static str) -> &'static str {
        match self {
            Self::Holds => holds,
            Self::Fails => fails,
        }
    }

    fn flipped_if(self, case: Inverted) -> Self {
        match (self, case) {
            (Self::Holds, Inverted::No) | (Self::Fails, Inverted::Yes) => Self::Holds,
            (Self::Fails, Inverted::No) | (Self::Holds, Inverted::Yes) => Self::Fails,
        }
    }
}

/// Whether a matcher says the opposite of what stands in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inverted {
    Yes,
    No,
}

impl PathAtom {
    fn words(&self, sign: Sign) -> String {
        let words = match &self.test {
            PathTest::Exact(text) => format!("path {} {text}", sign.pick("is", "is not")),
            PathTest::Prefix(text) => format!("path {} {text}", sign.pick("begins with", "does not begin with")),
            PathTest::Below(text) => format!("path {} {text} or below it", sign.pick("is", "is not")),
            PathTest::Regex(regex) => format!("path {}", of_regex(regex, sign)),
            PathTest::Template(config) => {
                let template = uri_template::language::template(config);
                let matcher = template.map_or_else(|| "an unknown matcher".to_owned(), |t| format!("the template {t}"));
                format!("path {} {matcher}", sign.pick("fits", "does not fit"))
            }
            PathTest::Text(text) => format!("path {}", of_string(text, sign, Quotes::Without)),
        };
        if self.case == Case::Ignored { words + ", in any case" } else { words }
    }
}

/// Whether a text stands between quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    With,
    Without,
}

impl Quotes {
    fn around(self, text: &str) -> String {
        match self {
            Self::With => format!("\"{text}\""),
            Self::Without => text.to_owned(),
        }
    }
}

fn of_regex(regex: &str, sign: Sign) -> String {
    format!("{} the regex {regex}", sign.pick("matches", "does not match"))
}

fn of_pattern(pattern: &MatchPattern, sign: Sign, quotes: Quotes) -> String {
    let (verb, text) = match pattern {
        MatchPattern::Exact(text) => (sign.pick("is", "is not"), text),
        MatchPattern::Prefix(text) => (sign.pick("begins with", "does not begin with"), text),
        MatchPattern::Suffix(text) => (sign.pick("ends with", "does not end with"), text),
        MatchPattern::Contains(text) => (sign.pick("contains", "does not contain"), text),
        MatchPattern::SafeRegex(regex) => return of_regex(&regex.regex, sign),
    };
    format!("{verb} {}", quotes.around(text))
}

fn of_string(matcher: &StringMatcher, sign: Sign, quotes: Quotes) -> String {
    let Some(pattern) = &matcher.match_pattern else {
        return format!("{} an unknown matcher", sign.pick("fits", "does not fit"));
    };
    let words = of_pattern(pattern, sign, quotes);
    let folds = matcher.ignore_case && !matches!(pattern, MatchPattern::SafeRegex(_));
    if folds { words + ", in any case" } else { words }
}

fn of_range(range: &Int64Range, sign: Sign) -> String {
    let (first, last) = (range.start, range.end.saturating_sub(1));
    let what = match first.cmp(&last) {
        std::cmp::Ordering::Less => format!("a number from {first} to {last}"),
        std::cmp::Ordering::Equal => format!("the number {first}"),
        std::cmp::Ordering::Greater => "a number of an empty range".to_owned(),
    };
    format!("{} {what}", sign.pick("is", "is not"))
}

fn of_header(header: &HeaderMatcher, sign: Sign) -> String {
    let (name, quotes) = match header.name.to_ascii_lowercase().as_str() {
        ":method" => ("method".to_owned(), Quotes::Without),
        ":authority" | "host" => ("host".to_owned(), Quotes::Without),
        ":path" => ("path with its query".to_owned(), Quotes::Without),
        ":scheme" => ("scheme".to_owned(), Quotes::Without),
        name => (format!("header {name}"), Quotes::With),
    };
    let of_value = sign.flipped_if(if header.invert_match { Inverted::Yes } else { Inverted::No });
    let pattern = |pattern| of_pattern(&pattern, of_value, quotes);
    let value = match &header.header_match_specifier {
        None => return presence(&name, header, of_value),
        Some(Specifier::PresentMatch(is_wanted)) => {
            return presence(&name, header, of_value.flipped_if(if *is_wanted { Inverted::No } else { Inverted::Yes }));
        }
        Some(Specifier::ExactMatch(text)) if text.is_empty() => of_value.pick("has a value", "has no value").to_owned(),
        Some(Specifier::ExactMatch(text)) => pattern(MatchPattern::Exact(text.clone())),
        Some(Specifier::PrefixMatch(text)) => pattern(MatchPattern::Prefix(text.clone())),
        Some(Specifier::SuffixMatch(text)) => pattern(MatchPattern::Suffix(text.clone())),
        Some(Specifier::ContainsMatch(text)) => pattern(MatchPattern::Contains(text.clone())),
        Some(Specifier::SafeRegexMatch(regex)) => of_regex(&regex.regex, of_value),
        Some(Specifier::RangeMatch(range)) => of_range(range, of_value),
        Some(Specifier::StringMatch(text)) => of_string(text, of_value, quotes),
    };
    // An absent header meets no condition of a value, and so does not meet an inverted one either.
    let is_optional = header.treat_missing_header_as_empty || quotes == Quotes::Without;
    match (is_optional, of_value, sign) {
        (false, Sign::Fails, Sign::Holds) => format!("{name} is there and {value}"),
        (false, Sign::Holds, Sign::Fails) => format!("{name} is absent or {value}"),
        (true, ..) | (false, Sign::Holds, Sign::Holds) | (false, Sign::Fails, Sign::Fails) => format!("{name} {value}"),
    }
}

fn presence(name: &str, header: &HeaderMatcher, sign: Sign) -> String {
    match (header.treat_missing_header_as_empty, sign) {
        (true, Sign::Holds) => format!("{name} is there or not"),
        (true, Sign::Fails) => format!("{name} is neither there nor absent"),
        (false, sign) => format!("{name} {}", sign.pick("is there", "is absent")),
    }
}

fn of_parameter(parameter: &QueryParameterMatcher, sign: Sign) -> String {
    let value = match &parameter.query_parameter_match_specifier {
        Some(QueryParameterMatchSpecifier::StringMatch(text)) => of_string(text, sign, Quotes::With),
        Some(QueryParameterMatchSpecifier::PresentMatch(false)) => sign.pick("is absent", "is there").to_owned(),
        Some(QueryParameterMatchSpecifier::PresentMatch(true)) | None => sign.pick("is there", "is absent").to_owned(),
    };
    format!("query parameter {} {value}", parameter.name)
}

fn of_cookie(cookie: &CookieMatcher, sign: Sign) -> String {
    let sign = sign.flipped_if(if cookie.invert_match { Inverted::Yes } else { Inverted::No });
    let value = cookie.string_match.as_ref().map(|text| of_string(text, sign, Quotes::With));
    format!("cookie {} {}", cookie.name, value.unwrap_or_else(|| sign.pick("is there", "is absent").to_owned()))
}

/// A rule's conditions, and what earlier rules take of it.
pub(super) fn predicate(own: &[Wanted], rules: &[Rule], except: &Exceptions, besides: &[&Conditions]) -> String {
    let conditions = own;
    let own = all_of(own.iter());
    let named = except.rules.iter().filter_map(|other| rules.get(*other)).map(|other| &other.conditions);
    let mut exceptions: Vec<String> =
        named.chain(besides.iter().copied()).filter_map(|other| exception(conditions, other)).collect();
    exceptions.dedup();
    if except.and_others {
        let others =
            if exceptions.is_empty() { "what routes before it take" } else { "what other routes before it take" };
        exceptions.push(others.to_owned());
    }
    let mut words = if own.is_empty() { "any request".to_owned() } else { own };
    for (i, exception) in exceptions.iter().enumerate() {
        words += if i == 0 { ", but not " } else { ", nor " };
        words += exception;
    }
    words
}

/// So many conditions are told where there is little room.
const FIRST: usize = 2;

/// Which requests a rule takes, as it follows a verb. A path says it shortly; what earlier rules take of it is left out
/// then, and so are conditions beyond the first of many.
pub(super) fn place(conditions: &[Wanted], predicate: &str) -> String {
    let short = match conditions {
        [] => return format!("for {predicate}"),
        [(Atom::Path(PathAtom { test, case: Case::Sensitive }), Sign::Holds)] => match test {
            PathTest::Prefix(text) => Some(format!("{text}…")),
            PathTest::Exact(text) => Some(text.clone()),
            PathTest::Below(_) | PathTest::Regex(_) | PathTest::Template(_) | PathTest::Text(_) => None,
        },
        _ => None,
    };
    match short {
        Some(short) => format!("for {short}"),
        None if conditions.len() > FIRST + 1 => {
            format!(
                "where {} and {} more conditions hold",
                all_of(conditions[..FIRST].iter()),
                conditions.len() - FIRST
            )
        }
        None => format!("where {predicate}"),
    }
}

fn all_of<'a>(conditions: impl Iterator<Item = &'a (Atom, Sign)>) -> String {
    let mut all: Vec<String> = Vec::new();
    // What a route and a policy ask alike is said once.
    for words in conditions.map(|(atom, sign)| atom.words(*sign)) {
        if !all.contains(&words) {
            all.push(words);
        }
    }
    all.join(" and ")
}

/// What another rule asks for besides; `None` where that is nothing.
fn exception(own: &[Wanted], other: &[Wanted]) -> Option<String> {
    let besides = other.iter().filter(|wanted| !own.iter().any(|own| follows(own, wanted)));
    let prefix = |atom: &Atom| match atom {
        Atom::Path(PathAtom { test: PathTest::Prefix(text), case: Case::Sensitive }) => Some(text.clone()),
        Atom::Path(_) | Atom::Header(_) | Atom::Query(_) | Atom::Cookie(_) | Atom::Grpc => None,
    };
    let prefix = |(atom, sign): &(Atom, Sign)| prefix(atom).filter(|_| *sign == Sign::Holds);
    Some(match besides.collect::<Vec<_>>().as_slice() {
        [] => return None,
        [one] if own.iter().any(|own| prefix(own).is_some()) => {
            prefix(one).map_or_else(|| format!("where {}", all_of([*one].into_iter())), |text| format!("with {text}"))
        }
        several => format!("where {}", all_of(several.iter().copied())),
    })
}
