//! Answers of which every string was chosen to do harm, in every format: nothing steers a terminal or begins a line, and
//! programs read the same values.

#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use std::io::Write as _;
use std::process::{Command, Stdio};

use common::{answer, print, renamed_files, scenarios, snapshot};
use mesh_why::render::{Format, Theme, render};
use mesh_why::verdict::{self, Decision, Finding, Guard, Step, Verdict};
use serde_json::{Value, json};

/// What a string can hold. `INJECTED` never stands after a blank, so it could begin a line in one way only.
const HOSTILE: &[&str] = &[
    "a\nINJECTED",
    "a\r\nINJECTED",
    "a\u{b}INJECTED\u{c}INJECTED",
    "a\u{85}INJECTED",
    "a\u{2028}INJECTED\u{2029}INJECTED",
    "\u{1b}[2J\u{1b}]0;t\u{7}",
    "\u{9b}31m\u{90}q\u{9c}",
    "\u{7f}\u{8}\u{0}",
    "\u{202e}abc\u{2066}d\u{200f}",
    "a\u{200b}\u{200d}\u{feff}\u{ad}b\u{2060}",
    "\u{fffe}\u{ffff}\u{fdd0}\u{1fffe}",
    "\u{e0041}\u{f0000}\u{e000}",
    " a ",
    "'a\": #b\\",
    "~",
    "yes",
    "1e3",
    "",
    "é東京",
    "🦉",
];

/// Strings in turn.
struct Strings(usize);

impl Strings {
    fn next(&mut self) -> String {
        self.0 += 1;
        let part = |i: usize| HOSTILE[i % HOSTILE.len()];
        // Alone, then two at a time.
        if self.0.is_multiple_of(2) {
            part(self.0 / 2).to_owned()
        } else {
            part(self.0 * 7).to_owned() + part(self.0 / 3)
        }
    }

    fn fill(&mut self, texts: &mut [&mut String]) {
        for text in texts {
            **text = self.next();
        }
    }

    fn maybe(&mut self, text: &mut Option<String>) {
        *text = text.take().map(|_| self.next());
    }

    fn verdict(&mut self, mut verdict: Verdict) -> Verdict {
        self.fill(&mut [&mut verdict.summary, &mut verdict.request.host]);
        self.maybe(&mut verdict.request.path);
        verdict.request.headers = vec![(self.next(), self.next())];
        self.response(verdict.response.as_mut());
        verdict.decision.iter_mut().for_each(|decision| self.decision(decision));
        for branch in &mut verdict.branches {
            branch.guards = vec![Guard::Drawn { by: self.next(), share: branch.share }];
            self.response(branch.response.as_mut());
        }
        verdict.steps.iter_mut().for_each(|step: &mut Step| self.fill(&mut [&mut step.subject, &mut step.note]));
        verdict.findings.iter_mut().for_each(|finding| self.finding(finding));
        verdict.log = Some(self.log());
        verdict.unchecked = (0..4).map(|_| self.next()).collect();
        self.fill(&mut [&mut verdict.time]);
        verdict.cluster = verdict::Cluster { context: Some(self.next()), namespace: Some(self.next()) };
        for proxy in &mut verdict.proxies {
            for text in [&mut proxy.pod, &mut proxy.id, &mut proxy.envoy, &mut proxy.mesh] {
                *text = Some(self.next());
            }
        }
        verdict
    }

    fn log(&mut self) -> verdict::Log {
        let of = self.next();
        verdict::Log {
            writer: None,
            time: Some(self.next()),
            status: Some(503),
            flags: vec![of.clone(), self.next()],
            details: Some(self.next()),
            termination: Some(self.next()),
            transport_failure: Some(self.next()),
            cluster: Some(self.next()),
            upstream_host: Some(self.next()),
            route: Some(self.next()),
            meanings: vec![
                verdict::Meaning { of, text: self.next() },
                verdict::Meaning { of: self.next(), text: self.next() },
            ],
            compared: verdict::Compared::Open,
            now: self.next(),
            changes: vec![verdict::Change { what: "cluster", then: self.next(), now: self.next() }],
            notes: vec![self.next()],
            next: verdict::Command::of(vec!["kubectl".to_owned(), self.next()]),
        }
    }

    fn response(&mut self, response: Option<&mut verdict::Response>) {
        if let Some(response) = response {
            response.details = self.next();
        }
    }

    fn decision(&mut self, decision: &mut Decision) {
        let Decision { listener, filter_chain, route_config, virtual_host, route, clusters, destinations, .. } =
            decision;
        for text in [listener, filter_chain, route_config, virtual_host, route] {
            self.maybe(text);
        }
        for cluster in clusters {
            cluster.name = self.next();
            self.response(cluster.response.as_mut());
            for endpoint in &mut cluster.endpoints {
                endpoint.address = self.next();
                endpoint.health = vec![self.next()];
            }
        }
        for there in destinations {
            there.pod = self.next();
            self.decision(&mut there.decision);
        }
    }

    /// Its keys do harm, too.
    fn fix(&mut self, op: verdict::Op) -> verdict::Fix {
        let [api_version, kind, namespace, name, field] = std::array::from_fn(|_| self.next());
        let object = verdict::ObjectRef { api_version, kind, namespace, name, field };
        let now = json!({self.next(): [self.next(), {self.next(): self.next()}], self.next(): {}});
        verdict::Fix { object: Some(object), op, now: Some(now), want: Some(json!(self.next())), text: self.next() }
    }

