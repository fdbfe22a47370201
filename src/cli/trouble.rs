//! Why there is no answer, and the exit code for it.

use std::io;

use super::typed;
use super::usage::Usage;
use crate::collect::{CollectError, plain};
use crate::render::Failure;

/// Nothing could be read.
pub(super) const UNREAD: u8 = 3;
/// The arguments cannot be understood.
const USAGE: u8 = 2;

/// Why there is no answer.
pub(super) enum Trouble {
    Usage(Usage),
    Collect(CollectError),
    /// The answer could not be printed whole.
    Print(std::io::Error),
}

impl From<Usage> for Trouble {
    fn from(usage: Usage) -> Self {
        Self::Usage(usage)
    }
}

impl From<CollectError> for Trouble {
    fn from(error: CollectError) -> Self {
        Self::Collect(error)
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Usage(usage) => Self { message: usage.error, causes: Vec::new(), hint: usage.hint, exit: USAGE },
            Trouble::Collect(error) => {
                let near = if let CollectError::File { path, .. } = &error { typed::file(path) } else { None };
                let hint = error.hint().or(near);
                Self { message: error.to_string(), causes: error.causes(), hint, exit: UNREAD }
            }
            Trouble::Print(error) => unwritten(&error),
        }
    }
}

/// What was to be printed was not, or not whole.
pub(super) fn unwritten(error: &io::Error) -> Failure {
    let (message, causes) = ("cannot write the answer".to_owned(), vec![plain(error)]);
    Failure { message, causes, hint: None, exit: UNREAD }
}
