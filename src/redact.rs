//! What is kept of a secret: that it is there, and what of it decides.
//!
//! Snapshots go into tickets, and answers into chats. So neither holds a password, a token or a cookie: in its place
//! stands [`MARK`](crate::envoy::redacted::MARK). Three things tell a secret: the name of what holds it
//! ([`names`]), the place that it is in (source code, formats of logs, keys: [`mod@json`]), and its shape ([`mod@text`]).
//! Of a JSON web token what decides is kept ([`token`]), so that a replay comes to the same verdict.
//!
//! To redact twice is to redact once.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod json;
mod names;
mod text;
mod token;

pub(crate) use json::{Rule, Step, json, rule_at};
pub(crate) use text::{header, header_line, of_path, path, url, value};