    fn finding(&mut self, finding: &mut Finding) {
        self.fill(&mut [&mut finding.title, &mut finding.why]);
        finding.fix = [verdict::Op::Add, verdict::Op::Remove].map(|op| self.fix(op)).into();
        finding.next = verdict::Command::of(vec!["kubectl".to_owned(), self.next(), self.next()]);
        for object in &mut finding.objects {
            let verdict::ObjectRef { api_version, kind, namespace, name, field } = object;
            self.fill(&mut [api_version, kind, namespace, name, field]);
        }
    }
}

/// Hostile answers, from those of scenarios: their evidence too, by a name that is replaced all over the snapshot.
fn verdicts() -> Vec<Verdict> {
    let mut strings = Strings(0);
    let some = scenarios().into_iter().step_by(3);
    some.flat_map(|scenario| {
        let name = scenario.case.ask.to.split([':', '.']).next().unwrap().to_owned();
        let files = renamed_files(&scenario, &name, &strings.next());
        let verdict = answer(&scenario.case.ask, &mut snapshot(files));
        [strings.verdict(verdict.clone()), strings.verdict(verdict)]
    })
    .collect()
}

/// Whether a character moves a cursor, hides, or turns text around.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fdd0}' | '\u{fffe}' | '\u{ffff}' | '\u{1fffe}' | '\u{e0041}')
}

#[test]
fn no_text_steers_a_terminal_or_begins_a_line() {
    const HEADS: &[&str] = &[
        "why ",
        "evidence",
        "open",
        "branches",
        "fix ",
        "or ",
        "also ",
        "but ",
        "next ",
        "more ",
        "asked ",
        "destination",
        "log",
        "then ",
    ];
    for verdict in verdicts() {
        for format in [Format::Text, Format::Wide, Format::Quiet] {
            let screen = print(&verdict, &format);
            for (i, line) in screen.lines().enumerate() {
                assert!(!line.contains(is_hostile), "{line:?}");
                assert!(!line.trim_start().starts_with("INJECTED"), "{line:?}");
                let ours =
                    i == 0 || line.is_empty() || line.starts_with("  ") || HEADS.iter().any(|h| line.starts_with(h));
                assert!(ours, "{line:?}");
            }
            let colored = render(&verdict, &format, &Theme::default().colored(), 80).unwrap();
            assert_eq!(without_color(&colored), screen);
        }
    }
}

/// Without the sequences that we print: `ESC [ digits and ; m`.
fn without_color(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap().to_owned();
    first
        + &parts
            .map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').strip_prefix('m').unwrap())
            .collect::<String>()
}

#[test]
fn programs_read_the_same_values() {
    let mut documents = Vec::new();
    for verdict in verdicts() {
        let text = print(&verdict, &Format::Json);
        assert!(!text.contains(|c| is_hostile(c) && c != '\n'));
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["summary"], verdict.summary);
        assert_eq!(read["unchecked"], json!(verdict.unchecked));
        let log = verdict.log.as_ref().unwrap();
        assert_eq!(
            (&read["log"]["cluster"], &read["log"]["now"], &read["log"]["notes"]),
            (&json!(log.cluster), &json!(log.now), &json!(log.notes))
        );
        let steps: Vec<Value> = verdict.steps.iter().map(|s| json!([s.subject, s.note])).collect();
        let walk: Vec<Value> =
            read["walk"].as_array().unwrap().iter().map(|s| json!([s["subject"], s["note"]])).collect();
        assert_eq!(walk, steps);
        let texts = |finding: &Finding| finding.fix.iter().map(|fix| json!([fix.text, fix.now, fix.want])).collect();
        let said: Vec<Value> =
            verdict.findings.iter().map(|f| json!([f.title, f.why, Value::Array(texts(f))])).collect();
        let findings = read["findings"].as_array().unwrap();
        let texts = |finding: &Value| {
            let fixes = finding["fix"].as_array().unwrap().iter();
            fixes.map(|fix| json!([fix["text"], fix["now"], fix["want"]])).collect()
        };
        let read_again = findings.iter().map(|f| json!([f["title"], f["why"], Value::Array(texts(f))]));
        assert_eq!(read_again.collect::<Vec<_>>(), said);
        let yaml = print(&verdict, &Format::Yaml);
        assert!(!yaml.contains(|c| is_hostile(c) && c != '\n'));
        assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), read);
        documents.push(json!({"yaml": yaml, "json": text}));
    }
    if let Some(complaint) = pyyaml(&Value::Array(documents)) {
        panic!("{complaint}");
    }
}

/// What `PyYAML` reads otherwise than Python's JSON, where the two are there.
fn pyyaml(documents: &Value) -> Option<String> {
    const SCRIPT: &str = "import json, sys\ntry:\n import yaml\nexcept ImportError:\n sys.exit()\nfor d in json.load(sys.stdin):\n a, b = yaml.safe_load(d['yaml']), json.loads(d['json'])\n assert a == b and list(a) == list(b), (a, b)\n";
    let mut python =
        Command::new("python3").args(["-c", SCRIPT]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().ok()?;
    python.stdin.take()?.write_all(documents.to_string().as_bytes()).ok()?;
    let done = python.wait_with_output().ok()?;
    (!done.status.success()).then(|| String::from_utf8_lossy(&done.stderr).into_owned())
}

#[test]
fn a_selected_value_is_itself_to_a_program_and_escaped_on_a_terminal() {
    let verdict = verdicts().into_iter().find(|verdict| verdict.summary.contains('\n')).unwrap();
    let format = Format::JsonPath("{.summary}".to_owned());
    assert_eq!(print(&verdict, &format), verdict.summary);
    let shown = render(&verdict, &format, &Theme::default().on_terminal(), 80).unwrap();
    assert_eq!(shown.lines().count(), 1);
    assert!(!shown.contains(is_hostile), "{shown:?}");
    let format = Format::JsonPath("$.summary".to_owned());
    assert_eq!(print(&verdict, &format), verdict.summary.clone() + "\n");
}
