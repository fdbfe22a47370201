//! Secrets in JSON: told by the place that a text is in.
//!
//! The text is read as it came, not as a document in memory: a dump may be hundreds of megabytes large.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{names, text, token};
use crate::envoy::fields::snake;
use crate::envoy::redacted::MARK;

/// How deep a document may be: Envoy's and Kubernetes' own have a few dozen levels.
const DEPTH: usize = 120;

/// What is done to the texts in a part of a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    /// What has a secret's shape is left out.
    Shapes,
    /// Others go by it: only what can be nothing but a secret is left out.
    Identity,
    /// The value of a header or a parameter of this name, or a pattern for it.
    Named(String),
    /// All of it is left out.
    LeftOut,
    /// The same, at any depth: labels, and what selects by them.
    Labels,
    /// Keys that tokens are checked with: what is public of them is kept.
    Keys,
    /// Annotations: those that decide, or that explain, are kept.
    Annotations,
}

/// Texts that others go by: names, addresses, paths.
const IDENTITY: &[&str] = &[
    "address",
    "cluster",
    "cluster_name",
    "domains",
    "host",
    "hostname",
    "hosts",
    "id",
    "image",
    "name",
    "namespace",
    "path",
    "path_separated_prefix",
    "path_template",
    "prefix",
    "prefix_rewrite",
    "regex",
    "route_config_name",
    "server_names",
    "service_name",
    "subject",
    "uri",
];

/// The members of what is a header, a parameter or a cookie with a value or a pattern, and nothing else.
const PAIR: &[&str] = &[
    "append",
    "append_action",
    "contains",
    "contains_match",
    "exact",
    "exact_match",
    "google_re2",
    "ignore_case",
    "invert_match",
    "keep_empty_value",
    "key",
    "name",
    "not_values",
    "prefix",
    "prefix_match",
    "present_match",
    "range_match",
    "raw_value",
    "regex",
    "safe_regex",
    "safe_regex_match",
    "string_match",
    "suffix",
    "suffix_match",
    "treat_missing_header_as_empty",
    "type",
    "value",
    "values",
];

/// Annotations whose values are kept: meshes' and Kubernetes' own.
const KEPT: &[&str] = &[
    "istio.io/",
    "kubernetes.io/",
    "k8s.io/",
    "kuma.io/",
    "linkerd.io/",
    "consul.hashicorp.com/",
    "openservicemesh.io/",
    "appmesh.k8s.aws/",
    "cilium.io/",
    "gateway.envoyproxy.io/",
    "projectcontour.io/",
    "getambassador.io/",
    "solo.io/",
    "prometheus.io/",
];

/// Annotations of those that hold whole objects.
const COPIES: &[&str] = &["kubectl.kubernetes.io/last-applied-configuration"];

impl Rule {
    /// The rule for a member of an object, given the object's other members. `is_value` tells whether what the member
    /// holds is text, or patterns for one, and no message.
    fn below(&self, siblings: &Siblings<'_>, key: &str, is_value: impl Fn() -> bool) -> Self {
        let field = snake(key);
        match self {
            Self::Keys => Self::Keys,
            Self::Annotations if is_kept(key) => Self::Shapes,
            Self::LeftOut | Self::Annotations => Self::LeftOut,
            // What a matcher is called is no secret, and neither is the kind of a match.
            Self::Named(_) if ["name", "key", "type"].contains(&field.as_str()) => Self::Identity,
            Self::Named(name) => Self::Named(name.clone()),
            Self::Labels => Self::Labels,
            Self::Shapes | Self::Identity => siblings.named(&field).unwrap_or_else(|| of_field(key, &field, is_value)),
        }
    }

    fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self {
            Self::Shapes | Self::Annotations => text::value(text),
            Self::Identity | Self::Labels => text::shapes(text),
            Self::Named(name) => Cow::Owned(pattern(name, text)),
            Self::LeftOut => Cow::Owned(left_out(text)),
            Self::Keys => Cow::Owned(token::keys(text)),
        }
    }
}

