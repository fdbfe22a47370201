//! The roster of findings, each with its text taken apart.

use crate::diagnose::roster;

/// How a paragraph begins that says how it comes about.
const ARISES: &str = "How it comes about: ";
/// How a paragraph begins that says how to confirm it.
const CONFIRM: &str = "How to confirm it: ";
/// How a paragraph begins that says how to fix it.
const FIX: &str = "How to fix it: ";

/// A finding, as its file explains it.
pub(super) struct Cause {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) means: String,
    pub(super) arises: String,
    pub(super) confirm: String,
    pub(super) fix: String,
}

/// Every finding, by id.
pub(super) fn all() -> impl Iterator<Item = Cause> {
    roster().iter().map(|rule| {
        let mut cause = Cause {
            id: rule.id,
            title: rule.title,
            means: String::new(),
            arises: String::new(),
            confirm: String::new(),
            fix: String::new(),
        };
        for paragraph in rule.explain.split("\n\n") {
            let text = paragraph.replace('\n', " ");
            let (part, text) = cause.part_of(&text);
            if !part.is_empty() {
                part.push_str("\n\n");
            }
            part.push_str(text);
        }
        cause
    })
}

impl Cause {
    /// The part that a paragraph belongs to, and its text without the label.
    fn part_of<'a>(&mut self, text: &'a str) -> (&mut String, &'a str) {
        if let Some(text) = text.strip_prefix(ARISES) {
            (&mut self.arises, text)
        } else if let Some(text) = text.strip_prefix(CONFIRM) {
            (&mut self.confirm, text)
        } else if let Some(text) = text.strip_prefix(FIX) {
            (&mut self.fix, text)
        } else {
            (&mut self.means, text)
        }
    }
}
