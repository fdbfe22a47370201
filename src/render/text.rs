//! One screen for a tired person: the verdict, the way, why, the proof, what to do.

use std::collections::BTreeSet;
use std::iter;

use super::line::{Line, clean, hanging, with_references, wrap};
use super::numbered::Numbered;
use super::theme::{Role, Theme};
use super::words::{outcome, percent};
use super::{again, change, command, evidence, log};
use crate::snapshot::Evidence;
use crate::verdict::{Branch, Certainty, Command, Condition, Finding, Guard, Outcome, Power, Side, Verdict};

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
    /// Objects as sentences name them: `shop/product`.
    names: BTreeSet<String>,
}

/// Where the text behind a label begins.
const LABEL: usize = 7;

/// The whole screen.
pub(super) fn screen(verdict: &Verdict, detail: Detail, theme: &Theme, width: usize) -> String {
    let screen = Screen::of(verdict, detail, theme, width);
    let blocks = [
        screen.headline(),
        screen.way(),
        screen.log(),
        screen.conditions(),
        screen.branches(),
        screen.evidence(),
        [screen.why(), screen.fix(), screen.then(), screen.also_seen()].concat(),
        [screen.not_checked(), screen.next(), screen.elsewhere(), screen.asked()].concat(),
    ];
    let paint = |block: &Vec<Line>| block.iter().map(|line| line.paint(theme) + "\n").collect::<String>();
    blocks.iter().filter(|block| !block.is_empty()).map(paint).collect::<Vec<_>>().join("\n")
}

/// Line 1, on one line however long.
pub(super) fn line_one(verdict: &Verdict, theme: &Theme) -> String {
    let mark = verdict.mark();
    let line = format!("{} {}", theme.mark(mark), theme.shortened(&verdict.summary));
    Line::of(Role::of_mark(mark), &line).paint(theme) + "\n"
}

/// The rows of the walk alone, of both sides, for a document that has the rest of the screen in a form of its own.
pub(super) fn walk(verdict: &Verdict, theme: &Theme, width: usize) -> String {
    let rows = Screen::of(verdict, Detail::Brief, theme, width).way();
    rows.iter().map(|line| line.paint(theme) + "\n").collect()
}

impl<'a> Screen<'a> {
    fn of(verdict: &'a Verdict, detail: Detail, theme: &'a Theme, width: usize) -> Self {
        Self { verdict, detail, theme, width, numbered: Numbered::of(verdict), names: names(verdict) }
    }
}

