//! The single conditions that matches are made of, and whether a request meets one.
//!
//! They are those of a `RouteMatch`, and what filters ask in the same words (RBAC's `url_path`, the headers of a fault).

use crate::envoy::any::JsonAny;
use crate::envoy::matcher::{self, Match, Reading};
use crate::envoy::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use crate::envoy::pb::envoy::config::route::v3::{CookieMatcher, HeaderMatcher, QueryParameterMatcher};
use crate::envoy::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use crate::envoy::pb::envoy::r#type::matcher::v3::{RegexMatcher, StringMatcher};
use crate::envoy::re2::Charset;
use crate::envoy::uri_template;

use super::request::{Frame, Request, Seen, SeenPath};

/// A condition of a request that is not put together from others.
#[derive(Clone, PartialEq, Debug)]
pub enum Atom {
    /// Of its path without the query.
    Path(PathAtom),
    /// Of a header, or of a pseudo header: `:method`, `:path`.
    Header(HeaderMatcher),
    /// Of a query parameter.
    Query(QueryParameterMatcher),
    /// Of a cookie.
    Cookie(CookieMatcher),
    /// It is gRPC, by its content type (`Grpc::Common::hasGrpcContentType`).
    Grpc,
}

/// A condition of the path.
#[derive(Clone, PartialEq, Debug)]
pub struct PathAtom {
    /// What is asked of it.
    pub test: PathTest,
    /// Whether upper and lower case differ; it has no say in regular expressions, templates and [`PathTest::Text`].
    pub case: Case,
}

/// What a path can be asked (`source/common/router/config_impl.cc`).
#[derive(Clone, PartialEq, Debug)]
pub enum PathTest {
    /// It is this.
    Exact(String),
    /// It begins with this.
    Prefix(String),
    /// It is this, or begins with this and a slash (`path_separated_prefix`).
    Below(String),
    /// RE2 matches all of it.
    Regex(String),
    /// A path matcher of an extension takes it; URI templates are known.
    Template(JsonAny),
    /// A string matcher takes it, as RBAC asks.
    Text(StringMatcher),
}

/// Whether upper and lower case differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    /// They do.
    Sensitive,
    /// They do not.
    Ignored,
}

/// Which way a condition is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sign {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
}

impl Sign {
    /// The other way.
    #[must_use]
    pub fn flipped(self) -> Self {
        match self {
            Self::Holds => Self::Fails,
            Self::Fails => Self::Holds,
        }
    }

    /// Whether a condition of which this is known is as it is wanted.
    pub(super) fn of(self, holds: Match) -> Match {
        match self {
            Self::Holds => holds,
            Self::Fails => !holds,
        }
    }
}

impl PathAtom {
    /// With the text of a test that ignores case in lower case.
    pub fn new(test: PathTest, case: Case) -> Self {
        let fold = |text: String| if case == Case::Ignored { text.to_ascii_lowercase() } else { text };
        let test = match test {
            PathTest::Exact(text) => PathTest::Exact(fold(text)),
            PathTest::Prefix(text) => PathTest::Prefix(fold(text)),
            PathTest::Below(text) => PathTest::Below(fold(text)),
            PathTest::Regex(_) | PathTest::Template(_) | PathTest::Text(_) => test,
        };
        Self { test, case }
    }

    /// Whether a path meets it.
    pub(super) fn holds(&self, seen: &SeenPath, charset: Charset) -> Match {
        let path = if self.case == Case::Ignored { seen.folded.as_str() } else { &seen.path };
        match &self.test {
            PathTest::Exact(exact) => matcher::exact(exact, path),
            PathTest::Prefix(prefix) => matcher::prefix(prefix, path),
            PathTest::Below(prefix) => {
                matcher::exact(prefix, path).or(matcher::prefix(&[prefix.as_str(), "/"].concat(), path))
            }
            PathTest::Regex(regex) => matcher::regex_in(regex, &seen.path, charset),
            PathTest::Template(config) => uri_template::matches(Some(config), seen.raw),
            PathTest::Text(text) => matcher::string_in(text, &seen.path, charset),
        }
    }
}

impl Atom {
    /// A header is this.
    pub fn header_is(name: &str, value: &str) -> Self {
        Self::header_that(
            name,
            StringMatcher { match_pattern: Some(MatchPattern::Exact(value.to_owned())), ..StringMatcher::default() },
        )
    }

    /// A header is there, empty or not.
    pub fn header_is_there(name: &str) -> Self {
        let specifier = Some(HeaderMatchSpecifier::PresentMatch(true));
        Self::Header(HeaderMatcher {
            name: name.to_owned(),
            header_match_specifier: specifier,
            ..HeaderMatcher::default()
        })
    }

    /// A header has a value that is not empty.
    pub fn header_has_value(name: &str) -> Self {
        let regex = RegexMatcher { regex: "(?s).+".to_owned() };
        Self::header_that(
            name,
            StringMatcher { match_pattern: Some(MatchPattern::SafeRegex(regex)), ..StringMatcher::default() },
        )
    }

    /// A header matches this.
    pub fn header_that(name: &str, value: StringMatcher) -> Self {
        Self::Header(HeaderMatcher {
            name: name.to_owned(),
            header_match_specifier: Some(HeaderMatchSpecifier::StringMatch(value)),
            ..HeaderMatcher::default()
        })
    }

    /// Whether a request meets it, by the rules that single requests are judged by.
    #[must_use]
    pub fn holds(&self, request: &Request, frame: &Frame) -> Match {
        self.seen(&Seen::new(request, frame))
    }

    /// The same, of a request that was looked at.
    pub(super) fn seen(&self, seen: &Seen) -> Match {
        let charset = seen.frame.reading.charset;
        match self {
            Self::Path(path) => path.holds(&seen.path, charset),
            Self::Header(header) => {
                let name = header.name.to_ascii_lowercase();
                if seen.frame.open.contains(&name) {
                    return Match::Unknown(format!("what the header {name} says is open"));
                }
                self.of_lines(&seen.values(&name), seen.frame.reading)
            }
            Self::Query(parameter) => matcher::query_parameter(parameter, seen.query, charset),
            Self::Cookie(cookie) => matcher::cookie(cookie, &seen.values("cookie"), charset),
            Self::Grpc => self.of_lines(&seen.values("content-type"), seen.frame.reading),
        }
    }

    /// Whether the values of the header that it is about meet it; no header meets the others.
    pub(super) fn of_lines(&self, lines: &[&str], reading: Reading) -> Match {
        match self {
            Self::Header(header) => matcher::header(header, lines, reading),
            Self::Grpc => lines.first().is_some_and(|line| is_grpc(line)).into(),
            Self::Path(_) | Self::Query(_) | Self::Cookie(_) => Match::No,
        }
    }
}

/// Whether a content type is that of gRPC.
pub(super) fn is_grpc(content_type: &str) -> bool {
    content_type.strip_prefix("application/grpc").is_some_and(|rest| rest.is_empty() || rest.starts_with('+'))
}
