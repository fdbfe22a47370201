//! Inputs that once broke the program, each for its kind: none does harm any more.
//!
//! `MESH_WHY_HOSTILE=FOLDER cargo test --test hostile`; FOLDER holds a folder for each kind. Times and memory have
//! generous bounds here: what they caught took minutes and gigabytes.

#![cfg(unix)]
#![expect(clippy::print_stdout, reason = "a test says what it skips")]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_kubectl-mesh_why");
const A: &str = "order-service.shop";
const B: &str = "product-service.shop:8082";
/// What no input of a megabyte takes.
const LONG: Duration = Duration::from_secs(90);

/// The folder of a kind; `None` where there is none of it.
fn of_kind(kind: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("MESH_WHY_HOSTILE") else {
        println!("skipped: MESH_WHY_HOSTILE is not set");
        return None;
    };
    let folder = Path::new(&root).join(kind);
    if !folder.is_dir() {
        println!("skipped: there is no {}", folder.display());
        return None;
    }
    Some(folder)
}

/// The program, with nothing of the environment but what it needs.
fn program() -> Command {
    let mut command = Command::new(BINARY);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", "/nonexistent").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    let output = program().args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    assert!(output.status.code().is_some_and(|code| code != 101), "{arguments:?}: {}", output.status);
    output
}

fn snapshot(folder: &Path, more: &[&str]) -> Output {
    let archive = folder.join("s.tar.gz").display().to_string();
    run(&[&[A, B, "--snapshot", archive.as_str()], more].concat())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Characters that steer a terminal, and line breaks that are not ours.
fn steers(text: &str) -> Option<char> {
    let is_bad = |c: &char| {
        (c.is_control() && *c != '\n')
            || ('\u{200b}'..='\u{200f}').contains(c)
            || ('\u{2028}'..='\u{202e}').contains(c)
            || ('\u{2060}'..='\u{2069}').contains(c)
    };
    text.chars().find(is_bad)
}

#[test]
fn what_is_printed_as_a_command_runs_nothing_else() {
    let Some(folder) = of_kind("next-runs-shell") else { return };
    let output = text(&snapshot(&folder, &["-o", "jsonpath={.findings[*].next}"]).stdout);
    let scratch = tempfile::tempdir().unwrap();
    let bin = scratch.path().join("bin");
    fs::create_dir(&bin).unwrap();
    for name in ["kubectl", "istioctl"] {
        fs::write(bin.join(name), "#!/bin/sh\n").unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    for line in output.lines() {
        let shell = Command::new("/bin/sh").args(["-c", line]).env("PATH", &bin).current_dir(scratch.path()).status();
        assert!(shell.unwrap().success(), "{line}");
    }
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1, "{output}");
}

#[test]
fn a_token_that_is_no_header_value_is_an_error() {
    let Some(folder) = of_kind("panic-token") else { return };
    let kubeconfig = folder.join("kubeconfig").display().to_string();
    for arguments in [
        ["a", "b:80", "--kubeconfig", &kubeconfig].as_slice(),
        &["a", "b:80", "--server", "http://127.0.0.1:1", "--token", "SEKRIT\nb"],
        &["a", "b:80", "--server", "http://127.0.0.1:1", "--token", "SEKRIT\u{7f}"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(3));
        assert!(text(&output.stderr).starts_with("error: ") && !text(&output.stderr).contains("SEKRIT"));
    }
}

#[test]
fn an_api_server_that_answers_no_objects_is_an_error() {
    let Some(folder) = of_kind("panic-api-answer") else { return };
    for (i, body) in ["[]", "1", "\"x\"", "true", "list"].into_iter().enumerate() {
        let port = 18_300 + i;
        let mut server = Command::new("python3")
            .arg(folder.join("server.py"))
            .args([&port.to_string(), body])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_err() && begun.elapsed() < LONG {
            std::thread::sleep(Duration::from_millis(50));
        }
        let output = run(&["a", "b:80", "--server", &format!("http://127.0.0.1:{port}")]);
        server.kill().unwrap();
        server.wait().unwrap();
        assert_eq!(output.status.code(), Some(3), "{body}: {}", text(&output.stderr));
        assert!(text(&output.stderr).starts_with("error: "), "{body}: {}", text(&output.stderr));
    }
}

#[test]
fn secrets_are_neither_saved_nor_shown() {
    let Some(folder) = of_kind("secrets-saved") else { return };
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("out").display().to_string();
    let secrets =
        ["-H", "Authorization: Bearer SEKRIT-cli", "-H", "Cookie: a=SEKRIT-cli", "--path", "/?token=SEKRIT-cli"];
    snapshot(&folder, &[["--save", &out, "-q"].as_slice(), &secrets].concat());
    let mut files = vec![PathBuf::from(&out)];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            assert!(!text(&fs::read(&path).unwrap()).contains("SEKRIT"), "{}", path.display());
        }
    }
    for form in ["text", "wide", "json", "yaml"] {
        let output = snapshot(&folder, &[["-o", form, "-v"].as_slice(), &secrets].concat());
        assert!(!text(&output.stdout).contains("SEKRIT") && !text(&output.stderr).contains("SEKRIT"), "{form}");
    }
}

