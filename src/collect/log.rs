//! What is said on standard error while reading.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use super::said::said;

/// How much is said on standard error.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Log {
    /// Errors alone.
    Quiet,
    /// Also what was chosen.
    #[default]
    Choices,
    /// Also every read, its bytes and its time.
    Reads,
}

impl Log {
    /// Says what was chosen.
    pub(super) fn choice(self, text: &str) {
        if self >= Self::Choices {
            say(text);
        }
    }

    /// Says that `what` was read from `whom`.
    pub(super) fn read(self, whom: &str, what: &str, began: Instant, outcome: &Outcome) {
        if self < Self::Reads {
            return;
        }
        let time = shown(began.elapsed());
        match outcome {
            Outcome::Bytes(bytes) => say(&format!("read {whom}: GET {what}: {bytes} bytes in {time}")),
            Outcome::Status(status) => say(&format!("read {whom}: GET {what}: {status} in {time}")),
            Outcome::Failed(why) => say(&format!("read {whom}: GET {what}: {why} after {time}")),
        }
    }

    /// Says what came of connecting to a port.
    pub(super) fn connected(self, whom: &str, began: Instant, came: &str) {
        if self >= Self::Reads {
            say(&format!("connected to {whom}: {came} after {}", shown(began.elapsed())));
        }
    }
}

/// What came of a read.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It was answered with so many bytes.
    Bytes(usize),
    /// It was answered with another status than 200.
    Status(u16),
    /// It was not answered.
    Failed(String),
}

/// Standard error may be closed; the answer is not on it.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{}", said(text));
}

fn shown(time: Duration) -> String {
    let micros = time.as_micros();
    if micros < 10_000 {
        format!("{}.{} ms", micros / 1000, micros % 1000 / 100)
    } else {
        format!("{} ms", micros / 1000)
    }
}
