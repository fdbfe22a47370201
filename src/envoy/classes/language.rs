//! The texts that a condition takes, as a regular expression over bytes.

use std::fmt::Write as _;

use crate::envoy::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier as Specifier;
use crate::envoy::pb::envoy::r#type::matcher::v3::{StringMatcher, string_matcher::MatchPattern};
use crate::envoy::re2::{self, Charset};
use crate::envoy::redacted;
use crate::envoy::uri_template;

use super::atom::{Atom, Case, PathAtom, PathTest};
use super::numbers;

/// Every text.
const ANY: &str = "(?s:.)*";

/// What a condition of one text takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Language {
    /// What the expression matches.
    Regex(String),
    /// All of it, or none, as long as there is a text at all: the rule about presence decides.
    Presence,
    /// Nobody here can say.
    Unknown,
}

impl Language {
    fn of(pattern: Option<String>) -> Self {
        pattern.map_or(Self::Unknown, Self::Regex)
    }
}

/// What a condition of the path takes of paths without a query and without parameters.
pub(super) fn of_path(atom: &PathAtom, charset: Charset) -> Language {
    let fold = |pattern: String| if atom.case == Case::Ignored { format!("(?i:{pattern})") } else { pattern };
    let pattern = match &atom.test {
        PathTest::Exact(text) => literal(text).map(fold),
        PathTest::Prefix(text) => literal(text).map(|text| fold(text) + ANY),
        PathTest::Below(text) => literal(text).map(|text| format!("{}(?:/{ANY})?", fold(text))),
        PathTest::Regex(regex) => of_regex(regex, charset),
        PathTest::Template(config) => {
            let template = uri_template::language::template(config);
            let regex = template.and_then(|template| uri_template::language::regex(&template));
            regex.and_then(|regex| of_regex(&regex, charset))
        }
        PathTest::Text(text) => of_string(text, charset),
    };
    Language::of(pattern)
}

/// What a condition of a header takes of one value, before it is inverted.
pub(super) fn of_value(atom: &Atom, charset: Charset) -> Language {
    match atom {
        Atom::Header(header) => match &header.header_match_specifier {
            None | Some(Specifier::PresentMatch(_)) => Language::Presence,
            // The old form of exact_match with an empty value matches any value that is present.
            Some(Specifier::ExactMatch(text)) if text.is_empty() => Language::Regex(ANY.to_owned()),
            Some(Specifier::ExactMatch(text)) => Language::of(literal(text)),
            Some(Specifier::PrefixMatch(text)) => Language::of(literal(text).map(|text| text + ANY)),
            Some(Specifier::SuffixMatch(text)) => Language::of(literal(text).map(|text| ANY.to_owned() + &text)),
            Some(Specifier::ContainsMatch(text)) => Language::of(literal(text).map(|text| [ANY, &text, ANY].concat())),
            Some(Specifier::SafeRegexMatch(regex)) => Language::of(of_regex(&regex.regex, charset)),
            Some(Specifier::RangeMatch(range)) => Language::Regex(numbers::range(range.start, range.end)),
            Some(Specifier::StringMatch(text)) => Language::of(of_string(text, charset)),
        },
        Atom::Grpc => Language::Regex(format!("application/grpc(?:\\+{ANY})?")),
        Atom::Path(_) | Atom::Query(_) | Atom::Cookie(_) => Language::Unknown,
    }
}

/// What a string matcher takes.
pub(super) fn of_string(matcher: &StringMatcher, charset: Charset) -> Option<String> {
    let fold = |pattern: String| if matcher.ignore_case { format!("(?i:{pattern})") } else { pattern };
    match matcher.match_pattern.as_ref()? {
        MatchPattern::Exact(text) => literal(text).map(fold),
        MatchPattern::Prefix(text) => literal(text).map(|text| fold(text) + ANY),
        MatchPattern::Suffix(text) => literal(text).map(|text| ANY.to_owned() + &fold(text)),
        MatchPattern::Contains(text) => literal(text).map(|text| [ANY, &fold(text), ANY].concat()),
        MatchPattern::SafeRegex(regex) => of_regex(&regex.regex, charset),
    }
}

/// Every text, for conditions that only ask whether there is one.
pub(super) fn any() -> String {
    ANY.to_owned()
}

/// A secret that was left out of a text may have been anything.
fn literal(text: &str) -> Option<String> {
    if redacted::is_in(text) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/_".contains(&byte) {
            out.push(char::from(byte));
        } else if write!(out, "\\x{byte:02X}").is_err() {
            return None;
        }
    }
    Some(out)
}

fn of_regex(regex: &str, charset: Charset) -> Option<String> {
    if redacted::is_in(regex) {
        return None;
    }
    re2::language::over_bytes(regex, charset).ok().map(|regex| format!("(?:{regex})"))
}
