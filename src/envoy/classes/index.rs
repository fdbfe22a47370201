//! Which rules can take a request at all: by how its path begins, and by what its headers say.
//!
//! A virtual host of thousands of routes has few that begin like a given path. Rules are sorted by the text that a path
//! has to begin with, each with a link to the longest other one that it begins with itself, so that a look-up is one
//! binary search and a walk along these links.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::envoy::pb::envoy::config::route::v3::HeaderMatcher;
use crate::envoy::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier as Specifier;
use crate::envoy::pb::envoy::r#type::matcher::v3::{StringMatcher, string_matcher::MatchPattern};
use crate::envoy::redacted;

use super::atom::{Atom, Case, PathAtom, PathTest};
use super::request::{Frame, Seen};
use super::rule::Rule;

/// The rules that were added, by what they ask for.
pub(super) struct Index {
    keys: Vec<Keys>,
    sensitive: Sorted,
    folded: Sorted,
    /// All of them in lower case, for what may overlap.
    near: Sorted,
}

/// Where a rule is found.
#[derive(Clone)]
struct Keys {
    begins: Begins,
    header: Wants,
}

/// What the path has to begin with.
#[derive(Clone)]
struct Begins {
    text: String,
    case: Case,
    extent: Extent,
}

/// Whether there may be more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Beginning,
}

/// What a header has to be, its name in lower case.
#[derive(Clone)]
enum Wants {
    Nothing,
    Presence(String),
    Exact(String, String),
}

/// Beginnings in order.
#[derive(Default)]
struct Sorted(Vec<Entry>);

struct Entry {
    text: String,
    /// The longest other one that this one begins with.
    parent: Option<usize>,
    whole: Bucket,
    beginning: Bucket,
}

/// Rules with the same beginning.
#[derive(Default)]
struct Bucket {
    plain: Vec<usize>,
    present: BTreeMap<String, Vec<usize>>,
    exact: BTreeMap<String, BTreeMap<String, Vec<usize>>>,
}

/// Called with the number of a rule, until it has seen enough.
type Visit<'a> = &'a mut dyn FnMut(usize) -> ControlFlow<()>;

impl Index {
    /// An empty index that can hold these rules.
    pub(super) fn new(rules: &[Rule], frame: &Frame) -> Self {
        let keys: Vec<Keys> = rules.iter().map(|rule| Keys::of(rule, frame)).collect();
        let of = |case: Case| keys.iter().map(|keys| &keys.begins).filter(move |begins| begins.case == case);
        let sorted = |case: Case| Sorted::new(of(case).map(|begins| begins.text.clone()).collect());
        let (sensitive, folded) = (sorted(Case::Sensitive), sorted(Case::Ignored));
        let near = Sorted::new(keys.iter().map(|keys| keys.begins.text.to_ascii_lowercase()).collect());
        Self { keys, sensitive, folded, near }
    }

    /// Adds the rule of this number.
    pub(super) fn add(&mut self, rule: usize) {
        let Some(Keys { begins, header }) = self.keys.get(rule) else { return };
        let own = if begins.case == Case::Sensitive { &mut self.sensitive } else { &mut self.folded };
        own.add(&begins.text, begins.extent, header, rule);
        self.near.add(&begins.text.to_ascii_lowercase(), begins.extent, header, rule);
    }

