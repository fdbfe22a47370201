//! From words to arguments: clap's answers, and its errors, which quote what was typed.

use std::ffi::OsString;

use clap::Parser as _;
use clap::error::Error;

use super::args::Cli;
use super::{USAGE, tell};
use crate::collect::said;

/// The arguments, the program's name among them; or the exit code, where there is nothing more to do.
pub(super) fn parse(arguments: &[OsString]) -> Result<Cli, u8> {
    let cli = Cli::try_parse_from(arguments).map_err(|error| told(&error, arguments))?;
    let Some(flag) = asked_for(&cli) else { return Ok(cli) };
    let program = arguments.first().cloned().unwrap_or_default();
    Cli::try_parse_from([program, flag.into()]).map_err(|error| told(&error, arguments))
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
    if !error.use_stderr() {
        return error.print().or_else(tell::unless_closed).map_or_else(|failure| tell::unwritten(&failure), |()| 0);
    }
    // Said of words that are fit for a terminal, the same is. Standard error may be closed.
    let words = arguments.iter().map(|word| OsString::from(said(&word.to_string_lossy())));
    match Cli::try_parse_from(words) {
        Err(fit) if fit.use_stderr() => drop(fit.print()),
        Ok(_) | Err(_) => tell::lines(&error.to_string()),
    }
    USAGE
}
