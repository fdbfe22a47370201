//! The rows of the walk: always the same shape, in the order of the way.

use std::collections::{BTreeMap, BTreeSet};

use textwrap::core::display_width;

use super::hosts::all_healthy;
use super::line::{Line, NARROW, hanging, indented, with_references};
use super::text::{Detail, Screen};
use super::theme::Role;
use crate::verdict::{Branch, ClusterChoice, Condition, Decision, Mark, Side, Stage, Step};

impl Screen<'_> {
    /// The rows of one proxy.
    pub(super) fn rows(&self, side: Side) -> Vec<Line> {
        let steps: Vec<&Step> = self.steps().filter(|step| step.side == side).collect();
        if steps.is_empty() {
            return Vec::new();
        }
        if let (Side::Destination, Detail::Brief) = (side, self.detail) {
            return self.destination(&steps);
        }
        let column = self.column();
        let decision = self.decision(side);
        let mut lines = self.head(side);
        let mut below = Below::of(decision);
        let reached = steps.iter().rposition(|step| step.mark != Mark::NotReached || !is_bare(step));
        let shown = match self.detail {
            Detail::Brief => reached.map_or(0, |last| last + 1),
            Detail::Full => steps.len(),
        };
        for step in &steps[..shown] {
            if let Some(addresses) = decision.and_then(|decision| self.healthy(step, decision, column)) {
                lines.extend(addresses);
                continue;
            }
            lines.extend(self.row(step, column));
            if let Some(decision) = decision {
                lines.extend(self.below(step, decision, column, &mut below));
            }
        }
        lines
    }

    /// What B's proxy does in few rows: where it ends, or is doubtful, and else that it passes the request on.
    fn destination(&self, steps: &[&Step]) -> Vec<Line> {
        let column = self.column();
        let pods: Vec<&str> = self.pods().collect();
        let whose = match pods.as_slice() {
            [] => "its proxy".to_owned(),
            [pod] => format!("pod {pod}"),
            [first, more @ ..] => format!("pod {first} and {} more", more.len()),
        };
        let marked: Vec<&Step> =
            steps.iter().copied().filter(|step| !matches!(step.mark, Mark::Passed | Mark::NotReached)).collect();
        let (role, glyph, text) = if marked.is_empty() {
            let last = steps.last().filter(|step| step.stage == Stage::Endpoints);
            let text = match last {
                Some(step) => format!("{whose}, application at {}", step.subject),
                None => format!("{whose} takes it"),
            };
            (Role::of_mark(Mark::Passed), self.theme.mark(Mark::Passed), text)
        } else {
            (Role::of_mark(Mark::NotReached), " ", whose)
        };
        let label = Line::indented(2).with(role, glyph).with(Role::Plain, " inbound").filled_to(column);
        let has_row = marked.is_empty() || !pods.is_empty();
        let mut lines = if has_row { hanging(label, Role::Plain, &text, NARROW, self.width) } else { Vec::new() };
        lines.extend(marked.into_iter().flat_map(|step| self.row(step, column)));
        lines
    }

    /// An endpoints row of which nothing is to be said but who they are; `None` where there is more.
    fn healthy(&self, step: &Step, decision: &Decision, column: usize) -> Option<Vec<Line>> {
        let [cluster] = decision.clusters.as_slice() else { return None };
        let is_plain = self.detail == Detail::Brief && step.stage == Stage::Endpoints && step.mark == Mark::Passed;
        (is_plain && all_healthy(cluster) && !cluster.endpoints.is_empty()).then(|| {
            let label = self.label(step, column);
            let addresses = self.addresses(&cluster.endpoints, column + ", healthy".len()) + ", healthy";
            hanging(label, Role::Plain, &addresses, NARROW, self.width)
        })
    }

    /// The steps that earn a row.
    fn steps(&self) -> impl Iterator<Item = &Step> {
        let full = self.detail == Detail::Full;
        self.verdict.steps.iter().filter(move |step| {
            full || step.mark != Mark::Passed
                || !matches!(step.stage, Stage::Capture | Stage::FilterChain | Stage::HttpFilters)
        })
    }

    /// Where subjects begin: two columns after the longest stage.
    fn column(&self) -> usize {
        let longest = self.steps().map(|step| step.stage.word().len()).chain([Stage::Endpoints.word().len()]).max();
        4 + longest.unwrap_or(0) + 2
    }

    /// B's pods whose proxies were read.
    fn pods(&self) -> impl Iterator<Item = &str> {
        self.verdict.decision.iter().flat_map(|d| &d.destinations).map(|d| d.pod.as_str())
    }

    fn head(&self, side: Side) -> Vec<Line> {
        match (side, self.pods().collect::<Vec<_>>().as_slice()) {
            (Side::Source, _) => Vec::new(),
            (Side::Destination, [pod]) => vec![Line::of(Role::Heading, &format!("destination: {pod}"))],
            (Side::Destination, _) => vec![Line::of(Role::Heading, "destination")],
        }
    }

    fn decision(&self, side: Side) -> Option<&Decision> {
        let source = self.verdict.decision.as_ref();
        match side {
            Side::Source => source,
            Side::Destination => match source.map(|d| d.destinations.as_slice()) {
                Some([only]) => Some(&only.decision),
                Some(_) | None => None,
            },
        }
    }

    fn label(&self, step: &Step, column: usize) -> Line {
        let role = if step.mark == Mark::NotReached { Role::Unreached } else { Role::Plain };
        Line::indented(2)
            .with(Role::of_mark(step.mark), self.theme.mark(step.mark))
            .with(role, &format!(" {}", step.stage.word()))
            .filled_to(column)
    }

    fn row(&self, step: &Step, column: usize) -> Vec<Line> {
        let role = if step.mark == Mark::NotReached { Role::Unreached } else { Role::Plain };
        let label = self.label(step, column);
        let (subject, note) = words(step);
        let note = self.open(step).unwrap_or(note);
        let references = self.references(&step.evidence);
        let joined = format!("{subject}, {note}");
        let margin = if references.is_empty() { 0 } else { references.len() + 2 };
        let has_room = column + display_width(&joined) + margin <= self.width;
        let (subject, note) = if has_room && !note.is_empty() { (joined, String::new()) } else { (subject, note) };
        let mut lines = hanging(label, role, &subject, NARROW, self.width);
        lines.extend(indented(column, role, &note, self.width));
        with_references(lines, &references, self.width)
    }

    /// Instead of a note that stands below once more, among what is open: which of these it is.
    fn open(&self, step: &Step) -> Option<String> {
        let is_it = |open: &&Condition| open.side == step.side && open.stage == step.stage && open.why == step.note;
        let conditions = self.verdict.conditions.iter();
        let found = conditions.filter(|_| self.detail == Detail::Brief && !step.subject.is_empty()).find(is_it)?;
        Some(format!("[c{}]", found.id))
    }

    /// What a row lists below itself: the clusters where there are several, or the endpoints of one.
    fn below(&self, step: &Step, decision: &Decision, column: usize, below: &mut Below<'_>) -> Vec<Line> {
        let clusters = &decision.clusters;
        if step.mark == Mark::NotReached {
            return Vec::new();
        }
        match (step.stage, clusters.as_slice()) {
            (Stage::Cluster, [_, _, ..]) => {
                below.cluster = below.places.get(step.subject.as_str()).copied();
                if below.cluster.is_none() { self.listed(clusters, column, below) } else { Vec::new() }
            }
            (Stage::Endpoints, [only]) => self.endpoints(only, column),
            (Stage::Endpoints, _) => match below.cluster.and_then(|i| clusters.get(i)) {
                Some(cluster) => self.endpoints(cluster, column),
                None => self.listed(clusters, column, below),
            },
            (
                Stage::Request
                | Stage::Capture
                | Stage::Listener
                | Stage::FilterChain
                | Stage::HttpFilters
                | Stage::Route
                | Stage::Cluster,
                _,
            ) => Vec::new(),
        }
    }

    /// Whether the lines below the cluster row say all that the branches say.
    pub(super) fn rows_tell_branches(&self) -> bool {
        let clusters = self.verdict.decision.as_ref().map_or(&[][..], |decision| &decision.clusters);
        let branches = &self.verdict.branches;
        let names: BTreeSet<&str> = clusters.iter().map(|c| c.name.as_str()).collect();
        let listed = self.steps().any(|step| {
            let reached = step.side == Side::Source && step.mark != Mark::NotReached;
            reached && step.stage == Stage::Cluster && !names.contains(step.subject.as_str())
        });
        let same = |(c, b): (&ClusterChoice, &Branch)| {
            (c.share - b.share).abs() < 1e-9 && c.outcome == b.outcome && c.response == b.response
        };
        listed && clusters.len() == branches.len() && clusters.iter().zip(branches).all(same)
    }

    fn listed(&self, clusters: &[ClusterChoice], column: usize, below: &mut Below<'_>) -> Vec<Line> {
        if std::mem::replace(&mut below.listed, true) { Vec::new() } else { self.clusters(clusters, column) }
    }
}

