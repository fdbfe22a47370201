//! Explanations: one word for a person, a list of all words, and the same as data.

use serde::Serialize;

use super::line::{Line, hanging, wrap};
use super::theme::{Role, Theme};
use super::{Format, RenderError, json, query, yaml};
use crate::explain::{self, Kind, Topic, Within};

/// Where what is said of a word begins.
const INDENT: usize = 2;
/// The widest column of names in a list; what is wider pushes its title to the right.
const NAMES: usize = 30;

/// Words in this format, with their final newline. Several are set apart by an empty line.
pub fn explain(topics: &[Topic], format: &Format, theme: &Theme, width: usize) -> Result<String, RenderError> {
    match format {
        Format::Text | Format::Wide => {
            let screen = |topic: &Topic| painted(&Screen { width }.topic(topic), theme);
            Ok(topics.iter().map(screen).collect::<Vec<_>>().join("\n"))
        }
        Format::Quiet => Ok(painted(&listed(&topics.iter().collect::<Vec<_>>(), width, theme), theme)),
        Format::Json | Format::Yaml | Format::JsonPath(_) => data(topics, format, theme),
        Format::Markdown | Format::Mermaid | Format::Html | Format::Junit | Format::Sarif => {
            Err(RenderError::NoExplanation)
        }
    }
}

/// All words, grouped, a line for each; as data the same as each of them.
pub fn list(topics: &[Topic], format: &Format, theme: &Theme, width: usize) -> Result<String, RenderError> {
    match format {
        Format::Text | Format::Wide | Format::Quiet => Ok(painted(&all(topics, width, theme), theme)),
        Format::Json | Format::Yaml | Format::JsonPath(_) => data(topics, format, theme),
        Format::Markdown | Format::Mermaid | Format::Html | Format::Junit | Format::Sarif => {
            Err(RenderError::NoExplanation)
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Explanations"))]
pub(super) struct Document<'a> {
    #[cfg_attr(test, schemars(extend("const" = json::SCHEMA)))]
    schema: &'static str,
    explanations: Vec<Explanation<'a>>,
}

/// Fields that are null say nothing.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Explanation<'a> {
    kind: &'static str,
    name: &'a str,
    also: &'a [&'static str],
    title: &'a str,
    status: Option<&'a str>,
    means: &'a str,
    comes_about: Option<&'a str>,
    confirm: Option<&'a str>,
    fix: Option<&'a str>,
    parts: Vec<Piece<'a>>,
    findings: &'a [&'static str],
    flags: &'a [&'static str],
    details: &'a [&'static str],
    codes: &'a [&'static str],
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Piece<'a> {
    text: &'a str,
    means: Option<&'a str>,
}

fn data(topics: &[Topic], format: &Format, theme: &Theme) -> Result<String, RenderError> {
    let document = Document { schema: json::SCHEMA, explanations: topics.iter().map(explanation).collect() };
    match format {
        Format::Yaml => yaml::yaml(&document).map_err(RenderError::Yaml),
        Format::JsonPath(expression) => query::select(&json::pretty(&document)?, expression, theme),
        Format::Text | Format::Wide | Format::Quiet | Format::Json => json::pretty(&document),
        Format::Markdown | Format::Mermaid | Format::Html | Format::Junit | Format::Sarif => {
            Err(RenderError::NoExplanation)
        }
    }
}

fn explanation(topic: &Topic) -> Explanation<'_> {
    Explanation {
        kind: topic.kind.word(),
        name: topic.name,
        also: topic.also,
        title: &topic.title,
        status: said(topic.status),
        means: &topic.means,
        comes_about: said(&topic.arises),
        confirm: said(&topic.confirm),
        fix: said(&topic.fix),
        parts: topic.parts.iter().map(|part| Piece { text: &part.text, means: said(part.means) }).collect(),
        findings: &topic.findings,
        flags: &topic.flags,
        details: &topic.details,
        codes: &topic.codes,
    }
}