/// The rule for a field by its own name.
fn of_field(key: &str, field: &str, is_value: impl Fn() -> bool) -> Rule {
    if names::is_left_out(field) {
        return Rule::LeftOut;
    }
    match field {
        "annotations" => Rule::Annotations,
        "jwks" | "local_jwks" => Rule::Keys,
        "labels" | "match_labels" | "selector" => Rule::Labels,
        _ if IDENTITY.contains(&field) => Rule::Identity,
        _ if names::is_secret(key) && is_value() => Rule::Named(key.to_owned()),
        _ => Rule::Shapes,
    }
}

/// The members of an object, as far as they tell what one of them is.
struct Siblings<'a> {
    /// The name of the header, parameter or cookie that the object is about.
    name: Option<Cow<'a, str>>,
}

impl<'a> Siblings<'a> {
    fn of(keys: &[&str], name: impl Fn(&str) -> Option<Cow<'a, str>>) -> Self {
        let name = if is_pair(keys) { name("name").or_else(|| name("key")) } else { None };
        Self { name }
    }

    /// The rule for the value or the pattern of a secret.
    fn named(&self, field: &str) -> Option<Rule> {
        let name = self.name.as_deref()?;
        // `request.headers[authorization]`: Istio's conditions.
        let name = name.split_once('[').map_or(name, |(_, inner)| inner.trim_end_matches(']'));
        (!["name", "key"].contains(&field) && names::is_secret(name)).then(|| Rule::Named(name.to_owned()))
    }
}

/// Whether an object with these members is a header, a parameter or a cookie, or a pattern for one.
fn is_pair(keys: &[&str]) -> bool {
    keys.iter().all(|key| PAIR.contains(&snake(key).as_str()))
}

/// JSON without its secrets, as it came where it has none. What is no JSON is left out whole.
pub(crate) fn json<'a>(raw: &'a str, rule: &Rule) -> Cow<'a, str> {
    let Ok(value) = serde_json::from_str::<&RawValue>(raw) else { return Cow::Owned(Value::from(MARK).to_string()) };
    let mut out = Written { text: String::with_capacity(raw.len()), is_changed: false };
    out.value(value.get(), rule, DEPTH);
    if out.is_changed { Cow::Owned(out.text) } else { Cow::Borrowed(raw) }
}

/// The rule for the value at the end of a way down into a document: each step is a member's key, or none for an element.
pub(crate) fn rule_at<'a>(document: &Value, way: impl Iterator<Item = Step<'a>>) -> Rule {
    let (mut rule, mut value) = (Rule::Shapes, document);
    for step in way {
        let inner = match (step, value) {
            (Step::Member(key), Value::Object(object)) => {
                let keys: Vec<&str> = object.keys().map(String::as_str).collect();
                let name = |of: &str| object.get(of)?.as_str().map(Cow::Borrowed);
                let inner = object.get(key);
                rule = rule.below(&Siblings::of(&keys, name), key, || inner.is_some_and(holds_values));
                inner
            }
            (Step::Element(i), Value::Array(items)) => items.get(i),
            (Step::Member(_) | Step::Element(_), _) => None,
        };
        let Some(inner) = inner else { break };
        value = inner;
    }
    rule
}

