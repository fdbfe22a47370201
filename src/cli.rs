//! The command line: what is asked, of whom, and in which form the answer is given.

mod args;
mod ask;
mod complete;
mod completion;
mod explain;
mod foreign;
mod from_log;
mod interrupt;
mod parse;
mod progress;
mod refused;
mod replicas;
mod rounds;
mod tell;
mod trouble;
mod typed;
mod usage;
mod watch;

use std::ffi::OsString;
use std::{io, thread};

use tokio::runtime::{Builder, Runtime};

pub use args::Cli;

use crate::collect::{self, CollectError, Opened, Options, Place, Source};
use crate::mesh::proxies::too_old;
use crate::mesh::whose::{Belongs, Owner};
use crate::render::{self, Failure, Format, RenderError, render, render_all};
use crate::snapshot::{AskRecord, LogRecord, Snapshot};
use crate::verdict::Verdict;
use crate::walk::{Question, QuestionError};
use trouble::{Trouble, UNREAD};
use usage::Usage;

/// The most threads: more would only have more snapshots in memory at once.
const THREADS: usize = 8;

/// Runs the program with its arguments, the program's name among them; returns the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(words) = complete::asked(&arguments) {
        return complete::run(words);
    }
    let cli = match parse::parse(&arguments) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    if let Some(word) = cli.explained() {
        return tell_of(&cli, word).unwrap_or_else(|trouble| tell::fail(&cli.error_format(), &trouble.into()));
    }
    if let Some(shell) = cli.completed() {
        return print_script(shell).unwrap_or_else(|trouble| tell::fail(&cli.error_format(), &trouble.into()));
    }
    let runtime = match runtime(&cli) {
        Ok(runtime) => runtime,
        Err(error) => {
            let (message, causes) = ("cannot start".to_owned(), vec![error.to_string()]);
            return tell::fail(&cli.error_format(), &Failure { message, causes, hint: None, exit: UNREAD });
        }
    };
    interrupt::watch();
    let code = runtime.block_on(answer(&cli));
    // A name may still be looked up; nobody waits for it.
    runtime.shutdown_background();
    code
}

/// Where reads are waited for. Many pods are walks on many threads; else one has nothing to do beside another.
fn runtime(cli: &Cli) -> io::Result<Runtime> {
    let mut builder = if cli.asks_all_pods() { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS));
    builder.worker_threads(threads).enable_all().build()
}

/// Explains a word, or lists all of them. Nothing is read for it.
fn tell_of(cli: &Cli, word: Option<&str>) -> Result<u8, Trouble> {
    let format = cli.format()?;
    let (theme, width) = (tell::theme(cli.color()), tell::width());
    let text = match word {
        Some(word) => {
            let topics = crate::explain::explain(word).map_err(|unknown| Usage::of_word(&unknown))?;
            render::explain(&topics, &format, &theme, width)
        }
        None => render::list(&crate::explain::topics(), &format, &theme, width),
    };
    printed(text)?;
    Ok(0)
}

/// Prints what a shell completes with.
fn print_script(shell: &str) -> Result<u8, Trouble> {
    let script = completion::script(shell).ok_or_else(|| Usage::no_shell(shell))?;
    tell::print(script).map_err(Trouble::Print)?;
    Ok(0)
}

/// Prints what was rendered.
fn printed(text: Result<String, RenderError>) -> Result<(), Trouble> {
    tell::print(&text.map_err(|error| Usage::of(error.to_string()))?).map_err(Trouble::Print)
}

/// What is asked, of whom, and how it is read.
#[derive(Clone, Copy)]
struct Asked<'a> {
    ask: Option<&'a AskRecord>,
    line: Option<&'a LogRecord>,
    place: &'a Place,
    options: &'a Options,
}

async fn answer(cli: &Cli) -> u8 {
    let options = cli.options();
    progress::begin(cli);
    let answered = try_answer(cli, &options).await;
    let code = answered.unwrap_or_else(|trouble| tell::fail(&cli.error_format(), &trouble.into()));
    rounds::tell(&options.log);
    code
}

