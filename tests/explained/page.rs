//! docs/causes.md: what goes wrong in meshes, and what of it a verdict names. Made of docs/causes.yaml and the findings.
//! docs/flags.md: Envoy's response flags and details. Made of what `explain` says of them.
//!
//! `UPDATE_EXPECT=1 cargo test --test explained` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use mesh_why::diagnose::roster;
use mesh_why::explain::{Kind, Topic, of_kind};
use serde::Deserialize;

use crate::common::{against_golden, none, scenarios};

const HEAD: &str = "\
# Causes

<!-- Made of docs/causes.yaml and of the findings: UPDATE_EXPECT=1 cargo test --test explained -->

What a verdict names, and what it does not. `kubectl mesh-why explain ID` prints the text of a finding, and the same for
Envoy's response flags and details and for the codes of analyzers.

";

/// A chapter of causes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    section: String,
    causes: Vec<Cause>,
}

/// A cause for which requests fail, and what of it is seen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cause {
    number: usize,
    title: String,
    seen: Seen,
    #[serde(default)]
    findings: Vec<String>,
    #[serde(default)]
    scenarios: Vec<String>,
    #[serde(default)]
    note: String,
    #[serde(default)]
    command: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    #[serde(rename = "rule")]
    Rule,
    #[serde(rename = "covered")]
    Covered,
    #[serde(rename = "shown")]
    Shown,
    #[serde(rename = "handed over")]
    HandedOver,
    #[serde(rename = "not seen")]
    Unseen,
    #[serde(rename = "not yet")]
    NotYet,
}

