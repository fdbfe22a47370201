//! `--watch`: the question is asked again until its answer is another one.
//!
//! Nothing is kept between two answers but the first of them. What cannot be read in between, or cannot be read whole, is
//! no answer: it is said once, and asked for again.

use std::collections::BTreeSet;
use std::time::Duration;

use super::usage::Usage;
use super::{progress, rounds, tell};
use crate::collect::{self, CollectError, Level, Log, Options};
use crate::render::{self, Difference, Format, Theme, differences};
use crate::snapshot::{Origin, Snapshot};
use crate::verdict::{Outcome, Verdict};

/// How long nothing is asked between two answers.
const PAUSE: Duration = Duration::from_secs(2);
/// How often an answer has to be seen that may be another one only because something could not be read.
const SURE: usize = 3;

/// Prints the first answer, then waits for another one, and prints that; returns its exit code.
///
/// `again` reads and answers, or says why nothing could be read; `show` prints an answer, and text before it.
pub(super) async fn watch<E: From<CollectError>>(
    options: &Options,
    (format, theme): (&Format, &Theme),
    again: impl AsyncFn(&Options) -> Result<Result<(Snapshot, Verdict), CollectError>, E>,
    show: impl Fn(&str, &Verdict) -> Result<(), E>,
) -> Result<u8, E> {
    let log = &options.log;
    let (snapshot, first) = again(options).await??;
    show("", &first)?;
    rounds::tell(log);
    // What was chosen was said.
    let quiet = if log.level() >= Level::Reads { log.clone() } else { Log::new(Level::Quiet) };
    let options = Options { log: quiet, ..options.clone() };
    let mut waiting = Waiting::since(&snapshot);
    loop {
        collect::stand(Some(&waiting.status()));
        tokio::time::sleep(PAUSE).await;
        drop(options.log.take());
        let got = again(&options).await?;
        waiting.count += 1;
        waiting.last = collect::now();
        let (snapshot, verdict) = match got {
            Ok(got) => got,
            Err(error) => {
                let words: Vec<String> = std::iter::once(error.to_string()).chain(error.causes()).collect();
                waiting.trouble(words.join(": "), log);
                continue;
            }
        };
        let found = differences(&first, &verdict);
        if found.is_empty() {
            waiting.same(&snapshot, log);
        } else if let Some(why) = waiting.doubt((&snapshot, &verdict), &first) {
            waiting.trouble(why, log);
        } else {
            collect::stand(None);
            let heading = format!("changed at {}, asked {}", verdict.time, times(waiting.count));
            show(&announced((&found, &heading), (format, theme), log), &verdict)?;
            return Ok(verdict.outcome.exit_code());
        }
    }
}

/// Whether answers in this format can follow each other.
pub(super) fn check(format: &Format) -> Result<(), Usage> {
    match format {
        Format::Text
        | Format::Wide
        | Format::Json
        | Format::Yaml
        | Format::Markdown
        | Format::JsonPath(_)
        | Format::Quiet => Ok(()),
        Format::Mermaid | Format::Html | Format::Junit | Format::Sarif => {
            let usage = Usage::of("--watch prints one answer after another, and this format is one document");
            Err(usage.with_hint("there are text, wide, markdown, json, yaml and jsonpath=EXPR"))
        }
    }
}

/// What stands before the new answer: what changed, where people read it there. Elsewhere it is said on standard error, and
/// data says it itself.
fn announced((found, heading): (&[Difference], &str), (format, theme): (&Format, &Theme), log: &Log) -> String {
    match format {
        Format::Text | Format::Wide => {
            format!("\n{}\n", render::report(found, heading, theme, tell::screen_width()))
        }
        Format::Yaml => "---\n".to_owned(),
        Format::Markdown | Format::JsonPath(_) => {
            render::report(found, heading, &Theme::default(), progress::columns().clamp(40, 200))
                .lines()
                .for_each(|line| log.choice(line));
            if matches!(format, Format::Markdown) { "\n".to_owned() } else { String::new() }
        }
        Format::Json | Format::Quiet | Format::Mermaid | Format::Html | Format::Junit | Format::Sarif => String::new(),
    }
}

/// What is known while nothing changes.
struct Waiting {
    /// How often it was asked.
    count: usize,
    /// When it was asked last.
    last: String,
    /// The pod of A's that was asked last.
    pod: Option<String>,
    /// What could not be read for the first answer.
    refused: BTreeSet<(Origin, String)>,
    /// What was said of trouble that is not over.
    said: Option<String>,
    /// An answer that may be another one only because something could not be read, and how often it was seen.
    suspect: Option<(Verdict, usize)>,
}

