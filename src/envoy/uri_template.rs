//! URI templates: `/shop/*/items/**`, `/shop/{name}/{rest=**}` (`source/extensions/path/uri_template_lib`).

pub mod language;

use super::any::JsonAny;
use super::matcher::{self, Match};

const TYPE: &str = "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";
/// What one segment may consist of.
const SEGMENT: &str = "a-zA-Z0-9._~%!$&'()+,;:@-";

/// Whether a path without its query matches the template that `config` holds.
pub fn matches(config: Option<&JsonAny>, path: &str) -> Match {
    let Some(config) = config.filter(|c| c.type_name == TYPE) else {
        return Match::Unknown("a path matcher of a kind that is not modeled".to_owned());
    };
    let value: serde_json::Value = serde_json::from_slice(&config.json).unwrap_or_default();
    let template = value.get("path_template").or_else(|| value.get("pathTemplate")).and_then(serde_json::Value::as_str);
    let Some(template) = template else {
        return Match::Unknown("a URI template that is empty".to_owned());
    };
    if path.contains(['=', '*']) {
        return Match::Unknown("a URI template meets a path with `=` or `*`".to_owned());
    }
    match pattern(template) {
        Some(pattern) => matcher::regex(&pattern, path),
        None => Match::Unknown(format!("the URI template {template} is not modeled")),
    }
}

/// The template as a regular expression: `*` is one segment, `**` the rest, `{name}` as `*`, `{name=…}` as what follows.
fn pattern(template: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**") {
            out.extend(["[/", SEGMENT, "]*"]);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('*') {
            out.extend(["[", SEGMENT, "]+"]);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let (variable, after) = after.split_once('}')?;
            let inner = variable.split_once('=').map_or("*", |(_, inner)| inner);
            out.push_str(&pattern(inner)?);
            rest = after;
        } else if c.is_ascii_alphanumeric() || "-._~%!$&'()+,;:@/".contains(c) {
            if !c.is_ascii_alphanumeric() && "$().+".contains(c) {
                out.push('\\');
            }
            out.push(c);
            rest = rest.get(1..)?;
        } else {
            return None;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(template: &str, path: &str) -> Match {
        let json = serde_json::json!({"@type": format!("type.googleapis.com/{TYPE}"), "path_template": template});
        matches(Some(&JsonAny { type_name: TYPE.to_owned(), json: json.to_string().into_bytes() }), path)
    }

    #[test]
    fn a_star_is_a_segment_and_two_are_the_rest() {
        for (template, path, expected) in [
            ("/a/*/b", "/a/x/b", Match::Yes),
            ("/a/*/b", "/a//b", Match::No),
            ("/a/*/b", "/a/x/y/b", Match::No),
            ("/a/**", "/a/", Match::Yes),
            ("/a/**", "/a", Match::No),
            ("/a/**/b", "/a/x/y/b", Match::Yes),
            ("/uri/{a}/x/*/**", "/uri/1/x/2/", Match::Yes),
            ("/uri/{a}/x/*/**", "/uri/1/x/2", Match::No),
            ("/{v=a/*}.js", "/a/b.js", Match::Yes),
            ("/a.b", "/axb", Match::No),
        ] {
            assert_eq!(test(template, path), expected, "{template} {path}");
        }
        assert!(matches!(test("/a/*", "/a/b=c"), Match::Unknown(_)));
        assert!(matches!(matches(None, "/"), Match::Unknown(_)));
    }
}
