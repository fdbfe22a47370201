//! The kinds of requests that an open question asks about.

use std::sync::Arc;

use crate::envoy::classes::{Frame, Request, Rule, Then};
use crate::envoy::matcher::Match;

use super::apart::List;
use super::stop::RequestKind;

/// Kinds of requests that both proxies treat alike.
#[derive(Clone, Debug)]
pub struct AskedFor {
    /// Each of them, in the order of the routes.
    pub kinds: Vec<Kind>,
    /// Whether the answer rests on them.
    pub weight: Weight,
    /// What tells all kinds apart.
    pub(in crate::walk) partition: Arc<Partition>,
    /// Whether local replies to them are wrapped for gRPC.
    pub(in crate::walk) request: RequestKind,
}

/// Requests that one route takes, and of which each policy says the same.
#[derive(Clone, PartialEq, Debug)]
pub struct Kind {
    /// Which they are, in words: `path begins with /api`.
    pub predicate: String,
    /// The same as it follows a verb: `for /api…`, `where method is POST`.
    pub place: String,
    /// One of them.
    pub witness: Request,
    /// The rule that takes them and no rule before it.
    pub(in crate::walk) rule: usize,
    /// Of each of its lists the entry that they meet and none before it.
    pub(in crate::walk) entries: Vec<Option<usize>>,
}

/// What tells all kinds of requests of a question apart: the first rule that takes a request, and of each of that rule's
/// lists the first entry that the request meets.
#[derive(Debug)]
pub(in crate::walk) struct Partition {
    pub(in crate::walk) rules: Vec<Rule>,
    pub(in crate::walk) lists: Vec<Vec<List>>,
    pub(in crate::walk) frame: Frame,
}

impl Partition {
    fn place(&self, request: &Request) -> Result<(usize, Vec<Option<usize>>), String> {
        let rule = self.rule(request)?;
        let mut entries = Vec::new();
        for List { list, .. } in self.lists.get(rule).into_iter().flatten() {
            let (entry, then) = list.entry(request, &self.frame)?;
            entries.push(entry);
            if then == Then::Ends {
                break;
            }
        }
        Ok((rule, entries))
    }

    fn rule(&self, request: &Request) -> Result<usize, String> {
        for (place, rule) in self.rules.iter().enumerate() {
            match rule.matches(request, &self.frame) {
                Match::No => {}
                Match::Yes => return Ok(place),
                Match::Share(_) => return Err("it is left to chance".to_owned()),
                Match::Unknown(why) => return Err(why),
            }
        }
        Err("no rule takes it".to_owned())
    }
}

/// Whether an answer about all requests rests on some.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weight {
    /// It does.
    Counts,
    /// No route takes them, or somebody meant them to end: a redirect, an answer of the route's, a denial. They are
    /// listed, and do not make a host that is fine fail in part.
    Aside,
}

impl AskedFor {
    /// Whether a request is of one of these kinds; an error, with the reason, where that cannot be told.
    pub fn has(&self, request: &Request) -> Result<bool, String> {
        let (rule, entries) = self.partition.place(request)?;
        Ok(self.kinds.iter().any(|kind| kind.rule == rule && kind.entries == entries))
    }

    /// Its first request.
    pub fn witness(&self) -> Option<&Request> {
        self.kinds.first().map(|kind| &kind.witness)
    }
}
