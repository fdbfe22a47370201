//! The scenarios: a snapshot each, the question, what was measured when it was taken, and the answer.
//!
//! `tests/scenarios/trim.py` makes them of captures of a real mesh.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mesh_why::render::{Format, Theme, render};
use mesh_why::snapshot::{AskRecord, Snapshot};
use mesh_why::verdict::Verdict;
use mesh_why::walk::Question;
use serde::Deserialize;
use serde_json::Value;

/// The files of a folder by their path in it.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// One folder of `tests/scenarios`.
#[derive(Clone)]
pub(crate) struct Scenario {
    /// The folder's name: the behavior.
    pub(crate) name: String,
    /// The folder.
    pub(crate) folder: PathBuf,
    /// `case.json`.
    pub(crate) case: Case,
}

/// What is asked, and what is to be answered.
#[derive(Clone, Deserialize)]
pub(crate) struct Case {
    /// The question.
    pub(crate) ask: AskRecord,
    /// What really happened.
    pub(crate) measured: Measured,
    /// The first finding; `None` when none is to be found.
    pub(crate) finding: Option<String>,
    /// Findings beside it.
    #[serde(default)]
    pub(crate) also: Vec<String>,
    /// The objects any one of which a finding must name.
    #[serde(default)]
    pub(crate) blame: Vec<Blamed>,
    /// What may be answered where the snapshot does not show the fault.
    #[serde(default)]
    pub(crate) outcomes: Vec<String>,
    /// Why the answer is not the measured one yet.
    pub(crate) differs: Option<String>,
}

/// An object that is to blame.
#[derive(Clone, Deserialize)]
pub(crate) struct Blamed {
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// What the proxies logged of the requests.
#[derive(Clone, Deserialize)]
pub(crate) struct Measured {
    pub(crate) outcome: String,
    pub(crate) status: u16,
    pub(crate) flags: Vec<String>,
    pub(crate) details: String,
    pub(crate) from: String,
    /// Every failure that was logged.
    pub(crate) logged: Vec<Logged>,
    /// Every cluster and host of A's proxy that a request took.
    pub(crate) used: Vec<Used>,
}

/// One way that a request failed.
#[derive(Clone, Deserialize)]
pub(crate) struct Logged {
    pub(crate) status: u16,
    pub(crate) flags: String,
    pub(crate) details: String,
}

/// A cluster that was used, and its host; `-` where there was none.
#[derive(Clone, Deserialize)]
pub(crate) struct Used {
    pub(crate) cluster: String,
    pub(crate) host: String,
}

/// Every scenario, by name.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .expect("tests/scenarios")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders.into_iter().map(Scenario::open).collect()
}

impl Scenario {
    fn open(folder: PathBuf) -> Self {
        let name = folder.file_name().expect("a name").to_str().expect("UTF-8").to_owned();
        let case = fs::read(folder.join("case.json")).unwrap_or_else(|e| panic!("{name}/case.json: {e}"));
        let case = serde_json::from_slice(&case).unwrap_or_else(|e| panic!("{name}/case.json: {e}"));
        Self { name, folder, case }
    }

    /// The files of the snapshot.
    pub(crate) fn files(&self) -> Files {
        snapshot_files(&self.folder)
    }

    /// One of the files as JSON, if it is there.
    pub(crate) fn json(&self, file: &str) -> Option<Value> {
        let bytes = fs::read(self.folder.join(file)).ok()?;
        Some(serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{}/{file}: {e}", self.name)))
    }
}

/// The files of a snapshot's folder: those at its root and one folder down.
pub(crate) fn snapshot_files(root: &Path) -> Files {
    let mut files = Files::new();
    for entry in fs::read_dir(root).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            for (inner, bytes) in snapshot_files(&path) {
                files.insert(format!("{name}/{inner}"), bytes);
            }
        } else if !name.starts_with("expect.") && name != "case.json" {
            files.insert(name, fs::read(&path).expect("a file"));
        }
    }
    files
}

/// The files of a scenario, a name in them another wherever it occurs.
pub(crate) fn renamed_files(scenario: &Scenario, from: &str, to: &str) -> Files {
    let mut files = scenario.files();
    for bytes in files.values_mut() {
        if let Ok(mut value) = serde_json::from_slice::<Value>(bytes) {
            rename(&mut value, from, to);
            *bytes = value.to_string().into_bytes();
        }
    }
    files
}

fn rename(value: &mut Value, name: &str, hostile: &str) {
    match value {
        Value::String(text) => *text = text.replace(name, hostile),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, name, hostile)),
        Value::Object(fields) => {
            let renamed = std::mem::take(fields).into_iter().map(|(key, mut field)| {
                rename(&mut field, name, hostile);
                (key.replace(name, hostile), field)
            });
            *fields = renamed.collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A snapshot of files.
pub(crate) fn snapshot(mut files: Files) -> Snapshot {
    Snapshot::from_files(&mut files).unwrap_or_else(|e| panic!("{e}"))
}

/// The answer to a question about a snapshot, as the program finds it. Nothing is read on.
pub(crate) fn answer(ask: &AskRecord, snapshot: &mut Snapshot) -> Verdict {
    let question = Question::parse(ask).unwrap_or_else(|e| panic!("{e}"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(mesh_why::answer(&question, snapshot, None))
}

/// A verdict as the program prints it where there are no colors.
pub(crate) fn print(verdict: &Verdict, format: &Format) -> String {
    render(verdict, format, &Theme::default(), 80).expect("a format")
}

/// Whether goldens are to be written anew: `UPDATE_EXPECT=1 cargo test`.
pub(crate) fn is_update() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1")
}

/// Holds text against a golden, or writes it there. What differs, if it does.
pub(crate) fn against_golden(golden: &Path, text: &str) -> Option<String> {
    if is_update() {
        fs::write(golden, text).expect("a golden");
        return None;
    }
    let expected = fs::read_to_string(golden).unwrap_or_default();
    (expected != text).then(|| format!("{}\n{}", golden.display(), difference(&expected, text)))
}

/// The lines that differ: `-` expected, `+` found. What is the same before and after is left out.
pub(crate) fn difference(expected: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let before = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - before;
    let ends = old.iter().rev().zip(new.iter().rev()).take(rest);
    let after = ends.take_while(|(a, b)| a == b).count();
    let shown = |sign: char, lines: &[&str]| -> String {
        lines[before..lines.len() - after].iter().fold(String::new(), |text, line| text + &format!("{sign} {line}\n"))
    };
    format!("@ line {}\n{}{}", before + 1, shown('-', &old), shown('+', &new))
}

/// Fails with all complaints at once.
pub(crate) fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaints\n\n{}", complaints.len(), complaints.join("\n\n"));
}

/// Changes a file of a snapshot.
pub(crate) fn change(files: &mut Files, name: &str, change: impl FnOnce(&mut Value)) {
    let bytes = files.get_mut(name).expect("a file of the snapshot");
    let mut value = serde_json::from_slice(bytes).expect("a file of JSON");
    change(&mut value);
    *bytes = value.to_string().into_bytes();
}

/// Every object below a value that has this member.
pub(crate) fn with_member<'a>(value: &'a mut Value, member: &str, found: &mut Vec<&'a mut Value>) {
    if value.get(member).is_some() {
        found.push(value);
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| with_member(item, member, found)),
        Value::Object(fields) => fields.iter_mut().for_each(|(_, field)| with_member(field, member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
