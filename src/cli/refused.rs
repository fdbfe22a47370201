//! Arguments that clap refuses, in the words and the form of all other errors.

use std::error::Error as _;
use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use super::args::Cli;
use super::usage::Usage;
use super::{foreign, typed};
use crate::near::near;

/// Where there is help.
const HELP: &str = "`kubectl mesh-why -h` lists the flags";

/// What is wrong with the arguments, and what to write.
#[expect(clippy::wildcard_enum_match_arm, reason = "clap leaves its list open")]
pub(super) fn usage(error: &Error, arguments: &[OsString]) -> Usage {
    let arg = texts(error, ContextKind::InvalidArg);
    let value = texts(error, ContextKind::InvalidValue).concat();
    let flag = arg.first().map(|arg| flag(arg)).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument if arguments.iter().any(is_level) => of_switch("--verbose"),
        ErrorKind::UnknownArgument if flag.starts_with('-') => unknown(&arg.concat()),
        ErrorKind::UnknownArgument => {
            let usage = Usage::of(format!("`{}` is one word too many", arg.concat()));
            let hint = typed::words(&words(arguments)).unwrap_or_else(|| "kubectl mesh-why A B:PORT".to_owned());
            usage.with_hint(hint)
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            let example = arg.concat().replace(['<', '>'], "");
            Usage::of(format!("`{flag}` needs a value")).with_hint(format!("write `{example}`"))
        }
        ErrorKind::InvalidValue => {
            let there_are = texts(error, ContextKind::ValidValue);
            let values: Vec<&str> = there_are.iter().map(String::as_str).collect();
            let hint = near(&value, &values)
                .map_or_else(|| format!("there are {}", values.join(", ")), |near| format!("did you mean `{near}`?"));
            Usage::of(format!("`{value}` is not a value of `{flag}`")).with_hint(hint)
        }
        ErrorKind::ValueValidation => {
            let why = error.source().map(ToString::to_string).unwrap_or_default();
            let usage = Usage::of(format!("`{value}` is not a value of `{flag}`"));
            if flag == "--admin-port" {
                usage.with_hint("a port is a number from 1 to 65535")
            } else {
                usage.with_hint(why)
            }
        }
        ErrorKind::ArgumentConflict => conflict(error, &flag),
        ErrorKind::MissingRequiredArgument => missing(&flag),
        ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues | ErrorKind::NoEquals => of_switch(&flag),
        ErrorKind::InvalidUtf8 => Usage::of("an argument is not UTF-8"),
        _ => Usage::of(error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: "))
            .with_hint(HELP),
    }
}

fn unknown(flag: &str) -> Usage {
    let command = Cli::command();
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let longs: Vec<&str> = shown.filter_map(clap::Arg::get_long).collect();
    let hint = match (foreign::in_place_of(flag), near(flag.trim_start_matches('-'), &longs)) {
        (Some(hint), _) => hint.to_owned(),
        (None, Some(near)) => format!("did you mean `--{near}`?"),
        (None, None) => HELP.to_owned(),
    };
    Usage::of(format!("there is no flag `{flag}`")).with_hint(hint)
}

/// A flag without the one that it belongs to.
fn missing(flag: &str) -> Usage {
    let (alone, hint) = match flag {
        "--save" => ("--force", "`--force` goes with `--save PATH`"),
        "--config-dump" => ("--clusters", "`--clusters FILE` goes with `-f FILE`, the config dump"),
        other => (other, HELP),
    };
    Usage::of(format!("`{alone}` means nothing by itself")).with_hint(hint)
}

fn conflict(error: &Error, flag: &str) -> Usage {
    let others: Vec<String> = texts(error, ContextKind::PriorArg).iter().map(|other| self::flag(other)).collect();
    if others.is_empty() || others.iter().any(|other| other == flag) {
        return Usage::of(format!("`{flag}` can be given once only")).with_hint("leave all but one of them out");
    }
    Usage::of(format!("`{flag}` and `{}` cannot go together", others.join("`, `"))).with_hint("leave one of them out")
}

/// kubectl's `-v=6` and `-v6`.
fn is_level(word: &OsString) -> bool {
    let level = word.to_str().and_then(|word| word.strip_prefix("-v")).map(|rest| rest.trim_start_matches('='));
    level.is_some_and(|level| !level.is_empty() && level.bytes().all(|b| b.is_ascii_digit()))
}

/// A value for what takes none: kubectl's `-v=6`, or `--demo=true`.
fn of_switch(flag: &str) -> Usage {
    let hint = if flag == "--verbose" {
        "levels are counted: `-v` prints each read, `-vv` also the rounds that they came in".to_owned()
    } else {
        format!("write `{flag}` alone, or leave it out")
    };
    Usage::of(format!("`{flag}` takes no value")).with_hint(hint)
}

/// The words that are no flags, up to the first value that cannot be told from them.
fn words(arguments: &[OsString]) -> Vec<&str> {
    let typed = arguments.iter().skip(1).filter_map(|word| word.to_str());
    typed.take_while(|word| !word.starts_with('-')).collect()
}

/// `--color` of `--color <WHEN>`.
fn flag(arg: &str) -> String {
    arg.split([' ', '=', '[']).next().unwrap_or(arg).to_owned()
}

fn texts(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(ContextValue::StyledStr(text)) => vec![text.to_string()],
        _ => Vec::new(),
    }
}
