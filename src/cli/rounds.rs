//! `-vv`: what was read in which round, as bars over time.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use super::progress::{columns, is_unicode};
use crate::collect::{self, Count, Level, Log, Outcome, Read, Round, fit, said, shown_bytes, shown_time};

/// The columns of a line without what is read and without its bar: the indent, and three figures.
const FIXED: usize = 4 + 2 + 3 * FIGURE;
/// A figure, with the blanks before it.
const FIGURE: usize = 10;

/// Prints the rounds on standard error, where they were kept; else, with the reads, how many there were.
pub(super) fn tell(log: &Log) {
    let Count { objects, proxies, forwards, bytes } = log.count();
    if log.level() == Level::Reads && objects + proxies > 0 {
        let (all, forwards, bytes) =
            (counted(objects + proxies, "read"), counted(forwards, "port-forward"), shown_bytes(bytes));
        collect::wipe();
        let _ = writeln!(io::stderr(), "total: {all}, {objects} of them the API server's, {forwards}, {bytes}");
    }
    let reads = log.take();
    if reads.is_empty() {
        return;
    }
    let marks = if is_unicode() { Marks { bar: '█', ellipsis: "…" } } else { Marks { bar: '#', ellipsis: "..." } };
    collect::wipe();
    let _ = io::stderr().write_all(waterfall(&reads, marks, columns().clamp(60, 120)).as_bytes());
}

/// What is drawn with.
#[derive(Clone, Copy)]
struct Marks {
    bar: char,
    ellipsis: &'static str,
}

/// When all began and ended.
#[derive(Clone, Copy)]
struct Span {
    began: Instant,
    time: Duration,
}

impl Span {
    fn of(reads: &[Read]) -> Option<Self> {
        let began = reads.iter().map(|read| read.began).min()?;
        let ended = reads.iter().map(|read| read.began + read.time).max()?;
        Some(Self { began, time: ended.saturating_duration_since(began) })
    }

    /// The place of a moment among so many columns.
    fn column(self, moment: Instant, columns: usize) -> usize {
        let (passed, all) = (moment.saturating_duration_since(self.began).as_micros(), self.time.as_micros().max(1));
        let column = passed * (columns as u128) / all;
        usize::try_from(column).unwrap_or(columns).min(columns)
    }
}

fn waterfall(reads: &[Read], marks: Marks, width: usize) -> String {
    let Some(span) = Span::of(reads) else { return String::new() };
    let room = width.saturating_sub(FIXED);
    let (words, bar) = (room - room / 3, room / 3);
    let mut text = String::new();
    let blank = words + bar + 6;
    let _ = writeln!(text, "\n{:blank$}{:>FIGURE$}{:>FIGURE$}{:>FIGURE$}", "rounds", "from", "time", "bytes");
    for round in reads.chunk_by(|a, b| a.round == b.round) {
        let took = Span::of(round).map_or(Duration::ZERO, |span| span.time);
        let from = Span::of(round).map_or(Duration::ZERO, |own| own.began.saturating_duration_since(span.began));
        let head = fit(&name(round), blank, marks.ellipsis);
        let _ = writeln!(text, "{head:blank$}{}", figures(from, took, &shown_bytes(bytes(round))));
        for (whom, own) in by_whom(round) {
            let _ = writeln!(text, "  {}", fit(&said(whom), width.saturating_sub(2), marks.ellipsis));
            for read in own {
                let what = padded(&fit(&said(&read.what), words, marks.ellipsis), words);
                let from = span.column(read.began, bar).min(bar.saturating_sub(1));
                let to = span.column(read.began + read.time, bar).max(from + 1);
                let drawn = " ".repeat(from) + &marks.bar.to_string().repeat(to - from);
                let came = match &read.outcome {
                    Outcome::Bytes(bytes) => shown_bytes(*bytes),
                    Outcome::Status(status) => status.to_string(),
                    Outcome::Failed(_) => "failed".to_owned(),
                };
                let start = read.began.saturating_duration_since(span.began);
                let _ = writeln!(text, "    {what}  {}{}", padded(&drawn, bar), figures(start, read.time, &came));
            }
        }
    }
    let last = reads.iter().map(|read| number(read.round)).max().unwrap_or_default();
    let (count, all) = (reads.len(), shown_bytes(bytes(reads)));
    let total =
        format!("total: {}, {}, {all} in {}", counted(last, "round"), counted(count, "read"), shown_time(span.time));
    text + &total + "\n"
}

