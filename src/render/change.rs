//! A fix in words: the object, the field, what it says now and what it should say.

use serde_json::Value;

use super::theme::Theme;
use crate::verdict::{Fix, Op};

/// The most that is shown of what a field says now.
const SHORT: usize = 32;

/// The fix's own text, with what the field says now in front of what it should: `mode: DISABLE → ISTIO_MUTUAL`.
pub(super) fn words(fix: &Fix, theme: &Theme) -> String {
    let (Some((head, rest)), Some(now), Op::Replace) = (split(fix), fix.now.as_ref().and_then(shown), fix.op) else {
        return fix.text.clone();
    };
    let is_value =
        fix.want.as_ref().and_then(shown).is_some_and(|want| rest.trim_start_matches('"').starts_with(&want));
    if is_value { format!("{head}: {now} {} {rest}", theme.arrow()) } else { format!("{head} (now {now}): {rest}") }
}

/// What should be, in words, without the object and the field; `None` where the text says more than that.
pub(super) fn wanted(fix: &Fix) -> Option<&str> {
    split(fix).map(|(_, rest)| rest)
}

/// The text up to the field, and what it says of that.
fn split(fix: &Fix) -> Option<(&str, &str)> {
    let object = fix.object.as_ref().filter(|object| !object.field.is_empty())?;
    let end = fix.text.find(&object.field)? + object.field.len();
    Some((&fix.text[..end], fix.text[end..].strip_prefix(": ")?))
}

/// A value, if it is short: text as it is, labels as a selector has them.
fn shown(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Object(labels) if labels.values().all(Value::is_string) => {
            let label = |(key, value): (&String, &Value)| format!("{key}={}", value.as_str().unwrap_or_default());
            labels.iter().map(label).collect::<Vec<_>>().join(",")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    (!text.is_empty() && text.len() <= SHORT && !text.contains(char::is_whitespace)).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::verdict::ObjectRef;

    fn fix(op: Op, now: Value, want: Value, text: &str) -> Fix {
        let object = ObjectRef {
            api_version: "networking.istio.io/v1".to_owned(),
            kind: "DestinationRule".to_owned(),
            namespace: "shop".to_owned(),
            name: "pay".to_owned(),
            field: "spec.x".to_owned(),
        };
        let some = |value: Value| (!value.is_null()).then_some(value);
        Fix {
            object: Some(object),
            op,
            now: some(now),
            want: some(want),
            text: format!("DestinationRule shop/pay, {text}"),
        }
    }

    #[test]
    fn what_a_field_says_now_stands_before_what_it_should_say() {
        let told = |fix: Fix| words(&fix, &Theme::default());
        let text = "spec.x: ISTIO_MUTUAL, or leave tls out";
        assert_eq!(
            told(fix(Op::Replace, json!("DISABLE"), json!("ISTIO_MUTUAL"), text)),
            "DestinationRule shop/pay, spec.x: DISABLE \u{2192} ISTIO_MUTUAL, or leave tls out"
        );
        assert_eq!(
            told(fix(Op::Replace, json!({"version": "v3"}), Value::Null, "spec.x: what its pods carry")),
            "DestinationRule shop/pay, spec.x (now version=v3): what its pods carry"
        );
        let plain = "DestinationRule shop/pay, spec.x: take it away";
        assert_eq!(told(fix(Op::Remove, json!("DISABLE"), Value::Null, "spec.x: take it away")), plain);
        assert_eq!(told(fix(Op::Replace, json!(["x".repeat(40)]), Value::Null, "spec.x: take it away")), plain);
    }
}
