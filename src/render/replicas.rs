//! The answers of several pods of A's: those with one answer once, with the pods' names.

use serde::Serialize;

use super::json::{self, Document, SCHEMA};
use super::line::Line;
use super::numbered::Numbered;
use super::theme::Role;
use super::{Format, RenderError, Theme, html, junit, markdown, mermaid, query, sarif, text, yaml};
use crate::verdict::Verdict;

/// An answer, and the pods of A's that gave it.
#[derive(Clone, PartialEq, Debug)]
pub struct Told {
    /// The answer, of the first of them.
    pub verdict: Verdict,
    /// Their names; one at least.
    pub pods: Vec<String>,
    /// How many pods were asked in all.
    pub of: usize,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "AnswersOfAllPods"))]
pub(super) struct Documents<'a> {
    #[cfg_attr(test, schemars(extend("const" = SCHEMA)))]
    schema: &'static str,
    verdicts: Vec<OfPods<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OfPods<'a> {
    pods: &'a [String],
    #[serde(flatten)]
    document: Document<'a>,
}

/// All answers in this format, with its final newline.
///
/// Errors are those of [`super::render`].
pub fn render_all(told: &[Told], format: &Format, theme: &Theme, width: usize) -> Result<String, RenderError> {
    let screens = |detail: text::Detail| {
        let each = told.iter().map(|told| heading(told, theme) + &text::screen(&told.verdict, detail, theme, width));
        each.collect::<Vec<_>>().join("\n")
    };
    match format {
        Format::Text => Ok(screens(text::Detail::Brief)),
        Format::Wide => Ok(screens(text::Detail::Full)),
        Format::Quiet => {
            let lines = told.iter().map(|told| heading(told, theme) + &text::line_one(&told.verdict, theme));
            Ok(lines.collect())
        }
        Format::Json => documents(told, |documents| json::pretty(documents)),
        Format::Yaml => documents(told, |documents| yaml::yaml(documents).map_err(RenderError::Yaml)),
        Format::Markdown => Ok(markdown::pages(&answers(told))),
        Format::Mermaid => Ok(mermaid::charts(&answers(told))),
        Format::Html => Ok(html::pages(&answers(told))),
        Format::Junit => junit::suites(&answers(told)).map_err(RenderError::Junit),
        Format::Sarif => json::pretty(&sarif::log(&answers(told))),
        Format::JsonPath(expression) => {
            query::select(&documents(told, |documents| json::pretty(documents))?, expression, theme)
        }
    }
}

/// Each answer, with whose it is.
fn answers(told: &[Told]) -> Vec<(String, &Verdict)> {
    told.iter().map(|told| (whose(told), &told.verdict)).collect()
}

fn documents<T>(told: &[Told], write: impl Fn(&Documents) -> Result<T, RenderError>) -> Result<T, RenderError> {
    let numbered: Vec<Numbered> = told.iter().map(|told| Numbered::of(&told.verdict)).collect();
    let each = told.iter().zip(&numbered);
    let each =
        each.map(|(told, numbered)| OfPods { pods: &told.pods, document: json::document(&told.verdict, numbered) });
    write(&Documents { schema: SCHEMA, verdicts: each.collect() })
}

fn heading(told: &Told, theme: &Theme) -> String {
    Line::of(Role::Heading, &whose(told)).paint(theme) + "\n"
}

/// `2 of 3 pods: orders-7d9 and 1 more`.
fn whose(told: &Told) -> String {
    let Told { pods, of, .. } = told;
    let first = pods.first().map_or("", String::as_str);
    let more = if pods.len() > 1 { format!(" and {} more", pods.len() - 1) } else { String::new() };
    let count = if pods.len() == *of { format!("all {of}") } else { format!("{} of {of}", pods.len()) };
    if *of == 1 { format!("pod {first}") } else { format!("{count} pods: {first}{more}") }
}
