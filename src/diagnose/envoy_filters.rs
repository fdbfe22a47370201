//! Which `EnvoyFilter` puts a filter into a proxy.

use serde_json::Value;

use super::case::{Case, named, ref_of};
use super::command::show;
use super::fix::{in_field, remove, set};
use super::{Found, Proved, certain};
use crate::snapshot::{Kind, Node};
use crate::verdict::{Fix, ObjectRef, Side};

/// An `EnvoyFilter` that adds a filter.
pub(crate) struct Added {
    /// The object, with the place of the filter's name.
    pub(crate) object: ObjectRef,
    /// The filter's name.
    pub(crate) name: Node,
    /// The patch that adds it.
    patch: Node,
}

impl Added {
    /// The `EnvoyFilter` of a side's proxy that adds a filter of this name.
    pub(crate) fn of(case: &Case, side: Side, name: &str) -> Option<Self> {
        case.objects_for_proxy_of(side, Kind::EnvoyFilter).into_iter().find_map(|filter| {
            let patches = filter.list("spec.configPatches").into_iter();
            let mut named = patches.filter_map(|patch| Some((patch.at("patch.value.name")?, patch)));
            let (at, patch) = named.find(|(at, _)| at.value().as_str() == Some(name))?;
            Some(Self { object: ref_of(Kind::EnvoyFilter, &filter, &at.place()), name: at, patch })
        })
    }

    /// The patch should not be there. A whole one is not quoted: it may hold what is secret.
    pub(crate) fn take_away(&self) -> Fix {
        let object = in_field(&self.object, self.patch.place());
        let text = format!("{}, {}: take it away, if it is not meant", named(&object), object.field);
        Fix { now: None, ..remove(&object, Some(&self.patch), text) }
    }

    /// A field of the filter's configuration should hold something else.
    pub(crate) fn set(&self, field: &str, want: Value, words: &str) -> Fix {
        let path = format!("patch.value.typed_config.{field}");
        let text = format!("{}, {}.{path}: {want}, {words}", named(&self.object), self.patch.place());
        set(&in_field(&self.object, self.patch.place()), Some(&self.patch), &path, Some(want), text)
    }

    /// The finding about the filter, by the name of the object.
    pub(crate) fn name(self, found: Found, fix: Vec<Fix>) -> Found {
        Found {
            certainty: certain(Proved::Yes),
            why: format!("{} {} adds this filter ({}).", found.why, named(&self.object), self.object.field),
            fix,
            next: show(&self.object),
            evidence: std::iter::once(self.name.evidence()).chain(found.evidence).collect(),
            objects: vec![self.object],
            ..found
        }
    }
}
