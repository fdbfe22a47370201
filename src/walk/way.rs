//! The ground that every stage stands on: what it is given, and the words in which it answers.

pub(super) mod accepted;
pub(super) mod access;
pub(super) mod apart;
pub(super) mod asked;
pub(super) mod asked_for;
pub(super) mod branch;
pub(super) mod course;
pub(super) mod criteria;
pub(super) mod dial;
pub(super) mod end;
mod fold;
pub(super) mod followed;
pub(super) mod forwarded;
pub(super) mod guard;
pub(super) mod log;
mod memo;
pub(super) mod met;
pub(super) mod open_headers;
mod outcome;
pub(super) mod protocol;
pub(super) mod question;
pub(super) mod question_error;
pub(super) mod service;
pub(super) mod stop;
pub(super) mod target;
pub(super) mod trail;
pub(super) mod walker;
