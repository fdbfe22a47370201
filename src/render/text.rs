//! One screen for a tired person: the verdict, the way, why, the proof, what to do.

use super::evidence;
use super::hosts::{outcome, percent};
use super::line::{Line, clean, hanging, with_references, wrap};
use super::numbered::Numbered;
use super::theme::{Role, Theme};
use crate::snapshot::Evidence;
use crate::verdict::{Branch, Certainty, Finding, Side, Verdict};

/// How much of a verdict is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Detail {
    /// What carries the verdict.
    Brief,
    /// Everything.
    Full,
}

/// What every block needs to know.
pub(super) struct Screen<'a> {
    pub(super) verdict: &'a Verdict,
    pub(super) detail: Detail,
    pub(super) theme: &'a Theme,
    pub(super) width: usize,
    numbered: Numbered<'a>,
}

/// The whole screen.
pub(super) fn screen(verdict: &Verdict, detail: Detail, theme: &Theme, width: usize) -> String {
    let screen = Screen { verdict, detail, theme, width, numbered: Numbered::of(verdict) };
    let blocks = [
        screen.headline(),
        screen.rows(Side::Source),
        screen.rows(Side::Destination),
        screen.branches(),
        screen.why(),
        screen.evidence(),
        screen.fix(),
        screen.also_seen(),
        screen.not_checked(),
        screen.next(),
    ];
    let paint = |block: &Vec<Line>| block.iter().map(|line| line.paint(theme) + "\n").collect::<String>();
    blocks.iter().filter(|block| !block.is_empty()).map(paint).collect::<Vec<_>>().join("\n")
}

/// Line 1, on one line however long.
pub(super) fn line_one(verdict: &Verdict, theme: &Theme) -> String {
    let summary = verdict.summary.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = format!("{} {summary}", theme.outcome(verdict.outcome));
    Line::of(Role::of_outcome(verdict.outcome), &line).paint(theme) + "\n"
}

