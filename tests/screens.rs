//! The screens as people get them: an alert's title, one terminal, and plain English.
//!
//! The measure is what was counted before they were made so: of 234 answers line 1 had a median of 93 columns and a screen
//! of 40 lines.

#![expect(clippy::unwrap_used, reason = "a test")]
#![expect(clippy::print_stdout, reason = "the figures are what the test is for")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use common::{answer, none, print, scenarios, snapshot};
use mesh_why::cli::Cli;
use mesh_why::render::{Format, Theme, explain, list};

/// The columns and the rows of a terminal.
const COLUMNS: usize = 80;
const ROWS: usize = 24;

/// What no page, screen or help says, and what it says instead.
const BANNED: &[(&str, &str)] = &[
    ("ever came about", "no connection succeeded"),
    ("comes about\"", "succeeds"),
    ("answers by itself", "replies itself"),
    ("answered by itself", "replied itself"),
    ("is no snapshot", "is not a snapshot"),
    ("is no config dump", "is not a config dump"),
    ("is no kubeconfig", "is not a kubeconfig"),
    ("is no finding", "is not a finding"),
    ("all 2 endpoints", "both endpoints"),
    ("1 of 1 ", "1 endpoint"),
    ("2 of 2 endpoints", "both endpoints"),
    (" 1 endpoints", "1 endpoint"),
    (" A's ", "the name of A"),
    (" B's ", "the name of B"),
    ("requests that were counted", "counted requests"),
    ("simply ", "nothing"),
    ("please", "nothing"),
    ("oops", "nothing"),
];

/// Where a word of the question stands for itself.
const OF_THE_QUESTION: &[&str] = &[" A's ", " B's "];

#[test]
fn line_one_is_an_alerts_title_and_a_screen_fits_a_terminal() {
    let screens: Vec<(String, String)> = scenarios()
        .into_iter()
        .map(|scenario| {
            let verdict = answer(&scenario.case.ask, &mut snapshot(scenario.files()));
            (scenario.name.clone(), print(&verdict, &Format::Text))
        })
        .collect();
    let of = |measure: &dyn Fn(&str) -> usize, most: usize| -> Vec<String> {
        let over = screens.iter().filter(|(_, screen)| measure(screen) > most);
        over.map(|(name, screen)| format!("{} {name}", measure(screen))).collect()
    };
    let width = |screen: &str| screen.lines().next().map_or(0, |line| line.chars().count());
    let height = |screen: &str| screen.lines().count();
    let (wide, high) = (of(&width, COLUMNS), of(&height, ROWS));
    let all = screens.len();
    println!(
        "{} of {all} have a line 1 of more than {COLUMNS} columns, {} more than {ROWS} rows",
        wide.len(),
        high.len()
    );
    // Scenarios are of what is hard: more of them have several ways and open conditions than what people meet.
    assert!(wide.len() * 100 <= all * 5, "{wide:#?}");
    assert!(high.len() * 100 <= all * 20, "{high:#?}");
}

#[test]
fn no_screen_says_what_plain_english_says_better() {
    let mut complaints = Vec::new();
    for scenario in scenarios() {
        let verdict = answer(&scenario.case.ask, &mut snapshot(scenario.files()));
        for format in [Format::Text, Format::Wide] {
            complaints
                .extend(banned(&print(&verdict, &format), &[]).map(|words| format!("{}: {words}", scenario.name)));
        }
    }
    let (topics, theme) = (mesh_why::explain::topics(), Theme::default());
    let list = list(&topics, &Format::Text, &theme, COLUMNS).unwrap();
    complaints.extend(banned(&list, OF_THE_QUESTION).map(|words| format!("the list of explanations: {words}")));
    for topic in topics {
        let name = topic.name;
        let page = explain(&[topic], &Format::Text, &theme, COLUMNS).unwrap();
        complaints.extend(banned(&page, OF_THE_QUESTION).map(|words| format!("explain {name}: {words}")));
    }
    let help = Cli::command().render_long_help().to_string();
    complaints.extend(banned(&help, OF_THE_QUESTION).map(|words| format!("--help: {words}")));
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        complaints.extend(banned(&text, OF_THE_QUESTION).map(|words| format!("{}: {words}", page.display())));
    }
    complaints.sort();
    complaints.dedup();
    none(&complaints);
}

/// What a text says and should not.
fn banned<'a>(text: &'a str, allowed: &'a [&'a str]) -> impl Iterator<Item = String> + 'a {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let asked = BANNED.iter().filter(move |(words, _)| !allowed.contains(words));
    asked.filter(move |(words, _)| flat.contains(words)).map(|(words, better)| format!("`{words}`, better: {better}"))
}

/// The pages that people read of the tool, and what it says of wrong input.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let docs = docs.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    [root.join("README.md"), root.join("tests/program/mistakes.txt")].into_iter().chain(docs).collect()
}