fn figures(from: Duration, time: Duration, came: &str) -> String {
    format!("{:>FIGURE$}{:>FIGURE$}{came:>FIGURE$}", shown_time(from), shown_time(time))
}

fn name(round: &[Read]) -> String {
    let reads = counted(round.len(), "read");
    match round.first().map(|read| read.round).unwrap_or_default() {
        Round::Finding => format!("finding A's proxy, {reads}"),
        Round::Walk(number) => format!("round {number}, {reads}"),
        Round::Again(number) => format!("round {number}, whether it has moved, {reads}"),
    }
}

fn number(round: Round) -> usize {
    match round {
        Round::Finding => 0,
        Round::Walk(number) | Round::Again(number) => number,
    }
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn bytes(reads: &[Read]) -> usize {
    let of = |read: &Read| match read.outcome {
        Outcome::Bytes(bytes) => bytes,
        Outcome::Status(_) | Outcome::Failed(_) => 0,
    };
    reads.iter().map(of).sum()
}

/// The reads of each who was asked, in the order in which they were asked first.
fn by_whom(round: &[Read]) -> Vec<(&str, Vec<&Read>)> {
    let mut all: Vec<(&str, Vec<&Read>)> = Vec::new();
    for read in round {
        match all.iter_mut().find(|(whom, _)| *whom == read.whom) {
            Some((_, own)) => own.push(read),
            None => all.push((&read.whom, vec![read])),
        }
    }
    all
}

fn padded(text: &str, columns: usize) -> String {
    let width = unicode_width::UnicodeWidthStr::width(text);
    format!("{text}{}", " ".repeat(columns.saturating_sub(width)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_bars_over_time() {
        let zero = Instant::now();
        let read = |round, whom: &str, what: &str, from, time, outcome| Read {
            round,
            whom: whom.to_owned(),
            what: what.to_owned(),
            began: zero + Duration::from_millis(from),
            time: Duration::from_millis(time),
            outcome,
        };
        let proxy = "the proxy of pod shop/orders-5fdf4ddf98-49b26";
        let reads = [
            read(Round::Finding, "kubernetes", "pods/orders in namespace shop", 0, 10, Outcome::Status(404)),
            read(Round::Finding, "kubernetes", "pods in namespace shop", 10, 20, Outcome::Bytes(5934)),
            read(Round::Walk(1), proxy, "the listeners", 30, 30, Outcome::Bytes(1200)),
            read(Round::Walk(1), "kubernetes", "Service shop/products", 30, 5, Outcome::Bytes(900)),
            read(
                Round::Walk(1),
                proxy,
                &format!("cluster outbound|80||{}", "x".repeat(99)),
                60,
                40,
                Outcome::Failed("why".into()),
            ),
            read(Round::Again(2), proxy, "the last update of listener l", 99, 1, Outcome::Bytes(80)),
        ];
        let expected = "
rounds                                                  from      time     bytes
finding A's proxy, 2 reads                            0.0 ms   30.0 ms    5.9 kB
  kubernetes
    pods/orders in namespace shop   #                 0.0 ms   10.0 ms       404
    pods in namespace shop           ###             10.0 ms   20.0 ms    5.9 kB
round 1, 3 reads                                     30.0 ms   70.0 ms    2.1 kB
  the proxy of pod shop/orders-5fdf4ddf98-49b26
    the listeners                       ####         30.0 ms   30.0 ms    1.2 kB
    cluster outbou...xxxxxxxxxxxxx          ######   60.0 ms   40.0 ms    failed
  kubernetes
    Service shop/products               #            30.0 ms    5.0 ms     900 B
round 2, whether it has moved, 1 read                99.0 ms    1.0 ms      80 B
  the proxy of pod shop/orders-5fdf4ddf98-49b26
    the last update of listener l                #   99.0 ms    1.0 ms      80 B
total: 2 rounds, 6 reads, 8.1 kB in 100 ms
";
        let drawn = waterfall(&reads, Marks { bar: '#', ellipsis: "..." }, 80);
        assert_eq!(drawn, expected);
        for width in [60, 80, 120] {
            let drawn = waterfall(&reads, Marks { bar: '#', ellipsis: "..." }, width);
            assert!(drawn.lines().all(|line| line.chars().count() <= width), "{drawn}");
        }
    }
}
