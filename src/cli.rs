//! The command line: what is asked, of whom, and in which form the answer is given.

mod args;
mod ask;
mod tell;

use std::ffi::OsString;
use std::path::Path;

use clap::Parser as _;

pub use args::Cli;

use crate::collect::{self, CollectError, Opened, Options, Place, Source};
use crate::mesh::whose::{Belongs, Owner};
use crate::render::render;
use crate::snapshot::{AskRecord, Snapshot};
use crate::walk::{Question, QuestionError};
use tell::Usage;

/// Nothing could be read.
const UNREAD: u8 = 3;
/// The arguments cannot be understood.
const USAGE: u8 = 2;
/// Interrupted.
const INTERRUPTED: u8 = 130;
/// Text is laid out for this many columns.
const WIDTH: usize = 80;

/// Runs the program with its arguments, the program's name among them; returns the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output, mistakes to standard error; either may be closed.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(USAGE);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell::error("cannot start", &[error.to_string()], None);
            return UNREAD;
        }
    };
    let code = runtime.block_on(async {
        tokio::select! {
            code = answer(&cli) => code,
            _ = tokio::signal::ctrl_c() => INTERRUPTED,
        }
    });
    // A credential plugin may still wait for its user; nobody waits for it.
    runtime.shutdown_background();
    code
}

/// What keeps a run from its answer.
enum Failure {
    Usage(Usage),
    Collect(CollectError),
}

impl From<Usage> for Failure {
    fn from(usage: Usage) -> Self {
        Self::Usage(usage)
    }
}

impl From<CollectError> for Failure {
    fn from(error: CollectError) -> Self {
        Self::Collect(error)
    }
}

async fn answer(cli: &Cli) -> u8 {
    match try_answer(cli).await {
        Ok(code) => code,
        Err(Failure::Usage(usage)) => {
            tell::error(&usage.error, &[], usage.hint.as_deref());
            USAGE
        }
        Err(Failure::Collect(error)) => {
            tell::error(&error.to_string(), &error.causes(), error.hint().as_deref());
            UNREAD
        }
    }
}

async fn try_answer(cli: &Cli) -> Result<u8, Failure> {
    let format = cli.format()?;
    let (place, options) = (cli.place()?, cli.options());
    let asked = cli.ask(None)?;
    if let Some(ask) = &asked {
        question(ask, &place, &options).await?;
    }
    let Opened { mut snapshot, mut collector } = collect::open(&place, &options).await?;
    let caveat = match cli.source_of(&place)? {
        Some(source) => hold_against_the_proxy(&source, &snapshot, &options)?,
        None => None,
    };
    let ask = cli.ask(snapshot.ask.as_ref())?.ok_or_else(Usage::no_question)?;
    let question = Question { beyond: cli.beyond(), ..question(&ask, &place, &options).await? };
    snapshot.ask = Some(ask);
    let mut verdict = crate::answer(&question, &mut snapshot, collector.as_mut()).await;
    verdict.unchecked.extend(caveat);
    if let Some(path) = cli.save_to() {
        collect::save(&snapshot, Path::new(path))?;
    }
    let text = render(&verdict, &format, &tell::theme(cli.color()), WIDTH).map_err(|e| Usage::of(e.to_string()))?;
    tell::print(&text);
    Ok(if place == Place::Demo { 0 } else { verdict.outcome.exit_code() })
}

/// Holds A, as it was typed, against whose proxy was read; what cannot be told is a line for the answer.
fn hold_against_the_proxy(asked: &str, snapshot: &Snapshot, options: &Options) -> Result<Option<String>, Failure> {
    let source = Source::parse(asked).map_err(|why| Usage::of_source(why, asked))?;
    // A snapshot is of the one that it was asked about.
    if snapshot.source.is_some() && snapshot.ask.as_ref().and_then(|ask| ask.from.as_deref()) == Some(asked) {
        return Ok(None);
    }
    let given = options.cluster.namespace.as_deref();
    let of = |(name, namespace)| (name, Some(namespace).filter(|n: &&str| !n.is_empty()));
    let readings: Vec<(&str, Option<&str>)> = source.readings(given.unwrap_or_default()).into_iter().map(of).collect();
    match Owner::of(snapshot).is(source.kind(), &readings) {
        Belongs::Yes => Ok(None),
        Belongs::No(whose) => Err(CollectError::OtherProxy { asked: asked.to_owned(), whose }.into()),
        Belongs::Unknown => {
            Ok(Some(format!("whether this is {asked}'s proxy: nothing that was read says whose it is")))
        }
    }
}

/// Understands a question. B without a port is told the ports there are, where they can be read.
async fn question(ask: &AskRecord, place: &Place, options: &Options) -> Result<Question, Usage> {
    match Question::parse(ask) {
        Ok(question) => Ok(question),
        Err(QuestionError::NoPort(host)) => {
            let ports = collect::ports_of(&host, place, options).await;
            Err(Usage::no_port(&host, &ports))
        }
        Err(error) => Err(Usage::of_question(&error)),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::render::Format;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn formats_have_names() {
        assert_eq!(ask::format_of("jsonpath={.outcome}"), Some(Format::JsonPath("{.outcome}".to_owned())));
        assert_eq!(ask::format_of("nonsense"), None);
    }
}