    /// Visits all rules that can take the request.
    pub(super) fn taking(&self, seen: &Seen, visit: Visit) -> ControlFlow<()> {
        for (sorted, path) in [(&self.sensitive, &*seen.path.path), (&self.folded, seen.path.folded.as_str())] {
            for entry in sorted.beginnings_of(path) {
                entry.beginning.taking(seen, visit)?;
                if entry.text == path {
                    entry.whole.taking(seen, visit)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Visits the rules that can have a request in common with the rule of this number, as far as paths show it.
    pub(super) fn near(&self, rule: usize, visit: Visit) -> ControlFlow<()> {
        let Some(keys) = self.keys.get(rule) else { return ControlFlow::Continue(()) };
        let text = keys.begins.text.to_ascii_lowercase();
        for entry in self.near.beginnings_of(&text) {
            entry.beginning.all(&keys.header, visit)?;
            if entry.text == text {
                entry.whole.all(&keys.header, visit)?;
            }
        }
        let mut longer = self.near.longer_than(&text).filter(|_| keys.begins.extent == Extent::Beginning);
        longer.try_for_each(|entry| {
            entry.beginning.all(&keys.header, visit)?;
            entry.whole.all(&keys.header, visit)
        })
    }
}

impl Keys {
    fn of(rule: &Rule, frame: &Frame) -> Self {
        let mut paths = rule.holding().filter_map(|atom| match atom {
            Atom::Path(path) => Begins::of(path),
            Atom::Header(_) | Atom::Query(_) | Atom::Cookie(_) | Atom::Grpc => None,
        });
        let any = || Begins { text: String::new(), case: Case::Sensitive, extent: Extent::Beginning };
        Self { begins: paths.next().unwrap_or_else(any), header: Wants::of(rule, frame) }
    }
}

impl Begins {
    fn of(path: &PathAtom) -> Option<Self> {
        let (text, extent) = match &path.test {
            PathTest::Exact(text) => (text.clone(), Extent::Whole),
            PathTest::Prefix(text) | PathTest::Below(text) => (text.clone(), Extent::Beginning),
            PathTest::Regex(regex) => {
                let text = literal_beginning(regex);
                return Some(Self { text, case: Case::Sensitive, extent: Extent::Beginning });
            }
            // Whether a template takes a path is open for some paths, wherever these begin.
            PathTest::Template(_) => return None,
            PathTest::Text(text) => match text.match_pattern.as_ref()? {
                MatchPattern::Exact(exact) if !text.ignore_case => (exact.clone(), Extent::Whole),
                MatchPattern::Prefix(prefix) if !text.ignore_case => (prefix.clone(), Extent::Beginning),
                MatchPattern::SafeRegex(regex) => (literal_beginning(&regex.regex), Extent::Beginning),
                MatchPattern::Exact(_)
                | MatchPattern::Prefix(_)
                | MatchPattern::Suffix(_)
                | MatchPattern::Contains(_) => {
                    return None;
                }
            },
        };
        let case = match path.test {
            PathTest::Exact(_) | PathTest::Prefix(_) | PathTest::Below(_) => path.case,
            PathTest::Regex(_) | PathTest::Template(_) | PathTest::Text(_) => Case::Sensitive,
        };
        (!redacted::is_in(&text)).then_some(Self { text, case, extent })
    }
}

impl Wants {
    fn of(rule: &Rule, frame: &Frame) -> Self {
        let mut wants = Self::Nothing;
        for atom in rule.holding() {
            let Atom::Header(header) = atom else { continue };
            let name = header.name.to_ascii_lowercase();
            if frame.open.contains(&name) {
                continue;
            }
            if let Some(value) = exact(header) {
                let wanted = Self::Exact(name, value.to_owned());
                if header.name != ":method" {
                    return wanted;
                }
                wants = wanted;
            } else if is_presence_needed(header) && matches!(wants, Self::Nothing) {
                wants = Self::Presence(name);
            }
        }
        wants
    }
}

/// The one value that a header has to be; `None` where others will do, or nobody knows it.
pub(super) fn exact(header: &HeaderMatcher) -> Option<&str> {
    let value = match header.header_match_specifier.as_ref()? {
        Specifier::ExactMatch(text)
        | Specifier::StringMatch(StringMatcher {
            match_pattern: Some(MatchPattern::Exact(text)),
            ignore_case: false,
            ..
        }) => Some(text.as_str()),
        Specifier::StringMatch(_)
        | Specifier::SafeRegexMatch(_)
        | Specifier::RangeMatch(_)
        | Specifier::PresentMatch(_)
        | Specifier::PrefixMatch(_)
        | Specifier::SuffixMatch(_)
        | Specifier::ContainsMatch(_) => None,
    };
    value.filter(|text| !text.is_empty() && !header.invert_match && !redacted::is_in(text))
}

/// Whether it is met by headers only that are there.
fn is_presence_needed(header: &HeaderMatcher) -> bool {
    let by_presence = match &header.header_match_specifier {
        None => Some(true),
        Some(Specifier::PresentMatch(is_wanted)) => Some(*is_wanted),
        Some(_) => None,
    };
    !header.treat_missing_header_as_empty && by_presence.is_none_or(|is_wanted| is_wanted != header.invert_match)
}

impl Sorted {
    fn new(mut texts: Vec<String>) -> Self {
        texts.sort_unstable();
        texts.dedup();
        let mut entries: Vec<Entry> = Vec::with_capacity(texts.len());
        let mut open: Vec<usize> = Vec::new();
        for (at, text) in texts.into_iter().enumerate() {
            while open.last().and_then(|last| entries.get(*last)).is_some_and(|last| !text.starts_with(&last.text)) {
                open.pop();
            }
            let parent = open.last().copied();
            entries.push(Entry { text, parent, whole: Bucket::default(), beginning: Bucket::default() });
            open.push(at);
        }
        Self(entries)
    }

    fn add(&mut self, text: &str, extent: Extent, header: &Wants, rule: usize) {
        let at = self.0.binary_search_by(|entry| entry.text.as_str().cmp(text)).ok();
        let Some(entry) = at.and_then(|at| self.0.get_mut(at)) else { return };
        match extent {
            Extent::Whole => entry.whole.add(rule, header),
            Extent::Beginning => entry.beginning.add(rule, header),
        }
    }

    /// The entries that the text begins with, the longest first. All of them are links away from the last one that is
    /// not behind the text.
    fn beginnings_of<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a Entry> {
        let last = self.0.partition_point(|entry| entry.text.as_str() <= text).checked_sub(1);
        let links = std::iter::successors(last, |at| self.0.get(*at)?.parent);
        links.filter_map(|at| self.0.get(at)).filter(move |entry| text.starts_with(&entry.text))
    }

    /// The entries that begin with the text, and are not it.
    fn longer_than<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a Entry> {
        let first = self.0.partition_point(|entry| entry.text.as_str() <= text);
        self.0.iter().skip(first).take_while(move |entry| entry.text.starts_with(text))
    }
}

impl Bucket {
    fn add(&mut self, rule: usize, wants: &Wants) {
        match wants {
            Wants::Nothing => self.plain.push(rule),
            Wants::Presence(name) => self.present.entry(name.clone()).or_default().push(rule),
            Wants::Exact(name, value) => {
                self.exact.entry(name.clone()).or_default().entry(value.clone()).or_default().push(rule);
            }
        }
    }

    fn taking(&self, seen: &Seen, visit: Visit) -> ControlFlow<()> {
        each(&self.plain, visit)?;
        if self.present.is_empty() && self.exact.is_empty() {
            return ControlFlow::Continue(());
        }
        for name in seen.names() {
            if let Some(rules) = self.present.get(name) {
                each(rules, visit)?;
            }
            let Some(by_value) = self.exact.get(name) else { continue };
            let values = seen.values(name);
            let joined = (values.len() > 1).then(|| values.join(","));
            for value in values.into_iter().chain(joined.as_deref()) {
                if let Some(rules) = by_value.get(value) {
                    each(rules, visit)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// All rules, but for those that want another value of the same header.
    fn all(&self, header: &Wants, visit: Visit) -> ControlFlow<()> {
        each(&self.plain, visit)?;
        self.present.values().try_for_each(|rules| each(rules, visit))?;
        for (name, by_value) in &self.exact {
            match header {
                Wants::Exact(own, value) if own == name => {
                    by_value.get(value).map_or(ControlFlow::Continue(()), |rules| each(rules, visit))?;
                }
                Wants::Exact(..) | Wants::Presence(_) | Wants::Nothing => {
                    by_value.values().try_for_each(|rules| each(rules, visit))?;
                }
            }
        }
        ControlFlow::Continue(())
    }
}

fn each(rules: &[usize], visit: Visit) -> ControlFlow<()> {
    rules.iter().try_for_each(|rule| visit(*rule))
}

/// What every text that RE2 matches with the pattern begins with, as far as that is plain to see.
fn literal_beginning(pattern: &str) -> String {
    if redacted::is_in(pattern) || pattern.contains(r"\Q") || has_alternatives(pattern) {
        return String::new();
    }
    let mut text = String::new();
    let mut rest = pattern.trim_start_matches('^').chars().peekable();
    while let Some(c) = rest.next() {
        let literal = match c {
            '\\' => rest.next_if(|c| "./-_".contains(*c)),
            c => (c.is_ascii_alphanumeric() || "/-_".contains(c)).then_some(c),
        };
        match (literal, rest.peek()) {
            (None, _) | (_, Some('*' | '?' | '{')) => break,
            (Some(literal), Some('+')) => {
                text.push(literal);
                break;
            }
            (Some(literal), _) => text.push(literal),
        }
    }
    text
}

/// Whether the pattern is one of several as a whole; sooner too often than too seldom.
fn has_alternatives(pattern: &str) -> bool {
    let (mut depth, mut in_class, mut is_escaped) = (0_usize, false, false);
    for c in pattern.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => depth += 1,
            ')' if !in_class => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return true,
            _ => {}
        }
    }
    // A bracket that is a plain character of a class leaves the end in doubt.
    pattern.contains('|') && (pattern.contains("[[") || pattern.contains("[]") || pattern.contains("[^]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_patterns_begin_with() {
        for (pattern, expected) in [
            ("/api/v[0-9]+/.*", "/api/v"),
            (r"^/a\.b/.*", "/a.b/"),
            ("/ab*", "/a"),
            ("/ab+c", "/ab"),
            ("/ab?c", "/a"),
            ("/ab{2}", "/a"),
            ("/a|/b", ""),
            ("/a(b|c)", "/a"),
            ("/a(b)|/c", ""),
            ("/a[|]b", ""),
            ("(?i)/a", ""),
            (r"/\d", "/"),
            (r"\Q/a\E", ""),
            (".*", ""),
        ] {
            assert_eq!(literal_beginning(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn links_lead_to_all_beginnings() {
        let texts = ["", "/", "/a", "/a/b", "/a/b/c", "/ab", "/b", "/a-b"].map(str::to_owned);
        let sorted = Sorted::new(texts.to_vec());
        for path in ["/", "/a", "/a/", "/a/b/c/d", "/ab", "/abc", "/a-", "/c", "x", ""] {
            let found: Vec<&str> = sorted.beginnings_of(path).map(|entry| entry.text.as_str()).collect();
            let mut expected: Vec<&str> = texts.iter().map(String::as_str).filter(|t| path.starts_with(*t)).collect();
            expected.sort_by_key(|text| std::cmp::Reverse(text.len()));
            assert_eq!(found, expected, "{path}");
            let longer: Vec<&str> = sorted.longer_than(path).map(|entry| entry.text.as_str()).collect();
            let count = texts.iter().filter(|text| text.starts_with(path) && *text != path).count();
            assert_eq!(longer.len(), count, "{path}");
        }
    }
}