impl Waiting {
    fn since(snapshot: &Snapshot) -> Self {
        let refused = snapshot.refused().map(|(origin, query, _)| (origin, query.to_owned())).collect();
        Self { count: 1, last: collect::now(), pod: pod_of(snapshot), refused, said: None, suspect: None }
    }

    fn status(&self) -> String {
        let last = self.last.split_once('T').map_or(&*self.last, |(_, time)| time);
        let trouble = if self.said.is_some() { ", cannot read now" } else { "" };
        format!("watching, asked {}, last at {last}{trouble}", times(self.count))
    }

    /// The answer is the one that it was. Another pod of A's is none, and worth a line.
    fn same(&mut self, snapshot: &Snapshot, log: &Log) {
        (self.said, self.suspect) = (None, None);
        let pod = pod_of(snapshot);
        if let Some(now) = pod.as_ref().filter(|_| pod != self.pod) {
            log.choice(&format!("{} asking pod/{now} from now on", self.last));
        }
        self.pod = pod;
    }

    /// It could not be read, or not whole.
    fn trouble(&mut self, why: String, log: &Log) {
        if self.said.as_ref() != Some(&why) {
            for line in progress::lines(&format!("{} {why}; trying again", self.last)) {
                log.choice(&line);
            }
            self.said = Some(why);
        }
    }

    /// Why an answer that differs may not be another one: something could not be read that could be at first, or it is not
    /// known any more what becomes of the request. Seen often enough, it is one.
    fn doubt(&mut self, (snapshot, verdict): (&Snapshot, &Verdict), first: &Verdict) -> Option<String> {
        let refusal =
            snapshot.refused().find(|(origin, query, _)| !self.refused.contains(&(*origin, (*query).to_owned())));
        let why = match refusal {
            Some((origin, query, why)) => format!("cannot read {query} ({}): {why}", origin.word()),
            None if verdict.outcome == Outcome::Unknown && first.outcome != Outcome::Unknown => {
                format!("it cannot be told now: {}", verdict.summary)
            }
            None => return None,
        };
        let seen = match self.suspect.take() {
            Some((suspect, seen)) if differences(&suspect, verdict).is_empty() => seen + 1,
            Some(_) | None => 1,
        };
        self.suspect = Some((verdict.clone(), seen));
        (seen < SURE).then_some(why)
    }
}

fn pod_of(snapshot: &Snapshot) -> Option<String> {
    snapshot.source.as_ref().map(|pod| pod.name.clone())
}

fn times(count: usize) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;
    use crate::snapshot::{AskRecord, Need};
    use crate::walk::Question;

    #[test]
    fn what_could_not_be_read_is_another_answer_once_it_stays_so() {
        let ask = AskRecord { to: "b:80".to_owned(), ..AskRecord::default() };
        let (unknown, _) = crate::judge(&Snapshot::default(), &Question::parse(&ask).unwrap());
        let first = Verdict { outcome: Outcome::Reaches, ..unknown.clone() };
        let fails = Verdict { outcome: Outcome::Fails, ..unknown.clone() };
        let whole = Snapshot::default();
        let mut waiting = Waiting::since(&whole);
        assert_eq!(waiting.doubt((&whole, &fails), &first), None);
        for seen in 1..=SURE {
            assert_eq!(waiting.doubt((&whole, &unknown), &first).is_some(), seen < SURE);
        }
        let mut part = Snapshot::default();
        part.refuse(&Need::Runtime(Origin::Source(0)), "it is away");
        let why = waiting.doubt((&part, &fails), &first).unwrap();
        assert_eq!(why, "cannot read /runtime (source): it is away");
        // Something else in between, and it counts anew.
        assert!(waiting.doubt((&whole, &unknown), &first).is_some());
        assert!(waiting.doubt((&part, &fails), &first).is_some());
        // What could not be read at first is no reason.
        assert_eq!(Waiting::since(&part).doubt((&part, &fails), &first), None);
    }

    #[test]
    fn formats_of_one_document_are_no_series() {
        for format in [Format::Html, Format::Junit, Format::Sarif, Format::Mermaid] {
            assert!(check(&format).is_err(), "{format:?}");
        }
        assert!(check(&Format::JsonPath(String::new())).is_ok());
        assert_eq!((times(1), times(12)), ("once".to_owned(), "12 times".to_owned()));
    }
}
