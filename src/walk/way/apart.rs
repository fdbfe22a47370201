//! What tells requests apart at a connection manager: lists of conditions, of which the first that a request meets
//! counts.
//!
//! The routes are such a list, and so is whatever a filter asks of path, method and headers.

use std::sync::Arc;

use crate::envoy::classes::{self, Atom, Conditions, Frame, Request, Rule, Sign, Then};
use crate::envoy::matcher::Match;
use crate::envoy::pb::envoy::config::route::v3::HeaderMatcher;
use crate::snapshot::{HostTable, RouteWay};

use super::open_headers::{OpenHeaders, may_be_added};

/// What tells requests apart at one connection manager.
#[derive(Debug)]
pub(in crate::walk) struct Apart {
    /// Which manager and which virtual host: two addresses can lead to the same.
    pub(in crate::walk) at: String,
    /// What is the same for all requests.
    pub(in crate::walk) frame: Frame,
    /// The virtual host.
    pub(in crate::walk) table: Arc<HostTable>,
    /// The routes that take every request that meets their conditions.
    pub(in crate::walk) routes: Vec<Route>,
    /// The same, as far as they ask something of requests, for those who only want to know what they tell apart.
    pub(in crate::walk) of_routes: Vec<List>,
    /// What is asked of requests of any route: routes that leave it to chance whether they take a request among it.
    pub(in crate::walk) of_all: Vec<List>,
    /// What the filters ask of requests that no route takes.
    pub(in crate::walk) of_rest: Arc<Vec<List>>,
}

/// A route.
#[derive(Debug)]
pub(in crate::walk) struct Route {
    /// Its place among the routes of the virtual host.
    pub(in crate::walk) index: usize,
    pub(in crate::walk) rule: Rule,
    /// What it does with requests; the same for routes that do the same.
    pub(in crate::walk) way: RouteWay,
    /// How many routes before it may take a share of its requests.
    pub(in crate::walk) drawing: usize,
    /// What the filters ask of its requests.
    pub(in crate::walk) lists: Arc<Vec<List>>,
}

/// Conditions that are tried in order; the first entry that a request meets counts.
#[derive(Clone, PartialEq, Default, Debug)]
pub(in crate::walk) struct List {
    pub(in crate::walk) list: classes::List,
    /// Of each entry what then happens: the same number for the same.
    pub(in crate::walk) choices: Vec<usize>,
}

impl List {
    /// The same, of which it is not sure that it ends anything.
    fn go_on(&mut self) {
        self.list.otherwise = Then::GoesOn;
        self.list.entries.iter_mut().for_each(|(_, then)| *then = Then::GoesOn);
    }
}

/// What a filter asks of requests, one after the other.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::walk) struct Asking {
    pub(in crate::walk) entries: Vec<Entry>,
    /// What becomes of a request that meets none.
    pub(in crate::walk) otherwise: Then,
}

impl From<Vec<Entry>> for Asking {
    /// What meets none goes on.
    fn from(entries: Vec<Entry>) -> Self {
        Self { entries, otherwise: Then::GoesOn }
    }
}

/// An entry of a list.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::walk) struct Entry {
    /// They all have to be as they are wanted.
    pub(in crate::walk) conditions: Conditions,
    /// What then happens: entries that come to the same have the same number. 0 stands for no entry.
    pub(in crate::walk) choice: usize,
    /// Whether it counts for every request that meets the conditions.
    pub(in crate::walk) surely: Surely,
    /// Whether a request that it counts for goes on.
    pub(in crate::walk) then: Then,
}

/// Whether something is so, for all that is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::walk) enum Surely {
    /// It is.
    Yes,
    /// It may be.
    Perhaps,
}

impl Entry {
    /// One that surely counts.
    pub(in crate::walk) fn sure(conditions: Vec<(Atom, Sign)>, choice: usize) -> Self {
        Self { conditions, choice, surely: Surely::Yes, then: Then::GoesOn }
    }

    /// The same, after which the request ends.
    pub(in crate::walk) fn ending(self) -> Self {
        Self { then: Then::Ends, ..self }
    }

    /// One that counts where all these headers match.
    pub(in crate::walk) fn of_headers(headers: &[HeaderMatcher]) -> Self {
        Self::sure(headers.iter().map(|header| (Atom::Header(header.clone()), Sign::Holds)).collect(), 1)
    }

    /// One that may count.
    pub(in crate::walk) fn perhaps(conditions: Vec<(Atom, Sign)>, choice: usize) -> Self {
        Self { conditions, choice, surely: Surely::Perhaps, then: Then::GoesOn }
    }
}

/// What of a request is settled before a proxy looks at it, and what is open.
pub(in crate::walk) struct Known<'a> {
    pub(in crate::walk) frame: &'a Frame,
    pub(in crate::walk) headers: &'a OpenHeaders,
}

impl Known<'_> {
    /// Whether a condition holds, where that does not depend on the request; `None` where it does.
    fn holds(&self, atom: &Atom) -> Option<Match> {
        let name = match atom {
            Atom::Header(header) => header.name.to_ascii_lowercase(),
            Atom::Grpc => "content-type".to_owned(),
            Atom::Cookie(_) => "cookie".to_owned(),
            Atom::Path(_) | Atom::Query(_) => return None,
        };
        if self.frame.fixed.contains_key(&name) {
            return Some(atom.holds(&Request::default(), self.frame));
        }
        let is_open = self.frame.open.contains(&name) || may_be_added(&name);
        let why = self.headers.why(&name, true).or_else(|| is_open.then(|| format!("the header {name} is open")));
        why.filter(|_| !name.starts_with(':')).map(Match::Unknown)
    }

    /// A list as what is left of it to ask of requests: once with all that is open taken to hold, once with none of it,
    /// where that differs. What asks nothing is no list.
    pub(in crate::walk) fn lists(&self, asking: &Asking) -> Vec<List> {
        let mut lists = [Surely::Perhaps, Surely::Yes].map(|least| self.list(asking, least)).to_vec();
        lists.dedup();
        if lists.len() > 1 {
            // It is open which of them is right.
            lists.iter_mut().for_each(List::go_on);
        }
        lists.retain(|list| list.list.entries.iter().any(|(conditions, _)| !conditions.is_empty()));
        lists
    }

    fn list(&self, Asking { entries, otherwise }: &Asking, least: Surely) -> List {
        let mut left = List::default();
        for entry in entries.iter().filter(|entry| least == Surely::Perhaps || entry.surely == Surely::Yes) {
            let Some(conditions) = self.conditions(&entry.conditions, least) else { continue };
            let is_last = conditions.is_empty();
            if !left.list.entries.iter().any(|(known, _)| *known == conditions) {
                left.list.entries.push((conditions, entry.then));
                left.choices.push(entry.choice);
            }
            if is_last {
                break;
            }
        }
        left.list.otherwise = *otherwise;
        left
    }

    /// What is left to ask; `None` where it fails anyway.
    fn conditions(&self, all: &[(Atom, Sign)], least: Surely) -> Option<Vec<(Atom, Sign)>> {
        let mut left = Vec::new();
        for (atom, sign) in all {
            match self.holds(atom) {
                None => left.push((atom.clone(), *sign)),
                Some(Match::Yes) if *sign == Sign::Holds => {}
                Some(Match::No) if *sign == Sign::Fails => {}
                Some(Match::Unknown(_) | Match::Share(_)) if least == Surely::Perhaps => {}
                Some(Match::Yes | Match::No | Match::Unknown(_) | Match::Share(_)) => return None,
            }
        }
        Some(left)
    }
}
