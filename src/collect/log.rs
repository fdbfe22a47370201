//! What is said on standard error while reading, and what was read, for whoever wants to see it afterwards.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use unicode_width::UnicodeWidthStr as _;

use super::progress::{self, Waiting, columns};
use super::said::said;

/// Whom the API server is called.
pub(super) const KUBERNETES: &str = "kubernetes";

/// Where the text of a read begins that has no room beside its figures.
const COLUMN: usize = 21;

/// How much is said on standard error.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Level {
    /// Errors alone.
    Quiet,
    /// Also what was chosen.
    #[default]
    Choices,
    /// Also every read, its bytes and its time.
    Reads,
    /// The reads are kept, too, for [`Log::take`].
    Rounds,
}

/// What is said, and where the reads are kept.
#[derive(Clone, Debug)]
pub struct Log {
    level: Level,
    kept: Arc<Mutex<Vec<Read>>>,
    round: Arc<Mutex<Round>>,
    count: Arc<Mutex<Count>>,
}

/// What was read in all.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Count {
    /// What the API server was asked.
    pub objects: usize,
    /// What proxies and control planes were asked.
    pub proxies: usize,
    /// How many port-forwards the API server was asked for.
    pub forwards: usize,
    /// How many bytes came back.
    pub bytes: usize,
}

/// For which purpose something is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Round {
    /// To find A's proxy.
    #[default]
    Finding,
    /// For the walk; the rounds count from 1.
    Walk(usize),
    /// To see that what the walk rests on has not moved.
    Again(usize),
}

/// Something that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Read {
    /// For which purpose.
    pub round: Round,
    /// Who was asked.
    pub whom: String,
    /// What for, in words.
    pub what: String,
    /// When.
    pub began: Instant,
    /// How long it took.
    pub time: Duration,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was answered with so many bytes.
    Bytes(usize),
    /// It was answered with another status than 200.
    Status(u16),
    /// It was not answered.
    Failed(String),
}

impl Log {
    /// Says so much.
    pub fn new(level: Level) -> Self {
        Self { level, kept: Arc::default(), round: Arc::default(), count: Arc::default() }
    }

    /// How much is said.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The same with rounds of its own: what it reads is kept with the rest.
    pub(super) fn of_one(&self) -> Self {
        Self { round: Arc::default(), ..self.clone() }
    }

    /// What was read since this was asked last, in all.
    pub fn count(&self) -> Count {
        std::mem::take(&mut *self.count.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was read since this was asked last, as it began.
    pub fn take(&self) -> Vec<Read> {
        let mut reads = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        reads.sort_by_key(|read| (read.round, read.began));
        reads
    }

    /// The next round begins, and these are its reads.
    pub(super) fn next_round(&self, of: fn(usize) -> Round) {
        let mut round = self.round.lock().unwrap_or_else(PoisonError::into_inner);
        let number = match *round {
            Round::Finding => 0,
            Round::Walk(number) | Round::Again(number) => number,
        };
        *round = of(number + 1);
    }

    /// The API server is asked for a port-forward: no read, but a request to it.
    pub(super) fn forwards(&self) {
        self.count.lock().unwrap_or_else(PoisonError::into_inner).forwards += 1;
    }

    /// Says what was chosen.
    pub fn choice(&self, text: &str) {
        if self.level >= Level::Choices {
            progress::say(&said(text));
        }
    }

    /// From now on `query` is read from `whom`; `what` says in words what that is.
    pub(super) fn reading(&self, whom: &str, query: &str, what: &str) -> Reading {
        let waiting = if whom == KUBERNETES { what.to_owned() } else { format!("{whom}: {what}") };
        Reading {
            log: self.clone(),
            round: *self.round.lock().unwrap_or_else(PoisonError::into_inner),
            whom: whom.to_owned(),
            query: query.to_owned(),
            what: what.to_owned(),
            began: Instant::now(),
            _waiting: Waiting::to_read(&waiting),
        }
    }
}

/// Something that is being read.
pub(super) struct Reading {
    log: Log,
    /// The round in which it was asked for.
    round: Round,
    whom: String,
    query: String,
    what: String,
    began: Instant,
    _waiting: Waiting,
}

impl Reading {
    /// Says what came of a GET.
    pub(super) fn got(self, outcome: Outcome) {
        let time = self.began.elapsed();
        let why = match &outcome {
            Outcome::Failed(why) => format!(": {why}"),
            Outcome::Bytes(_) | Outcome::Status(_) => String::new(),
        };
        let text = format!("GET {}{why}", self.query);
        self.say(time, &shown_outcome(&outcome), &text);
        self.keep(time, outcome);
    }

    /// Says what came of connecting to a port, on which nothing is sent.
    pub(super) fn connected(self, came: &str) {
        let time = self.began.elapsed();
        self.say(time, "-", &format!("connect: {came}"));
        self.keep(time, Outcome::Bytes(0));
    }

    fn say(&self, time: Duration, figure: &str, text: &str) {
        if self.log.level < Level::Reads {
            return;
        }
        let (whom, text) = (said(&self.whom), said(text));
        let mut line = format!("{:>8}  {figure:>9}  {whom}:", shown_time(time));
        // A query is never broken, for it can be pasted; it can stand by itself.
        let is_wide = |columns| line.width() + 1 + text.width() > columns;
        let between = if columns().is_some_and(is_wide) { format!("\n{:COLUMN$}", "") } else { " ".to_owned() };
        line.push_str(&between);
        progress::say(&(line + &text));
    }

    fn keep(self, time: Duration, outcome: Outcome) {
        {
            let mut count = self.log.count.lock().unwrap_or_else(PoisonError::into_inner);
            let of = if self.whom == KUBERNETES { &mut count.objects } else { &mut count.proxies };
            *of += 1;
            count.bytes += if let Outcome::Bytes(bytes) = outcome { bytes } else { 0 };
        }
        if self.log.level < Level::Rounds {
            return;
        }
        let read = Read { round: self.round, whom: self.whom, what: self.what, began: self.began, time, outcome };
        self.log.kept.lock().unwrap_or_else(PoisonError::into_inner).push(read);
    }
}

fn shown_outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Bytes(bytes) => shown_bytes(*bytes),
        Outcome::Status(status) => status.to_string(),
        Outcome::Failed(_) => "failed".to_owned(),
    }
}

