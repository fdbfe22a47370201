//! Cases of a real mesh with measured truth, judged by the program that came with them.
//!
//! `MESH_WHY_BANK=FOLDER cargo test --test bank`; FOLDER holds `judge.py` and `examples.tar.xz`.

#![expect(clippy::unwrap_used, reason = "a test")]
#![expect(clippy::print_stdout, reason = "the table is what the test is for")]

use std::collections::BTreeMap;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

/// Causes that lie in the mutual TLS of B: A's proxy alone does not show them.
const MUTUAL_TLS: &[u64] = &[63, 64, 65, 66, 67];
/// The service is hidden from A's proxy: that fails where B insists on mutual TLS.
const HIDDEN: u64 = 13;
/// So many cases have to be right.
const RIGHT: usize = 44;

#[test]
fn the_bank_finds_no_crash_and_no_false_cause() {
    let Some(bank) = std::env::var_os("MESH_WHY_BANK") else {
        println!("skipped: MESH_WHY_BANK is not set");
        return;
    };
    let bank = Path::new(&bank);
    let table = judge(bank);
    println!("{table}");
    let (counts, classes) = (counts(&table), classes(&table));
    let count = |class: &str| counts.get(class).copied().unwrap_or_else(|| panic!("no count of {class}\n{table}"));
    assert_eq!((count("crash"), count("false cause")), (0, 0));
    assert!(count("right") >= RIGHT, "{} right", count("right"));
    let cases = cases(bank);
    assert_eq!(cases.len(), classes.len());
    let wrong: Vec<&String> = classes
        .iter()
        .filter(|(name, class)| *class == "WRONG" && !lies_at_the_destination(&cases[*name]))
        .map(|(name, _)| name)
        .collect();
    assert!(wrong.is_empty(), "wrong, and not for B's proxy alone: {wrong:?}");
}

/// What the judge prints.
fn judge(bank: &Path) -> String {
    let mut judge = Command::new("python3");
    judge.arg(bank.join("judge.py")).arg(bank.join("examples.tar.xz"));
    judge.env("MESH_WHY", env!("CARGO_BIN_EXE_kubectl-mesh_why"));
    // It says by its exit code whether all was right.
    let output = judge.output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The last line: `44 cases: 36 right, 4 wrong, …`.
fn counts(table: &str) -> BTreeMap<String, usize> {
    let line = table.lines().last().unwrap();
    let parts = line.split_once(": ").unwrap().1.split(", ");
    parts
        .map(|part| part.split_once(' ').unwrap())
        .map(|(count, class)| (class.to_owned(), count.parse().unwrap()))
        .collect()
}

/// The class of each case: lines of a class in capitals, then the name.
fn classes(table: &str) -> BTreeMap<String, String> {
    let rows = table.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    rows.map(|row| row.rsplit_once(' ').unwrap())
        .map(|(class, name)| (name.to_owned(), class.trim().to_owned()))
        .collect()
}

/// What makes a case one that A's proxy alone may not show.
struct Case {
    from: String,
    cause: u64,
    has_peer_authentication: bool,
}

fn lies_at_the_destination(case: &Case) -> bool {
    case.from == "destination proxy"
        || MUTUAL_TLS.contains(&case.cause)
        || case.cause == HIDDEN && case.has_peer_authentication
}

/// The cases of the archive, by name.
fn cases(bank: &Path) -> BTreeMap<String, Case> {
    let folder = tempfile::tempdir().unwrap();
    let archive = bank.join("examples.tar.xz");
    Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(folder.path()).assert().success();
    let mut cases = BTreeMap::new();
    read_cases(folder.path(), &mut cases);
    cases
}

fn read_cases(folder: &Path, cases: &mut BTreeMap<String, Case>) {
    let read = |file: &str| -> Value { serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap() };
    if folder.join("case.json").is_file() {
        let (case, objects) = (read("case.json"), read("objects.json"));
        let mut kinds = objects["items"].as_array().unwrap().iter().map(|object| &object["kind"]);
        let case = Case {
            from: case["truth"]["from"].as_str().unwrap().to_owned(),
            cause: case["cause"]["number"].as_u64().unwrap(),
            has_peer_authentication: kinds.any(|kind| kind == "PeerAuthentication"),
        };
        cases.insert(folder.file_name().unwrap().to_string_lossy().into_owned(), case);
        return;
    }
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_cases(&path, cases);
        }
    }
}