impl Screen<'_> {
    /// The rows of both sides.
    fn way(&self) -> Vec<Line> {
        [self.rows(Side::Source), self.rows(Side::Destination)].concat()
    }

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
        let mark = self.verdict.mark();
        let role = Role::of_mark(mark);
        let mark = Line::of(role, &format!("{} ", self.theme.mark(mark)));
        vec![mark.with(role, &self.theme.shortened(&self.verdict.summary))]
    }

    fn log(&self) -> Vec<Line> {
        self.verdict.log.as_ref().map(|log| log::block(log, self.width)).unwrap_or_default()
    }

    fn branches(&self) -> Vec<Line> {
        let branches = &self.verdict.branches;
        let are_kinds = branches.iter().any(|branch| matches!(branch.guards.first(), Some(Guard::Asked(_))));
        if are_kinds {
            return self.requests();
        }
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
            hanging(label, Role::Plain, b.by().trim_start_matches("weighted cluster "), share + 4, self.width)
        };
        heading("branches", branches.iter().flat_map(row).collect())
    }

    /// The kinds of requests that the question leaves open, and what becomes of each, where they end differently: worst
    /// first, those on which the answer does not rest last.
    fn requests(&self) -> Vec<Line> {
        const FEW: usize = 10;
        let branches = &self.verdict.branches;
        if branches.len() < 2 {
            return Vec::new();
        }
        let end = |branch: &Branch| {
            let is_part = branch.share < 1.0 - 1e-9;
            if is_part { format!("{} {}", percent(branch.share), fate(branch)) } else { fate(branch) }
        };
        let column = 2 + branches.iter().map(|branch| end(branch).len()).max().unwrap_or(0) + 2;
        let row = |(branch, kind): (&Branch, String)| {
            let label = Line::indented(2).with(Role::Plain, &end(branch)).filled_to(column);
            hanging(label, Role::Plain, &kind, 4, self.width)
        };
        let of = |branch| kinds_of(branch).into_iter().map(move |kind| (branch, kind));
        let all: Vec<(&Branch, String)> = branches.iter().flat_map(of).collect();
        let shown = if self.detail == Detail::Full { all.len() } else { FEW };
        let more = all.len().saturating_sub(shown);
        let mut lines: Vec<Line> = all.into_iter().take(shown).flat_map(row).collect();
        if more > 0 {
            let text = format!("{} and {more} more with -o wide", self.theme.ellipsis());
            lines.push(Line::indented(2).with(Role::Plain, &text));
        }
        heading("requests", lines)
    }

    /// What the answer rests on and is open: what it could do, and what would settle it.
    fn conditions(&self) -> Vec<Line> {
        const FEW: usize = 4;
        let all = &self.verdict.conditions;
        let one = |condition: &Condition| {
            let could = could(&condition.powers);
            let side = if condition.side == Side::Destination { " (the destination's side)" } else { "" };
            let text = format!("[c{}] {}{side}{could}", condition.id, condition.why);
            let mut lines = self.flowing(Line::indented(2), &text);
            let settle = command::lines(&condition.settle, self.width.saturating_sub(LABEL));
            lines.extend(settle.iter().map(|line| Line::indented(LABEL).with_whole(Role::Command, line)));
            with_references(lines, &self.references(&condition.evidence), self.width)
        };
        let shown = if self.detail == Detail::Full { all.len() } else { FEW };
        let mut lines: Vec<Line> = all.iter().take(shown).flat_map(one).collect();
        if all.len() > shown {
            let more = format!("{} and {} more with -o wide", self.theme.ellipsis(), all.len() - shown);
            lines.push(Line::indented(2).with(Role::Plain, &more));
        }
        heading("open", lines)
    }

    fn why(&self) -> Vec<Line> {
        let Some(finding) = self.verdict.findings.first() else {
            return Vec::new();
        };
        let likely = if finding.certainty == Certainty::Likely { "Likely: " } else { "" };
        let lines = self.labeled("why", &format!("{likely}{}", finding.why));
        with_references(lines, &self.references(&finding.evidence), self.width)
    }

    fn evidence(&self) -> Vec<Line> {
        match self.detail {
            Detail::Brief => Vec::new(),
            Detail::Full => heading("evidence", evidence::block(self.verdict, &self.numbered)),
        }
    }

    fn fix(&self) -> Vec<Line> {
        const FEW: usize = 2;
        let fixes = self.verdict.findings.first().map_or(&[][..], |finding| &finding.fix);
        let shown = if self.detail == Detail::Full { fixes.len() } else { fixes.len().min(FEW) };
        labels("fix", "or")
            .zip(&fixes[..shown])
            .flat_map(|(label, fix)| self.labeled(label, &change::words(fix, self.theme)))
            .collect()
    }

    /// What stops the request once that is done, so that nobody mends one fault only to meet the next.
    fn then(&self) -> Vec<Line> {
        let texts = self.verdict.behind.next.iter().flat_map(|next| [Some(next.sentence.clone()), next.cause()]);
        self.list("then", &texts.flatten().collect::<Vec<_>>())
    }

    fn also_seen(&self) -> Vec<Line> {
        const FEW: usize = 3;
        let others = self.verdict.findings.get(1..).unwrap_or_default();
        let shown = if self.detail == Detail::Full { others.len() } else { others.len().min(FEW) };
        let row = |(label, finding): (&str, &Finding)| {
            let lines = self.labeled(label, &format!("{} ({})", finding.title, named(finding)));
            with_references(lines, &self.references(&finding.evidence), self.width)
        };
        labels("also", "").zip(&others[..shown]).flat_map(row).collect()
    }

    /// What a success, or an open answer, does not cover. A failure stands whatever else was not read.
    fn not_checked(&self) -> Vec<Line> {
        let unchecked = &self.verdict.unchecked;
        let is_said = self.detail == Detail::Full || !self.is_settled();
        if unchecked.is_empty() || !is_said {
            return Vec::new();
        }
        match self.detail {
            Detail::Full => {
                self.list("but", &unchecked.iter().map(|what| format!("not checked: {what}")).collect::<Vec<_>>())
            }
            Detail::Brief => {
                let more = unchecked.len() - 1;
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                self.labeled("but", &format!("not checked: {}{more}", thing(&unchecked[0])))
            }
        }
    }

    fn is_settled(&self) -> bool {
        matches!(self.verdict.outcome, Outcome::Fails | Outcome::Answered)
    }

    fn next(&self) -> Vec<Line> {
        let finding = self.verdict.findings.first();
        finding.map(|finding| self.command("next", Role::Command, &finding.next)).unwrap_or_default()
    }

    /// What else there is to read.
    fn elsewhere(&self) -> Vec<Line> {
        let mut parts: Vec<String> = self
            .verdict
            .findings
            .first()
            .map(|first| format!("kubectl mesh-why explain {}", first.id))
            .into_iter()
            .collect();
        if self.detail == Detail::Brief {
            let unchecked = if self.is_settled() { self.verdict.unchecked.len() } else { 0 };
            let counted = [(self.numbered.count(), "fact", "facts"), (unchecked, "unchecked", "unchecked")];
            let counted = counted.into_iter().filter(|(count, ..)| *count > 0);
            let counted = counted.map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }));
            let counted = counted.collect::<Vec<_>>().join(", ");
            parts.extend((!counted.is_empty()).then(|| format!("-o wide: {counted}")));
        }
        if parts.is_empty() { Vec::new() } else { self.labeled("more", &parts.join("; ")) }
    }

    /// What was asked, and of what: so that a screen in a ticket stands for itself.
    fn asked(&self) -> Vec<Line> {
        let mut lines = self.command("asked", Role::Plain, &again::asked(self.verdict).unwrap_or_default());
        let label = if lines.is_empty() { "asked" } else { "" };
        lines.extend(self.labeled(label, &again::circumstances(self.verdict)));
        lines
    }

    /// How many pieces of evidence are shown.
    fn shown(&self) -> usize {
        match self.detail {
            Detail::Brief => 0,
            Detail::Full => self.numbered.count(),
        }
    }

    /// A text behind its label.
    fn labeled(&self, label: &str, text: &str) -> Vec<Line> {
        self.flowing(labeled(label), text)
    }

    /// Texts below each other, the first behind the label.
    fn list(&self, label: &str, texts: &[String]) -> Vec<Line> {
        labels(label, "").zip(texts).flat_map(|(label, text)| self.labeled(label, text)).collect()
    }

    /// A command behind a label.
    fn command(&self, label: &str, role: Role, command: &Command) -> Vec<Line> {
        let lines = command::lines(command, self.width.saturating_sub(LABEL));
        labels(label, "").zip(lines).map(|(label, line)| labeled(label).with_whole(role, &line)).collect()
    }

    /// Sentences, with the names of objects set off: behind what their first line begins with, further ones indented.
    fn flowing(&self, first: Line, text: &str) -> Vec<Line> {
        let mut first = Some(first);
        let lines = wrap(text, self.width.saturating_sub(LABEL)).into_iter();
        lines.map(|text| self.with_names(first.take().unwrap_or_else(|| Line::indented(LABEL)), &text)).collect()
    }

    fn with_names(&self, mut line: Line, text: &str) -> Line {
        let mut plain = 0;
        for (start, end) in self.named_in(text) {
            line = line.with(Role::Plain, &text[plain..start]).with(Role::Object, &text[start..end]);
            plain = end;
        }
        line.with(Role::Plain, &text[plain..])
    }

    /// Where names of objects stand, each by itself. A text is a line: what is looked at of it is bounded.
    fn named_in(&self, text: &str) -> Vec<(usize, usize)> {
        if self.names.is_empty() {
            return Vec::new();
        }
        let bounds: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
        let (mut found, mut from) = (Vec::new(), 0);
        for start in &bounds {
            let Some(rest) = text.get(*start..).filter(|rest| *start >= from && !rest.is_empty()) else { continue };
            if text[..*start].ends_with(is_inner) {
                continue;
            }
            let word = start + rest.find(' ').unwrap_or(rest.len());
            let mut ends = bounds.iter().rev().filter(|end| **end > *start && **end <= word);
            let is_name =
                |end: &&usize| !text[**end..].starts_with(is_inner) && self.names.contains(&text[*start..**end]);
            if let Some(end) = ends.find(is_name) {
                found.push((*start, *end));
                from = *end;
            }
        }
        found
    }
}

