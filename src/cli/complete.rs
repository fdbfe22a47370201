//! `__complete WORD…`: the values that the last word can have. It is silent where there are none, and has no errors:
//! whoever types is not to be disturbed.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::Arc;

use clap::{Arg, Command, CommandFactory as _, FromArgMatches as _};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};
use tokio::runtime::Builder;

use super::args::Cli;
use super::ask::FORMATS;
use super::completion::{COMPLETION, SHELLS};
use super::explain::EXPLAIN;
use super::{tell, typed};
use crate::collect::{self, Entries, Options, Suggestion};
use crate::explain;

/// The command's name, in place of A. No pod is called so.
const COMPLETE: &str = "__complete";

/// No blank follows: there is more to type.
const NO_SPACE: u8 = 2;
/// The shell is not to add files of its own.
const NO_FILES: u8 = 4;

/// The words that are to be completed, where that is what is asked.
pub(super) fn asked(arguments: &[OsString]) -> Option<&[OsString]> {
    match arguments {
        [_, command, words @ ..] if command == COMPLETE => Some(words),
        _ => None,
    }
}

/// Prints the values that the last word can have; returns the exit code.
pub(super) fn run(words: &[OsString]) -> u8 {
    let found = candidates(words).unwrap_or_default();
    let goes_on = found.len() == 1 && found[0].0.ends_with([':', '/', '=']);
    let directive = format!(":{}\n", if goes_on { NO_FILES | NO_SPACE } else { NO_FILES });
    let text: String = found.iter().map(|(word, about)| line(word, about)).chain([directive]).collect();
    // Nobody is there to be told.
    let _ = tell::print(&text);
    0
}

fn line(word: &str, about: &str) -> String {
    let fit = |text: &str| collect::said(text).replace('\t', " ");
    if about.is_empty() { format!("{}\n", fit(word)) } else { format!("{}\t{}\n", fit(word), fit(about)) }
}

fn candidates(words: &[OsString]) -> io::Result<Vec<(String, String)>> {
    let (last, before) = words.split_last().map_or((OsStr::new(""), &[][..]), |(last, before)| (last, before));
    let program = OsString::from("kubectl-mesh_why");
    let typed: Vec<OsString> = [program].into_iter().chain(before.iter().cloned()).collect();
    let mut command = answering(understood(&typed).map(Arc::new).as_ref());
    let at = typed.len();
    let typed = typed.into_iter().chain([last.to_owned()]).collect();
    let found = complete(&mut command, typed, at, std::env::current_dir().ok().as_deref())?;
    // Flags are many: they are shown to whoever begins one.
    let is_flag = |candidate: &&CompletionCandidate| candidate.get_value().to_string_lossy().starts_with('-');
    let wants_flags = last.to_string_lossy().starts_with('-');
    let mut seen = BTreeSet::new();
    let shown = found.iter().filter(|candidate| wants_flags || !is_flag(candidate));
    Ok(shown.map(told).filter(|(word, _)| seen.insert(word.clone())).collect())
}

/// The arguments so far, as far as they can be understood. The last may be a flag whose value is about to come.
fn understood(typed: &[OsString]) -> Option<Cli> {
    let of = |words: &[OsString]| {
        let matches = Cli::command().ignore_errors(true).try_get_matches_from(words).ok()?;
        Cli::from_arg_matches(&matches).ok()
    };
    of(typed).or_else(|| of(typed.split_last()?.1)).or_else(|| of(&typed[..1]))
}

fn told(candidate: &CompletionCandidate) -> (String, String) {
    let about = candidate.get_help().map(|help| help.to_string().lines().next().unwrap_or_default().to_owned());
    (candidate.get_value().to_string_lossy().into_owned(), about.unwrap_or_default())
}

/// The command line, with what knows the values of its arguments.
fn answering(cli: Option<&Arc<Cli>>) -> Command {
    let options = cli.map(|cli| cli.options());
    let with = |find: fn(&str, &Cli, &Options) -> Vec<Suggestion>| {
        let (cli, options) = (cli.cloned(), options.clone());
        move |arg: Arg| {
            arg.add(ArgValueCompleter::new(move |current: &OsStr| {
                let (Some(cli), Some(options), Some(current)) = (&cli, &options, current.to_str()) else {
                    return Vec::new();
                };
                beginning(current, find(current, cli, options))
            }))
        }
    };
    Cli::command()
        .mut_arg("first", with(first))
        .mut_arg("second", with(second))
        .mut_arg("output", with(|_, _, _| words(FORMATS)))
        .mut_arg("protocol", with(|_, _, _| words(typed::PROTOCOLS)))
        .mut_arg("method", with(|_, _, _| words(typed::METHODS)))
        .mut_arg("proxy_protocol", with(|_, _, _| words(&["v1", "v2"])))
        .mut_arg("context", with(|_, _, options| collect::entries(Entries::Contexts, options)))
        .mut_arg("cluster", with(|_, _, options| collect::entries(Entries::Clusters, options)))
        .mut_arg("user", with(|_, _, options| collect::entries(Entries::Users, options)))
        .mut_arg("namespace", with(|_, _, options| waited(collect::namespaces(options))))
}

/// A, or B where A is known, or a command.
fn first(current: &str, cli: &Cli, options: &Options) -> Vec<Suggestion> {
    if cli.names_the_proxy() {
        return destinations(current, cli, options);
    }
    let commands = [(EXPLAIN, "explain a word of an answer"), (COMPLETION, "print a shell's completion")];
    let commands = commands.map(|(word, about)| Suggestion { word: word.to_owned(), about: about.to_owned() });
    let mut found = waited(collect::sources(current, options));
    found.extend(commands);
    found
}

fn second(current: &str, cli: &Cli, options: &Options) -> Vec<Suggestion> {
    match cli.first.as_deref() {
        Some(EXPLAIN) => {
            let topics = explain::topics().into_iter();
            topics.map(|topic| Suggestion { word: topic.name.to_owned(), about: topic.title }).collect()
        }
        Some(COMPLETION) => words(&SHELLS.iter().map(|(shell, _)| *shell).collect::<Vec<_>>()),
        Some(_) | None => destinations(current, cli, options),
    }
}

/// What is read from a file names no cluster.
fn destinations(current: &str, cli: &Cli, options: &Options) -> Vec<Suggestion> {
    if cli.reads_files() { Vec::new() } else { waited(collect::destinations(current, options)) }
}

fn words(words: &[&str]) -> Vec<Suggestion> {
    let plain = |word: &&str| Suggestion { word: word.replace("EXPR", ""), about: String::new() };
    words.iter().map(plain).collect()
}

/// Those that begin as what is typed does.
fn beginning(current: &str, found: Vec<Suggestion>) -> Vec<CompletionCandidate> {
    let fits = found.into_iter().filter(|one| one.word.starts_with(current));
    let candidate = |(at, one): (usize, Suggestion)| {
        let about = Some(one.about).filter(|about| !about.is_empty()).map(Into::into);
        CompletionCandidate::new(one.word).help(about).display_order(Some(at))
    };
    fits.enumerate().map(candidate).collect()
}

/// Waits for names here: the engine does not.
fn waited(asked: impl Future<Output = Vec<Suggestion>>) -> Vec<Suggestion> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_or_else(
        |_| Vec::new(),
        |runtime| {
            let found = runtime.block_on(asked);
            runtime.shutdown_background();
            found
        },
    )
}
