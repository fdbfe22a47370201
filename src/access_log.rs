//! A line of an Envoy's access log: what it says of a request, and what its flags and details mean.
//!
//! A line is text in one of the default formats of Envoy and Istio, or JSON, whose members are known by their names. What
//! `kubectl logs` or a log shipper puts around a line is looked past.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod field;
mod glossary;
mod json;
mod line;
mod mistake;
mod request;
mod text;
mod writer;

pub use glossary::{Shows, canonical, details_text, flag};
pub use line::parse;
pub use mistake::Mistake;
pub use request::ask;
pub use writer::writer;
