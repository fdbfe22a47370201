//! `-o jsonpath=EXPR`: what an expression of RFC 9535, or a template of kubectl's, selects in the JSON.

use jsonpath_rust::JsonPath as _;
use serde_json::Value;

use super::RenderError;
use super::template::{self, Template};
use super::theme::Theme;

/// What a template prints; of an expression what is selected, one value a line: text as it is, anything else as compact
/// JSON. On a terminal no value steers it, or begins a line of its own.
pub(super) fn select(json: &str, expression: &str, theme: &Theme) -> Result<String, RenderError> {
    let document: Value = serde_json::from_str(json).map_err(|e| RenderError::Json(e.to_string()))?;
    let refused = |reason: String| RenderError::JsonPath { expression: expression.to_owned(), reason };
    if template::is_template(expression) {
        let template = Template::parse(expression).map_err(refused)?;
        let shown = |value: &str| theme.value(value);
        return template.print(&document, &shown).map_err(|complaint| refused(reason(&complaint)));
    }
    let path = rooted(expression).ok_or_else(|| refused("an expression is expected".to_owned()))?;
    let found = document.query(&path).map_err(|e| refused(reason(&e.to_string())))?;
    Ok(found.into_iter().map(|value| theme.value(&plain(value)) + "\n").collect())
}

/// `.a.b` and `a.b` as `JSONPath` has it: `$.a.b`.
fn rooted(expression: &str) -> Option<String> {
    let inner = expression.trim();
    Some(match inner.chars().next()? {
        '$' => inner.to_owned(),
        '.' | '[' => format!("${inner}"),
        _ => format!("$.{inner}"),
    })
}

/// A parser's complaint on one line.
fn reason(complaint: &str) -> String {
    complaint.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
