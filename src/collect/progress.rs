//! The line on standard error that says what is being waited for: rewritten in place, and gone before anything else is
//! printed. Where it was not asked for there is none. All other text on standard error passes here too, so that the two
//! never mix.
//!
//! It is blanks that wipe it: no terminal is steered, and no cursor is hidden that an interrupt would have to bring back.

use std::io::{self, IsTerminal as _, Stderr, Write};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::said::said;

/// Who is answered sooner saw nothing.
const PATIENCE: Duration = Duration::from_millis(300);
/// A read that takes so long is named beside what stands there anyway.
const LONG: Duration = Duration::from_secs(1);
/// How often the line is written anew.
const TICK: Duration = Duration::from_millis(100);
/// Columns that are left free: the terminal's last one, and those of the `^C` that it prints itself.
const FREE: usize = 3;

/// The line of this process.
static LINE: Mutex<Option<Line<Stderr>>> = Mutex::new(None);

/// How the line looks.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// How many columns standard error has now.
    pub columns: fn() -> usize,
    /// What stands for what is left out.
    pub ellipsis: &'static str,
}

/// From now on what is being waited for is shown, until the process ends.
pub fn show(look: Look) {
    let mut line = line();
    if line.is_none() && thread::Builder::new().spawn(tick).is_ok() {
        *line = Some(Line::new(io::stderr(), look));
    }
}

/// Says what is done between reads, from now on; with `None` nothing.
pub fn stand(text: Option<&str>) {
    if let Some(line) = line().as_mut() {
        line.stand(text.map(said), Instant::now());
    }
}

/// Wipes the line: something else is going to be printed.
pub fn wipe() {
    if let Some(line) = line().as_mut() {
        line.wipe();
    }
}

