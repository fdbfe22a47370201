//! What a terminal shows while the program works, and what `-v` and `-vv` say.

use std::time::Duration;

use crate::api::{Api, World, owner, pod};
use crate::tool::{Run, Tool};

fn mesh() -> World {
    World::new(vec![pod("a-1", "istio-proxy"), owner("Deployment", "order-service"), owner("Service", "products")])
}

/// A run whose reads take a while.
fn slow(arguments: &[&str]) -> Run {
    let api = Api::start(World { delay: Duration::from_millis(400), ..mesh() });
    let tool = Tool::new();
    tool.file(".kube/config", api.kubeconfig());
    tool.run(&[&["order-service", "products:8080"], arguments].concat())
}

/// A line without its figures.
fn masked(line: &str) -> String {
    let (figures, rest) = line.split_at(line.len().min(19));
    let figures: String = figures.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    figures + rest
}

#[test]
fn progress_is_for_terminals() {
    let run = slow(&["--exact"]);
    assert_eq!(run.err, "");
}

#[test]
fn each_read_is_a_line_with_its_time_and_its_bytes_first() {
    let run = slow(&["-v", "--exact"]);
    let mut lines: Vec<&str> = run.err.lines().collect();
    let total = lines.pop().unwrap();
    assert!(total.starts_with(&format!("total: {} reads, ", lines.len())) && total.ends_with('B'), "{total}");
    assert!(lines.len() > 8, "{}", run.err);
    for line in &lines {
        let (figures, rest) = line.split_at(21);
        let words: Vec<&str> = figures.split_whitespace().collect();
        assert!(words.len() >= 3 && ["ms", "s"].contains(&words[1]), "{line}");
        assert!(
            rest.starts_with("kubernetes: GET /") || rest.starts_with("the proxy of pod shop/a-1: GET /"),
            "{line}"
        );
    }
    let greeted = "  999 ms       99 B  the proxy of pod shop/a-1: GET /config_dump?mask=bootstrap.node.id";
    assert!(lines.iter().any(|line| masked(line).starts_with(greeted)), "{}", run.err);
    assert!(lines.iter().any(|line| line.contains(" 404  kubernetes: GET /api")), "{}", run.err);
}

#[test]
fn rounds_are_a_waterfall_behind_the_answer() {
    let run = slow(&["-vv", "--exact", "-o", "json"]);
    let (reads, rounds) = run.err.split_once("\nrounds ").unwrap_or_else(|| panic!("{}", run.err));
    let count = reads.lines().count();
    let lines: Vec<&str> = rounds.lines().collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{rounds}");
    assert!(lines[0].ends_with("from      time     bytes"), "{rounds}");
    assert!(lines[1].starts_with("finding A's proxy, "), "{rounds}");
    assert!(lines.iter().any(|line| line.starts_with("round 1, ")), "{rounds}");
    assert!(lines.contains(&"  the proxy of pod shop/a-1"), "{rounds}");
    let bars = lines.iter().filter(|line| line.starts_with("    ") && line.contains('█')).count();
    assert_eq!(bars, count, "{}", run.err);
    let total = lines.last().unwrap();
    assert!(total.starts_with("total: ") && total.contains(&format!(" rounds, {count} reads, ")), "{total}");
}

/// A terminal of util-linux's `script`, on machines that have it.
#[cfg(target_os = "linux")]
mod pty {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::watch::recovering;

    /// What a program writes to a terminal, and its exit code; `keys` are typed after a while.
    fn on_terminal(tool: &Tool, arguments: &str, settings: &str, keys: Option<&[u8]>) -> Option<(String, i32)> {
        let line =
            format!("stty cols 60 rows 24; {settings} exec {} {arguments}", env!("CARGO_BIN_EXE_kubectl-mesh_why"));
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).env("HOME", tool.home()).env("SHELL", "/bin/sh");
        command.env("LC_ALL", "C.UTF-8").env("TERM", "xterm").env_remove("NO_COLOR").current_dir(tool.home());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        // Where there is no `script`, nothing is tested.
        let mut child = child.ok()?;
        let mut input = child.stdin.take().unwrap();
        if let Some(keys) = keys {
            std::thread::sleep(Duration::from_secs(2));
            input.write_all(keys).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        drop(input);
        Some((String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap()))
    }

    /// The lines that are on the screen in the end.
    fn screen(written: &str) -> Vec<String> {
        let mut lines = vec![Vec::new()];
        let mut at = 0;
        for c in written.chars() {
            match c {
                '\r' => at = 0,
                '\u{8}' => at -= 1,
                '\n' => lines.push(Vec::new()),
                c => {
                    let line: &mut Vec<char> = lines.last_mut().unwrap();
                    line.resize(line.len().max(at + 1), ' ');
                    line[at] = c;
                    at += 1;
                }
            }
        }
        lines.into_iter().map(|line| line.into_iter().collect::<String>().trim_end().to_owned()).collect()
    }

    #[test]
    fn what_is_waited_for_is_shown_and_leaves_nothing() {
        let api = Api::start(World { delay: Duration::from_millis(400), ..mesh() });
        let tool = Tool::new();
        tool.file(".kube/config", api.kubeconfig());
        let ask = |settings: &str, flags: &str| {
            on_terminal(&tool, &format!("order-service products:8080 --exact --color never {flags}"), settings, None)
        };
        let Some((written, _)) = ask("", "2>&1 >answer") else { return };
        assert!(written.contains("\rreading the proxy of pod shop/a-1: "), "{written:?}");
        let columns = |text: &str| text.chars().filter(|c| *c != '\u{8}').count();
        assert!(written.split('\r').all(|text| columns(text) < 60), "{written:?}");
        assert_eq!(screen(&written), [""], "{written:?}");
        let (written, _) = ask("", "-v 2>&1 >answer").unwrap();
        assert!(written.contains("\rreading "), "{written:?}");
        let left = screen(&written).iter().filter(|line| line.contains("reading")).count();
        assert_eq!(left, 0, "{written:?}");
        for (settings, flags) in [("TERM=dumb", ""), ("", "-q"), ("", "2>/dev/null")] {
            let (written, _) = ask(settings, flags).unwrap();
            assert!(!written.contains("reading"), "{written:?}");
        }
    }

    #[test]
    fn an_interrupt_leaves_a_clean_screen() {
        let tool = Tool::new();
        let arguments = format!("10.0.0.1:80 --admin {} --protocol tcp --watch --color never -o wide", recovering());
        let Some((written, code)) = on_terminal(&tool, &arguments, "", Some(b"\x03")) else { return };
        assert_eq!(code, 130, "{written:?}");
        assert!(written.contains("\rwatching, asked once, last at "), "{written:?}");
        let lines = screen(&written);
        assert!(lines.iter().all(|line| !line.contains("watching") && !line.contains("^C")), "{lines:?}");
        assert!(!written.contains('\u{1b}'), "{written:?}");
    }
}
