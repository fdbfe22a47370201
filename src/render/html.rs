//! `-o html`: one page that needs nothing from elsewhere. What is shown on demand is `<details>`; there is no script.
//!
//! Every text goes through [`escaped`], and the page forbids itself scripts and whatever a server has to be asked for.

use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::line::clean;
use super::numbered::Numbered;
use super::picture::{Part, Room, Shape, picture};
use super::theme::Theme;
use super::words::{self, outcome};
use super::{again, change, command, picture};
use crate::snapshot::Evidence;
use crate::text::shown;
use crate::verdict::{Branch, Certainty, Finding, Fix, Log, Op, Verdict};

const STYLE: &str = include_str!("page.css");

/// A page has room for more than a flowchart.
const ROOM: Room = Room { ways: 24, hosts: 20, width: 400 };

/// How wide a value of evidence may be.
const VALUE: usize = 20_000;

/// One answer, as a page.
pub(super) fn page(verdict: &Verdict) -> String {
    pages(&[(String::new(), verdict)])
}

/// Several answers on one page, each under its heading.
pub(super) fn pages(answers: &[(String, &Verdict)]) -> String {
    let title = match answers {
        [(_, verdict), ..] => escaped(&verdict.summary),
        [] => "mesh-why".to_owned(),
    };
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    let articles: String =
        answers.iter().enumerate().map(|(i, (whose, verdict))| Article::of(verdict, i + 1).page(whose)).collect();
    let head = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n\
         </head>\n"
    );
    format!(
        "{head}<body>\n<a class=\"skip\" href=\"#answer\">to the answer</a>\n<main id=\"answer\">\n{articles}</main>\n</body>\n</html>\n"
    )
}

/// One answer of a page, and what tells its anchors from those of the others.
struct Article<'a> {
    verdict: &'a Verdict,
    numbered: Numbered<'a>,
    number: usize,
}

impl<'a> Article<'a> {
    fn of(verdict: &'a Verdict, number: usize) -> Self {
        Self { verdict, numbered: Numbered::of(verdict), number }
    }

    fn page(&self, whose: &str) -> String {
        let mark = self.verdict.mark();
        let whose = if whose.is_empty() { String::new() } else { format!("<p>{}</p>\n", escaped(whose)) };
        let header = format!(
            "<header>\n{whose}<p class=\"verdict {}\"><span aria-hidden=\"true\">{} </span>{}</p>\n<h1>{}</h1>\n</header>\n",
            mark.word(),
            Theme::default().mark(mark),
            outcome(self.verdict.outcome),
            escaped(&self.verdict.summary)
        );
        let sections = [
            Self::section("In short", &self.table()),
            Self::section("The way of the request", &self.way()),
            Self::section("Log", &self.verdict.log.as_ref().map(log).unwrap_or_default()),
            Self::section("Open", &self.open()),
            Self::section("Which requests", &self.ways()),
            Self::section("Why", &self.why()),
            Self::section("Fix", &self.fix()),
            Self::section("Then", &self.then()),
            Self::section("Also seen", &self.also_seen()),
            Self::section("Not checked", &list(self.verdict.unchecked.iter().map(|line| escaped(line)))),
            Self::section("Next", &self.next()),
            Self::section("Evidence", &self.evidence()),
        ];
        let footer = again::footer(self.verdict, code);
        format!("<article>\n{header}{}<footer>{footer}</footer>\n</article>\n", sections.concat())
    }

    /// A section with its heading; nothing for an empty one.
    fn section(title: &str, content: &str) -> String {
        if content.is_empty() {
            return String::new();
        }
        format!("<section aria-label=\"{title}\">\n<h2>{title}</h2>\n{content}</section>\n")
    }

