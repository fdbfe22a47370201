//! `-o sarif`: the findings as SARIF 2.1.0, which code scanning takes
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).
//!
//! A finding is a result, its id a rule with its explanation, and the objects that it names are logical locations: what
//! is wrong stands in a cluster, and in no file.

use serde_json::{Map, Value, json};

use super::command;
use crate::explain::{Kind, Topic, of_kind};
use crate::verdict::{Certainty, Finding, Fix, ObjectRef, Outcome, Verdict};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Answers as one run; the text says whose each is, and is empty where there is one answer alone.
pub(super) fn log(answers: &[(String, &Verdict)]) -> Value {
    let results: Vec<Value> = answers.iter().flat_map(|(whose, verdict)| results(whose, verdict)).collect();
    let answers: Vec<Value> = answers.iter().map(|(whose, verdict)| answer(whose, verdict)).collect();
    let named = |topic: &Topic| results.iter().any(|result| result["ruleId"] == topic.name);
    let rules: Vec<Value> = of_kind(Kind::Finding).iter().filter(|topic| named(topic)).map(rule).collect();
    let driver = json!({
        "name": "mesh-why",
        "fullName": "kubectl mesh-why",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "shortDescription": {"text": env!("CARGO_PKG_DESCRIPTION")},
        "rules": rules,
    });
    let run = json!({"tool": {"driver": driver}, "results": results, "properties": {"answers": answers}});
    json!({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})
}

fn answer(whose: &str, verdict: &Verdict) -> Value {
    let request = &verdict.request;
    json!({
        "pods": said(whose),
        "outcome": verdict.outcome.word(),
        "summary": verdict.summary,
        "source": request.source_name,
        "destination": request.target,
        "time": said(&verdict.time),
        "context": verdict.cluster.context,
        "unchecked": verdict.unchecked,
    })
}

fn rule(topic: &Topic) -> Value {
    let parts = [
        ("", &topic.means),
        ("How it comes about: ", &topic.arises),
        ("How to confirm it: ", &topic.confirm),
        ("How to fix it: ", &topic.fix),
    ];
    let help = parts.iter().filter(|(_, text)| !text.is_empty()).map(|(head, text)| format!("{head}{text}"));
    json!({
        "id": topic.name,
        "shortDescription": {"text": topic.title},
        "fullDescription": {"text": topic.means},
        "help": {"text": help.collect::<Vec<_>>().join("\n\n")},
        "properties": {"codes": topic.codes, "flags": topic.flags},
    })
}

/// A result for each finding; one that passes where there is nothing to say.
fn results(whose: &str, verdict: &Verdict) -> Vec<Value> {
    let own = verdict.findings.iter().enumerate().map(|(i, finding)| {
        let text = if i == 0 { format!("{}. {}", verdict.summary, finding.why) } else { sentences(finding) };
        result(finding, level(verdict.outcome, finding), &text)
    });
    let behind = verdict.behind.findings.iter().map(|(finding, before)| {
        let mut result = result(finding, "note", &sentences(finding));
        result["properties"]["behind"] = json!(before);
        result
    });
    let mut results: Vec<Value> = own.chain(behind).collect();
    if verdict.findings.is_empty() {
        let (kind, level) = match verdict.outcome {
            Outcome::Reaches => ("pass", "none"),
            Outcome::Unknown => ("open", "none"),
            Outcome::Answered | Outcome::Fails | Outcome::Partial => ("fail", "error"),
        };
        results.push(json!({"kind": kind, "level": level, "message": {"text": verdict.summary}}));
    }
    for result in results.iter_mut().filter(|_| !whose.is_empty()) {
        result["message"]["text"] =
            json!(format!("{whose}: {}", result["message"]["text"].as_str().unwrap_or_default()));
    }
    results
}

fn sentences(finding: &Finding) -> String {
    format!("{}. {}", finding.title, finding.why)
}

/// What is likely, and what breaks nothing, is a warning.
fn level(outcome: Outcome, finding: &Finding) -> &'static str {
    match (outcome, finding.certainty) {
        (Outcome::Fails | Outcome::Partial, Certainty::Certain) => "error",
        (Outcome::Fails | Outcome::Partial, Certainty::Likely)
        | (Outcome::Reaches | Outcome::Answered | Outcome::Unknown, Certainty::Certain | Certainty::Likely) => {
            "warning"
        }
    }
}

fn result(finding: &Finding, level: &str, text: &str) -> Value {
    let places: Vec<Value> = finding.objects.iter().map(place).collect();
    let print = finding.objects.first().map(whole_name).unwrap_or_default();
    let mut result = Map::new();
    result.insert("ruleId".to_owned(), json!(finding.id));
    result.insert("kind".to_owned(), json!("fail"));
    result.insert("level".to_owned(), json!(level));
    result.insert("message".to_owned(), json!({"text": text}));
    result.insert("partialFingerprints".to_owned(), json!({"finding/v1": format!("{} {print}", finding.id)}));
    if !places.is_empty() {
        result.insert("locations".to_owned(), json!([{"logicalLocations": places}]));
    }
    let fixes: Vec<Value> = finding.fix.iter().map(fix).collect();
    let next = command::line(&finding.next);
    let properties =
        json!({"certainty": finding.certainty.word(), "fix": fixes, "next": said(&next), "codes": finding.codes});
    result.insert("properties".to_owned(), properties);
    Value::Object(result)
}

/// An object, and the field in it. SARIF's own kinds are those of code; of documents it has `object`.
fn place(object: &ObjectRef) -> Value {
    json!({"name": object.name, "fullyQualifiedName": whole_name(object), "kind": "object"})
}

/// `networking.istio.io/v1/DestinationRule/shop/product#spec.subsets`
fn whole_name(object: &ObjectRef) -> String {
    let parts = [&object.api_version, &object.kind, &object.namespace, &object.name];
    let name = parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("/");
    if object.field.is_empty() { name } else { format!("{name}#{}", object.field) }
}

fn fix(fix: &Fix) -> Value {
    json!({
        "object": fix.object.as_ref().map(whole_name),
        "op": fix.op.word(),
        "now": fix.now,
        "want": fix.want,
        "text": fix.text,
    })
}

fn said(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
