//! An error as data: `{"schema": "mesh-why/v1", "error": {…}}`.

use serde::Serialize;

use super::{Format, RenderError, json, yaml};

/// What keeps a run from its answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failure {
    /// What went wrong.
    pub message: String,
    /// What lies behind it, from the nearest to the root.
    pub causes: Vec<String>,
    /// What to try.
    pub hint: Option<String>,
    /// The program's exit code.
    pub exit: u8,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Error"))]
pub(super) struct Document<'a> {
    #[cfg_attr(test, schemars(extend("const" = json::SCHEMA)))]
    schema: &'static str,
    error: &'a Failure,
}

/// The error in a format that programs read; `None` for the formats that people read.
pub fn failure(failure: &Failure, format: &Format) -> Option<Result<String, RenderError>> {
    let document = Document { schema: json::SCHEMA, error: failure };
    match format {
        Format::Json => Some(json::pretty(&document)),
        Format::Yaml => Some(yaml::yaml(&document).map_err(RenderError::Yaml)),
        Format::Text
        | Format::Wide
        | Format::Markdown
        | Format::Mermaid
        | Format::Html
        | Format::Junit
        | Format::Sarif
        | Format::Quiet
        | Format::JsonPath(_) => None,
    }
}
