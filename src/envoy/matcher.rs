//! Does a matcher match? Strings, headers, query parameters and cookies, as Envoy tests them.
//!
//! `source/common/http/header_utility.cc`, `source/common/common/matchers.cc`; the header truth table was
//! observed on 1.40.0 and is a test below.

use super::pb::envoy::config::route::v3::{CookieMatcher, HeaderMatcher, QueryParameterMatcher};
use super::pb::envoy::config::route::v3::{header_matcher, query_parameter_matcher};
use super::pb::envoy::r#type::matcher::v3::{StringMatcher, string_matcher};
use super::re2::{self, Charset};
use super::redacted;
use super::version::{Change, Version};

/// The result of a test that may not be decidable.
#[derive(Clone, PartialEq, Debug)]
pub enum Match {
    /// It matches.
    Yes,
    /// It does not.
    No,
    /// It matches this share of requests, 0 to 1, exclusive.
    Share(f64),
    /// It cannot be told, and why.
    Unknown(String),
}

impl Match {
    /// Both: what surely fails wins over what is unknown.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
            (Self::Share(a), Self::Share(b)) => Self::Share(a * b),
            (Self::Share(a), Self::Yes) | (Self::Yes, Self::Share(a)) => Self::Share(a),
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    /// Either: what surely matches wins over what is unknown.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        !((!self).and(!other))
    }
}

impl std::ops::Not for Match {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Share(share) => Self::Share(1.0 - share),
            Self::Unknown(why) => Self::Unknown(why),
        }
    }
}

impl From<bool> for Match {
    fn from(matches: bool) -> Self {
        if matches { Self::Yes } else { Self::No }
    }
}

/// Whether the value is the pattern, where a secret may have been left out of either.
pub fn exact(pattern: &str, value: &str) -> Match {
    told(redacted::exact(pattern, value))
}

/// Whether the value begins with the pattern, likewise.
pub fn prefix(pattern: &str, value: &str) -> Match {
    told(redacted::prefix(pattern, value))
}

fn told(holds: Option<bool>) -> Match {
    holds.map_or_else(open, Match::from)
}

fn open() -> Match {
    Match::Unknown(redacted::OPEN.to_owned())
}

/// A `StringMatcher`, whatever the Envoy's version.
pub fn string(matcher: &StringMatcher, value: &str) -> Match {
    string_in(matcher, value, Charset::Either)
}

/// A `StringMatcher`; `ignore_case` folds ASCII and has no effect on a regex.
pub fn string_in(matcher: &StringMatcher, value: &str, charset: Charset) -> Match {
    use string_matcher::MatchPattern;
    let fold = |text: &str| {
        if matcher.ignore_case { text.to_ascii_lowercase() } else { text.to_owned() }
    };
    let folded = fold(value);
    match &matcher.match_pattern {
        Some(MatchPattern::Exact(exact)) => told(redacted::exact(&fold(exact), &folded)),
        Some(MatchPattern::Prefix(prefix)) => told(redacted::prefix(&fold(prefix), &folded)),
        Some(MatchPattern::Suffix(suffix)) => told(redacted::suffix(&fold(suffix), &folded)),
        Some(MatchPattern::Contains(part)) => told(redacted::contains(&fold(part), &folded)),
        Some(MatchPattern::SafeRegex(regex)) => regex_in(&regex.regex, value, charset),
        None => Match::Unknown("a custom string matcher".to_owned()),
    }
}

/// RE2, the whole text, whatever the Envoy's version.
pub fn regex(pattern: &str, text: &str) -> Match {
    regex_in(pattern, text, Charset::Either)
}

/// RE2, the whole text.
pub fn regex_in(pattern: &str, text: &str, charset: Charset) -> Match {
    if redacted::is_in(pattern) || redacted::is_in(text) {
        return open();
    }
    re2::full_match(pattern, text, charset).map_or_else(Match::Unknown, Match::from)
}

/// How a `HeaderMatcher` reads what it is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// The values of a header in several lines.
    pub lines: Lines,
    /// Their characters.
    pub charset: Charset,
}

/// What several values of one header are to a matcher.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lines {
    /// Joined with commas, and tested once.
    Joined,
    /// Tested one by one, and any may match.
    Single,
    /// One of the two: this release may have been patched.
    Either,
}

impl Reading {
    /// Of all but RBAC (`match_headers_individually`).
    pub fn of(version: Version) -> Self {
        let lines = if version >= Version::new(1, 39, 0) { Lines::Single } else { Lines::Joined };
        Self { lines, charset: Charset::of(version) }
    }

