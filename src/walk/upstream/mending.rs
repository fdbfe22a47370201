//! What of a cluster's stops a walk takes as repaired: its hosts get requests then, as they are.

use crate::envoy::health::{Class, Host};
use crate::envoy::load::Spread;
use crate::verdict::Stage;
use crate::walk::upstream::assignment::Assignment;
use crate::walk::upstream::evaluated::{Evaluated, Mended, withheld};
use crate::walk::upstream::hosts::drop_of;
use crate::walk::way::forwarded::Wire;
use crate::walk::way::guard::Condition;
use crate::walk::way::log::Row;
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

/// What is taken as repaired at one cluster.
pub(in crate::walk) struct Mending<'a> {
    walker: &'a Walker<'a>,
    name: &'a str,
    wire: Wire,
    repaired: Vec<Mended>,
    /// What it rests on then.
    conditions: Vec<Condition>,
}

impl<'a> Mending<'a> {
    /// Nothing yet.
    pub(in crate::walk) fn of(walker: &'a Walker<'a>, name: &'a str, wire: Wire) -> Self {
        Self { walker, name, wire, repaired: Vec::new(), conditions: Vec::new() }
    }

    /// Where no host could be chosen, those that there are: the healthy ones; where none is, all of them, and whether
    /// they would serve is open.
    pub(in crate::walk) fn hosts(&mut self, spread: Spread, hosts: &[Host], subset: &mut String) -> Spread {
        if spread.without_host <= 0.0 || hosts.is_empty() || !self.takes(self.wire.no_host()) {
            return spread;
        }
        subset.clear();
        let well: Vec<bool> = hosts.iter().map(|host| host.class != Class::Unhealthy).collect();
        if well.contains(&true) {
            return Spread { eligible: well, without_host: 0.0, panic: false };
        }
        let why = format!("none of the endpoints of cluster {} is healthy at this moment", self.name);
        self.conditions.push(withheld(self.name, &why).provided_that("one of its endpoints is well again"));
        Spread::over_any(hosts.len())
    }

    /// Requests that the assignment drops are not dropped.
    pub(in crate::walk) fn drops(&mut self, assignment: &mut Assignment) {
        if assignment.dropped > 0.0 && self.takes(drop_of(assignment.dropped)) {
            assignment.dropped = 0.0;
        }
    }

    /// What was taken as repaired, with what comes of it.
    pub(in crate::walk) fn end(self, evaluated: Evaluated) -> Evaluated {
        evaluated.under(self.conditions).mended(self.repaired)
    }

    /// Whether the walk takes this stop as repaired; it is noted then.
    pub(in crate::walk) fn takes(&mut self, stop: Stop) -> bool {
        let is_repaired = self.walker.is_repaired(&stop, self.name);
        if is_repaired {
            let row = Row::stopped(Stage::Endpoints, &stop.words(), "");
            self.repaired.push((stop, self.name.to_owned(), row));
        }
        is_repaired
    }
}
