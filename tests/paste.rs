//! Every command that is printed, pasted into a shell, with names and labels that somebody chose to do harm.
//!
//! The tools are fakes that write down their words. Nothing else may run, no file may appear, and the words are those
//! that were meant.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{Scenario, answer, none, print, renamed_files, scenarios, snapshot};
use mesh_why::render::Format;
use mesh_why::snapshot::{AskRecord, LogRecord, Snapshot};
use mesh_why::verdict::Verdict;
use serde_json::Value;

/// What a name can hold. A shell, kubectl, or whoever reads the screen would make something of each.
const HOSTILE: &[&str] = &[
    "$(touch pwned)",
    ";touch pwned;",
    "`touch pwned`",
    "'",
    "'; touch pwned; '",
    "\"",
    "\"$(touch pwned)\"",
    "\\",
    "a\\",
    "&&touch pwned",
    "|touch pwned",
    ">pwned",
    "<pwned",
    "*",
    "~",
    "!x",
    "^x^y",
    "{a,b}",
    "[a-z]",
    "%1",
    "=ls",
    "-rf",
    "--kubeconfig=x",
    "a\ntouch pwned\n",
    "a\r\ntouch pwned",
    "a\u{202e}b",
    "a\u{9b}31mb",
    "a\u{1b}[2Jb",
    "a\u{0}b",
    " a  b ",
    "#a",
    "a #b",
    "a,b",
    "a=b",
    "(a)",
    "a:b",
    "é東京",
    "a\u{a0}b",
];

#[test]
fn what_is_pasted_runs_the_command_that_was_meant_and_nothing_else() {
    let shells = Shells::new();
    let (mut shapes, mut pasted, mut complaints) = (BTreeSet::new(), BTreeMap::new(), Vec::new());
    let mut turn = 0;
    for scenario in scenarios() {
        let benign = answer(&scenario.case.ask, &mut snapshot(scenario.files()));
        let names = names(&benign);
        // A command of a new shape meets all that is hostile, another one a share, in turn.
        let share = if shapes.insert(shape(&benign, &names)) { HOSTILE.len() } else { 3 };
        let mut verdicts = vec![benign];
        for name in &names {
            let hostile = HOSTILE.iter().cycle().skip(turn % HOSTILE.len()).take(share);
            verdicts.extend(hostile.filter_map(|hostile| renamed(&scenario, name, hostile)));
            turn += share;
        }
        for verdict in &verdicts {
            let meant = words(verdict).to_vec();
            let asked = on_screen(&print(verdict, &Format::Text), "asked");
            if turn.is_multiple_of(EVIDENCE) {
                for command in evidence(&print(verdict, &Format::Wide)) {
                    let meant = shlex::split(&command).unwrap_or_default();
                    pasted.entry((command, meant)).or_insert_with(|| scenario.name.clone());
                }
            }
            let question = question(&asked);
            if !question.is_empty() {
                pasted.entry((asked, question)).or_insert_with(|| scenario.name.clone());
            }
            for text in printed(verdict).into_iter().filter(|text| !text.is_empty() || !meant.is_empty()) {
                pasted.entry((text, meant.clone())).or_insert_with(|| scenario.name.clone());
            }
        }
    }
    for ((text, meant), scenario) in &pasted {
        complaints
            .extend(shells.complaints(text, meant).into_iter().map(|complaint| format!("{scenario}: {complaint}")));
    }
    none(&complaints);
    assert!(pasted.len() > 500, "{} commands were pasted", pasted.len());
}

