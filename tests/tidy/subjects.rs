//! Subjects of commits are short enough for every list of them.

use std::process::Command;

/// The most characters of a subject.
const LONGEST: usize = 72;

/// What brings this rule: commits after the one that added this file are held to it.
const BROUGHT_BY: &str = "tests/tidy/subjects.rs";

/// Subjects that are too long. `log` has a line a commit: its short name, a space, its subject.
pub(crate) fn long(log: &str) -> Vec<String> {
    let subject = |line: &str| line.split_once(' ').map_or(0, |(_, subject)| subject.chars().count());
    let wrong = log.lines().map(|line| (line, subject(line))).filter(|(_, count)| *count > LONGEST);
    wrong.map(|(line, count)| format!("{line}: a subject of {count} characters, {LONGEST} at most")).collect()
}

/// The commits that are held to it; none where there is no Git, or no repository of this project's own.
pub(crate) fn log() -> String {
    let is_own = git(&["rev-parse", "--show-prefix"]).is_some_and(|prefix| prefix.trim().is_empty());
    let added = || git(&["log", "--diff-filter=A", "--format=%H", "--", BROUGHT_BY]);
    let first = is_own.then(added).flatten().and_then(|all| all.lines().last().map(str::to_owned));
    first.and_then(|first| git(&["log", "--format=%h %s", &format!("{first}..HEAD")])).unwrap_or_default()
}

/// What Git prints; `None` where it cannot.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(env!("CARGO_MANIFEST_DIR")).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_subject_has_a_measure() {
    let of = |count: usize| format!("abc1234 {}\n", "ö".repeat(count));
    assert_eq!(long(&of(LONGEST)).len(), 0);
    assert_eq!(long(&format!("{}{}", of(LONGEST), of(LONGEST + 1))).len(), 1);
    assert_eq!(long("").len(), 0);
}