fn said(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Where one word is explained.
struct Screen {
    width: usize,
}

impl Screen {
    fn topic(&self, topic: &Topic) -> Vec<Line> {
        let mut lines = self.head(topic);
        let blocks = [
            self.prose("", &topic.means),
            self.pieces(topic),
            self.prose("how it comes about", &topic.arises),
            self.prose("how to confirm it", &topic.confirm),
            self.prose("how to fix it", &topic.fix),
            self.findings(topic),
            self.names(if topic.kind == Kind::Finding { "it explains" } else { "goes with" }, &Self::words_of(topic)),
            self.names("analyzers say the same, or warn of it", &topic.codes),
        ];
        for block in blocks.into_iter().filter(|block| !block.is_empty()) {
            lines.push(Line::default());
            lines.extend(block);
        }
        lines
    }

    /// The word with its other spellings, what it says in one line, and what the client gets.
    fn head(&self, topic: &Topic) -> Vec<Line> {
        let name = Line::of(Role::Heading, topic.name);
        let also = if topic.also.is_empty() { String::new() } else { format!(", also {}", topic.also.join(", ")) };
        let mut lines = hanging(name, Role::Plain, &format!(", {}{also}", topic.kind.noun()), INDENT, self.width);
        lines.extend(self.plain(&topic.title, 0));
        if !topic.status.is_empty() {
            lines.extend(hanging(Line::of(Role::Plain, "status: "), Role::Plain, topic.status, INDENT, self.width));
        }
        lines
    }

    /// Flags, then details.
    fn words_of(topic: &Topic) -> Vec<&'static str> {
        topic.flags.iter().chain(&topic.details).copied().collect()
    }

    /// What stands in the braces, or can.
    fn pieces(&self, topic: &Topic) -> Vec<Line> {
        let row = |part: &Within| {
            let name = Line::indented(INDENT).with(Role::Object, &part.text);
            let text = if part.means.is_empty() { "Whoever wrote it alone knows more of it." } else { part.means };
            let mut lines = broken(name, self.width);
            lines.extend(self.plain(text, 2 * INDENT));
            lines
        };
        headed("inside", topic.parts.iter().flat_map(row).collect())
    }

    /// The findings that explain the word, each with its title.
    fn findings(&self, topic: &Topic) -> Vec<Line> {
        let all = explain::of_kind(Kind::Finding);
        let found: Vec<&Topic> =
            topic.findings.iter().filter_map(|id| all.iter().find(|finding| finding.name == *id)).collect();
        let row = |finding: &&Topic| {
            let name = named(finding, widest(&found)).with(Role::Plain, "  ");
            hanging(name, Role::Plain, finding.title.trim_end_matches('.'), 2 * INDENT, self.width)
        };
        headed("findings that explain it", found.iter().flat_map(row).collect())
    }

    /// Names, one after the other.
    fn names(&self, heading: &str, names: &[&str]) -> Vec<Line> {
        headed(heading, self.plain(&names.join(", "), INDENT))
    }

    /// Paragraphs under a heading.
    fn prose(&self, heading: &str, text: &str) -> Vec<Line> {
        let paragraphs = text.split("\n\n").filter(|text| !text.is_empty());
        headed(heading, paragraphs.flat_map(|text| self.plain(text, INDENT)).collect())
    }

    fn plain(&self, text: &str, column: usize) -> Vec<Line> {
        let lines = wrap(text, self.width.saturating_sub(column)).into_iter();
        lines.map(|line| Line::indented(column).with(Role::Plain, &line)).collect()
    }
}

/// All words under the headings of their kinds.
fn all(topics: &[Topic], width: usize, theme: &Theme) -> Vec<Line> {
    let mut lines = Vec::new();
    for kind in Kind::ALL {
        let own: Vec<&Topic> = topics.iter().filter(|topic| topic.kind == kind).collect();
        lines.extend(headed(kind.heading(), listed(&own, width, theme)));
        lines.push(Line::default());
    }
    lines.extend(
        wrap("kubectl mesh-why explain WORD tells more of one.", width).iter().map(|l| Line::of(Role::Plain, l)),
    );
    lines
}

/// A line for each word. A title that has no room is cut between words.
fn listed(topics: &[&Topic], width: usize, theme: &Theme) -> Vec<Line> {
    let widest = widest(topics);
    let row = |topic: &&Topic| {
        let name = named(topic, widest);
        let room = width.saturating_sub(name.width() + 2);
        let title = cut(topic.title.trim_end_matches('.'), room, theme.ellipsis());
        if title.is_empty() { name } else { name.with(Role::Plain, "  ").with(Role::Plain, &title) }
    };
    topics.iter().map(row).collect()
}

/// How wide the column of the names is.
fn widest(topics: &[&Topic]) -> usize {
    topics.iter().map(|topic| topic.name.len()).filter(|width| *width <= NAMES).max().unwrap_or(0)
}

/// The name of a word in its column.
fn named(topic: &Topic, widest: usize) -> Line {
    Line::indented(INDENT).with(Role::Object, topic.name).filled_to(INDENT + widest)
}

/// As many whole words as have room, and a sign that there are more.
fn cut(text: &str, room: usize, ellipsis: &str) -> String {
    if text.len() <= room {
        return text.to_owned();
    }
    let room = room.saturating_sub(ellipsis.len());
    let first = wrap(text, room).into_iter().next().filter(|line| line.len() <= room);
    first.map(|line| line.trim_end_matches([',', ':', ';']).to_owned() + ellipsis).unwrap_or_default()
}

/// A line that is too long, in pieces under each other.
fn broken(line: Line, width: usize) -> Vec<Line> {
    if line.width() <= width {
        return vec![line];
    }
    let text = line.paint(&Theme::default());
    let pieces = wrap(text.trim_start(), width.saturating_sub(INDENT)).into_iter();
    pieces.map(|piece| Line::indented(INDENT).with(Role::Object, &piece)).collect()
}

/// A block under its heading; one without a heading is as it is, and an empty one is none.
fn headed(heading: &str, lines: Vec<Line>) -> Vec<Line> {
    if lines.is_empty() || heading.is_empty() {
        return lines;
    }
    std::iter::once(Line::of(Role::Heading, heading)).chain(lines).collect()
}

fn painted(lines: &[Line], theme: &Theme) -> String {
    lines.iter().map(|line| line.paint(theme) + "\n").collect()
}
