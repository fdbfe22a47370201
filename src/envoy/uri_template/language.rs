//! The paths that a template takes, as a regular expression.

use super::{TYPE, pattern};
use crate::envoy::any::JsonAny;

/// The template that a path matcher holds; `None` where it is a matcher of another kind.
pub fn template(config: &JsonAny) -> Option<String> {
    if config.type_name != TYPE {
        return None;
    }
    let value: serde_json::Value = serde_json::from_slice(&config.json).ok()?;
    let template = value.get("path_template").or_else(|| value.get("pathTemplate"))?;
    template.as_str().map(str::to_owned)
}

/// RE2 for the same paths; `None` where the template is not modeled.
pub fn regex(template: &str) -> Option<String> {
    pattern(template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_matchers_have_none() {
        let any = |kind: &str, json: &str| JsonAny { type_name: kind.to_owned(), json: json.as_bytes().to_vec() };
        assert_eq!(template(&any(TYPE, r#"{"path_template": "/a/*"}"#)).as_deref(), Some("/a/*"));
        assert_eq!(template(&any("x", r#"{"path_template": "/a/*"}"#)), None);
        assert!(regex("/a/{b}").is_some_and(|regex| regex.starts_with("/a/[")));
    }
}
