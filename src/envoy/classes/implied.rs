//! Which conditions follow from others, as far as their form alone shows it.

use std::borrow::Cow;

use crate::envoy::redacted;

use super::atom::{Atom, Case, PathAtom, PathTest};

/// A condition of the path that names its beginning.
#[derive(Clone, Copy)]
pub(super) enum Beginning<'a> {
    /// The path is this.
    Is(&'a str),
    /// It begins with this.
    With(&'a str),
    /// It is this, or begins with this and a slash.
    Below(&'a str),
}

impl<'a> Beginning<'a> {
    /// Of a condition that names one in full.
    pub(super) fn of(atom: &'a PathAtom) -> Option<Self> {
        let (beginning, text) = match &atom.test {
            PathTest::Exact(text) => (Self::Is(text), text),
            PathTest::Prefix(text) => (Self::With(text), text),
            PathTest::Below(text) => (Self::Below(text), text),
            PathTest::Regex(_) | PathTest::Template(_) | PathTest::Text(_) => return None,
        };
        (!redacted::is_in(text)).then_some(beginning)
    }

    fn text(self) -> &'a str {
        match self {
            Self::Is(text) | Self::With(text) | Self::Below(text) => text,
        }
    }

    /// Whether all paths that this takes are taken by the other.
    fn implies(self, other: Self, fold: Fold<'a>) -> bool {
        let (own, text) = (fold(self.text()), fold(other.text()));
        let is_below = own.strip_prefix(&*text).is_some_and(|rest| rest.starts_with('/'));
        match (self, other) {
            (Self::Is(_), Self::Is(_)) => own == text,
            (_, Self::With(_)) => own.starts_with(&*text),
            (Self::Is(_) | Self::Below(_), Self::Below(_)) => own == text || is_below,
            (Self::With(_), Self::Below(_)) => is_below,
            (Self::With(_) | Self::Below(_), Self::Is(_)) => false,
        }
    }

    /// Whether no path is taken by both. Both in the same case.
    fn excludes(self, other: Self, fold: Fold<'a>) -> bool {
        let (own, text) = (fold(self.text()), fold(other.text()));
        let below = |long: &str, short: &str| {
            long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match (self, other) {
            (Self::Is(_), Self::Is(_)) => own != text,
            (Self::Is(_), Self::With(_)) => !own.starts_with(&*text),
            (Self::With(_), Self::Is(_)) => !text.starts_with(&*own),
            (Self::Is(_), Self::Below(_)) => !below(&own, &text),
            (Self::Below(_), Self::Is(_)) => !below(&text, &own),
            (Self::With(_), Self::With(_)) => !own.starts_with(&*text) && !text.starts_with(&*own),
            // What begins with `/a/` may lie below `/a`, and what begins with `/a` may be it.
            (Self::With(_), Self::Below(_)) => !text.starts_with(&*own) && !below(&own, &text),
            (Self::Below(_), Self::With(_)) => !own.starts_with(&*text) && !below(&text, &own),
            (Self::Below(_), Self::Below(_)) => !below(&own, &text) && !below(&text, &own),
        }
    }
}

fn has_letters(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// How texts are compared.
type Fold<'a> = fn(&'a str) -> Cow<'a, str>;

fn as_it_is(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

fn in_lower_case(text: &str) -> Cow<'_, str> {
    Cow::Owned(text.to_ascii_lowercase())
}

/// Whether a request that meets the first condition surely meets the second.
pub(super) fn implies(one: &Atom, other: &Atom) -> bool {
    if let (Atom::Path(one), Atom::Path(other)) = (one, other)
        && let (Some(a), Some(b)) = (Beginning::of(one), Beginning::of(other))
    {
        return match (one.case, other.case) {
            (Case::Sensitive, Case::Sensitive) => a.implies(b, as_it_is),
            (_, Case::Ignored) => a.implies(b, in_lower_case),
            // Text without letters is the same in every case.
            (Case::Ignored, Case::Sensitive) => !has_letters(b.text()) && a.implies(b, as_it_is),
        };
    }
    one == other
}

/// Whether it shows that no request with one value for each header meets both conditions.
pub(super) fn excludes(one: &Atom, other: &Atom) -> bool {
    match (one, other) {
        (Atom::Path(one), Atom::Path(other)) => match (Beginning::of(one), Beginning::of(other)) {
            (Some(a), Some(b)) if one.case == Case::Sensitive && other.case == Case::Sensitive => {
                a.excludes(b, as_it_is)
            }
            (Some(a), Some(b)) => a.excludes(b, in_lower_case),
            _ => false,
        },
        (Atom::Header(one), Atom::Header(other)) => {
            let exact = super::index::exact;
            one.name.eq_ignore_ascii_case(&other.name)
                && matches!((exact(one), exact(other)), (Some(a), Some(b)) if a != b)
        }
        (Atom::Path(_) | Atom::Header(_) | Atom::Query(_) | Atom::Cookie(_) | Atom::Grpc, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All paths of up to four of these characters.
    fn paths() -> Vec<String> {
        let mut all = vec![String::new()];
        for length in 0..4 {
            let longer = all.clone();
            let longer = longer.iter().filter(|path| path.len() == length);
            all.extend(longer.flat_map(|path| ["/", "a", "A", "b"].map(|c| [path.as_str(), c].concat())));
        }
        all.retain(|path| path.starts_with('/'));
        all
    }

    #[test]
    fn what_follows_and_what_excludes_is_so_of_every_path() {
        use crate::envoy::matcher::Match;
        use crate::envoy::re2::Charset;

        let texts = ["/", "/a", "/A", "/a/", "/ab", "/a/b", "/b", "//"];
        let tests = texts.iter().flat_map(|text| {
            [PathTest::Exact, PathTest::Prefix, PathTest::Below]
                .map(|test: fn(String) -> PathTest| test((*text).to_owned()))
        });
        let atoms: Vec<PathAtom> = tests
            .flat_map(|test| [Case::Sensitive, Case::Ignored].map(|case| PathAtom::new(test.clone(), case)))
            .collect();
        let paths = paths();
        let taken = |atom: &PathAtom| -> Vec<bool> {
            let seen = |path: &String| super::super::request::SeenPath {
                raw: "",
                path: path.clone().into(),
                folded: path.to_ascii_lowercase(),
            };
            paths.iter().map(|path| atom.holds(&seen(path), Charset::Latin1) == Match::Yes).collect()
        };
        let mut proven = 0;
        for one in &atoms {
            for other in &atoms {
                let both: Vec<(bool, bool)> = taken(one).into_iter().zip(taken(other)).collect();
                let (a, b) = (Atom::Path(one.clone()), Atom::Path(other.clone()));
                if implies(&a, &b) {
                    proven += 1;
                    assert!(both.iter().all(|(a, b)| !a || *b), "{one:?} implies {other:?}");
                }
                let meets = both.iter().any(|(a, b)| *a && *b);
                assert_eq!(excludes(&a, &b), !meets, "{one:?} excludes {other:?}");
            }
        }
        assert!(proven > 200, "{proven}");
    }
}
