//! `-o markdown`: the answer as a ticket takes it. GitHub and GitLab show it as it is meant.
//!
//! What is somebody's text says nothing to Markdown: in prose what could is escaped, in a table it is code with the
//! characters' numbers, and a fence is longer than any row of backticks in it.

use std::fmt::Write as _;

use super::line::{bounded, clean};
use super::numbered::Numbered;
use super::theme::Theme;
use super::words::{self, outcome};
use super::{again, change, command, log, mermaid, picture, text};
use crate::text::shown;
use crate::verdict::{Branch, Certainty, Finding, Fix, Verdict};

/// How many pieces of evidence a ticket has room for, and how wide the value of one may be.
const FEW: usize = 12;
const VALUE: usize = 4000;

/// One answer, with its final newline.
pub(super) fn page(verdict: &Verdict) -> String {
    let theme = Theme::default();
    let title = format!("### {} {}\n", theme.mark(verdict.mark()), prose(&verdict.summary));
    let sections = [
        table(verdict),
        fence("text", &text::walk(verdict, &theme, 80)),
        verdict.log.as_ref().map(|log| fence("text", &lines(&log::block(log, 80)))).unwrap_or_default(),
        open(verdict),
        ways(verdict),
        why(verdict),
        then(verdict),
        also_seen(verdict),
        list("Not checked", verdict.unchecked.iter().map(|line| prose(line))),
        evidence(verdict),
        details("the way as a picture", &fence("mermaid", &mermaid::chart(verdict))),
        again::footer(verdict, code) + "\n",
    ];
    std::iter::once(title).chain(sections).filter(|section| !section.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Several answers, each under its heading.
pub(super) fn pages(answers: &[(String, &Verdict)]) -> String {
    let page = |(whose, verdict): &(String, &Verdict)| format!("## {}\n\n{}", prose(whose), page(verdict));
    answers.iter().map(page).collect::<Vec<_>>().join("\n---\n\n")
}

/// What was asked, what came of it, and what to do: the first row is the head, as a table has to have one.
fn table(verdict: &Verdict) -> String {
    let request = &verdict.request;
    let asked = [request.line(), request.target.clone(), request.source_name.clone()].map(|text| cell(&text));
    let [line, to, from] = &asked;
    let mut rows =
        vec![("request", format!("{line} to {to} from {from}")), ("result", words::result(verdict, cell, prose))];
    if let Some(finding) = verdict.findings.first() {
        rows.push(("cause", format!("{}, {}", cell(finding.id), finding.certainty.word())));
        let fix = finding.fix.iter().find(|fix| fix.object.is_some());
        let object = fix.and_then(|fix| fix.object.as_ref()).or(finding.objects.first());
        if let Some(object) = object {
            rows.push(("object", cell(&words::object(object))));
            rows.extend((!object.field.is_empty()).then(|| ("field", cell(&object.field))));
        }
        rows.extend(fix.and_then(now_and_then).map(|change| ("now → should be", change)));
        let next = command::line(&finding.next);
        rows.extend((!next.is_empty()).then(|| ("next", cell(&next))));
    }
    let mut table = String::new();
    for (i, (name, value)) in rows.iter().enumerate() {
        // Writing to a string does not fail.
        let _ = writeln!(table, "| {name} | {value} |");
        if i == 0 {
            table.push_str("|---|---|\n");
        }
    }
    table
}

/// What the field holds, and what it should.
fn now_and_then(fix: &Fix) -> Option<String> {
    let value = |value: &serde_json::Value| cell(&value.to_string());
    match (&fix.now, &fix.want) {
        (None, None) => None,
        (Some(now), None) => {
            let wanted = change::wanted(fix).unwrap_or_else(|| fix.op.word());
            Some(format!("{} → {}", value(now), prose(wanted)))
        }
        (None, Some(want)) => Some(format!("{} {}", prose(fix.op.word()), value(want))),
        (Some(now), Some(want)) => Some(format!("{} → {}", value(now), value(want))),
    }
}

fn open(verdict: &Verdict) -> String {
    let items = verdict.conditions.iter().map(|open| {
        let settle = command::line(&open.settle);
        let settle = if settle.is_empty() { settle } else { format!(" {}", code(&settle)) };
        format!("\\[c{}\\] {}{settle}", open.id, prose(&open.why))
    });
    list("Open", items)
}

fn ways(verdict: &Verdict) -> String {
    if verdict.branches.len() < 2 {
        return String::new();
    }
    let row = |branch: &Branch| {
        let response = branch.response.as_ref().map(|r| format!(" ({})", prose(&r.short()))).unwrap_or_default();
        let which = picture::which(branch, verdict);
        format!("| {} | {}{response} | {} |\n", words::share(branch), outcome(branch.outcome), sentence(&which))
    };
    let rows: String = verdict.branches.iter().map(row).collect();
    format!("| share | result | which requests |\n|---|---|---|\n{rows}")
}

fn why(verdict: &Verdict) -> String {
    let Some(finding) = verdict.findings.first() else { return String::new() };
    let mut text = format!("**Why:** {}\n", prose(&finding.why));
    let fixes: Vec<String> = finding.fix.iter().map(|fix| prose(&fix.text)).collect();
    match &fixes[..] {
        [] => {}
        [one] => text.extend(["\n**Fix:** ", one, "\n"]),
        several => text.extend(["\n", &list("Fix, one of these", several.iter().cloned())]),
    }
    text
}

fn then(verdict: &Verdict) -> String {
    let items = verdict.behind.next.iter().map(|next| {
        let cause = next.cause().map(|cause| format!(" ({})", prose(&cause))).unwrap_or_default();
        format!("{}{cause}", prose(&next.sentence))
    });
    list("Then", items)
}

fn also_seen(verdict: &Verdict) -> String {
    let item = |finding: &Finding| {
        let likely = if finding.certainty == Certainty::Likely { " (likely)" } else { "" };
        format!("{}{likely}: {}", code(finding.id), prose(&finding.title))
    };
    list("Also seen", verdict.findings.iter().skip(1).map(item))
}

/// What carries the answer, with the commands that read it again.
fn evidence(verdict: &Verdict) -> String {
    let numbered = Numbered::of(verdict);
    let shown = numbered.carriers().min(FEW);
    let piece = |(id, evidence): (usize, &crate::snapshot::Evidence)| {
        let asked = match again::reads(verdict, evidence) {
            Some(command) => fence("sh", &command),
            None => fence("text", evidence.query()),
        };
        let value = evidence.value().map_or_else(|| fence("text", "no match"), |value| fence("json", value));
        format!("\\[{id}\\] {}, {}\n\n{asked}\n{value}", again::whom(evidence), code(evidence.path()))
    };
    let pieces: Vec<String> = numbered.all().take(shown).map(piece).collect();
    let all = numbered.count();
    let title =
        if shown == all { format!("evidence: {all} facts") } else { format!("evidence: {shown} of {all} facts") };
    if pieces.is_empty() { String::new() } else { details(&title, &pieces.join("\n")) }
}

fn list(title: &str, items: impl Iterator<Item = String>) -> String {
    let items = items.map(|item| format!("- {item}\n")).collect::<Vec<_>>().concat();
    if items.is_empty() { items } else { format!("**{title}:**\n\n{items}") }
}

/// What is shown on demand. Markdown goes on within it after an empty line.
fn details(summary: &str, content: &str) -> String {
    format!("<details>\n<summary>{summary}</summary>\n\n{content}\n</details>\n")
}

fn lines(lines: &[super::line::Line]) -> String {
    lines.iter().map(|line| line.paint(&Theme::default()) + "\n").collect()
}

/// Text line by line, each as it can be shown. No row of backticks in it ends it.
fn fence(language: &str, text: &str) -> String {
    let text: Vec<String> = text.lines().map(|line| bounded(&shown(line), VALUE).into_owned()).collect();
    let text = text.join("\n");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let mark = "`".repeat(3.max(longest + 1));
    format!("{mark}{language}\n{text}\n{mark}\n")
}

/// A value as code in a table, where a `|` ends the cell, and a backslash before it is another thing to each renderer.
fn cell(text: &str) -> String {
    let text = clean(text);
    if text.contains(['|', '\\']) { numbers(&text) } else { code(&text) }
}

/// A value as code: between backticks where that is safe, else with the numbers of its characters.
fn code(text: &str) -> String {
    let text = clean(text);
    if text.is_empty() || text.contains('`') || text.trim() != text { numbers(&text) } else { format!("`{text}`") }
}

fn numbers(text: &str) -> String {
    let numbers = text.chars().fold(String::new(), |mut numbers, c| {
        if c.is_alphanumeric() || ",/='".contains(c) {
            numbers.push(c);
        } else {
            // Writing to a string does not fail.
            let _ = write!(numbers, "&#{};", u32::from(c));
        }
        numbers
    });
    format!("<code>{numbers}</code>")
}

/// A sentence in a table, where a `|` ends the cell even if it is escaped in a way that another renderer does not know.
fn sentence(text: &str) -> String {
    prose(text).replace("\\|", "&#124;")
}

/// A sentence as it is: nothing in it is emphasis, a link, a mention, a number of an issue or an emoji.
fn prose(text: &str) -> String {
    let text = clean(text);
    let chars: Vec<char> = text.chars().collect();
    let is_word = |at: Option<&char>| at.is_some_and(|c| c.is_alphanumeric());
    let mut escaped = String::with_capacity(text.len() + 8);
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| chars.get(before));
        let after = chars.get(at + 1);
        match c {
            // An element apart is the only thing that no mention, reference or formula goes across.
            '@' | '#' | '$' if after.is_some_and(|c| *c != ' ') => {
                // Writing to a string does not fail.
                let _ = write!(escaped, "<span>&#{};</span>", u32::from(*c));
            }
            '_' if is_word(before) && is_word(after) => escaped.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '#' | '$' | '^' => {
                escaped.extend(['\\', *c]);
            }
            '!' if after == Some(&'[') || is_word(after) => escaped.push_str("\\!"),
            ':' if after == Some(&'/') || is_emoji(&chars[at..]) => escaped.push_str("&#58;"),
            '.' if before == Some(&'w') || (is_list(&chars[..at]) && !is_word(after)) => escaped.push_str("&#46;"),
            ')' if is_list(&chars[..at]) && !is_word(after) => escaped.push_str("&#41;"),
            '-' | '+' | '=' if at == 0 => escaped.extend(['\\', *c]),
            ' ' if at == 0 || at + 1 == chars.len() => escaped.push_str("&#32;"),
            ' ' if before == Some(&' ') => escaped.push_str("&#32;"),
            c => escaped.push(*c),
        }
    }
    escaped
}

