//! Filters that are programs: what they do is not known, unless there is nothing in them.

use crate::snapshot::Node;
use crate::verdict::Power;

use super::ask::{Applied, Ask, Effect};

/// A Lua script, the filter's own or the route's (`source/extensions/filters/http/lua/lua_filter.cc`).
pub(super) fn lua(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let own = ask.own_node();
    let named = applied.node.text("name");
    let scripts: Vec<Option<String>> = match (applied.any.type_name.ends_with("LuaPerRoute"), named) {
        // A route names a script of the filter's.
        (true, Some(name)) => vec![own.and_then(|own| inline(&own.get("source_codes")?.get(&name)?))],
        (true, None) => vec![applied.node.get("source_code").and_then(|code| inline(&code))],
        (false, _) => {
            let code = applied.node.get("default_source_code").map(|code| inline(&code));
            let old = applied.node.text("inline_code").map(Some);
            code.into_iter().chain(old).collect()
        }
    };
    if scripts.iter().all(|script| script.as_deref().is_some_and(is_empty)) {
        return Vec::new();
    }
    vec![Effect::Open(
        vec![Power::Answer],
        format!("what the script of HTTP filter {} does is not known", ask.filter.name),
    )]
}

fn inline(source: &Node) -> Option<String> {
    source.text("inline_string")
}

/// Whether a script of Lua has nothing in it but comments.
fn is_empty(script: &str) -> bool {
    let mut rest = script.trim_start();
    while let Some(comment) = rest.strip_prefix("--") {
        let after = match comment.strip_prefix("[[") {
            Some(block) => block.split_once("]]").map_or("", |(_, after)| after),
            None => comment.split_once('\n').map_or("", |(_, after)| after),
        };
        rest = after.trim_start();
    }
    rest.is_empty()
}

/// An external processor sees what its modes send it (`ProcessingMode` of `ext_proc.proto`); with none of them it sees
/// nothing, and does nothing.
pub(super) fn external_processor(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let mode = applied.node.at("overrides.processing_mode").or_else(|| ask.own_node()?.get("processing_mode"));
    let is = |field: &str, off: &[&str]| {
        let value = mode.as_ref().and_then(|mode| mode.text(field));
        value.as_deref().map_or(off.contains(&""), |value| off.contains(&value))
    };
    // Headers are sent unless they are skipped; bodies are not unless a mode says so.
    let headers = ["request_header_mode", "response_header_mode"].iter().all(|field| is(field, &["SKIP"]));
    let bodies = ["request_body_mode", "response_body_mode"].iter().all(|field| is(field, &["", "NONE"]));
    let trailers =
        ["request_trailer_mode", "response_trailer_mode"].iter().all(|field| is(field, &["", "DEFAULT", "SKIP"]));
    if headers && bodies && trailers {
        return Vec::new();
    }
    let why = format!("what the processor of HTTP filter {} does is not known", ask.filter.name);
    vec![Effect::Open(vec![Power::Answer], why)]
}

#[cfg(test)]
mod tests {
    use super::is_empty;

    #[test]
    fn a_script_of_comments_is_empty() {
        for script in ["", " \n", "-- a", "-- a\n  -- b\n", "--[[ a\nb ]]", "--[[ a ]] -- b"] {
            assert!(is_empty(script), "{script:?}");
        }
        for script in ["x = 1", "-- a\nx = 1", "--[[ a ]] x = 1", "function envoy_on_request(h) end"] {
            assert!(!is_empty(script), "{script:?}");
        }
    }
}
