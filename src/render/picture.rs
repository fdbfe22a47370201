//! The way of a request as a tree of boxes, for the formats that draw it: A, each stage, each branch, the endpoints, and
//! how it ends.

use super::hosts;
use super::line::bounded;
use super::words::{outcome, percent};
use crate::text::shown;
use crate::verdict::{Branch, ClusterChoice, Endpoint, Guard, Mark, Outcome, Side, Stage, Step, Verdict};

/// How much is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// How many ways.
    pub(super) ways: usize,
    /// How many endpoints of a cluster.
    pub(super) hosts: usize,
    /// How wide a text of a box may be.
    pub(super) width: usize,
}

/// What a box stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// Where requests come from.
    Client,
    /// A stage of a proxy.
    Stage,
    /// An endpoint.
    Host,
    /// What becomes of the requests.
    End,
    /// What is not drawn.
    More,
}

/// A box, and what comes after it.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) shape: Shape,
    pub(super) mark: Mark,
    /// What it is: `cluster`, `endpoint`.
    pub(super) head: String,
    /// Its mark in words.
    pub(super) state: String,
    /// Its name, verbatim.
    pub(super) name: String,
    /// What is to be said of it.
    pub(super) note: String,
    /// What sends requests here and not elsewhere; empty where all go.
    pub(super) label: String,
    pub(super) next: Vec<Part>,
    /// The ways that pass it.
    ways: Vec<usize>,
}

/// The picture of a verdict: the box of A, with all else behind it.
pub(super) fn picture(verdict: &Verdict, room: Room) -> Part {
    let mut root = Part::of(Shape::Client, Mark::Passed, ("from", ""), &verdict.request.source_name, "");
    for (way, branch) in verdict.branches.iter().enumerate().take(room.ways) {
        let steps: Vec<&Step> = branch.steps.iter().filter(|step| is_drawn(step)).collect();
        root.add(&Way { number: way, branch, target: &verdict.request.target, room }, &steps);
    }
    root.say_what_parts(verdict);
    let more = verdict.branches.len().saturating_sub(room.ways);
    if more > 0 {
        let name = format!("and {more} more");
        root.next.push(Part::of(Shape::More, Mark::NotReached, ("ways", "not drawn"), &name, ""));
    }
    root.bound(room.width);
    root
}

/// What went without a word is not drawn, and neither is what no request of the way comes to.
fn is_drawn(step: &Step) -> bool {
    let is_silent = matches!(step.stage, Stage::Capture | Stage::FilterChain | Stage::HttpFilters);
    match step.mark {
        Mark::NotReached => false,
        Mark::Passed => !is_silent,
        Mark::Warned | Mark::Stopped | Mark::Unknown => true,
    }
}

impl Part {
    fn of(shape: Shape, mark: Mark, (head, state): (&str, &str), name: &str, note: &str) -> Self {
        Self {
            shape,
            mark,
            head: head.to_owned(),
            state: state.to_owned(),
            name: name.to_owned(),
            note: note.to_owned(),
            label: String::new(),
            next: Vec::new(),
            ways: Vec::new(),
        }
    }

    /// Draws a way behind this box: stages that it shares with another are drawn once.
    fn add(&mut self, way: &Way<'_>, steps: &[&Step]) {
        self.ways.push(way.number);
        let Some((step, rest)) = steps.split_first() else {
            let mut end = way.end();
            end.ways.push(way.number);
            self.next.push(end);
            return;
        };
        let drawn = stage(step);
        let known = self.next.iter().position(|part| part.is_same(&drawn));
        let at = known.unwrap_or(self.next.len());
        if known.is_none() {
            self.next.push(Self { next: way.endpoints(step), ..drawn });
        }
        if let Some(part) = self.next.get_mut(at) {
            part.add(way, rest);
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        let key = |part: &Self| (part.shape, part.mark, part.head.clone(), part.name.clone(), part.note.clone());
        key(self) == key(other)
    }

    /// Where requests part, each line that leads to one way alone says which requests take it.
    fn say_what_parts(&mut self, verdict: &Verdict) {
        let is_start = self.shape == Shape::Client;
        let parts = self.ways.len() > 1 || is_start;
        for next in &mut self.next {
            if let ([only], true) = (&next.ways[..], parts) {
                next.label = verdict.branches.get(*only).map(|branch| label(branch, verdict)).unwrap_or_default();
            }
            next.say_what_parts(verdict);
        }
    }

    /// Texts as they can be shown, none wider than this.
    fn bound(&mut self, width: usize) {
        for text in [&mut self.head, &mut self.state, &mut self.name, &mut self.note, &mut self.label] {
            *text = bounded(&shown(text), width).into_owned();
        }
        self.next.iter_mut().for_each(|next| next.bound(width));
    }
}

fn stage(step: &Step) -> Part {
    let side = if step.side == Side::Destination { "B's " } else { "" };
    let head = format!("{side}{}", step.stage.word());
    Part::of(Shape::Stage, step.mark, (&head, step.mark.word()), &step.subject, &step.note)
}

/// A way that is drawn.
struct Way<'a> {
    number: usize,
    branch: &'a Branch,
    target: &'a str,
    room: Room,
}