/// Whether there is nothing to say of a step.
fn is_bare(step: &Step) -> bool {
    words(step) == ("not reached".to_owned(), String::new())
}

/// What was listed below the rows so far.
struct Below<'a> {
    /// Where each cluster stands, the first of its name.
    places: BTreeMap<&'a str, usize>,
    /// The clusters, all of them, once.
    listed: bool,
    /// The one that the last cluster row is about.
    cluster: Option<usize>,
}

impl<'a> Below<'a> {
    fn of(decision: Option<&'a Decision>) -> Self {
        let clusters = decision.map_or(&[][..], |d| &d.clusters);
        let places = clusters.iter().enumerate().map(|(i, cluster)| (cluster.name.as_str(), i));
        Self { places: places.rev().collect(), listed: false, cluster: None }
    }
}

/// What a row says: its subject, and the note below. Its mark is in the words too, where they have none of it.
fn words(step: &Step) -> (String, String) {
    let state = match step.mark {
        Mark::Passed | Mark::Warned => "",
        Mark::Stopped => "the request ends here",
        Mark::NotReached => "not reached",
        Mark::Unknown => "could not be told",
    };
    let (subject, note) = (step.subject.clone(), step.note.clone());
    match (subject.is_empty(), note.is_empty(), step.mark) {
        (true, true, _) => (state.to_owned(), String::new()),
        (true, false, _) => (note, String::new()),
        (false, true, Mark::Stopped) if step.stage == Stage::Endpoints => (subject, note),
        (false, true, _) if subject == state => (subject, note),
        (false, true, _) => (subject, state.to_owned()),
        (false, false, Mark::NotReached) => (subject, format!("{state}; {note}")),
        (false, false, Mark::Passed | Mark::Warned | Mark::Stopped | Mark::Unknown) => (subject, note),
    }
}
