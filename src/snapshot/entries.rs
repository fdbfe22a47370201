//! The named resources of a proxy: where each lies, and what somebody once asked of it.
//!
//! A big mesh has hundreds of thousands, of which a verdict asks for a few: the others cost 16 bytes each, and their names.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::bytes::Bytes;
use super::decode;
use super::memo::Memo;
use super::names::Names;
use super::scan::Scan;
use super::section::{Group, Section};

/// One element of a section.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    body: Bytes,
    range: Range<u64>,
    /// The section, where the resource alone lies there, without the element that a dump would have it in.
    bare: Option<Section>,
    value: OnceLock<Arc<Value>>,
}

/// What the elements of a body are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Holds {
    /// Elements, as a dump has them.
    Elements,
    /// Resources without anything around them.
    Resources,
}

impl Entry {
    /// An element that did not come as JSON.
    pub(crate) fn made(value: Value) -> Self {
        let body = Bytes::from(value.to_string().into_bytes());
        let made = Self::lying(&body, 0..body.length());
        let _ = made.value.set(Arc::new(value));
        made
    }

    /// A part of a body.
    pub(super) fn lying(body: &Bytes, range: Range<u64>) -> Self {
        Self { body: body.clone(), range, bare: None, value: OnceLock::new() }
    }

    /// A part of this element, by its place in the body.
    pub(super) fn part(&self, range: Range<u64>) -> Self {
        Self::lying(&self.body, range)
    }

    /// The same, in memory.
    pub(super) fn kept(&self) -> Self {
        let body = Bytes::from(self.bytes().into_owned());
        Self::lying(&body, 0..body.length())
    }

    /// Whether the resource alone lies there.
    pub(super) fn is_bare(&self) -> bool {
        self.bare.is_some()
    }

    /// What lies there, to be passed through.
    pub(super) fn scan(&self) -> Scan<'_> {
        Scan::new(&self.body, self.range.clone())
    }

    /// The element's JSON.
    pub(crate) fn bytes(&self) -> Cow<'_, [u8]> {
        match self.bare {
            None => self.body.part(&self.range),
            Some(_) => Cow::Owned(self.value().to_string().into_bytes()),
        }
    }

    /// As much of the element as `T` has; nothing of it stays.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.bytes()).ok()
    }

    /// The element as a value. It was found to be JSON when the body was read through.
    pub(crate) fn value(&self) -> Arc<Value> {
        let read = || {
            let value = decode::value(&self.body.part(&self.range), "a resource").unwrap_or_default();
            Arc::new(match self.bare {
                None => value,
                Some(section) => in_element(section, value),
            })
        };
        Arc::clone(self.value.get_or_init(read))
    }
}

/// A resource in the element that a dump would have it in.
fn in_element(section: Section, resource: Value) -> Value {
    match section.group() {
        Group::Listeners => {
            let name = resource.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            json!({ "name": name, "active_state": { "listener": resource } })
        }
        Group::Routes
        | Group::Clusters
        | Group::Endpoints
        | Group::Secrets
        | Group::Extensions
        | Group::Scopes
        | Group::Hosts => match section.member() {
            "" => resource,
            member => json!({ member: resource }),
        },
    }
}

/// The elements by section and name; those without a name have an empty one. Of two the last one counts.
#[derive(Clone, Default, Debug)]
pub(crate) struct Entries {
    bodies: Vec<(Bytes, Holds)>,
    names: Names,
    /// The elements of each section, by the numbers of their names.
    places: BTreeMap<Section, Vec<Place>>,
    read: Memo<(Section, u32), Entry>,
}

/// Where an element lies.
#[derive(Clone, Copy, Debug)]
struct Place {
    name: u32,
    body: u32,
    start: u32,
    length: u32,
}

impl Entries {
    /// Adds a body, and says its number.
    pub(super) fn add_body(&mut self, body: Bytes, holds: Holds) -> usize {
        self.bodies.push((body, holds));
        self.bodies.len() - 1
    }