    /// Of RBAC, a release earlier (`rbac_match_headers_individually`, CVE-2026-26308).
    pub fn of_rbac(version: Version) -> Self {
        const CHANGE: Change =
            Change { first: Version::new(1, 38, 0), patches: &[Version::new(1, 37, 1), Version::new(1, 36, 5)] };
        let lines = match (version.is_patched(&CHANGE), version.has(&CHANGE)) {
            (true, _) => Lines::Either,
            (false, true) => Lines::Single,
            (false, false) => Lines::Joined,
        };
        Self { lines, charset: Charset::of(version) }
    }
}

/// A `HeaderMatcher` over all values of its header, in order.
pub fn header(matcher: &HeaderMatcher, values: &[&str], reading: Reading) -> Match {
    use header_matcher::HeaderMatchSpecifier as Specifier;
    let present = !values.is_empty() || matcher.treat_missing_header_as_empty;
    let wanted = match &matcher.header_match_specifier {
        None => Some(true),
        Some(Specifier::PresentMatch(wanted)) => Some(*wanted),
        Some(_) => None,
    };
    if let Some(wanted) = wanted {
        return ((present == wanted) != matcher.invert_match).into();
    }
    if !present {
        return Match::No;
    }
    let together = values.join(",");
    let any = match reading.lines {
        Lines::Single if !values.is_empty() => {
            values.iter().fold(Match::No, |any, value| any.or(header_value(matcher, value, reading.charset)))
        }
        Lines::Either => {
            let read = |lines| header(matcher, values, Reading { lines, ..reading });
            let (joined, single) = (read(Lines::Joined), read(Lines::Single));
            let name = &matcher.name;
            return if joined == single {
                joined
            } else {
                Match::Unknown(format!("releases of Envoy read several lines of the header {name} differently"))
            };
        }
        Lines::Joined | Lines::Single => header_value(matcher, &together, reading.charset),
    };
    if matcher.invert_match { !any } else { any }
}

fn header_value(matcher: &HeaderMatcher, value: &str, charset: Charset) -> Match {
    use header_matcher::HeaderMatchSpecifier as Specifier;
    match &matcher.header_match_specifier {
        // The old form of exact_match with an empty value matches any value that is present.
        Some(Specifier::ExactMatch(exact)) if exact.is_empty() => Match::Yes,
        Some(Specifier::ExactMatch(exact)) => told(redacted::exact(exact, value)),
        Some(Specifier::SafeRegexMatch(regex)) => regex_in(&regex.regex, value, charset),
        Some(Specifier::RangeMatch(_)) if redacted::is_in(value) => open(),
        Some(Specifier::RangeMatch(range)) => {
            value.parse::<i64>().is_ok_and(|n| n >= range.start && n < range.end).into()
        }
        Some(Specifier::PrefixMatch(prefix)) => told(redacted::prefix(prefix, value)),
        Some(Specifier::SuffixMatch(suffix)) => told(redacted::suffix(suffix, value)),
        Some(Specifier::ContainsMatch(part)) => told(redacted::contains(part, value)),
        Some(Specifier::StringMatch(matcher)) => string_in(matcher, value, charset),
        Some(Specifier::PresentMatch(_)) | None => Match::Yes,
    }
}

/// A `QueryParameterMatcher`: the first occurrence of the name, its value not decoded.
pub fn query_parameter(matcher: &QueryParameterMatcher, query: &str, charset: Charset) -> Match {
    use query_parameter_matcher::QueryParameterMatchSpecifier as Specifier;
    let value = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(name, _)| *name == matcher.name)
        .map(|(_, value)| value);
    match (&matcher.query_parameter_match_specifier, value) {
        (Some(Specifier::PresentMatch(false)), value) => value.is_none().into(),
        (Some(Specifier::PresentMatch(true)) | None, value) => value.is_some().into(),
        (Some(Specifier::StringMatch(_)), None) => Match::No,
        (Some(Specifier::StringMatch(matcher)), Some(value)) => string_in(matcher, value, charset),
    }
}