    fn table(&self) -> String {
        let verdict = self.verdict;
        let request = &verdict.request;
        let [line, to, from] = [&request.line(), &request.target, &request.source_name].map(|text| code(text));
        let mut rows =
            vec![("request", format!("{line} to {to} from {from}")), ("result", words::result(verdict, code, escaped))];
        if let Some(finding) = verdict.findings.first() {
            rows.push(("cause", format!("{}, {}", code(finding.id), finding.certainty.word())));
            let fix = finding.fix.iter().find(|fix| fix.object.is_some());
            let object = fix.and_then(|fix| fix.object.as_ref()).or(finding.objects.first());
            if let Some(object) = object {
                rows.push(("object", code(&words::object(object))));
                rows.extend((!object.field.is_empty()).then(|| ("field", code(&object.field))));
            }
            rows.extend(fix.map(change).unwrap_or_default());
        }
        let rows = joined(rows.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>\n")));
        format!("<dl>\n{rows}</dl>\n")
    }

    fn way(&self) -> String {
        let root = picture(self.verdict, ROOM);
        let name = "From A through each stage and branch to the endpoints";
        format!("<div class=\"way\" role=\"group\" aria-label=\"{name}\">\n<ol>\n{}</ol>\n</div>\n", part(&root))
    }

    fn open(&self) -> String {
        list(self.verdict.conditions.iter().map(|open| {
            let settle = command::line(&open.settle);
            let settle = if settle.is_empty() { settle } else { format!("<pre><code>{}</code></pre>", whole(&settle)) };
            format!("[c{}] {}{}{settle}", open.id, escaped(&open.why), self.references(&open.evidence))
        }))
    }

    fn ways(&self) -> String {
        if self.verdict.branches.len() < 2 {
            return String::new();
        }
        let row = |branch: &Branch| {
            let response = branch.response.as_ref().map(|r| format!(" ({})", escaped(&r.short()))).unwrap_or_default();
            let which = escaped(&picture::which(branch, self.verdict));
            let (share, fate) = (words::share(branch), outcome(branch.outcome));
            format!("<tr><td>{share}</td><td>{fate}{response}</td><td>{which}</td></tr>\n")
        };
        let rows: String = self.verdict.branches.iter().map(row).collect();
        let names = ["share", "result", "which requests"].map(|name| format!("<th scope=\"col\">{name}</th>"));
        format!("<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n", names.concat())
    }

    fn why(&self) -> String {
        let Some(finding) = self.verdict.findings.first() else { return String::new() };
        let references = self.references(&finding.evidence);
        format!("<p><strong>{}</strong>{references}</p>\n<p>{}</p>\n", named(finding), escaped(&finding.why))
    }

    fn fix(&self) -> String {
        let fixes = self.verdict.findings.first().map_or(&[][..], |finding| &finding.fix);
        match fixes {
            [] => String::new(),
            [one] => format!("<p>{}</p>\n", escaped(&one.text)),
            several => format!("<p>One of these:</p>\n{}", list(several.iter().map(|fix| escaped(&fix.text)))),
        }
    }

    fn then(&self) -> String {
        list(self.verdict.behind.next.iter().map(|next| {
            let cause = next.cause().map(|cause| format!(" ({})", escaped(&cause))).unwrap_or_default();
            format!("{}{cause}", escaped(&next.sentence))
        }))
    }

    fn also_seen(&self) -> String {
        list(self.verdict.findings.iter().skip(1).map(|finding| {
            format!("{}: {}{}", named(finding), escaped(&finding.title), self.references(&finding.evidence))
        }))
    }

    fn next(&self) -> String {
        let line = self.verdict.findings.first().map(|finding| command::line(&finding.next)).unwrap_or_default();
        if line.is_empty() { line } else { format!("<pre><code>{}</code></pre>\n", whole(&line)) }
    }

    fn evidence(&self) -> String {
        self.numbered.all().take(self.numbered.count()).map(|(id, evidence)| self.piece(id, evidence)).collect()
    }

    fn piece(&self, id: usize, evidence: &Evidence) -> String {
        let value = bounded(&shown(evidence.value().unwrap_or("no match")));
        let command = again::reads(self.verdict, evidence);
        let command = command.map(|line| format!("<pre><code>{}</code></pre>\n", whole(&line))).unwrap_or_default();
        format!(
            "<details>\n<summary>[{id}] {}: {}</summary>\n<div id=\"{}\">\n<p>{}</p>\n<pre><code>{value}</code></pre>\n{command}\
             </div>\n</details>\n",
            again::whom(evidence),
            code(evidence.query()),
            self.anchor(id),
            code(evidence.path()),
        )
    }

    fn references(&self, cited: &[Evidence]) -> String {
        let numbers = self.numbered.numbers(cited).into_iter().filter(|id| *id <= self.numbered.count());
        let links: Vec<String> = numbers.map(|id| format!("<a href=\"#{}\">[{id}]</a>", self.anchor(id))).collect();
        if links.is_empty() { String::new() } else { format!(" <span class=\"refs\">{}</span>", links.join(" ")) }
    }

    fn anchor(&self, id: usize) -> String {
        format!("evidence-{}-{id}", self.number)
    }
}

/// A box of the way, with the endpoints in it, and what comes after it.
fn part(part: &Part) -> String {
    let (hosts, next): (Vec<&Part>, Vec<&Part>) = part.next.iter().partition(|next| is_endpoint(next));
    let label = paragraph("label", &part.label);
    let state =
        if part.state.is_empty() { String::new() } else { format!(": <span class=\"state\">{}</span>", part.state) };
    let name = if part.name.is_empty() { String::new() } else { format!("<p>{}</p>\n", code(&part.name)) };
    let mut text = format!(
        "<li class=\"part {}\">\n{label}<div class=\"box\">\n<p>{}{state}</p>\n{name}{}",
        part.mark.word(),
        escaped(&part.head),
        paragraph("note", &part.note)
    );
    if !hosts.is_empty() {
        let hosts: String = hosts.into_iter().map(host).collect();
        // Writing to a string does not fail.
        let _ = write!(text, "<ul class=\"hosts\">\n{hosts}</ul>\n");
    }
    text.push_str("</div>\n");
    if !next.is_empty() {
        let next: String = next.into_iter().map(self::part).collect();
        let _ = write!(text, "<ol>\n{next}</ol>\n");
    }
    text + "</li>\n"
}

fn is_endpoint(part: &Part) -> bool {
    part.shape == Shape::Host || (part.shape == Shape::More && part.head == "endpoints")
}

fn host(host: &Part) -> String {
    let note = if host.note.is_empty() { String::new() } else { format!(", {}", escaped(&host.note)) };
    format!("<li class=\"{}\">{} {}{note}</li>\n", host.mark.word(), code(&host.name), escaped(&host.state))
}

fn paragraph(class: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<p class=\"{class}\">{}</p>\n", escaped(text)) }
}

