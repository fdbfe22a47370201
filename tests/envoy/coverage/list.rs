//! A list of fields that no case sets: a row each, `message.field: reason`, or `message.*: reason` for a whole message.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What a reason begins with where Envoy's own descriptor says that the field is not to be used any more.
const DEPRECATED: &str = "deprecated";

/// One file, and the fields that it is about.
#[derive(Debug)]
pub(crate) struct List {
    file: &'static str,
    /// In the words of a complaint.
    of: &'static str,
    /// Each after its message's name.
    pub(crate) all: BTreeSet<String>,
    /// Those of the file, of `all`.
    pub(crate) listed: BTreeSet<String>,
    /// Rows.
    pub(crate) rows: usize,
    /// What is wrong with the file by itself.
    pub(crate) mistakes: Vec<String>,
    /// Those whose row says that they are deprecated.
    called_deprecated: BTreeSet<String>,
}

impl List {
    pub(crate) fn read(file: &'static str, of: &'static str, all: BTreeSet<String>) -> Self {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("the list");
        Self::of((file, &text), of, all)
    }

    fn of((file, text): (&'static str, &str), of: &'static str, all: BTreeSet<String>) -> Self {
        let nothing = BTreeSet::new;
        let mut list =
            Self { file, of, all, listed: nothing(), rows: 0, mistakes: Vec::new(), called_deprecated: nothing() };
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match line.split_once(": ") {
                Some((name, reason)) if !reason.trim().is_empty() => list.take(name, reason),
                _ => list.mistakes.push(format!("{file}: no reason in {line:?}")),
            }
        }
        list
    }

    /// A row.
    fn take(&mut self, name: &str, reason: &str) {
        let fields: Vec<String> = match name.strip_suffix(".*") {
            Some(message) => self.all.iter().filter(|field| message_of(field) == message).cloned().collect(),
            None => self.all.get(name).cloned().into_iter().collect(),
        };
        if fields.is_empty() {
            self.mistakes.push(format!("{name}: it is not in {}; strike it off {}", self.of, self.file));
        }
        for field in fields {
            if reason.starts_with(DEPRECATED) {
                self.called_deprecated.insert(field.clone());
            }
            if !self.listed.insert(field.clone()) {
                self.mistakes.push(format!("{field}: it is listed twice in {}", self.file));
            }
        }
        self.rows += 1;
    }

    /// Holds what rows call deprecated to what is.
    pub(crate) fn hold_deprecated(&mut self, deprecated: &BTreeSet<String>) {
        let wrong = self.called_deprecated.difference(deprecated);
        let wrong = wrong.map(|field| format!("{field}: Envoy does not call it {DEPRECATED}; {} does", self.file));
        self.mistakes.extend(wrong);
    }

    /// The complaint of a field that should be listed, or met.
    pub(crate) fn unset(&self, field: &str) -> String {
        format!("{field}: no case sets it; add one, or list it in {} with the reason", self.file)
    }

    /// The complaint of a field that should not be listed.
    pub(crate) fn set(&self, field: &str) -> String {
        format!("{field}: a case sets it; strike it off {}", self.file)
    }
}

/// What the field stands in.
fn message_of(field: &str) -> &str {
    field.rsplit_once('.').map_or(field, |(message, _)| message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> List {
        let all = ["a.M.one", "a.M.two", "a.M.N.three"].map(str::to_owned);
        List::of(("list.txt", text), "the API", BTreeSet::from(all))
    }

    #[test]
    fn a_row_is_for_a_field_or_for_all_of_one_message() {
        let list = list("# why\na.M.*: because\n");
        assert_eq!(list.listed, BTreeSet::from(["a.M.one", "a.M.two"].map(str::to_owned)));
        assert_eq!((list.rows, list.mistakes.len()), (1, 0));
    }

    #[test]
    fn what_is_wrong_with_a_row_is_said() {
        assert_eq!(list("a.M.one: ").mistakes, ["list.txt: no reason in \"a.M.one: \""]);
        assert_eq!(list("a.M.four: x").mistakes, ["a.M.four: it is not in the API; strike it off list.txt"]);
        assert_eq!(list("a.M.one: x\na.M.*: y").mistakes, ["a.M.one: it is listed twice in list.txt"]);
        let mut old = list("a.M.one: deprecated: x");
        old.hold_deprecated(&BTreeSet::new());
        assert_eq!(old.mistakes, ["a.M.one: Envoy does not call it deprecated; list.txt does"]);
    }
}