impl Way<'_> {
    /// The endpoints of A's cluster behind their row, those that cannot take the request first.
    fn endpoints(&self, step: &Step) -> Vec<Part> {
        let clusters = self.branch.decision.as_ref().map_or(&[][..], |decision| &decision.clusters);
        let (Stage::Endpoints, Side::Source, Some(ClusterChoice { endpoints, .. })) =
            (step.stage, step.side, clusters.first())
        else {
            return Vec::new();
        };
        let (able, unable): (Vec<&Endpoint>, Vec<_>) = endpoints.iter().partition(|endpoint| endpoint.eligible);
        let mut parts: Vec<Part> = unable.into_iter().chain(able).take(self.room.hosts).map(host).collect();
        let more = endpoints.len().saturating_sub(self.room.hosts);
        if more > 0 {
            let name = format!("and {more} more");
            parts.push(Part::of(Shape::More, Mark::NotReached, ("endpoints", "not drawn"), &name, ""));
        }
        parts
    }

    /// How it ends. What rests on something open is not sure.
    fn end(&self) -> Part {
        let branch = self.branch;
        let mark = match branch.outcome {
            Outcome::Reaches if !branch.is_conditional() => Mark::Passed,
            Outcome::Answered | Outcome::Partial => Mark::Warned,
            Outcome::Fails => Mark::Stopped,
            Outcome::Reaches | Outcome::Unknown => Mark::Unknown,
        };
        let response = branch.response.as_ref().filter(|_| branch.outcome != Outcome::Reaches);
        let (name, note) = match response {
            Some(response) => (response.short(), response.details.as_str()),
            None if branch.outcome == Outcome::Reaches => (self.target.to_owned(), ""),
            None => (String::new(), ""),
        };
        Part::of(Shape::End, mark, ("result", outcome(branch.outcome)), &name, note)
    }
}

fn host(endpoint: &Endpoint) -> Part {
    let (mark, state) = if endpoint.eligible {
        (Mark::Passed, "can take the request")
    } else {
        (Mark::Stopped, "cannot take the request")
    };
    let health = endpoint.health.iter().map(|flag| hosts::health(flag)).collect::<Vec<_>>().join(", ");
    Part::of(Shape::Host, mark, ("endpoint", state), &endpoint.address, &health)
}

/// Which requests take a way, with their share.
fn label(branch: &Branch, verdict: &Verdict) -> String {
    let share = (branch.share < 1.0 - 1e-9).then(|| percent(branch.share));
    let which = Some(which(branch, verdict)).filter(|which| !which.is_empty());
    share.into_iter().chain(which).collect::<Vec<_>>().join(", ")
}

/// Which requests take a way: what they look like, and what else sends them there.
pub(super) fn which(branch: &Branch, verdict: &Verdict) -> String {
    let open = |id: usize| verdict.conditions.iter().find(|condition| condition.id == id);
    let words = |guard: &Guard| match guard {
        Guard::Asked(kinds) => kinds.iter().map(|kind| kind.predicate.as_str()).collect::<Vec<_>>().join(" or "),
        Guard::Provided { condition, alternative: None } => {
            open(*condition).map_or_else(|| guard.words(), |open| format!("if {}", open.proviso))
        }
        Guard::Provided { condition, alternative: Some(alternative) } => {
            open(*condition).map_or_else(|| guard.words(), |open| format!("{}: {alternative}", open.subject))
        }
        Guard::Drawn { .. } | Guard::Address(_) | Guard::Pod(..) | Guard::Repaired { .. } => guard.words(),
    };
    let mut all: Vec<String> = Vec::new();
    for text in branch.guards.iter().map(words) {
        if !text.is_empty() && !all.contains(&text) {
            all.push(text);
        }
    }
    all.join(", ")
}
