//! The kinds of requests that an open question asks about.

use crate::envoy::classes::Request;

use super::stop::RequestKind;

/// Kinds of requests that both proxies treat alike.
#[derive(Clone, PartialEq, Debug)]
pub struct AskedFor {
    /// Each of them, in the order of the routes.
    pub kinds: Vec<Kind>,
    /// Whether the answer rests on them.
    pub weight: Weight,
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
    /// Its first request.
    pub fn witness(&self) -> Option<&Request> {
        self.kinds.first().map(|kind| &kind.witness)
    }
}
