//! What the path has to be.

use crate::envoy::matcher::{self, Match, Reading};
use crate::envoy::pb::envoy::config::route::v3::HeaderMatcher;
use crate::envoy::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier as Specifier;
use crate::envoy::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use crate::envoy::uri_template;

use super::atom::{Atom, PathAtom, PathTest, Sign};
use super::header_part::{constant, constant_of};
use super::language::{self, Language};
use super::request::{Parameters, SeenPath};
use super::texts::{self, Place, Text};
use super::tools::{Tools, Value, Wanted};

/// What is put behind a text that a path has to begin with, until no other condition objects.
const ENDINGS: &[&str] = &["", "/", "/x", "x", "-x", "/x/y", "/0"];

/// The path that meets all conditions.
pub(super) fn solve(wanted: &[Wanted], tools: &mut Tools) -> Value {
    // Where one path with its query is wanted, no other is looked for.
    let whole = wanted.iter().find_map(|(atom, sign)| whole(atom).filter(|_| *sign == Sign::Holds));
    if let Some(path) = whole.filter(|path| texts::is_plain_path(path.split('?').next().unwrap_or_default())) {
        return match test(wanted, &path, tools) {
            Match::Yes => Value::Lines(vec![path]),
            Match::No => Value::Impossible,
            Match::Share(_) | Match::Unknown(_) => {
                Value::Unknown("the path and its query are asked about together".to_owned())
            }
        };
    }
    let fits = |path: &String| {
        let is_plain = texts::is_plain_path(path.split('?').next().unwrap_or_default());
        is_plain && test(wanted, path, tools) == Match::Yes
    };
    let named = wanted.iter().filter(|(_, sign)| *sign == Sign::Holds).filter_map(|(atom, _)| begun(atom));
    let mut candidates = named.chain([Begun::longer("/".to_owned())]).flat_map(Begun::candidates);
    match candidates.find(|path| fits(path)) {
        Some(path) => Value::Lines(vec![path]),
        None => searched(wanted, tools),
    }
}

/// The path with its query, where a condition takes no other.
fn whole(atom: &Atom) -> Option<String> {
    match atom {
        Atom::Header(header) if !header.invert_match => constant(atom).filter(|_| is_exact(header)),
        Atom::Header(_) | Atom::Path(_) | Atom::Query(_) | Atom::Cookie(_) | Atom::Grpc => None,
    }
}

fn is_exact(header: &HeaderMatcher) -> bool {
    match &header.header_match_specifier {
        Some(Specifier::ExactMatch(text)) => !text.is_empty(),
        Some(Specifier::StringMatch(text)) => {
            !text.ignore_case && matches!(text.match_pattern, Some(MatchPattern::Exact(_)))
        }
        Some(
            Specifier::PrefixMatch(_)
            | Specifier::SuffixMatch(_)
            | Specifier::ContainsMatch(_)
            | Specifier::SafeRegexMatch(_)
            | Specifier::RangeMatch(_)
            | Specifier::PresentMatch(_),
        )
        | None => false,
    }
}

/// Whether a path, here and there with a query, meets all conditions.
fn test(wanted: &[Wanted], path: &str, tools: &Tools) -> Match {
    let frame = tools.frame;
    let seen = SeenPath::new(path.split('?').next().unwrap_or_default(), frame.parameters);
    let mut all = Match::Yes;
    for (atom, sign) in wanted {
        let holds = match atom {
            Atom::Path(atom) => atom.holds(&seen, frame.reading.charset),
            Atom::Header(header) => matcher::header(header, &[path], frame.reading),
            Atom::Query(_) | Atom::Cookie(_) | Atom::Grpc => Match::No,
        };
        all = all.and(sign.of(holds));
        if all == Match::No {
            break;
        }
    }
    all
}

/// A path that a condition makes one think of.
struct Begun {
    text: String,
    /// What may stand behind it.
    endings: &'static [&'static str],
}

impl Begun {
    fn only(text: String) -> Self {
        Self { text, endings: &[""] }
    }

    fn longer(text: String) -> Self {
        Self { text, endings: ENDINGS }
    }

    fn candidates(self) -> impl Iterator<Item = String> {
        let Self { text, endings } = self;
        endings.iter().map(move |ending| {
            let ending = if text.ends_with('/') { ending.trim_start_matches('/') } else { ending };
            [text.as_str(), ending].concat()
        })
    }
}

