//! The program before a fake API server and in front of bad input: what it asks, what it says, how it ends.

#![expect(clippy::unwrap_used, reason = "a test")]

mod answers;
mod api;
mod bounds;
mod captured;
mod cli;
mod collect;
mod complete;
mod control_plane;
mod credentials;
mod data;
mod explain;
mod from_log;
mod help;
mod mistakes;
mod moving;
mod pages;
mod probe;
mod raw;
mod replicas;
mod rounds;
mod said;
mod save;
mod terminal;
mod tool;
mod watch;
