//! The kinds of requests that an open question asks about.

use std::sync::Arc;

use crate::envoy::classes::{Frame, Request, Rule};
use crate::envoy::matcher::Match;

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
}

/// What tells all kinds of requests of a question apart: a request is of the kind of the first rule that takes it.
#[derive(Debug)]
pub(in crate::walk) struct Partition {
    pub(in crate::walk) rules: Vec<Rule>,
    pub(in crate::walk) frame: Frame,
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
        let Partition { rules, frame } = &*self.partition;
        for (place, rule) in rules.iter().enumerate() {
            match rule.matches(request, frame) {
                Match::No => {}
                Match::Yes => return Ok(self.kinds.iter().any(|kind| kind.rule == place)),
                Match::Share(_) => return Err("a rule leaves it to chance".to_owned()),
                Match::Unknown(why) => return Err(why),
            }
        }
        Ok(false)
    }

    /// Its first request.
    pub fn witness(&self) -> Option<&Request> {
        self.kinds.first().map(|kind| &kind.witness)
    }
}
