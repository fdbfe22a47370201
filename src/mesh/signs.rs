//! What tells whose mesh a proxy is of: what it calls itself, and the names of what it holds.
//!
//! Nothing is read for this alone: what was not read is no sign.

use crate::snapshot::{Lookup, Node, Origin, Snapshot};

/// A proxy, as far as it was read.
#[derive(Clone, Copy, Debug)]
pub struct Signs<'a> {
    snapshot: &'a Snapshot,
    origin: Origin,
}

impl<'a> Signs<'a> {
    /// Of the proxy that answers there.
    pub fn of(snapshot: &'a Snapshot, origin: Origin) -> Self {
        Self { snapshot, origin }
    }

    /// What the proxy says of itself.
    pub fn identity(&self) -> Option<Node> {
        found(self.snapshot.server_info(self.origin))
    }

    /// Whether it has a listener of this name.
    pub fn has_listener(&self, name: &str) -> bool {
        found(self.snapshot.listeners(self.origin)).is_some_and(|all| all.iter().any(|one| one.name == name))
    }

    /// Whether it has a cluster of this name.
    pub fn has_cluster(&self, name: &str) -> bool {
        found(self.snapshot.cluster(self.origin, name)).is_some()
    }
}

fn found<T>(lookup: Lookup<T>) -> Option<T> {
    match lookup {
        Lookup::Found(found) => Some(found),
        Lookup::Absent(_) | Lookup::Unread(_) => None,
    }
}
