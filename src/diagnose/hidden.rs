//! A verdict without the secrets of the request: what was typed is in its sentences, too.

use serde_json::Value;

use super::texts::{sentences, verbatim};
use crate::redact;
use crate::verdict::{Request, Verdict};

/// What is shorter could be anything, and is hidden in its own field alone.
const LONG: usize = 4;

/// Secrets of a request, each with what is left of it.
pub(super) struct Secrets(Vec<(String, String)>);

impl Secrets {
    /// Takes them out of the request itself.
    pub(super) fn take(request: &mut Request) -> Self {
        let mut secrets = request.path.as_deref().map(redact::of_path).unwrap_or_default();
        request.path = request.path.as_deref().map(redact::path);
        request.host = redact::value(&request.host).into_owned();
        for (name, value) in &mut request.headers {
            let kept = redact::header(name, value);
            if kept != *value {
                secrets.push((std::mem::replace(value, kept.clone()), kept));
            }
        }
        secrets.retain(|(secret, _)| secret.len() >= LONG);
        // A longer one may hold a shorter one.
        secrets.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
        Self(secrets)
    }

    /// Leaves them out of a text.
    pub(super) fn hide(&self, text: &mut String) {
        for (secret, kept) in self.0.iter().filter(|(secret, _)| text.contains(secret)).collect::<Vec<_>>() {
            *text = text.replace(secret, kept);
        }
    }

    /// Leaves them out wherever something is said.
    pub(super) fn hide_all(&self, verdict: &mut Verdict) {
        if self.0.is_empty() {
            return;
        }
        let hidden = |text: &mut String| self.hide(text);
        let behind = verdict.behind.findings.iter_mut().map(|(finding, _)| finding);
        let fixes = verdict.findings.iter_mut().chain(behind).flat_map(|finding| &mut finding.fix);
        fixes.flat_map(|fix| [&mut fix.now, &mut fix.want]).flatten().for_each(|value| each_string(value, &hidden));
        sentences(verdict).for_each(hidden);
        verbatim(verdict).for_each(hidden);
    }
}

/// Does the same with every string of a value.
fn each_string(value: &mut Value, change: &impl Fn(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_string(item, change)),
        Value::Object(members) => members.values_mut().for_each(|member| each_string(member, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