/// Wipes the line for good: the process ends. Whoever holds it may be waiting for a terminal that takes nothing.
pub(super) fn end() {
    for _ in 0..20 {
        match LINE.try_lock() {
            Ok(mut line) => {
                if let Some(mut line) = line.take() {
                    line.wipe();
                }
                return;
            }
            Err(TryLockError::Poisoned(_)) => return,
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Writes a line of its own. Standard error may be closed; the answer is not on it.
pub(super) fn say(text: &str) {
    let mut line = line();
    if let Some(line) = line.as_mut() {
        line.wipe();
    }
    let _ = writeln!(io::stderr(), "{text}");
}

/// How wide standard error is, where it is a terminal.
pub(super) fn columns() -> Option<usize> {
    let (width, _) = io::stderr().is_terminal().then(|| terminal_size::terminal_size_of(io::stderr()))??;
    Some(usize::from(width.0))
}

/// Something that is being waited for, until it is dropped.
#[derive(Debug)]
pub(super) struct Waiting(Option<usize>);

impl Waiting {
    pub(super) fn to_read(what: &str) -> Self {
        Self(line().as_mut().map(|line| line.begin(said(what), Instant::now())))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let (Some(number), Some(line)) = (self.0, line().as_mut()) {
            line.end(number);
        }
    }
}

fn line() -> MutexGuard<'static, Option<Line<Stderr>>> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tick() {
    loop {
        thread::sleep(TICK);
        match line().as_mut() {
            Some(line) => line.tick(Instant::now()),
            None => return,
        }
    }
}

/// What is known of the line.
struct Line<W> {
    out: W,
    look: Look,
    /// What is on the screen.
    drawn: String,
    /// What is said between reads.
    standing: Option<String>,
    /// What is being read, the oldest first.
    reads: Vec<(usize, String, Instant)>,
    /// How many reads there were.
    count: usize,
    /// Since when somebody waits.
    since: Option<Instant>,
}

impl<W: Write> Line<W> {
    fn new(out: W, look: Look) -> Self {
        let (drawn, standing, reads) = (String::new(), None, Vec::new());
        Self { out, look, drawn, standing, reads, count: 0, since: None }
    }

    fn begin(&mut self, what: String, now: Instant) -> usize {
        self.since.get_or_insert(now);
        self.count += 1;
        self.reads.push((self.count, what, now));
        self.count
    }

    fn end(&mut self, number: usize) {
        self.reads.retain(|read| read.0 != number);
    }

    fn stand(&mut self, text: Option<String>, now: Instant) {
        self.standing = text;
        if self.standing.is_some() {
            self.tick(now);
        } else {
            self.wipe();
        }
    }

    /// Draws what there is to say now. Between two reads what was said last stays.
    fn tick(&mut self, now: Instant) {
        let is_late = |since: &Instant, after: Duration| now.saturating_duration_since(*since) >= after;
        let oldest = self.reads.first();
        let text = match (&self.standing, oldest) {
            (Some(text), Some((_, what, since))) if is_late(since, LONG) => format!("{text}; reading {what}"),
            (Some(text), _) => text.clone(),
            (None, Some((_, what, _))) if self.since.is_some_and(|since| is_late(&since, PATIENCE)) => {
                let more = self.reads.len() - 1;
                if more > 0 { format!("reading {what}, and {more} more") } else { format!("reading {what}") }
            }
            (None, _) => return,
        };
        let room = (self.look.columns)().saturating_sub(FREE);
        let text = fit(&text, room, self.look.ellipsis);
        if text != self.drawn {
            let blanks = self.drawn.width().saturating_sub(text.width());
            let over = format!("\r{text}{}{}", " ".repeat(blanks), "\u{8}".repeat(blanks));
            self.write(&over);
            self.drawn = text;
        }
    }

    fn wipe(&mut self) {
        let drawn = mem::take(&mut self.drawn);
        if !drawn.is_empty() {
            let blanks = " ".repeat(drawn.width() + FREE - 1);
            self.write(&format!("\r{blanks}\r"));
        }
    }

    fn write(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

/// Text of at most so many columns: what is left out is in the middle.
pub(crate) fn fit(text: &str, room: usize, ellipsis: &str) -> String {
    let text = text.replace('\u{2026}', ellipsis);
    if text.width() <= room {
        return text;
    }
    let most = room.saturating_sub(ellipsis.width());
    let head = taken(text.chars(), most.div_ceil(2));
    let tail: String = taken(text.chars().rev(), most / 2).chars().rev().collect();
    if most == 0 { taken(text.chars(), room) } else { head + ellipsis + &tail }
}

/// The first of these characters that have room.
fn taken(chars: impl Iterator<Item = char>, room: usize) -> String {
    let mut columns = 0;
    chars
        .take_while(|c| {
            columns += c.width().unwrap_or(0);
            columns <= room
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look { columns: || 40, ellipsis: "..." };

    fn line() -> Line<Vec<u8>> {
        Line::new(Vec::new(), LOOK)
    }

    /// What a terminal shows of it.
    fn screen(line: &Line<Vec<u8>>) -> String {
        let mut cells: Vec<char> = Vec::new();
        let mut at = 0;
        for c in String::from_utf8_lossy(&line.out).chars() {
            match c {
                '\r' => at = 0,
                '\u{8}' => at -= 1,
                c => {
                    cells.resize(cells.len().max(at + 1), ' ');
                    cells[at] = c;
                    at += 1;
                }
            }
        }
        cells.into_iter().collect::<String>().trim_end().to_owned()
    }

    #[test]
    fn a_quick_answer_shows_nothing() {
        let (mut line, now) = (line(), Instant::now());
        for i in 0..20 {
            let later = now + Duration::from_millis(i * 10);
            let read = line.begin("pods".to_owned(), later);
            line.tick(later);
            line.end(read);
        }
        line.wipe();
        assert!(line.out.is_empty());
    }

    #[test]
    fn what_is_waited_for_longest_is_shown_and_then_wiped() {
        let (mut line, now) = (line(), Instant::now());
        let first = line.begin("pods in namespace shop".to_owned(), now);
        line.begin("services".to_owned(), now);
        line.tick(now + PATIENCE);
        assert_eq!(screen(&line), "reading pods in n... shop, and 1 more");
        line.end(first);
        line.tick(now + PATIENCE * 2);
        assert_eq!(screen(&line), "reading services");
        line.wipe();
        assert_eq!(screen(&line), "");
        let length = line.out.len();
        line.wipe();
        assert_eq!(line.out.len(), length, "what is not there is not wiped");
    }

    #[test]
    fn it_is_never_wider_than_the_terminal() {
        let (mut line, now) = (line(), Instant::now());
        line.begin("x".repeat(500) + "日本語", now);
        line.tick(now + PATIENCE);
        let drawn = String::from_utf8_lossy(&line.out).into_owned();
        assert!(drawn.trim_start_matches('\r').width() <= 40 - FREE, "{drawn:?}");
        assert!(!drawn.contains('\n') && !drawn.contains('\u{1b}'), "{drawn:?}");
    }

    #[test]
    fn what_stands_there_names_what_takes_long() {
        let (mut line, now) = (line(), Instant::now());
        line.stand(Some("watching".to_owned()), now);
        assert_eq!(screen(&line), "watching");
        line.begin("pods".to_owned(), now);
        line.tick(now + PATIENCE);
        assert_eq!(screen(&line), "watching");
        line.tick(now + LONG);
        assert_eq!(screen(&line), "watching; reading pods");
        line.stand(None, now + LONG);
        assert_eq!(screen(&line), "");
    }

    #[test]
    fn the_middle_is_left_out() {
        assert_eq!(fit("abcdefghij", 10, "…"), "abcdefghij");
        assert_eq!(fit("abcdefghij", 7, "…"), "abc…hij");
        assert_eq!(fit("abcdefghij", 7, "..."), "ab...ij");
        assert_eq!(fit("abcdefghij", 2, "..."), "ab");
    }
}
