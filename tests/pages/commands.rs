//! Commands of pages. In a block `console` a command follows `$ `, and what it prints follows it: it is run, at the root of
//! the repository, and has to print that. In a block `sh` commands need a cluster, and have to be ones that can be typed.

use std::fmt::Write as _;
use std::fs;

use assert_cmd::Command;
use clap::Parser as _;
use mesh_why::cli::Cli;

use crate::common::{difference, is_update, none};
use crate::{Block, Page, blocks, for_users, root};

/// A command of a block `console`, and what it prints there.
#[derive(PartialEq, Eq, Debug)]
struct Shown {
    command: String,
    printed: String,
}

fn shown(block: &Block) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    for line in block.text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            found.push(Shown { command: command.to_owned(), printed: String::new() });
        } else if let Some(last) = found.last_mut() {
            writeln!(last.printed, "{line}").unwrap();
        }
    }
    found
}

/// Runs a command: `kubectl mesh-why …`, or `echo $?` for the exit code of the one before.
fn run(command: &str, code: &mut i32) -> Result<String, String> {
    if command == "echo $?" {
        return Ok(format!("{code}\n"));
    }
    let words = shlex::split(command).ok_or("it is no command")?;
    let [kubectl, plugin, arguments @ ..] = words.as_slice() else { return Err("it is too short".to_owned()) };
    if (kubectl.as_str(), plugin.as_str()) != ("kubectl", "mesh-why") {
        return Err("only `kubectl mesh-why` is run".to_owned());
    }
    let mut program = Command::cargo_bin("kubectl-mesh_why").map_err(|e| e.to_string())?;
    let nowhere = root().join("tests/no-such-kubeconfig");
    program.current_dir(root()).env_remove("COLUMNS").env("KUBECONFIG", nowhere).args(arguments);
    let done = program.output().map_err(|e| e.to_string())?;
    *code = done.status.code().ok_or("it was ended")?;
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// A page whose blocks show what is printed now, and what is wrong with it.
fn run_again(page: &Page) -> (String, Vec<String>) {
    let (mut text, mut complaints) = (page.text.clone(), Vec::new());
    for block in blocks(page).iter().filter(|block| block.info == "console") {
        let (mut fresh, mut code) = (String::new(), 0);
        let all = shown(block);
        for (i, one) in all.iter().enumerate() {
            let printed =
                run(&one.command, &mut code).unwrap_or_else(|why| panic!("{}: {}: {why}", page.path, one.command));
            let last = i + 1 == all.len();
            // Between two commands an empty line stands for the eye.
            let printed =
                format!("{}\n{}", printed.trim_end(), if last || printed.lines().count() < 2 { "" } else { "\n" });
            if printed.trim_end() != one.printed.trim_end() {
                complaints.push(format!("{}: {}\n{}", page.path, one.command, difference(&one.printed, &printed)));
            }
            write!(fresh, "$ {}\n{printed}", one.command).unwrap();
        }
        text = text.replace(&block.text, &fresh);
    }
    (text, complaints)
}

#[test]
fn pages_show_what_is_printed() {
    let mut complaints = Vec::new();
    for page in for_users() {
        let (fresh, wrong) = run_again(&page);
        if is_update() && !wrong.is_empty() {
            fs::write(root().join(&page.path), fresh).unwrap();
        } else {
            complaints.extend(wrong);
        }
    }
    none(&complaints);
}

/// The invocations of the plugin in a script, word by word.
fn invocations(script: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let script = script.replace("\\\n", " ").replace(';', " ;");
    for line in script.lines() {
        let words = shlex::split(line).unwrap_or_else(|| panic!("no command: {line}"));
        let places = words.windows(2).enumerate().filter(|(_, pair)| pair[0] == "kubectl" && pair[1] == "mesh-why");
        for (at, _) in places {
            let ends =
                |word: &String| ["|", "||", "&&", ";", "<", "2>&1"].contains(&word.as_str()) || word.starts_with('>');
            let arguments = words[at + 2..].iter().take_while(|word| !ends(word)).cloned();
            found.push(std::iter::once("kubectl-mesh_why".to_owned()).chain(arguments).collect());
        }
    }
    found
}

#[test]
fn commands_of_pages_can_be_typed() {
    let (mut complaints, mut count) = (Vec::new(), 0);
    for page in for_users() {
        for block in blocks(&page).iter().filter(|block| block.info == "sh") {
            for words in invocations(&block.text) {
                count += 1;
                // Help and the version are errors to clap that are printed as output.
                let wrong = Cli::try_parse_from(&words).err().filter(clap::Error::use_stderr);
                complaints.extend(wrong.map(|e| format!("{}: {words:?}: {e}", page.path)));
            }
        }
    }
    none(&complaints);
    assert!(count > 20, "only {count} commands");
}

#[test]
fn commands_and_what_they_print_are_told_apart() {
    let block = Block { info: "console".to_owned(), text: "$ a b\none\n\n$ echo $?\n1\n".to_owned() };
    let of = |command: &str, printed: &str| Shown { command: command.to_owned(), printed: printed.to_owned() };
    assert_eq!(shown(&block), [of("a b", "one\n\n"), of("echo $?", "1\n")]);
    let found = invocations("x | kubectl mesh-why a \\\n  b:1 -q >f # said\nif kubectl mesh-why c:2; then");
    assert_eq!(found.iter().map(|words| words[1..].join(" ")).collect::<Vec<_>>(), ["a b:1 -q", "c:2"]);
}