/// Bytes in at most 8 columns.
pub(crate) fn shown_bytes(bytes: usize) -> String {
    const UNITS: &[&str] = &["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut tenths, mut unit) = (bytes / 100, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        (tenths, unit) = (tenths / 1000, unit + 1);
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// A time in at most 8 columns.
pub(crate) fn shown_time(time: Duration) -> String {
    let tenths = time.as_micros() / 100;
    match tenths {
        0..1000 => format!("{}.{} ms", tenths / 10, tenths % 10),
        1000..100_000 => format!("{} ms", tenths / 10),
        _ => format!("{}.{} s", tenths / 10_000, tenths % 10_000 / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_room() {
        let shown = |micros| shown_time(Duration::from_micros(micros));
        assert_eq!((shown(0), shown(3_240), shown(99_990)), ("0.0 ms".into(), "3.2 ms".into(), "99.9 ms".into()));
        assert_eq!((shown(312_400), shown(30_000_000)), ("312 ms".into(), "30.0 s".into()));
        assert_eq!(
            (shown_bytes(0), shown_bytes(999), shown_bytes(1000)),
            ("0 B".into(), "999 B".into(), "1.0 kB".into())
        );
        assert_eq!((shown_bytes(999_999), shown_bytes(61_234_567)), ("999.9 kB".into(), "61.2 MB".into()));
        assert!(shown_bytes(usize::MAX).ends_with(" TB"));
    }

    #[test]
    fn rounds_count_on() {
        let log = Log::new(Level::Rounds);
        log.reading(KUBERNETES, "/a", "a").got(Outcome::Bytes(1));
        log.next_round(Round::Walk);
        log.reading("b", "/b", "b").got(Outcome::Status(404));
        log.next_round(Round::Again);
        let other = log.of_one();
        other.reading("c", "/c", "c").connected("accepted");
        let rounds = |log: &Log| log.take().into_iter().map(|read| (read.round, read.whom)).collect::<Vec<_>>();
        log.reading("d", "/d", "d").got(Outcome::Failed("why".to_owned()));
        let expected = [
            (Round::Finding, "kubernetes".to_owned()),
            (Round::Finding, "c".to_owned()),
            (Round::Walk(1), "b".to_owned()),
            (Round::Again(2), "d".to_owned()),
        ];
        assert_eq!(rounds(&log), expected);
        assert_eq!(rounds(&log), []);
    }
}