/// Whether a colon begins `:name:`.
fn is_emoji(text: &[char]) -> bool {
    let end = text.iter().skip(1).position(|c| !c.is_ascii_alphanumeric() && !"_+-".contains(*c));
    // Of numbers these two have pictures.
    let is_number = |name: &[char]| {
        name.iter().all(char::is_ascii_digit) && !matches!(name, ['1', '0', '0'] | ['1', '2', '3', '4'])
    };
    end.is_some_and(|end| end > 0 && text.get(end + 1) == Some(&':') && !is_number(&text[1..=end]))
}

/// Whether this, at the beginning, is the number of a list's item.
fn is_list(before: &[char]) -> bool {
    (1..10).contains(&before.len()) && before.iter().all(char::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_sentences_stay_as_they_are() {
        let plain =
            "✗ order-service.shop cannot reach product-service:8082: subset \"v3\" is not defined (503 NC), a_b";
        assert_eq!(prose(plain), plain);
        assert_eq!(code("spec.http[0].route[0]"), "`spec.http[0].route[0]`");
    }

    #[test]
    fn what_means_something_to_markdown_does_not() {
        assert_eq!(prose("^a\\.b*_c_<b>"), "\\^a\\\\.b\\*\\_c\\_\\<b\\>");
        assert_eq!(
            prose("@user #1 $a$ :tada: 1. x"),
            "<span>&#64;</span>user <span>&#35;</span>1 <span>&#36;</span>a\\$ &#58;tada: 1. x"
        );
        assert_eq!(prose("1. x"), "1&#46; x");
        assert_eq!(prose("- x"), "\\- x");
        assert_eq!(prose("http://a www.b"), "http&#58;//a www&#46;b");
        assert_eq!(code("a`b\\"), "<code>a&#96;b&#92;</code>");
        assert_eq!(cell("a|b"), "<code>a&#124;b</code>");
        assert_eq!(fence("sh", "a```b"), "````sh\na```b\n````\n");
    }
}