    /// Adds an element of a body. [`Self::settle`] has to follow.
    pub(super) fn add(&mut self, section: Section, name: &str, body: usize, range: &Range<u64>) {
        let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let place = Place {
            name: self.names.add(name),
            body: number(body as u64),
            start: number(range.start),
            length: number(range.end - range.start),
        };
        self.places.entry(section).or_default().push(place);
    }

    /// Adds an element that did not come as JSON. [`Self::settle`] has to follow.
    pub(super) fn add_made(&mut self, section: Section, name: &str, value: &Value) {
        let body = Bytes::from(value.to_string().into_bytes());
        let range = 0..body.length();
        let body = self.add_body(body, Holds::Elements);
        self.add(section, name, body, &range);
    }

    /// Adds the elements of others, which count where both have one of a name.
    pub(super) fn append(&mut self, others: Self) {
        if self.bodies.is_empty() {
            *self = others;
            return;
        }
        let before = u32::try_from(self.bodies.len()).unwrap_or(u32::MAX);
        for (section, places) in &others.places {
            let own = self.places.entry(*section).or_default();
            own.reserve(places.len());
            for place in places {
                let name = self.names.add(others.names.get(place.name));
                own.push(Place { name, body: place.body + before, ..*place });
            }
        }
        self.bodies.extend(others.bodies);
        self.settle();
    }

    /// Puts in order what was added.
    pub(super) fn settle(&mut self) {
        for places in self.places.values_mut() {
            places.sort_unstable_by_key(|place| (place.name, place.body, place.start));
            // Of two the last one counts.
            places.dedup_by(|later, first| {
                let same = later.name == first.name;
                if same {
                    *first = *later;
                }
                same
            });
        }
        self.read.clear();
    }

    /// Keeps the elements for which `keep` says so.
    pub(super) fn retain(&mut self, keep: impl Fn(Section, &str) -> bool) {
        let names = &self.names;
        self.places.iter_mut().for_each(|(section, all)| all.retain(|place| keep(*section, names.get(place.name))));
        self.read.clear();
    }

    /// An element. It is read once, however often it is asked for.
    pub(super) fn get(&self, section: Section, name: &str) -> Option<Arc<Entry>> {
        let name = self.names.find(name)?;
        let places = self.places.get(&section)?;
        let place = places.get(places.binary_search_by_key(&name, |place| place.name).ok()?)?;
        let made = || Ok::<_, Infallible>(self.entry(section, *place));
        self.read.get((section, name), made).ok()
    }

    /// Whether a section has any.
    pub(super) fn has_any(&self, section: Section) -> bool {
        self.places.get(&section).is_some_and(|places| !places.is_empty())
    }

    /// The names of a section, in the order in which they came.
    pub(super) fn names(&self, section: Section) -> impl Iterator<Item = &str> {
        self.places.get(&section).into_iter().flatten().map(|place| self.names.get(place.name))
    }

    /// The elements of a section, in the order of their names. What is read of them does not stay.
    pub(super) fn of(&self, section: Section) -> impl Iterator<Item = (&str, Entry)> {
        let mut places = self.places.get(&section).cloned().unwrap_or_default();
        places.sort_by(|a, b| self.names.get(a.name).cmp(self.names.get(b.name)));
        places.into_iter().map(move |place| (self.names.get(place.name), self.entry(section, place)))
    }

    /// What could not be read again, and why.
    pub(super) fn failed(&self) -> Option<(&str, &str)> {
        self.bodies.iter().find_map(|(body, _)| body.failed())
    }

    fn entry(&self, section: Section, place: Place) -> Entry {
        let Some((body, holds)) = self.bodies.get(place.body as usize) else { return Entry::made(Value::Null) };
        let start = u64::from(place.start);
        let entry = Entry::lying(body, start..start + u64::from(place.length));
        match holds {
            Holds::Elements => entry,
            Holds::Resources => Entry { bare: Some(section), ..entry },
        }
    }
}
