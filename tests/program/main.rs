//! The program before a fake API server and in front of bad input: what it asks, what it says, how it ends.

#![expect(clippy::unwrap_used, reason = "a test")]

mod api;
mod cli;
mod collect;
mod moving;
mod tool;
