//! What a header, or the method, has to be.
//!
//! A header that is not there mostly meets no condition, not even an inverted one; so leaving it out is tried first.
//! Where a proxy tests each line of a header by itself, two lines can meet two conditions that no single value meets.

use crate::envoy::headers;
use crate::envoy::matcher::{Lines, Match};
use crate::envoy::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier as Specifier;
use crate::envoy::pb::envoy::r#type::matcher::v3::{StringMatcher, string_matcher::MatchPattern};

use super::atom::{Atom, Sign};
use super::language::{self, Language};
use super::texts::{self, Place, Text};
use super::tools::{Tools, Value, Wanted};

const METHOD: &str = ":method";
/// What most clients send.
const METHODS: &[&str] = &["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

/// The value that meets all conditions.
pub(super) fn solve(name: &str, wanted: &[Wanted], tools: &mut Tools) -> Value {
    let frame = tools.frame;
    if let Some(values) = frame.fixed.get(name).filter(|_| !frame.open.contains(name)) {
        let lines: Vec<&str> = values.iter().map(String::as_str).collect();
        return match test(wanted, &lines, tools) {
            Match::Yes => Value::Absent,
            Match::No => Value::Impossible,
            Match::Share(_) | Match::Unknown(_) => Value::Unknown(format!("what the header {name} says is open")),
        };
    }
    let is_pseudo = name.starts_with(':') || name == "host";
    if frame.open.contains(name) || (is_pseudo && name != METHOD) {
        return Value::Unknown(format!("what the header {name} says is open"));
    }
    let absent = if is_pseudo { Match::No } else { test(wanted, &[], tools) };
    if absent == Match::Yes {
        return Value::Absent;
    }
    let is_kept = is_pseudo || texts::is_token(name) && kept(&[(name, "a")], tools) == 1;
    if !is_kept {
        return Value::Unknown(format!("the header {name} does not come as it was sent"));
    }
    if let Some(line) = candidate(wanted, if is_pseudo { METHODS } else { &[] }, tools) {
        return Value::Lines(vec![line]);
    }
    let value = present(name, wanted, tools);
    if value == Value::Impossible && absent != Match::No {
        return Value::Unknown(format!("what an absent header {name} meets is open"));
    }
    value
}

/// Whether these lines meet all conditions.
fn test(wanted: &[Wanted], lines: &[&str], tools: &Tools) -> Match {
    let reading = tools.frame.reading;
    wanted.iter().fold(Match::Yes, |all, (atom, sign)| all.and(sign.of(atom.of_lines(lines, reading))))
}

/// How many lines are left of these when matchers see them.
fn kept(lines: &[(&str, &str)], tools: &Tools) -> usize {
    let lines: Vec<(String, String)> = lines.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    headers::matched(&lines, false, tools.frame.edge).len()
}

/// One of the values that the conditions name. One of those that are usual goes first; of these alone, where there are any.
fn candidate(wanted: &[Wanted], usual: &[&str], tools: &Tools) -> Option<String> {
    let common = usual.iter().map(|method| (*method).to_owned());
    let named = wanted.iter().filter_map(|(atom, _)| constant(atom));
    let named = named.filter(|text| if usual.is_empty() { !text.is_empty() } else { usual.contains(&text.as_str()) });
    let mut all = common.chain(named).filter(|text| texts::is_value(text));
    all.find(|text| test(wanted, &[text], tools) == Match::Yes)
}

/// The text that a condition of a header is about.
pub(super) fn constant(atom: &Atom) -> Option<String> {
    let Atom::Header(header) = atom else {
        return (*atom == Atom::Grpc).then(|| "application/grpc".to_owned());
    };
    match header.header_match_specifier.as_ref() {
        Some(
            Specifier::ExactMatch(text)
            | Specifier::PrefixMatch(text)
            | Specifier::SuffixMatch(text)
            | Specifier::ContainsMatch(text),
        ) => Some(text.clone()),
        Some(Specifier::StringMatch(text)) => constant_of(text),
        Some(Specifier::RangeMatch(range)) => Some(range.start.to_string()),
        Some(Specifier::PresentMatch(_)) | None => Some("1".to_owned()),
        Some(Specifier::SafeRegexMatch(_)) => None,
    }
}

/// The text that a string matcher is about.
pub(super) fn constant_of(matcher: &StringMatcher) -> Option<String> {
    match matcher.match_pattern.as_ref()? {
        MatchPattern::Exact(text)
        | MatchPattern::Prefix(text)
        | MatchPattern::Suffix(text)
        | MatchPattern::Contains(text) => Some(text.clone()),
        MatchPattern::SafeRegex(_) => None,
    }
}

/// The conditions of a header that is there, as languages of its lines.
#[derive(Default)]
struct OfLines {
    /// Each of these has a line that is in it.
    some: Vec<String>,
    /// No line is in one of these.
    none: Vec<String>,
}

impl OfLines {
    /// `None` where the header must not be there. Conditions of which nobody knows the language are left out.
    fn new(wanted: &[Wanted], tools: &Tools) -> Option<Self> {
        let mut all = Self::default();
        for (atom, sign) in wanted {
            let is_inverted = matches!(atom, Atom::Header(header) if header.invert_match);
            match language::of_value(atom, tools.frame.reading.charset) {
                Language::Presence if sign.of(atom.of_lines(&["1"], tools.frame.reading)) != Match::Yes => return None,
                Language::Regex(regex) if (*sign == Sign::Holds) != is_inverted => all.some.push(regex),
                Language::Regex(regex) => all.none.push(regex),
                Language::Presence | Language::Unknown => {}
            }
        }
        Some(all)
    }

    /// A line in all these languages, and in none that no line may be in.
    fn line<'b>(&'b self, some: impl IntoIterator<Item = &'b String>, place: Place, tools: &mut Tools) -> Text {
        let some = some.into_iter().map(|regex| (regex.clone(), Sign::Holds));
        let none = self.none.iter().map(|regex| (regex.clone(), Sign::Fails));
        place.find(&some.chain(none).collect::<Vec<_>>(), &mut tools.automata)
    }
}

/// Lines for a header that is there.
fn present(name: &str, wanted: &[Wanted], tools: &mut Tools) -> Value {
    let place = if name == METHOD { Place::Method } else { Place::Header };
    let Some(languages) = OfLines::new(wanted, tools) else { return Value::Impossible };
    let open = |why: &str| Value::Unknown(format!("the header {name}: {why}"));
    match languages.line(&languages.some, place, tools) {
        Text::Found(line) => return Value::Lines(vec![line]),
        Text::Unknown(why) => return open(why),
        Text::None => {}
    }
    let is_single = name == METHOD || kept(&[(name, "a"), (name, "b")], tools) == 1;
    let may_have_lines = !is_single && languages.some.len() > 1 && tools.frame.reading.lines != Lines::Joined;
    if !may_have_lines {
        return Value::Impossible;
    }
    let mut lines = Vec::new();
    for some in &languages.some {
        match languages.line([some], place, tools) {
            Text::Found(line) => lines.push(line),
            Text::Unknown(why) => return open(why),
            Text::None => return Value::Impossible,
        }
    }
    lines.dedup();
    if tools.frame.reading.lines == Lines::Either {
        open("its lines are read differently")
    } else {
        Value::Lines(lines)
    }
}
