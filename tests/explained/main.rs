//! Every word that the program can print of an end is explained, and so is every finding; docs/causes.md has the same.

#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "../common/mod.rs"]
mod common;
mod page;
mod stops;

use std::collections::BTreeSet;

use common::{none, scenarios};
use mesh_why::diagnose::roster;
use mesh_why::explain::{Kind, Topic, explain, topics};
use mesh_why::render::{self, Format, Theme};
use mesh_why::walk::RequestKind;
use serde_json::Value;

/// Text of others, in the braces of details.
const HOSTILE: &[&str] =
    &["a\nINJECTED", "\u{1b}[2J", "\u{202e}abc", "\u{9b}31m", "a\u{2028}INJECTED", "東京", " ", "||,"];

fn text(topics: &[Topic], width: usize) -> String {
    render::explain(topics, &Format::Text, &Theme::default(), width).unwrap()
}

#[test]
fn every_end_is_explained() {
    let mut complaints = Vec::new();
    let mut count = 0;
    for stop in stops::all() {
        count += 1;
        let response = stop.response(RequestKind::Plain);
        let words = response.flags.iter().copied().chain([response.details.as_str()]).filter(|word| !word.is_empty());
        complaints.extend(words.filter_map(|word| explain(word).err()).map(|e| format!("{stop:?}: {}", e.word)));
    }
    assert!(count > 60, "only {count} stops");
    none(&complaints);
}

#[test]
fn every_finding_is_explained() {
    for rule in roster() {
        let found = explain(rule.id).unwrap();
        assert_eq!((found.len(), found[0].name, found[0].kind), (1, rule.id, Kind::Finding));
    }
}

/// What was measured of a scenario leads to the finding that explains it.
#[test]
fn words_lead_to_the_findings_of_the_scenarios() {
    let mut complaints = Vec::new();
    for scenario in scenarios() {
        let Some(id) = scenario.case.finding.clone() else { continue };
        let answer = scenario.json("expect.json").unwrap();
        let finding = answer["findings"].as_array().unwrap().iter().find(|finding| finding["id"] == id.as_str());
        let rule = roster().iter().find(|rule| rule.id == id).unwrap();
        let codes = finding.map(|f| f["codes"].as_array().unwrap().clone()).unwrap_or_default();
        let known = |code: &Value| rule.codes.iter().any(|known| code == known);
        complaints.extend(codes.iter().filter(|code| !known(code)).map(|code| format!("{id}: CODES lack {code}")));
        let flags: Vec<&str> =
            answer["response"]["flags"].as_array().into_iter().flatten().map(|f| f.as_str().unwrap()).collect();
        let details = answer["response"]["details"].as_str().unwrap_or_default();
        for words in [flags.join(","), details.to_owned()].iter().filter(|words| !words.is_empty()) {
            let explained = explain(words).unwrap();
            if !explained.iter().any(|topic| topic.findings.contains(&id.as_str())) {
                complaints.push(format!("{}: {words} does not lead to {id}", scenario.name));
            }
        }
    }
    none(&complaints);
}

#[test]
fn details_that_proxies_logged_are_explained() {
    for scenario in scenarios() {
        let logged = scenario.case.measured.logged.iter().flat_map(|line| [&line.flags, &line.details]);
        let words = logged.filter(|word| !word.is_empty());
        for word in words {
            assert!(explain(word).is_ok(), "{}: {word}", scenario.name);
        }
    }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [60, 80, 100] {
        let list = render::list(&topics(), &Format::Text, &Theme::default(), width).unwrap();
        let screens = topics().into_iter().map(|topic| text(&[topic], width));
        for line in screens.chain([list]).collect::<String>().lines() {
            assert!(line.chars().count() <= width, "{line}");
            assert_eq!(line, line.trim_end(), "blanks at the end");
        }
    }
}

#[test]
fn a_list_has_a_line_for_each_word() {
    let list = render::list(&topics(), &Format::Text, &Theme::default(), 80).unwrap();
    for topic in topics() {
        let own = list.lines().filter(|line| line.starts_with(&format!("  {} ", topic.name)));
        let alone = list.lines().filter(|line| *line == format!("  {}", topic.name));
        assert_eq!(own.count() + alone.count(), 1, "{}", topic.name);
    }
    for kind in Kind::ALL {
        assert!(list.lines().any(|line| line == kind.heading()), "{kind:?}");
    }
}

#[test]
fn a_screen_has_everything_that_is_said() {
    for topic in topics() {
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let screen = flat(&text(std::slice::from_ref(&topic), 80));
        let texts = [&topic.title, &topic.means, &topic.arises, &topic.confirm, &topic.fix];
        for text in texts {
            assert!(screen.contains(&flat(text)), "{}: {text}", topic.name);
        }
        for name in topic.findings.iter().chain(&topic.codes) {
            assert!(screen.contains(name), "{}: {name}", topic.name);
        }
    }
}

#[test]
fn text_of_others_steers_no_terminal() {
    for hostile in HOSTILE {
        let words = [
            format!("dns_resolution_failure{{{hostile}}}"),
            format!("upstream_reset_before_response_started{{{hostile}|x"),
        ];
        for word in &words {
            let topics = explain(word).unwrap();
            let formats = [Format::Text, Format::Quiet, Format::Json, Format::Yaml];
            for format in formats {
                let printed = render::explain(&topics, &format, &Theme::default(), 80).unwrap();
                assert!(!printed.chars().any(|c| c.is_control() && c != '\n'), "{printed:?}");
                assert!(!printed.lines().any(|line| line.trim_start().starts_with("INJECTED")), "{printed:?}");
                assert!(!printed.contains('\u{202e}') && !printed.contains('\u{2028}'), "{printed:?}");
            }
        }
    }
}

#[test]
fn data_says_the_same() {
    let json = render::explain(&topics(), &Format::Json, &Theme::default(), 80).unwrap();
    let document: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["schema"], "mesh-why/v1");
    let explanations = document["explanations"].as_array().unwrap();
    assert_eq!(explanations.len(), topics().len());
    for (one, topic) in explanations.iter().zip(topics()) {
        assert_eq!(one["name"], topic.name);
        assert_eq!(one["kind"], topic.kind.word());
        assert_eq!(one["means"], topic.means.as_str());
        assert!(one["fix"].is_null() == topic.fix.is_empty());
    }
    let yaml = render::explain(&topics(), &Format::Yaml, &Theme::default(), 80).unwrap();
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), document);
}

/// Each kind of word can be told from the others by its look, so nobody has to say which is meant.
#[test]
fn kinds_have_words() {
    let words: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
    assert_eq!(words.len(), Kind::ALL.len());
}
