//! Answers that a route was told to give: what the findings about them have in common.

use super::{Case, Found, Proved, advice, certain, in_field, is_of_gateway_api, named, only, remove, show};
use crate::snapshot::{Evidence, Node};
use crate::verdict::{Fix, ObjectRef, Op, Stage};

/// What a proxy was told to answer.
pub(crate) struct OwnAnswer<'a> {
    /// How it ends, as a title.
    pub(crate) title: String,
    /// What the object does: `redirects the request`.
    pub(crate) what: &'a str,
    /// Where a rule of a `VirtualService` says it: `fault.abort`.
    pub(crate) field: &'a str,
    /// Where in Envoy it comes from.
    pub(crate) stage: Stage,
    /// What of Envoy's configuration says it.
    pub(crate) at: Option<Node>,
}

impl OwnAnswer<'_> {
    /// The finding about it.
    pub(crate) fn found(self, case: &Case) -> Found {
        let owner = case.route_object();
        let said = owner.as_ref().and_then(|(object, _)| self.said(case, object));
        let object = owner.as_ref().map(|(object, _)| match &said {
            Some(at) => in_field(object, at.place()),
            None if object.kind == "VirtualService" => in_field(object, format!("spec.http[].{}", self.field)),
            None => object.clone(),
        });
        let by = object.as_ref().map_or("The proxy's configuration".to_owned(), named);
        let mut evidence: Vec<Evidence> = self.at.iter().map(Node::evidence).collect();
        evidence.extend(owner.iter().map(|(_, evidence)| evidence.clone()));
        evidence.extend(said.iter().map(Node::evidence));
        Found {
            certainty: certain(if object.is_some() { Proved::Yes } else { Proved::No }),
            stage: self.stage,
            title: self.title,
            why: format!(
                "{by} {}. The proxy answers as it was told to, and {} never sees the request.",
                self.what,
                case.request().target
            ),
            fix: vec![match &object {
                Some(object) => take_away(object, said.as_ref()),
                None => advice(Op::Remove, "find what configures the route, if it is not meant"),
            }],
            next: object.as_ref().map(show).unwrap_or_default(),
            objects: object.into_iter().collect(),
            codes: &[],
            evidence,
        }
    }

    /// What the route's object says of it, where it is one thing.
    fn said(&self, case: &Case, object: &ObjectRef) -> Option<Node> {
        let read = case.read(object)?;
        if is_of_gateway_api(object) {
            return read.list("spec.rules").into_iter().find(|rule| rule.place() == object.field);
        }
        only(read.list("spec.http").iter().filter_map(|rule| rule.at(self.field)).collect())
    }
}

fn take_away(object: &ObjectRef, said: Option<&Node>) -> Fix {
    let at = if object.field.is_empty() { "the rule" } else { &object.field };
    remove(object, said, format!("{}, {at}: take it away, if it is not meant", named(object)))
}
