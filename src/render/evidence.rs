//! The evidence block: for each number the query, the `JSONPath` in its answer, and the value found there.
//!
//! Values are verbatim and never wrapped, but the middle of one that is longer than any screen is left out. A path is
//! broken between segments only, where RFC 9535 allows blanks, so a pasted path still runs; a segment that is wider than
//! the screen stays whole.

use std::borrow::Cow;
use std::collections::BTreeMap;

use textwrap::core::display_width;

use super::line::{Line, WORD, bounded, pieces};
use super::numbered::Numbered;
use super::theme::Role;
use crate::snapshot::{Evidence, Origin};
use crate::text::shown;

/// How wide a value may be.
const VALUE: usize = 4000;

/// The first `count` pieces, without a heading.
pub(super) fn block(numbered: &Numbered<'_>, count: usize, width: usize) -> Vec<Line> {
    let column = format!("  [{count}] ").len();
    let mut asked = BTreeMap::new();
    let mut lines = Vec::new();
    for (id, evidence) in numbered.all().take(count) {
        let first = *asked.entry((evidence.origin(), evidence.query())).or_insert(id);
        lines.extend(piece(id, evidence, first, column, width));
    }
    lines
}

/// One piece; `first` is the piece whose query is the same.
fn piece(id: usize, evidence: &Evidence, first: usize, column: usize, width: usize) -> Vec<Line> {
    let room = width.saturating_sub(column);
    let mut query = fill(&query_parts(&shown(&query(evidence)), room), room);
    if first != id && query.len() > 1 {
        query = vec![format!("the query of [{first}]")];
    }
    let path = shown(evidence.path());
    let path = fill(&segments(&path).into_iter().map(|part| bounded(part, WORD)).collect::<Vec<_>>(), room);
    let mut number = Some(Line::indented(2).with(Role::Reference, &format!("[{id}]")).filled_to(column));
    let address = query.iter().chain(&path);
    let mut lines: Vec<Line> = address
        .map(|text| number.take().unwrap_or_else(|| Line::indented(column)).with_whole(Role::Plain, text))
        .collect();
    let value = shown(evidence.value().unwrap_or("no match"));
    let value = format!("= {}", bounded(&value, VALUE));
    lines.push(Line::indented(column - 2).with_whole(Role::Plain, &value));
    lines
}

/// The query, and whom it was put to where that is not A's proxy.
fn query(evidence: &Evidence) -> String {
    let whom = evidence.origin().word();
    match evidence.origin() {
        Origin::Source(0) => evidence.query().to_owned(),
        Origin::Source(n) | Origin::Destination(n) if n > 0 => format!("{whom}-{} {}", n + 1, evidence.query()),
        Origin::Source(_) | Origin::Destination(_) | Origin::Kubernetes | Origin::ControlPlane => {
            format!("{whom} {}", evidence.query())
        }
    }
}

/// A query in parts that fit in a line: its path, its parameters, and pieces of those that are too wide.
fn query_parts(query: &str, room: usize) -> Vec<Cow<'_, str>> {
    let starts = query.match_indices([' ', '?', '&']).map(|(i, found)| if found == " " { i + 1 } else { i });
    let bounds: Vec<usize> = std::iter::once(0).chain(starts).chain([query.len()]).collect();
    bounds
        .windows(2)
        .flat_map(|bound| match bounded(&query[bound[0]..bound[1]], WORD) {
            Cow::Borrowed(part) => pieces(part, room).into_iter().map(Cow::Borrowed).collect(),
            Cow::Owned(part) => {
                pieces(&part, room).into_iter().map(|piece| Cow::Owned(piece.to_owned())).collect::<Vec<_>>()
            }
        })
        .filter(|part| !part.is_empty())
        .collect()
}

/// A `JSONPath` in its segments: `$`, `.name`, `..name`, `[…]`.
fn segments(path: &str) -> Vec<&str> {
    let mut place = Place::default();
    let starts: Vec<usize> = path.char_indices().filter(|(_, c)| place.begins_segment(*c)).map(|(i, _)| i).collect();
    let ends = starts.iter().skip(1).copied().chain([path.len()]);
    starts.iter().zip(ends).map(|(start, end)| &path[*start..end]).collect()
}

/// Where in a path one is, character by character.
#[derive(Default)]
struct Place {
    brackets: usize,
    quote: Option<char>,
    before: Option<char>,
}

impl Place {
    /// Takes the next character; whether a segment begins with it.
    fn begins_segment(&mut self, c: char) -> bool {
        let before = self.before.replace(c);
        if let Some(quote) = self.quote {
            self.read_quoted(quote, before, c);
            return false;
        }
        let begins = self.brackets == 0 && (before.is_none() || (before != Some('.') && (c == '.' || c == '[')));
        match c {
            '\'' | '"' => self.quote = Some(c),
            '[' => self.brackets += 1,
            ']' => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        begins
    }

    fn read_quoted(&mut self, quote: char, before: Option<char>, c: char) {
        if before == Some('\\') {
            self.before = None;
        } else if c == quote {
            self.quote = None;
        }
    }
}

/// Parts in lines of at most this width, if none of them is wider.
fn fill<T: AsRef<str>>(parts: &[T], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut taken = 0;
    for part in parts.iter().map(AsRef::as_ref) {
        let wide = display_width(part);
        match lines.last_mut() {
            Some(line) if taken + wide <= width => {
                line.push_str(part);
                taken += wide;
            }
            Some(_) | None => {
                lines.push(part.to_owned());
                taken = wide;
            }
        }
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use jsonpath_rust::JsonPath as _;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_path_is_divided_between_segments() {
        let path = "$..hosts[?@.name=='a.b[0]\\'s'].routes[0]['x.y'].z";
        assert_eq!(segments(path), ["$", "..hosts", "[?@.name=='a.b[0]\\'s']", ".routes", "[0]", "['x.y']", ".z"]);
        assert_eq!(segments("$..[?(@.a[0].b)]"), ["$", "..[?(@.a[0].b)]"]);
        assert_eq!(fill(&segments(path), 24), ["$..hosts", "[?@.name=='a.b[0]\\'s']", ".routes[0]['x.y'].z"]);
    }

    #[test]
    fn a_path_that_is_pasted_from_the_screen_still_runs() {
        let document = json!({"configs": [{"clusters": [{"name": "outbound|80||a.b"}, {"name": "c"}]}]});
        let path = "$.configs[0].clusters[?@.name=='outbound|80||a.b'].name";
        for width in 1..60 {
            let pasted = fill(&segments(path), width).join("\n      ");
            let found: Vec<&Value> = document.query(&pasted).unwrap_or_default();
            assert_eq!(found, [&json!("outbound|80||a.b")], "{pasted}");
        }
    }
}