#[test]
fn secrets_are_not_in_errors() {
    if of_kind("secrets-in-errors").is_none() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let config = |user: &str| {
        format!(
            "{{apiVersion: v1, kind: Config, current-context: c, contexts: [{{name: c, context: {{cluster: k, user: u}}}}], \
             clusters: [{{name: k, cluster: {{server: 'http://u:SEKRIT@127.0.0.1:1'}}}}], users: [{{name: u, user: {user}}}]}}"
        )
    };
    let (plain, gcp) = (scratch.path().join("plain"), scratch.path().join("gcp"));
    fs::write(&plain, config("{}")).unwrap();
    let provider = "{auth-provider: {name: gcp, config: {cmd-path: /bin/sh, cmd-args: '-c \"echo SEKRIT; exit 1\"'}}}";
    fs::write(&gcp, config(provider)).unwrap();
    let (plain, gcp) = (plain.display().to_string(), gcp.display().to_string());
    for arguments in [
        ["x:80", "--admin", "http://u:SEKRIT@127.0.0.1:1"].as_slice(),
        &["x:80", "--admin", "http://u:SEKRIT@127.0.0.1:1/?token=SEKRIT"],
        &["x:80", "--admin", "ftp://u:SEKRIT@127.0.0.1:1"],
        &["x:80", "--admin", "u:SEKRIT@127.0.0.1:1"],
        &["a", "b:80", "--kubeconfig", &plain],
        &["a", "b:80", "--kubeconfig", &gcp],
        &["a", "b:80", "--server", "http://u:SEKRIT@127.0.0.1:1"],
        &["a", "b:80", "--server", "ftp://u:SEKRIT@127.0.0.1:1"],
        &["a", "http://u:SEKRIT@b/"],
        &["a", "b:80", "-H", "password=SEKRIT"],
        &["a", "b:80", "--path", "x?token=SEKRIT"],
    ] {
        let output = program().args(arguments).arg("-v").output().unwrap();
        let said = text(&output.stderr);
        assert!(said.contains("error: ") && !said.contains("SEKRIT"), "{arguments:?}: {said}");
    }
}

#[test]
fn saving_destroys_nothing() {
    let Some(folder) = of_kind("save-destroys") else { return };
    let script = folder.join("run.sh").display().to_string();
    let output = Command::new("bash").arg(script).env("MESH_WHY", BINARY).output().unwrap();
    let said = text(&output.stdout);
    let lost: Vec<&str> = said.lines().filter(|line| line.starts_with('/')).collect();
    assert!(lost.is_empty(), "{said}");
    assert!(said.contains("1 precious") && said.contains("archive kept: 1"), "{said}");
}

