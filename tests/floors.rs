//! What other people asked: questions of public bug reports with their truth, and natural questions of public captures,
//! each judged by the program that came with them. The floors may only rise.
//!
//! `MESH_WHY_REPORTS=FOLDER MESH_WHY_FIELD=FOLDER MESH_WHY_CORPUS=FOLDER cargo test --test floors`; the folders hold
//! `check.py`, `field.py` and captures.

#![expect(clippy::unwrap_used, reason = "a test")]
#![expect(clippy::print_stdout, reason = "the last line is what the test is for")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;

/// So many questions of reports there were when these were counted.
const QUESTIONS: usize = 64;
const RIGHT: usize = 52;
const WRONG: usize = 6;
const UNKNOWN: usize = 3;

/// A folder that the environment names; says that the test is skipped where it names none.
fn folder(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: {variable} is not set");
    }
    folder
}

/// The last line that a judge prints; its exit code says whether all was right.
fn last_line(judge: &Path, arguments: &[&Path]) -> String {
    let mut command = Command::new("python3");
    command.arg(judge).args(arguments).env("MESH_WHY", env!("CARGO_BIN_EXE_kubectl-mesh_why"));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default().to_owned();
    println!("{line}");
    assert!(!line.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    line
}

/// The number before these words.
fn count(line: &str, words: &str) -> usize {
    let (before, _) = line.split_once(words).unwrap_or_else(|| panic!("no `{words}` in {line}"));
    before.trim_end().rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn public_reports_are_answered_as_before_or_better() {
    let Some(reports) = folder("MESH_WHY_REPORTS") else { return };
    let line = last_line(&reports.join("check.py"), &[]);
    let (right, wrong, unknown) = (count(&line, " right"), count(&line, " wrong"), count(&line, " unknown"));
    assert!(right >= RIGHT, "{line}");
    // Of more questions more may be wrong.
    if count(&line, " questions") == QUESTIONS {
        assert!(wrong <= WRONG && unknown <= UNKNOWN, "{line}");
    }
}

#[test]
fn natural_questions_are_answered_as_before_or_better() {
    let (Some(field), Some(corpus)) = (folder("MESH_WHY_FIELD"), folder("MESH_WHY_CORPUS")) else { return };
    let line = last_line(&field.join("field.py"), &[&corpus]);
    let (answered, conditional) = (count(&line, " answered"), count(&line, " under named conditions"));
    assert!(answered + conditional >= 21, "{line}");
    assert_eq!(count(&line, " crashes"), 0, "{line}");
}
