//! From words to arguments: clap's answers, and its errors, which quote what was typed.

use std::ffi::OsString;

use clap::error::{Error, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser as _};

use super::args::Cli;
use super::ask::format_of;
use super::explain::takes;
use super::{USAGE, tell};
use crate::collect::said;
use crate::render::{Failure, Format};

/// The arguments, the program's name among them; or the exit code, where there is nothing more to do.
pub(super) fn parse(arguments: &[OsString]) -> Result<Cli, u8> {
    let matches = Cli::command().try_get_matches_from(arguments).map_err(|error| told(&error, arguments))?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| told(&error, arguments))?;
    if cli.explained().is_some()
        && let Some(other) = foreign(&matches)
    {
        let message = format!("the argument '{other}' cannot be used with 'explain'");
        return Err(told(&Cli::command().error(ErrorKind::ArgumentConflict, message), arguments));
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
        return printed.map_or_else(|error| tell::fail(&format, &tell::unwritten(&error)), |()| 0);
    }
    // Said of words that are fit for a terminal, the same is. Standard error may be closed.
    let words = arguments.iter().map(|word| OsString::from(said(&word.to_string_lossy())));
    let fit = Cli::try_parse_from(words).err().filter(Error::use_stderr);
    match fit {
        fit if format.is_data() => return tell::fail(&format, &failure(&fit.as_ref().unwrap_or(error).to_string())),
        Some(fit) => drop(fit.print()),
        None => tell::lines(&error.to_string()),
    }
    USAGE
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
    before.chars().all(|flag| "qv".contains(flag)).then(|| value.strip_prefix('=').unwrap_or(value))
}

/// What clap says, as data. Its first paragraph is the mistake; what follows are tips, the usage, and where there is help.
fn failure(said_by_clap: &str) -> Failure {
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut paragraphs = said_by_clap.split("\n\n").map(one_line).filter(|text| !text.is_empty());
    let mistake = paragraphs.next().unwrap_or_default();
    let rest: Vec<String> = paragraphs.collect();
    let tip = rest.iter().find_map(|text| text.strip_prefix("tip: ").map(str::to_owned));
    Failure {
        message: mistake.strip_prefix("error: ").unwrap_or(&mistake).to_owned(),
        causes: Vec::new(),
        hint: tip.or_else(|| rest.last().cloned()),
        exit: USAGE,
    }
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

    #[test]
    fn a_mistake_is_its_first_paragraph() {
        let clap = "error: invalid value 'x' for '--color <WHEN>'\n  [possible values: auto]\n\n  tip: a\n\nUsage: u\n\nFor more, try '--help'.\n";
        let failure = failure(clap);
        assert_eq!(failure.message, "invalid value 'x' for '--color <WHEN>' [possible values: auto]");
        assert_eq!(failure.hint.as_deref(), Some("a"));
    }
}
