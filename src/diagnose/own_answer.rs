//! Answers that a route was told to give: what the findings about them have in common.

use serde_json::Value;

use super::{
    Case, Found, Proved, advice, certain, in_field, is_of_gateway_api, named, only, remove, replace, rule_for_all,
    rules_field, show,
};
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
        let fix = match &object {
            Some(object) => {
                let on = self.handed_on(case, object, said.as_ref());
                on.unwrap_or_else(|| take_away(object, said.as_ref()))
            }
            None => advice(Op::Remove, "find what configures the route, if it is not meant"),
        };
        Found {
            certainty: certain(if object.is_some() { Proved::Yes } else { Proved::No }),
            stage: self.stage,
            title: self.title,
            why: format!(
                "{by} {}. The proxy answers as it was told to, and {} never sees the request.",
                self.what,
                case.request().target
            ),
            fix: vec![fix],
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

    /// The rule as it would be if it handed requests on; a fault that is injected can go alone.
    fn handed_on(&self, case: &Case, object: &ObjectRef, said: Option<&Node>) -> Option<Fix> {
        let said = said.filter(|_| !self.field.contains('.'))?;
        let read = case.read(object)?;
        let rules = read.list(rules_field(object));
        let rule = rules.iter().find(|rule| said.place().starts_with(&rule.place()))?;
        let Value::Object(mut want) = rule.kept() else { return None };
        if let (true, Some(filters)) =
            (is_of_gateway_api(object), want.get_mut("filters").and_then(Value::as_array_mut))
        {
            filters.retain(|filter| filter["type"] != "RequestRedirect");
        }
        want.remove(self.field);
        // Where nothing says where to, it would be no rule.
        let want = match rule_for_all(case, object) {
            Some(Value::Object(to)) => {
                want.extend(to);
                Some(Value::Object(want))
            }
            Some(_) | None => None,
        };
        let object = in_field(object, rule.place());
        let instead = if is_of_gateway_api(&object) { "backendRefs that take requests" } else { "a route" };
        let text = format!("{}, {}: {instead} in place of what it answers", named(&object), object.field);
        Some(replace(&object, Some(rule), want, text))
    }
}

fn take_away(object: &ObjectRef, said: Option<&Node>) -> Fix {
    let at = if object.field.is_empty() { "the rule" } else { &object.field };
    remove(object, said, format!("{}, {at}: take it away, if it is not meant", named(object)))
}
