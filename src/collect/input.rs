//! Standard input, a line at a time.

use std::io::{self, BufRead as _, Read as _};

use super::error::{CollectError, plain};
use super::log::Log;

/// The most bytes that are looked through, and the most of one line.
const MOST: u64 = 256 << 20;
const LONGEST: u64 = 1 << 20;

/// Reads lines until one is wanted, and says which that is. What stands behind it is not read.
pub(super) fn each_line(log: &Log, wanted: &mut dyn FnMut(&str) -> bool) -> Result<(), CollectError> {
    let mut input = io::stdin().lock().take(MOST);
    let failed = |error: io::Error| CollectError::File { path: "standard input".to_owned(), cause: plain(&error) };
    for number in 1_usize.. {
        let mut line = Vec::new();
        if input.by_ref().take(LONGEST).read_until(b'\n', &mut line).map_err(failed)? == 0 {
            return Ok(());
        }
        if wanted(&String::from_utf8_lossy(&line)) {
            log.choice(&format!("asking about line {number} of standard input"));
            return Ok(());
        }
    }
    Ok(())
}
