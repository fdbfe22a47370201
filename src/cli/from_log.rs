//! `--from-log`: the line that was typed, or the first line of standard input that is an access log's.

use crate::access_log::{Mistake, parse};
use crate::snapshot::LogRecord;

/// What to type instead.
pub(super) const HINT: &str = "quote the whole line with single quotes, or pipe it: kubectl logs POD -c istio-proxy | \
                    kubectl mesh-why A --from-log -";

/// The lines of standard input, until one is understood.
#[derive(Default)]
pub(super) struct Lines {
    found: Option<LogRecord>,
    /// Why the first line is not understood.
    first: Option<Mistake>,
    /// How many lines were looked at, empty ones apart.
    count: usize,
}

impl Lines {
    /// Looks at a line; whether it is the one.
    pub(super) fn look_at(&mut self, line: &str) -> bool {
        match parse(line) {
            Ok(record) => {
                self.found = Some(record);
                true
            }
            Err(Mistake::Empty) => false,
            Err(mistake) => {
                self.count += 1;
                self.first = self.first.or(Some(mistake));
                false
            }
        }
    }

    /// The line that was found.
    pub(super) fn record(self) -> Result<LogRecord, String> {
        let none = "standard input has no line of an access log";
        match (self.found, self.first, self.count) {
            (Some(record), ..) => Ok(record),
            (None, None, _) => Err(format!("{none}: it is empty")),
            (None, Some(mistake), 1) => Err(format!("{none}: {mistake}")),
            (None, Some(_), count) => Err(format!("none of the {count} lines of standard input is an access log's")),
        }
    }
}

/// The line that was typed.
pub(super) fn typed(line: &str) -> Result<LogRecord, String> {
    parse(line).map_err(|mistake| format!("the line of --from-log is not understood: {mistake}"))
}
