//! A text that a client can send in some place of a request, and that some conditions take.
//!
//! Plain ones are looked for first, so that people can read and type them, then all that can be sent. What exists only
//! beyond that (bytes that are not ASCII, characters whose normalization is not modeled) proves that there is one, and
//! is not shown.

use super::atom::Sign;
use super::automata::{Automata, Found};

/// A place of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// The path without its query.
    Path,
    /// The same, where parameters are taken off: none of the texts has one.
    PathWithoutParameters,
    /// The path with its query.
    PathWithQuery,
    /// The value of a header.
    Header,
    /// The method.
    Method,
    /// The value of a query parameter.
    Query,
    /// The value of a cookie.
    Cookie,
}

/// The texts of a place.
struct Spaces {
    plain: &'static str,
    sendable: &'static str,
    all: &'static str,
}

/// What a search comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Text {
    /// This one will do.
    Found(String),
    /// There is none.
    None,
    /// It is not known whether there is one that can be sent, and why.
    Unknown(&'static str),
}

/// No empty segment, no dot segment, no escapes.
const PLAIN_PATH: &str = r"/(?:\.*[0-9A-Za-z_~-][0-9A-Za-z._~-]*(?:/\.*[0-9A-Za-z_~-][0-9A-Za-z._~-]*)*/?)?";

impl Place {
    fn spaces(self) -> Spaces {
        match self {
            Self::Path => Spaces {
                plain: PLAIN_PATH,
                sendable: r"/[0-9A-Za-z._~!$&'()*+,;=:@/%\x5C-]*",
                all: r"/[!-\x22$->@-\xFF]*",
            },
            Self::PathWithoutParameters => Spaces {
                plain: PLAIN_PATH,
                sendable: r"/[0-9A-Za-z._~!$&'()*+,=:@/%\x5C-]*",
                all: r"/[!-\x22$-:<->@-\xFF]*",
            },
            Self::PathWithQuery => Spaces {
                plain: PLAIN_PATH,
                sendable: r"/[0-9A-Za-z._~!$&'()*+,;=:@/%\x5C-]*(?:\?[!-\x22$-~]*)?",
                all: r"/[!-\x22$-\xFF]*",
            },
            Self::Header => Spaces {
                plain: "[0-9A-Za-z][0-9A-Za-z._~:/+-]*",
                sendable: r"(?:[!-~](?:[\t -~]*[!-~])?)?",
                all: r"(?:[!-~\x80-\xFF](?:[\t -~\x80-\xFF]*[!-~\x80-\xFF])?)?",
            },
            Self::Method => Spaces {
                plain: "GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS",
                sendable: "GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS|TRACE|PROPFIND|PROPPATCH|REPORT|SEARCH|PURGE|COPY|MOVE|\
                           LINK|UNLINK|LOCK|UNLOCK|ACL|BIND|UNBIND|REBIND|CHECKOUT|MERGE|MKACTIVITY|MKCALENDAR|MKCOL|\
                           M-SEARCH|NOTIFY|SOURCE|SUBSCRIBE|UNSUBSCRIBE|QUERY",
                all: r"[!#$%&'*+.^_`|~0-9A-Za-z-]+",
            },
            Self::Query => {
                Spaces { plain: "[0-9A-Za-z._~-]*", sendable: r"[!-\x22$-%'-~]*", all: r"[!-\x22$-%'-\xFF]*" }
            }
            Self::Cookie => Spaces {
                plain: "[0-9A-Za-z._~-]+",
                sendable: r"(?:[!#-:<-~](?:[ !#-:<-~]*[!#-:<-~])?)?",
                all: r"[\t !-:<-\xFF]*",
            },
        }
    }

    /// A text in this place that is in all languages with [`Sign::Holds`], and in none of the others.
    pub(super) fn find(self, wanted: &[(String, Sign)], automata: &mut Automata) -> Text {
        let spaces = self.spaces();
        let mut in_space = |space: &'static str| {
            let wanted = wanted.iter().map(|(pattern, sign)| (pattern.as_str(), *sign));
            automata.find(&std::iter::once((space, Sign::Holds)).chain(wanted).collect::<Vec<_>>())
        };
        for space in [spaces.plain, spaces.sendable] {
            match in_space(space) {
                Found::Text(bytes) => {
                    return String::from_utf8(bytes).map_or(Text::Unknown("it is not ASCII"), Text::Found);
                }
                Found::Nothing => {}
                Found::TooHard => return Text::Unknown("the patterns are too large to compare"),
            }
        }
        match in_space(spaces.all) {
            Found::Text(_) => Text::Unknown("only unusual characters would do"),
            Found::Nothing => Text::None,
            Found::TooHard => Text::Unknown("the patterns are too large to compare"),
        }
    }
}

/// Whether a path is one that people would type: it begins with a slash, and nothing in it is ever normalized.
pub(super) fn is_plain_path(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@/".contains(&byte);
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let is_odd = |segment: &str| segment.is_empty() || segment == "." || segment == "..";
    path == "/" || path.bytes().all(is_plain) && !rest.split('/').any(is_odd)
}

/// Whether a text can be the value of a header as it stands.
pub(super) fn is_value(text: &str) -> bool {
    text.trim() == text && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

/// Whether a text can be the name of a header or a cookie.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_ones_come_first() {
        let find = |place: Place, holds: &str, fails: &str| {
            let wanted = [(holds.to_owned(), Sign::Holds), (fails.to_owned(), Sign::Fails)];
            place.find(&wanted, &mut Automata::default())
        };
        let found = |text: &str| Text::Found(text.to_owned());
        assert_eq!(find(Place::Path, "(?s:.)*", "/"), found("/x"));
        assert_eq!(find(Place::Path, "/a//b", "/"), found("/a//b"));
        assert_eq!(find(Place::Path, "/a;b", "/"), found("/a;b"));
        assert_eq!(find(Place::PathWithoutParameters, "/a;b", "/"), Text::None);
        assert_eq!(find(Place::Path, r"/a\x3Fb", "/"), Text::None);
        assert!(matches!(find(Place::Path, r"/a\xC3\xA9", "/"), Text::Unknown(_)));
        assert_eq!(find(Place::Method, "(?s:.)*", "GET"), found("PUT"));
        assert_eq!(find(Place::Header, "", "a"), found(""));
        assert_eq!(find(Place::Header, " a", "a"), Text::None);
        assert_eq!(find(Place::Cookie, "a;b", "a"), Text::None);
    }

    #[test]
    fn paths_that_people_type() {
        for path in ["/", "/a", "/a/", "/a/.well-known", "/a..b", "/..."] {
            assert!(is_plain_path(path), "{path}");
        }
        for path in ["", "a", "//", "/a//b", "/a/./b", "/..", "/a%2Fb", "/a;b", "/a b", "/é", "/a?b"] {
            assert!(!is_plain_path(path), "{path}");
        }
    }
}
