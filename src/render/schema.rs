//! The JSON Schema of all that is printed as JSON, from the types that are written: `docs/mesh-why.v1.schema.json`.
//!
//! `UPDATE_EXPECT=1 cargo test --lib schema` writes it anew.

use schemars::JsonSchema;

use super::{explain, failure, json, replicas};
use crate::verdict::{Certainty, Mark, Op, Outcome, Side, Stage};

/// A document of `-o json`: an answer; with `--all-pods` several; an error, on standard error; what `explain` says.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, clippy::large_enum_variant, reason = "only its schema is of interest")]
enum MeshWhy<'a> {
    Answer(json::Document<'a>),
    AnswersOfAllPods(replicas::Documents<'a>),
    Error(failure::Document<'a>),
    Explanations(explain::Document<'a>),
}

pub(super) fn outcomes() -> Vec<&'static str> {
    let all = [Outcome::Reaches, Outcome::Answered, Outcome::Fails, Outcome::Partial, Outcome::Unknown];
    all.map(Outcome::word).into()
}

pub(super) fn sides() -> Vec<&'static str> {
    [Side::Source, Side::Destination].map(Side::word).into()
}

pub(super) fn stages() -> Vec<&'static str> {
    let before = [Stage::Request, Stage::Capture, Stage::Listener, Stage::FilterChain];
    let behind = [Stage::HttpFilters, Stage::Route, Stage::Cluster, Stage::Endpoints];
    before.into_iter().chain(behind).map(Stage::word).collect()
}

pub(super) fn marks() -> Vec<&'static str> {
    [Mark::Passed, Mark::Warned, Mark::Stopped, Mark::NotReached, Mark::Unknown].map(Mark::word).into()
}

pub(super) fn certainties() -> Vec<&'static str> {
    [Certainty::Certain, Certainty::Likely].map(Certainty::word).into()
}

pub(super) fn ops() -> Vec<&'static str> {
    [Op::Add, Op::Replace, Op::Remove].map(Op::word).into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "a golden is held against its file")]

    use std::fs;
    use std::path::Path;

    use schemars::generate::SchemaSettings;

    use super::MeshWhy;

    #[test]
    fn the_schema_is_that_of_the_types_that_are_written() {
        let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        let mut schema = generator.into_root_schema_for::<MeshWhy<'_>>();
        schema.insert("$id".to_owned(), "mesh-why.v1.schema.json".into());
        schema.insert("title".to_owned(), "kubectl mesh-why, schema mesh-why/v1".into());
        let text = serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mesh-why.v1.schema.json");
        if std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
            assert!(fs::write(&path, &text).is_ok(), "{}", path.display());
        }
        assert_eq!(fs::read_to_string(&path).unwrap_or_default(), text, "UPDATE_EXPECT=1 writes it anew");
    }
}