/// What an open thing could do, as a sentence ends.
fn could(powers: &[Power]) -> String {
    let word = |power: &Power| match power {
        Power::Refuse => "refuse",
        Power::Answer => "answer",
        Power::Rewrite => "change",
        Power::Withhold => "",
    };
    let words: Vec<&str> = powers.iter().map(word).filter(|word| !word.is_empty()).collect();
    match &words[..] {
        [] => String::new(),
        [one] => format!("; it could {one} the request"),
        [rest @ .., last] => format!("; it could {} or {last} the request", rest.join(", ")),
    }
}

/// The objects that sentences can name.
fn names(verdict: &Verdict) -> BTreeSet<String> {
    let objects = verdict.findings.iter().flat_map(|finding| &finding.objects);
    objects.filter(|o| !o.namespace.is_empty()).map(|o| clean(&format!("{}/{}", o.namespace, o.name))).collect()
}

/// The label of the first of several things, and that of all others.
fn labels<'a>(first: &'a str, others: &'a str) -> impl Iterator<Item = &'a str> {
    iter::once(first).chain(iter::repeat(others))
}

/// A line that begins with a label.
fn labeled(label: &str) -> Line {
    Line::of(Role::Heading, label).filled_to(LABEL)
}

/// What was not checked, without the reason.
fn thing(unchecked: &str) -> &str {
    let end = [" (", ": ", ", which "].into_iter().filter_map(|end| unchecked.find(end)).min();
    &unchecked[..end.unwrap_or(unchecked.len())]
}

