//! `-o mermaid`: the way of a request as a flowchart that GitHub, GitLab and editors draw.
//!
//! Every text stands in quotes, and what Mermaid could take for something else is written as its character's number, as
//! `#124;`: <https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters>.

use std::fmt::Write as _;

use super::picture::{Part, Room, Shape, picture};
use crate::verdict::{Mark, Verdict};

/// Mermaid draws nothing of more than 50,000 characters (`maxTextSize`).
const LONGEST: usize = 40_000;

/// How much is drawn: what has no room is drawn with less.
const ROOMS: &[Room] = &[
    Room { ways: 12, hosts: 5, width: 160 },
    Room { ways: 6, hosts: 5, width: 100 },
    Room { ways: 3, hosts: 3, width: 60 },
    Room { ways: 1, hosts: 1, width: 20 },
];

/// One answer.
pub(super) fn chart(verdict: &Verdict) -> String {
    charts(&[(String::new(), verdict)])
}

/// Several answers, each in a frame that its heading stands above.
pub(super) fn charts(answers: &[(String, &Verdict)]) -> String {
    let mut text = String::new();
    for room in ROOMS {
        text = drawn(answers, *room);
        if text.len() <= LONGEST {
            break;
        }
    }
    text
}

fn drawn(answers: &[(String, &Verdict)], room: Room) -> String {
    let mut chart = Chart { text: "flowchart TD\n".to_owned(), count: 0, indent: 4 };
    for (i, (heading, verdict)) in answers.iter().enumerate() {
        let root = picture(verdict, room);
        if heading.is_empty() {
            chart.part(&root);
        } else {
            chart.line(&format!("subgraph g{i}[\"{}\"]", escaped(heading)));
            chart.indent += 4;
            chart.part(&root);
            chart.indent -= 4;
            chart.line("end");
        }
    }
    for class in CLASSES {
        chart.line(&format!("classDef {class}"));
    }
    chart.text
}

/// What a mark looks like, on light and on dark ground. The words of the mark stand in the box, too.
const CLASSES: &[&str] = &[
    "passed fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    "warned fill:#fff8c5,stroke:#9a6700,color:#1f2328",
    "stopped fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-width:3px",
    "unread fill:#f6f8fa,stroke:#6e7781,color:#1f2328,stroke-dasharray:4 4",
    "unknown fill:#fbefff,stroke:#8250df,color:#1f2328,stroke-dasharray:4 4",
];

fn class(mark: Mark) -> &'static str {
    match mark {
        Mark::Passed => "passed",
        Mark::Warned => "warned",
        Mark::Stopped => "stopped",
        Mark::NotReached => "unread",
        Mark::Unknown => "unknown",
    }
}

struct Chart {
    text: String,
    count: usize,
    indent: usize,
}

impl Chart {
    /// A box and all behind it; returns its number.
    fn part(&mut self, part: &Part) -> usize {
        let number = self.count;
        self.count += 1;
        let head = if part.state.is_empty() { part.head.clone() } else { format!("{}: {}", part.head, part.state) };
        let texts = [&head, &part.name, &part.note].into_iter().filter(|text| !text.is_empty());
        let label = texts.map(|text| escaped(text)).collect::<Vec<_>>().join("<br/>");
        let (open, close) = match part.shape {
            Shape::Client | Shape::End => ("([", "])"),
            Shape::Stage => ("[", "]"),
            Shape::Host | Shape::More => ("(", ")"),
        };
        self.line(&format!("n{number}{open}\"{label}\"{close}"));
        self.line(&format!("class n{number} {}", class(part.mark)));
        for next in &part.next {
            let behind = self.part(next);
            let label = if next.label.is_empty() { String::new() } else { format!("|\"{}\"|", escaped(&next.label)) };
            self.line(&format!("n{number} -->{label} n{behind}"));
        }
        number
    }

    fn line(&mut self, text: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{:indent$}{text}", "", indent = self.indent);
    }
}

/// Text as Mermaid takes it for itself: letters of any script, digits, and the few signs that mean nothing to it. Signs
/// that begin a list, an icon (`fa:fa-bell`) or emphasis do so between other characters than letters and digits.
fn escaped(text: &str) -> String {
    // What follows these words and has a colon loses a semicolon: `encodeEntities` of `packages/mermaid/src/utils.ts`.
    let is_style = text.contains("style") || text.contains("classDef");
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        let is_inner = before.is_alphanumeric() && after.is_alphanumeric();
        let is_plain = match c {
            ' ' | ',' | '/' | '=' | '\'' | '(' | ')' => true,
            '.' => after != ' ',
            '-' | '_' => is_inner,
            ':' => !is_style && !after.is_alphabetic(),
            c => c.is_alphanumeric(),
        };
        if is_plain {
            escaped.push(c);
        } else {
            // Writing to a string does not fail.
            let _ = write!(escaped, "#{};", u32::from(c));
        }
        // Read as a line break, a formula and an icon even where they are numbers (measured on 11.17), but not apart: a
        // space without a width stands between.
        if matches!((c, after), ('\\', 'n') | ('$', '$')) || (c == ':' && before == 'a' && after == 'f') {
            escaped.push_str("#8203;");
        }
        before = c;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_readable_and_signs_are_numbers() {
        assert_eq!(escaped("order-service.shop: 10.0.0.1:8082"), "order-service.shop: 10.0.0.1:8082");
        assert_eq!(escaped("outbound|80||a_b"), "outbound#124;80#124;#124;a_b");
        assert_eq!(escaped("\"`<b>#1;%%{"), "#34;#96;#60;b#62;#35;1#59;#37;#37;#123;");
        assert_eq!(
            escaped("- a 1. fa:fa-bell _x_ style:#a;"),
            "#45; a 1#46; fa#58;#8203;fa-bell #95;x#95; style#58;#35;a#59;"
        );
    }
}