impl Seen {
    fn words(self) -> &'static str {
        match self {
            Self::Rule => "a rule",
            Self::Covered => "covered by",
            Self::Shown => "shown",
            Self::HandedOver => "handed over",
            Self::Unseen => "not seen",
            Self::NotYet => "not yet",
        }
    }

    fn means(self) -> &'static str {
        match self {
            Self::Rule => "a finding names the cause",
            Self::Covered => "a finding explains the failure, and names less than the cause",
            Self::Shown => "the rows of the screen show it, and no finding names it",
            Self::HandedOver => "the proxy's log says more of it than any configuration",
            Self::Unseen => "nothing that is read shows it",
            Self::NotYet => "it could be seen, and is not yet",
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sections() -> Vec<Section> {
    let text = fs::read_to_string(root().join("docs/causes.yaml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

/// What the answers to the scenarios say of each finding: how certain it was, and where.
fn shown() -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let mut shown: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for scenario in scenarios() {
        let answer = scenario.json("expect.json").unwrap();
        // What stops the request only once another fault is repaired is not what the scenario shows.
        let findings = answer["findings"].as_array().unwrap().iter();
        for finding in findings.filter(|finding| finding.get("behind").is_none()) {
            let (certainties, names) = shown.entry(finding["id"].as_str().unwrap().to_owned()).or_default();
            certainties.insert(finding["certainty"].as_str().unwrap().to_owned());
            names.insert(scenario.name.clone());
        }
    }
    shown
}

fn page() -> String {
    let (findings, shown) = (of_kind(Kind::Finding), shown());
    let mut text = HEAD.to_owned();
    text += "## The findings\n\n";
    text += "| id | symptom | explains | analyzers | certainty in the scenarios |\n|---|---|---|---|---|\n";
    for topic in &findings {
        let words: Vec<&str> = topic.flags.iter().chain(&topic.details).copied().collect();
        let certainty = shown.get(topic.name).map(|(c, _)| c.iter().cloned().collect::<Vec<_>>().join(" or "));
        let rule = roster().iter().find(|rule| rule.id == topic.name).unwrap();
        let cells = [
            format!("[`{0}`](#{0})", topic.name),
            cell(topic.title.trim_end_matches('.')),
            code(&words),
            rule.codes.join(", "),
            certainty.unwrap_or_default(),
        ];
        writeln!(text, "| {} |", cells.join(" | ")).unwrap();
    }
    text += "\nThe codes are those with which a finding comes in `-o json`. More that bear on it stand below.\n";
    for topic in &findings {
        told(&mut text, topic, shown.get(topic.name).map(|(_, names)| names));
    }
    text + &catalog()
}

/// The text of one finding.
fn told(text: &mut String, topic: &Topic, scenarios: Option<&BTreeSet<String>>) {
    write!(text, "\n### {}\n\n**{}**\n\n{}\n", topic.name, topic.title, topic.means).unwrap();
    let parts =
        [("How it comes about", &topic.arises), ("How to confirm it", &topic.confirm), ("How to fix it", &topic.fix)];
    for (label, part) in parts {
        write!(text, "\n*{label}*: {part}\n").unwrap();
    }
    let scenarios: Vec<&str> = scenarios.into_iter().flatten().map(String::as_str).collect();
    let lists = [("Analyzers", topic.codes.join(", ")), ("Scenarios", code(&scenarios))];
    for (label, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
        write!(text, "\n*{label}*: {list}\n").unwrap();
    }
}

/// The causes by number.
fn catalog() -> String {
    let sections = sections();
    let all: Vec<&Cause> = sections.iter().flat_map(|section| &section.causes).collect();
    let mut text = format!("\n## {} causes, and what is seen of them\n\n", all.len());
    text += "| | | causes |\n|---|---|---|\n";
    for seen in [Seen::Rule, Seen::Covered, Seen::Shown, Seen::HandedOver, Seen::Unseen, Seen::NotYet] {
        let count = all.iter().filter(|cause| cause.seen == seen).count();
        writeln!(text, "| {} | {} | {count} |", seen.words(), seen.means()).unwrap();
    }
    for section in &sections {
        write!(text, "\n### {}\n\n| | cause | seen | scenarios | notes |\n|---|---|---|---|---|\n", section.section)
            .unwrap();
        section.causes.iter().for_each(|cause| text += &row(cause));
    }
    text
}

fn row(cause: &Cause) -> String {
    let findings: Vec<String> = cause.findings.iter().map(|id| format!("[`{id}`](#{id})")).collect();
    let seen = format!("{} {}", cause.seen.words(), findings.join(", "));
    let scenarios: Vec<&str> = cause.scenarios.iter().map(String::as_str).collect();
    let command = if cause.command.is_empty() { String::new() } else { format!(" `{}`", cell(&cause.command)) };
    let notes = format!("{}{command}", cell(&cause.note));
    let cells = [cause.number.to_string(), cell(&cause.title), seen, code(&scenarios), notes];
    format!("| {} |\n", cells.map(|text| text.trim().to_owned()).join(" | "))
}

fn code(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

const HEAD_OF_FLAGS: &str = "\
# Envoy's response flags and details

<!-- Made of what `kubectl mesh-why explain` says: UPDATE_EXPECT=1 cargo test --test explained -->

What the words of an access log mean, of Envoy 1.40: the flags (`%RESPONSE_FLAGS%`, and by their long names
`%RESPONSE_FLAGS_LONG%`), and the details (`%RESPONSE_CODE_DETAILS%`). `kubectl mesh-why explain UF,URX` prints the same
in a terminal. [The causes](causes.md) has the findings that are named here.

";

/// The page of flags and details.
fn flags() -> String {
    let (flags, details) = (of_kind(Kind::Flag), of_kind(Kind::Details));
    let mut text = HEAD_OF_FLAGS.to_owned();
    text += "## The flags\n\n| flag | long | means | status | findings |\n|---|---|---|---|---|\n";
    for topic in &flags {
        let name = format!("[`{}`](#{})", topic.name, anchor(topic));
        let cells = [&name, &code(topic.also), &cell(&topic.title), &cell(topic.status), &linked(&topic.findings)];
        writeln!(text, "| {} |", cells.map(String::as_str).join(" | ")).unwrap();
    }
    text += "\n## The details\n\n| details | means | status | flags | findings |\n|---|---|---|---|---|\n";
    for topic in &details {
        let cells = [
            &code(&[topic.name]),
            &cell(&topic.title),
            &cell(topic.status),
            &code(&topic.flags),
            &linked(&topic.findings),
        ];
        writeln!(text, "| {} |", cells.map(String::as_str).join(" | ")).unwrap();
    }
    text += "\n## The flags, one by one\n";
    for topic in &flags {
        flag(&mut text, topic);
    }
    text
}

/// What a flag says at length.
fn flag(text: &mut String, topic: &Topic) {
    let head = topic.also.first().map_or_else(|| topic.name.to_owned(), |long| format!("{} {long}", topic.name));
    write!(text, "\n### {head}\n\n**{}**\n\n{}\n", topic.title, topic.means).unwrap();
    let parts = [
        ("What the client gets", topic.status),
        ("How it comes about", &topic.arises),
        ("How to confirm it", &topic.confirm),
        ("How to fix it", &topic.fix),
        ("Findings", &linked(&topic.findings)),
    ];
    for (label, part) in parts.iter().filter(|(_, part)| !part.is_empty()) {
        write!(text, "\n*{label}*: {part}\n").unwrap();
    }
}

/// What GitHub calls the heading of a flag.
fn anchor(topic: &Topic) -> String {
    let head = topic.also.first().map_or_else(|| topic.name.to_owned(), |long| format!("{} {long}", topic.name));
    head.to_lowercase().replace(' ', "-")
}

/// Findings, each with a link to its text.
fn linked(findings: &[&str]) -> String {
    findings.iter().map(|id| format!("[`{id}`](causes.md#{id})")).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_page_of_flags_is_up_to_date() {
    none(&against_golden(&root().join("docs/flags.md"), &flags()).into_iter().collect::<Vec<_>>());
}

#[test]
fn the_page_is_up_to_date() {
    none(&against_golden(&root().join("docs/causes.md"), &page()).into_iter().collect::<Vec<_>>());
}

#[test]
fn the_causes_are_numbered_and_name_what_is_there() {
    let ids: BTreeSet<&str> = roster().iter().map(|rule| rule.id).collect();
    let folders: BTreeSet<String> = scenarios().into_iter().map(|scenario| scenario.name).collect();
    let mut complaints = Vec::new();
    for (place, cause) in sections().iter().flat_map(|section| &section.causes).enumerate() {
        let number = cause.number;
        let mut say = |words: String| complaints.push(format!("{number}: {words}"));
        if number != place + 1 {
            say(format!("it stands where {} should", place + 1));
        }
        cause.findings.iter().filter(|id| !ids.contains(id.as_str())).for_each(|id| say(format!("no finding {id}")));
        cause
            .scenarios
            .iter()
            .filter(|name| !folders.contains(*name))
            .for_each(|name| say(format!("no scenario {name}")));
        let is_named = matches!(cause.seen, Seen::Rule | Seen::Covered);
        if is_named && cause.findings.is_empty() {
            say("which finding?".to_owned());
        }
        if !is_named && cause.note.is_empty() {
            say("why is it not named?".to_owned());
        }
        if matches!(cause.seen, Seen::Unseen | Seen::HandedOver | Seen::NotYet) && cause.command.is_empty() {
            say("what tells more of it?".to_owned());
        }
    }
    none(&complaints);
}

/// A scenario that is given as a rule's has one of its findings.
#[test]
fn the_scenarios_of_a_rule_show_it() {
    let shown = shown();
    let mut complaints = Vec::new();
    for cause in sections().iter().flat_map(|section| &section.causes).filter(|cause| cause.seen == Seen::Rule) {
        let all: Vec<&BTreeSet<String>> =
            cause.findings.iter().filter_map(|id| shown.get(id)).map(|(_, names)| names).collect();
        let any =
            cause.scenarios.is_empty() || cause.scenarios.iter().any(|name| all.iter().any(|set| set.contains(name)));
        if !any {
            complaints.push(format!("{}: no scenario of it has {}", cause.number, cause.findings.join(" or ")));
        }
    }
    none(&complaints);
    assert!(Path::new(&root()).join("docs/causes.md").exists());
}
