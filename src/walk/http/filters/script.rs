//! Filters that are programs: what they do is not known, unless there is nothing in them.

use crate::snapshot::Node;
use crate::verdict::Power;

use super::ask::{Applied, Ask, Effect, Reached};
use super::service::{grpc_cluster, is_set};

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
    program(ask, "script")
}

/// A script, a module of Wasm or Go, or a filter that is loaded from a library.
pub(super) fn program(ask: &Ask, kind: &str) -> Vec<Effect> {
    let why = format!(
        "what the {kind} of HTTP filter {} does is not known: it can change the request and the answer",
        ask.filter.name
    );
    vec![Effect::Open(vec![Power::Answer], why)]
}

/// A plugin of Go, which a route can switch off by its name (`ConfigsPerRoute` of `golang.proto`).
pub(super) fn golang(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let plugin = ask.own_node().and_then(|own| own.text("plugin_name")).unwrap_or_default();
    let off = applied.node.get("plugins_config").and_then(|plugins| plugins.get(&plugin)?.get("disabled"));
    if off.is_some_and(|off| off.value().as_bool() == Some(true)) { Vec::new() } else { program(ask, "Go plugin") }
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
/// nothing, and does nothing. In `observability_mode` nothing of what it says counts, and that
/// it cannot be asked does.
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
    let own = ask.own_node();
    let observes = own.as_ref().is_some_and(|own| is_set(own, "observability_mode"));
    let allows = lets_pass(applied, own.as_ref());
    if (headers && bodies && trailers) || (allows && (observes || is_out_of_reach(ask, applied, own.as_ref()))) {
        return Vec::new();
    }
    if observes {
        let why =
            format!("whether HTTP filter {} can ask its processor, which only watches (500 if not)", ask.filter.name);
        return vec![Effect::Open(vec![Power::Refuse], why)];
    }
    let request = is("request_header_mode", &["SKIP"]) && is("request_body_mode", &["", "NONE"]);
    let sees =
        if request { "it sees answers alone, and can change them" } else { "it can answer or change the request" };
    let why = format!("what the processor of HTTP filter {} does is not known: {sees}", ask.filter.name);
    vec![Effect::Open(vec![Power::Answer], why)]
}

/// Whether the filter lets requests pass where its processor fails.
fn lets_pass(applied: &Applied, own: Option<&Node>) -> bool {
    match applied.node.at("overrides.failure_mode_allow") {
        Some(over) => over.value().as_bool() == Some(true),
        None => own.is_some_and(|own| is_set(own, "failure_mode_allow")),
    }
}

/// Whether no processor can ever be asked.
fn is_out_of_reach(ask: &Ask, applied: &Applied, own: Option<&Node>) -> bool {
    let service = applied.node.get("overrides").and_then(|over| grpc_cluster(&over));
    let cluster = service.or_else(|| grpc_cluster(own?));
    cluster.is_some_and(|cluster| matches!((ask.chain.reach)(&cluster), Reached::Never(_)))
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
