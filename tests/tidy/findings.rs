//! A finding is one file that says everything about itself.

use crate::source::{File, reads};

/// What a finding's file lacks. `changelog` is where users read of it.
pub(crate) fn incomplete(file: &File, changelog: &str) -> Vec<String> {
    let Some(name) = file.path.strip_prefix("src/findings/").and_then(|name| name.strip_suffix(".rs")) else {
        return Vec::new();
    };
    let id = name.replace('_', "-");
    let head: Vec<&str> = file.text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let has = |label: &str| head.iter().any(|line| line.starts_with(label));
    let tokens = file.code();
    let examines = ["pub", "(", "crate", ")", "fn", "examine"];
    let rules = [
        (head.first().is_some_and(|title| title.ends_with('.')), "its first line is not a title, a sentence"),
        (head.get(1).is_some_and(|line| line.is_empty()), "no empty line after its title"),
        (head.iter().skip(2).any(|line| !line.is_empty()), "it has no explanation"),
        (has("How it comes about: "), "it does not say `How it comes about: `, in a paragraph of its own"),
        (has("How to confirm it: "), "it does not say `How to confirm it: `, in a paragraph of its own"),
        (has("How to fix it: "), "it does not say `How to fix it: `, in a paragraph of its own"),
        ((0..tokens.len()).any(|i| reads(&tokens, i, &examines)), "it has no `pub(crate) fn examine`"),
        (changelog.contains(&format!("`{id}`")), "CHANGELOG.md does not name it"),
    ];
    rules.iter().filter(|(kept, _)| !kept).map(|(_, says)| format!("{}: {says}", file.path)).collect()
}

#[test]
fn a_finding_is_complete_or_not() {
    let whole = "//! It is so.\n//!\n//! Because.\n//!\n//! How it comes about: A.\n//!\n//! How to confirm it: B.\n//!\n//! \
                 How to fix it: C.\n\npub(crate) fn examine(case: &Case) -> Option<Found> { of(case) }";
    let count = |text: &str, log: &str| incomplete(&File::new("src/findings/a_b.rs", text), log).len();
    assert_eq!(count(whole, "- `a-b`: x"), 0);
    assert_eq!(count(whole, ""), 1);
    assert_eq!(count(&whole.replace("so.", "so"), "`a-b`"), 1);
    assert_eq!(
        count("//! It is so.\n//!\n\npub(crate) fn examine(case: &Case) -> Option<Found> { of(case) }", "`a-b`"),
        4
    );
    assert_eq!(count(&whole.replace("How to fix it: ", ""), "`a-b`"), 1);
    assert_eq!(count(&whole.replace("//!\n//! Because", "//! Because"), "`a-b`"), 1);
    assert_eq!(count(&whole.replace("(crate)", ""), "`a-b`"), 1);
}
