//! Why a line is not understood, in the words of who pasted it.

use std::fmt;

/// Why a line is not understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mistake {
    /// There is nothing in it.
    Empty,
    /// It is longer than any line of an access log.
    TooLong,
    /// It begins as JSON does, and is none.
    BrokenJson,
    /// It is JSON of something else.
    OtherJson,
    /// It begins as a line of text does, and ends too early.
    CutOff,
    /// It is text of something else.
    OtherText,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty",
            Self::TooLong => "it is longer than any line of an access log",
            Self::BrokenJson => "it begins as JSON and is cut off, or a quote in it was lost",
            Self::OtherJson => "it is JSON without the members of an access log, such as `response_code`",
            Self::CutOff => "it begins as an access log does and is cut off, or a quote in it was lost",
            Self::OtherText => "it is neither Envoy's text format (`[time] \"GET /path HTTP/1.1\" 503 UH …`) nor JSON",
        })
    }
}
