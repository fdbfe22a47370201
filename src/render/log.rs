//! What a line of an access log says happened then, word by word, and how that compares with now.

use super::command;
use super::line::{Line, hanging};
use super::theme::Role;
use crate::verdict::{Compared, Log, Side};

/// Where the text of a row begins: below the subjects of the walk.
const COLUMN: usize = 13;
/// Where a text goes that has no room there.
const NARROW: usize = 4;

/// The block; nothing where the question came from no log.
pub(super) fn block(log: &Log, width: usize) -> Vec<Line> {
    let mut lines = vec![Line::of(Role::Heading, "log")];
    let mut row = |label: &str, role: Role, text: &str| {
        let label = Line::indented(2).with(Role::Plain, label).with(Role::Plain, " ").filled_to(COLUMN);
        lines.extend(hanging(label, role, text, NARROW, width));
    };
    row("then", Role::Plain, &then(log));
    let places = [("cluster", &log.cluster), ("endpoint", &log.upstream_host)];
    for (label, text) in places.into_iter().filter_map(|(label, text)| Some((label, text.as_ref()?))) {
        row(label, Role::Plain, text);
    }
    for meaning in &log.meanings {
        if log.flags.contains(&meaning.of) {
            row(&meaning.of, Role::Plain, &meaning.text);
        } else {
            row("details", Role::Plain, &format!("{}: {}", meaning.of, meaning.text));
        }
    }
    row("now", role(log.compared), &log.now);
    // What it was then stands above.
    for change in &log.changes {
        row("changed", Role::Plain, &format!("{}: now {}", change.what, change.now));
    }
    for note in &log.notes {
        row("note", Role::Plain, note);
    }
    let next = command::lines(&log.next, width.saturating_sub(NARROW));
    if !next.is_empty() {
        lines.push(Line::indented(2).with(Role::Plain, "look at"));
    }
    lines.extend(next.iter().map(|line| Line::indented(NARROW).with_whole(Role::Command, line)));
    lines
}

/// Status, flags, time, and whose proxy wrote it.
fn then(log: &Log) -> String {
    let status = match log.status {
        Some(0) if log.flags.is_empty() => "no status".to_owned(),
        Some(0) => "closed".to_owned(),
        Some(status) => status.to_string(),
        None => "a status that the line does not have".to_owned(),
    };
    let flags = if log.flags.is_empty() { String::new() } else { format!(" {}", log.flags.join(",")) };
    let time = log.time.as_deref().map(|time| format!(" at {time}")).unwrap_or_default();
    let by = match log.writer {
        Some(Side::Source) => "the source's proxy wrote it",
        Some(Side::Destination) => "the destination's proxy wrote it",
        None => "the line does not say whose proxy wrote it",
    };
    format!("{status}{flags}{time}; {by}")
}

fn role(compared: Compared) -> Role {
    match compared {
        Compared::Same => Role::Plain,
        Compared::Differs | Compared::Open => Role::Caution,
    }
}
