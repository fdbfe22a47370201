//! The walk.

mod question;

pub use question::{Port, Protocol, Question, QuestionError};