fn holds_values(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(items) => items.iter().all(Value::is_string),
        Value::Object(object) => is_pair(&object.keys().map(String::as_str).collect::<Vec<_>>()),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// One step down into a document.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    /// Into a member of an object.
    Member(&'a str),
    /// Into an element of an array.
    Element(usize),
}

/// What was written so far.
struct Written {
    text: String,
    /// Whether it is something else than was read.
    is_changed: bool,
}

impl Written {
    fn value(&mut self, raw: &str, rule: &Rule, depth: usize) {
        let raw = raw.trim();
        match (raw.as_bytes().first(), depth.checked_sub(1)) {
            (Some(b'"'), _) => self.string(raw, rule),
            (Some(b'{' | b'['), None) => self.replace(MARK),
            (Some(b'{'), Some(depth)) => self.object(raw, rule, depth),
            (Some(b'['), Some(depth)) => self.array(raw, rule, depth),
            (_, _) => self.text.push_str(raw),
        }
    }

    fn array(&mut self, raw: &str, rule: &Rule, depth: usize) {
        let items: Vec<&RawValue> = serde_json::from_str(raw).unwrap_or_default();
        self.text.push('[');
        for (i, item) in items.into_iter().enumerate() {
            if i > 0 {
                self.text.push(',');
            }
            self.value(item.get(), rule, depth);
        }
        self.text.push(']');
    }

    fn object(&mut self, raw: &str, rule: &Rule, depth: usize) {
        let Members(members) = serde_json::from_str(raw).unwrap_or_default();
        let keys: Vec<&str> = members.iter().map(|(key, _)| &**key).collect();
        let name = |of: &str| {
            let (_, value) = members.iter().find(|(key, _)| key == of)?;
            serde_json::from_str::<String>(value.get()).ok().map(Cow::Owned)
        };
        let siblings = Siblings::of(&keys, name);
        self.text.push('{');
        for (i, (key, value)) in members.iter().enumerate() {
            if i > 0 {
                self.text.push(',');
            }
            self.push(key);
            self.text.push(':');
            let is_value = || serde_json::from_str(value.get()).is_ok_and(|value| holds_values(&value));
            self.value(value.get(), &rule.below(&siblings, key, is_value), depth);
        }
        self.text.push('}');
    }

    fn string(&mut self, raw: &str, rule: &Rule) {
        let Ok(Text(text)) = serde_json::from_str::<Text<'_>>(raw) else { return self.replace(MARK) };
        let kept = rule.text(&text);
        if kept == text { self.text.push_str(raw) } else { self.replace(&kept) }
    }

    fn replace(&mut self, text: &str) {
        self.is_changed = true;
        self.push(text);
    }

    /// Text as JSON has it.
    fn push(&mut self, text: &str) {
        self.text.push_str(&Value::from(text).to_string());
    }
}

/// A text that borrows where it can.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The members of an object, in their order.
#[derive(Default)]
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Text(key), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
            members.push((key, value));
        }
        Ok(Members(members))
    }
}

fn is_kept(annotation: &str) -> bool {
    let prefix = annotation.split_once('/').map(|(domain, _)| format!("{domain}/")).unwrap_or_default();
    let is_known = |known: &str| prefix == known || prefix.ends_with(&format!(".{known}"));
    KEPT.iter().any(|known| is_known(known)) && !COPIES.contains(&annotation) && !names::is_secret(annotation)
}

/// A value, or a pattern for one. A regular expression that holds no word longer than a scheme's name tells no secret.
fn pattern(name: &str, text: &str) -> String {
    let known =
        ["Bearer", "bearer", "Basic", "basic"].iter().fold(text.to_owned(), |text, word| text.replace(word, ""));
    let is_regex = text.contains(['^', '$', '*', '+', '\\', '[', '(']) && !text.contains(MARK);
    let longest = known.split(|c: char| !c.is_ascii_alphanumeric()).map(str::len).max().unwrap_or(0);
    if is_regex && longest < 4 { text.to_owned() } else { text::header(name, text) }
}