/// What a line of an access log says, and how that compares.
fn log(log: &Log) -> String {
    let mut text = format!("<p>{}</p>\n", escaped(&log.now));
    text.push_str(&list(log.meanings.iter().map(|m| format!("{}: {}", code(&m.of), escaped(&m.text)))));
    let change = |c: &crate::verdict::Change| format!("{}: {} then, {} now", c.what, code(&c.then), code(&c.now));
    text.push_str(&list(log.changes.iter().map(change)));
    text.push_str(&list(log.notes.iter().map(|note| escaped(note))));
    text
}

/// What the field holds, and what it should.
fn change(fix: &Fix) -> Vec<(&'static str, String)> {
    let now = fix.now.as_ref().map(|now| ("now", code(&now.to_string())));
    let want = match (fix.op, &fix.want) {
        (Op::Remove, _) => Some(("should be", "removed".to_owned())),
        (Op::Add, Some(want)) => Some(("add", code(&want.to_string()))),
        (Op::Replace, Some(want)) => Some(("should be", code(&want.to_string()))),
        (Op::Replace, None) => change::wanted(fix).map(|wanted| ("should be", escaped(wanted))),
        (Op::Add, None) => None,
    };
    now.into_iter().chain(want).collect()
}

fn named(finding: &Finding) -> String {
    let likely = if finding.certainty == Certainty::Likely { " (likely)" } else { "" };
    format!("{}{likely}", escaped(finding.id))
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items = joined(items.map(|item| format!("<li>{item}</li>\n")));
    if items.is_empty() { items } else { format!("<ul>\n{items}</ul>\n") }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().concat()
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

/// Text of others, as a page shows it: nothing in it is a tag, an entity, or the end of an attribute.
fn escaped(text: &str) -> String {
    escape(clean(text).as_str()).into_owned()
}

/// The same for a command, which is bounded already.
fn whole(text: &str) -> String {
    escape(text).into_owned()
}

fn bounded(text: &str) -> String {
    escape(super::line::bounded(text, VALUE).as_ref()).into_owned()
}