/// A `CookieMatcher`: the first cookie of that name, quotes taken off. Absent and inverted matches, unlike headers.
pub fn cookie(matcher: &CookieMatcher, lines: &[&str], charset: Charset) -> Match {
    let mut cookies =
        lines.iter().flat_map(|line| line.split(';')).filter_map(|pair| pair.trim_start().split_once('='));
    let Some((_, value)) = cookies.find(|(name, _)| *name == matcher.name) else {
        // A line without a name may have been any cookie.
        let is_open = lines.iter().flat_map(|line| line.split(';')).any(|pair| pair.trim() == redacted::MARK);
        return if is_open { open() } else { matcher.invert_match.into() };
    };
    let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    let matches = matcher.string_match.as_ref().map_or(Match::Yes, |m| string_in(m, value, charset));
    if matcher.invert_match { !matches } else { matches }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::json;

    use super::*;

    fn of(version: &str) -> Reading {
        Reading::of(Version::parse(version).unwrap())
    }

    /// Rows: matcher; columns: absent, "", v, w, "v,w" in one line, v + w, w + v in two. Observed on 1.40.0.
    #[test]
    fn header_truth_table() {
        let values: [&[&str]; 7] = [&[], &[""], &["v"], &["w"], &["v,w"], &["v", "w"], &["w", "v"]];
        let rows = [
            (json!({"string_match": {"exact": "v"}}), "nnYnnYY"),
            (json!({"string_match": {"exact": ""}}), "nYnnnnn"),
            (json!({"exact_match": ""}), "nYYYYYY"),
            (json!({"string_match": {"prefix": "v"}}), "nnYnYYY"),
            (json!({"string_match": {"suffix": "v"}}), "nnYnnYY"),
            (json!({"present_match": true}), "nYYYYYY"),
            (json!({}), "nYYYYYY"),
            (json!({"present_match": false}), "Ynnnnnn"),
            (json!({"string_match": {"exact": "v"}, "invert_match": true}), "nYnYYnn"),
            (json!({"present_match": true, "invert_match": true}), "Ynnnnnn"),
            (json!({"present_match": false, "invert_match": true}), "nYYYYYY"),
            (json!({"range_match": {"start": "5", "end": "10"}, "invert_match": true}), "nYYYYYY"),
            (
                json!({"string_match": {"exact": "v"}, "invert_match": true, "treat_missing_header_as_empty": true}),
                "YYnYYnn",
            ),
            (json!({"string_match": {"exact": ""}, "treat_missing_header_as_empty": true}), "YYnnnnn"),
            (json!({"present_match": true, "treat_missing_header_as_empty": true}), "YYYYYYY"),
            (json!({"present_match": false, "treat_missing_header_as_empty": true}), "nnnnnnn"),
            (json!({"string_match": {"exact": "v,w"}}), "nnnnYnn"),
        ];
        for (matcher, expected) in rows {
            let parsed: HeaderMatcher = serde_json::from_value(matcher.clone()).unwrap();
            let got: String =
                values.iter().map(|v| if header(&parsed, v, of("1.40.0")) == Match::Yes { 'Y' } else { 'n' }).collect();
            assert_eq!(got, expected, "{matcher}");
        }
    }

    #[test]
    fn old_envoys_join_the_values() {
        let matcher: HeaderMatcher = serde_json::from_value(json!({"string_match": {"exact": "v,w"}})).unwrap();
        assert_eq!(header(&matcher, &["v", "w"], of("1.38.3")), Match::Yes);
        assert_eq!(header(&matcher, &["v", "w"], of("1.39.0")), Match::No);
        let rbac =
            |version, values: &[&str]| header(&matcher, values, Reading::of_rbac(Version::parse(version).unwrap()));
        for (version, expected) in [("1.36.4", Match::Yes), ("1.37.0", Match::Yes), ("1.38.0", Match::No)] {
            assert_eq!(rbac(version, &["v", "w"]), expected, "{version}");
        }
        assert!(matches!(rbac("1.37.1", &["v", "w"]), Match::Unknown(_)));
        assert_eq!(rbac("1.37.1", &["v,w"]), Match::Yes);
    }

    #[test]
    fn absent_cookies_match_when_inverted() {
        let matcher = |m| serde_json::from_value::<CookieMatcher>(m).unwrap();
        let plain = matcher(json!({"name": "a", "string_match": {"exact": "1"}}));
        assert_eq!(cookie(&plain, &["b=2; a=\"1\"", "a=3"], Charset::Latin1), Match::Yes);
        assert_eq!(cookie(&plain, &[], Charset::Latin1), Match::No);
        let inverted = matcher(json!({"name": "a", "string_match": {"exact": "1"}, "invert_match": true}));
        assert_eq!(cookie(&inverted, &[], Charset::Latin1), Match::Yes);
    }

    #[test]
    fn only_the_first_query_parameter_counts() {
        let matcher: QueryParameterMatcher =
            serde_json::from_value(json!({"name": "q", "string_match": {"exact": "1"}})).unwrap();
        assert_eq!(query_parameter(&matcher, "q=1&q=2", Charset::Latin1), Match::Yes);
        assert_eq!(query_parameter(&matcher, "q=2&q=1", Charset::Latin1), Match::No);
        let absent: QueryParameterMatcher =
            serde_json::from_value(json!({"name": "q", "present_match": false})).unwrap();
        assert_eq!(query_parameter(&absent, "Q=1", Charset::Latin1), Match::Yes);
    }

    #[test]
    fn what_surely_fails_wins_over_the_unknown() {
        let unknown = || Match::Unknown("x".to_owned());
        assert_eq!(unknown().and(Match::No), Match::No);
        assert_eq!(Match::Yes.or(unknown()), Match::Yes);
        assert_eq!(Match::Share(0.5).and(Match::Share(0.5)), Match::Share(0.25));
    }
}