/// A block under its heading; nothing for an empty one.
fn heading(title: &str, lines: Vec<Line>) -> Vec<Line> {
    if lines.is_empty() { lines } else { std::iter::once(Line::of(Role::Heading, title)).chain(lines).collect() }
}

fn named(finding: &Finding) -> String {
    match finding.certainty {
        Certainty::Certain => finding.id.to_owned(),
        Certainty::Likely => format!("{}, likely", finding.id),
    }
}

fn fate(branch: &Branch) -> String {
    let words = outcome(branch.outcome);
    branch.response.as_ref().map_or_else(|| words.to_owned(), |r| format!("{words} ({})", r.short()))
}

/// Each kind of requests that goes this way, with what else sends it there.
fn kinds_of(branch: &Branch) -> Vec<String> {
    let by = branch.by();
    let besides = if by.is_empty() { by } else { format!(" ({by})") };
    let kinds =
        branch.guards.iter().filter_map(|guard| if let Guard::Asked(kinds) = guard { Some(kinds) } else { None });
    kinds.flatten().map(|kind| format!("{}{besides}", kind.predicate)).collect()
}

fn run((first, last): (usize, usize)) -> String {
    match last - first {
        0 => format!("[{first}]"),
        1 => format!("[{first}] [{last}]"),
        _ => format!("[{first}-{last}]"),
    }
}

/// A character that goes on with a name.
fn is_inner(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '/'
}
