//! A verdict as text, or as data: one file a format, over the same plain values.
//!
//! Nothing here judges. What the screen says, the JSON says, with the same numbers on the same evidence. Explanations of
//! words are told here, too.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod again;
mod change;
mod changed;
mod command;
mod evidence;
mod explain;
mod failure;
mod hosts;
mod html;
mod json;
mod junit;
mod line;
mod log;
mod markdown;
mod mermaid;
mod numbered;
mod picture;
mod query;
mod replicas;
mod rows;
mod sarif;
#[cfg(test)]
mod schema;
mod template;
mod text;
mod theme;
mod words;
mod yaml;

use std::fmt;

use crate::verdict::Verdict;

pub use changed::{Difference, differences, report};
pub use explain::{explain, list};
pub use failure::{Failure, failure};
pub use replicas::{Told, render_all};
pub use theme::Theme;

/// A form that a verdict is given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Format {
    /// One screen for a person.
    Text,
    /// The same with every row, every endpoint and all evidence.
    Wide,
    /// Schema `mesh-why/v1`.
    Json,
    /// The same as YAML.
    Yaml,
    /// The same for a ticket.
    Markdown,
    /// The way of the request as a Mermaid flowchart.
    Mermaid,
    /// One page for a browser.
    Html,
    /// A test case for CI.
    Junit,
    /// The findings, SARIF 2.1.0.
    Sarif,
    /// What a `JSONPath` selects in the JSON, one value a line: `$.a.b`; or what a template of kubectl's prints, `{.a.b}`.
    JsonPath(String),
    /// Line 1 of the text.
    Quiet,
}

impl Format {
    /// Whether programs read it, errors too.
    pub(crate) fn is_data(&self) -> bool {
        matches!(self, Self::Json | Self::Yaml)
    }
}

/// The form that was asked for cannot be given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RenderError {
    /// The expression is no `JSONPath`.
    JsonPath {
        /// As it was typed.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Explanations are not given in this format.
    NoExplanation,
    /// The verdict cannot be written as JSON.
    Json(String),
    /// The verdict cannot be written as YAML.
    Yaml(String),
    /// The verdict cannot be written as XML.
    Junit(String),
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::JsonPath { expression, reason } => write!(f, "`{expression}` is not a JSONPath: {reason}"),
            Self::NoExplanation => {
                f.write_str("explanations are given as text, json, yaml and jsonpath=EXPR; this format is for answers")
            }
            Self::Json(reason) => write!(f, "cannot write the verdict as JSON: {reason}"),
            Self::Yaml(reason) => write!(f, "cannot write the verdict as YAML: {reason}"),
            Self::Junit(reason) => write!(f, "cannot write the verdict as XML: {reason}"),
        }
    }
}

impl std::error::Error for RenderError {}

/// The verdict in this format, with its final newline.
///
/// The theme and the width shape [`Format::Text`], [`Format::Wide`] and [`Format::Quiet`] only; data is the same
/// everywhere, but that on a terminal what [`Format::JsonPath`] selects comes out as it can be shown.
pub fn render(verdict: &Verdict, format: &Format, theme: &Theme, width: usize) -> Result<String, RenderError> {
    match format {
        Format::Text => Ok(text::screen(verdict, text::Detail::Brief, theme, width)),
        Format::Wide => Ok(text::screen(verdict, text::Detail::Full, theme, width)),
        Format::Quiet => Ok(text::line_one(verdict, theme)),
        Format::Json => json::json(verdict),
        Format::Yaml => json::yaml(verdict),
        Format::Markdown => Ok(markdown::page(verdict)),
        Format::Mermaid => Ok(mermaid::chart(verdict)),
        Format::Html => Ok(html::page(verdict)),
        Format::Junit => junit::suite(verdict).map_err(RenderError::Junit),
        Format::Sarif => json::pretty(&sarif::log(&[(String::new(), verdict)])),
        Format::JsonPath(expression) => query::select(&json::json(verdict)?, expression, theme),
    }
}