/// What a line of an access log says may be anybody's choice, too.
#[test]
fn a_line_of_a_log_makes_no_command_of_its_own() {
    let shells = Shells::new();
    let scenario = scenarios().into_iter().find(|scenario| scenario.name == "reaches-a-service").unwrap();
    let (mut complaints, mut pasted) = (Vec::new(), 0);
    for hostile in HOSTILE {
        let hosts = [format!("{hostile}.shop"), format!("product.{hostile}"), format!("{hostile}{hostile}")];
        for (host, flag) in hosts.iter().flat_map(|host| [(host, "UC"), (host, "UF")]) {
            let mut snapshot = snapshot(scenario.files());
            snapshot.log = Some(LogRecord {
                status: Some(503),
                flags: vec![flag.to_owned()],
                upstream_cluster: Some(format!("outbound|80||{host}.svc.cluster.local")),
                ..LogRecord::default()
            });
            let verdict = answer(&scenario.case.ask, &mut snapshot);
            let meant = verdict.log.as_ref().unwrap().next.words().to_vec();
            let document: Value = serde_json::from_str(&print(&verdict, &Format::Json)).unwrap();
            let screen = print(&verdict, &Format::Text);
            let shown = screen.split_once("  look at\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap());
            for text in [document["log"]["next"].as_str().unwrap(), shown] {
                complaints.extend(shells.complaints(text, &meant));
                pasted += usize::from(!text.is_empty());
            }
        }
    }
    none(&complaints);
    assert!(pasted > 100, "{pasted} commands were pasted");
}

/// The words of the command that is printed.
fn words(verdict: &Verdict) -> &[String] {
    verdict.findings.first().map(|finding| finding.next.words()).unwrap_or_default()
}

/// Of so many verdicts one has the commands of its evidence pasted, too: they are many, and made alike.
const EVIDENCE: usize = 5;

/// The commands that look at evidence again: each, and the filter behind it, by itself.
fn evidence(screen: &str) -> Vec<String> {
    let commands = screen.lines().filter_map(|line| line.strip_prefix("  [")?.split_once("] "));
    let commands = commands.map(|(_, command)| command.trim_start()).filter(|c| !c.starts_with('/'));
    let parts = commands.flat_map(|command| match command.rsplit_once(" | jq -c ") {
        Some((command, filter)) => vec![command.to_owned(), format!("jq -c {filter}")],
        None => vec![command.to_owned()],
    });
    parts.filter(|part| ["kubectl ", "curl ", "jq "].iter().any(|tool| part.starts_with(tool))).collect()
}

/// The words of the question, as the screen repeats it, by another reader of shells' lines.
fn question(asked: &str) -> Vec<String> {
    let words = shlex::split(&asked.replace(" \\\n", " ")).unwrap_or_default();
    if words.first().is_some_and(|word| word == "kubectl") { words } else { Vec::new() }
}

/// A command without its names.
fn shape(verdict: &Verdict, names: &BTreeSet<String>) -> String {
    let command = words(verdict).join(" ");
    names.iter().rev().fold(command, |command, name| command.replace(name, "_"))
}

/// The command in every form in which it is printed.
fn printed(verdict: &Verdict) -> BTreeSet<String> {
    let screens = [Format::Text, Format::Wide].map(|format| on_screen(&print(verdict, &format), "next"));
    screens.into_iter().chain([in_json(&print(verdict, &Format::Json))]).collect()
}

/// The words of the first command that are names, namespaces, and the keys and values of labels.
fn names(verdict: &Verdict) -> BTreeSet<String> {
    let Some(finding) = verdict.findings.first() else { return BTreeSet::new() };
    let words = finding.next.words();
    let objects = finding.objects.iter().flat_map(|object| [object.name.as_str(), object.namespace.as_str()]);
    let named = objects.filter(|name| words.iter().any(|word| word.contains(name)));
    let labels = words.iter().filter(|word| word.contains('=') && !word.starts_with('-'));
    let parts = labels.flat_map(|word| word.split([',', '=']));
    named.chain(parts).filter(|word| word.len() > 1).map(str::to_owned).collect()
}

/// The answer where a name is another all over the snapshot and the question; `None` where those are understood no more.
fn renamed(scenario: &Scenario, name: &str, hostile: &str) -> Option<Verdict> {
    let mut files = renamed_files(scenario, name, hostile);
    let ask = &scenario.case.ask;
    let ask = AskRecord { to: ask.to.replace(name, hostile), ..ask.clone() };
    let ask = if mesh_why::walk::Question::parse(&ask).is_ok() { ask } else { scenario.case.ask.clone() };
    let mut snapshot: Snapshot = Snapshot::from_files(&mut files).ok()?;
    Some(answer(&ask, &mut snapshot))
}

/// The shells of this machine, the fake tools, and an empty folder to paste in.
struct Shells {
    shells: Vec<PathBuf>,
    root: tempfile::TempDir,
}

impl Shells {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let tools = root.path().join("tools");
        fs::create_dir(&tools).unwrap();
        fs::create_dir(root.path().join("here")).unwrap();
        for tool in ["kubectl", "istioctl", "curl", "jq"] {
            let said = root.path().join("said");
            let script = format!("#!/bin/sh\nprintf '%s\\0' {tool} \"$@\" >>'{}'\n", said.display());
            fs::write(tools.join(tool), script).unwrap();
            fs::set_permissions(tools.join(tool), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let shells = ["/bin/sh", "/bin/bash"].map(PathBuf::from).into_iter().filter(|path| path.exists());
        Self { shells: shells.collect(), root }
    }

    /// What is wrong with a command that is pasted.
    fn complaints(&self, text: &str, meant: &[String]) -> Vec<String> {
        let mut complaints = Vec::new();
        for shell in &self.shells {
            let said = self.paste(shell, text);
            if said != meant || !self.is_empty() {
                complaints.push(format!("{}: {text:?} said {said:?}, meant {meant:?}", shell.display()));
            }
        }
        complaints
    }

    /// The words that the fake tools were called with.
    fn paste(&self, shell: &Path, text: &str) -> Vec<String> {
        let said = self.root.path().join("said");
        let _ = fs::remove_file(&said);
        if !text.is_empty() {
            let mut shell = Command::new(shell);
            shell.arg("-c").arg(text).current_dir(self.here()).env_clear();
            shell.env("PATH", self.root.path().join("tools")).stdin(Stdio::null()).stderr(Stdio::null());
            assert!(shell.stdout(Stdio::null()).status().unwrap().success(), "{text:?}");
        }
        let said = fs::read_to_string(&said).unwrap_or_default();
        said.split_terminator('\0').map(str::to_owned).collect()
    }

    fn here(&self) -> PathBuf {
        self.root.path().join("here")
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(self.here()).unwrap().next().is_none()
    }
}

/// What stands below `next` at the end of a screen, as somebody copies it.
/// The command behind a label: its line, and those below that go on with it.
fn on_screen(screen: &str, label: &str) -> String {
    let begin = format!("{label:7}");
    let mut lines = screen.lines().skip_while(|line| !line.starts_with(&begin));
    let first = lines.next().and_then(|line| line.strip_prefix(&begin)).unwrap_or_default().to_owned();
    let mut text = first;
    for line in lines.take_while(|line| line.starts_with("       ")) {
        if !text.ends_with(" \\") {
            break;
        }
        text = text + "\n" + &line[7..];
    }
    text
}

fn in_json(document: &str) -> String {
    let document: Value = serde_json::from_str(document).unwrap();
    document["findings"][0]["next"].as_str().unwrap_or_default().to_owned()
}