fn begun(atom: &Atom) -> Option<Begun> {
    match atom {
        Atom::Path(path) => match &path.test {
            PathTest::Exact(text) => Some(Begun::only(text.clone())),
            PathTest::Prefix(text) | PathTest::Below(text) => Some(Begun::longer(text.clone())),
            PathTest::Text(text) => constant_of(text).map(Begun::longer),
            PathTest::Template(config) => {
                let template = uri_template::language::template(config)?;
                Some(Begun::only(template.replace("**", "x").replace('*', "x")))
            }
            PathTest::Regex(_) => None,
        },
        Atom::Header(header) => constant(atom).filter(|_| !header.invert_match).map(Begun::only),
        Atom::Query(_) | Atom::Cookie(_) | Atom::Grpc => None,
    }
}

/// The path by its languages. Conditions of the path with its query take part as if there were no query; what they
/// would make of one is not searched for.
fn searched(wanted: &[Wanted], tools: &mut Tools) -> Value {
    let reading = tools.frame.reading;
    let strips = tools.frame.parameters != Parameters::Kept;
    let place = if strips { Place::PathWithoutParameters } else { Place::Path };
    let mut find = |place: Place, takes_part: &dyn Fn(Sees) -> bool| {
        let taking_part = wanted.iter().filter(|(atom, _)| takes_part(Sees::of(atom)));
        let languages: Vec<(String, Sign)> =
            taking_part.filter_map(|(atom, sign)| pattern(atom, *sign, reading)).collect();
        place.find(&languages, &mut tools.automata)
    };
    match find(place, &|_| true) {
        Text::Found(path) => return Value::Lines(vec![path]),
        Text::Unknown(why) => return Value::Unknown(format!("the path: {why}")),
        Text::None => {}
    }
    // What sees more of a path than was looked through could still meet its conditions.
    let sees = |more: Sees| wanted.iter().any(|(atom, _)| Sees::of(atom) == more);
    let sees_more = sees(Sees::Query) || strips && sees(Sees::Parameters);
    let by_path = !sees_more || find(place, &|sees| sees == Sees::Path) == Text::None;
    if by_path || find(Place::PathWithQuery, &|sees| sees == Sees::Query) == Text::None {
        return Value::Impossible;
    }
    // A query that nothing asks for keeps those away that see it too.
    if let Text::Found(path) = find(place, &|sees| sees == Sees::Path) {
        let with_query = path + "?x";
        if test(wanted, &with_query, tools) == Match::Yes {
            return Value::Lines(vec![with_query]);
        }
    }
    Value::Unknown("the path and its query are asked about together".to_owned())
}

/// How much of the path a condition sees.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sees {
    /// What is left when its parameters are taken off.
    Path,
    /// These too.
    Parameters,
    /// All.
    Query,
}

impl Sees {
    fn of(atom: &Atom) -> Self {
        match atom {
            Atom::Header(_) => Self::Query,
            Atom::Path(PathAtom { test: PathTest::Template(_), .. }) => Self::Parameters,
            Atom::Path(_) | Atom::Query(_) | Atom::Cookie(_) | Atom::Grpc => Self::Path,
        }
    }
}

/// What a condition takes of paths; nothing where nobody knows.
fn pattern(atom: &Atom, sign: Sign, reading: Reading) -> Option<(String, Sign)> {
    match atom {
        Atom::Path(path) => match language::of_path(path, reading.charset) {
            Language::Regex(regex) => Some((regex, sign)),
            Language::Presence | Language::Unknown => None,
        },
        Atom::Header(header) => match language::of_value(atom, reading.charset) {
            Language::Regex(regex) if header.invert_match => Some((regex, flipped(sign))),
            Language::Regex(regex) => Some((regex, sign)),
            // There always is one.
            Language::Presence if matcher::header(header, &["/"], reading) == Match::Yes => {
                Some((language::any(), sign))
            }
            Language::Presence => Some((language::any(), flipped(sign))),
            Language::Unknown => None,
        },
        Atom::Query(_) | Atom::Cookie(_) | Atom::Grpc => None,
    }
}

fn flipped(sign: Sign) -> Sign {
    match sign {
        Sign::Holds => Sign::Fails,
        Sign::Fails => Sign::Holds,
    }
}