/// What stands for a text that is left out whole: whether a script says anything decides.
fn left_out(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    if lines.peek().is_none() {
        return text.to_owned();
    }
    let is_comment = lines.all(|line| line.starts_with("--") && !line.starts_with("--["));
    if is_comment { format!("-- {MARK}") } else { MARK.to_owned() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::json;

    use super::*;

    fn kept(value: &Value) -> Value {
        let once = json(&value.to_string(), &Rule::Shapes).into_owned();
        assert_eq!(json(&once, &Rule::Shapes), once, "once is enough");
        serde_json::from_str(&once).unwrap()
    }

    fn is_kept_whole(value: &Value) {
        assert_eq!(kept(value), *value);
    }

    #[test]
    fn headers_are_known_in_every_form() {
        let hidden = [
            json!({"name": "authorization", "string_match": {"exact": "Bearer SEKRIT"}}),
            json!({"exact_match": "SEKRIT", "name": "X-Api-Key"}),
            json!({"header": {"key": "cookie", "value": "a=SEKRIT"}, "append": true}),
            json!({"headers": {"authorization": {"exact": "SEKRIT"}}}),
            json!({"set": {"Authorization": "Bearer SEKRIT"}}),
            json!({"key": "request.headers[authorization]", "values": ["SEKRIT"]}),
            json!({"name": "token", "string_match": {"safe_regex": {"regex": "SEKRIT.*"}}}),
            json!({"headers": [{"name": "x-user", "value": "token=SEKRIT"}]}),
        ];
        for value in hidden {
            assert!(!kept(&value).to_string().contains("SEKRIT"), "{}", kept(&value));
        }
        assert_eq!(
            kept(&json!({"name": "authorization", "string_match": {"prefix": "Bearer "}})),
            json!({"name": "authorization", "string_match": {"prefix": "Bearer "}})
        );
    }

    #[test]
    fn what_others_go_by_stays() {
        is_kept_whole(&json!({"name": "authorization", "domains": ["token:8080"], "routes": [{"name": "session"}]}));
        is_kept_whole(&json!({"match": {"path": "/v1/token:revoke"}, "route": {"cluster": "outbound|80||token.shop"}}));
        is_kept_whole(&json!({"token_bucket": {"max_tokens": 5, "fill_interval": "1s"}}));
        is_kept_whole(&json!({"metadata": {"labels": {"token": "a", "auth": "b"}, "name": "session-store"}}));
        is_kept_whole(&json!({"tls_certificate_sds_secret_configs": [{"name": "default", "sds_config": {"ads": {}}}]}));
        is_kept_whole(&json!({"name": "authorization", "string_match": {"safe_regex": {"regex": "^Bearer .+$"}}}));
        is_kept_whole(&json!({"selector": {"matchLabels": {"token": "password:x"}}}));
    }

    #[test]
    fn code_formats_and_foreign_annotations_are_left_out() {
        let value = json!({
            "default_source_code": {"inline_string": "x = 'SEKRIT'"}, "inlineCode": "-- SEKRIT",
            "log_format": {"text_format_source": {"inline_string": "SEKRIT"}},
            "grpc_service": {"initial_metadata": [{"key": "x", "value": "SEKRIT"}]},
            "metadata": {"annotations": {"vault/x": "SEKRIT", "sidecar.istio.io/inject": "false",
                "kubectl.kubernetes.io/last-applied-configuration": "SEKRIT"}},
        });
        let kept = kept(&value);
        assert!(!kept.to_string().contains("SEKRIT"), "{kept}");
        assert_eq!(kept["inlineCode"], "-- (redacted)");
        assert_eq!(kept["metadata"]["annotations"]["sidecar.istio.io/inject"], "false");
    }

    #[test]
    fn the_rule_for_a_part_is_that_of_the_whole() {
        let document = json!({"routes": [{"headers": [{"name": "authorization", "string_match": {"exact": "x"}}]}]});
        let way = [Step::Member("routes"), Step::Element(0), Step::Member("headers"), Step::Element(0)];
        let rule = rule_at(&document, way.into_iter().chain([Step::Member("string_match")]));
        assert_eq!(rule, Rule::Named("authorization".to_owned()));
        assert_eq!(rule_at(&document, way.into_iter()), Rule::Shapes);
    }

    #[test]
    fn what_is_too_deep_is_left_out() {
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        assert!(json(&deep, &Rule::Shapes).contains(MARK));
    }
}