async fn try_answer(cli: &Cli, options: &Options) -> Result<u8, Trouble> {
    let format = cli.format()?;
    let line = line(cli, options)?;
    let place = cli.place(line.as_ref())?;
    cli.method_is_written()?;
    if let Some((path, existing)) = cli.save_to() {
        collect::check_save(path, existing)?;
    }
    let asked = cli.ask(None, line.as_ref())?;
    let understood = match (&asked, &line, &place) {
        (Some(ask), ..) => Some(question(ask, &place, options).await?),
        (None, Some(_), Place::Named(_) | Place::Selector(_)) => return Err(Usage::no_destination().into()),
        (None, ..) => None,
    };
    if cli.asks_all_pods() {
        let (ask, question) = asked.zip(understood).ok_or_else(Usage::no_question)?;
        let question = Question { beyond: cli.beyond(), ..question };
        let told = replicas::ask_all((&place, options), (&ask, &question)).await?.ok_or_else(Usage::no_replicas)?;
        printed(render_all(&told, &format, &tell::theme(cli.color()), tell::screen_width()))?;
        return Ok(told.iter().map(|told| told.verdict.outcome.exit_code()).max().unwrap_or_default());
    }
    let asked = Asked { ask: asked.as_ref(), line: line.as_ref(), place: &place, options };
    if cli.watches() {
        return watched(cli, &asked, &format).await;
    }
    let (snapshot, verdict) = once(cli, &asked).await?;
    if let Some((path, existing)) = cli.save_to() {
        collect::save(&snapshot, path, existing)?;
    }
    printed(render(&verdict, &format, &tell::theme(cli.color()), tell::screen_width()))?;
    Ok(if place == Place::Demo { 0 } else { verdict.outcome.exit_code() })
}

/// Asks until the answer is another one.
async fn watched(cli: &Cli, asked: &Asked<'_>, format: &Format) -> Result<u8, Trouble> {
    watch::check(format)?;
    let theme = tell::theme(cli.color());
    let again = async |options: &Options| match once(cli, &Asked { options, ..*asked }).await {
        Ok(got) => Ok(Ok(got)),
        Err(Trouble::Collect(error)) => Ok(Err(error)),
        Err(trouble) => Err(trouble),
    };
    let show = |before: &str, verdict: &Verdict| {
        let text = render(verdict, format, &theme, tell::screen_width());
        printed(text.map(|text| before.to_owned() + &text))
    };
    watch::watch(asked.options, (format, &theme), again, show).await
}

/// Reads all of it anew, and answers.
async fn once(
    cli: &Cli,
    &Asked { ask: asked, line, place, options }: &Asked<'_>,
) -> Result<(Snapshot, Verdict), Trouble> {
    let foresight = asked.and_then(|ask| Question::parse(ask).ok()).map(|question| crate::foresight(&question));
    let Opened { mut snapshot, mut collector } = collect::open_with(place, options, foresight).await?;
    if let Some(what) = too_old(&snapshot) {
        return Err(CollectError::TooOld { what }.into());
    }
    let caveat = match cli.source_of(place)? {
        Some(source) => hold_against_the_proxy(&source, &snapshot, options)?,
        None => None,
    };
    let missing = || if line.is_some() { Usage::no_destination() } else { Usage::no_question_of(place) };
    let ask = cli.ask(snapshot.ask.as_ref(), line)?.ok_or_else(missing)?;
    if let (None, Err(error), Place::Snapshot(path)) = (asked, Question::parse(&ask), place) {
        cli.own_question(line)?;
        return Err(collect::malformed_question(path, &error.to_string()).into());
    }
    let question = Question { beyond: cli.beyond(), ..question(&ask, place, options).await? };
    // The line of a saved snapshot is about the question of then.
    snapshot.log = line.cloned().or(snapshot.log.take().filter(|_| snapshot.ask.as_ref() == Some(&ask)));
    snapshot.ask = Some(ask);
    let mut verdict = crate::answer(&question, &mut snapshot, collector.as_mut()).await;
    collect::unbroken(&snapshot)?;
    verdict.unchecked.extend(caveat);
    Ok((snapshot, verdict))
}

/// The line of an access log that is asked about, typed or from standard input.
fn line(cli: &Cli, options: &Options) -> Result<Option<LogRecord>, Trouble> {
    let read = match cli.line()? {
        None => return Ok(None),
        Some("-") => {
            let mut lines = from_log::Lines::default();
            collect::each_line(options, &mut |line| lines.look_at(line))?;
            lines.record()
        }
        Some(line) => from_log::typed(line),
    };
    Ok(Some(read.map_err(|why| Usage::of(why).with_hint(from_log::HINT))?))
}

/// Holds A, as it was typed, against whose proxy was read; what cannot be told is a line for the answer.
fn hold_against_the_proxy(asked: &str, snapshot: &Snapshot, options: &Options) -> Result<Option<String>, Trouble> {
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
        Err(error) => Err(Usage::of_question(&error, ask)),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

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
