//! Why a body cannot be used, in the words of somebody who only has the file.

use std::fmt;

/// Why a body cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BodyError {
    /// The JSON stops in the middle: line and column.
    CutOff(usize, usize),
    /// Not JSON: what the parser says.
    NotJson(String),
    /// JSON, but not the answer to this question.
    NotThis(&'static str),
    /// No bytes at all.
    Empty,
    /// It would take far more memory than it has bytes.
    TooMuch,
    /// It could not be read to its end, or read again.
    Unread(String),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff(line, column) => write!(f, "the JSON is cut off at line {line}, column {column}"),
            Self::NotJson(why) => write!(f, "not JSON: {why}"),
            Self::NotThis(what) => write!(f, "not {what}"),
            Self::Empty => f.write_str("the file is empty"),
            Self::Unread(why) => f.write_str(why),
            Self::TooMuch => f.write_str("it would take more than ten times its size in memory"),
        }
    }
}

/// A `serde_json` error in the words of somebody who only has the file.
pub(super) fn body_error(error: &serde_json::Error, what: &'static str) -> BodyError {
    match error.classify() {
        serde_json::error::Category::Eof => BodyError::CutOff(error.line(), error.column()),
        serde_json::error::Category::Data => BodyError::NotThis(what),
        serde_json::error::Category::Io | serde_json::error::Category::Syntax => BodyError::NotJson(error.to_string()),
    }
}
