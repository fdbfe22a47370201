//! From words to arguments: clap's answers, and its errors, which quote what was typed.

use std::ffi::OsString;

use clap::error::Error;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser as _};

use super::args::Cli;
use super::ask::format_of;
use super::explain::takes;
use super::trouble::{Trouble, unwritten};
use super::usage::Usage;
use super::{refused, tell};
use crate::render::Format;

/// The arguments, the program's name among them; or the exit code, where there is nothing more to do.
pub(super) fn parse(arguments: &[OsString]) -> Result<Cli, u8> {
    let matches = Cli::command().try_get_matches_from(arguments).map_err(|error| told(&error, arguments))?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| told(&error, arguments))?;
    if cli.explained().is_some()
        && let Some(other) = foreign(&matches)
    {
        let usage = Usage::of(format!("`{other}` cannot go with `explain`"))
            .with_hint("an explanation takes `-o` and `--color` alone");
        return Err(tell::fail(&wanted_format(arguments), &Trouble::from(usage).into()));
    }
    let Some(flag) = asked_for(&cli) else { return Ok(cli) };
    let program = arguments.first().cloned().unwrap_or_default();
    Cli::try_parse_from([program, flag.into()]).map_err(|error| told(&error, arguments))
}

/// An argument that was typed and is not for `explain`, as it is typed.
fn foreign(matches: &ArgMatches) -> Option<String> {
    let is_typed = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let command = Cli::command();
    let mut others = command.get_arguments().filter(|arg| !takes(arg.get_id().as_str()));
    others.find(|arg| is_typed(arg.get_id().as_str())).map(|arg| format!("--{}", arg.get_long().unwrap_or_default()))
}

/// `help` and `version` in place of A, as other commands take them. A destination has a port: these are none.
fn asked_for(cli: &Cli) -> Option<&'static str> {
    match (cli.first.as_deref(), &cli.second) {
        (Some("help"), None) => Some("--help"),
        (Some("version"), None) => Some("--version"),
        _ => None,
    }
}

/// Prints what clap says; returns the exit code. Help and version go to standard output, mistakes to standard error.
fn told(error: &Error, arguments: &[OsString]) -> u8 {
    let format = wanted_format(arguments);
    if !error.use_stderr() {
        let printed = error.print().or_else(tell::unless_closed);
        return printed.map_or_else(|error| tell::fail(&format, &unwritten(&error)), |()| 0);
    }
    tell::fail(&format, &Trouble::from(refused::usage(error, arguments)).into())
}

/// The format that the arguments ask for, although they are not understood as a whole.
fn wanted_format(arguments: &[OsString]) -> Format {
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).take_while(|word| word != "--").collect();
    let next = |at: usize| words.get(at + 1).map(AsRef::as_ref).unwrap_or_default();
    let name = words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix("--output") {
        Some("") => Some(next(at)),
        Some(value) => value.strip_prefix('='),
        None => short_output(word).map(|value| if value.is_empty() { next(at) } else { value }),
    });
    name.and_then(format_of).unwrap_or(Format::Text)
}

/// The value of `-o` in a word such as `-ojson`, `-o=json` or `-qo`; empty where the next word is the value.
fn short_output(word: &str) -> Option<&str> {
    let (before, value) = word.strip_prefix('-')?.split_once('o')?;
    before.chars().all(|flag| "qvw".contains(flag)).then(|| value.strip_prefix('=').unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_recognized_among_other_words() {
        let of = |line: &str| wanted_format(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for line in
            ["x -o json", "x --nonsense -ojson", "x -o=json a", "x -vqo json", "x --output json", "x --output=json"]
        {
            assert_eq!(of(line), Format::Json, "{line}");
        }
        assert_eq!(of("x -oyaml"), Format::Yaml);
        for line in
            ["x", "x -o", "x -o nonsense", "x -- -o json", "x -o text -o json", "x -no json", "x --outputs json"]
        {
            assert_eq!(of(line), Format::Text, "{line}");
        }
    }
}
