//! The ground that every stage stands on: what it is given, and the words in which it answers.

pub(super) mod access;
pub(super) mod open_headers;
pub(super) mod outcome;
pub(super) mod path;
pub(super) mod question;
pub(super) mod stop;
pub(super) mod walker;