#[test]
fn names_steer_no_terminal() {
    let Some(folder) = of_kind("text-bidi-newline") else { return };
    for form in
        [["-o", "text"].as_slice(), &["-o", "wide"], &["-q"], &["-o", "json"], &["-o", "yaml"], &["-o", "text", "-v"]]
    {
        let output = snapshot(&folder, form);
        for said in [text(&output.stdout), text(&output.stderr)] {
            assert_eq!(steers(&said), None, "{form:?}: {said}");
            assert!(!said.lines().any(|line| line.trim_start().starts_with("FORGED")), "{form:?}: {said}");
        }
    }
    let yaml = snapshot(&folder, &["-o", "yaml"]).stdout;
    let json = snapshot(&folder, &["-o", "json"]).stdout;
    let read: serde_json::Value = serde_saphyr::from_slice(&yaml).unwrap();
    assert_eq!(read, serde_json::from_slice::<serde_json::Value>(&json).unwrap());
}

#[test]
fn errors_steer_no_terminal() {
    let Some(folder) = of_kind("stderr-escapes") else { return };
    let (climb, kubeconfig) = (folder.join("climb.tar.gz"), folder.join("kubeconfig"));
    let (climb, kubeconfig) = (climb.display().to_string(), kubeconfig.display().to_string());
    for arguments in [
        ["x:80", "--snapshot", &climb].as_slice(),
        &["a", "b:80", "--kubeconfig", &kubeconfig],
        &["a\u{1b}[2J", "b:80"],
        &["a", "b:80", "--bogus\u{1b}[2J\u{202e}"],
        &["a", "b\u{9b}31m:80"],
    ] {
        let said = text(&run(arguments).stderr);
        assert_eq!(steers(&said), None, "{arguments:?}: {said}");
        assert!(!said.lines().any(|line| line.trim_start().starts_with("FORGED")), "{arguments:?}: {said}");
    }
}

#[test]
fn nothing_takes_longer_than_its_size() {
    for (kind, form) in [("hang-long-word", "wide"), ("hang-long-word", "text"), ("hang-weighted-clusters", "json")] {
        let Some(folder) = of_kind(kind) else { continue };
        let begun = Instant::now();
        snapshot(&folder, &["-o", form]);
        assert!(begun.elapsed() < LONG, "{kind}, {form}: {:?}", begun.elapsed());
    }
}

#[test]
fn nothing_takes_more_memory_than_its_size() {
    let Some(folder) = of_kind("bomb-listeners") else { return };
    for archive in ["30.tar.gz", "60.tar.gz"] {
        let archive = folder.join(archive).display().to_string();
        let script = "ulimit -v 1000000; exec \"$0\" x:80 --snapshot \"$1\" -q";
        let output = Command::new("sh").args(["-c", script, BINARY, &archive]).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        assert!(text(&output.stderr).starts_with("error: "), "{}", text(&output.stderr));
    }
}

#[test]
fn an_answer_that_is_not_written_is_an_error() {
    if of_kind("stdout-full").is_none() || !Path::new("/dev/full").exists() {
        return;
    }
    for form in ["text", "json", "yaml"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = program().args(["--demo", "-o", form]).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{form}");
        assert!(text(&output.stderr).contains("cannot write the answer"), "{form}: {}", text(&output.stderr));
    }
}

/// A proxy that moves, and one of B's that may not be read. The fakes need a C compiler and cases of a real mesh.
#[test]
fn what_cannot_be_known_is_unknown() {
    let (Some(tools), Some(bank)) = (of_kind("tools"), std::env::var_os("MESH_WHY_BANK")) else { return };
    if Command::new("cc").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: there is no C compiler");
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let here = scratch.path();
    for entry in fs::read_dir(tools).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, here.join(path.file_name().unwrap())).unwrap();
    }
    let done = |command: &mut Command| assert!(command.current_dir(here).status().unwrap().success());
    done(Command::new("cc").args(["-O2", "-o", "runner", "runner.c"]));
    fs::create_dir(here.join("bank")).unwrap();
    done(Command::new("tar").arg("-xf").arg(Path::new(&bank).join("examples.tar.xz")).args(["-C", "bank"]));
    let said = |script: &str| {
        let output = Command::new("python3").arg(script).env("MESH_WHY", BINARY).current_dir(here).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let moving = said("moving.py");
    assert_eq!(moving.lines().filter(|line| line.contains("exit 3 unknown")).count(), 3, "{moving}");
    let denied = said("denied.py");
    assert!(denied.starts_with("3 ?"), "{denied}");
}