impl Screen<'_> {
    /// References to evidence that the screen shows: `[1] [3-5]`.
    pub(super) fn references(&self, cited: &[Evidence]) -> String {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for n in self.numbered.numbers(cited).into_iter().filter(|n| *n <= self.shown()) {
            match runs.last_mut() {
                Some((_, end)) if *end + 1 == n => *end = n,
                _ => runs.push((n, n)),
            }
        }
        runs.into_iter().map(run).collect::<Vec<_>>().join(" ")
    }

    /// Line 1 is whole in itself, however wide: it is what a ticket or an alert takes.
    fn headline(&self) -> Vec<Line> {
        let role = Role::of_outcome(self.verdict.outcome);
        let mark = Line::of(role, &format!("{} ", self.theme.outcome(self.verdict.outcome)));
        let summary = self.verdict.summary.split_whitespace().collect::<Vec<_>>().join(" ");
        vec![mark.with(role, &summary)]
    }

    fn branches(&self) -> Vec<Line> {
        let branches = &self.verdict.branches;
        if branches.len() < 2 || (self.detail == Detail::Brief && self.rows_tell_branches()) {
            return Vec::new();
        }
        let share = branches.iter().map(|b| percent(b.share).len()).max().unwrap_or(0);
        let widest = branches.iter().map(|b| fate(b).len()).max().unwrap_or(0);
        let row = |b: &Branch| {
            let label = Line::default()
                .with(Role::Plain, &format!("  {:>share$}  ", percent(b.share)))
                .with(Role::Plain, &fate(b))
                .filled_to(share + 4 + widest + 2);
            hanging(label, Role::Plain, &b.by, share + 4, self.width)
        };
        heading("branches", branches.iter().flat_map(row).collect())
    }

    fn why(&self) -> Vec<Line> {
        let Some(finding) = self.verdict.findings.first() else {
            return Vec::new();
        };
        let title = format!("why: {}", named(finding));
        let head =
            with_references(vec![Line::of(Role::Heading, &title)], &self.references(&finding.evidence), self.width);
        head.into_iter().chain(self.prose(&finding.why, 2, 2)).collect()
    }

    fn evidence(&self) -> Vec<Line> {
        let total = self.numbered.all().count();
        let mut lines = evidence::block(&self.numbered, self.shown(), self.width);
        let hidden = total - self.shown();
        if self.shown() < self.numbered.carriers() {
            let more = format!("{} and {hidden} more with -o wide", self.theme.ellipsis());
            lines.push(Line::indented(2).with(Role::Plain, &more));
        }
        heading("evidence", lines)
    }

    fn fix(&self) -> Vec<Line> {
        let items = self.verdict.findings.first().map_or(&[][..], |finding| &finding.fix);
        heading("fix", items.iter().flat_map(|item| self.prose(item, 2, 4)).collect())
    }

    fn also_seen(&self) -> Vec<Line> {
        let others = self.verdict.findings.get(1..).unwrap_or_default();
        let widest = others.iter().map(|f| named(f).len()).max().unwrap_or(0);
        let row = |f: &Finding| {
            let label = Line::indented(2).with(Role::Plain, &named(f)).filled_to(2 + widest + 2);
            let lines = hanging(label, Role::Plain, &f.title, 4, self.width);
            with_references(lines, &self.references(&f.evidence), self.width)
        };
        heading("also seen", others.iter().flat_map(row).collect())
    }

    fn not_checked(&self) -> Vec<Line> {
        heading("not checked", self.verdict.unchecked.iter().flat_map(|line| self.prose(line, 2, 4)).collect())
    }

    fn next(&self) -> Vec<Line> {
        let command = self.verdict.findings.first().map_or("", |finding| finding.next.trim());
        let lines = command_lines(command, self.width.saturating_sub(2)).into_iter();
        heading("next", lines.map(|line| Line::indented(2).with(Role::Command, &line)).collect())
    }

    /// How many pieces of evidence are shown. A screen has room for a dozen.
    fn shown(&self) -> usize {
        match self.detail {
            Detail::Brief => self.numbered.carriers().min(12),
            Detail::Full => self.numbered.all().count(),
        }
    }

    /// Sentences, with the names of objects set off: the first line at one column, further ones at another.
    fn prose(&self, text: &str, first: usize, further: usize) -> Vec<Line> {
        let lines = wrap(text, self.width.saturating_sub(further)).into_iter();
        lines
            .enumerate()
            .map(|(i, text)| self.with_names(Line::indented(if i == 0 { first } else { further }), &text))
            .collect()
    }

    fn with_names(&self, mut line: Line, text: &str) -> Line {
        let mut rest = text;
        while let Some((start, end)) = self.first_name(rest) {
            line = line.with(Role::Plain, &rest[..start]).with(Role::Object, &rest[start..end]);
            rest = &rest[end..];
        }
        line.with(Role::Plain, rest)
    }

    /// Where the first object's name stands, by itself.
    fn first_name(&self, text: &str) -> Option<(usize, usize)> {
        let objects = self.verdict.findings.iter().flat_map(|finding| &finding.objects);
        let names = objects.filter(|o| !o.namespace.is_empty()).map(|o| clean(&format!("{}/{}", o.namespace, o.name)));
        let found = names.filter_map(|name| {
            let places = text.match_indices(&name).map(|(start, name)| (start, start + name.len()));
            places.filter(|(start, end)| stands_alone(text, *start, *end)).min()
        });
        found.min_by_key(|(start, end)| (*start, usize::MAX - end))
    }
}

/// A block under its heading; nothing for an empty one.
fn heading(title: &str, lines: Vec<Line>) -> Vec<Line> {
    if lines.is_empty() { lines } else { std::iter::once(Line::of(Role::Heading, title)).chain(lines).collect() }
}

fn named(finding: &Finding) -> String {
    match finding.certainty {
        Certainty::Certain => finding.id.to_owned(),
        Certainty::Likely => format!("{} (likely)", finding.id),
    }
}

fn fate(branch: &Branch) -> String {
    let words = outcome(branch.outcome);
    branch.response.as_ref().map_or_else(|| words.to_owned(), |r| format!("{words} ({})", r.short()))
}

fn run((first, last): (usize, usize)) -> String {
    match last - first {
        0 => format!("[{first}]"),
        1 => format!("[{first}] [{last}]"),
        _ => format!("[{first}-{last}]"),
    }
}

fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let inner = |c: char| c.is_alphanumeric() || c == '-' || c == '/';
    !text[..start].ends_with(inner) && !text[end..].starts_with(inner)
}

/// A command in lines that a shell reads as one, if it is too wide for one.
fn command_lines(command: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in shell_words(command) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() + 3 <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(line) => {
                line.push_str(" \\");
                lines.push(format!("  {word}"));
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A command in the words that a shell sees: blanks in quotes do not divide.
fn shell_words(command: &str) -> Vec<&str> {
    let mut quote = None;
    let divides = move |c: char| {
        match quote {
            Some(q) if q == c => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            Some(_) | None => {}
        }
        c == ' ' && quote.is_none()
    };
    command.split(divides).filter(|word| !word.is_empty()).collect()
}
