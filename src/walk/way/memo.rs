//! What one question's walks need again and again: the same connection is taken by the same filter chain, whatever the
//! request on it says.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::snapshot::{Node, RouteTable};

use super::accepted::Accepted;
use super::course::Told;

/// What was found out for one question, by what it depends on.
#[derive(Default)]
pub(in crate::walk) struct Memo {
    accepted: RefCell<BTreeMap<String, Told<Accepted>>>,
    tables: RefCell<BTreeMap<String, Result<Arc<RouteTable>, String>>>,
}

impl Memo {
    /// What takes a connection, as `find` finds it.
    pub(in crate::walk) fn accepted(&self, key: String, find: &dyn Fn() -> Told<Accepted>) -> Told<Accepted> {
        if let Some(known) = self.accepted.borrow().get(&key) {
            return known.clone();
        }
        let found = find();
        self.accepted.borrow_mut().insert(key, found.clone());
        found
    }

    /// The route configuration that stands in a connection manager, taken apart.
    pub(in crate::walk) fn inline(&self, config: &Node) -> Result<Arc<RouteTable>, String> {
        let key = format!("{:?} {} {}", config.origin(), config.query(), config.address());
        let mut tables = self.tables.borrow_mut();
        tables.entry(key).or_insert_with(|| RouteTable::inline(config).map(Arc::new)).clone()
    }
}
