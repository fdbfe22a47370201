//! Early header mutations: what a connection manager makes of the headers before anything is asked of them.

use crate::envoy::any::JsonAny;
use crate::envoy::headers;
use crate::envoy::pb::envoy::config::common::mutation_rules::v3::header_mutation::Action;
use crate::envoy::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction as AppendAction;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::envoy::pb::envoy::extensions::http::early_header_mutation::header_mutation::v3::HeaderMutation as EarlyMutation;

/// Applies them; what of them is not modeled comes back.
pub(in crate::walk) fn mutate(manager: &HttpConnectionManager, headers: &mut Vec<(String, String)>) -> Vec<String> {
    let mut odd = Vec::new();
    for extension in &manager.early_header_mutation_extensions {
        let mutations: Result<EarlyMutation, String> =
            extension.typed_config.as_ref().ok_or_else(|| "it is empty".to_owned()).and_then(JsonAny::unpack);
        let done = mutations.and_then(|mutations| {
            mutations.mutations.iter().try_for_each(|mutation| apply(mutation.action.as_ref(), headers))
        });
        if let Err(why) = done {
            odd.push(format!("what the early header mutation {} does is not modeled: {why}", extension.name));
        }
    }
    odd
}

fn apply(action: Option<&Action>, headers: &mut Vec<(String, String)>) -> Result<(), String> {
    match action {
        Some(Action::Remove(name)) => headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name)),
        Some(Action::Append(option)) => {
            let header = option.header.as_ref().ok_or("a header without a name")?;
            if !header.key.starts_with(':') && !headers::is_name(&header.key) {
                return Err(format!("{:?} is a name that no header can have", header.key));
            }
            if header.value.contains('%') || header.key.starts_with(':') {
                return Err(format!("the value of {}", header.key));
            }
            let name = header.key.to_ascii_lowercase();
            let is_there = headers.iter().any(|(other, _)| *other == name);
            match option.append_action() {
                AppendAction::AddIfAbsent if is_there => return Ok(()),
                AppendAction::OverwriteIfExists if !is_there => return Ok(()),
                AppendAction::OverwriteIfExistsOrAdd | AppendAction::OverwriteIfExists => {
                    headers.retain(|(other, _)| *other != name);
                }
                AppendAction::AppendIfExistsOrAdd | AppendAction::AddIfAbsent => {}
            }
            headers.push((name, header.value.clone()));
        }
        None => return Err("a mutation of another kind".to_owned()),
    }
    Ok(())
}
